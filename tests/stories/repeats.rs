//! Invariant 13: an ask that is sent again is the same ask, and an Idempotency-Key stands for one body of one agent.

use crate::given::{given_shop, look, refund};
use futures::future::join_all;
use serde_json::json;
use std::collections::HashSet;
use std::time::Duration;

const KEY: [(&str, &str); 1] = [("idempotency-key", "order-8812")];

#[tokio::test]
async fn thirteen_a_key_belongs_to_the_agent_that_sent_it() {
    let shop = given_shop().await;
    let other = shop.dana.post("/api/agents", json!({"name": "other", "owner": "mina@acme.test"})).await.expect(201);
    let other = shop.desk.agent(other["key"].as_str().unwrap());
    let first = shop.agent.ask_with(&KEY, refund(1)).await.expect(202);
    let second = other.ask_with(&KEY, refund(1)).await.expect(202);
    assert_ne!(first["approval_id"], second["approval_id"]);
    other.ask_with(&[("idempotency-key", "free")], refund(2)).await.expect(202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thirteen_thirty_two_identical_asks_at_once_are_one_request() {
    let shop = given_shop().await;
    let asks = (0..32).map(|_| {
        let agent = shop.agent.clone();
        tokio::spawn(async move { agent.ask_with(&KEY, refund(1)).await.expect(202) })
    });
    let ids: HashSet<String> =
        join_all(asks).await.into_iter().map(|answer| answer.unwrap()["approval_id"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(shop.dana.get("/api/requests?state=all").await.expect(200)["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thirteen_thirty_two_identical_allowed_calls_at_once_are_one_call() {
    let shop = given_shop().await;
    let asks = (0..32).map(|_| {
        let agent = shop.agent.clone();
        tokio::spawn(async move { agent.ask_with(&KEY, look("a")).await.expect(200) })
    });
    for answer in join_all(asks).await {
        assert_eq!(answer.unwrap()["result"]["data"]["id"], "re_1");
    }
    assert_eq!(shop.upstream.requests().len(), 1);
}

#[tokio::test]
async fn thirteen_the_spelling_of_a_body_does_not_make_it_another() {
    let shop = given_shop().await;
    let spelled = |body: &str| shop.agent.send(reqwest::Method::POST, "/v1/actions", &KEY, body.to_owned());
    let first = r#"{"connector":"shop","tool":"refunds_create","arguments":{"charge":"a","amount":1}}"#;
    let again = r#"{ "tool": "refunds_create", "arguments": {"amount": 1.0, "charge": "a"}, "connector": "shop" }"#;
    let first = spelled(first).await.expect(202);
    assert_eq!(spelled(again).await.expect(202)["approval_id"], first["approval_id"]);
}

#[tokio::test]
async fn thirteen_a_key_outlives_its_request_and_lives_seven_days() {
    let shop = given_shop().await;
    let first = shop.agent.ask_with(&KEY, refund(1)).await.expect(202);
    shop.desk.clock.forward(Duration::from_secs(7 * 24 * 60 * 60 - 1));
    shop.agent.end_of(first["approval_id"].as_str().unwrap()).await;
    let ended = shop.agent.ask_with(&KEY, refund(1)).await.expect(200);
    assert_eq!((&ended["approval_id"], ended["state"].as_str()), (&first["approval_id"], Some("expired")));
    assert_eq!(shop.agent.ask_with(&KEY, refund(2)).await.code(), "idempotency_mismatch");

    shop.desk.clock.forward(Duration::from_secs(1));
    let fresh = shop.agent.ask_with(&KEY, refund(2)).await.expect(202);
    assert_ne!(fresh["approval_id"], first["approval_id"]);
    assert_eq!(shop.agent.ask_with(&KEY, refund(2)).await.expect(202)["approval_id"], fresh["approval_id"]);
}

#[tokio::test]
async fn thirteen_a_key_of_a_refused_ask_is_not_used_up() {
    let shop = given_shop().await;
    let wrong = json!({"connector": "shop", "tool": "refunds_create", "arguments": {"charge": "a"}});
    assert_eq!(shop.agent.ask_with(&KEY, wrong).await.code(), "invalid_arguments");
    shop.agent.ask_with(&KEY, refund(1)).await.expect(202);
}
