//! Invariant 1: no byte goes upstream without a committed leave for exactly that request. Whoever owns the database
//! file may try too.

use crate::given::{KEY, Shop, given_shop, look, refund};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use support::{Database, Desk, Person, Upstream};

#[tokio::test]
async fn one_what_nobody_approved_never_reaches_the_upstream() {
    let shop = given_shop().await;
    let (waiting, denied, withdrawn) = (shop.held().await, shop.held().await, shop.held().await);
    shop.dana.deny(&denied, "").await.expect(200);
    shop.agent.send(Method::DELETE, &format!("/v1/approvals/{withdrawn}"), &[], String::new()).await.expect(200);
    for id in [&waiting, &denied, &withdrawn] {
        let claim = shop.agent.send(Method::POST, &format!("/v1/approvals/{id}/claim"), &[], String::new()).await;
        assert_eq!((claim.status, claim.code()), (409, "not_approved"));
    }
    shop.desk.clock.forward(Duration::from_secs(10 * 60));
    assert_eq!(shop.agent.end_of(&waiting).await["state"], "expired");
    for id in [&waiting, &denied, &withdrawn] {
        let late = shop.dana.post(&format!("/api/requests/{id}/decisions/start"), json!({"decision": "approve"})).await;
        assert_eq!((late.status, late.code()), (409, "request_ended"));
    }

    let desk = shop.desk.restart().await;
    // An allowed call that comes back shows that the desk is at work, and the upstream's log that only this one went.
    desk.agent(KEY).ask(look("a")).await.expect(200);
    let sent = shop.upstream.requests();
    assert_eq!((sent.len(), sent[0].starts_with("GET /charges/a ")), (1, true), "{sent:?}");
}

#[tokio::test]
async fn one_an_approval_runs_its_own_request_and_no_other() {
    let shop = given_shop().await;
    let (first, second) = (shop.held().await, shop.held().await);
    shop.dana.approve(&second).await.expect(200);
    assert_eq!(shop.agent.end_of(&second).await["state"], "succeeded");
    assert_eq!(shop.agent.get(&format!("/v1/approvals/{first}")).await.expect(200)["state"], "pending");
    let sent = shop.upstream.requests();
    assert_eq!((sent.len(), sent[0].contains(&second)), (1, true), "{sent:?}");
}

/// What somebody writes into the database between the approval and the call; `{id}` is the approved request and
/// `{other}` one that nobody approved.
const TAMPERINGS: [(&str, &str); 11] = [
    (
        "other arguments",
        "UPDATE requests SET arguments = (SELECT arguments FROM requests WHERE id = '{other}') WHERE id = '{id}'",
    ),
    ("cut arguments", "UPDATE requests SET arguments = substr(arguments, 1, length(arguments) - 1) WHERE id = '{id}'"),
    (
        "a target beside the sealed one",
        r#"UPDATE requests SET target = '{"method":"POST","url":"https://elsewhere.test/"}' WHERE id = '{id}'"#,
    ),
    (
        "another policy",
        "UPDATE requests SET policy_id = (SELECT id FROM policies WHERE name = 'Looking') WHERE id = '{id}'",
    ),
    ("an older policy", "UPDATE requests SET policy_version = policy_version + 1 WHERE id = '{id}'"),
    ("another tool", "UPDATE requests SET tool = 'shop_close' WHERE id = '{id}'"),
    (
        "another requester",
        "UPDATE requests SET requester_id = (SELECT id FROM users WHERE email = 'dana@acme.test') WHERE id = '{id}'",
    ),
    ("a later deadline", "UPDATE requests SET expires_at = expires_at + 1 WHERE id = '{id}'"),
    (
        "another digest",
        "UPDATE requests SET digest = (SELECT digest FROM requests WHERE id = '{other}') WHERE id = '{id}'",
    ),
    ("no approval", "DELETE FROM decisions WHERE request_id = '{id}'"),
    ("another schema", "UPDATE tools SET schema_hash = 'ffff' WHERE name = 'refunds_create'"),
];

#[tokio::test]
async fn one_whatever_is_changed_in_the_database_after_an_approval_is_refused() {
    for (what, sql) in TAMPERINGS {
        let shop = given_shop().await;
        let (id, other) = (shop.held().await, shop.held().await);
        let (desk, _, upstream) = approved_and_tampered(shop, &id, &sql.replace("{other}", &other)).await;
        let ended = desk.agent(KEY).end_of(&id).await;
        assert_eq!(
            (ended["state"].as_str(), ended["execution_error_code"].as_str()),
            (Some("failed"), Some("revoked")),
            "{what}"
        );
        desk.stop().await;
        assert!(upstream.requests().is_empty(), "{what}");
    }
}

/// Approves, and lets somebody write before the call has begun.
async fn approved_and_tampered(shop: Shop, id: &str, sql: &str) -> (Desk, Person, Upstream) {
    shop.hold_executions().await;
    shop.dana.approve(id).await.expect(200);
    tampered(shop, &sql.replace("{id}", id)).await
}

async fn tampered(shop: Shop, sql: &str) -> (Desk, Person, Upstream) {
    let stopped = shop.desk.stop().await;
    let database = stopped.database().await;
    database.run("DROP TRIGGER IF EXISTS no_audit").await;
    database.run(sql).await;
    let desk = stopped.start().await;
    let dana = shop.dana.at(&desk);
    (desk, dana, shop.upstream)
}

#[tokio::test]
async fn one_a_state_that_is_only_written_runs_nothing() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let (desk, dana, upstream) = tampered(shop, &made_approved(&id)).await;
    assert_eq!(dana.end_of(&id).await["execution_error_code"], "revoked");
    desk.stop().await;
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn one_an_approval_that_was_moved_from_another_request_runs_nothing() {
    let shop = given_shop().await;
    let (approved, id) = (shop.held().await, shop.held().await);
    shop.dana.approve(&approved).await.expect(200);
    shop.agent.end_of(&approved).await;
    let moved = format!("UPDATE decisions SET request_id = '{id}';{}", made_approved(&id));
    let (desk, dana, upstream) = tampered(shop, &moved).await;
    assert_eq!(dana.end_of(&id).await["execution_error_code"], "revoked");
    desk.stop().await;
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn one_a_vote_without_the_signature_that_the_flow_asks_for_runs_nothing() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let forged = format!(
        "INSERT INTO decisions (id, request_id, user_id, vote, step, at)
         SELECT '{id}', '{id}', id, 'approve', 1, 0 FROM users WHERE email = 'dana@acme.test';{}",
        made_approved(&id)
    );
    let (desk, dana, upstream) = tampered(shop, &forged).await;
    assert_eq!(dana.end_of(&id).await["execution_error_code"], "revoked");
    desk.stop().await;
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn one_a_vote_whose_signature_somebody_made_up_runs_nothing() {
    for forge in [
        "UPDATE decisions SET signature = 'AAAA'",
        "UPDATE decisions SET authenticator_data = substr(authenticator_data, 1, 40) || 'A' || substr(authenticator_data, 42)",
        "UPDATE decisions SET rp_id = 'elsewhere.test'",
        "UPDATE decisions SET public_key = replace(public_key, 'x', 'y')",
        "UPDATE decisions SET statement = replace(statement, '\"step\":1', '\"step\":2')",
        "DELETE FROM passkeys",
    ] {
        let shop = given_shop().await;
        let id = shop.held().await;
        let (desk, dana, upstream) = approved_and_tampered(shop, &id, forge).await;
        assert_eq!(dana.end_of(&id).await["execution_error_code"], "revoked", "{forge}");
        desk.stop().await;
        assert!(upstream.requests().is_empty(), "{forge}");
    }
}

#[tokio::test]
async fn one_a_signed_no_is_not_turned_into_a_yes() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let signed = shop.dana.sign(&id, json!({"decision": "deny"})).await;
    shop.dana.finish(&id, signed).await.expect(200);
    let turned = format!("UPDATE decisions SET vote = 'approve';{}", made_approved(&id));
    let (desk, dana, upstream) = tampered(shop, &turned).await;
    assert_eq!(dana.end_of(&id).await["execution_error_code"], "revoked");
    desk.stop().await;
    assert!(upstream.requests().is_empty());
}

/// Makes a request look approved and its call due.
fn made_approved(id: &str) -> String {
    format!(
        "UPDATE requests SET state = 'approved', approved_at = updated_at, ended_at = NULL WHERE id = '{id}';
         INSERT OR REPLACE INTO timers (request_id, kind, due_at) VALUES ('{id}', 'execute', 0)"
    )
}

#[tokio::test]
async fn one_a_call_is_not_begun_later_than_ten_minutes_after_its_approval() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let database: Database = shop.hold_executions().await;
    shop.dana.approve(&id).await.expect(200);
    shop.desk.clock.forward(Duration::from_secs(10 * 60));
    shop.go_on(&database).await;
    let ended = shop.agent.end_of(&id).await;
    assert_eq!(ended["execution_error_code"], "execution_window_passed", "{ended}");
    assert!(shop.upstream.requests().is_empty());
    // A new ask is a new request, held as the first was.
    shop.agent.ask(refund(4_900)).await.expect(202);
}
