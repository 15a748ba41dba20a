//! Invariant 11: the record is there before the effect, it is whole, and where it can't be written nothing happens.

use crate::given::{KEY, given_shop, look, refund};
use countersign_domain::canonical::Canonical;
use countersign_domain::digest::Digest;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Row as _;
use std::collections::HashMap;
use std::time::Duration;
use support::Database;

#[tokio::test]
async fn eleven_while_the_record_can_not_be_written_nothing_is_asked_decided_or_run() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let signed = shop.dana.sign(&id, json!({"decision": "approve"})).await;
    let connector = shop.id_of("/api/connectors", "slug", "shop").await;
    let database = shop.desk.database().await;
    let before = database.numbers("SELECT value FROM heads ORDER BY name").await;
    database.refuse_audit("%").await;

    let refused = [
        shop.agent.ask(look("a")).await,
        shop.agent.ask(refund(1)).await,
        shop.agent.ask(json!({"connector": "shop", "tool": "shop_close"})).await,
        shop.dana.finish(&id, signed.clone()).await,
        shop.dana.deny(&id, "").await,
        shop.agent.send(Method::DELETE, &format!("/v1/approvals/{id}"), &[], String::new()).await,
        shop.dana.post("/api/policies", json!({"name": "All", "action": "allow"})).await,
        shop.dana.post("/api/agents", json!({"name": "another"})).await,
        shop.dana.call(Method::PATCH, &format!("/api/connectors/{connector}"), Some(json!({"active": false}))).await,
        shop.dana.post("/api/invitations", json!({"email": "jon@acme.test", "role": "admin"})).await,
    ];
    for answer in refused {
        assert!(answer.status >= 500, "{} {}", answer.status, answer.text);
        assert!(!answer.text.contains("can not be written"), "what went wrong inside is not told: {}", answer.text);
    }
    assert_eq!(shop.agent.get(&format!("/v1/approvals/{id}")).await.expect(200)["state"], "pending");
    assert_eq!(database.numbers("SELECT value FROM heads ORDER BY name").await, before);
    assert_eq!(database.numbers("SELECT COUNT(*) FROM requests").await, [1]);
    assert!(shop.upstream.requests().is_empty());

    database.allow_audit().await;
    shop.dana.finish(&id, signed).await.expect(200);
    assert_eq!(shop.agent.end_of(&id).await["state"], "succeeded");
    shop.agent.ask(look("a")).await.expect(200);
    assert_eq!(shop.upstream.requests().len(), 2);
}

#[tokio::test]
async fn eleven_a_deadline_that_can_not_be_recorded_is_kept_and_acted_on_later() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let database = shop.desk.database().await;
    database.refuse_audit("approval.expired").await;
    shop.desk.clock.forward(Duration::from_secs(10 * 60));
    // Nobody decides it any more, whether or not the deadline could be written down.
    let late = shop.dana.deny(&id, "").await;
    assert_eq!((late.status, late.code()), (409, "request_ended"));
    database.allow_audit().await;
    // Whether or not the server tried in vain meanwhile: then it tries again after this time.
    shop.desk.clock.forward(Duration::from_secs(5));
    assert_eq!(shop.agent.end_of(&id).await["state"], "expired");
}

#[tokio::test]
async fn eleven_an_outcome_that_can_not_be_recorded_is_unknown_and_the_call_is_never_made_again() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let database = shop.desk.database().await;
    database.refuse_audit("execution.succeeded").await;
    shop.dana.approve(&id).await.expect(200);
    shop.upstream.received(1).await;
    let stopped = shop.desk.stop().await;
    stopped.database().await.allow_audit().await;
    let desk = stopped.start().await;
    assert_eq!(desk.agent(KEY).end_of(&id).await["state"], "outcome_unknown");
    desk.stop().await;
    assert_eq!(shop.upstream.requests().len(), 1);
}

#[tokio::test]
async fn eleven_every_change_is_on_the_record_without_a_gap_and_every_leaf_recomputes() {
    let shop = given_shop().await;
    let allowed = id_of(&shop.agent.ask(look("a")).await.expect(200));
    let denied = id_of(&shop.agent.ask(json!({"connector": "shop", "tool": "shop_close"})).await.expect(403));
    let ids: [String; 4] = [shop.held().await, shop.held().await, shop.held().await, shop.held().await];
    let [approved, refused, withdrawn, expired] = &ids;
    shop.dana.approve(approved).await.expect(200);
    shop.agent.end_of(approved).await;
    shop.dana.deny(refused, "").await.expect(200);
    shop.agent.send(Method::DELETE, &format!("/v1/approvals/{withdrawn}"), &[], String::new()).await.expect(200);
    shop.desk.clock.forward(Duration::from_secs(10 * 60));
    shop.agent.end_of(expired).await;
    let external = json!({"connector": "shell", "tool": "run"});
    let external = id_of(&shop.agent.ask(external).await.expect(202));
    shop.dana.approve(&external).await.expect(200);
    for (path, body) in [("claim", ""), ("outcome", r#"{"ok": true}"#)] {
        let path = format!("/v1/approvals/{external}/{path}");
        shop.agent.send(Method::POST, &path, &[], body.to_owned()).await.expect(200);
    }
    let stopped = shop.desk.stop().await;
    let database = stopped.database().await;

    let record = record(&database).await;
    let told = |id: &str| record.get(id).cloned().unwrap_or_default();
    let ran = ["execution.started", "execution.succeeded"];
    assert_eq!(told(&allowed), ["policy.allowed", ran[0], ran[1]]);
    assert_eq!(told(&denied), ["policy.denied"]);
    assert_eq!(told(approved), ["approval.requested", "approval.approved", ran[0], ran[1]]);
    assert_eq!(told(refused), ["approval.requested", "approval.denied"]);
    assert_eq!(told(withdrawn), ["approval.requested", "approval.withdrawn"]);
    assert_eq!(told(expired), ["approval.requested", "approval.expired"]);
    assert_eq!(told(&external), ["approval.requested", "approval.approved", ran[0], ran[1]]);
}

#[tokio::test]
async fn eleven_no_secret_argument_or_result_stands_on_the_record_or_in_the_clear() {
    let shop = given_shop().await;
    let body = json!({"connector": "shop", "tool": "charges_get", "arguments": {"charge": "argument-in-clear"}});
    shop.agent.ask(body).await.expect(200);
    let stopped = shop.desk.stop().await;
    let database = stopped.database().await;
    let metadata = database.texts("SELECT actor || subject || metadata FROM audit").await.concat();
    for secret in ["argument-in-clear", crate::given::SECRET, KEY, "re_1"] {
        assert!(!metadata.contains(secret), "{secret}");
    }
    for file in std::fs::read_dir(stopped.folder()).unwrap() {
        let path = file.unwrap().path();
        // SQLite removes its log when the last connection closes, which may be now.
        let bytes = std::fs::read(&path).unwrap_or_default();
        for secret in ["argument-in-clear", crate::given::SECRET, KEY, "re_1"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} in {}", path.display());
        }
    }
    assert_eq!(database.numbers("SELECT COUNT(*) FROM requests").await, [1]);
}

/// The actions on record, by request, after every row's number and leaf hash were found to be right.
async fn record(database: &Database) -> HashMap<String, Vec<String>> {
    let mut by_request: HashMap<String, Vec<String>> = HashMap::new();
    let rows = database.rows("SELECT * FROM audit ORDER BY seq").await;
    for (row, expected) in rows.iter().zip(1_i64..) {
        let (seq, request): (i64, Option<String>) = (row.get("seq"), row.get("request_id"));
        assert_eq!(seq, expected, "a number is missing");
        let (action, metadata): (String, String) = (row.get("action"), row.get("metadata"));
        let leaf = json!({
            "seq": seq,
            "at": row.get::<i64, _>("at"),
            "actor": row.get::<String, _>("actor"),
            "action": action,
            "request_id": request,
            "subject": row.get::<String, _>("subject"),
            "metadata": serde_json::from_str::<Value>(&metadata).unwrap(),
        });
        let leaf = [&[0], Canonical::of(&leaf).unwrap().bytes()].concat();
        assert_eq!(row.get::<String, _>("leaf_hash"), Digest::of(&leaf).to_string(), "row {seq}");
        by_request.entry(request.unwrap_or_default()).or_default().push(action);
    }
    assert_eq!(
        database.numbers("SELECT value FROM heads WHERE name = 'audit'").await,
        [i64::try_from(rows.len()).unwrap()]
    );
    by_request
}

fn id_of(answer: &Value) -> String {
    answer["approval_id"].as_str().unwrap().to_owned()
}
