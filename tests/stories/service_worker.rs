//! The interface's service worker, where no browser can be made to do it: a finger on a notification, and a push service
//! that moves.

use serde_json::{Value, json};
use support::{node_script, program, test_file};

const ORIGIN: &str = "https://desk.acme.test";

/// What the worker did in a scene.
async fn did(mut scene: Value) -> Vec<String> {
    scene["origin"] = json!(ORIGIN);
    let worker = test_file("../ui/static/sw.js").display().to_string();
    let line = [node_script("support/worker.mjs"), vec![worker, scene.to_string()]].concat();
    let ended = program(&line).output().await.unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    serde_json::from_slice(&ended.stdout).unwrap()
}

/// A finger on a notification, or on one of its buttons, while these pages are open.
async fn tapped(action: &str, windows: &[&str]) -> Vec<String> {
    let page = format!("{ORIGIN}/approve/7");
    let click = json!({"review": page, "deny": format!("{page}?deny")});
    did(json!({"event": "notificationclick", "action": action, "windows": windows, "click": click})).await
}

#[tokio::test]
async fn a_tap_opens_the_request_and_deny_opens_it_with_its_reason_to_be_written() {
    let page = "https://desk.acme.test/approve/7";
    for action in ["", "review"] {
        assert_eq!(tapped(action, &[]).await, ["close".to_owned(), format!("open {page}")]);
    }
    assert_eq!(tapped("deny", &[]).await, ["close".to_owned(), format!("open {page}?deny")]);
}

#[tokio::test]
async fn a_page_that_shows_the_request_already_is_taken_and_no_other() {
    let (page, queue) = ("https://desk.acme.test/approve/7", "https://desk.acme.test/requests");
    assert_eq!(tapped("review", &[queue, page]).await, ["close".to_owned(), format!("focus {page}")]);
    let denied = tapped("deny", &[queue, page]).await;
    assert_eq!(denied, ["close".to_owned(), format!("focus {page}"), format!("navigate {page}?deny")]);
    assert_eq!(tapped("review", &[queue]).await[1], format!("open {page}"));
}

#[tokio::test]
async fn a_notification_leads_nowhere_else() {
    let click = json!({"review": "https://evil.test/"});
    let elsewhere = did(json!({"event": "notificationclick", "click": click})).await;
    assert_eq!(elsewhere[1], format!("open {ORIGIN}"));
}

#[tokio::test]
async fn a_push_that_can_not_be_read_shows_something_all_the_same() {
    let shown = did(json!({"event": "push", "push": "no json"})).await;
    assert_eq!(shown, [r#"show Countersign {"review":"/requests"}"#]);
}

#[tokio::test]
async fn a_browser_whose_push_service_moved_tells_the_desk_by_the_name_that_it_had() {
    let said = did(json!({"event": "pushsubscriptionchange", "moved": true})).await;
    let body = r#"{"endpoint":"new by KEY","keys":{"p256dh":"p","auth":"a"},"label":"Mine"}"#;
    assert_eq!(said.last().unwrap(), &format!("POST /api/push/subscriptions {body}"));
}
