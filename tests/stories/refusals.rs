//! Bad input: a clear error, and nothing lost.

use crate::given::{given_shop, refund};
use reqwest::{Client, Method};
use serde_json::json;
use support::{Answer, Person};

#[tokio::test]
async fn what_can_not_be_asked_is_named() {
    let shop = given_shop().await;
    let deep = format!(r#"{{"connector":"shop","tool":"charges_get","arguments":{}}}"#, "[".repeat(10_000));
    let huge =
        format!(r#"{{"connector":"shop","tool":"charges_get","arguments":{{"charge":"{}"}}}}"#, "x".repeat(1_100_000));
    let cases = [
        (r#"{"connector":"nope","tool":"x"}"#.to_owned(), 404, "unknown_tool"),
        (r#"{"connector":"shop","tool":"x"}"#.to_owned(), 404, "unknown_tool"),
        (
            json!({"connector": "shop", "tool": "refunds_create", "arguments": {"charge": 1}}).to_string(),
            422,
            "invalid_arguments",
        ),
        (
            r#"{"connector":"shop","tool":"charges_get","arguments":{"charge":"a","charge":"b"}}"#.to_owned(),
            422,
            "arguments_not_canonical",
        ),
        (
            r#"{"connector":"shop","tool":"charges_get","arguments":{"charge":9007199254740993}}"#.to_owned(),
            422,
            "arguments_not_canonical",
        ),
        (
            json!({"connector": "shop", "tool": "charges_get", "arguments": {"charge": ".."}}).to_string(),
            422,
            "invalid_arguments",
        ),
        (json!({"connector": "shop", "tool": "charges_get", "colour": 1}).to_string(), 400, "bad_request"),
        (
            json!({"connector": "shop", "tool": "charges_get", "on_behalf_of": "dana@acme.test"}).to_string(),
            403,
            "on_behalf_of_not_permitted",
        ),
        ("{".to_owned(), 400, "bad_request"),
        (deep, 400, "bad_request"),
        (huge, 413, "too_large"),
    ];
    for (body, status, code) in cases {
        let beginning: String = body.chars().take(120).collect();
        let answer = shop.agent.send(Method::POST, "/v1/actions", &[], body).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{beginning}: {}", answer.text);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    let plain =
        shop.agent.send(Method::POST, "/v1/actions", &[("content-type", "text/plain")], refund(1).to_string()).await;
    assert_eq!((plain.status, plain.code()), (415, "unsupported_media_type"));
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn an_endpoint_that_tricks_is_not_in_scope() {
    let shop = given_shop().await;
    for endpoint in [
        "//evil.test/x",
        "/charges/../shop",
        "/charges/%2e%2e",
        "/charges/a%2fb",
        "/charges/a\\b",
        "/shop",
        "charges/a",
    ] {
        let body = json!({"platform": "shop", "scope": "charges_get", "endpoint": endpoint, "method": "GET"});
        let answer = shop.agent.ask(body).await;
        assert_eq!((answer.status, answer.code()), (422, "endpoint_not_in_scope"), "{endpoint}");
    }
    let body = json!({"platform": "shop", "scope": "charges_get", "endpoint": "/charges/a", "method": "DELETE"});
    assert_eq!(shop.agent.ask(body).await.code(), "endpoint_not_in_scope");
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn no_key_and_a_wrong_key_open_nothing() {
    let shop = given_shop().await;
    for key in ["", "csk_0000000000000000000000000000000000000000000", "eyJhbGciOiJub25lIn0.e30."] {
        let answer = shop.desk.agent(key).get("/v1/agent/permissions").await;
        assert_eq!((answer.status, answer.code()), (401, "unauthenticated"), "{key:?}");
        assert!(answer.headers.contains_key("www-authenticate"));
    }
}

#[tokio::test]
async fn an_assertion_is_good_for_one_decision_of_one_person_on_one_request_once() {
    let shop = given_shop().await;
    let (first, second) = (shop.held().await, shop.held().await);
    let approve = json!({"decision": "approve"});

    let signed = shop.dana.sign(&first, approve.clone()).await;
    let elsewhere = shop.dana.finish(&second, signed.clone()).await;
    assert_eq!((elsewhere.status, elsewhere.code()), (403, "assertion_refused"));

    let other = shop.dana.sign(&second, json!({"decision": "deny"})).await;
    let swapped = json!({"ceremony": signed["ceremony"], "credential": other["credential"]});
    let swapped = shop.dana.finish(&first, swapped).await;
    assert_eq!((swapped.status, swapped.code()), (403, "assertion_refused"));

    let invitation = shop.dana.invite("jon@acme.test", "approver").await;
    let jon = Person::join(&shop.desk, &invitation, "Jon Weber").await;
    let stolen = jon.finish(&first, signed.clone()).await;
    assert_eq!((stolen.status, stolen.code()), (403, "assertion_refused"));

    shop.dana.finish(&first, signed.clone()).await.expect(200);
    let replayed = shop.dana.finish(&first, signed).await;
    assert_eq!(replayed.status, 410, "{}", replayed.text);
    assert!(shop.upstream.requests().len() <= 1);
}

#[tokio::test]
async fn approving_without_a_passkey_is_refused_where_one_is_due() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let bare = shop.dana.post(&format!("/api/requests/{id}/decisions"), json!({"decision": "approve"})).await;
    assert_eq!((bare.status, bare.code()), (403, "ceremony_required"));
}

#[tokio::test]
async fn calls_from_elsewhere_change_nothing() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let url = format!("{}/api/requests/{id}/decisions", shop.desk.origin);
    let deny = || Client::new().post(&url).header("cookie", shop.dana.cookie()).json(&json!({"decision": "deny"}));
    let cross = Answer::read(deny().header("origin", "https://evil.test").send().await.unwrap()).await;
    assert_eq!((cross.status, cross.code()), (403, "cross_site"));
    let silent = Answer::read(deny().send().await.unwrap()).await;
    assert_eq!((silent.status, silent.code()), (403, "cross_site"));
    let wrong_host = deny().header("origin", &shop.desk.origin).header("host", "evil.test");
    let wrong_host = Answer::read(wrong_host.send().await.unwrap()).await;
    assert_eq!((wrong_host.status, wrong_host.code()), (421, "misdirected"));
    assert_eq!(shop.agent.get(&format!("/v1/approvals/{id}")).await.expect(200)["state"], "pending");
}
