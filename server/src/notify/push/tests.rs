//! What pushes say and where they may go.

use super::super::tests::{asking, asking_about};
use super::super::{Content, Message};
use super::*;
use countersign_domain::card::Segment;
use serde_json::Value;

const P256DH: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

fn said(message: &Message) -> Value {
    let written = payload::of(message);
    assert!(written.len() <= 3_993, "{} bytes", written.len());
    serde_json::from_slice(&written).unwrap()
}

fn of_kind(kind: DeliveryKind) -> Message {
    let mut message = asking("invoice-bot wants to refund ch_1");
    message.kind = kind;
    if matches!(kind, DeliveryKind::Digest | DeliveryKind::PasskeyAdded | DeliveryKind::Test) {
        message.about = None;
    }
    if kind == DeliveryKind::Ended {
        message.about.as_mut().unwrap().ending = Some(("Approved by Dana Kim".to_owned(), message.sent_at));
    }
    message
}

#[test]
fn what_asks_offers_to_review_first_and_never_to_approve() {
    let said = said(&of_kind(DeliveryKind::Asked));
    let shown = &said["notification"];
    assert_eq!(
        (said["web_push"].as_i64(), shown["title"].as_str()),
        (Some(8030), Some("invoice-bot wants to refund ch_1"))
    );
    let actions: Vec<_> = shown["actions"].as_array().unwrap().iter().map(|one| &one["action"]).collect();
    assert_eq!(actions, ["review", "deny"]);
    assert_eq!(shown["actions"][1]["navigate"], "https://desk.acme.test/approve/1?deny");
}

#[test]
fn what_ends_is_silent_and_takes_the_place_of_what_asked() {
    let (asked, ended) = (of_kind(DeliveryKind::Asked), of_kind(DeliveryKind::Ended));
    let shown = &said(&ended)["notification"];
    assert_eq!(shown["body"], "Already approved by Dana Kim at 10:40 UTC.");
    assert_eq!((&shown["silent"], &shown["actions"]), (&Value::Bool(true), &Value::Null));
    assert_eq!(payload::tag(&asked), payload::tag(&ended));
    assert_ne!(payload::tag(&asked), payload::tag(&of_kind(DeliveryKind::Decided)));
    assert_eq!((urgency(&asked), urgency(&ended)), ("high", "low"));
}

#[test]
fn a_minimal_push_says_that_something_waits_and_not_what() {
    for kind in DeliveryKind::ALL {
        let message = Message { content: Content::Minimal, ..of_kind(*kind) };
        let written = said(&message).to_string();
        for secret in ["invoice-bot", "refund", "Mina", "Shop", "Dana", "shop_"] {
            assert!(!written.contains(secret), "{kind:?} says {secret}: {written}");
        }
    }
}

#[test]
fn a_push_is_never_larger_than_push_services_take() {
    for long in ["\u{1f9fe}".repeat(5_000), "\"\\".repeat(5_000)] {
        let mut message = asking_about(&long, &long);
        let about = message.about.as_mut().unwrap();
        about.requester.clone_from(&long);
        about.headline = vec![Segment::Text { text: long }];
        assert!(said(&message)["notification"]["body"].as_str().unwrap().ends_with('…'));
    }
}

#[test]
fn a_push_service_is_public_and_spoken_to_by_https() {
    let check = |endpoint: &str, local| {
        let subscription = Subscription { endpoint: endpoint.to_owned(), p256dh: P256DH.into(), auth: AUTH.into() };
        subscription.check(local).is_ok()
    };
    assert!(check("https://updates.push.services.mozilla.com/wpush/v2/x", false));
    for inside in [
        "http://push.example.com/x",
        "https://127.0.0.1/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://169.254.169.254/x",
        "https://u:p@push.example.com/x",
        "file:///etc/passwd",
        "",
    ] {
        assert!(!check(inside, false), "{inside}");
    }
    assert!(check("http://127.0.0.1:9/x", true) && !check("http://10.0.0.1/x", true));
    assert!(!check("http://127.0.0.1:9/x", false), "a desk of elsewhere has no business on its own machine");
}

#[test]
fn keys_are_what_browsers_give() {
    let check = |p256dh: &str, auth: &str| {
        let endpoint = "https://push.example.com/x".to_owned();
        Subscription { endpoint, p256dh: p256dh.to_owned(), auth: auth.to_owned() }.check(false)
    };
    assert_eq!(check(P256DH, AUTH), Ok(()));
    assert_eq!(check(&format!("{P256DH}="), &format!("{AUTH}==")), Ok(()), "some libraries pad");
    assert!(check(&P256DH.replace('B', "C"), AUTH).is_err_and(|problem| problem.0 == "keys.p256dh"));
    assert!(check(P256DH, "c2hvcnQ").is_err_and(|problem| problem.0 == "keys.auth"));
}
