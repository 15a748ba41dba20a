//! A request as somebody outside meets it: a message's link, a field for its code, and nothing to sign in to.

use crate::told::given_told_on;
use support::{Browser, Desk, Mail, MailServer};

const FLOW: &str = "{name: Ours, confirmation: session, channels: {email: true}, timeout_minutes: 120,
  steps: [{order: 1, approvers: {emails: [pat@partner.test]}}]}";

/// Takes back what was typed, a key each (WebDriver, 17.4.2: Backspace).
const SIX_BACK: &str = "\u{e003}\u{e003}\u{e003}\u{e003}\u{e003}\u{e003}";

/// A mail's link and code.
fn letter(mail: &Mail) -> (String, String) {
    let text = mail.text();
    let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start)).unwrap().to_owned();
    (line("Review: "), line("Your code: "))
}

#[tokio::test]
async fn somebody_outside_opens_the_link_types_the_code_and_decides() {
    let server = MailServer::taking().await;
    let told = given_told_on(Desk::of_today().await, FLOW, &server.settings()).await;
    let id = told.shop.held().await;
    let (link, code) = letter(&server.received(1).await[0]);
    let pat = Browser::start().await;
    pat.open(&link).await;
    pat.says("headline", "invoice-bot").await;
    pat.says("card-arguments", "4900").await;
    assert_eq!(pat.awaits("location.href").await, format!("{}/outside", told.shop.desk.origin), "the token is gone");

    pat.click("approve").await;
    pat.says("error-code", "six digits").await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    pat.fill("code", wrong).await;
    pat.click("approve").await;
    pat.says("error-code", "4 more tries").await;
    pat.fill("code", &format!("{SIX_BACK}{code}")).await;
    pat.click("approve").await;
    pat.shows("You approved this request").await;
    assert_eq!(told.shop.agent.end_of(&id).await["decided_by"]["name"], "pat@partner.test");
    pat.open("about:blank").await;
    pat.open(&link).await;
    pat.shows("This link was used").await;

    let id = told.shop.held().await;
    let (link, code) = letter(&server.received(2).await[1]);
    pat.open("about:blank").await;
    pat.open(&link).await;
    pat.click("deny").await;
    pat.fill("deny-reason", "Ask first.").await;
    pat.fill("code", &code).await;
    pat.click("deny-confirm").await;
    pat.shows("You denied this request").await;
    assert_eq!(told.shop.agent.end_of(&id).await["reason"], "Ask first.");

    pat.open(&format!("{}/outside", told.shop.desk.origin)).await;
    pat.shows("The part after # is missing").await;
    pat.quit().await;
}
