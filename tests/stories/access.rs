//! Asks for access: several tools for a while, ticked one by one, signed, and granted as they were signed.

use crate::given::{Shop, file, given_shop};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use support::{Agent, Answer};

const MINUTE: Duration = Duration::from_secs(60);

/// A calendar: reading and inviting are held, wiping is denied, and one tool is nobody's to use yet.
async fn given_calendar() -> Shop {
    let shop = given_shop().await;
    let more = format!(
        "connectors:
  - slug: calendar
    kind: http
    name: Calendar
    base_url: {}
    allow_private: true
    tools:
      - {{name: events_list, method: GET, path: /events, effect: read}}
      - {{name: events_invite, method: POST, path: /events, effect: write}}
      - {{name: events_delete, method: DELETE, path: /events, effect: destructive}}
      - {{name: calendar_wipe, method: DELETE, path: /all, effect: destructive}}
      - {{name: nobody_knows, method: GET, path: /nobody, effect: read}}
",
        shop.upstream.url
    );
    let text = file(&shop.upstream.url).replace("connectors:\n", &more)
        + "  - {name: Calendar, action: request_approval, connectors: [calendar], tools: [\"events_*\"], priority: 3}
  - {name: No wiping, action: deny, connectors: [calendar], tools: [calendar_wipe]}
";
    shop.apply_and_look(&text).await;
    shop
}

const ALL: [&str; 3] = ["events_list", "events_invite", "events_delete"];

async fn post(agent: &Agent, body: Value) -> Answer {
    agent.send(Method::POST, "/v1/access-request", &[], body.to_string()).await
}

/// An ask for access to all of the calendar's events; its id and its token.
async fn asked(shop: &Shop) -> (String, String) {
    let body = json!({"connector": "calendar", "tools": ALL, "note": "Plan the week.", "duration_minutes": 90});
    let answer = post(&shop.agent, body).await.expect(202);
    assert_eq!(answer["status"], "pending");
    let text = |field: &str| answer[field].as_str().unwrap().to_owned();
    (text("request_id"), text("request_token"))
}

fn call(tool: &str) -> Value {
    json!({"connector": "calendar", "tool": tool, "arguments": {}})
}

fn granting(tools: &[&str]) -> Value {
    json!({"decision": "approve", "tools": tools})
}

async fn status(shop: &Shop, token: &str) -> Value {
    shop.agent.get(&format!("/v1/access-request/status/{token}")).await.expect(200)
}

#[track_caller]
fn is(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text);
}

#[tokio::test]
async fn the_tools_that_stay_ticked_are_granted_for_the_asked_time_and_no_others() {
    let shop = given_calendar().await;
    let (id, token) = asked(&shop).await;
    let row = shop.dana.get("/api/requests").await.expect(200)["items"][0].clone();
    assert_eq!(
        (&row["kind"], &row["more_tools"], &row["effect"]),
        (&json!("access"), &json!(2), &json!("destructive"))
    );
    assert!(row["tool"].to_string().contains("events_list"), "{row}");
    let card = shop.dana.get(&format!("/api/requests/{id}")).await.expect(200);
    let tools = card["access"]["tools"].as_array().unwrap();
    let effects: Vec<_> =
        tools.iter().map(|tool| (tool["name"].as_str().unwrap(), tool["effect"].as_str().unwrap())).collect();
    assert_eq!(effects, [("events_list", "read"), ("events_invite", "write"), ("events_delete", "destructive")]);
    assert_eq!((&card["access"]["minutes"], &card["grants"]), (&json!(90), &json!(["once"])));

    let decided = shop.dana.decide(&id, granting(&["events_invite", "events_list"])).await.expect(200);
    assert_eq!(decided["state"], "approved");
    let heard = status(&shop, &token).await;
    assert_eq!(
        (&heard["status"], &heard["granted"]["tools"]),
        (&json!("approved"), &json!(["events_list", "events_invite"]))
    );
    let same = shop.agent.get(&format!("/v1/approvals/{id}?wait=30")).await.expect(200);
    assert_eq!((&same["state"], &same["granted"]), (&json!("approved"), &heard["granted"]));
    assert!(shop.upstream.requests().is_empty(), "nothing is called by it");
    assert_eq!(shop.agent.get("/v1/agents/me/pending-actions").await.expect(200)["items"], json!([]));

    for tool in ["events_list", "events_invite"] {
        let made = shop.agent.ask(call(tool)).await.expect(200);
        assert_eq!(made["decided_by"], json!({"kind": "grant", "name": "Dana Kim"}));
    }
    assert_eq!(shop.agent.ask(call("events_delete")).await.status, 202);
    shop.desk.clock.forward(90 * MINUTE);
    assert_eq!(shop.agent.ask(call("events_list")).await.status, 202);
    assert_eq!(shop.upstream.requests().len(), 2);
}

#[tokio::test]
async fn an_approved_ask_makes_one_grant_for_each_tool_and_each_can_be_taken_back() {
    let shop = given_calendar().await;
    let (id, _) = asked(&shop).await;
    shop.dana.decide(&id, granting(&["events_list", "events_delete"])).await.expect(200);
    let granted = shop.dana.get(&format!("/api/requests/{id}")).await.expect(200)["granted"].clone();
    let granted = granted.as_array().unwrap();
    assert_eq!(granted.len(), 2);
    assert!(granted.iter().all(|grant| grant["kind"] == "access" && grant["live"] == true), "{granted:?}");
    let delete = granted.iter().find(|grant| grant["tool_name"] == "events_delete").unwrap();
    shop.dana.post(&format!("/api/grants/{}/revoke", delete["id"].as_str().unwrap()), json!({})).await.expect(200);
    assert_eq!(shop.agent.ask(call("events_delete")).await.status, 202);
    shop.agent.ask(call("events_list")).await.expect(200);
}

#[tokio::test]
async fn nothing_is_approved_with_nothing_ticked_or_with_what_was_not_asked_for() {
    let shop = given_calendar().await;
    let (id, token) = asked(&shop).await;
    let path = format!("/api/requests/{id}/decisions/start");
    for body in [
        json!({"decision": "approve"}),
        granting(&[]),
        granting(&["calendar_wipe"]),
        granting(&["events_list", "charges_get"]),
        json!({"decision": "approve", "tools": ["events_list"], "grant": "tool_1h"}),
        json!({"decision": "deny", "tools": ["events_list"]}),
    ] {
        is(&shop.dana.post(&path, body).await, 422, "invalid");
    }
    shop.dana.deny(&id, "Not this week.").await.expect(200);
    let heard = status(&shop, &token).await;
    assert_eq!(
        (&heard["status"], &heard["reason"], &heard["granted"]),
        (&json!("denied"), &json!("Not this week."), &Value::Null)
    );
    assert_eq!(shop.agent.ask(call("events_list")).await.status, 202);
}

#[tokio::test]
async fn the_ticks_are_what_is_signed() {
    let shop = given_calendar().await;
    let (id, _) = asked(&shop).await;
    let few = shop.dana.sign(&id, granting(&["events_list"])).await;
    let all = shop.dana.sign(&id, granting(&ALL)).await;
    let crossed = json!({"ceremony": all["ceremony"], "credential": few["credential"]});
    is(&shop.dana.finish(&id, crossed).await, 403, "assertion_refused");
    shop.dana.finish(&id, few).await.expect(200);

    // Written into the database afterwards, more ticks and more time give nothing.
    let database = shop.desk.database().await;
    database.run(r#"UPDATE decisions SET leave_tools = '["events_list","events_delete"]'"#).await;
    database
        .run("INSERT INTO grants SELECT lower(hex(randomblob(4)))||'-0000-7000-8000-000000000000', request_id, kind, agent_id, requester_id, connector_id, connector_version, 'events_delete', schema_hash, credential_id, credential_version, policy_id, policy_version, session_id, created_at, expires_at, NULL, NULL FROM grants")
        .await;
    for tool in ["events_delete", "events_list"] {
        assert_eq!(shop.agent.ask(call(tool)).await.status, 202, "{tool}");
    }
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn the_asked_time_is_part_of_what_is_signed() {
    let shop = given_calendar().await;
    let (id, _) = asked(&shop).await;
    shop.dana.decide(&id, granting(&["events_list"])).await.expect(200);
    let database = shop.desk.database().await;
    database.run("UPDATE requests SET access = replace(access, '\"minutes\":90', '\"minutes\":900')").await;
    database.run("UPDATE grants SET expires_at = expires_at + 48600000").await;
    shop.desk.clock.forward(100 * MINUTE);
    assert_eq!(shop.agent.ask(call("events_list")).await.status, 202);
}

#[tokio::test]
async fn of_two_approvers_what_both_ticked_counts_and_there_must_be_some() {
    let shop = given_calendar().await;
    let exported = format!(
        "{}\nflows: [{{name: Two, steps: [{{order: 1, min_approvals: 2, approvers: {{roles: [approver, admin]}}}}]}}]
settings: {{default_flow: Two}}\n",
        calendar_file(&shop).await
    );
    let jon = shop.joined("jon@acme.test", "approver", "Jon Weber").await;
    shop.apply_and_look(&exported).await;
    let (id, token) = asked(&shop).await;
    shop.dana.decide(&id, granting(&["events_list", "events_invite"])).await.expect(200);
    let path = format!("/api/requests/{id}/decisions/start");
    is(&jon.post(&path, granting(&["events_delete"])).await, 422, "invalid");
    jon.decide(&id, granting(&["events_invite", "events_delete"])).await.expect(200);
    assert_eq!(status(&shop, &token).await["granted"]["tools"], json!(["events_invite"]));
    for (tool, expected) in [("events_invite", 200), ("events_list", 202), ("events_delete", 202)] {
        assert_eq!(shop.agent.ask(call(tool)).await.status, expected, "{tool}");
    }
}

/// The desk file of a calendar, as [`given_calendar`] applies it.
async fn calendar_file(shop: &Shop) -> String {
    let listed = shop.dana.get("/api/connectors").await.expect(200);
    assert!(listed.to_string().contains("calendar"));
    let more = format!(
        "connectors:
  - {{slug: calendar, kind: http, name: Calendar, base_url: {}, allow_private: true, tools: [
      {{name: events_list, method: GET, path: /events, effect: read}},
      {{name: events_invite, method: POST, path: /events, effect: write}},
      {{name: events_delete, method: DELETE, path: /events, effect: destructive}}]}}
",
        shop.upstream.url
    );
    file(&shop.upstream.url).replace("connectors:\n", &more)
        + "  - {name: Calendar, action: request_approval, connectors: [calendar], tools: [\"events_*\"], priority: 3}\n"
}

#[tokio::test]
async fn what_a_policy_denies_nobody_is_asked_for() {
    let shop = given_calendar().await;
    for tools in [json!(["events_list", "calendar_wipe"]), json!(["nobody_knows"])] {
        let denied = post(&shop.agent, json!({"connector": "calendar", "tools": tools})).await;
        is(&denied, 403, "policy_denied");
        assert!(denied.text.contains("calendar_wipe") || denied.text.contains("nobody_knows"), "{}", denied.text);
    }
    assert_eq!(shop.dana.get("/api/requests").await.expect(200)["items"], json!([]));
    // Refused, it is on the record like a refused call.
    let all = shop.dana.get("/api/requests?state=denied").await.expect(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_the_agent_may_not_see_sounds_like_what_is_not_there() {
    let shop = given_calendar().await;
    let elsewhere = json!({"name": "blind", "owner": "mina@acme.test", "connectors": ["shop"]});
    let blind = shop.dana.post("/api/agents", elsewhere).await.expect(201);
    let blind = shop.desk.agent(blind["key"].as_str().unwrap());
    let asks = [
        post(&blind, json!({"connector": "calendar", "tools": ["events_list"]})).await,
        post(&shop.agent, json!({"connector": "nowhere", "tools": ["events_list"]})).await,
        post(&shop.agent, json!({"connector": "calendar", "tools": ["events_list", "events_fly"]})).await,
    ];
    for asked in &asks {
        is(asked, 404, "unknown_tool");
        assert_eq!(asked.json["detail"], asks[0].json["detail"]);
    }
}

#[tokio::test]
async fn an_ask_that_can_not_be_taken_is_answered_and_not_stored() {
    let shop = given_calendar().await;
    let many: Vec<_> = (0..10_000).map(|number| format!("tool_{number}")).collect();
    let with = |field: &str, value: Value| {
        let mut body = json!({"connector": "calendar", "tools": ["events_list"]});
        body[field] = value;
        body
    };
    for (body, status, code) in [
        (with("tools", json!([])), 422, "invalid"),
        (with("tools", json!(many)), 422, "invalid"),
        (with("tools", json!(["events_list", "events_list"])), 422, "invalid"),
        (with("tools", json!("events_list")), 400, "bad_request"),
        (with("tools", json!([1])), 400, "bad_request"),
        (with("platform", json!("calendar")), 400, "bad_request"),
        (with("scope", json!("events_list")), 400, "bad_request"),
        (with("surprise", json!(1)), 400, "bad_request"),
        (with("duration_minutes", json!(0)), 422, "invalid"),
        (with("duration_minutes", json!(-5)), 422, "invalid"),
        (with("duration_minutes", json!(481)), 422, "invalid"),
        (with("duration_minutes", json!(9_007_199_254_740_991_i64)), 422, "invalid"),
        (with("duration_minutes", json!(1.5)), 400, "bad_request"),
        (json!({"connector": "calendar"}), 400, "bad_request"),
        (json!({"tools": ["events_list"]}), 400, "bad_request"),
        (json!({}), 400, "bad_request"),
        (json!([]), 400, "bad_request"),
    ] {
        is(&post(&shop.agent, body).await, status, code);
    }
    let nobody = shop.desk.call(Method::POST, "/v1/access-request", Some(&with("note", json!("x")))).await;
    is(&nobody, 401, "unauthenticated");
    assert_eq!(shop.dana.get("/api/requests?state=all").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn agentvalets_words_are_taken_too() {
    let shop = given_calendar().await;
    let body = json!({"platform": "calendar", "scope": "events_list", "reason": "Plan the week."});
    let id = post(&shop.agent, body).await.expect(202)["request_id"].as_str().unwrap().to_owned();
    let card = shop.dana.get(&format!("/api/requests/{id}")).await.expect(200);
    assert_eq!(card["access"]["minutes"], 60);
    assert!(card["note"].to_string().contains("Plan the week."));
}

#[tokio::test]
async fn a_token_opens_nothing_for_another_agent_and_is_told_once() {
    let shop = given_calendar().await;
    let (id, token) = asked(&shop).await;
    let other = shop.dana.post("/api/agents", json!({"name": "other", "owner": "mina@acme.test"})).await.expect(201);
    let other = shop.desk.agent(other["key"].as_str().unwrap());
    let path = format!("/v1/access-request/status/{token}");
    is(&other.get(&path).await, 404, "not_found");
    is(&shop.desk.call(Method::GET, &path, None).await, 401, "unauthenticated");
    let mut bent = token.clone();
    let last = bent.pop().unwrap();
    bent.push(if last == 'A' { 'B' } else { 'A' });
    let bare = format!("csr_{}_", id.replace('-', ""));
    for wrong in [bent.as_str(), bare.as_str(), &id, "csr_", "nothing", "%00"] {
        is(&shop.agent.get(&format!("/v1/access-request/status/{wrong}")).await, 404, "not_found");
    }
    assert_eq!(status(&shop, &token).await["status"], "pending");
    let stored = shop.desk.database().await.texts("SELECT access FROM requests WHERE access IS NOT NULL").await;
    assert!(!stored[0].contains(&token), "{}", stored[0]);
}

#[tokio::test]
async fn the_same_key_and_body_are_one_ask_and_the_cap_counts_it() {
    let shop = given_calendar().await;
    let body = json!({"connector": "calendar", "tools": ["events_list"]}).to_string();
    let key = [("idempotency-key", "week-9")];
    let send = |body: String| shop.agent.send(Method::POST, "/v1/access-request", &key, body);
    let first = send(body.clone()).await.expect(202);
    let again = send(body.clone()).await.expect(202);
    assert_eq!((&again["request_id"], &again["request_token"]), (&first["request_id"], &Value::Null));
    is(&send(body.replace("list", "invite")).await, 422, "idempotency_mismatch");
    for _ in 0..19 {
        asked(&shop).await;
    }
    is(&post(&shop.agent, json!({"connector": "calendar", "tools": ["events_list"]})).await, 429, "too_many_pending");
}

#[tokio::test]
async fn access_is_not_claimed_and_is_taken_back_like_a_call() {
    let shop = given_calendar().await;
    let (id, token) = asked(&shop).await;
    shop.agent.send(Method::DELETE, &format!("/v1/approvals/{id}"), &[], String::new()).await.expect(200);
    assert_eq!(status(&shop, &token).await["state"], "withdrawn");

    let body = json!({"connector": "shell", "tools": ["run"]});
    let id = post(&shop.agent, body).await.expect(202)["request_id"].as_str().unwrap().to_owned();
    shop.dana.decide(&id, granting(&["run"])).await.expect(200);
    let claim = shop.agent.send(Method::POST, &format!("/v1/approvals/{id}/claim"), &[], String::new()).await;
    is(&claim, 409, "not_approved");
    let run = json!({"connector": "shell", "tool": "run", "arguments": {"command": "make"}});
    assert_eq!(shop.agent.ask(run).await.expect(200)["state"], "approved");
}

#[tokio::test]
async fn the_flow_of_the_highest_ranked_policy_asks() {
    let shop = given_calendar().await;
    let text = calendar_file(&shop).await
        + "  - {name: Deleting, action: request_approval, connectors: [calendar], tools: [events_delete], priority: 9, flow: Careful}
flows: [{name: Careful, steps: [{order: 1, approvers: {roles: [admin]}}]}]\n";
    shop.apply_and_look(&text).await;
    let (id, _) = asked(&shop).await;
    let card = shop.dana.get(&format!("/api/requests/{id}")).await.expect(200);
    assert_eq!((&card["flow"], &card["policy"]["name"]), (&json!("Careful"), &json!("Deleting")));
    let few = json!({"connector": "calendar", "tools": ["events_list", "events_invite"]});
    let id = post(&shop.agent, few).await.expect(202)["request_id"].as_str().unwrap().to_owned();
    assert_ne!(shop.dana.get(&format!("/api/requests/{id}")).await.expect(200)["flow"], "Careful");
}

#[tokio::test]
async fn a_denial_that_hangs_on_the_call_is_left_to_the_call() {
    let shop = given_calendar().await;
    let text = calendar_file(&shop).await
        + "  - {name: Nobody outside, action: deny, tools: [events_invite], when: call.arguments.guest.endsWith('@evil.test')}\n";
    shop.apply_and_look(&text).await;
    let (id, _) = asked(&shop).await;
    shop.dana.decide(&id, granting(&["events_invite"])).await.expect(200);
    let invite = |guest: &str| json!({"connector": "calendar", "tool": "events_invite", "arguments": {"guest": guest}});
    shop.agent.ask(invite("jon@acme.test")).await.expect(200);
    is(&shop.agent.ask(invite("eve@evil.test")).await, 403, "policy_denied");
    assert_eq!(shop.upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_policy_made_of_it_is_for_the_granted_tools_one_above() {
    let shop = given_calendar().await;
    let (id, _) = asked(&shop).await;
    let path = format!("/api/requests/{id}/policy-draft");
    assert_eq!(shop.dana.get(&path).await.expect(200)["tools"], json!(ALL));
    shop.dana.decide(&id, granting(&["events_list"])).await.expect(200);
    let draft = shop.dana.get(&path).await.expect(200);
    assert_eq!(
        (&draft["action"], &draft["tools"], &draft["priority"]),
        (&json!("allow"), &json!(["events_list"]), &json!(4))
    );
    assert_eq!(draft["name"], "invoice-bot: events_list in Calendar");
}

#[tokio::test]
async fn an_ask_survives_a_restart_and_expires_at_its_deadline() {
    let shop = given_calendar().await;
    let (id, token) = asked(&shop).await;
    let desk = shop.desk.restart().await;
    let (agent, dana) = (desk.agent(crate::given::KEY), shop.dana.at(&desk));
    dana.decide(&id, granting(&["events_list"])).await.expect(200);
    let heard = agent.get(&format!("/v1/access-request/status/{token}")).await.expect(200);
    assert_eq!(heard["granted"]["tools"], json!(["events_list"]));
    let body = json!({"connector": "calendar", "tools": ["events_list"]});
    let late = post(&agent, body).await.expect(202)["request_id"].as_str().unwrap().to_owned();
    desk.clock.forward(10 * MINUTE);
    assert_eq!(agent.wait(&late).await["state"], "expired");
}
