//! The contract's invariants, each with somebody who tries to break it. The number is the contract's.

use crate::given::{KEY, SECRET, file, given_shop, given_shop_with, refund};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use support::{Person, Upstream};

#[tokio::test]
async fn two_another_credential_since_the_approval_is_refused() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let signed = shop.dana.sign(&id, json!({"decision": "approve"})).await;
    shop.desk.apply(&file(&shop.upstream.url), &[("BOT_KEY", KEY), ("SHOP_TOKEN", "another")]).await;
    shop.dana.finish(&id, signed).await.expect(200);
    let ended = shop.agent.end_of(&id).await;
    assert_eq!((ended["state"].as_str(), ended["execution_error_code"].as_str()), (Some("failed"), Some("revoked")));
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn two_a_changed_tool_since_the_approval_is_refused() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let changed = file(&shop.upstream.url).replace("/charges/{charge}/refunds", "/everything/{charge}");
    shop.desk.apply(&changed, &[("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)]).await;
    shop.dana.approve(&id).await.expect(200);
    assert_eq!(shop.agent.end_of(&id).await["execution_error_code"], "revoked");
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn seven_a_policy_that_was_tightened_since_wins_over_the_approval() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let tighter = file(&shop.upstream.url).replace(
        "{name: Refunds, action: request_approval, connectors: [shop], tools: [refunds_create]}",
        "{name: Refunds, action: deny, connectors: [shop], tools: [refunds_create]}",
    );
    shop.desk.apply(&tighter, &[("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)]).await;
    shop.dana.approve(&id).await.expect(200);
    assert_eq!(shop.agent.end_of(&id).await["execution_error_code"], "policy_changed");
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn four_no_complete_answer_is_an_unknown_outcome_and_never_tried_again() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"id\":";
    let shop = given_shop_with(Upstream::raw(cut).await).await;
    let id = shop.held().await;
    shop.dana.approve(&id).await.expect(200);
    let ended = shop.agent.end_of(&id).await;
    assert_eq!(ended["state"], "outcome_unknown");
    let key = shop
        .agent
        .ask_with(
            &[("idempotency-key", "once")],
            json!({"connector": "shop", "tool": "charges_get", "arguments": {"charge": "a"}}),
        )
        .await;
    assert_eq!((key.status, key.code()), (502, "outcome_unknown"));
    assert_eq!(shop.upstream.requests().len(), 2);
}

#[tokio::test]
async fn five_a_decision_and_what_came_of_it_survive_a_restart() {
    let shop = given_shop().await;
    let (held, decided) = (shop.held().await, shop.held().await);
    shop.dana.approve(&decided).await.expect(200);
    shop.agent.end_of(&decided).await;
    let desk = shop.desk.restart().await;
    let agent = desk.agent(KEY);
    assert_eq!(agent.get(&format!("/v1/approvals/{decided}")).await.expect(200)["state"], "succeeded");
    assert_eq!(agent.get(&format!("/v1/approvals/{held}")).await.expect(200)["state"], "pending");
    assert_eq!(shop.upstream.requests().len(), 1);
}

#[tokio::test]
async fn six_of_racing_ends_one_wins_and_the_others_hear_its_state() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let signed = shop.dana.sign(&id, json!({"decision": "approve"})).await;
    let path = format!("/v1/approvals/{id}");
    let (approve, withdraw) =
        tokio::join!(shop.dana.finish(&id, signed), shop.agent.send(Method::DELETE, &path, &[], String::new()));
    let ended = shop.agent.end_of(&id).await;
    let mut statuses = [approve.status, withdraw.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let loser = if approve.status == 409 { approve } else { withdraw };
    assert_eq!(loser.code(), "request_ended");
    assert_eq!(shop.upstream.requests().len(), usize::from(ended["state"] == "succeeded"));
}

#[tokio::test]
async fn seven_a_request_expires_at_its_deadline_and_not_before() {
    let shop = given_shop().await;
    let id = shop.held().await;
    shop.desk.clock.forward(Duration::from_secs(10 * 60 - 1));
    assert_eq!(shop.agent.get(&format!("/v1/approvals/{id}")).await.expect(200)["state"], "pending");
    shop.desk.clock.forward(Duration::from_secs(1));
    assert_eq!(shop.agent.wait(&id).await["state"], "expired");
    let late = shop.dana.deny(&id, "").await;
    assert_eq!((late.status, late.json["state"].as_str()), (409, Some("expired")));
}

#[tokio::test]
async fn nine_nobody_approves_what_their_own_agent_asks() {
    let shop = given_shop().await;
    let agent = shop.dana.post("/api/agents", json!({"name": "danas-bot"})).await.expect(201);
    let own = shop.desk.agent(agent["key"].as_str().unwrap());
    let id = own.ask(refund(1)).await.expect(202)["approval_id"].as_str().unwrap().to_owned();
    let start = shop.dana.post(&format!("/api/requests/{id}/decisions/start"), json!({"decision": "approve"})).await;
    assert_eq!((start.status, start.code()), (403, "not_your_turn"));
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn ten_a_suspended_agent_and_an_approver_who_left_are_noticed_at_execution() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let held_by = shop.hold_executions().await;
    shop.dana.approve(&id).await.expect(200);
    shop.change("/api/agents", "name", "invoice-bot", json!({"status": "suspended"})).await;
    shop.go_on(&held_by).await;
    let ended = loop {
        let card = shop.dana.get(&format!("/api/requests/{id}")).await.expect(200);
        if card["state"] == "failed" {
            break card;
        }
    };
    assert_eq!(ended["execution_error_code"], "revoked");
    assert!(shop.upstream.requests().is_empty());
    let refused = shop.agent.ask(refund(1)).await;
    assert_eq!((refused.status, refused.code()), (403, "agent_suspended"));
}

#[tokio::test]
async fn twelve_another_agent_and_a_member_see_nothing_of_it() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let other = shop.dana.post("/api/agents", json!({"name": "other"})).await.expect(201);
    let other = shop.desk.agent(other["key"].as_str().unwrap());
    assert_eq!(other.get(&format!("/v1/approvals/{id}")).await.status, 404);
    let invitation = shop.dana.invite("ines@acme.test", "member").await;
    let ines = Person::join(&shop.desk, &invitation, "Ines").await;
    assert_eq!(ines.get(&format!("/api/requests/{id}")).await.status, 404);
    assert_eq!(ines.get("/api/requests?state=all").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn thirteen_the_same_key_and_body_are_the_same_request_and_another_body_is_refused() {
    let shop = given_shop().await;
    let key = [("idempotency-key", "order-8812")];
    let first = shop.agent.ask_with(&key, refund(1)).await.expect(202);
    let second = shop.agent.ask_with(&key, refund(1)).await.expect(202);
    assert_eq!(first["approval_id"], second["approval_id"]);
    let other = shop.agent.ask_with(&key, refund(2)).await;
    assert_eq!((other.status, other.code()), (422, "idempotency_mismatch"));
}

#[tokio::test]
async fn a_running_server_picks_up_what_is_applied_beside_it() {
    let shop = given_shop().await;
    let mut text = file(&shop.upstream.url).replace("name: Shop\n", "name: Corner shop\n");
    text.push_str("settings: {max_pending_per_agent: 1}\n");
    shop.desk.apply(&text, &[("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)]).await;
    // Nothing but the server's own look at the database changes what this says.
    while !shop.agent.get("/v1/agent/permissions").await.text.contains("Corner shop") {
        support::pause().await;
    }
    shop.held().await;
    let over = shop.agent.ask(refund(1)).await;
    assert_eq!((over.status, over.code()), (429, "too_many_pending"));
    assert!(over.headers.contains_key("retry-after"));
}
