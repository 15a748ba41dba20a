//! Leave for more than one call: made by a signed decision, bound to all that it was made for, and ended by any change.

use crate::given::{KEY, Shop, VARIABLES, file, given_shop, refund};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use support::{Agent, Answer, Person};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The shop's file, with refunds that can be undone: an approval of one may be for more than this one.
fn lenient(shop: &Shop) -> String {
    let tool = "path: /charges/{charge}/refunds\n        effect:";
    file(&shop.upstream.url).replace(&format!("{tool} destructive"), &format!("{tool} write"))
}

async fn given_lenient_shop() -> Shop {
    let shop = given_shop().await;
    shop.apply_and_look(&lenient(&shop)).await;
    shop
}

/// Asks for something and approves it with a grant; the request's id.
async fn approved_for(shop: &Shop, ask: Value, grant: &str) -> String {
    let id = held(shop.agent.ask(ask).await);
    shop.dana.decide(&id, json!({"decision": "approve", "grant": grant})).await.expect(200);
    id
}

/// The same, once the call was made.
async fn granted(shop: &Shop, ask: Value, grant: &str) -> String {
    let id = approved_for(shop, ask, grant).await;
    shop.agent.end_of(&id).await;
    id
}

#[track_caller]
fn held(answer: Answer) -> String {
    answer.expect(202)["approval_id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn is(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text);
}

async fn grants(person: &Person) -> Vec<Value> {
    person.get("/api/grants").await.expect(200)["items"].as_array().unwrap().clone()
}

async fn audited(shop: &Shop, action: &str) -> Vec<String> {
    let sql = format!("SELECT metadata FROM audit WHERE action = '{action}' ORDER BY seq");
    shop.desk.database().await.texts(&sql).await
}

fn in_session(session: &str, amount: i64) -> Value {
    let mut ask = refund(amount);
    ask["session_id"] = json!(session);
    ask
}

fn run(command: &str) -> Value {
    json!({"connector": "shell", "tool": "run", "arguments": {"command": command}})
}

#[tokio::test]
async fn an_approval_for_an_hour_lets_the_next_call_through_without_a_card_whatever_its_arguments() {
    let shop = given_lenient_shop().await;
    let id = granted(&shop, refund(4_900), "tool_1h").await;

    let next = shop.agent.ask(refund(17)).await.expect(200);
    assert_eq!(
        (&next["state"], &next["decided_by"]),
        (&json!("succeeded"), &json!({"kind": "grant", "name": "Dana Kim"}))
    );
    assert_eq!(shop.upstream.requests().len(), 2);
    assert_eq!(shop.dana.get("/api/requests").await.expect(200)["items"], json!([]));

    let card = shop.dana.get(&format!("/api/requests/{}", next["approval_id"].as_str().unwrap())).await.expect(200);
    assert_eq!((&card["under"]["request_id"], &card["under"]["live"]), (&json!(id), &json!(true)));
    let made = audited(&shop, "grant.made").await;
    let used = audited(&shop, "grant.used").await;
    assert_eq!((made.len(), used.len()), (1, 1));
    let grant: Value = serde_json::from_str(&made[0]).unwrap();
    assert!(used[0].contains(grant["grant_id"].as_str().unwrap()), "{}", used[0]);
}

#[tokio::test]
async fn an_agent_is_told_which_of_its_tools_a_grant_covers_and_until_when() {
    let shop = given_lenient_shop().await;
    let refunds = async || {
        let permissions = shop.agent.get("/v1/agent/permissions").await.expect(200);
        let mut tools =
            permissions["connectors"].as_array().unwrap().iter().flat_map(|one| one["tools"].as_array().unwrap());
        tools.find(|tool| tool["tool"] == "refunds_create").cloned().unwrap()
    };
    assert_eq!(refunds().await.get("granted_until"), None);
    granted(&shop, refund(1), "tool_1h").await;
    let grant = grants(&shop.dana).await.remove(0);
    let covered = refunds().await;
    assert_eq!((&covered["needs"], &covered["granted_until"]), (&json!("request_approval"), &grant["expires_at"]));
    shop.dana.post(&format!("/api/grants/{}/revoke", grant["id"].as_str().unwrap()), json!({})).await.expect(200);
    assert_eq!(refunds().await.get("granted_until"), None);
}

#[tokio::test]
async fn another_tool_agent_or_requester_is_not_covered() {
    let shop = given_lenient_shop().await;
    let more = lenient(&shop)
        .replace(
            "      - {name: shop_close",
            "      - {name: charges_void, method: POST, path: /void, effect: write}\n      - {name: shop_close",
        )
        .replace("tools: [refunds_create]}", "tools: [refunds_create, charges_void]}")
        .replace("key_env: BOT_KEY}", "key_env: BOT_KEY, may_act_for: {users: [ines@acme.test]}}")
        .replace("agents:\n", "  - {email: ines@acme.test, name: Ines}\nagents:\n");
    shop.apply_and_look(&more).await;
    granted(&shop, refund(1), "tool_1h").await;

    held(shop.agent.ask(json!({"connector": "shop", "tool": "charges_void", "arguments": {}})).await);
    let mut for_ines = refund(1);
    for_ines["on_behalf_of"] = json!("ines@acme.test");
    held(shop.agent.ask(for_ines).await);
    let other = shop.dana.post("/api/agents", json!({"name": "other", "owner": "mina@acme.test"})).await.expect(201);
    held(shop.desk.agent(other["key"].as_str().unwrap()).ask(refund(1)).await);
    shop.agent.ask(refund(1)).await.expect(200);
    assert_eq!(shop.upstream.requests().len(), 2);
}

#[tokio::test]
async fn a_destructive_tool_is_approved_call_by_call_unless_its_policy_says_otherwise() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let path = format!("/api/requests/{id}");
    assert_eq!(shop.dana.get(&path).await.expect(200)["grants"], json!(["once"]));
    let wide =
        shop.dana.post(&format!("{path}/decisions/start"), json!({"decision": "approve", "grant": "tool_1h"})).await;
    is(&wide, 422, "invalid");

    let open =
        file(&shop.upstream.url).replace("tools: [refunds_create]}", "tools: [refunds_create], allow_grants: true}");
    shop.apply_and_look(&open).await;
    // What waits was held by the policy as it was.
    assert_eq!(shop.dana.get(&path).await.expect(200)["grants"], json!(["once"]));
    granted(&shop, refund(1), "tool_1h").await;
    shop.agent.ask(refund(2)).await.expect(200);
}

#[tokio::test]
async fn a_policy_may_offer_no_grant_at_all() {
    let shop = given_lenient_shop().await;
    let strict = lenient(&shop).replace("tools: [refunds_create]}", "tools: [refunds_create], allow_grants: false}");
    shop.apply_and_look(&strict).await;
    let id = shop.held().await;
    assert_eq!(shop.dana.get(&format!("/api/requests/{id}")).await.expect(200)["grants"], json!(["once"]));
    let start = json!({"decision": "approve", "grant": "tool_1h"});
    is(&shop.dana.post(&format!("/api/requests/{id}/decisions/start"), start).await, 422, "invalid");
}

#[tokio::test]
async fn what_is_not_offered_or_is_no_grant_is_refused() {
    let shop = given_lenient_shop().await;
    let path = format!("/api/requests/{}/decisions/start", shop.held().await);
    for (body, status, code) in [
        (json!({"decision": "approve", "grant": "tool_session"}), 422, "invalid"),
        (json!({"decision": "deny", "grant": "tool_1h"}), 422, "invalid"),
        (json!({"decision": "approve", "tools": ["refunds_create"]}), 422, "invalid"),
        (json!({"decision": "approve", "grant": "for_ever"}), 400, "bad_request"),
        (json!({"decision": "approve", "arguments": {}}), 422, "not_available"),
    ] {
        is(&shop.dana.post(&path, body).await, status, code);
    }
}

#[tokio::test]
async fn a_grant_ends_after_its_hour_and_not_before() {
    let shop = given_lenient_shop().await;
    granted(&shop, refund(1), "tool_1h").await;
    shop.desk.clock.forward(HOUR - Duration::from_secs(1));
    shop.agent.ask(refund(2)).await.expect(200);
    shop.desk.clock.forward(Duration::from_secs(1));
    held(shop.agent.ask(refund(3)).await);
    assert_eq!(shop.upstream.requests().len(), 2);
}

#[tokio::test]
async fn a_session_grant_is_good_in_its_session_and_for_eight_hours_at_most() {
    let shop = given_lenient_shop().await;
    let id = held(shop.agent.ask(in_session("a1", 1)).await);
    assert_eq!(
        shop.dana.get(&format!("/api/requests/{id}")).await.expect(200)["grants"],
        json!(["once", "tool_1h", "tool_session"])
    );
    shop.dana.decide(&id, json!({"decision": "approve", "grant": "tool_session"})).await.expect(200);
    shop.agent.end_of(&id).await;

    shop.desk.clock.forward(7 * HOUR);
    shop.agent.ask(in_session("a1", 2)).await.expect(200);
    held(shop.agent.ask(in_session("b2", 3)).await);
    held(shop.agent.ask(refund(4)).await);
    shop.desk.clock.forward(HOUR);
    held(shop.agent.ask(in_session("a1", 5)).await);
    assert_eq!(shop.upstream.requests().len(), 2);
}

#[tokio::test]
async fn who_takes_a_grant_back_stops_it_at_once() {
    let shop = given_lenient_shop().await;
    let id = granted(&shop, refund(1), "tool_1h").await;
    let listed = grants(&shop.dana).await;
    assert_eq!((listed.len(), &listed[0]["request_id"]), (1, &json!(id)));
    let path = format!("/api/grants/{}/revoke", listed[0]["id"].as_str().unwrap());
    // Narrowing: no passkey is asked for, however long ago the last touch was.
    shop.desk.clock.forward(Duration::from_secs(30 * 60));
    assert_eq!(shop.dana.post(&path, json!({})).await.expect(200)["live"], false);
    held(shop.agent.ask(refund(2)).await);
    assert_eq!(grants(&shop.dana).await, [] as [Value; 0]);

    // Again does no harm, and is no other act.
    shop.dana.post(&path, json!({})).await.expect(200);
    assert_eq!(audited(&shop, "grant.revoked").await.len(), 1);
    let card = shop.dana.get(&format!("/api/requests/{id}")).await.expect(200);
    assert_eq!((&card["granted"][0]["live"], &card["granted"][0]["may_revoke"]), (&json!(false), &json!(true)));
    assert_eq!(shop.upstream.requests().len(), 1);
}

#[tokio::test]
async fn the_owner_the_approver_and_admins_see_a_grant_and_may_end_it_and_nobody_else() {
    let shop = given_lenient_shop().await;
    let jon = shop.joined("jon@acme.test", "approver", "Jon Weber").await;
    let kai = shop.joined("kai@acme.test", "approver", "Kai Lund").await;
    let mina = Person::by_link(&shop.desk.origin, &shop.desk.sign_in_token("mina@acme.test").await).await;
    let id = shop.held().await;
    jon.decide(&id, json!({"decision": "approve", "grant": "tool_1h"})).await.expect(200);
    shop.agent.end_of(&id).await;

    for sees in [&shop.dana, &jon, &mina] {
        let listed = grants(sees).await;
        assert_eq!((listed.len(), &listed[0]["made_by"]), (1, &json!(["Jon Weber"])));
    }
    assert_eq!(grants(&kai).await, [] as [Value; 0]);
    let agent = shop.id_of("/api/agents", "name", "invoice-bot").await;
    let of = async |agent: &str| shop.dana.get(&format!("/api/grants?agent={agent}")).await;
    assert_eq!(of(&agent).await.expect(200)["items"].as_array().unwrap().len(), 1);
    assert_eq!(of(&id).await.expect(200)["items"], json!([]));
    is(&of("nobody").await, 422, "invalid");

    let path = format!("/api/grants/{}/revoke", grants(&mina).await[0]["id"].as_str().unwrap());
    is(&kai.post(&path, json!({})).await, 404, "not_found");
    is(&kai.post(&format!("/api/grants/{id}/revoke"), json!({})).await, 404, "not_found");
    mina.post(&path, json!({})).await.expect(200);
    held(shop.agent.ask(refund(2)).await);
}

/// A grant that holds; then something changes, and it holds no more.
async fn ends_by(change: impl AsyncFn(&Shop)) {
    let shop = given_lenient_shop().await;
    granted(&shop, refund(1), "tool_1h").await;
    shop.agent.ask(refund(2)).await.expect(200);
    change(&shop).await;
    assert_eq!(grants(&shop.dana).await, [] as [Value; 0]);
    let asked = shop.agent.ask(refund(3)).await;
    assert_ne!(asked.status, 200, "{}", asked.text);
    let made = shop.upstream.requests().into_iter().filter(|request| request.contains("/refunds")).count();
    assert_eq!(made, 2);
}

#[tokio::test]
async fn an_edited_policy_ends_it() {
    ends_by(async |shop| {
        let edited = lenient(shop).replace("tools: [refunds_create]}", "tools: [refunds_create, other]}");
        shop.apply_and_look(&edited).await;
    })
    .await;
}

#[tokio::test]
async fn a_changed_schema_ends_it() {
    ends_by(async |shop| {
        shop.apply_and_look(&lenient(shop).replace("amount: {type: integer}", "amount: {type: integer, minimum: 1}"))
            .await;
    })
    .await;
}

#[tokio::test]
async fn another_effect_ends_it() {
    ends_by(async |shop| shop.apply_and_look(&file(&shop.upstream.url)).await).await;
}

#[tokio::test]
async fn a_replaced_credential_ends_it() {
    ends_by(async |shop| {
        shop.desk.apply(&lenient(shop), &[("BOT_KEY", KEY), ("SHOP_TOKEN", "another")]).await;
        shop.dana.get("/api/connectors").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn changed_settings_of_the_connector_end_it() {
    ends_by(async |shop| {
        shop.apply_and_look(
            &lenient(shop).replace("allow_private: true", "allow_private: true\n    health_path: /health"),
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn an_approver_who_left_ends_it() {
    let shop = given_lenient_shop().await;
    let jon = shop.joined("jon@acme.test", "approver", "Jon Weber").await;
    let id = shop.held().await;
    jon.decide(&id, json!({"decision": "approve", "grant": "tool_1h"})).await.expect(200);
    shop.agent.end_of(&id).await;
    shop.agent.ask(refund(2)).await.expect(200);
    shop.change("/api/users", "email", "jon@acme.test", json!({"active": false})).await;
    held(shop.agent.ask(refund(3)).await);
    assert_eq!(shop.upstream.requests().len(), 2);
}

#[tokio::test]
async fn a_suspended_agents_grant_does_not_open_the_door() {
    let shop = given_lenient_shop().await;
    granted(&shop, refund(1), "tool_1h").await;
    shop.change("/api/agents", "name", "invoice-bot", json!({"status": "suspended"})).await;
    is(&shop.agent.ask(refund(2)).await, 403, "agent_suspended");
    assert_eq!(grants(&shop.dana).await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_grant_turns_no_denial() {
    let shop = given_lenient_shop().await;
    granted(&shop, refund(1), "tool_1h").await;
    let tighter =
        lenient(&shop) + "  - {name: Big, action: deny, tools: [refunds_create], when: call.arguments.amount > 100}\n";
    shop.apply_and_look(&tighter).await;
    is(&shop.agent.ask(refund(101)).await, 403, "policy_denied");
    shop.agent.ask(refund(100)).await.expect(200);
    assert_eq!(shop.upstream.requests().len(), 2);
}

#[tokio::test]
async fn a_call_that_another_policy_holds_is_held() {
    let shop = given_lenient_shop().await;
    let two = lenient(&shop)
        + "  - {name: Big, action: request_approval, tools: [refunds_create], priority: 5, when: call.arguments.amount > 100}\n";
    shop.apply_and_look(&two).await;
    granted(&shop, refund(1), "tool_1h").await;
    held(shop.agent.ask(refund(101)).await);
    shop.agent.ask(refund(100)).await.expect(200);
}

#[tokio::test]
async fn of_two_approvers_the_narrower_counts() {
    for (first, second, after_an_hour, next) in [
        ("tool_1h", "once", None, 202),
        ("once", "tool_1h", None, 202),
        ("tool_1h", "tool_1h", None, 200),
        ("tool_session", "tool_1h", Some(202), 200),
        ("tool_session", "tool_session", Some(200), 200),
    ] {
        let shop = given_shop().await;
        let flow = "flows: [{name: Two, steps: [{order: 1, min_approvals: 2, approvers: {roles: [approver, admin]}}]}]
settings: {default_flow: Two}\n";
        let jon = shop.joined("jon@acme.test", "approver", "Jon Weber").await;
        shop.apply_and_look(&(lenient(&shop) + flow)).await;
        let id = held(shop.agent.ask(in_session("a1", 1)).await);
        shop.dana.decide(&id, json!({"decision": "approve", "grant": first})).await.expect(200);
        jon.decide(&id, json!({"decision": "approve", "grant": second})).await.expect(200);
        shop.agent.end_of(&id).await;
        assert_eq!(shop.agent.ask(in_session("a1", 2)).await.status, next, "{first} {second}");
        if let Some(status) = after_an_hour {
            assert_eq!(shop.agent.ask(refund(3)).await.status, 202, "{first} {second} outside of the session");
            shop.desk.clock.forward(HOUR);
            assert_eq!(shop.agent.ask(in_session("a1", 4)).await.status, status, "{first} {second} after an hour");
        }
    }
}

#[tokio::test]
async fn a_grant_that_somebody_wrote_into_the_database_gives_nothing_beyond_what_was_signed() {
    let shop = given_lenient_shop().await;
    let id = granted(&shop, refund(1), "tool_1h").await;
    let real = grants(&shop.dana).await[0]["id"].as_str().unwrap().to_owned();
    shop.dana.post(&format!("/api/grants/{real}/revoke"), json!({})).await.expect(200);
    let once = granted(&shop, refund(2), "once").await;
    let database = shop.desk.database().await;

    // A grant is hung on an approval of one call, and that vote's word is widened too.
    database.run(&format!("UPDATE grants SET revoked_at = NULL, revoked_by = NULL, request_id = '{once}'")).await;
    held(shop.agent.ask(refund(3)).await);
    database.run(&format!("UPDATE decisions SET leave_kind = 'tool_1h' WHERE request_id = '{once}'")).await;
    held(shop.agent.ask(refund(4)).await);

    // The real one, made to last and to be for another tool, another requester.
    database.run(&format!("UPDATE grants SET request_id = '{id}'")).await;
    shop.agent.ask(refund(5)).await.expect(200);
    database.run("UPDATE grants SET expires_at = expires_at + 86400000, created_at = created_at + 86400000").await;
    database.run(&format!("UPDATE decisions SET at = at + 86400000 WHERE request_id = '{id}'")).await;
    shop.desk.clock.forward(HOUR + Duration::from_secs(6 * 60));
    held(shop.agent.ask(refund(6)).await);
    assert_eq!(shop.upstream.requests().len(), 3);
}

#[tokio::test]
async fn a_hook_is_told_at_once_that_a_grant_covers_its_call_and_claims_it() {
    let shop = given_shop().await;
    let open = file(&shop.upstream.url).replace("connectors: [shell]}", "connectors: [shell], allow_grants: true}");
    shop.apply_and_look(&open).await;
    let in_session = |command: &str| {
        let mut ask = run(command);
        ask["session_id"] = json!("a1");
        ask
    };
    approved_for(&shop, in_session("make"), "tool_session").await;

    let next = shop.agent.ask(in_session("make test")).await.expect(200);
    assert_eq!((&next["state"], &next["decided_by"]["kind"]), (&json!("approved"), &json!("grant")));
    let claim = |id: &Value| claim(&shop.agent, id.as_str().unwrap().to_owned());
    let claimed = claim(&next["approval_id"]).await.expect(200);
    assert_eq!(claimed["arguments"], json!({"command": "make test"}));

    // Let through, and not claimed before the grant was taken back.
    let late = shop.agent.ask(in_session("make install")).await.expect(200);
    let grant = grants(&shop.dana).await[0]["id"].as_str().unwrap().to_owned();
    shop.dana.post(&format!("/api/grants/{grant}/revoke"), json!({})).await.expect(200);
    is(&claim(&late["approval_id"]).await, 403, "policy_denied");
}

async fn claim(agent: &Agent, id: String) -> Answer {
    agent.send(Method::POST, &format!("/v1/approvals/{id}/claim"), &[], String::new()).await
}

#[tokio::test]
async fn a_dry_run_knows_of_a_grant() {
    let shop = given_lenient_shop().await;
    let would = async || {
        let body = json!({
            "subject": {"type": "agent", "id": "invoice-bot"}, "resource": {"type": "connector", "id": "shop"},
            "action": {"name": "refunds_create", "properties": {"charge": "ch_1", "amount": 1}},
        });
        shop.agent.send(Method::POST, "/v1/authzen/access", &[], body.to_string()).await.expect(200)["decision"].clone()
    };
    assert_eq!(would().await, false);
    granted(&shop, refund(1), "tool_1h").await;
    assert_eq!(would().await, true);
}

#[tokio::test]
async fn the_same_key_and_body_under_a_grant_are_one_call() {
    let shop = given_lenient_shop().await;
    granted(&shop, refund(1), "tool_1h").await;
    let key = [("idempotency-key", "again")];
    let first = shop.agent.ask_with(&key, refund(2)).await.expect(200);
    let second = shop.agent.ask_with(&key, refund(2)).await.expect(200);
    assert_eq!(first["approval_id"], second["approval_id"]);
    assert_eq!(shop.upstream.requests().len(), 2);
}

#[tokio::test]
async fn a_desk_files_word_on_grants_comes_back_out_of_it() {
    let shop = given_shop().await;
    let open =
        file(&shop.upstream.url).replace("tools: [refunds_create]}", "tools: [refunds_create], allow_grants: true}");
    shop.desk.apply(&open, &VARIABLES).await;
    let policies = shop.dana.get("/api/policies").await.expect(200);
    let refunds = policies["items"].as_array().unwrap().iter().find(|policy| policy["name"] == "Refunds").unwrap();
    assert_eq!(refunds["allow_grants"], true);
}
