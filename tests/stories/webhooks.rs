//! A flow's webhook: what is told when, the signature, and receivers that refuse, stall or ask to be left alone.

use crate::told::{given_told, given_told_on};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_domain::Timestamp;
use countersign_server::clock::Clock as _;
use serde_json::{Value, json};
use std::time::Duration;
use support::{Desk, Upstream};

const FINE: &str = "HTTP/1.1 204 No Content\r\n\r\n";
/// Longer than the pause after the first try, shorter than the flow's deadline.
const SOON: Duration = Duration::from_secs(60);

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

fn secret() -> String {
    format!("whsec_{}", STANDARD.encode([7; 32]))
}

/// A flow that tells this receiver, with more of its fields.
fn flow(receiver: &Upstream, more: &str) -> String {
    format!(
        "{{name: Ours, channels: {{webhook: true}}, webhook_url: \"{}/hook\", {more}
         steps: [{{order: 1, approvers: {{users: [jon@acme.test]}}}}]}}",
        receiver.url
    )
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let head = request.split("\r\n\r\n").next().unwrap();
    head.lines()
        .find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)))
        .map(|(_, v)| v)
}

fn body(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn a_flow_is_told_minute_by_minute_as_it_says() {
    let receiver = Upstream::raw(FINE).await;
    let flow = format!(
        "{{name: Ours, channels: {{webhook: true}}, webhook_url: \"{}\", timeout_minutes: 100, reminder_interval_minutes: 30,
          steps: [{{order: 1, approvers: {{users: [jon@acme.test]}}, escalate_after_minutes: 45,
          escalate_to: {{users: [kai@acme.test]}}}}]}}",
        receiver.url
    );
    let told = given_told(&flow, "").await;
    let begun = told.shop.desk.clock.now();
    let id = told.command("Now.").await;
    let expected = [
        (0, "request.asked"),
        (30, "request.reminder"),
        (45, "request.escalated"),
        (60, "request.reminder"),
        (80, "request.warning"),
        (90, "request.reminder"),
        (100, "request.ended"),
    ];
    let mut now = 0;
    for (many, (minute, _)) in (1..).zip(expected) {
        told.shop.desk.clock.forward(minutes(minute - now));
        now = minute;
        receiver.received(many).await;
        // Noted before time goes on: a lease is over sooner than a flow's next minute.
        told.deliveries_when(|all| all.iter().all(|one| one["state"] == "sent")).await;
    }
    let heard: Vec<_> = receiver.requests().iter().map(|request| body(request)).collect();
    let said: Vec<_> = heard
        .iter()
        .map(|body| {
            let at: Timestamp = body["timestamp"].as_str().unwrap().parse().unwrap();
            (begun.until(at).as_secs() / 60, body["type"].as_str().unwrap())
        })
        .collect();
    assert_eq!(said, expected);
    assert!(heard.iter().all(|body| body["data"]["request"]["id"] == id.as_str()));
    assert_eq!(heard[6]["data"]["request"]["state"], "expired");
}

#[tokio::test]
async fn it_is_signed_as_standard_webhooks_says_and_holds_no_secret_of_the_call() {
    let receiver = Upstream::raw(FINE).await;
    let desk = Desk::knowing(&[("HOOK_SECRET", &secret())]).await;
    let told = given_told_on(desk, &flow(&receiver, "webhook_secret_env: HOOK_SECRET,"), "").await;
    let id = told.command("Now.").await;
    receiver.received(1).await;
    let request = receiver.requests().remove(0);
    let (name, time) = (header(&request, "webhook-id").unwrap(), header(&request, "webhook-timestamp").unwrap());
    let text = request.split_once("\r\n\r\n").unwrap().1;
    let theirs = standardwebhooks::Webhook::new(&secret()).unwrap();
    let expected = theirs.sign(name, time.parse().unwrap(), text.as_bytes()).unwrap();
    assert_eq!(header(&request, "webhook-signature"), Some(expected.as_str()));
    assert_eq!(time, "1795430400");
    let body = body(&request);
    assert_eq!(body["data"]["link"], format!("{}/approve/{id}", told.shop.desk.origin));
    assert!(!text.contains("hunter2") && text.contains("redacted"), "{text}");
}

#[tokio::test]
async fn a_secret_that_is_none_is_named_by_its_variable_and_nothing_is_sent() {
    let receiver = Upstream::raw(FINE).await;
    let desk = Desk::knowing(&[("HOOK_SECRET", "not-a-secret")]).await;
    let told = given_told_on(desk, &flow(&receiver, "webhook_secret_env: HOOK_SECRET,"), "").await;
    told.command("Now.").await;
    let dead = told.failed("HOOK_SECRET is no webhook secret").await;
    assert_eq!(dead["state"], "dead");
    let error = dead["error"].as_str().unwrap();
    assert!(!error.contains("not-a-secret"), "{error}");
    assert_eq!(dead["recipient"], json!({"name": "Webhook of Ours", "address": "127.0.0.1"}));
    assert!(receiver.requests().is_empty());
}

#[tokio::test]
async fn a_receiver_that_asks_to_be_left_alone_is_left_alone_for_so_long() {
    let busy = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 300\r\nContent-Length: 0\r\n\r\n";
    let receiver = Upstream::in_turn(&[busy, FINE]).await;
    let told = given_told(&flow(&receiver, "webhook_template: slack,"), "").await;
    told.command("Now.").await;
    let first = told.failed("429").await;
    let time = |field: &str| first[field].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert_eq!(time("created_at").until(time("due_at")), minutes(5));
    told.shop.desk.clock.forward(minutes(5));
    assert_eq!(told.sent().await, 2);
    assert_eq!(receiver.requests().len(), 2);
}

#[tokio::test]
async fn a_receiver_that_stalls_is_given_up_on_and_tried_again() {
    let receiver = Upstream::hanging("").await;
    let desk = Desk::hasty(Duration::from_millis(200), &[]).await;
    let told = given_told_on(desk, &flow(&receiver, ""), "").await;
    told.command("Now.").await;
    assert_eq!(told.failed("There was no answer within 200ms.").await["state"], "waiting");
    told.shop.desk.clock.forward(SOON);
    receiver.received(2).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Upstream::raw(FINE).await;
    let answer = format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", elsewhere.url);
    let receiver = Upstream::raw(&answer).await;
    let told = given_told(&flow(&receiver, ""), "").await;
    told.command("Now.").await;
    assert_eq!(told.failed("redirect (307)").await["state"], "dead");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn after_a_failure_and_a_restart_it_comes_once_and_under_the_same_id() {
    let broken = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    let receiver = Upstream::in_turn(&[broken, FINE]).await;
    let mut told = given_told(&flow(&receiver, ""), "").await;
    told.command("Now.").await;
    told.failed("503").await;
    let desk = told.shop.desk.restart().await;
    told.shop.dana = told.shop.dana.at(&desk);
    desk.clock.forward(SOON);
    told.shop.desk = desk;
    assert_eq!(told.sent().await, 2);
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(header(&requests[0], "webhook-id"), header(&requests[1], "webhook-id"));
}

#[tokio::test]
async fn what_was_never_told_is_taken_back_when_the_request_ends() {
    let receiver = Upstream::hanging("").await;
    let told = given_told(&flow(&receiver, ""), "").await;
    for _ in 0..4 {
        told.command("Now.").await;
    }
    receiver.received(4).await;
    let fifth = told.command("Now.").await;
    told.jon.deny(&fifth, "").await.expect(200);
    let deliveries = told.deliveries().await;
    let of_fifth: Vec<_> = deliveries.iter().filter(|one| one["request_id"] == fifth.as_str()).collect();
    assert_eq!(of_fifth.len(), 1, "nobody who heard nothing hears of the end: {of_fifth:#?}");
    assert_eq!((&of_fifth[0]["state"], &of_fifth[0]["attempts"]), (&json!("withdrawn"), &json!(0)));
    assert_eq!(receiver.requests().len(), 4);
}

#[tokio::test]
async fn an_agents_words_call_nobody_in_slack() {
    let receiver = Upstream::raw(FINE).await;
    let told = given_told(&flow(&receiver, "webhook_template: slack,"), "").await;
    told.command("<!channel> *urgent* <https://evil.test|Approve>").await;
    receiver.received(1).await;
    let body = body(&receiver.requests()[0]);
    let marked: Vec<_> =
        body["blocks"].as_array().unwrap().iter().filter(|block| block["text"]["type"] == "mrkdwn").collect();
    assert_eq!(marked.len(), 1);
    assert!(marked[0]["text"]["text"].as_str().unwrap().ends_with("|Review>"), "{body}");
    assert!(!body["text"].as_str().unwrap().contains('<'), "{body}");
}
