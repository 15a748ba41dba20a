//! Text messages by a service with Twilio's interface, and their short link.

use crate::told::{Told, given_told_on};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::redirect::Policy;
use serde_json::json;
use support::{Desk, Upstream};
use url::form_urlencoded;

const FLOW: &str =
    "{name: Ours, channels: {sms: true}, steps: [{order: 1, approvers: {users: [jon@acme.test, kai@acme.test]}}]}";

async fn given_texting(service: &Upstream) -> Told {
    let settings = format!(
        "sms: {{base_url: \"{}/api\", account_sid: AC123, token_env: SMS_TOKEN, from: \"+41790000000\"}}",
        service.url
    );
    let told = given_told_on(Desk::knowing(&[("SMS_TOKEN", "sms-token-of-stories")]).await, FLOW, &settings).await;
    // Kai has told nobody a number.
    let phone = r#"UPDATE users SET preferences = '{"phone":"+41790000001"}' WHERE email = 'jon@acme.test';
        UPDATE desk SET config_version = config_version + 1"#;
    told.shop.desk.database().await.run(phone).await;
    told.shop.dana.get("/api/connectors").await.expect(200);
    told
}

#[tokio::test]
async fn a_text_says_who_wants_what_and_its_link_leads_to_the_request() {
    let service = Upstream::raw("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}").await;
    let told = given_texting(&service).await;
    let id = told.command("Now.").await;
    service.received(1).await;
    let request = service.requests().remove(0);
    assert!(request.starts_with("POST /api/2010-04-01/Accounts/AC123/Messages.json HTTP/1.1\r\n"), "{request}");
    let basic = format!("authorization: Basic {}\r\n", STANDARD.encode("AC123:sms-token-of-stories"));
    assert!(request.contains(&basic), "{request}");
    let form: Vec<(String, String)> =
        form_urlencoded::parse(request.split_once("\r\n\r\n").unwrap().1.as_bytes()).into_owned().collect();
    let (names, values): (Vec<_>, Vec<_>) = form.into_iter().unzip();
    assert_eq!(names, ["To", "From", "Body"]);
    assert_eq!(values[..2], ["+41790000001", "+41790000000"]);
    assert!(values[2].len() < 160 && values[2].contains("invoice-bot"), "{values:?}");

    let link = values[2].split(' ').next_back().unwrap();
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let leads = client.get(link).send().await.unwrap();
    let place = leads.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(place, format!("{}/approve/{id}", told.shop.desk.origin));
    for nowhere in ["x", "AZkAAAAAAAAAAAAAAAAAAQ=", "%2F%2Fevil.test"] {
        let answer = client.get(format!("{}/a/{nowhere}", told.shop.desk.origin)).send().await.unwrap();
        assert!(!answer.status().is_redirection(), "{nowhere}");
    }
}

#[tokio::test]
async fn a_number_that_the_service_refuses_is_told_in_its_words() {
    let said = r#"{"code":21211,"message":"The 'To' number is not a valid phone number.","status":400}"#;
    let service =
        Upstream::raw(&format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\n\r\n{said}", said.len())).await;
    let told = given_texting(&service).await;
    told.command("Now.").await;
    let dead = told.failed("refused it").await;
    assert_eq!((&dead["state"], &dead["channel"]), (&json!("dead"), &json!("sms")));
    assert_eq!(dead["recipient"], json!({"name": "Jon Weber", "address": "+41790000001"}));
    let error = dead["error"].as_str().unwrap();
    assert_eq!(error, "The text message service refused it: The 'To' number is not a valid phone number. (21211)");
}

#[tokio::test]
async fn a_service_that_breaks_down_is_asked_again() {
    let broken = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
    let service = Upstream::in_turn(&[broken, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"]).await;
    let told = given_texting(&service).await;
    told.command("Now.").await;
    assert_eq!(told.failed("500").await["state"], "waiting");
    told.shop.desk.clock.forward(std::time::Duration::from_secs(60));
    assert_eq!(told.sent().await, 2);
}
