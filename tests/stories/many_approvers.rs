//! A group of ten thousand: each is asked once, a few at a time, and one answer is enough.

use crate::told::given_told;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;

const FLOW: &str = "{name: Ours, channels: {email: true}, steps: [{order: 1, approvers: {users: [jon@acme.test], groups: [Everyone]}}]}";

/// How many messages are carried at once (`scheduler/outbox.rs`).
const WORKERS: usize = 4;

/// Ten thousand people, Jon among them, written beside the desk: nobody would invite them one by one.
const EVERYONE: &str = r#"
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
INSERT INTO users (id, email, name, role, groups, active, from_file, created_at)
SELECT printf('00000000-0000-7000-8000-%012d', i), 'p' || i || '@acme.test', 'Person ' || i, 'member', '["Everyone"]', 1, 0, 0
FROM n;
UPDATE users SET groups = '["Everyone"]' WHERE email = 'jon@acme.test';
UPDATE desk SET config_version = config_version + 1
"#;

/// A mail server that lets everybody wait; how many do.
async fn given_silent_server() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let waiting = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&waiting);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            held.push(stream);
        }
    });
    (port, waiting)
}

#[tokio::test]
async fn ten_thousand_are_asked_once_a_few_at_a_time_and_one_answer_is_enough() {
    let (port, connected) = given_silent_server().await;
    let settings = format!("smtp: {{host: 127.0.0.1, port: {port}, tls: none, from: desk@acme.test}}");
    let told = given_told(FLOW, &settings).await;
    let database = told.shop.desk.database().await;
    database.run(EVERYONE).await;
    told.shop.dana.get("/api/connectors").await.expect(200);

    let id = told.command("Now.").await;
    let count = async |filter: &str| {
        database.numbers(&format!("SELECT COUNT(*) FROM deliveries WHERE request_id = '{id}' AND {filter}")).await[0]
    };
    assert_eq!(count("notice = 'asked'").await, 10_000);
    let recipients = format!("SELECT COUNT(DISTINCT recipient) FROM deliveries WHERE request_id = '{id}'");
    assert_eq!(database.numbers(&recipients).await, [10_000]);
    while connected.load(Ordering::SeqCst) < WORKERS {
        support::pause().await;
    }
    let card = told.shop.dana.get(&format!("/api/requests/{id}")).await.expect(200);
    assert_eq!(card["steps"][0]["asked"].as_array().unwrap().len(), 10_000);
    assert_eq!(connected.load(Ordering::SeqCst), WORKERS, "who is slow is not met with more at once");

    assert_eq!(told.jon.approve(&id).await.expect(200), json!({"id": id, "state": "approved"}));
    assert_eq!(count("state = 'withdrawn'").await, 10_000 - i64::try_from(WORKERS).unwrap());
    let noted = count("notice = 'ended'").await;
    assert!(noted <= i64::try_from(WORKERS).unwrap(), "only who may have been told hears of the end: {noted}");
}
