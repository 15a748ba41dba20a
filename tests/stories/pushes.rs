//! Web Push: to whom it goes, who can read it, what replaces it, and what becomes of it when the push service says no.

use crate::told::{Told, given_told};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use support::{Person, Push, PushBrowser, PushService};

const JON: &str = "{name: Ours, channels: {push: true}, timeout_minutes: 120, steps: [{order: 1, approvers: {users: [jon@acme.test]}}]}";
const BOTH: &str = "{name: Ours, channels: {push: true}, timeout_minutes: 120,
  steps: [{order: 1, approvers: {users: [jon@acme.test, dana@acme.test]}}]}";
const URGENT: &str = "{name: Ours, channels: {push: true}, timeout_minutes: 120, urgent: true,
  steps: [{order: 1, approvers: {users: [jon@acme.test]}}]}";

const BY_ITSELF: &str = "{name: Ours, channels: {push: true}, timeout_minutes: 120, auto_approve_minutes: 5,
  auto_approve_destructive_reason: A sandbox., steps: [{order: 1, approvers: {users: [jon@acme.test]}}]}";

const SUBSCRIPTIONS: &str = "/api/push/subscriptions";
const PREFERENCES: &str = "/api/me/preferences";
const MINUTE: Duration = Duration::from_secs(60);

/// The desk is told of a browser of this person's.
async fn signed_up(person: &Person, service: &PushService, name: &str) -> PushBrowser {
    let browser = service.browser(name);
    let mut body = browser.subscription();
    body["label"] = json!(name);
    person.post(SUBSCRIPTIONS, body).await.expect(201);
    browser
}

async fn labels(person: &Person) -> Vec<String> {
    let page = person.get(SUBSCRIPTIONS).await.expect(200);
    page["items"].as_array().unwrap().iter().map(|one| one["label"].as_str().unwrap().to_owned()).collect()
}

async fn prefer(person: &Person, preferences: Value) -> Value {
    person.call(Method::PUT, PREFERENCES, Some(preferences)).await.expect(200)
}

/// The states of what was told, once none of it is under way.
async fn fates(told: &Told, many: usize) -> Vec<Value> {
    told.deliveries_when(|all| all.len() == many && all.iter().all(|one| one["state"] != "waiting")).await
}

#[tokio::test]
async fn a_push_is_signed_with_the_announced_key_and_read_by_its_browser_alone() {
    let service = PushService::taking().await;
    let told = given_told(JON, "").await;
    let key = told.jon.get("/api/push/key").await.expect(200)["key"].as_str().unwrap().to_owned();
    let (laptop, other) = (signed_up(&told.jon, &service, "laptop").await, service.browser("other"));
    let id = told.command("Now.").await;

    let push = service.received(1).await.remove(0);
    let claims = push.vouched_by(&key);
    assert_eq!(
        (claims["aud"].as_str(), claims["sub"].as_str()),
        (Some(&*service.origin), Some("mailto:nobody@example.com"))
    );
    let now = 1_795_430_400;
    assert!((now..=now + 24 * 60 * 60).contains(&claims["exp"].as_i64().unwrap()), "{claims}");
    assert_eq!((push.header("ttl"), push.header("urgency"), push.path.as_str()), ("7200", "high", "/laptop"));
    assert!(push.opened_by(&other).is_none());

    let said = push.read_by(&laptop);
    let (shown, page) = (&said["notification"], format!("{}/approve/{id}", told.shop.desk.origin));
    assert_eq!((&said["web_push"], &shown["navigate"]), (&json!(8030), &json!(page)));
    assert!(shown["title"].as_str().unwrap().contains("invoice-bot"), "{said}");
    assert!(shown["body"].as_str().unwrap().contains("Mina Sato") && !said.to_string().contains("hunter2"), "{said}");
    assert_eq!((&shown["data"]["kind"], &shown["data"]["request"]), (&json!("asked"), &json!(id)));
    let titles: Vec<_> = shown["actions"].as_array().unwrap().iter().map(|one| &one["title"]).collect();
    assert_eq!(titles, ["Review", "Deny"]);
}

#[tokio::test]
async fn when_a_request_ends_every_screen_that_asked_is_told_so_in_the_same_place() {
    let service = PushService::taking().await;
    let told = given_told(BOTH, "").await;
    let (laptop, phone) =
        (signed_up(&told.jon, &service, "laptop").await, signed_up(&told.shop.dana, &service, "phone").await);
    let id = told.command("Now.").await;
    service.received(2).await;
    told.jon.approve(&id).await.expect(200);

    let pushes = service.received(4).await;
    for (path, browser) in [("/laptop", &laptop), ("/phone", &phone)] {
        let own: Vec<_> = pushes.iter().filter(|push| push.path == path).collect();
        let (asked, ended) = (own[0].read_by(browser), own[1].read_by(browser));
        assert_eq!(own[0].header("topic"), own[1].header("topic"));
        assert!(own[0].header("topic").len() <= 32);
        assert_eq!((own[1].header("urgency"), &ended["notification"]["data"]["kind"]), ("low", &json!("ended")));
        assert_eq!(asked["notification"]["tag"], ended["notification"]["tag"]);
        assert_eq!(ended["notification"]["body"], "Already approved by Jon Weber at 10:40 UTC.");
    }
}

#[tokio::test]
async fn a_browser_that_takes_no_pushes_any_more_is_forgotten_and_the_others_are_told() {
    let service = PushService::answering(&[(410, None)]).await;
    let told = given_told(JON, "").await;
    signed_up(&told.jon, &service, "old").await;
    // Browsers are pushed to in the order in which they came.
    told.shop.desk.clock.forward(Duration::from_millis(1));
    signed_up(&told.jon, &service, "new").await;
    told.command("Now.").await;
    assert_eq!(fates(&told, 1).await[0]["state"], "sent");
    assert_eq!(labels(&told.jon).await, ["new"]);
}

#[tokio::test]
async fn when_the_last_browser_is_gone_the_message_is_given_up() {
    let service = PushService::answering(&[(404, None)]).await;
    let told = given_told(JON, "").await;
    signed_up(&told.jon, &service, "old").await;
    told.command("Now.").await;
    let given_up = fates(&told, 1).await.remove(0);
    assert_eq!(
        (&given_up["state"], &given_up["error"]),
        (&json!("dead"), &json!("This browser takes no pushes any more."))
    );
    assert!(labels(&told.jon).await.is_empty());
    told.command("Again.").await;
    assert_eq!(told.deliveries().await.len(), 1, "there is nowhere to push to");
}

#[tokio::test]
async fn a_push_service_is_left_alone_as_long_as_it_asks() {
    let service = PushService::answering(&[(429, Some("3600")), (503, None)]).await;
    let told = given_told(JON, "").await;
    signed_up(&told.jon, &service, "laptop").await;
    told.command("Now.").await;
    assert_eq!(told.failed("429").await["due_at"], "2026-11-23T11:40:00.000Z");
    told.shop.desk.clock.forward(60 * MINUTE);
    told.failed("503").await;
    told.shop.desk.clock.forward(30 * MINUTE);
    assert_eq!(told.sent().await, 3);
    assert_eq!(service.pushes()[2].header("ttl"), "1800", "what is left until the deadline");
}

#[tokio::test]
async fn a_push_service_that_refuses_for_good_is_not_tried_again() {
    for (status, why) in [(413, "too large"), (403, "off and on again"), (301, "redirect")] {
        let service = PushService::answering(&[(status, None)]).await;
        let told = given_told(JON, "").await;
        signed_up(&told.jon, &service, "laptop").await;
        told.command("Now.").await;
        assert_eq!(told.failed(why).await["state"], "dead");
        assert_eq!(labels(&told.jon).await, ["laptop"]);
    }
}

#[tokio::test]
async fn in_quiet_hours_only_what_is_urgent_is_told() {
    let quiet = json!({"quiet_hours": {"from": "10:00", "to": "11:00", "time_zone": "UTC"}});
    let service = PushService::taking().await;
    let told = given_told(JON, "").await;
    signed_up(&told.jon, &service, "laptop").await;
    prefer(&told.jon, quiet.clone()).await;
    told.command("Now.").await;
    assert_eq!(told.deliveries().await[0]["due_at"], "2026-11-23T11:00:00.000Z");
    told.shop.desk.clock.forward(20 * MINUTE);
    service.received(1).await;

    let told = given_told(URGENT, "").await;
    signed_up(&told.jon, &service, "phone").await;
    prefer(&told.jon, quiet).await;
    told.command("Now.").await;
    assert_eq!(service.received(2).await[1].path, "/phone");
}

#[tokio::test]
async fn nothing_approves_itself_while_quiet_hours_keep_everybody_from_hearing() {
    let service = PushService::taking().await;
    let told = given_told(BY_ITSELF, "").await;
    signed_up(&told.jon, &service, "laptop").await;
    prefer(&told.jon, json!({"quiet_hours": {"from": "10:00", "to": "11:00", "time_zone": "UTC"}})).await;
    let unheard = told.shop.held().await;
    told.shop.desk.clock.forward(5 * MINUTE);
    told.jon.card_when(&unheard, |card| card["approves_itself"] == false).await;
    assert_eq!(told.jon.card(&unheard).await["state"], "pending");

    prefer(&told.jon, json!({"quiet_hours": null})).await;
    service.received(1).await;
    let heard = told.shop.held().await;
    service.received(2).await;
    told.settled().await;
    told.shop.desk.clock.forward(5 * MINUTE);
    assert_eq!(told.shop.agent.end_of(&heard).await["decided_by"]["kind"], "auto");
}

#[tokio::test]
async fn a_burst_that_waited_for_the_end_of_quiet_hours_is_told_when_they_are_taken_away() {
    let service = PushService::taking().await;
    let told = given_told(JON, "").await;
    let laptop = signed_up(&told.jon, &service, "laptop").await;
    prefer(&told.jon, json!({"quiet_hours": {"from": "10:00", "to": "23:00", "time_zone": "UTC"}})).await;
    for _ in 0..7 {
        told.command("Now.").await;
    }
    assert!(service.pushes().is_empty());
    prefer(&told.jon, json!({"quiet_hours": null})).await;
    let pushes = service.received(5 + 1).await;
    let says = |push: &Push| push.read_by(&laptop)["notification"]["title"] == "7 requests wait for you";
    assert_eq!(pushes.iter().filter(|push| says(push)).count(), 1);
}

#[tokio::test]
async fn a_burst_becomes_one_message_unless_somebody_wants_each() {
    let service = PushService::taking().await;
    let told = given_told(BOTH, "").await;
    let laptop = signed_up(&told.jon, &service, "laptop").await;
    signed_up(&told.shop.dana, &service, "each").await;
    prefer(&told.shop.dana, json!({"digest": false})).await;
    for _ in 0..7 {
        told.command("Now.").await;
    }
    // Whoever carries a message has it for a minute: what is not written down by then is carried again.
    told.deliveries_when(|all| all.iter().filter(|one| one["state"] == "sent").count() == 5 + 7).await;
    told.shop.desk.clock.forward(MINUTE);
    let pushes = service.received(5 + 7 + 1).await;
    let many = pushes.last().unwrap();
    assert_eq!((many.path.as_str(), many.header("topic")), ("/laptop", "waiting"));
    let shown = &many.read_by(&laptop)["notification"];
    assert_eq!((&shown["title"], &shown["actions"]), (&json!("7 requests wait for you"), &Value::Null));
    assert_eq!(pushes.iter().filter(|push| push.path == "/each").count(), 7);
}

#[tokio::test]
async fn whoever_does_not_take_pushes_from_flows_that_are_not_urgent_gets_none() {
    let service = PushService::taking().await;
    let told = given_told(JON, "").await;
    signed_up(&told.jon, &service, "laptop").await;
    prefer(&told.jon, json!({"normal": {"push": false}})).await;
    told.command("Now.").await;
    assert!(told.deliveries().await.is_empty());
}

#[tokio::test]
async fn whoever_looks_at_a_request_sends_it_to_their_phone_and_nobody_elses() {
    let service = PushService::taking().await;
    let told = given_told(JON, "").await;
    let (id, dana) = (told.command("Now.").await, &told.shop.dana);
    let send_on = format!("/api/requests/{id}/send-on");
    let nowhere = told.jon.post(&send_on, json!({})).await;
    assert_eq!((nowhere.status, nowhere.code()), (409, "conflict"), "{}", nowhere.text);
    let phone = signed_up(&told.jon, &service, "phone").await;
    signed_up(dana, &service, "hers").await;
    prefer(&told.jon, json!({"quiet_hours": {"from": "10:00", "to": "11:00", "time_zone": "UTC"}})).await;
    assert_eq!(dana.post(&send_on, json!({})).await.status, 404, "she is not asked");

    told.jon.post(&send_on, json!({})).await.expect(202);
    let push = service.received(1).await.remove(0);
    let said = push.read_by(&phone);
    assert_eq!(
        (&said["notification"]["data"]["request"], said["notification"]["actions"].is_array()),
        (&json!(id), true)
    );
    told.jon.approve(&id).await.expect(200);
    let end = service.received(2).await.remove(1);
    assert_eq!(end.read_by(&phone)["notification"]["tag"], said["notification"]["tag"], "it goes from the screen");
    assert_eq!(told.jon.post(&send_on, json!({})).await.status, 409, "it waits no more");
}

#[tokio::test]
async fn whoever_sends_many_to_their_phone_is_asked_to_wait_a_minute() {
    let service = PushService::taking().await;
    let told = given_told(JON, "").await;
    let id = told.command("Now.").await;
    signed_up(&told.jon, &service, "phone").await;
    let (send_on, clock) = (format!("/api/requests/{id}/send-on"), &told.shop.desk.clock);
    for _ in 0..5 {
        clock.forward(Duration::from_secs(1));
        told.jon.post(&send_on, json!({})).await.expect(202);
    }
    clock.forward(Duration::from_secs(1));
    let sixth = told.jon.post(&send_on, json!({})).await;
    assert_eq!(
        (sixth.status, sixth.code(), &sixth.headers["retry-after"]),
        (429, "too_many_tries", &"60".parse().unwrap())
    );
    clock.forward(Duration::from_secs(60));
    told.jon.post(&send_on, json!({})).await.expect(202);
}

#[tokio::test]
async fn somebody_tests_a_channel_and_reads_what_became_of_it() {
    let service = PushService::answering(&[(201, None), (403, None)]).await;
    let told = given_told(JON, "").await;
    let test = json!({"channel": "push"});
    let nowhere = told.jon.post("/api/me/tests", test.clone()).await;
    assert_eq!((nowhere.status, nowhere.code()), (409, "conflict"));
    let laptop = signed_up(&told.jon, &service, "laptop").await;

    for (state, error) in [("sent", None), ("dead", Some("off and on again"))] {
        let begun = told.jon.post("/api/me/tests", test.clone()).await.expect(202);
        let path = format!("/api/me/tests/{}", begun["id"].as_str().unwrap());
        let fate = loop {
            let fate = told.jon.get(&path).await.expect(200);
            if fate["state"] != "waiting" {
                break fate;
            }
            support::pause().await;
        };
        assert_eq!((fate["state"].as_str(), fate["channel"].as_str()), (Some(state), Some("push")));
        assert!(error.is_none_or(|error| fate["error"].as_str().unwrap().contains(error)), "{fate}");
        assert_eq!(told.shop.dana.get(&path).await.status, 404);
    }
    let said = service.pushes()[0].read_by(&laptop);
    assert_eq!(said["notification"]["title"], "A test message from Acme");

    for channel in ["sms", "email"] {
        let refused = told.jon.post("/api/me/tests", json!({"channel": channel})).await;
        assert_eq!((refused.status, refused.code()), (409, "conflict"), "{channel} is not set up");
    }
    for _ in 0..3 {
        told.jon.post("/api/me/tests", test.clone()).await.expect(202);
    }
    let many = told.jon.post("/api/me/tests", test).await;
    assert_eq!(
        (many.status, many.code(), &many.headers["retry-after"].to_str().unwrap()),
        (429, "too_many_tries", &"60")
    );
}

#[tokio::test]
async fn what_is_no_browser_is_refused_and_a_person_has_at_most_twenty() {
    let service = PushService::taking().await;
    let told = given_told(JON, "").await;
    let good = service.browser("good").subscription();
    let with = |field: &str, value: &str| {
        let mut body = good.clone();
        *body.pointer_mut(field).unwrap() = json!(value);
        body
    };
    for (body, field) in [
        (with("/endpoint", "http://push.example.com/x"), "endpoint"),
        (with("/endpoint", "https://10.0.0.1/x"), "endpoint"),
        (with("/keys/p256dh", "BAAA"), "keys.p256dh"),
        (with("/keys/auth", "c2hvcnQ"), "keys.auth"),
    ] {
        let refused = told.jon.post(SUBSCRIPTIONS, body).await;
        assert_eq!((refused.status, &refused.json["errors"][0]["field"]), (422, &json!(field)), "{}", refused.text);
    }
    for n in 0..20 {
        signed_up(&told.jon, &service, &format!("browser-{n}")).await;
    }
    let more = told.jon.post(SUBSCRIPTIONS, good).await;
    assert_eq!((more.status, more.code()), (409, "conflict"));
    assert_eq!(told.shop.desk.call(Method::GET, "/api/push/key", None).await.status, 401);
}

#[tokio::test]
async fn a_browser_belongs_to_whoever_signed_it_up_last_and_only_they_remove_it() {
    let service = PushService::taking().await;
    let told = given_told(JON, "").await;
    let shared = service.browser("shared").subscription();
    told.shop.dana.post(SUBSCRIPTIONS, shared.clone()).await.expect(201);
    let first = told.jon.post(SUBSCRIPTIONS, shared.clone()).await.expect(201);
    assert!(labels(&told.shop.dana).await.is_empty());
    let again = told.jon.post(SUBSCRIPTIONS, shared).await.expect(201);
    assert_eq!(first["id"], again["id"], "the same again is nothing new");

    let path = format!("{SUBSCRIPTIONS}/{}", first["id"].as_str().unwrap());
    assert_eq!(told.shop.dana.call(Method::DELETE, &path, None).await.status, 404);
    told.jon.call(Method::DELETE, &path, None).await.expect(204);
    assert!(labels(&told.jon).await.is_empty());
    let database = told.shop.desk.database().await;
    let record = database.texts("SELECT action FROM audit WHERE action LIKE 'browser.%' ORDER BY seq").await;
    assert_eq!(record, ["browser.added", "browser.added", "browser.removed"]);
}

#[tokio::test]
async fn how_somebody_is_told_is_checked_and_kept() {
    let told = given_told(JON, "").await;
    let fresh = told.jon.get(PREFERENCES).await.expect(200);
    assert_eq!(fresh["set_up"], json!(["push"]));
    assert_eq!((&fresh["preferences"]["normal"]["sms"], &fresh["preferences"]["digest"]), (&json!(true), &json!(true)));

    let quiet = |from: &str, zone: &str| json!({"from": from, "to": "07:00", "time_zone": zone});
    let wrong = json!({"phone": "0791234567", "quiet_hours": quiet("07:00", "Mars/Base")});
    let refused = told.jon.call(Method::PUT, PREFERENCES, Some(wrong)).await;
    let fields: Vec<_> = refused.json["errors"].as_array().unwrap().iter().map(|one| &one["field"]).collect();
    assert_eq!((refused.status, fields.len()), (422, 3), "{}", refused.text);
    assert_eq!(fields, ["phone", "quiet_hours", "quiet_hours.time_zone"]);

    let wanted = json!({
        "phone": "+41791234567", "normal": {"email": true, "sms": false, "push": true},
        "urgent": {"email": true, "sms": true, "push": true},
        "quiet_hours": quiet("22:00", "Europe/Zurich"), "digest": false,
    });
    assert_eq!(prefer(&told.jon, wanted.clone()).await["preferences"], wanted);
    let stopped = told.shop.desk.restart().await;
    assert_eq!(told.jon.at(&stopped).get(PREFERENCES).await.expect(200)["preferences"], wanted);
}

#[tokio::test]
async fn browsers_know_the_desk_by_the_same_key_after_its_master_key_was_rotated() {
    let service = PushService::taking().await;
    let told = given_told(JON, "").await;
    let laptop = signed_up(&told.jon, &service, "laptop").await;
    let key = told.jon.get("/api/push/key").await.expect(200)["key"].clone();
    let stopped = told.shop.desk.stop().await;
    support::command(stopped.folder(), &["vault", "rotate"], &[]).await;

    let desk = stopped.start().await;
    let jon = told.jon.at(&desk);
    assert_eq!(jon.get("/api/push/key").await.expect(200)["key"], key);
    jon.post("/api/me/tests", json!({"channel": "push"})).await.expect(202);
    let push = service.received(1).await.remove(0);
    let claims = push.vouched_by(key.as_str().unwrap());
    assert!(claims.is_object());
    assert_eq!(push.read_by(&laptop)["notification"]["data"]["kind"], "test");
}
