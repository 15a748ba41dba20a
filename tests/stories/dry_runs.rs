//! The dry run, in AuthZEN's words: what would become of an ask. Nothing comes of it.

use crate::given::{Shop, given_shop};
use reqwest::Method;
use serde_json::{Value, json};
use support::Answer;

async fn evaluate(shop: &Shop, body: &Value) -> Answer {
    shop.agent.send(Method::POST, "/v1/authzen/access", &[], body.to_string()).await
}

fn question(tool: &str, arguments: &Value) -> Value {
    json!({
        "subject": {"type": "agent", "id": "invoice-bot"},
        "action": {"name": tool, "properties": arguments},
        "resource": {"type": "connector", "id": "shop"},
        "context": {"time": "now"},
    })
}

#[tokio::test]
async fn a_dry_run_says_what_a_call_needs_and_who_says_so() {
    let shop = given_shop().await;
    let refund = json!({"charge": "ch_1", "amount": 1});
    for (tool, arguments, decision, context) in [
        ("charges_get", json!({"charge": "a"}), true, json!({"needs": "allow", "policy": "Looking"})),
        ("refunds_create", refund, false, json!({"needs": "request_approval", "policy": "Refunds", "flow": "Default"})),
        ("shop_close", json!({}), false, json!({"needs": "deny", "policy": "Never"})),
    ] {
        let answer = evaluate(&shop, &question(tool, &arguments)).await.expect(200);
        assert_eq!(answer, json!({"decision": decision, "context": context}), "{tool}");
    }
    let unknown = evaluate(&shop, &question("no_such_tool", &json!({}))).await.expect(200);
    assert_eq!((&unknown["decision"], &unknown["context"]["needs"]), (&json!(false), &json!("deny")));
}

#[tokio::test]
async fn a_dry_run_asks_for_nobody_that_the_agent_may_not_act_for() {
    let shop = given_shop().await;
    let mut body = question("charges_get", &json!({"charge": "a"}));
    for (email, decision) in [("mina@acme.test", true), ("dana@acme.test", false)] {
        body["subject"] = json!({"type": "user", "id": email});
        assert_eq!(evaluate(&shop, &body).await.expect(200)["decision"], decision, "{email}");
    }
}

#[tokio::test]
async fn nothing_comes_of_a_dry_run() {
    let shop = given_shop().await;
    let database = shop.desk.database().await;
    let record = "SELECT COUNT(*) FROM audit";
    let before = database.numbers(record).await;
    evaluate(&shop, &question("charges_get", &json!({"charge": "a"}))).await.expect(200);
    evaluate(&shop, &question("refunds_create", &json!({"charge": "ch_1", "amount": 1}))).await.expect(200);
    assert_eq!(database.numbers("SELECT COUNT(*) FROM requests").await, [0]);
    assert_eq!(database.numbers(record).await, before);
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn a_question_that_can_not_be_read_is_refused_with_what_it_should_be() {
    let shop = given_shop().await;
    let good = question("refunds_create", &json!({"charge": "ch_1", "amount": 1}));
    let with = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    for (body, status, code, said) in [
        (with("/resource/type", json!("book")), 400, "bad_request", "resource.type"),
        (with("/subject/type", json!("group")), 400, "bad_request", "subject.type"),
        (with("/subject/id", json!("another-bot")), 400, "bad_request", "subject.id"),
        (with("/action/properties/amount", json!("much")), 422, "invalid_arguments", "amount"),
        (json!({"subject": {}}), 400, "bad_request", "type"),
    ] {
        let refused = evaluate(&shop, &body).await;
        assert_eq!((refused.status, refused.code()), (status, code), "{body}: {}", refused.text);
        assert!(refused.text.contains(said), "{}", refused.text);
    }
}
