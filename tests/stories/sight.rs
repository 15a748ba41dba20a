//! Invariant 12: what belongs to one agent is nowhere for another, and people see what is theirs to see.

use crate::given::{Shop, file, given_shop, refund};
use reqwest::Method;
use serde_json::{Value, json};
use support::{Agent, Person};

/// Refunds are decided by Finance, the shell by whoever has the role.
async fn given_two_flows() -> Shop {
    let shop = given_shop().await;
    let flow = "flows: [{name: Finance, steps: [{order: 1, approvers: {groups: [Finance]}}]}]\n";
    let held = "action: request_approval, connectors: [shop]";
    shop.apply(&(with_groups(&shop).replace(held, &format!("flow: Finance, {held}")) + flow)).await;
    shop
}

/// The shop's file, in which Mina, for whom all is asked, is of the groups that flows name: each needs somebody.
fn with_groups(shop: &Shop) -> String {
    file(&shop.upstream.url).replace("groups: [Sales]", "groups: [Sales, Finance, Treasury]")
}

async fn shell(agent: &Agent) -> String {
    let asked = agent.ask(json!({"connector": "shell", "tool": "run", "arguments": {"command": "ls"}})).await;
    asked.expect(202)["approval_id"].as_str().unwrap().to_owned()
}

/// The requests that somebody sees in the list; each of them, and no other, must open as a card.
async fn seen<'a>(person: &Person, all: &[&'a str]) -> Vec<&'a str> {
    let page = person.get("/api/requests?state=all").await.expect(200);
    let listed: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    let mut seen = Vec::new();
    for id in all {
        let card = person.get(&format!("/api/requests/{id}")).await;
        assert_eq!(card.status, if listed.contains(id) { 200 } else { 404 }, "{id}: {}", card.text);
        seen.extend(listed.contains(id).then_some(*id));
    }
    seen
}

#[tokio::test]
async fn twelve_another_agent_finds_nothing_to_read_wait_on_follow_withdraw_claim_or_report() {
    let shop = given_shop().await;
    let (held, external) = (shop.held().await, shell(&shop.agent).await);
    shop.dana.approve(&external).await.expect(200);
    let other = shop.dana.post("/api/agents", json!({"name": "other", "owner": "mina@acme.test"})).await.expect(201);
    let other = shop.desk.agent(other["key"].as_str().unwrap());
    let outcome = json!({"ok": true}).to_string();
    for id in [&held, &external, "01970000-0000-7000-8000-000000000000", "nothing"] {
        let path = format!("/v1/approvals/{id}");
        let answers = [
            other.get(&path).await,
            other.get(&format!("{path}?wait=30")).await,
            other.get(&format!("{path}/events")).await,
            other.send(Method::DELETE, &path, &[], String::new()).await,
            other.send(Method::POST, &format!("{path}/claim"), &[], String::new()).await,
            other.send(Method::POST, &format!("{path}/outcome"), &[], outcome.clone()).await,
        ];
        for answer in answers {
            assert_eq!((answer.status, answer.code()), (404, "not_found"), "{}", answer.text);
        }
    }
    assert_eq!(other.get("/v1/agents/me/pending-actions").await.expect(200)["items"], json!([]));
    let now = |answer: Value| answer["state"].as_str().unwrap().to_owned();
    assert_eq!(now(shop.agent.get(&format!("/v1/approvals/{held}")).await.expect(200)), "pending");
    shop.agent.send(Method::POST, &format!("/v1/approvals/{external}/claim"), &[], String::new()).await.expect(200);
}

#[tokio::test]
async fn twelve_a_member_sees_their_own_an_approver_what_they_are_asked_and_an_admin_all() {
    let shop = given_two_flows().await;
    let mina = shop.joined("mina@acme.test", "member", "Mina Sato").await;
    let ines = shop.joined("ines@acme.test", "member", "Ines").await;
    let jon = shop.joined("jon@acme.test", "approver", "Jon Weber").await;
    let finance = json!({"email": "fay@acme.test", "role": "member", "groups": ["Finance"]});
    let fay = shop.dana.post("/api/invitations", finance).await.expect(201);
    let fay = Person::join(&shop.desk, &fay, "Fay").await;
    let (refund, shell) = (shop.held().await, shell(&shop.agent).await);
    let all = [refund.as_str(), shell.as_str()];

    assert_eq!(seen(&shop.dana, &all).await, all);
    assert_eq!(seen(&mina, &all).await, all);
    assert_eq!(seen(&ines, &all).await, [""; 0]);
    assert_eq!(seen(&jon, &all).await, [shell.as_str()]);
    assert_eq!(seen(&fay, &all).await, [refund.as_str()]);
    for (person, id) in [(&ines, &refund), (&jon, &refund), (&fay, &shell)] {
        let decide = person.deny(id, "").await;
        let withdraw = person.post(&format!("/api/requests/{id}/withdraw"), json!({})).await;
        let start = person.post(&format!("/api/requests/{id}/decisions/start"), json!({"decision": "approve"})).await;
        assert_eq!([decide.status, withdraw.status, start.status], [404; 3]);
    }
    // Mina's own: she sees it and may take it back, and never decides it.
    assert_eq!((mina.deny(&refund, "").await.code(), fay.deny(&refund, "").await.status), ("not_your_turn", 200));
    mina.post(&format!("/api/requests/{shell}/withdraw"), json!({})).await.expect(200);
}

#[tokio::test]
async fn twelve_whoever_was_asked_or_voted_still_sees_it_when_others_are_asked_from_now_on() {
    let shop = given_two_flows().await;
    let finance = json!({"email": "fay@acme.test", "role": "member", "groups": ["Finance"]});
    let fay = shop.dana.post("/api/invitations", finance).await.expect(201);
    let fay = Person::join(&shop.desk, &fay, "Fay").await;
    let (voted, asked) = (shop.held().await, shop.held().await);
    fay.deny(&voted, "").await.expect(200);
    let flow = "flows: [{name: Finance, steps: [{order: 1, approvers: {groups: [Treasury]}}]}]\n";
    shop.apply(&(with_groups(&shop).replace("{name: Refunds,", "{name: Refunds, flow: Finance,") + flow)).await;
    let later = shop.agent.ask(refund(1)).await.expect(202)["approval_id"].as_str().unwrap().to_owned();
    let all = [voted.as_str(), asked.as_str(), later.as_str()];
    assert_eq!(seen(&fay, &all).await, all[..2]);
    shop.change("/api/users", "email", "fay@acme.test", json!({"groups": []})).await;
    assert_eq!(seen(&fay, &all).await, all[..1]);
}

#[tokio::test]
async fn twelve_what_is_for_admins_is_not_for_others() {
    let shop = given_shop().await;
    let jon = shop.joined("jon@acme.test", "approver", "Jon Weber").await;
    let connector = shop.id_of("/api/connectors", "slug", "shop").await;
    let dana = shop.id_of("/api/users", "email", "dana@acme.test").await;
    let agent = shop.id_of("/api/agents", "name", "invoice-bot").await;
    let answers = [
        jon.get("/api/users").await,
        jon.call(Method::PATCH, &format!("/api/users/{dana}"), Some(json!({"active": false}))).await,
        jon.post("/api/invitations", json!({"email": "eve@acme.test", "role": "admin"})).await,
        jon.call(Method::PATCH, &format!("/api/connectors/{connector}"), Some(json!({"active": false}))).await,
        jon.post("/api/policies", json!({"name": "All", "action": "allow"})).await,
        jon.get("/api/policies").await,
    ];
    for answer in answers {
        assert_eq!((answer.status, answer.code()), (403, "forbidden"), "{}", answer.text);
    }
    let theirs = jon.call(Method::PATCH, &format!("/api/agents/{agent}"), Some(json!({"status": "suspended"}))).await;
    assert_eq!(theirs.status, 404);
    assert_eq!(jon.get("/api/agents").await.expect(200)["items"], json!([]));
}
