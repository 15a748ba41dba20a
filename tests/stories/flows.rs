//! Flows: steps in order, others asked when nobody answers, deadlines, and what approves itself.

use crate::given::{Shop, file, given_shop, refund};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use support::Person;

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// A shop whose refunds follow this flow, and two approvers beside Dana, who is the admin.
async fn given_flow(flow: &str) -> (Shop, Person, Person) {
    let shop = given_shop().await;
    let jon = shop.joined("jon@acme.test", "approver", "Jon Weber").await;
    let kai = shop.joined("kai@acme.test", "approver", "Kai Lund").await;
    let named = format!("flows: [{flow}]\nsettings: {{default_flow: Ours}}\n");
    shop.apply_and_look(&format!("{}{named}", file(&shop.upstream.url))).await;
    (shop, jon, kai)
}

const TWO_STEPS: &str = "{name: Ours, steps: [
  {order: 1, approvers: {users: [jon@acme.test]}},
  {order: 2, approvers: {roles: [admin, approver]}}]}";

#[tokio::test]
async fn steps_are_asked_in_their_order_and_each_person_votes_once() {
    let (shop, jon, kai) = given_flow(TWO_STEPS).await;
    let id = shop.held().await;
    let early = kai.post(&format!("/api/requests/{id}/decisions/start"), json!({"decision": "approve"})).await;
    assert_eq!((early.status, early.code()), (403, "not_your_turn"));
    assert_eq!(jon.approve(&id).await.expect(200)["state"], "pending");
    let again = jon.post(&format!("/api/requests/{id}/decisions/start"), json!({"decision": "approve"})).await;
    assert_eq!((again.status, again.code()), (409, "already_decided"));

    let between = kai.card(&id).await;
    assert_eq!(between["steps"][0]["asked"], json!([{"name": "Jon Weber", "vote": "approve"}]));
    let waiting = json!([{"name": "Dana Kim", "vote": null}, {"name": "Kai Lund", "vote": null}]);
    assert_eq!(between["steps"][1]["asked"], waiting);
    assert!(shop.upstream.requests().is_empty());

    assert_eq!(kai.approve(&id).await.expect(200)["state"], "approved");
    assert_eq!(shop.agent.end_of(&id).await["state"], "succeeded");
}

#[tokio::test]
async fn a_no_at_the_second_step_ends_it() {
    let (shop, jon, kai) = given_flow(TWO_STEPS).await;
    let id = shop.held().await;
    jon.approve(&id).await.expect(200);
    assert_eq!(kai.deny(&id, "Not this one.").await.expect(200)["state"], "denied");
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn the_first_steps_approval_falls_with_its_approver() {
    let (shop, jon, kai) = given_flow(TWO_STEPS).await;
    let id = shop.held().await;
    jon.approve(&id).await.expect(200);
    shop.change("/api/users", "email", "jon@acme.test", json!({"active": false})).await;
    kai.approve(&id).await.expect(200);
    let ended = shop.agent.end_of(&id).await;
    assert_eq!((ended["state"].as_str(), ended["execution_error_code"].as_str()), (Some("failed"), Some("revoked")));
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn others_are_asked_too_when_nobody_answers_in_time_and_not_before() {
    let flow = "{name: Ours, timeout_minutes: 60, steps: [{order: 1, approvers: {users: [jon@acme.test]},
      escalate_after_minutes: 20, escalate_to: {users: [kai@acme.test]}}]}";
    let (shop, _jon, kai) = given_flow(flow).await;
    let id = shop.held().await;
    shop.desk.clock.forward(minutes(20) - Duration::from_millis(1));
    assert_eq!(kai.card(&id).await["you"]["may_decide"], false);
    shop.desk.clock.forward(Duration::from_millis(1));
    let escalated = kai.card_when(&id, |card| card["steps"][0]["escalated"] == true).await;
    assert_eq!((&escalated["you"]["may_decide"], &escalated["steps"][0]["needed"]), (&json!(true), &json!(1)));
    kai.approve(&id).await.expect(200);
    assert_eq!(shop.agent.end_of(&id).await["state"], "succeeded");
}

/// What a flow that approves itself is used for: running a command is no deed of the desk's, and can't be undone.
const BY_ITSELF: &str = "{name: Ours, auto_approve_minutes: 5, auto_approve_destructive_reason: A sandbox.,
  steps: [{order: 1, approvers: {roles: [admin]}}]}";

#[tokio::test]
async fn what_nobody_answers_approves_itself_where_the_flow_says_so_and_is_marked() {
    let (shop, ..) = given_flow(BY_ITSELF).await;
    let id = shop.held().await;
    assert_eq!(shop.dana.card(&id).await["approves_itself"], true);
    shop.desk.clock.forward(minutes(5) - Duration::from_millis(1));
    assert_eq!(shop.agent.get(&format!("/v1/approvals/{id}")).await.expect(200)["state"], "pending");
    assert!(shop.upstream.requests().is_empty());
    shop.desk.clock.forward(Duration::from_millis(1));
    let ended = shop.agent.end_of(&id).await;
    assert_eq!((&ended["state"], &ended["decided_by"]), (&json!("succeeded"), &json!({"kind": "auto"})));
    assert_eq!(shop.upstream.requests().len(), 1);
    let decided = shop.dana.get("/api/requests?state=decided").await.expect(200);
    assert_eq!(decided["items"][0]["approves_itself"], true, "{decided}");
    let record = shop.desk.database().await.actions_of(&id).await;
    assert!(record.contains(&"approval.auto_approved".to_owned()), "{record:?}");
}

#[tokio::test]
async fn seven_nothing_approves_itself_after_a_denial_or_under_a_tighter_policy() {
    let (shop, ..) = given_flow(BY_ITSELF).await;
    let denied = shop.held().await;
    shop.dana.deny(&denied, "").await.expect(200);
    let tightened = shop.held().await;
    shop.dana
        .post("/api/policies", json!({"name": "No more", "action": "deny", "tools": ["refunds_create"]}))
        .await
        .expect(201);
    shop.desk.clock.forward(minutes(5));
    let held_back = shop.dana.card_when(&tightened, |card| card["approves_itself"] == false).await;
    assert_eq!(held_back["state"], "pending");
    shop.desk.clock.forward(minutes(5));
    assert_eq!(shop.agent.end_of(&tightened).await["state"], "expired");
    assert_eq!(shop.agent.end_of(&denied).await["state"], "denied");
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn seven_what_was_due_while_the_desk_was_stopped_expires_and_does_not_approve_itself() {
    let (shop, ..) = given_flow(BY_ITSELF).await;
    let id = shop.held().await;
    let Shop { desk, upstream, .. } = shop;
    let stopped = desk.stop().await;
    stopped.clock().forward(minutes(11));
    let desk = stopped.start().await;
    let ended = desk.agent(crate::given::KEY).end_of(&id).await;
    assert_eq!(ended["state"], "expired");
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn a_flow_that_approves_itself_is_refused_for_destructive_tools_unless_an_admin_says_why() {
    let shop = given_shop().await;
    let flow = |extra: Value| {
        let mut body = json!({"name": "Quick", "auto_approve_minutes": 5,
            "steps": [{"order": 1, "approvers": {"roles": ["admin"]}}]});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let made = shop.dana.post("/api/flows", flow(json!({}))).await.expect(201);
    let policy = json!({"name": "Quick refunds", "action": "request_approval", "tools": ["refunds_*"], "flow": "Quick",
        "priority": 1});
    let refused = shop.dana.post("/api/policies", policy.clone()).await;
    assert_eq!((refused.status, refused.code()), (422, "invalid"), "{}", refused.text);
    assert!(refused.text.contains("shop_refunds_create"), "{}", refused.text);

    let path = format!("/api/flows/{}", made["id"].as_str().unwrap());
    let reason = json!({"auto_approve_destructive_reason": "A sandbox."});
    shop.dana.call(Method::PUT, &path, Some(flow(reason))).await.expect(200);
    shop.dana.post("/api/policies", policy).await.expect(201);
    let back = shop.dana.call(Method::PUT, &path, Some(flow(json!({})))).await;
    assert_eq!((back.status, back.code()), (422, "invalid"), "{}", back.text);
}

#[tokio::test]
async fn a_flow_that_can_not_end_is_refused_with_the_reason() {
    let shop = given_shop().await;
    for (steps, why) in [
        (json!([{"order": 1, "approvers": {"groups": ["Nobody"]}}]), "nobody could approve"),
        (json!([{"order": 1, "min_approvals": 3, "approvers": {"roles": ["admin"]}}]), "only 1 could approve"),
        (
            json!([{"order": 1, "approvers": {"roles": ["admin"]}}, {"order": 2, "approvers": {"roles": ["admin"]}}]),
            "too few for all steps together",
        ),
        (json!([{"order": 1, "approvers": {"users": ["nobody@acme.test"]}}]), "there is no user"),
    ] {
        let refused = shop.dana.post("/api/flows", json!({"name": "X", "steps": steps})).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid"), "{}", refused.text);
        assert!(refused.text.contains(why), "{}", refused.text);
    }
    let never = json!({"name": "X", "timeout_minutes": 10, "auto_approve_minutes": 10,
        "steps": [{"order": 1, "approvers": {"roles": ["admin"]}}]});
    assert!(shop.dana.post("/api/flows", never).await.text.contains("less than `timeout_minutes`"));
    assert_eq!(shop.dana.get("/api/flows").await.expect(200)["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_flow_is_edited_by_versions_and_removed_when_nothing_uses_it() {
    let shop = given_shop().await;
    let body = json!({"name": "Finance", "steps": [{"order": 1, "approvers": {"roles": ["admin"]}}]});
    let made = shop.dana.post("/api/flows", body.clone()).await.expect(201);
    let taken = shop.dana.post("/api/flows", body.clone()).await;
    assert_eq!((taken.status, taken.code()), (409, "conflict"));
    let path = format!("/api/flows/{}", made["id"].as_str().unwrap());
    let edited = json!({"name": "Money", "steps": body["steps"], "timeout_minutes": 30, "urgent": true});
    let edited = shop.dana.call(Method::PUT, &path, Some(edited)).await.expect(200);
    assert_eq!((&edited["version"], &edited["name"]), (&json!(2), &json!("Money")));

    let policy = json!({"name": "Looks", "action": "request_approval", "tools": ["charges_get"], "flow": "Money"});
    shop.dana.post("/api/policies", policy).await.expect(201);
    let used = shop.dana.call(Method::DELETE, &path, None).await;
    assert_eq!((used.status, used.code()), (409, "conflict"));
    assert!(used.text.contains("Looks"), "{}", used.text);
    let default = shop.id_of("/api/flows", "name", "Default").await;
    assert_eq!(shop.dana.call(Method::DELETE, &format!("/api/flows/{default}"), None).await.status, 409);

    let free = json!({"name": "Free", "steps": [{"order": 1, "approvers": {"roles": ["admin"]}}]});
    let free = shop.dana.post("/api/flows", free).await.expect(201);
    let path = format!("/api/flows/{}", free["id"].as_str().unwrap());
    assert_eq!(shop.dana.call(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(shop.dana.call(Method::DELETE, &path, None).await.status, 404);
}

#[tokio::test]
async fn a_deadline_in_quiet_hours_moves_to_their_end_and_the_card_says_so() {
    // The stories' clock begins at 10:40 UTC.
    let flow = "{name: Ours, quiet_hours: {from: \"10:45\", to: \"12:00\", time_zone: UTC},
      steps: [{order: 1, approvers: {roles: [admin]}}]}";
    let (shop, ..) = given_flow(flow).await;
    let id = shop.held().await;
    let card = shop.dana.card(&id).await;
    assert_eq!(
        (card["expires_at"].as_str(), &card["deadline_moved"]),
        (Some("2026-11-23T12:00:00.000Z"), &json!(true))
    );
}

#[tokio::test]
async fn an_admin_asks_somebody_too_and_that_one_decides() {
    let flow = "{name: Ours, steps: [{order: 1, approvers: {users: [jon@acme.test]}}]}";
    let (shop, _jon, kai) = given_flow(flow).await;
    let id = shop.held().await;
    assert_eq!(kai.get(&format!("/api/requests/{id}")).await.status, 404);
    let path = format!("/api/requests/{id}/approvers");
    let party = shop.dana.post(&path, json!({"users": ["mina@acme.test"]})).await;
    assert_eq!((party.status, party.code()), (422, "invalid"), "{}", party.text);
    let asked = shop.dana.post(&path, json!({"users": ["kai@acme.test"]})).await.expect(200);
    let names: Vec<_> = asked["steps"][0]["asked"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["Jon Weber", "Kai Lund"]);
    assert_eq!(kai.get("/api/requests?state=pending").await.expect(200)["items"][0]["id"], json!(id));
    assert_eq!(kai.post(&path, json!({"users": ["jon@acme.test"]})).await.status, 403);
    kai.approve(&id).await.expect(200);
    assert_eq!(shop.agent.end_of(&id).await["state"], "succeeded");
}

#[tokio::test]
async fn two_flows_are_told_apart_by_their_names() {
    let shop = given_shop().await;
    let named = |name: &str| json!({"name": name, "steps": [{"order": 1, "approvers": {"roles": ["admin"]}}]});
    shop.dana.post("/api/flows", named("Pay out")).await.expect(201);
    for name in ["PAY OUT", "Pay\u{202e}tuo", "Pay\u{200b}out"] {
        let refused = shop.dana.post("/api/flows", named(name)).await;
        assert_eq!((refused.status, &refused.json["errors"][0]["field"]), (422, &json!("name")), "{}", refused.text);
    }
}

#[tokio::test]
async fn when_those_who_were_asked_left_the_admins_are_asked() {
    let flow = "{name: Ours, reminder_interval_minutes: 5, steps: [{order: 1, approvers: {users: [jon@acme.test]}}]}";
    let (shop, ..) = given_flow(flow).await;
    let id = shop.held().await;
    assert_eq!(shop.dana.card(&id).await["you"]["may_decide"], false);
    shop.change("/api/users", "email", "jon@acme.test", json!({"active": false})).await;
    shop.desk.clock.forward(minutes(5));
    shop.dana.card_when(&id, |card| card["you"]["may_decide"] == true).await;
    shop.dana.approve(&id).await.expect(200);
    assert_eq!(shop.agent.end_of(&id).await["state"], "succeeded");
}

#[tokio::test]
async fn three_denials_in_a_row_let_an_agent_cool_down_until_an_approver_lifts_that() {
    let (shop, jon, _) = given_flow("{name: Ours, steps: [{order: 1, approvers: {roles: [approver]}}]}").await;
    for amount in 1..=3 {
        let id = shop.agent.ask(refund(amount)).await.expect(202)["approval_id"].as_str().unwrap().to_owned();
        jon.deny(&id, "").await.expect(200);
    }
    let refused = shop.agent.ask(refund(4)).await;
    assert_eq!((refused.status, refused.code()), (429, "cooling_down"), "{}", refused.text);
    assert_eq!(refused.headers["retry-after"], "600");
    shop.agent.ask(crate::given::look("ch_1")).await.expect(200);

    let path = format!("/api/agents/{}/cool-down", shop.id_of("/api/agents", "name", "invoice-bot").await);
    assert_eq!(jon.call(Method::DELETE, &path, None).await.status, 204);
    shop.agent.ask(refund(5)).await.expect(202);
    assert_eq!(jon.call(Method::DELETE, &path, None).await.status, 409);
}

#[tokio::test]
async fn an_agent_asks_people_only_so_often_within_a_minute() {
    let shop = given_shop().await;
    shop.apply_and_look(&(file(&shop.upstream.url) + "settings: {max_asks_per_minute: 2}\n")).await;
    for amount in 1..=2 {
        shop.agent.ask(refund(amount)).await.expect(202);
    }
    let refused = shop.agent.ask(refund(3)).await;
    assert_eq!((refused.status, refused.code()), (429, "too_many_asks"), "{}", refused.text);
    assert_eq!(refused.headers["retry-after"], "60");
    shop.desk.clock.forward(minutes(1));
    shop.agent.ask(refund(3)).await.expect(202);
}

#[tokio::test]
async fn a_reported_agent_is_suspended_and_what_waits_of_it_is_taken_back() {
    let (shop, jon, _) = given_flow("{name: Ours, steps: [{order: 1, approvers: {roles: [approver]}}]}").await;
    let (first, second) = (shop.held().await, shop.agent.ask(refund(2)).await.expect(202));
    let ines = shop.joined("ines@acme.test", "member", "Ines").await;
    assert_eq!(ines.post(&format!("/api/requests/{first}/report"), json!({})).await.status, 404);
    assert_eq!(jon.post(&format!("/api/requests/{first}/report"), json!({})).await.status, 204);
    for id in [first.as_str(), second["approval_id"].as_str().unwrap()] {
        assert_eq!(shop.dana.card(id).await["state"], "withdrawn");
    }
    let refused = shop.agent.ask(refund(3)).await;
    assert_eq!((refused.status, refused.code()), (403, "agent_suspended"));
    let again = jon.post(&format!("/api/requests/{first}/report"), json!({})).await;
    assert_eq!((again.status, again.code()), (409, "conflict"));
}

#[tokio::test]
async fn a_stand_in_decides_as_themselves_for_a_time_and_never_for_a_party() {
    let (shop, jon, kai) = given_flow("{name: Ours, steps: [{order: 1, approvers: {users: [jon@acme.test]}}]}").await;
    let ines = shop.joined("ines@acme.test", "member", "Ines Roth").await;
    let until = |minutes: u64| {
        let until = 1_795_430_400_000 + i64::try_from(minutes * 60_000).unwrap();
        countersign_domain::Timestamp::from_millis(until).to_string()
    };
    for (body, why) in [
        (json!({"to": "nobody@acme.test", "until": until(60)}), "nobody with this address"),
        (json!({"to": "jon@acme.test", "until": until(60)}), "not yourself"),
        (json!({"to": "kai@acme.test", "until": until(0)}), "later"),
        (json!({"to": "kai@acme.test", "until": until(91 * 24 * 60)}), "90 days"),
    ] {
        let refused = jon.post("/api/delegations", body).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid"), "{}", refused.text);
        assert!(refused.text.contains(why), "{}", refused.text);
    }
    let made = jon.post("/api/delegations", json!({"to": "kai@acme.test", "until": until(4)})).await.expect(201);
    assert_eq!((&made["away"], &made["stand_in"]), (&json!("Jon Weber"), &json!("Kai Lund")));
    let id = shop.held().await;
    assert_eq!(kai.card(&id).await["you"]["may_decide"], true);
    kai.approve(&id).await.expect(200);
    let ended = shop.agent.end_of(&id).await;
    assert_eq!((ended["state"].as_str(), ended["decided_by"]["name"].as_str()), (Some("succeeded"), Some("Kai Lund")));

    let late = shop.held().await;
    shop.desk.clock.forward(minutes(4));
    assert_eq!(kai.get(&format!("/api/requests/{late}")).await.status, 404);
    jon.deny(&late, "").await.expect(200);

    // Mina owns the agent: nobody stands in for her, and she for nobody.
    jon.reauthenticate().await.expect(200);
    let path = format!("/api/delegations/{}", made["id"].as_str().unwrap());
    assert_eq!(jon.call(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(jon.call(Method::DELETE, &path, None).await.status, 404);
    jon.post("/api/delegations", json!({"to": "ines@acme.test", "until": until(60)})).await.expect(201);
    let id = shop.held().await;
    assert_eq!(ines.approve(&id).await.expect(200)["state"], "approved");
}
