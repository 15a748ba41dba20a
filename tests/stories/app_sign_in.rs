//! The desktop app comes in: by a code out of the browser that only the app which asked can use, or, where the server
//! runs within it, by itself.

use crate::given::{Shop, given_shop};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use support::Answer;
use url::Url;

const VERIFIER: &str = "a-verifier-that-only-the-app-knows-0123456789";

fn asked(redirect_uri: &str) -> Value {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    json!({"code_challenge": challenge, "redirect_uri": redirect_uri, "state": "a state"})
}

/// The app's own calls: no cookie, no origin.
async fn call(shop: &Shop, method: Method, path: &str, bearer: Option<&str>, body: Option<Value>) -> Answer {
    let mut request = Client::new().request(method, format!("{}{path}", shop.desk.origin));
    if let Some(bearer) = bearer {
        request = request.bearer_auth(bearer);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    Answer::read(request.send().await.unwrap()).await
}

async fn code(shop: &Shop) -> String {
    let redirect = shop.dana.post("/api/session/app", asked("http://127.0.0.1:49152/")).await.expect(200);
    let location = Url::parse(redirect["location"].as_str().unwrap()).unwrap();
    let pairs: Vec<(String, String)> = location.query_pairs().into_owned().collect();
    assert_eq!((location.port(), pairs[1].clone()), (Some(49_152), ("state".to_owned(), "a state".to_owned())));
    pairs[0].1.clone()
}

async fn redeem(shop: &Shop, code: &str, verifier: &str) -> Answer {
    let body = json!({"code": code, "code_verifier": verifier});
    call(shop, Method::POST, "/api/session/token", None, Some(body)).await
}

#[tokio::test]
async fn the_app_signs_in_by_a_code_out_of_the_browser_and_denies_by_its_session() {
    let shop = given_shop().await;
    let id = shop.held().await;

    let session = redeem(&shop, &code(&shop).await, VERIFIER).await.expect(200);
    let token = session["token"].as_str().unwrap();
    let me = call(&shop, Method::GET, "/api/session", Some(token), None).await.expect(200);
    assert_eq!(me["user"]["email"], "dana@acme.test");

    let path = format!("/api/requests/{id}/decisions");
    call(&shop, Method::POST, &path, Some(token), Some(json!({"decision": "deny"}))).await.expect(200);
    assert_eq!(shop.agent.end_of(&id).await["state"], "denied");

    call(&shop, Method::DELETE, "/api/session", Some(token), None).await;
    assert_eq!(call(&shop, Method::GET, "/api/session", Some(token), None).await.status, 401);
    shop.dana.get("/api/session").await.expect(200);
}

#[tokio::test]
async fn a_code_is_good_once_for_a_minute_and_for_whoever_has_the_verifier() {
    let shop = given_shop().await;
    let refused = |answer: Answer| assert_eq!((answer.status, answer.code()), (410, "link_spent"), "{}", answer.text);

    let used = code(&shop).await;
    redeem(&shop, &used, VERIFIER).await.expect(200);
    refused(redeem(&shop, &used, VERIFIER).await);

    let stolen = code(&shop).await;
    refused(redeem(&shop, &stolen, &"x".repeat(43)).await);
    refused(redeem(&shop, &stolen, VERIFIER).await);

    let stale = code(&shop).await;
    shop.desk.clock.forward(Duration::from_secs(60));
    refused(redeem(&shop, &stale, VERIFIER).await);
    refused(redeem(&shop, "", "").await);
}

#[tokio::test]
async fn a_code_is_made_only_for_somebody_who_is_signed_in_and_never_for_another_machine() {
    let shop = given_shop().await;
    for elsewhere in ["https://evil.test/", "http://127.0.0.1:1/x", "http://localhost:1/", "countersign://evil"] {
        let answer = shop.dana.post("/api/session/app", asked(elsewhere)).await;
        assert_eq!((answer.status, answer.code()), (422, "invalid"), "{elsewhere}");
    }
    let mut plain = asked("countersign://sign-in");
    plain["code_challenge"] = json!(VERIFIER);
    assert_eq!(shop.dana.post("/api/session/app", plain).await.code(), "invalid");
    let nobody = shop.desk.call(Method::POST, "/api/session/app", Some(&asked("countersign://sign-in"))).await;
    assert_eq!(nobody.code(), "unauthenticated");
    let from_elsewhere =
        call(&shop, Method::POST, "/api/session/app", None, Some(asked("countersign://sign-in"))).await;
    assert_eq!(from_elsewhere.code(), "cross_site");
}

#[tokio::test]
async fn the_app_that_the_server_runs_within_comes_in_as_the_first_admin_and_sends_a_browser_ahead() {
    let shop = given_shop().await;
    shop.desk.clock.forward(Duration::from_secs(1));
    shop.joined("jon@acme.test", "admin", "Jon Weber").await;
    let within = shop.desk.within();
    let session = within.open_within_process().await.unwrap().unwrap();
    let me = call(&shop, Method::GET, "/api/session", Some(&session.token), None).await.expect(200);
    assert_eq!(me["user"]["email"], "dana@acme.test");

    let ticket = within.ticket_within_process().await.unwrap();
    let ticket = secrecy::ExposeSecret::expose_secret(&ticket).to_owned();
    let browser = support::Person::by_link(&shop.desk.origin, &ticket).await;
    browser.get("/api/session").await.expect(200);
    let again = shop.desk.call(Method::POST, "/api/session/link", Some(&json!({"token": ticket}))).await;
    assert_eq!(again.code(), "link_spent");

    let stale = within.ticket_within_process().await.unwrap();
    shop.desk.clock.forward(Duration::from_secs(2 * 60));
    let body = json!({"token": secrecy::ExposeSecret::expose_secret(&stale)});
    assert_eq!(shop.desk.call(Method::POST, "/api/session/link", Some(&body)).await.code(), "link_spent");
}

#[tokio::test]
async fn nobody_comes_in_within_the_process_before_the_desk_is_set_up() {
    let desk = support::Desk::fresh().await;
    assert!(desk.within().open_within_process().await.unwrap().is_none());
    assert!(desk.within().ticket_within_process().await.is_err());
}
