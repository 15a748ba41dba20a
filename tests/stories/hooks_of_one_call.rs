//! An agent that calls two hooks for one call, since one is installed for the user and one for the folder; and hooks of
//! agents that name no session.

#![cfg(unix)]

use crate::hooks::{Desked, SAID, given_desk, verdict};
use crate::hooks_stopped::Hook;
use serde_json::{Value, json};
use std::time::Duration;

async fn asked(desk: &Desked) -> usize {
    desk.desk.database().await.texts("SELECT id FROM requests").await.len()
}

/// What Claude Code says before a call, with these fields instead.
fn said(fields: &[(&str, &str)]) -> Value {
    let mut said = SAID[0].json();
    fields.iter().for_each(|(field, value)| said[*field] = json!(value));
    said
}

#[tokio::test]
async fn both_hear_the_same_of_an_approval_and_one_leave_is_claimed() {
    let desk = given_desk("request_approval").await;
    let (one, other) = (Hook::that_waits(&desk).await, Hook::that_waits(&desk).await);
    assert_eq!(one.id, other.id);
    desk.dana.approve(&one.id).await.expect(200);
    assert_eq!((one.verdict().await, other.verdict().await), (SAID[0].allowed(), SAID[0].allowed()));
    let claims = "SELECT action FROM audit WHERE action = 'execution.started'";
    assert_eq!(desk.desk.database().await.texts(claims).await.len(), 1);
    // One that is called after the other is no other call either.
    assert_eq!(verdict(&desk.hook(&SAID[0], &[]).await.unwrap()), SAID[0].allowed());
    assert_eq!(asked(&desk).await, 1);
    // A leave is not for later.
    desk.desk.clock.forward(Duration::from_secs(60));
    let reason = SAID[0].reason_in(&verdict(&desk.hook(&SAID[0], &[]).await.unwrap()));
    assert!(reason.contains("claimed before"), "{reason}");
}

#[tokio::test]
async fn both_hear_the_same_of_a_denial() {
    let desk = given_desk("request_approval").await;
    let (one, other) = (Hook::that_waits(&desk).await, Hook::that_waits(&desk).await);
    desk.dana.deny(&one.id, "Not on a Friday.").await.expect(200);
    let denied = "Countersign: denied: Not on a Friday.";
    assert_eq!((one.reason().await, other.reason().await), (denied.to_owned(), denied.to_owned()));
    assert_eq!(asked(&desk).await, 1);
}

#[tokio::test]
async fn another_call_never_has_the_leave_of_the_first() {
    let desk = given_desk("request_approval").await;
    let one = Hook::that_waits(&desk).await;
    let other = Hook::of(&desk, &said(&[("tool_use_id", "toolu_2")])).await;
    assert_eq!(one.id, other.id, "the same words at once are one question");
    desk.dana.approve(&one.id).await.expect(200);
    let verdicts = [one.verdict().await, other.verdict().await];
    let (allowed, denied): (Vec<_>, Vec<_>) = verdicts.iter().partition(|verdict| **verdict == SAID[0].allowed());
    assert_eq!((allowed.len(), denied.len()), (1, 1), "{verdicts:?}");
    assert!(SAID[0].reason_in(denied[0]).contains("claimed before"), "{verdicts:?}");
}

#[tokio::test]
async fn another_session_asks_for_itself() {
    let desk = given_desk("request_approval").await;
    let one = Hook::that_waits(&desk).await;
    let other = Hook::of(&desk, &said(&[("session_id", "another")])).await;
    assert_ne!(one.id, other.id);
}

#[tokio::test]
async fn who_is_stopped_leaves_the_question_to_the_other() {
    let desk = given_desk("request_approval").await;
    let (one, other) = (Hook::that_waits(&desk).await, Hook::that_waits(&desk).await);
    one.send("-TERM").await;
    assert!(one.reason().await.contains("stopped waiting"));
    assert_eq!(desk.card(&other.id).await["state"], "pending");
    desk.dana.approve(&other.id).await.expect(200);
    assert_eq!(other.verdict().await, SAID[0].allowed());
}

#[tokio::test]
async fn the_last_that_is_stopped_takes_the_question_back() {
    let desk = given_desk("request_approval").await;
    let (one, other) = (Hook::that_waits(&desk).await, Hook::that_waits(&desk).await);
    let id = one.id.clone();
    tokio::join!(one.send("-INT"), other.send("-TERM"));
    tokio::join!(one.reason(), other.reason());
    assert_eq!(desk.card(&id).await["state"], "withdrawn");
}

#[tokio::test]
async fn without_a_session_the_same_call_joins_what_waits() {
    let desk = given_desk("request_approval").await;
    let mut said = SAID[0].json();
    for field in ["session_id", "tool_use_id"] {
        said.as_object_mut().unwrap().remove(field);
    }
    let one = Hook::of(&desk, &said).await;
    one.send("-KILL").await;
    let again = Hook::of(&desk, &said).await;
    assert_eq!(one.id, again.id);
    desk.dana.approve(&again.id).await.expect(200);
    assert_eq!(again.verdict().await, SAID[0].allowed());
}
