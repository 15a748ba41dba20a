//! Who stands behind an ask: the agent's owner, or whoever it may act for. Neither countersigns it.

use crate::given::{Shop, file, given_shop, refund};
use serde_json::{Value, json};
use support::{Answer, Person};

const MAY_ACT_FOR: &str = "may_act_for: {users: [dana@acme.test], groups: [Finance]}";

/// A shop whose agent belongs to Jon, an approver, and may act for Dana and for Finance, where Ines is.
async fn given_team(more: &str) -> (Shop, Person) {
    let shop = given_shop().await;
    let jon = shop.joined("jon@acme.test", "approver", "Jon Weber").await;
    let people = "users:\n  - {email: ines@acme.test, name: Ines Roth, groups: [Finance]}\n";
    let desk = file(&shop.upstream.url)
        .replace("users:\n", people)
        .replace("owner: mina@acme.test,", &format!("owner: jon@acme.test, {MAY_ACT_FOR},"));
    shop.apply_and_look(&(desk + more)).await;
    (shop, jon)
}

fn refund_for(email: &str) -> Value {
    let mut ask = refund(4_900);
    ask["on_behalf_of"] = json!(email);
    ask
}

async fn held_for(shop: &Shop, email: &str) -> String {
    shop.agent.ask(refund_for(email)).await.expect(202)["approval_id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn is(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text);
}

#[tokio::test]
async fn nine_neither_the_requester_nor_the_owner_decides_and_a_third_does() {
    let (shop, jon) = given_team("").await;
    let third = shop.joined("kai@acme.test", "approver", "Kai Lund").await;
    let id = held_for(&shop, "dana@acme.test").await;
    for party in [&shop.dana, &jon] {
        let card = party.get(&format!("/api/requests/{id}")).await.expect(200);
        assert_eq!(card["you"]["may_decide"], false);
        for vote in ["approve", "deny"] {
            let body = json!({"decision": vote});
            is(&party.post(&format!("/api/requests/{id}/decisions/start"), body.clone()).await, 403, "not_your_turn");
            is(&party.post(&format!("/api/requests/{id}/decisions"), body).await, 403, "not_your_turn");
        }
    }
    assert!(shop.upstream.requests().is_empty());
    third.approve(&id).await.expect(200);
    assert_eq!(shop.agent.end_of(&id).await["state"], "succeeded");
}

#[tokio::test]
async fn nine_where_the_flow_allows_it_each_of_them_may_decide() {
    let lone =
        "flows: [{name: Lone, allow_self_approval: true, steps: [{order: 1, approvers: {roles: [approver, admin]}}]}]
settings: {default_flow: Lone}\n";
    let (shop, jon) = given_team(lone).await;
    for (made, party) in [(1, &shop.dana), (2, &jon)] {
        let id = held_for(&shop, "dana@acme.test").await;
        party.approve(&id).await.expect(200);
        assert_eq!(shop.agent.end_of(&id).await["state"], "succeeded");
        assert_eq!(shop.upstream.requests().len(), made);
    }
}

#[tokio::test]
async fn an_agent_acts_for_those_that_it_may_and_the_card_says_for_whom() {
    let (shop, _) = given_team("").await;
    for (email, name) in
        [("dana@acme.test", "Dana Kim"), ("INES@acme.test", "Ines Roth"), ("jon@acme.test", "Jon Weber")]
    {
        let id = held_for(&shop, email).await;
        let card = shop.dana.get(&format!("/api/requests/{id}")).await.expect(200);
        assert_eq!(card["requester"]["name"], name, "{card}");
    }
}

#[tokio::test]
async fn an_agent_acts_for_nobody_else() {
    let (shop, _) = given_team("").await;
    shop.change("/api/users", "email", "ines@acme.test", json!({"active": false})).await;
    for email in ["mina@acme.test", "nobody@acme.test", "Finance", "", "ines@acme.test"] {
        is(&shop.agent.ask(refund_for(email)).await, 403, "on_behalf_of_not_permitted");
    }
    assert_eq!(shop.dana.get("/api/requests?state=all").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn what_an_agent_may_do_for_somebody_is_judged_by_who_that_is() {
    let trusted = r#"policies:
  - {name: Finance is trusted, action: allow, priority: 1, connectors: [shop], tools: [refunds_create], when: "'Finance' in user.groups"}
"#;
    let (shop, _) = given_team("").await;
    let desk = file(&shop.upstream.url)
        .replace("owner: mina@acme.test,", &format!("owner: jon@acme.test, {MAY_ACT_FOR},"))
        .replace("policies:\n", trusted);
    shop.apply_and_look(&desk).await;
    assert_eq!(shop.agent.ask(refund_for("ines@acme.test")).await.expect(200)["state"], "succeeded");
    shop.agent.ask(refund_for("dana@acme.test")).await.expect(202);
    assert_eq!(shop.upstream.requests().len(), 1);
}

#[tokio::test]
async fn ten_a_requester_who_left_gets_nothing_done() {
    let (shop, jon) = given_team("").await;
    let third = shop.joined("kai@acme.test", "approver", "Kai Lund").await;
    let id = held_for(&shop, "ines@acme.test").await;
    is(
        &jon.post(&format!("/api/requests/{id}/decisions/start"), json!({"decision": "approve"})).await,
        403,
        "not_your_turn",
    );
    shop.change("/api/users", "email", "ines@acme.test", json!({"active": false})).await;
    third.approve(&id).await.expect(200);
    assert_eq!(shop.agent.end_of(&id).await["execution_error_code"], "revoked");
    assert!(shop.upstream.requests().is_empty());
}
