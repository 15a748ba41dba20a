//! The main job, end to end.

use crate::given::{KEY, SECRET, file, given_shop, refund};
use reqwest::Method;
use serde_json::json;
use support::Person;

#[tokio::test]
async fn an_allowed_call_is_made_with_a_credential_that_the_agent_never_sees() {
    let shop = given_shop().await;
    let body = json!({"connector": "shop", "tool": "charges_get", "arguments": {"charge": "ch 1/2"}});
    let answer = shop.agent.ask(body).await;
    assert!(!answer.text.contains(SECRET));
    let answer = answer.expect(200);
    assert_eq!(answer["state"], "succeeded");
    assert_eq!(answer["result"], json!({"status": 200, "data": {"id": "re_1", "status": "done"}}));
    let sent = shop.upstream.requests();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].starts_with("GET /charges/ch%201%2F2 HTTP/1.1\r\n"), "{}", sent[0]);
    assert!(sent[0].contains(&format!("authorization: Bearer {SECRET}\r\n")), "{}", sent[0]);
}

#[tokio::test]
async fn a_held_call_is_made_after_a_person_countersigns_it_with_a_passkey() {
    let shop = given_shop().await;
    let id = shop.held().await;
    assert!(shop.upstream.requests().is_empty());
    let card = shop.dana.get(&format!("/api/requests/{id}")).await.expect(200);
    assert_eq!(card["you"]["may_decide"], true);
    assert_eq!(card["you"]["ceremony"], true);

    let decided = shop.dana.approve(&id).await.expect(200);
    assert_eq!(decided["id"], id.as_str());
    let ended = shop.agent.end_of(&id).await;

    assert_eq!(ended["state"], "succeeded");
    assert_eq!(ended["decided_by"], json!({"kind": "user", "name": "Dana Kim"}));
    assert_eq!(ended["result"]["data"]["id"], "re_1");
    let sent = shop.upstream.requests();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].starts_with("POST /charges/ch_1/refunds HTTP/1.1\r\n"), "{}", sent[0]);
    assert!(sent[0].contains(&format!("idempotency-key: {id}\r\n")), "{}", sent[0]);
    assert!(sent[0].ends_with("\r\n\r\n{\"amount\":4900}"), "{}", sent[0]);
}

#[tokio::test]
async fn a_caller_that_waits_hears_the_result_on_the_same_call() {
    let shop = given_shop().await;
    let agent = shop.agent.clone();
    let waiting = tokio::spawn(async move { agent.ask_with(&[("prefer", "wait=30")], refund(100)).await });
    let id = loop {
        let page = shop.dana.get("/api/requests").await.expect(200);
        if let Some(id) = page["items"][0]["id"].as_str() {
            break id.to_owned();
        }
    };
    shop.dana.approve(&id).await.expect(200);
    let answer = waiting.await.unwrap();
    assert_eq!(answer.headers["preference-applied"], "wait=30");
    assert_eq!(answer.expect(200)["state"], "succeeded");
}

#[tokio::test]
async fn a_denied_call_is_not_made_and_the_agent_hears_why() {
    let shop = given_shop().await;
    let id = shop.held().await;
    shop.dana.deny(&id, "Refund it in the shop instead.").await.expect(200);
    let ended = shop.agent.wait(&id).await;
    assert_eq!(ended["state"], "denied");
    assert_eq!(ended["reason"], "Refund it in the shop instead.");
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn what_a_policy_denies_is_refused_and_on_the_record() {
    let shop = given_shop().await;
    let refused = shop.agent.ask(json!({"connector": "shop", "tool": "shop_close"})).await;
    assert_eq!((refused.status, refused.code()), (403, "policy_denied"));
    let id = refused.json["approval_id"].as_str().unwrap();
    assert_eq!(shop.agent.get(&format!("/v1/approvals/{id}")).await.expect(200)["state"], "denied");
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn agent_valets_clients_hear_the_upstreams_own_answer() {
    let shop = given_shop().await;
    let body = json!({"platform": "shop", "scope": "charges_get", "endpoint": "/charges/ch_1", "method": "GET"});
    let answer = shop.agent.ask(body).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, r#"{"id":"re_1","status":"done"}"#));
}

#[tokio::test]
async fn an_external_action_runs_on_a_claim_that_is_won_once() {
    let shop = given_shop().await;
    let body = json!({"connector": "shell", "tool": "run", "arguments": {"command": "make deploy"}});
    let asked = shop.agent.ask(body).await.expect(202);
    let id = asked["approval_id"].as_str().unwrap();
    let claim = format!("/v1/approvals/{id}/claim");
    let early = shop.agent.send(Method::POST, &claim, &[], String::new()).await;
    assert_eq!((early.status, early.code()), (409, "not_approved"));
    shop.dana.approve(id).await.expect(200);
    assert_eq!(shop.agent.wait(id).await["state"], "approved");
    let won = shop.agent.send(Method::POST, &claim, &[], String::new()).await.expect(200);
    assert_eq!(won["arguments"], json!({"command": "make deploy"}));
    let again = shop.agent.send(Method::POST, &claim, &[], String::new()).await;
    assert_eq!((again.status, again.code()), (409, "already_claimed"));
    let report = json!({"ok": true, "detail": "deployed"}).to_string();
    shop.agent.send(Method::POST, &format!("/v1/approvals/{id}/outcome"), &[], report).await.expect(200);
    let card = shop.dana.get(&format!("/api/requests/{id}")).await.expect(200);
    assert_eq!(card["outcome"]["ok"], true);
}

#[tokio::test]
async fn somebody_who_was_invited_approves_too_and_the_second_vote_is_told_who_was_first() {
    let shop = given_shop().await;
    let invitation = shop.dana.invite("jon@acme.test", "approver").await;
    let jon = Person::join(&shop.desk, &invitation, "Jon Weber").await;
    let id = shop.held().await;
    jon.approve(&id).await.expect(200);
    shop.agent.end_of(&id).await;
    let late = shop.dana.deny(&id, "").await;
    assert_eq!((late.status, late.code()), (409, "request_ended"));
    assert_eq!(late.json["state"], "succeeded");
    let token = json!({"token": invitation["url"].as_str().unwrap().split('#').nth(1).unwrap()});
    let used = shop.desk.call(Method::POST, "/api/invitations/look", Some(&token)).await;
    assert_eq!((used.status, used.code()), (410, "link_spent"));
}

#[tokio::test]
async fn what_happened_is_counted_and_no_content_is_told() {
    let shop = given_shop().await;
    let id = shop.held().await;
    shop.dana.approve(&id).await.expect(200);
    shop.agent.end_of(&id).await;
    let metrics = shop.desk.call(Method::GET, "/metrics", None).await.text;
    for line in [
        "countersign_requests_total{state=\"pending\"}",
        "countersign_decisions_total{vote=\"approve\"}",
        "countersign_executions_total{outcome=\"succeeded\"}",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    assert!(!metrics.contains("ch_1") && !metrics.contains("refunds"));
}

#[tokio::test]
async fn a_base_url_with_capitals_is_spelled_as_it_is_sent_and_reached() {
    let shop = given_shop().await;
    let loud = shop.upstream.url.replace("http://127.0.0.1", "HTTP://LocalHost") + "/";
    shop.desk.apply(&file(&loud), &[("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)]).await;
    let id = shop.held().await;
    shop.dana.approve(&id).await.expect(200);
    assert_eq!(shop.agent.end_of(&id).await["state"], "succeeded");
    assert_eq!(shop.upstream.requests().len(), 1);
}
