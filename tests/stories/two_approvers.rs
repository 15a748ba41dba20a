//! A flow that asks for two: one yes is half a leave, and one no is the end.

use crate::given::{Shop, file, given_shop};
use serde_json::json;
use support::Person;

/// A shop whose refunds need two approvals; Dana is one approver, and these are two more.
async fn given_two_needed() -> (Shop, Person, Person) {
    let shop = given_shop().await;
    let flow = "flows: [{name: Two, steps: [{order: 1, min_approvals: 2, approvers: {roles: [approver, admin]}}]}]
settings: {default_flow: Two}\n";
    let jon = shop.joined("jon@acme.test", "approver", "Jon Weber").await;
    let kai = shop.joined("kai@acme.test", "approver", "Kai Lund").await;
    shop.apply_and_look(&(file(&shop.upstream.url) + flow)).await;
    (shop, jon, kai)
}

#[tokio::test]
async fn two_people_approve_before_the_call_is_made_and_the_same_one_not_twice() {
    let (shop, jon, kai) = given_two_needed().await;
    let id = shop.held().await;
    let early = shop.dana.sign(&id, json!({"decision": "approve"})).await;
    assert_eq!(jon.approve(&id).await.expect(200), json!({"id": id, "state": "pending"}));

    let path = format!("/api/requests/{id}/decisions");
    for again in [jon.post(&format!("{path}/start"), json!({"decision": "approve"})).await, jon.deny(&id, "").await] {
        assert_eq!((again.status, again.code()), (409, "already_decided"), "{}", again.text);
    }
    assert_eq!(shop.agent.get(&format!("/v1/approvals/{id}")).await.expect(200)["state"], "pending");
    assert!(shop.upstream.requests().is_empty());
    let card = kai.get(&format!("/api/requests/{id}")).await.expect(200);
    assert_eq!((&card["steps"][0]["given"], &card["steps"][0]["needed"]), (&json!(1), &json!(2)));

    assert_eq!(kai.approve(&id).await.expect(200)["state"], "approved");
    let ended = shop.agent.end_of(&id).await;
    assert_eq!((ended["state"].as_str(), ended["decided_by"]["name"].as_str()), (Some("succeeded"), Some("Kai Lund")));
    let late = shop.dana.finish(&id, early).await;
    assert_eq!((late.status, late.code()), (409, "request_ended"), "{}", late.text);
    assert_eq!(shop.upstream.requests().len(), 1);
}

#[tokio::test]
async fn one_no_ends_it_whatever_was_said_before() {
    let (shop, jon, kai) = given_two_needed().await;
    let id = shop.held().await;
    jon.approve(&id).await.expect(200);
    assert_eq!(kai.deny(&id, "Ask Finance first.").await.expect(200)["state"], "denied");
    let ended = shop.agent.end_of(&id).await;
    assert_eq!((ended["state"].as_str(), ended["reason"].as_str()), (Some("denied"), Some("Ask Finance first.")));
    let late = shop.dana.post(&format!("/api/requests/{id}/decisions/start"), json!({"decision": "approve"})).await;
    assert_eq!((late.status, late.code()), (409, "request_ended"));
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn the_yes_of_somebody_who_left_is_not_one_of_two() {
    let (shop, jon, kai) = given_two_needed().await;
    let id = shop.held().await;
    jon.approve(&id).await.expect(200);
    shop.change("/api/users", "email", "jon@acme.test", json!({"active": false})).await;
    assert_eq!(kai.approve(&id).await.expect(200)["state"], "pending");
    assert!(shop.upstream.requests().is_empty());
    assert_eq!(shop.dana.approve(&id).await.expect(200)["state"], "approved");
    assert_eq!(shop.agent.end_of(&id).await["state"], "succeeded");
    assert_eq!(shop.upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_first_yes_survives_a_restart_and_its_voter_is_not_asked_again() {
    let (shop, jon, kai) = given_two_needed().await;
    let id = shop.held().await;
    jon.approve(&id).await.expect(200);
    let desk = shop.desk.restart().await;
    let (jon, kai) = (jon.at(&desk), kai.at(&desk));
    assert_eq!(jon.deny(&id, "").await.code(), "already_decided");
    let queue = |page: serde_json::Value| page["items"][0]["your_turn"].clone();
    assert_eq!(queue(jon.get("/api/requests").await.expect(200)), false);
    assert_eq!(queue(kai.get("/api/requests").await.expect(200)), true);
    assert_eq!(kai.approve(&id).await.expect(200)["state"], "approved");
    assert_eq!(kai.end_of(&id).await["state"], "succeeded");
    assert_eq!(shop.upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_no_that_was_signed_does_not_serve_as_a_yes_on_the_same_request() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let no = shop.dana.sign(&id, json!({"decision": "deny"})).await;
    let yes = shop.dana.sign(&id, json!({"decision": "approve"})).await;
    for (ceremony, credential) in [(&yes, &no), (&no, &yes)] {
        let crossed = json!({"ceremony": ceremony["ceremony"], "credential": credential["credential"]});
        let refused = shop.dana.finish(&id, crossed).await;
        assert_eq!((refused.status, refused.code()), (403, "assertion_refused"), "{}", refused.text);
    }
    assert_eq!(shop.agent.get(&format!("/v1/approvals/{id}")).await.expect(200)["state"], "pending");
    assert_eq!(shop.dana.finish(&id, no).await.expect(200)["state"], "denied");
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn ten_when_one_of_the_two_left_since_the_call_is_not_made() {
    let (shop, jon, kai) = given_two_needed().await;
    let id = shop.held().await;
    let database = shop.hold_executions().await;
    jon.approve(&id).await.expect(200);
    assert_eq!(kai.approve(&id).await.expect(200)["state"], "approved");
    shop.change("/api/users", "email", "jon@acme.test", json!({"active": false})).await;
    shop.go_on(&database).await;
    assert_eq!(shop.agent.end_of(&id).await["execution_error_code"], "revoked");
    assert!(shop.upstream.requests().is_empty());
}
