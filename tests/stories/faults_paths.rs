//! Arguments and endpoints that try to lead a call elsewhere than where its tool leads.

use crate::given::{given_shop, look_by_endpoint};
use serde_json::json;

#[tokio::test]
async fn no_spelling_of_an_endpoint_leads_out_of_its_scope() {
    let shop = given_shop().await;
    for endpoint in [
        "",
        "/",
        "//evil.test/charges/a",
        "///charges/a",
        "https://evil.test/charges/a",
        "http:/charges/a",
        "@evil.test/charges/a",
        ":80/charges/a",
        "charges/a",
        " /charges/a",
        "/charges/a ",
        "/charges/../shop",
        "/charges/..",
        "/charges/.",
        "/charges/./a",
        "/charges/%2e%2e",
        "/charges/%2E%2e/shop",
        "/charges/.%2e",
        "/charges/%2e",
        "/charges/a%2fb",
        "/charges/a%2Frefunds",
        "/charges/a%5cb",
        "/charges/a\\b",
        "/charges\\a",
        "/\\evil.test/charges",
        "/charges/a?admin=1",
        "/charges/a#b",
        "/charges/a;/../b",
        "/charges/a\r\nHost: evil.test",
        "/charges/a\nX: y",
        "/charges/a\tb",
        "/charges/a\0b",
        "/charges/a%00",
        "/charges/%ff",
        "/charges/",
        "/charges",
        "/charges//a",
        "/charges/a/",
        "/charges/a/refunds",
        "/Charges/a",
        "/%63harges/a",
        "/ch\u{e0001}arges/a",
        "/shop",
    ] {
        let answer = shop.agent.ask(look_by_endpoint(endpoint)).await;
        assert_eq!((answer.status, answer.code()), (422, "endpoint_not_in_scope"), "{endpoint:?}: {}", answer.text);
    }
    let long = look_by_endpoint(&format!("/charges/{}", "a".repeat(100_000)));
    assert_eq!(shop.agent.ask(long).await.code(), "endpoint_not_in_scope");
    for method in ["DELETE", "POST", "HEAD", "TRACE", "GET /shop", "", "GET\r\nX: y"] {
        let mut body = look_by_endpoint("/charges/a");
        body["method"] = json!(method);
        assert_eq!(shop.agent.ask(body).await.code(), "endpoint_not_in_scope", "{method:?}");
    }
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn a_connection_that_is_not_the_connectors_credential_is_refused() {
    let shop = given_shop().await;
    for connection in ["", "00000000-0000-7000-8000-000000000000", "../other", "shop"] {
        let mut body = look_by_endpoint("/charges/a");
        body["connection_id"] = json!(connection);
        let answer = shop.agent.ask(body).await;
        assert!((400..500).contains(&answer.status), "{connection:?}: {}", answer.text);
    }
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn an_argument_stays_one_segment_whatever_is_in_it() {
    let shop = given_shop().await;
    let cases = [
        ("a/b", "a%2Fb"),
        ("../shop", "..%2Fshop"),
        ("..%2f", "..%252f"),
        ("%2e%2e", "%252e%252e"),
        ("...", "..."),
        ("a\\b", "a%5Cb"),
        ("a?b=c#d", "a%3Fb%3Dc%23d"),
        ("a\r\nHost: evil.test", "a%0D%0AHost%3A%20evil.test"),
        ("a\0", "a%00"),
        ("é", "%C3%A9"),
        ("\u{202e}", "%E2%80%AE"),
        ("😀", "%F0%9F%98%80"),
        ("{charge}", "%7Bcharge%7D"),
        (" ", "%20"),
    ];
    for (argument, segment) in cases {
        let body = json!({"connector": "shop", "tool": "charges_get", "arguments": {"charge": argument}});
        let answer = shop.agent.ask(body).await;
        assert_eq!(answer.status, 200, "{argument:?}: {}", answer.text);
        let sent = shop.upstream.requests().pop().unwrap();
        assert!(sent.starts_with(&format!("GET /charges/{segment} HTTP/1.1\r\n")), "{argument:?}: {sent}");
    }
    assert_eq!(shop.upstream.requests().len(), cases.len());
}

#[tokio::test]
async fn an_argument_that_could_be_no_segment_is_refused() {
    let shop = given_shop().await;
    for argument in [json!(""), json!("."), json!(".."), json!(null), json!([]), json!({}), json!(["a"])] {
        let body = json!({"connector": "shop", "tool": "charges_get", "arguments": {"charge": argument}});
        let answer = shop.agent.ask(body).await;
        assert_eq!((answer.status, answer.code()), (422, "invalid_arguments"), "{argument}: {}", answer.text);
    }
    for arguments in [json!({}), json!({"other": "a"}), json!([]), json!("a"), json!(null), json!(1)] {
        let body = json!({"connector": "shop", "tool": "charges_get", "arguments": arguments});
        let answer = shop.agent.ask(body).await;
        assert!([400, 422].contains(&answer.status), "{arguments}: {}", answer.text);
    }
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn other_arguments_of_a_look_go_to_the_query_and_can_not_leave_it() {
    let shop = given_shop().await;
    let arguments = json!({"charge": "a", "x&y=z": "1&2=3#4", "é": ["1", "2"], "deep": {"a": "b"}, "n": 1.5});
    shop.agent.ask(json!({"connector": "shop", "tool": "charges_get", "arguments": arguments})).await.expect(200);
    let sent = shop.upstream.requests().pop().unwrap();
    let line = sent.lines().next().unwrap();
    let query = line.strip_prefix("GET /charges/a?").unwrap().strip_suffix(" HTTP/1.1").unwrap();
    let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    pairs.sort();
    let wanted = [("deep", r#"{"a":"b"}"#), ("n", "1.5"), ("x&y=z", "1&2=3#4"), ("é", "1"), ("é", "2")];
    assert_eq!(pairs, wanted.map(|(key, value)| (key.to_owned(), value.to_owned())));
}
