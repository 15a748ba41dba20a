//! Actions that the agent runs itself, on a claim that is won once and in time.

use crate::given::{Shop, given_shop};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use support::Answer;

const WINDOW: Duration = Duration::from_secs(10 * 60);

async fn approved(shop: &Shop) -> String {
    let body = json!({"connector": "shell", "tool": "run", "arguments": {"command": "make deploy"}});
    let id = shop.agent.ask(body).await.expect(202)["approval_id"].as_str().unwrap().to_owned();
    assert_eq!(shop.dana.approve(&id).await.expect(200)["state"], "approved");
    id
}

async fn claim(shop: &Shop, id: &str) -> Answer {
    shop.agent.send(Method::POST, &format!("/v1/approvals/{id}/claim"), &[], String::new()).await
}

async fn report(shop: &Shop, id: &str, body: Value) -> Answer {
    shop.agent.send(Method::POST, &format!("/v1/approvals/{id}/outcome"), &[], body.to_string()).await
}

#[track_caller]
fn is(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text);
}

#[tokio::test]
async fn a_claim_is_won_once_within_ten_minutes_of_the_approval() {
    let shop = given_shop().await;
    let (early, late) = (approved(&shop).await, approved(&shop).await);
    shop.desk.clock.forward(WINDOW - Duration::from_millis(1));
    let won = claim(&shop, &early).await.expect(200);
    assert_eq!((&won["tool"], &won["arguments"]), (&json!("run"), &json!({"command": "make deploy"})));
    is(&claim(&shop, &early).await, 409, "already_claimed");
    shop.desk.clock.forward(Duration::from_millis(1));
    is(&claim(&shop, &late).await, 409, "claim_expired");
    is(&claim(&shop, &early).await, 409, "already_claimed");
}

#[tokio::test]
async fn a_claim_survives_a_restart() {
    let shop = given_shop().await;
    let id = approved(&shop).await;
    claim(&shop, &id).await.expect(200);
    let Shop { desk, upstream, dana, .. } = shop;
    let desk = desk.restart().await;
    let shop = Shop { agent: desk.agent(crate::given::KEY), dana: dana.at(&desk), desk, upstream };
    is(&claim(&shop, &id).await, 409, "already_claimed");
    report(&shop, &id, json!({"ok": true})).await.expect(200);
}

#[tokio::test]
async fn what_came_of_it_is_told_once_by_whoever_won_the_claim() {
    let shop = given_shop().await;
    let id = approved(&shop).await;
    is(&report(&shop, &id, json!({"ok": true})).await, 409, "not_approved");
    claim(&shop, &id).await.expect(200);
    is(&report(&shop, &id, json!({"ok": true, "mood": "fine"})).await, 400, "bad_request");
    report(&shop, &id, json!({"ok": false, "detail": "The build broke."})).await.expect(200);
    is(&report(&shop, &id, json!({"ok": true})).await, 409, "conflict");
    let card = shop.dana.get(&format!("/api/requests/{id}")).await.expect(200);
    let detail = card["outcome"]["detail"][0]["text"].clone();
    assert_eq!((&card["outcome"]["ok"], detail), (&json!(false), json!("The build broke.")));
    let told = "SELECT action FROM audit WHERE request_id = (SELECT id FROM requests) ORDER BY seq";
    let record = shop.desk.database().await.texts(told).await;
    assert_eq!(record, ["approval.requested", "approval.approved", "execution.started", "execution.failed"]);
}

#[tokio::test]
async fn what_was_not_approved_is_not_claimed() {
    let shop = given_shop().await;
    let ask = || shop.agent.ask(json!({"connector": "shell", "tool": "run", "arguments": {}}));
    let (waiting, denied) = (ask().await.expect(202), ask().await.expect(202));
    let denied = denied["approval_id"].as_str().unwrap();
    shop.dana.deny(denied, "").await.expect(200);
    for id in [waiting["approval_id"].as_str().unwrap(), denied] {
        is(&claim(&shop, id).await, 409, "not_approved");
        is(&report(&shop, id, json!({"ok": true})).await, 409, "not_approved");
    }
}

#[tokio::test]
async fn the_same_claim_again_is_answered_as_the_first_was_for_a_minute() {
    let shop = given_shop().await;
    let (id, other) = (approved(&shop).await, approved(&shop).await);
    let claim_by = |key: &'static str, id: &str| {
        let path = format!("/v1/approvals/{id}/claim");
        let agent = &shop.agent;
        async move { agent.send(Method::POST, &path, &[("idempotency-key", key)], String::new()).await }
    };
    let won = claim_by("call-1", &id).await.expect(200);
    assert_eq!(claim_by("call-1", &id).await.expect(200), won);
    is(&claim_by("call-2", &id).await, 409, "already_claimed");
    is(&claim(&shop, &id).await, 409, "already_claimed");
    is(&claim_by("", &id).await, 400, "bad_request");
    claim_by("call-1", &other).await.expect(200);
    let told = "SELECT action FROM audit WHERE action = 'execution.started'";
    assert_eq!(shop.desk.database().await.texts(told).await.len(), 2);
    shop.desk.clock.forward(Duration::from_secs(60));
    is(&claim_by("call-1", &id).await, 409, "already_claimed");
}

#[tokio::test]
async fn of_claims_that_race_by_one_key_all_are_won_and_by_two_keys_one() {
    let shop = given_shop().await;
    for (keys, wins) in [(["a", "a"], 2), (["a", "b"], 1)] {
        let path = format!("/v1/approvals/{}/claim", approved(&shop).await);
        let claim = |key| {
            let (agent, path) = (&shop.agent, path.as_str());
            async move { agent.send(Method::POST, path, &[("idempotency-key", key)], String::new()).await.status }
        };
        let (one, other) = tokio::join!(claim(keys[0]), claim(keys[1]));
        assert_eq!([one, other].into_iter().filter(|status| *status == 200).count(), wins, "{keys:?}");
    }
}
