//! Invariants 2 and 10: between an approval and its call the world may change. Then the call is not made.

use crate::given::{KEY, SECRET, Shop, file, given_shop};
use futures::future::{BoxFuture, FutureExt as _};
use serde_json::json;
use support::{Person, Upstream};

/// Something that changes between the approval and the call.
type Change = for<'a> fn(&'a Shop) -> BoxFuture<'a, ()>;

/// Approves, lets the change happen before the call has begun, and expects the call not to be made.
async fn is_noticed(what: &str, code: &str, change: Change) {
    let shop = given_shop().await;
    let jon = shop.joined("jon@acme.test", "approver", "Jon Weber").await;
    let id = shop.held().await;
    let database = shop.hold_executions().await;
    jon.approve(&id).await.expect(200);
    change(&shop).await;
    shop.go_on(&database).await;
    let ended = shop.dana.end_of(&id).await;
    assert_eq!(
        (ended["state"].as_str(), ended["execution_error_code"].as_str()),
        (Some("failed"), Some(code)),
        "{what}"
    );
    assert!(shop.upstream.requests().is_empty(), "{what}");
}

#[tokio::test]
async fn what_is_held_between_approval_and_call_runs_when_nothing_has_changed() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let database = shop.hold_executions().await;
    assert_eq!(shop.dana.approve(&id).await.expect(200)["state"], "approved");
    shop.go_on(&database).await;
    assert_eq!(shop.agent.end_of(&id).await["state"], "succeeded");
    assert_eq!(shop.upstream.requests().len(), 1);
}

#[tokio::test]
async fn two_a_tool_that_takes_something_else_by_now_is_not_called() {
    is_noticed("schema", "revoked", |shop| {
        let changed = file(&shop.upstream.url).replace("amount: {type: integer}", "amount: {type: number}");
        async move { shop.apply(&changed).await }.boxed()
    })
    .await;
    is_noticed("path", "revoked", |shop| {
        let changed = file(&shop.upstream.url).replace("/charges/{charge}/refunds", "/everything/{charge}");
        async move { shop.apply(&changed).await }.boxed()
    })
    .await;
}

#[tokio::test]
async fn two_a_connector_that_moved_is_not_called_at_its_old_or_its_new_address() {
    let elsewhere = Upstream::answering("{}").await;
    let shop = given_shop().await;
    let id = shop.held().await;
    let database = shop.hold_executions().await;
    shop.dana.approve(&id).await.expect(200);
    shop.apply(&file(&elsewhere.url)).await;
    shop.go_on(&database).await;
    assert_eq!(shop.agent.end_of(&id).await["execution_error_code"], "revoked");
    assert!(shop.upstream.requests().is_empty() && elsewhere.requests().is_empty());
}

#[tokio::test]
async fn two_and_ten_a_credential_that_was_replaced_moved_or_taken_away_is_not_used() {
    is_noticed("another secret", "revoked", |shop| {
        let same = file(&shop.upstream.url);
        async move { shop.desk.apply(&same, &[("BOT_KEY", KEY), ("SHOP_TOKEN", "another")]).await }.boxed()
    })
    .await;
    is_noticed("another place", "revoked", |shop| {
        let moved = file(&shop.upstream.url).replace("as: bearer}", "as: header, name: X-Key}");
        async move { shop.apply(&moved).await }.boxed()
    })
    .await;
    is_noticed("none", "revoked", |shop| {
        let without = file(&shop.upstream.url).replace("    credential: {env: SHOP_TOKEN, as: bearer}\n", "");
        async move { shop.apply(&without).await }.boxed()
    })
    .await;
}

#[tokio::test]
async fn two_putting_the_old_secret_back_does_not_bring_the_approval_back() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let database = shop.hold_executions().await;
    shop.dana.approve(&id).await.expect(200);
    let same = file(&shop.upstream.url);
    for secret in ["another", SECRET] {
        shop.desk.apply(&same, &[("BOT_KEY", KEY), ("SHOP_TOKEN", secret)]).await;
    }
    shop.go_on(&database).await;
    assert_eq!(shop.agent.end_of(&id).await["execution_error_code"], "revoked");
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn ten_an_agent_that_was_suspended_or_lost_the_connector_gets_nothing_done() {
    is_noticed("suspended", "revoked", |shop| {
        shop.change("/api/agents", "name", "invoice-bot", json!({"status": "suspended"})).boxed()
    })
    .await;
    is_noticed("lost the connector", "revoked", |shop| {
        shop.change("/api/agents", "name", "invoice-bot", json!({"connectors": ["shell"]})).boxed()
    })
    .await;
}

#[tokio::test]
async fn ten_an_agent_whose_owner_left_gets_nothing_done() {
    is_noticed("owner left", "revoked", |shop| {
        shop.change("/api/users", "email", "mina@acme.test", json!({"active": false})).boxed()
    })
    .await;
    is_noticed("owner changed", "revoked", |shop| {
        let changed = file(&shop.upstream.url).replace("owner: mina@acme.test", "owner: dana@acme.test");
        async move { shop.apply(&changed).await }.boxed()
    })
    .await;
}

#[tokio::test]
async fn ten_the_approval_of_somebody_who_left_or_lost_the_role_does_not_count() {
    is_noticed("approver left", "revoked", |shop| {
        shop.change("/api/users", "email", "jon@acme.test", json!({"active": false})).boxed()
    })
    .await;
    is_noticed("approver is a member now", "revoked", |shop| {
        shop.change("/api/users", "email", "jon@acme.test", json!({"role": "member"})).boxed()
    })
    .await;
}

#[tokio::test]
async fn ten_a_connector_that_was_switched_off_is_not_called() {
    is_noticed("switched off", "revoked", |shop| {
        shop.change("/api/connectors", "slug", "shop", json!({"active": false})).boxed()
    })
    .await;
}

#[tokio::test]
async fn a_policy_that_was_switched_off_or_outweighed_since_stops_the_call() {
    is_noticed("switched off", "policy_changed", |shop| {
        shop.change("/api/policies", "name", "Refunds", json!({"active": false})).boxed()
    })
    .await;
    is_noticed("outweighed", "policy_changed", |shop| {
        let body = json!({"name": "Freeze", "action": "deny", "connectors": ["shop"]});
        async move { _ = shop.dana.post("/api/policies", body).await.expect(201) }.boxed()
    })
    .await;
}

#[tokio::test]
async fn ten_an_external_action_is_not_claimed_once_its_approver_has_left() {
    let shop = given_shop().await;
    let jon: Person = shop.joined("jon@acme.test", "approver", "Jon Weber").await;
    let body = json!({"connector": "shell", "tool": "run", "arguments": {"command": "make deploy"}});
    let id = shop.agent.ask(body).await.expect(202)["approval_id"].as_str().unwrap().to_owned();
    jon.approve(&id).await.expect(200);
    shop.change("/api/users", "email", "jon@acme.test", json!({"active": false})).await;
    let path = format!("/v1/approvals/{id}/claim");
    let claim = shop.agent.send(reqwest::Method::POST, &path, &[], String::new()).await;
    assert_eq!((claim.status, claim.code()), (403, "policy_denied"), "{}", claim.text);
}
