//! People outside the desk, who are asked by mail or text message: a link shows, its code decides, and nothing else does.

use crate::given::{KEY, Shop};
use crate::told::{Told, given_told, given_told_on};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use support::{Answer, Desk, Mail, MailServer, Treatment, Upstream};
use url::form_urlencoded;

const PAT: &str = "pat@partner.test";
const PHONE: &str = "+41790000001";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A flow that asks these, by mail and by session, for two days.
fn flow(approvers: &str, more: &str) -> String {
    format!(
        "{{name: Ours, confirmation: session, channels: {{email: true}}, timeout_minutes: 2880, {more}
          steps: [{{order: 1, approvers: {{{approvers}}}}}]}}"
    )
}

/// What a message brings: a link's token, and its code.
#[derive(Clone, Debug, PartialEq)]
struct Letter {
    token: String,
    code: String,
}

impl Letter {
    fn in_text(text: &str, before_code: &str) -> Self {
        let after = |mark: &str| text.split_once(mark).unwrap_or_else(|| panic!("no {mark:?} in {text}")).1;
        let word = |text: &str| text.split_whitespace().next().unwrap().to_owned();
        Self { token: word(after("/outside#")), code: word(after(before_code)) }
    }

    fn of(mail: &Mail) -> Self {
        Self::in_text(&mail.text(), "Your code: ")
    }

    /// The same with another code.
    fn mistyped(&self) -> Self {
        let wrong = if self.code == "000000" { "000001" } else { "000000" };
        Self { code: wrong.to_owned(), ..self.clone() }
    }
}

async fn look(desk: &Desk, token: &str) -> Answer {
    desk.call(Method::POST, "/api/outside/look", Some(&json!({"token": token}))).await
}

async fn send(desk: &Desk, letter: &Letter, decision: &str) -> Answer {
    let body = json!({"token": letter.token, "code": letter.code, "decision": decision});
    desk.call(Method::POST, "/api/outside/decide", Some(&body)).await
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str, words: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text);
    let detail = answer.json["detail"].as_str().unwrap();
    assert!(detail.contains(words), "{detail}");
}

/// A desk whose refunds and commands are for Pat alone to approve, and a mail server.
async fn given_pat() -> (Told, MailServer) {
    let server = MailServer::taking().await;
    (given_told(&flow("emails: [Pat@Partner.test]", ""), &server.settings()).await, server)
}

async fn letter_to_pat(server: &MailServer) -> Letter {
    Letter::of(&server.received_by(PAT, 1).await[0])
}

async fn state_of(shop: &Shop, id: &str) -> Value {
    shop.dana.get(&format!("/api/requests/{id}")).await.expect(200)["state"].clone()
}

#[tokio::test]
async fn somebody_outside_approves_by_mail_and_the_agent_gets_its_result() {
    let (told, server) = given_pat().await;
    let Told { shop, .. } = &told;
    let id = shop.held().await;
    let mail = server.received_by(PAT, 1).await.remove(0);
    assert_eq!(mail.header("List-Unsubscribe"), "", "who has no account has no settings");
    for part in [mail.text(), mail.html()] {
        assert!(part.contains("4900") && part.contains("24 hours") && !part.contains("/account"), "{part}");
    }
    let letter = Letter::of(&mail);
    assert!(mail.html().contains(&letter.code) && !mail.header("Subject").contains(&letter.code));

    let seen = look(&shop.desk, &letter.token).await.expect(200);
    assert_eq!((&seen["desk"], &seen["to"]), (&json!("Acme"), &json!("p…@partner.test")));
    let card = &seen["card"];
    let (of_dana, drawn) = (shop.dana.get(&format!("/api/requests/{id}")).await.expect(200), ["arguments", "target"]);
    for part in drawn {
        assert_eq!(card[part], of_dana[part], "drawn from the same bytes");
    }
    for own in ["mina@acme.test", "Refunds", "dana@acme.test", "Sales"] {
        assert!(!seen.to_string().contains(own), "{own} is the house's own: {seen}");
    }

    assert_eq!(send(&shop.desk, &letter, "approve").await.expect(200), json!({"id": id, "state": "approved"}));
    let done = shop.agent.end_of(&id).await;
    assert_eq!((&done["state"], &done["result"]["data"]["id"]), (&json!("succeeded"), &json!("re_1")));
    assert_eq!(done["decided_by"], json!({"kind": "external", "name": PAT}));
    let sql = format!("SELECT actor FROM audit WHERE request_id = '{id}' AND action = 'approval.approved'");
    assert_eq!(shop.desk.database().await.texts(&sql).await, [format!("external:{PAT}")]);

    let card = shop.dana.end_of(&id).await;
    assert_eq!((&card["votes"][0]["name"], &card["votes"][0]["signed"]), (&json!(PAT), &json!(false)));
    assert_eq!(
        (&card["told"][0]["to"], &card["steps"][0]["approvers"]),
        (&json!("p…@partner.test"), &json!("p…@partner.test"))
    );
    assert_eq!(card["told"][0]["link"], "used");
    assert_eq!(server.mails().len(), 1, "who decided knows");
}

#[tokio::test]
async fn a_denial_takes_the_code_too_and_its_reason_reaches_the_agent() {
    let (told, server) = given_pat().await;
    let Told { shop, .. } = &told;
    let id = shop.held().await;
    let Letter { token, code } = letter_to_pat(&server).await;
    let body = json!({"token": token, "code": format!(" {} {} ", &code[..3], &code[3..]), "decision": "deny", "comment": " Ask first. "});
    let denied = shop.desk.call(Method::POST, "/api/outside/decide", Some(&body)).await.expect(200);
    assert_eq!(denied["state"], "denied");
    let end = shop.agent.end_of(&id).await;
    assert_eq!((&end["reason"], &end["decided_by"]["kind"]), (&json!("Ask first."), &json!("external")));
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn somebody_outside_approves_by_text_message() {
    let service = Upstream::raw("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}").await;
    let settings = format!(
        "sms: {{base_url: \"{}\", account_sid: AC123, token_env: SMS_TOKEN, from: \"+41790000000\"}}",
        service.url
    );
    let desk = Desk::knowing(&[("SMS_TOKEN", "sms-token-of-stories")]).await;
    let flow = flow(&format!("phones: [\"{PHONE}\"]"), "").replace("email: true", "sms: true");
    let told = given_told_on(desk, &flow, &settings).await;
    let id = told.shop.held().await;
    service.received(1).await;
    let request = service.requests().remove(0);
    let form: Vec<(String, String)> =
        form_urlencoded::parse(request.split_once("\r\n\r\n").unwrap().1.as_bytes()).into_owned().collect();
    assert_eq!(form[0], ("To".to_owned(), PHONE.to_owned()));
    let text = &form[2].1;
    assert!(text.len() < 160, "{text}");
    let letter = Letter::in_text(text, "Code ");
    send(&told.shop.desk, &letter, "approve").await.expect(200);
    assert_eq!(told.shop.agent.end_of(&id).await["decided_by"], json!({"kind": "external", "name": "+41…001"}));
}

#[tokio::test]
async fn five_wrong_codes_lock_a_link_and_an_admin_sends_a_new_one() {
    let (told, server) = given_pat().await;
    let Told { shop, .. } = &told;
    let id = shop.held().await;
    let letter = letter_to_pat(&server).await;
    for mistyped in ["", "12345", "1234567", "abcdef"] {
        let no_code = Letter { code: mistyped.to_owned(), ..letter.clone() };
        refused(&send(&shop.desk, &no_code, "approve").await, 422, "invalid", "six digits");
    }
    for left in ["4 more tries", "3 more tries", "2 more tries", "one more try"] {
        refused(&send(&shop.desk, &letter.mistyped(), "approve").await, 422, "invalid", left);
    }
    refused(&send(&shop.desk, &letter.mistyped(), "approve").await, 410, "link_spent", "locked after five wrong codes");
    for right in ["approve", "deny"] {
        refused(&send(&shop.desk, &letter, right).await, 410, "link_spent", "locked after five wrong codes");
    }
    refused(&look(&shop.desk, &letter.token).await, 410, "link_spent", "Ask for a new one");
    assert_eq!(state_of(shop, &id).await, "pending");

    let card = shop.dana.get(&format!("/api/requests/{id}")).await.expect(200);
    assert_eq!(card["told"][0]["link"], "locked");
    let sent = told.deliveries_when(|all| all[0]["state"] == "sent").await.remove(0);
    assert_eq!((&sent["may_repeat"], &sent["recipient"]["address"]), (&json!(true), &json!(PAT)));
    let again = format!("/api/deliveries/{}/retry", sent["id"].as_str().unwrap());
    assert_eq!(told.jon.post(&again, json!({})).await.status, 403);
    shop.dana.post(&again, json!({})).await.expect(200);
    let fresh = Letter::of(&server.received_by(PAT, 2).await[1]);
    assert!(fresh.token != letter.token, "a new link");
    refused(
        &send(&shop.desk, &Letter { code: letter.code.clone(), ..fresh.clone() }.unless(&fresh), "approve").await,
        422,
        "invalid",
        "code",
    );
    refused(&send(&shop.desk, &letter, "approve").await, 410, "link_spent", "locked");
    send(&shop.desk, &fresh, "approve").await.expect(200);
    let sent = told.deliveries_when(|all| all[0]["state"] == "sent").await.remove(0);
    assert_eq!(sent["may_repeat"], false);
    refused(&shop.dana.post(&again, json!({})).await, 409, "conflict", "not asked any more");
    let record = shop.desk.database().await.actions_of(&id).await;
    assert_eq!(record[..4], ["approval.requested", "outside_link.locked", "delivery.retried", "approval.approved"]);
}

impl Letter {
    /// Of two letters whose codes happen to be alike, a mistyped one.
    fn unless(self, other: &Self) -> Self {
        if self == *other { other.mistyped() } else { self }
    }
}

#[tokio::test]
async fn a_link_works_once() {
    let server = MailServer::taking().await;
    let flow =
        flow("emails: [pat@partner.test, sam@partner.test]", "").replace("order: 1", "order: 1, min_approvals: 2");
    let told = given_told(&flow, &server.settings()).await;
    let Told { shop, .. } = &told;
    let id = shop.held().await;
    let letter = letter_to_pat(&server).await;
    assert_eq!(send(&shop.desk, &letter, "approve").await.expect(200)["state"], "pending", "Sam is still asked");
    for decision in ["approve", "deny"] {
        refused(&send(&shop.desk, &letter, decision).await, 410, "link_spent", "Others are still asked");
    }
    refused(&look(&shop.desk, &letter.token).await, 410, "link_spent", "was used");
    let sam = Letter::of(&server.received_by("sam@partner.test", 1).await[0]);
    assert_eq!(send(&shop.desk, &sam, "approve").await.expect(200)["state"], "approved");
    refused(&look(&shop.desk, &letter.token).await, 410, "link_spent", "approved by sam@partner.test");
    assert_eq!(shop.agent.end_of(&id).await["state"], "succeeded");
}

#[tokio::test]
async fn a_link_opened_late_says_who_decided_and_when() {
    let server = MailServer::taking().await;
    let told = given_told(&flow("users: [jon@acme.test], emails: [pat@partner.test]", ""), &server.settings()).await;
    let id = told.shop.held().await;
    let letter = letter_to_pat(&server).await;
    told.jon.post(&format!("/api/requests/{id}/decisions"), json!({"decision": "approve"})).await.expect(200);
    let late = look(&told.shop.desk, &letter.token).await;
    refused(&late, 409, "request_ended", "approved by Jon Weber, on 2026-11-23 at 10:40 UTC");
    refused(&send(&told.shop.desk, &letter, "deny").await, 409, "request_ended", "approved by Jon Weber");
    let note = server.received_by(PAT, 2).await.remove(1);
    assert!(note.text().contains("Already approved by Jon Weber at 10:40 UTC."), "{}", note.text());
    assert!(!note.text().contains("http"), "there is nowhere to go: {}", note.text());

    let id = told.shop.held().await;
    let second = Letter::of(&server.received_by(PAT, 3).await[2]);
    told.settled().await;
    told.shop.desk.clock.forward(2 * DAY);
    assert_eq!(told.shop.agent.end_of(&id).await["state"], "expired");
    refused(&send(&told.shop.desk, &second, "approve").await, 409, "request_ended", "expired without an answer");
}

#[tokio::test]
async fn a_link_is_good_for_a_day_and_a_reminder_brings_another() {
    let server = MailServer::taking().await;
    let flow = flow("emails: [pat@partner.test]", "reminder_interval_minutes: 1500,");
    let told = given_told(&flow, &server.settings()).await;
    let Told { shop, .. } = &told;
    let id = shop.held().await;
    let letter = letter_to_pat(&server).await;
    told.settled().await;
    shop.desk.clock.forward(DAY - Duration::from_millis(1));
    look(&shop.desk, &letter.token).await.expect(200);
    shop.desk.clock.forward(Duration::from_millis(1));
    refused(&send(&shop.desk, &letter, "approve").await, 410, "link_spent", "good for 24 hours");
    refused(&look(&shop.desk, &letter.token).await, 410, "link_spent", "Ask for a new one");
    shop.desk.clock.forward(Duration::from_secs(60 * 60));
    let mails = server.received_by(PAT, 2).await;
    assert!(mails[1].header("Subject").starts_with("Reminder: "), "{}", mails[1].raw);
    send(&shop.desk, &Letter::of(&mails[1]), "approve").await.expect(200);
    refused(&look(&shop.desk, &letter.token).await, 409, "request_ended", "approved by pat@partner.test");
    assert_eq!(shop.agent.end_of(&id).await["state"], "succeeded");
}

#[tokio::test]
async fn an_address_votes_once_by_whichever_of_its_links() {
    let server = MailServer::treating(&[Treatment::TakeAndDrop]).await;
    let flow =
        flow("emails: [pat@partner.test, sam@partner.test]", "").replace("order: 1", "order: 1, min_approvals: 2");
    let told = given_told(&flow, &server.settings()).await;
    let Told { shop, .. } = &told;
    let id = shop.held().await;
    let first = server.received(1).await.remove(0);
    told.deliveries_when(|all| all.iter().any(|one| one["error"].is_string())).await;
    shop.desk.clock.forward(Duration::from_secs(60));
    let mails = server.received_by(&first.to[0], 2).await;
    let letters: Vec<_> = mails.iter().map(Letter::of).collect();
    assert_ne!(letters[0].token, letters[1].token);
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"), "whichever is kept of the two");
    for letter in &letters {
        look(&shop.desk, &letter.token).await.expect(200);
    }
    send(&shop.desk, &letters[0], "approve").await.expect(200);
    refused(&send(&shop.desk, &letters[1], "approve").await, 409, "already_decided", "another link");
    assert_eq!(state_of(shop, &id).await, "pending");
}

#[tokio::test]
async fn whoever_has_an_account_is_refused_as_somebody_outside() {
    let (told, _server) = given_pat().await;
    let dana = &told.shop.dana;
    let body = |emails: &[&str], more: Value| {
        let mut body = json!({
            "name": "Theirs", "confirmation": "session", "channels": {"email": true},
            "steps": [{"order": 1, "approvers": {"emails": emails}}],
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let create = async |body| dana.post("/api/flows", body).await;
    for party in ["mina@acme.test", "Dana@Acme.test"] {
        refused(&create(body(&[party, PAT], json!({}))).await, 422, "invalid", "in `users` instead");
    }
    refused(&create(body(&[PAT], json!({"confirmation": "passkey"}))).await, 422, "invalid", "no passkey");
    refused(&create(body(&[PAT], json!({"channels": {"push": true}}))).await, 422, "invalid", "mail only");
    for wrong in ["pat\r\nBcc: all@acme.test", "pat@", "pat,sam@partner.test", "<pat@partner.test>"] {
        refused(&create(body(&[wrong], json!({}))).await, 422, "invalid", "emails");
    }
    create(body(&[PAT], json!({}))).await.expect(201);
}

#[tokio::test]
async fn an_address_that_became_an_account_decides_by_no_link_and_the_admins_are_asked() {
    let (told, server) = given_pat().await;
    let Told { shop, .. } = &told;
    let id = shop.held().await;
    let letter = letter_to_pat(&server).await;
    shop.joined(PAT, "member", "Pat Roe").await;
    refused(&send(&shop.desk, &letter, "approve").await, 403, "not_your_turn", "not asked");
    refused(&look(&shop.desk, &letter.token).await, 403, "not_your_turn", "not asked");
    let other = shop.held().await;
    let card = shop.dana.get(&format!("/api/requests/{other}")).await.expect(200);
    assert_eq!(card["steps"][0]["asked"], json!([{"name": "Dana Kim", "vote": null}]));
    assert_eq!(state_of(shop, &id).await, "pending");
}

#[tokio::test]
async fn the_requesters_own_phone_is_not_asked_about_their_request() {
    let service = Upstream::raw("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}").await;
    let settings = format!(
        "sms: {{base_url: \"{}\", account_sid: AC1, token_env: SMS_TOKEN, from: \"+41790000000\"}}",
        service.url
    );
    let desk = Desk::knowing(&[("SMS_TOKEN", "sms-token-of-stories")]).await;
    let flow =
        flow(&format!("phones: [\"{PHONE}\"]"), "allow_self_approval: true,").replace("email: true", "sms: true");
    let told = given_told_on(desk, &flow, &settings).await;
    let Told { shop, .. } = &told;
    let theirs = format!(
        r#"UPDATE users SET preferences = '{{"phone":"{PHONE}"}}' WHERE email = 'mina@acme.test';
        UPDATE desk SET config_version = config_version + 1"#
    );
    shop.desk.database().await.run(&theirs).await;
    shop.dana.get("/api/flows").await.expect(200);
    let id = shop.held().await;
    let card = shop.dana.get(&format!("/api/requests/{id}")).await.expect(200);
    assert_eq!(card["steps"][0]["asked"], json!([{"name": "Dana Kim", "vote": null}]));
    let told_to: Vec<_> = told.deliveries().await.iter().map(|one| one["recipient"]["name"].clone()).collect();
    assert!(!told_to.contains(&json!("Outside")), "{told_to:?}");
}

#[tokio::test]
async fn of_a_user_and_somebody_outside_who_decide_at_once_one_wins() {
    let server = MailServer::taking().await;
    let told = given_told(&flow("users: [jon@acme.test], emails: [pat@partner.test]", ""), &server.settings()).await;
    let Told { shop, jon } = &told;
    let mut approved = 0;
    for (says_jon, says_pat) in [("deny", "approve"), ("approve", "deny")] {
        let id = shop.held().await;
        let letter = letter_about(&server, &id).await;
        let path = format!("/api/requests/{id}/decisions");
        let inside = jon.post(&path, json!({"decision": says_jon}));
        let (inside, outside) = tokio::join!(inside, send(&shop.desk, &letter, says_pat));
        let by_jon = inside.status == 200;
        let (winner, loser) = if by_jon { (inside, outside) } else { (outside, inside) };
        assert_eq!((winner.status, loser.status, loser.code()), (200, 409, "request_ended"), "{}", loser.text);
        let end = shop.agent.end_of(&id).await;
        assert_eq!(end["decided_by"]["kind"], if by_jon { "user" } else { "external" });
        approved += usize::from(end["state"] == "succeeded");
    }
    assert_eq!(shop.upstream.requests().len(), approved);
}

/// The letter that asks Pat about one request.
async fn letter_about(server: &MailServer, id: &str) -> Letter {
    let about = format!("<request.{id}@localhost>");
    let asks =
        |mail: &Mail| mail.to == [PAT] && mail.header("References") == about && mail.text().contains("/outside#");
    loop {
        match server.mails().into_iter().find(asks) {
            Some(mail) => return Letter::of(&mail),
            None => support::pause().await,
        }
    }
}

#[tokio::test]
async fn what_is_guessed_or_mixed_up_opens_nothing() {
    let (told, server) = given_pat().await;
    let Told { shop, .. } = &told;
    let (one, other) = (shop.held().await, shop.held().await);
    let mails = server.received_by(PAT, 2).await;
    let letters: Vec<_> = mails.iter().map(Letter::of).collect();
    let swapped = Letter { code: letters[1].code.clone(), ..letters[0].clone() }.unless(&letters[0]);
    refused(&send(&shop.desk, &swapped, "approve").await, 422, "invalid", "4 more tries");
    let forged = [String::new(), "x".repeat(43), letters[0].token.to_lowercase(), format!("{}A", letters[0].token)];
    for token in forged {
        let letter = Letter { token, code: letters[0].code.clone() };
        refused(&look(&shop.desk, &letter.token).await, 410, "link_spent", "not complete");
        refused(&send(&shop.desk, &letter, "approve").await, 410, "link_spent", "not complete");
    }
    let client = Client::new();
    let body = json!({"token": letters[0].token, "code": letters[0].code, "decision": "approve"});
    let url = format!("{}/api/outside/decide", shop.desk.origin);
    for origin in [None, Some("https://evil.test")] {
        let post = client.post(&url).json(&body);
        let post = if let Some(origin) = origin { post.header("origin", origin) } else { post };
        refused(&Answer::read(post.send().await.unwrap()).await, 403, "cross_site", "desk's own page");
    }
    for id in [one, other] {
        assert_eq!(state_of(shop, &id).await, "pending");
    }
}

#[tokio::test]
async fn a_link_preview_changes_nothing() {
    let (told, server) = given_pat().await;
    let Told { shop, .. } = &told;
    let id = shop.held().await;
    let letter = letter_to_pat(&server).await;
    told.deliveries_when(|all| all[0]["state"] == "sent").await;
    let before = everything(shop).await;
    let client = Client::new();
    // Only what is before the fragment reaches a server; a bot may try the calls behind the page too.
    for path in ["/outside", "/api/outside/look", "/api/outside/decide"] {
        let answer = client.get(format!("{}{path}", shop.desk.origin)).send().await.unwrap();
        assert!(path == "/outside" || answer.status() == StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    for _ in 0..3 {
        look(&shop.desk, &letter.token).await.expect(200);
    }
    assert_eq!(everything(shop).await, before);
    let database = shop.desk.database().await;
    let columns = "token_hash || code_hash || recipient || id || request_id";
    let stored = database.texts(&format!("SELECT {columns} FROM outside_links")).await.concat();
    assert!(!stored.contains(&letter.token) && stored.len() > 128, "only hashes are kept");
    send(&shop.desk, &letter, "approve").await.expect(200);
    assert_eq!(shop.agent.end_of(&id).await["state"], "succeeded");
}

/// Everything that a look could have changed.
async fn everything(shop: &Shop) -> Vec<String> {
    let database = shop.desk.database().await;
    let mut all =
        database.texts("SELECT id || wrong_codes || COALESCE(used_at, 0) FROM outside_links ORDER BY id").await;
    all.extend(database.texts("SELECT id || state || updated_at FROM requests ORDER BY id").await);
    all.extend(database.texts("SELECT action || seq FROM audit ORDER BY seq").await);
    all
}

#[tokio::test]
async fn a_letter_that_left_before_a_crash_decides_after_it() {
    let server = MailServer::treating(&[Treatment::TakeAndDrop]).await;
    let told = given_told(&flow("emails: [pat@partner.test]", ""), &server.settings()).await;
    let id = told.shop.held().await;
    let letter = letter_to_pat(&server).await;
    let Told { shop, .. } = told;
    let Shop { desk, upstream, .. } = shop;
    refused(&send(&desk, &letter.mistyped(), "approve").await, 422, "invalid", "4 more tries");
    let desk = desk.restart().await;
    refused(&send(&desk, &letter.mistyped(), "approve").await, 422, "invalid", "3 more tries");
    desk.clock.forward(Duration::from_secs(60));
    let again = Letter::of(&server.received_by(PAT, 2).await[1]);
    assert_ne!(again.token, letter.token);
    send(&desk, &letter, "approve").await.expect(200);
    let desk = desk.restart().await;
    refused(&send(&desk, &again, "deny").await, 409, "request_ended", "approved by pat@partner.test");
    assert_eq!(desk.agent(KEY).end_of(&id).await["state"], "succeeded");
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn access_for_a_time_is_not_for_somebody_outside_to_give() {
    let (told, server) = given_pat().await;
    let Told { shop, .. } = &told;
    let body = json!({"connector": "shop", "tools": ["refunds_create"], "note": "All day.", "duration_minutes": 60});
    let asked = shop.agent.send(Method::POST, "/v1/access-request", &[], body.to_string()).await.expect(202);
    let id = asked["request_id"].as_str().unwrap();
    let card = shop.dana.get(&format!("/api/requests/{id}")).await.expect(200);
    assert_eq!(card["steps"][0]["asked"], json!([{"name": "Dana Kim", "vote": null}]));
    shop.held().await;
    let mails = server.received_by(PAT, 1).await;
    assert!(mails[0].text().contains("4900"), "the refund, and not the access: {}", mails[0].text());
}

#[tokio::test]
async fn somebody_outside_and_a_user_both_approve_where_two_must() {
    let server = MailServer::taking().await;
    let flow = flow("users: [jon@acme.test], emails: [pat@partner.test]", "")
        .replace("order: 1", "order: 1, min_approvals: 2");
    let told = given_told(&flow, &server.settings()).await;
    let Told { shop, jon } = &told;
    let id = shop.held().await;
    let letter = letter_to_pat(&server).await;
    assert_eq!(send(&shop.desk, &letter, "approve").await.expect(200)["state"], "pending");
    let session = jon.post(&format!("/api/requests/{id}/decisions"), json!({"decision": "approve"})).await;
    assert_eq!(session.expect(200)["state"], "approved");
    let done = shop.agent.end_of(&id).await;
    assert_eq!((&done["state"], &done["decided_by"]["name"]), (&json!("succeeded"), &json!("Jon Weber")));
}
