//! Ways in that are good once and not for long, and the touch that widening needs.

use crate::given::{Shop, file, given_shop};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use support::{Answer, Person};

const MINUTE: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(1);

#[track_caller]
fn is(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text);
}

async fn follow(shop: &Shop, token: &str) -> Answer {
    shop.desk.call(Method::POST, "/api/session/link", Some(&json!({"token": token}))).await
}

#[tokio::test]
async fn a_sign_in_link_is_good_once_within_an_hour() {
    let shop = given_shop().await;
    let (early, late) =
        (shop.desk.sign_in_token("mina@acme.test").await, shop.desk.sign_in_token("mina@acme.test").await);
    shop.desk.clock.forward(60 * MINUTE - MOMENT);
    let entered = follow(&shop, &early).await;
    assert_eq!(entered.json["user"]["email"], "mina@acme.test", "{}", entered.text);
    is(&follow(&shop, &early).await, 410, "link_spent");
    shop.desk.clock.forward(MOMENT);
    is(&follow(&shop, &late).await, 410, "link_spent");
}

#[tokio::test]
async fn of_one_link_followed_many_times_at_once_one_opens() {
    let shop = given_shop().await;
    let token = shop.desk.sign_in_token("mina@acme.test").await;
    let answers = futures::future::join_all((0..8).map(|_| follow(&shop, &token))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

#[tokio::test]
async fn a_link_of_somebody_whose_account_was_closed_opens_nothing() {
    let shop = given_shop().await;
    let token = shop.desk.sign_in_token("mina@acme.test").await;
    shop.change("/api/users", "email", "mina@acme.test", json!({"active": false})).await;
    let refused = follow(&shop, &token).await;
    is(&refused, 404, "not_found");
    assert!(!refused.headers.contains_key("set-cookie"));
}

/// Everything that widens, as one person would do it.
async fn widenings(shop: &Shop, who: &Person) -> Vec<(&'static str, Answer)> {
    let agent = format!("/api/agents/{}", shop.id_of("/api/agents", "name", "invoice-bot").await);
    let connector = format!("/api/connectors/{}", shop.id_of("/api/connectors", "slug", "shop").await);
    let user = format!("/api/users/{}", shop.id_of("/api/users", "email", "mina@acme.test").await);
    let policy = format!("/api/policies/{}", shop.id_of("/api/policies", "name", "Never").await);
    let patch = |path: &str, body: Value| {
        let path = path.to_owned();
        async move { who.call(Method::PATCH, &path, Some(body)).await }
    };
    let allow = json!({"name": "Never", "action": "allow", "tools": ["shop_close"]});
    vec![
        ("an agent's connectors", patch(&agent, json!({"connectors": ["shop", "shell"]})).await),
        ("an agent's people", patch(&agent, json!({"may_act_for": {"groups": ["Sales"]}})).await),
        ("an agent let in again", patch(&agent, json!({"status": "active"})).await),
        ("an agent's key", who.post(&format!("{agent}/key"), json!({})).await),
        ("a new agent", who.post("/api/agents", json!({"name": "another-bot"})).await),
        ("a connector switched on", patch(&connector, json!({"active": true})).await),
        (
            "a tool's effect",
            patch(&format!("{connector}/tools"), json!({"tool": "shop_close", "effect": "read"})).await,
        ),
        ("a policy", who.post("/api/policies", json!({"name": "All", "action": "allow"})).await),
        ("a policy's text", who.call(Method::PUT, &policy, Some(allow)).await),
        ("a policy switched off", patch(&policy, json!({"active": false})).await),
        ("a role", patch(&user, json!({"role": "admin"})).await),
        ("an invitation", who.try_invite("eve@acme.test", "member").await),
        ("a passkey", who.post("/api/passkeys/start", json!({"name": "Another"})).await),
    ]
}

#[tokio::test]
async fn what_widens_needs_a_passkey_touched_within_five_minutes() {
    let shop = given_shop().await;
    shop.desk.clock.forward(5 * MINUTE + MOMENT);
    for (what, answer) in widenings(&shop, &shop.dana).await {
        assert_eq!((answer.status, answer.code()), (403, "reauth_required"), "{what}: {}", answer.text);
    }
    shop.dana.reauthenticate().await.expect(200);
    shop.desk.clock.forward(5 * MINUTE);
    for (what, answer) in widenings(&shop, &shop.dana).await {
        assert!([200, 201].contains(&answer.status), "{what}: {}", answer.text);
    }
    shop.desk.clock.forward(MOMENT);
    for (what, answer) in widenings(&shop, &shop.dana).await {
        assert_eq!((answer.status, answer.code()), (403, "reauth_required"), "{what}: {}", answer.text);
    }
}

#[tokio::test]
async fn what_narrows_needs_no_touch() {
    let shop = given_shop().await;
    shop.desk.clock.forward(30 * MINUTE);
    shop.change("/api/agents", "name", "invoice-bot", json!({"status": "suspended"})).await;
    shop.change("/api/connectors", "slug", "shop", json!({"active": false})).await;
}

#[tokio::test]
async fn a_session_by_link_is_no_touch_for_somebody_who_has_a_passkey() {
    let shop = given_shop().await;
    let token = shop.desk.sign_in_token("dana@acme.test").await;
    let linked = Person::by_link(&shop.desk.origin, &token).await;
    for (what, answer) in widenings(&shop, &linked).await {
        assert_eq!((answer.status, answer.code()), (403, "reauth_required"), "{what}: {}", answer.text);
    }
    // The other session's touch is not this one's.
    shop.dana.reauthenticate().await.expect(200);
    is(&linked.post("/api/policies", json!({"name": "All", "action": "allow"})).await, 403, "reauth_required");
}

#[tokio::test]
async fn whoever_has_no_passkey_widens_only_where_the_desk_asks_for_none() {
    let shop = given_shop().await;
    let people = "users:\n  - {email: ines@acme.test, name: Ines Roth, role: admin}\n";
    let desk = file(&shop.upstream.url).replace("users:\n", people);
    shop.apply_and_look(&desk).await;
    let ines = Person::by_link(&shop.desk.origin, &shop.desk.sign_in_token("ines@acme.test").await).await;
    let widen = || ines.post("/api/policies", json!({"name": "All", "action": "allow"}));
    for confirmation in ["passkey", "session"] {
        let flow = format!(
            "flows: [{{name: Ours, confirmation: {confirmation}, steps: [{{order: 1, approvers: {{roles: [admin]}}}}]}}]\nsettings: {{default_flow: Ours}}\n"
        );
        shop.apply_and_look(&(desk.clone() + flow.as_str())).await;
        is(&widen().await, 403, "reauth_required");
    }
    let flow =
        "flows: [{name: Ours, confirmation: passkey_if_enrolled, steps: [{order: 1, approvers: {roles: [admin]}}]}]\n";
    shop.apply_and_look(&(desk + flow)).await;
    widen().await.expect(201);
}
