//! Mail to approvers: what it says, its thread, and servers that have a bad day.

use crate::told::{Told, given_told};
use serde_json::{Value, json};
use std::time::Duration;
use support::{MailServer, Person, Treatment};

const BOTH: &str = "{name: Ours, channels: {email: true}, notify_on_decisions: true,
  steps: [{order: 1, approvers: {users: [jon@acme.test, kai@acme.test]}}]}";
const JON: &str = "{name: Ours, channels: {email: true}, steps: [{order: 1, approvers: {users: [jon@acme.test]}}]}";

/// Longer than any pause between two tries.
const LATER: Duration = Duration::from_secs(2 * 60 * 60);
/// Longer than the pause after the first try, shorter than the flow's deadline.
const SOON: Duration = Duration::from_secs(60);

fn id_of(delivery: &Value) -> &str {
    delivery["id"].as_str().unwrap()
}

#[tokio::test]
async fn an_approver_reads_in_the_mail_what_the_card_shows() {
    let server = MailServer::taking().await;
    let told = given_told(BOTH, &server.settings()).await;
    let note = "Please\r\nBcc: all@acme.test\r\n\r\nReview: https://evil.test <img src=x> \u{202e}txt.exe";
    let id = told.command(note).await;
    let mail = server.received_by("jon@acme.test", 1).await.remove(0);

    assert_eq!(mail.recipient(), ("Jon Weber".to_owned(), "jon@acme.test".to_owned()));
    let (subject, origin) = (mail.header("Subject"), &told.shop.desk.origin);
    assert!(subject.contains("invoice-bot") && subject.contains("run"), "{subject}");
    assert_eq!(mail.header("List-Unsubscribe"), format!("<{origin}/account>"));
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert_eq!(mail.header("Date"), "Mon, 23 Nov 2026 10:40:00 +0000");
    assert_eq!(mail.header("In-Reply-To"), format!("<request.{id}@localhost>"));
    let head = mail.raw.split("\r\n\r\n").next().unwrap();
    assert!(!head.contains("Bcc"), "{head}");

    let (text, html) = (mail.text(), mail.html());
    for part in [&text, &html] {
        assert!(part.contains("Mina Sato") && part.contains("10:50 UTC"), "{part}");
        assert!(part.contains("The agent says") && part.contains("[U+202E]"), "{part}");
        assert!(!part.contains("hunter2") && part.contains("redacted"), "{part}");
        assert!(!part.contains("Approve"), "{part}");
        assert!(part.contains(&format!("{origin}/approve/{id}")), "{part}");
    }
    assert!(text.contains("command: <b>rm</b> -r \"/x\""), "{text}");
    assert!(html.contains("&lt;b&gt;rm&lt;/b&gt;") && !html.contains("<b>") && !html.contains("<img"), "{html}");
    let reviews: Vec<_> = text.lines().filter(|line| line.starts_with("Review")).collect();
    assert_eq!(reviews, [format!("Review: {origin}/approve/{id}")]);
}

#[tokio::test]
async fn the_others_hear_who_approved_and_the_requester_that_it_is_decided() {
    let server = MailServer::taking().await;
    let told = given_told(BOTH, &server.settings()).await;
    let id = told.command("Now.").await;
    server.received(2).await;
    told.jon.approve(&id).await.expect(200);
    let of_kai = server.received_by("kai@acme.test", 2).await;
    assert!(of_kai[1].text().contains("Already approved by Jon Weber at 10:40 UTC."), "{}", of_kai[1].text());
    assert!(!of_kai[1].text().contains("Arguments"), "nothing is asked any more");
    assert_eq!(of_kai[0].header("References"), of_kai[1].header("References"));
    assert_ne!(of_kai[0].header("Message-ID"), of_kai[1].header("Message-ID"));
    let of_mina = server.received_by("mina@acme.test", 1).await;
    assert!(of_mina[0].header("Subject").starts_with("Approved by Jon Weber: "), "{}", of_mina[0].raw);

    let deliveries = told.deliveries_when(|all| all.iter().all(|one| one["state"] == "sent")).await;
    assert_eq!(deliveries.len(), 4);
    assert_eq!(server.mails().len(), 4, "who decided knows");
}

#[tokio::test]
async fn a_server_that_is_busy_gets_it_later_and_one_that_dropped_the_line_gets_it_again_as_the_same() {
    let server = MailServer::treating(&[Treatment::Refuse("451 4.3.0 busy"), Treatment::TakeAndDrop]).await;
    let told = given_told(JON, &server.settings()).await;
    told.command("Now.").await;
    assert_eq!(told.failed("451: 4.3.0 busy").await["state"], "waiting");
    assert!(server.mails().is_empty());
    told.shop.desk.clock.forward(SOON);
    assert_eq!(told.failed("closed the connection").await["state"], "waiting");
    told.shop.desk.clock.forward(2 * SOON);
    assert_eq!(told.sent().await, 3);
    let mails = server.received(2).await;
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
}

#[tokio::test]
async fn what_a_server_refuses_for_good_is_listed_and_can_be_sent_again() {
    let server = MailServer::treating(&[Treatment::Refuse("550 5.1.1 no such mailbox")]).await;
    let told = given_told(JON, &server.settings()).await;
    let request = told.command("Now.").await;
    let dead = told.failed("550: 5.1.1 no such mailbox").await;
    assert_eq!((&dead["state"], &dead["kind"], &dead["channel"]), (&json!("dead"), &json!("asked"), &json!("email")));
    assert_eq!(dead["recipient"], json!({"name": "Jon Weber", "address": "jon@acme.test"}));

    let retry = format!("/api/deliveries/{}/retry", id_of(&dead));
    assert_eq!(told.jon.post(&retry, json!({})).await.status, 403);
    assert_eq!(told.shop.dana.post(&retry, json!({})).await.expect(200)["state"], "waiting");
    server.received(1).await;
    assert_eq!(told.deliveries_when(|all| all[0]["state"] == "sent").await[0]["attempts"], 1);
    let again = told.shop.dana.post(&retry, json!({})).await;
    assert_eq!((again.status, again.code()), (409, "conflict"));
    let record = told.shop.desk.database().await.actions_of(&request).await;
    assert_eq!(record, ["approval.requested", "delivery.retried"]);
}

#[tokio::test]
async fn over_a_restart_nothing_is_lost_and_nothing_is_told_twice() {
    let server = MailServer::treating(&[Treatment::Take, Treatment::Refuse("451 4.3.0 busy")]).await;
    let told = given_told(BOTH, &server.settings()).await;
    told.command("Now.").await;
    told.deliveries_when(|all| {
        ["sent", "waiting"].iter().all(|state| all.iter().any(|one| one["state"] == *state && one["attempts"] == 1))
    })
    .await;
    told.deliveries_when(|all| all.iter().any(|one| one["error"].is_string())).await;
    let Told { shop, jon } = told;
    let desk = shop.desk.restart().await;
    desk.clock.forward(SOON);
    let mut told: Vec<_> = server.received(2).await.into_iter().flat_map(|mail| mail.to).collect();
    told.sort();
    assert_eq!(told, ["jon@acme.test", "kai@acme.test"]);
    all_sent(&shop.dana.at(&desk)).await;
    assert_eq!(jon.at(&desk).get("/api/deliveries").await.status, 403);
    desk.clock.forward(LATER);
    let desk = desk.restart().await;
    all_sent(&Person::by_link(&desk.origin, &desk.sign_in_token("dana@acme.test").await).await).await;
    let asked = server.mails().into_iter().filter(|mail| mail.text().contains("Review: "));
    assert_eq!(asked.count(), 2, "nobody was asked twice");
}

/// Waits until nothing waits to be told.
async fn all_sent(admin: &Person) {
    while admin.get("/api/deliveries?state=waiting").await.expect(200)["items"] != json!([]) {
        support::pause().await;
    }
}

#[tokio::test]
async fn the_list_pages_newest_first_and_narrows_by_state_and_channel() {
    let server = MailServer::treating(&[Treatment::Refuse("550 5.1.1 no")]).await;
    let told = given_told(JON, &server.settings()).await;
    for times in 1..=3 {
        told.command("Now.").await;
        told.deliveries_when(|all| all.len() == times && all.iter().all(|one| one["state"] != "waiting")).await;
        told.shop.desk.clock.forward(Duration::from_secs(1));
    }
    let get = async |query: &str| told.shop.dana.get(&format!("/api/deliveries?{query}")).await;
    let all = told.deliveries().await;
    let first = get("limit=2").await.expect(200);
    assert_eq!(first["items"], json!([all[0], all[1]]));
    let rest = get(&format!("limit=2&after={}", first["next"].as_str().unwrap())).await.expect(200);
    assert_eq!(rest, json!({"items": [all[2]], "next": null}));
    assert_eq!(get("state=dead&channel=email").await.expect(200)["items"], json!([all[2]]));
    assert_eq!(get("channel=sms").await.expect(200)["items"], json!([]));
    for wrong in ["state=lost", "channel=pigeon", "limit=0", "limit=201", "after=x"] {
        let refused = get(wrong).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid"), "{wrong}: {}", refused.text);
    }
}
