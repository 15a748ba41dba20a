//! Upstreams that are down, slow, broken or hostile: what the agent hears, and what stands in the record.

use crate::given::{KEY, SECRET, file, given_shop, given_shop_on, given_shop_with, look, look_by_endpoint};
use serde_json::{Value, json};
use std::time::Duration;
use support::{Answer, Desk, Upstream};
use tokio::net::TcpListener;

/// A moment, for upstreams that never answer.
const PATIENCE: Duration = Duration::from_millis(300);

fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn ended(approval: &Value) -> (&str, &str) {
    (approval["state"].as_str().unwrap(), approval["execution_error_code"].as_str().unwrap_or_default())
}

fn refused(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.code())
}

#[tokio::test]
async fn a_service_that_is_down_was_sent_nothing_and_the_agent_may_ask_again() {
    let shop = given_shop().await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    shop.desk.apply(&file(&format!("http://{nobody}")), &[("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)]).await;

    let allowed = shop.agent.ask(look("ch_1")).await;
    assert_eq!(refused(&allowed), (502, "not_sent"), "{}", allowed.text);
    let recorded = shop.agent.end_of(allowed.json["approval_id"].as_str().unwrap()).await;
    assert_eq!(ended(&recorded), ("failed", "not_sent"));

    assert_eq!(ended(&shop.approved().await), ("failed", "not_sent"));
}

#[tokio::test]
async fn a_service_that_hangs_ends_in_an_unknown_outcome() {
    let half = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{\"id\":";
    let mut shop = given_shop_on(Desk::impatient(PATIENCE).await, Upstream::answering("{}").await).await;
    for said in ["", "HTTP/1.1 200 OK\r\n", half] {
        shop.move_to(Upstream::hanging(said).await).await;
        let allowed = shop.agent.ask(look("ch_1")).await;
        assert_eq!(refused(&allowed), (502, "outcome_unknown"), "{said:?}: {}", allowed.text);
        assert_eq!(ended(&shop.approved().await), ("outcome_unknown", "outcome_unknown"), "{said:?}");
        assert_eq!(shop.upstream.requests().len(), 2, "{said:?}: tried again");
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_ends_in_an_unknown_outcome() {
    let mut shop = given_shop().await;
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"id\"\r\n";
    for said in ["", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"id\":", chunked] {
        shop.move_to(Upstream::raw(said).await).await;
        assert_eq!(refused(&shop.agent.ask(look("ch_1")).await), (502, "outcome_unknown"), "{said:?}");
        assert_eq!(ended(&shop.approved().await), ("outcome_unknown", "outcome_unknown"), "{said:?}");
        assert_eq!(shop.upstream.requests().len(), 2, "{said:?}: tried again");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_http_ends_in_an_unknown_outcome() {
    let mut shop = given_shop().await;
    for said in [
        "garbage\r\n\r\n",
        "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/1.1 200 OK\r\nBad Header\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        shop.move_to(Upstream::raw(said).await).await;
        assert_eq!(refused(&shop.agent.ask(look("ch_1")).await), (502, "outcome_unknown"), "{said:?}");
    }
}

#[tokio::test]
async fn an_error_of_the_service_is_kept_as_its_answer() {
    let mut shop = given_shop().await;
    for status in ["400 Bad Request", "404 Not Found", "429 Too Many Requests", "500 Oops", "503 Later", "599 Odd"] {
        let body = r#"{"error":"no such charge"}"#;
        let upstream = Upstream::raw(&http(status, "Content-Type: application/json\r\n", body)).await;
        shop.move_to(upstream).await;
        let number: u16 = status[..3].parse().unwrap();
        let result = json!({"status": number, "data": {"error": "no such charge"}});

        let allowed = shop.agent.ask(look("ch_1")).await.expect(200);
        assert_eq!((ended(&allowed), &allowed["result"]), (("failed", "upstream_error"), &result));
        let bare = shop.agent.ask(look_by_endpoint("/charges/ch_1")).await;
        assert_eq!((bare.status, bare.text.as_str()), (number, body));
        let approved = shop.approved().await;
        assert_eq!((ended(&approved), &approved["result"]), (("failed", "upstream_error"), &result));
        assert_eq!(shop.upstream.requests().len(), 3, "{status}: tried again");
    }
}

#[tokio::test]
async fn what_calls_itself_json_and_is_none_reaches_the_agent_as_text() {
    let mut shop = given_shop().await;
    for body in ["{\"id\":", "NaN", "<html>", "{\"a\":1}{\"a\":2}"] {
        shop.move_to(Upstream::answering(body).await).await;
        let answer = shop.agent.ask(look("ch_1")).await.expect(200);
        assert_eq!((answer["state"].as_str(), &answer["result"]["data"]), (Some("succeeded"), &json!(body)));
    }
}

#[tokio::test]
async fn a_ten_megabyte_answer_is_kept_to_its_first_megabyte_and_the_agent_is_told() {
    let long = format!("[\"{}\"]", "x".repeat(10 << 20));
    let shop = given_shop_with(Upstream::answering(&long).await).await;
    let approved = shop.approved().await;
    let kept = approved["result"]["data"].as_str().unwrap();
    assert_eq!((approved["state"].as_str(), kept.len()), (Some("succeeded"), 1 << 20));
    assert!(long.starts_with(kept));
    let note = approved["result"]["truncated"].as_str().unwrap();
    assert!(note.contains(&long.len().to_string()), "{note}");
}

#[tokio::test]
async fn an_answer_without_an_end_is_read_no_further_than_what_is_kept() {
    let endless = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n{}", "x".repeat(2 << 20));
    let shop = given_shop_with(Upstream::hanging(&endless).await).await;
    let answer = shop.agent.ask(look("ch_1")).await.expect(200);
    assert_eq!(answer["result"]["data"].as_str().unwrap().len(), 1 << 20);
    assert!(answer["result"]["truncated"].is_string());
}

#[tokio::test]
async fn a_redirect_is_the_result_and_nobody_follows_it() {
    let mut shop = given_shop().await;
    let elsewhere = Upstream::answering("{}").await;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let location = format!("Location: {}/charges/ch_1\r\n", elsewhere.url);
        shop.move_to(Upstream::raw(&http(status, &location, "")).await).await;
        let number: u16 = status[..3].parse().unwrap();
        let allowed = shop.agent.ask(look("ch_1")).await.expect(200);
        assert_eq!((allowed["state"].as_str(), &allowed["result"]["status"]), (Some("succeeded"), &json!(number)));
        assert_eq!(shop.approved().await["result"]["status"], number);
        assert_eq!(shop.agent.ask(look_by_endpoint("/charges/ch_1")).await.status, number);
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_service_that_says_the_credential_back_does_not_tell_the_agent() {
    let mut shop = given_shop().await;
    let body = format!(r#"{{"headers":{{"Authorization":"Bearer {SECRET}"}},"{SECRET}":["{SECRET}"]}}"#);
    let echo = format!("X-Echo: {SECRET}\r\n");
    let kind = format!("Content-Type: text/plain; token={SECRET}\r\n");
    let json = "Content-Type: application/json\r\n";
    let binary = format!("Content-Type: image/png\r\nX-Echo: {SECRET}\r\n");
    for answer in [
        http("200 OK", json, &body),
        http("401 Unauthorized", json, &body),
        http("200 OK", &echo, "{}"),
        http("200 OK", &kind, "plain"),
        http("200 OK", &binary, &body),
        http("302 Found", &format!("Location: /?token={SECRET}\r\n"), &body),
        http("200 OK", "Content-Type: text/plain\r\n", &format!("{}{SECRET}", "x".repeat((1 << 20) - 20))),
        http(&format!("200 {SECRET}"), json, "{}"),
        format!("HTTP/1.1 200 OK\r\n{SECRET}\r\n\r\n"),
    ] {
        shop.move_to(Upstream::raw(&answer).await).await;
        let asked = shop.agent.ask(look("ch_1")).await;
        let bare = shop.agent.ask(look_by_endpoint("/charges/ch_1")).await;
        let approved = shop.approved().await;
        for said in [
            format!("{:?}{}", asked.headers, asked.text),
            format!("{:?}{}", bare.headers, bare.text),
            approved.to_string(),
        ] {
            let told = said.contains(&SECRET[..12]);
            assert!(!told, "{}: {}", &answer[..60], &said[said.find(&SECRET[..12]).unwrap_or(0).saturating_sub(80)..]);
        }
    }
}

#[tokio::test]
async fn agent_valets_clients_get_the_beginning_of_a_long_answer_and_are_told() {
    let long = format!("[\"{}\"]", "x".repeat(2 << 20));
    let shop = given_shop_with(Upstream::answering(&long).await).await;
    let bare = shop.agent.ask(look_by_endpoint("/charges/ch_1")).await;
    assert_eq!((bare.status, bare.text.len()), (200, 1 << 20));
    assert!(long.starts_with(&bare.text), "{}", &bare.text[..20]);
    assert!(bare.headers["countersign-truncated"].to_str().unwrap().contains(&long.len().to_string()));
}

#[tokio::test]
async fn agent_valets_clients_get_bytes_and_texts_as_they_came() {
    let mut shop = given_shop().await;
    let texts = [("application/jwt", "abcd"), ("application/xml", "<a/>"), ("text/csv", "a,b\n"), ("text/html", "<p>")];
    for (kind, text) in texts {
        shop.move_to(Upstream::raw(&http("200 OK", &format!("Content-Type: {kind}\r\n"), text)).await).await;
        let bare = shop.agent.ask(look_by_endpoint("/charges/ch_1")).await;
        assert_eq!((bare.status, bare.text.as_str()), (200, text), "{kind}");
    }
}

#[tokio::test]
async fn a_second_answer_that_nobody_asked_for_is_not_heard() {
    let mut shop = given_shop().await;
    let numbered = |n: u8| http("200 OK", "Content-Type: application/json\r\n", &format!("{{\"n\":{n}}}"));
    let twice = format!("{}{}", numbered(1), numbered(2)).replace("Connection: close\r\n", "");
    shop.move_to(Upstream::hanging(&twice).await).await;
    for _ in 0..2 {
        assert_eq!(shop.agent.ask(look("ch_1")).await.expect(200)["result"]["data"], json!({"n": 1}));
    }
    assert_eq!(shop.upstream.requests().len(), 2);
}
