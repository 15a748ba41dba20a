//! A clock that jumps: what is due acts once, never early, and late rather than never.

use crate::told::given_told;
use countersign_server::clock::Clock as _;
use std::time::Duration;
use support::{Mail, MailServer};

const FLOW: &str = "{name: Ours, channels: {email: true}, timeout_minutes: 120, reminder_interval_minutes: 30,
  steps: [{order: 1, approvers: {users: [jon@acme.test]}}]}";
const HOUR: Duration = Duration::from_secs(60 * 60);

fn subjects<'a>(mails: &'a [Mail], id: &str) -> Vec<String> {
    let about = format!("<request.{id}@localhost>");
    let of = |mail: &&'a Mail| mail.header("References") == about;
    mails.iter().filter(of).map(|mail| mail.header("Subject")).collect()
}

#[tokio::test]
async fn over_an_hour_back_and_a_day_ahead_each_thing_is_told_once_and_the_end_comes_once() {
    let server = MailServer::taking().await;
    let told = given_told(FLOW, &server.settings()).await;
    let (clock, began) = (&told.shop.desk.clock, told.shop.desk.clock.now());
    let id = told.command("First.").await;
    server.received(1).await;
    told.settled().await;

    clock.set(began - HOUR);
    let meanwhile = told.command("Asked an hour before the first.").await;
    server.received(2).await;
    told.settled().await;
    assert_eq!(subjects(&server.mails(), &id).len(), 1, "nothing is told again");
    told.jon.deny(&meanwhile, "").await.expect(200);

    clock.set(began + HOUR / 2 - Duration::from_millis(1));
    let early = told.command("A moment before the reminder.").await;
    server.received(3).await;
    told.settled().await;
    assert_eq!(subjects(&server.mails(), &id).len(), 1, "never early");
    clock.set(began + HOUR / 2);
    server.received(4).await;
    told.settled().await;
    let so_far = subjects(&server.mails(), &id);
    assert!(so_far.len() == 2 && so_far[1].starts_with("Reminder: "), "{so_far:?}");
    told.jon.deny(&early, "").await.expect(200);

    clock.set(began + 24 * HOUR);
    assert_eq!(told.shop.agent.end_of(&id).await["state"], "expired");
    let mails = server.received(5).await;
    let all = subjects(&mails, &id);
    assert!(all.len() == 3 && all[2].starts_with("Expired without an answer"), "{all:?}");

    clock.set(began);
    let last = told.command("Back again.").await;
    server.received(6).await;
    assert_eq!(told.shop.agent.get(&format!("/v1/approvals/{id}")).await.expect(200)["state"], "expired");
    assert_eq!((subjects(&server.mails(), &id).len(), subjects(&server.mails(), &last).len()), (3, 1));
    let record = told.shop.desk.database().await.actions_of(&id).await;
    assert_eq!(record, ["approval.requested", "approval.expired"]);
}
