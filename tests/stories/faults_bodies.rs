//! Bodies that are too large, too deep, ambiguous or no JSON at all, at both doors.

use crate::given::{Shop, given_shop, refund};
use reqwest::{Client, Method};
use serde_json::json;
use support::Answer;

/// A body that can't be taken, what it is, and the answer it gets.
struct Bad {
    what: &'static str,
    bytes: Vec<u8>,
    answers: &'static [(u16, &'static str)],
}

/// `open` begins an object of the door's own; what follows it is what is wrong.
fn bad_bodies(open: &str) -> Vec<Bad> {
    let deep = |many: usize| format!("{open}\"x\":{}{}}}", "[".repeat(many), "]".repeat(many)).into_bytes();
    let keys: Vec<String> = (0..50_000).map(|key| format!("\"k{key}\":{key}")).collect();
    let syntax: &[(u16, &str)] = &[(400, "bad_request")];
    let ambiguous: &[(u16, &str)] = &[(422, "arguments_not_canonical")];
    let bad = |what, bytes: Vec<u8>, answers| Bad { what, bytes, answers };
    let text = |rest: &str| format!("{open}{rest}").into_bytes();
    vec![
        bad("over a mebibyte", text(&format!("\"x\":\"{}\"}}", "x".repeat(1 << 20))), &[(413, "too_large")]),
        bad("10,000 deep", deep(10_000), syntax),
        bad("200 deep", deep(200), syntax),
        bad("a key twice", text("\"x\":1,\"x\":1}"), ambiguous),
        bad("a key twice, spelled in two ways", text("\"x\":1,\"\\u0078\":1}"), ambiguous),
        bad("a key twice, deep within", text("\"y\":{\"z\":[{\"x\":1,\"x\":2}]}}"), ambiguous),
        bad("an integer beyond 2^53-1", text("\"x\":9007199254740992}"), ambiguous),
        bad("an integer beyond -(2^53-1)", text("\"x\":-9007199254740992}"), ambiguous),
        bad("an integer beyond 64 bits", text("\"x\":123456789012345678901234567890}"), ambiguous),
        bad("a number beyond all", text("\"x\":1e999}"), syntax),
        bad("a lone surrogate", text("\"x\":\"\\ud800\"}"), syntax),
        bad("surrogates the wrong way round", text("\"x\":\"\\udc00\\ud800\"}"), syntax),
        bad("no UTF-8", [open.as_bytes(), b"\"x\":\"\xff\"}"].concat(), syntax),
        bad("an overlong slash", [open.as_bytes(), b"\"x\":\"\xc0\xaf\"}"].concat(), syntax),
        bad("UTF-16", open.encode_utf16().flat_map(u16::to_le_bytes).collect(), syntax),
        bad("a byte order mark", [b"\xef\xbb\xbf", open.as_bytes(), b"\"x\":1}"].concat(), syntax),
        bad("a raw control character", text("\"x\":\"a\nb\"}"), syntax),
        bad("nothing", Vec::new(), syntax),
        bad("blanks", b"  \n".to_vec(), syntax),
        bad("half an object", text("\"x\":"), syntax),
        bad("two objects", text("\"x\":1}{}"), syntax),
        bad("a comment", text("/* */\"x\":1}"), syntax),
        bad("NaN", text("\"x\":NaN}"), syntax),
        bad("null", b"null".to_vec(), syntax),
        bad("a list", b"[1]".to_vec(), syntax),
        bad("a text", b"\"{}\"".to_vec(), syntax),
        bad("a number", b"1".to_vec(), syntax),
        bad("an unknown field", text("\"colour\":1}"), syntax),
        bad("50,000 unknown fields", text(&format!("{}}}", keys.join(","))), syntax),
    ]
}

fn check(bad: &Bad, answer: &Answer) {
    let got = (answer.status, answer.code());
    assert!(bad.answers.contains(&got), "{}: {got:?} {}", bad.what, answer.text);
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{}", bad.what);
    assert!(answer.text.len() < 2_000, "{}: {} bytes of answer", bad.what, answer.text.len());
    assert!(!answer.json["detail"].as_str().unwrap().is_empty(), "{}", bad.what);
}

async fn nothing_came_of_it(shop: &Shop) {
    assert!(shop.upstream.requests().is_empty());
    assert_eq!(shop.dana.get("/api/requests?state=all").await.expect(200)["items"], json!([]));
    assert_eq!(shop.desk.call(Method::GET, "/readyz", None).await.status, 200);
}

#[tokio::test]
async fn an_agents_body_that_can_not_be_taken_is_answered_and_not_stored() {
    let shop = given_shop().await;
    for bad in bad_bodies(r#"{"connector":"shop","tool":"refunds_create","#) {
        let request = Client::new().post(format!("{}/v1/actions", shop.desk.origin)).bearer_auth(crate::given::KEY);
        let request = request.header("content-type", "application/json").body(bad.bytes.clone());
        check(&bad, &Answer::read(request.send().await.unwrap()).await);
    }
    nothing_came_of_it(&shop).await;
}

#[tokio::test]
async fn a_persons_body_that_can_not_be_taken_is_answered_and_not_stored() {
    let shop = given_shop().await;
    for path in ["/api/invitations", "/api/agents"] {
        for bad in bad_bodies(r#"{"name":"x","email":"x@acme.test","role":"admin","#) {
            let request =
                Client::new().post(format!("{}{path}", shop.desk.origin)).header("cookie", shop.dana.cookie());
            let request = request.header("origin", &shop.desk.origin).header("content-type", "application/json");
            let answer = Answer::read(request.body(bad.bytes.clone()).send().await.unwrap()).await;
            check(&bad, &answer);
        }
    }
    assert_eq!(shop.dana.get("/api/agents").await.expect(200)["items"].as_array().unwrap().len(), 1);
    nothing_came_of_it(&shop).await;
}

#[tokio::test]
async fn a_body_that_is_not_called_json_is_not_read_as_json() {
    let shop = given_shop().await;
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", "", "json"]
    {
        let headers = [("content-type", kind)];
        let agents = shop.agent.send(Method::POST, "/v1/actions", &headers, refund(1).to_string()).await;
        assert_eq!((agents.status, agents.code()), (415, "unsupported_media_type"), "{kind:?}");
        let url = format!("{}/api/invitations", shop.desk.origin);
        let invitation = Client::new().post(url).header("cookie", shop.dana.cookie()).header("content-type", kind);
        let invitation =
            invitation.header("origin", &shop.desk.origin).body(r#"{"email":"x@acme.test","role":"admin"}"#);
        let invitation = Answer::read(invitation.send().await.unwrap()).await;
        assert_eq!((invitation.status, invitation.code()), (415, "unsupported_media_type"), "{kind:?}");
    }
    nothing_came_of_it(&shop).await;
}

#[tokio::test]
async fn an_unknown_field_is_named() {
    let shop = given_shop().await;
    let answer = shop.agent.ask(json!({"connector": "shop", "tool": "charges_get", "colour": 1})).await;
    assert!(answer.json["detail"].as_str().unwrap().contains("`colour`"), "{}", answer.text);
    let bare =
        json!({"platform": "shop", "scope": "charges_get", "endpoint": "/charges/a", "method": "GET", "colour": 1});
    let answer = shop.agent.ask(bare).await;
    assert!(answer.json["detail"].as_str().unwrap().contains("`colour`"), "{}", answer.text);
}

#[tokio::test]
async fn the_deepest_and_widest_arguments_that_are_taken_arrive_whole() {
    let shop = given_shop().await;
    let mut deep = json!("bottom");
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let body = json!({"connector": "shell", "tool": "run", "arguments": {"deep": deep, "wide": vec![0; 100_000]}});
    let id = shop.agent.ask(body.clone()).await.expect(202)["approval_id"].as_str().unwrap().to_owned();
    shop.dana.get(&format!("/api/requests/{id}")).await.expect(200);
    shop.dana.approve(&id).await.expect(200);
    let claim = format!("/v1/approvals/{id}/claim");
    let won = shop.agent.send(Method::POST, &claim, &[], String::new()).await.expect(200);
    assert_eq!(won["arguments"], body["arguments"]);
}

#[tokio::test]
async fn a_list_is_no_object_though_its_items_are_in_the_order_of_the_fields() {
    let shop = given_shop().await;
    let action = json!(["shop", "refunds_create", {"charge": "ch_1", "amount": 1}, null, null, null]);
    let bare = json!(["shop", "charges_get", "/charges/a", "GET", null, null, null]);
    for (path, body) in [
        ("/v1/actions", action),
        ("/v1/actions", bare),
        ("/v1/access-request", json!(["shop", null, ["refunds_create"], null, "Please", null, 60])),
        ("/v1/authzen/access", json!([{"type": "agent", "id": "a"}, {"name": "refunds_create"}, {}, {}])),
        (
            "/v1/authzen/access",
            json!({"subject": ["agent", "a"], "action": ["refunds_create"], "resource": ["connector", "shop"]}),
        ),
    ] {
        let answer = shop.agent.send(Method::POST, path, &[], body.to_string()).await;
        assert_eq!((answer.status, answer.code()), (400, "bad_request"), "{body}: {}", answer.text);
        assert!(answer.json["detail"].as_str().unwrap().contains("sequence, expected struct"), "{}", answer.text);
    }
    let url = format!("{}/api/invitations", shop.desk.origin);
    let invitation = Client::new().post(url).header("cookie", shop.dana.cookie()).header("origin", &shop.desk.origin);
    let invitation = invitation.json(&json!(["x@acme.test", "admin"])).send().await.unwrap();
    let invitation = Answer::read(invitation).await;
    assert_eq!((invitation.status, invitation.code()), (400, "bad_request"), "{}", invitation.text);
    nothing_came_of_it(&shop).await;
}
