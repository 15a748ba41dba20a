//! Decisions, links and sessions in the wrong hands: replayed, swapped, bent, late.

use crate::given::{KEY, Shop, given_shop};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Method, redirect};
use serde_json::{Value, json};
use std::time::Duration;
use support::{Answer, Desk, Person};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const MINUTE: Duration = Duration::from_secs(60);

fn approve() -> Value {
    json!({"decision": "approve"})
}

async fn state(shop: &Shop, id: &str) -> Value {
    shop.agent.get(&format!("/v1/approvals/{id}")).await.expect(200)["state"].clone()
}

#[track_caller]
fn is(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text);
}

#[tokio::test]
async fn a_signature_is_good_for_five_minutes_and_not_longer() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let early = shop.dana.sign(&id, approve()).await;
    shop.desk.clock.forward(5 * MINUTE);
    is(&shop.dana.finish(&id, early).await, 410, "link_spent");
    assert_eq!(state(&shop, &id).await, "pending");
    let again = shop.dana.sign(&id, approve()).await;
    shop.desk.clock.forward(5 * MINUTE - Duration::from_millis(1));
    assert_eq!(state(&shop, &id).await, "pending");
    shop.dana.finish(&id, again).await.expect(200);
}

#[tokio::test]
async fn a_signature_is_no_use_once_the_request_has_ended() {
    let shop = given_shop().await;
    let (withdrawn, denied, expired) = (shop.held().await, shop.held().await, shop.held().await);
    let mut signed = Vec::new();
    for id in [&withdrawn, &denied] {
        signed.push(shop.dana.sign(id, approve()).await);
    }
    shop.agent.send(Method::DELETE, &format!("/v1/approvals/{withdrawn}"), &[], String::new()).await.expect(200);
    shop.dana.deny(&denied, "").await.expect(200);
    for (id, signed) in [(&withdrawn, signed.remove(0)), (&denied, signed.remove(0))] {
        is(&shop.dana.finish(id, signed).await, 409, "request_ended");
    }
    shop.desk.clock.forward(9 * MINUTE);
    let late = shop.dana.sign(&expired, approve()).await;
    shop.desk.clock.forward(MINUTE);
    is(&shop.dana.finish(&expired, late).await, 409, "request_ended");
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn a_comment_belongs_to_its_signature() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let said = shop.dana.sign(&id, json!({"decision": "approve", "comment": "Only this once."})).await;
    let other = shop.dana.sign(&id, json!({"decision": "approve", "comment": "Whatever it asks."})).await;
    let swapped = json!({"ceremony": other["ceremony"], "credential": said["credential"]});
    is(&shop.dana.finish(&id, swapped).await, 403, "assertion_refused");
    for field in ["comment", "decision", "grant", "arguments", "challenge"] {
        let mut more = said.clone();
        more[field] = json!("approve");
        is(&shop.dana.finish(&id, more).await, 400, "bad_request");
    }
    assert_eq!(state(&shop, &id).await, "pending");
}

#[tokio::test]
async fn a_signature_that_was_bent_is_refused() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let signed = shop.dana.sign(&id, approve()).await;
    let decoded =
        |part: &str| URL_SAFE_NO_PAD.decode(signed["credential"]["response"][part].as_str().unwrap()).unwrap();
    let client = String::from_utf8(decoded("clientDataJSON")).unwrap();
    let (data, signature) = (decoded("authenticatorData"), decoded("signature"));
    let flip = |bytes: &[u8], at: usize| [&bytes[..at], &[bytes[at] ^ 5], &bytes[at + 1..]].concat();
    let cases: [(&str, &str, Vec<u8>); 9] = [
        ("another origin", "clientDataJSON", client.replace("http://localhost", "http://evil.test").into()),
        ("another type", "clientDataJSON", client.replace("webauthn.get", "webauthn.create").into()),
        ("a blank more", "clientDataJSON", format!("{client} ").into()),
        ("no client data", "clientDataJSON", Vec::new()),
        ("another relying party", "authenticatorData", flip(&data, 0)),
        ("nobody there", "authenticatorData", flip(&data, 32)),
        ("no authenticator data", "authenticatorData", Vec::new()),
        ("another signature", "signature", flip(&signature, signature.len() - 1)),
        ("no signature", "signature", Vec::new()),
    ];
    for (what, part, bytes) in cases {
        let mut bent = signed.clone();
        bent["credential"]["response"][part] = json!(URL_SAFE_NO_PAD.encode(bytes));
        let answer = shop.dana.finish(&id, bent).await;
        assert!([400, 403].contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
    }
    for (what, credential) in [("null", json!(null)), ("a text", json!("x")), ("empty", json!({}))] {
        let answer = shop.dana.finish(&id, json!({"ceremony": signed["ceremony"], "credential": credential})).await;
        assert!([400, 403].contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
    }
    assert_eq!(state(&shop, &id).await, "pending");
    shop.dana.finish(&id, signed).await.expect(200);
}

#[tokio::test]
async fn a_signature_of_one_ceremony_serves_no_other() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let begun = shop.dana.post("/api/session/passkey/start", json!({"email": "dana@acme.test"})).await.expect(200);
    let sign_in = shop.dana.answer(&begun).await;
    is(&shop.dana.finish(&id, sign_in.clone()).await, 410, "link_spent");
    let decision = shop.dana.sign(&id, approve()).await;
    for path in ["/api/session/passkey/finish", "/api/session/reauth/finish", "/api/passkeys/finish"] {
        is(&shop.dana.post(path, decision.clone()).await, 410, "link_spent");
    }
    let crossed = json!({"ceremony": decision["ceremony"], "credential": sign_in["credential"]});
    is(&shop.dana.finish(&id, crossed).await, 403, "assertion_refused");
    let crossed = json!({"ceremony": sign_in["ceremony"], "credential": decision["credential"]});
    is(&shop.dana.post("/api/session/passkey/finish", crossed).await, 403, "assertion_refused");
    assert_eq!(state(&shop, &id).await, "pending");
}

#[tokio::test]
async fn of_one_signature_shown_many_times_at_once_one_counts() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let signed = shop.dana.sign(&id, approve()).await;
    let answers = futures::future::join_all((0..8).map(|_| shop.dana.finish(&id, signed.clone()))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    shop.agent.end_of(&id).await;
    assert_eq!(shop.upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_call_from_another_page_changes_nothing_whatever_it_claims() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let origin = shop.desk.origin.clone();
    let claims: [&[(&str, &str)]; 9] = [
        &[("origin", "null")],
        &[("origin", "https://localhost")],
        &[("origin", &format!("{origin}.evil.test"))],
        &[("origin", &format!("{origin}/"))],
        &[("origin", "http://localhost:1")],
        &[("origin", "https://evil.test"), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site")],
        &[("referer", &format!("{origin}/"))],
    ];
    for claim in claims {
        for (method, path) in [
            (Method::POST, format!("/api/requests/{id}/decisions")),
            (Method::DELETE, "/api/session".to_owned()),
            (Method::POST, "/api/session/link".to_owned()),
            (Method::POST, "/api/invitations".to_owned()),
        ] {
            let mut request =
                Client::new().request(method, format!("{origin}{path}")).header("cookie", shop.dana.cookie());
            for (name, value) in claim {
                request = request.header(*name, *value);
            }
            let answer = Answer::read(request.json(&json!({"decision": "deny"})).send().await.unwrap()).await;
            is(&answer, 403, "cross_site");
        }
    }
    for path in ["decisions", "decisions/start", "decisions/finish", "withdraw"] {
        let answer = shop.dana.get(&format!("/api/requests/{id}/{path}")).await;
        is(&answer, 405, "method_not_allowed");
    }
    assert_eq!(state(&shop, &id).await, "pending");
}

#[tokio::test]
async fn under_another_name_the_desk_answers_nothing_and_its_pages_lead_home() {
    let desk = Desk::fresh().await;
    let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
    for host in ["evil.test", "localhost", "127.0.0.1", "localhost.evil.test", "localhost:1", "[::1]", ""] {
        let get = |path: &str| client.get(format!("{}{path}", desk.origin)).header("host", host);
        let call = Answer::read(get("/api/desk").send().await.unwrap()).await;
        assert!(call.status == 421 || (host.is_empty() && call.status == 400), "{host:?}: {}", call.text);
        for path in ["/", "/approve/1?x=1", "//evil.test/%2e%2e", "/\\evil.test"] {
            let page = get(path).send().await.unwrap();
            if page.status() == 307 {
                let home = page.headers()["location"].to_str().unwrap();
                assert!(home.starts_with(&format!("{}/", desk.origin)), "{host:?} {path}: {home}");
                assert!(!home[desk.origin.len()..].starts_with("//"), "{host:?} {path}: {home}");
            } else {
                assert!(page.status().is_client_error(), "{host:?} {path}: {}", page.status());
            }
        }
    }
}

#[tokio::test]
async fn a_call_that_names_the_desk_and_another_host_is_for_neither() {
    let desk = Desk::fresh().await;
    let ours = desk.origin.strip_prefix("http://").unwrap();
    for (line, hosts) in [
        ("GET /api/desk", vec![ours, "evil.test"]),
        ("GET /api/desk", vec!["evil.test", ours]),
        ("GET http://evil.test/api/desk", vec![ours]),
        ("GET /v1/openapi.json", vec![ours, "evil.test"]),
        ("GET /api/desk", vec![]),
    ] {
        let hosts: String = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect();
        let mut stream = TcpStream::connect(ours.replace("localhost", "127.0.0.1")).await.unwrap();
        let call = format!("{line} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        stream.write_all(call.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 4"), "{call}: {answer}");
    }
}

#[tokio::test]
async fn an_invitation_lets_one_person_in_once_within_a_day() {
    let shop = given_shop().await;
    let invitation = shop.dana.invite("jon@acme.test", "approver").await;
    let token = |invitation: &Value| invitation["url"].as_str().unwrap().split('#').nth(1).unwrap().to_owned();
    let start = json!({"token": token(&invitation), "name": "Jon"});
    Person::join(&shop.desk, &invitation, "Jon").await;
    for (path, body) in [
        ("/api/invitations/look", json!({"token": token(&invitation)})),
        ("/api/invitations/accept/start", start),
        ("/api/session/link", json!({"token": token(&invitation)})),
        ("/api/setup/look", json!({"token": token(&invitation)})),
    ] {
        is(&shop.desk.call(Method::POST, path, Some(&body)).await, 410, "link_spent");
    }
    let late = shop.dana.invite("late@acme.test", "admin").await;
    let look = json!({"token": token(&late)});
    is(&shop.desk.call(Method::POST, "/api/session/link", Some(&look)).await, 410, "link_spent");
    shop.desk.clock.forward(24 * 60 * MINUTE);
    is(&shop.desk.call(Method::POST, "/api/invitations/look", Some(&look)).await, 410, "link_spent");
    let start = json!({"token": token(&late), "name": "Late"});
    is(&shop.desk.call(Method::POST, "/api/invitations/accept/start", Some(&start)).await, 410, "link_spent");
}

#[tokio::test]
async fn the_setup_link_makes_one_admin() {
    let desk = Desk::fresh().await;
    let start = |email: &str| json!({"token": desk.setup_token(), "desk_name": "Acme", "name": "Eve", "email": email, "allow_self_approval": true});
    // Begun before the other ended, and ended after.
    let slow = desk.call(Method::POST, "/api/setup/start", Some(&start("eve@acme.test"))).await.expect(200);
    let dana = desk.set_up("Dana Kim", "dana@acme.test").await;
    let credential = Person::credential_for(&desk, &slow);
    let finish = json!({"ceremony": slow["ceremony"], "credential": credential});
    is(&desk.call(Method::POST, "/api/setup/finish", Some(&finish)).await, 410, "link_spent");
    let token = json!({"token": desk.setup_token()});
    is(&desk.call(Method::POST, "/api/setup/look", Some(&token)).await, 410, "link_spent");
    is(&desk.call(Method::POST, "/api/setup/start", Some(&start("eve@acme.test"))).await, 410, "link_spent");
    let people = dana.get("/api/users").await.expect(200);
    assert_eq!(people["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_that_is_guessed_opens_nothing() {
    let shop = given_shop().await;
    for token in ["", "x", KEY, &"A".repeat(43), &"x".repeat(100_000), "' OR 1=1 --", "\0", "\u{202e}"] {
        for path in ["/api/session/link", "/api/setup/look", "/api/invitations/look"] {
            let answer = shop.desk.call(Method::POST, path, Some(&json!({"token": token}))).await;
            is(&answer, 410, "link_spent");
        }
    }
}

/// A call with this cookie or bearer.
async fn session_by(desk: &Desk, header: &str, value: &str) -> Answer {
    let request = Client::new().get(format!("{}/api/session", desk.origin)).header(header, value);
    Answer::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_session_is_chosen_by_the_desk_and_ends_when_it_is_over() {
    let shop = given_shop().await;
    let (name, token) = shop.dana.cookie().split_once('=').unwrap();
    for cookie in [
        format!("{name}="),
        format!("{name}=x"),
        format!("{name}={token}x"),
        format!("{name}={}", &token[..token.len() - 1]),
        format!("{name}={KEY}"),
        format!("countersign={token}"),
        format!("__Host-countersign={token}"),
        format!("{name}={}", "x".repeat(20_000)),
    ] {
        is(&session_by(&shop.desk, "cookie", &cookie).await, 401, "unauthenticated");
    }
    is(&session_by(&shop.desk, "authorization", &format!("Bearer {KEY}")).await, 401, "unauthenticated");
    is(&shop.desk.agent(token).get("/v1/agent/permissions").await, 401, "unauthenticated");

    let begun = shop.dana.post("/api/session/passkey/start", json!({"email": "dana@acme.test"})).await.expect(200);
    let planted = format!("{name}=planted-by-somebody-else");
    let signed = shop.dana.answer(&begun).await;
    let request = Client::new().post(format!("{}/api/session/passkey/finish", shop.desk.origin)).json(&signed);
    let request = request.header("origin", &shop.desk.origin).header("cookie", &planted);
    let entered = Answer::read(request.send().await.unwrap()).await;
    let fresh = entered.headers["set-cookie"].to_str().unwrap();
    assert!(fresh.starts_with(name) && !fresh.contains("planted") && !fresh.contains(token), "{fresh}");
    assert!(fresh.contains("HttpOnly") && fresh.contains("SameSite=Lax"), "{fresh}");
    is(&session_by(&shop.desk, "cookie", &planted).await, 401, "unauthenticated");

    let fresh = fresh.split(';').next().unwrap();
    assert_eq!(session_by(&shop.desk, "cookie", fresh).await.status, 200);
    shop.dana.call(Method::DELETE, "/api/session", None).await;
    is(&session_by(&shop.desk, "cookie", shop.dana.cookie()).await, 401, "unauthenticated");
    assert_eq!(session_by(&shop.desk, "cookie", fresh).await.status, 200);
    shop.desk.clock.forward(12 * 60 * MINUTE);
    is(&session_by(&shop.desk, "cookie", fresh).await, 401, "unauthenticated");
}
