//! The product through its own door: a browser, a passkey, and an agent that waits.

use crate::given::{KEY, SECRET, file, refund, settled};
use support::{Agent, Browser, Desk, MailServer, Treatment, Upstream};

/// A shop's desk with two people at it, each with a browser and a passkey of their own.
struct TwoPeople {
    desk: Desk,
    upstream: Upstream,
    agent: Agent,
    dana: Browser,
    jon: Browser,
}

/// Dana opens the setup link and is the desk's first admin.
pub async fn dana_sets_up(desk: &Desk) -> Browser {
    let dana = Browser::start().await;
    dana.open(&format!("{}/setup#{}", desk.origin, desk.setup_token())).await;
    dana.fill("desk_name", "Acme").await;
    dana.fill("name", "Dana Kim").await;
    dana.fill("email", "dana@acme.test").await;
    dana.click("setup-finish").await;
    dana.shows("No pending approvals").await;
    dana
}

/// Dana invites Jon as an approver; he opens the link in his own browser and enrols.
async fn jon_is_invited(dana: &Browser) -> Browser {
    dana.click("nav-people").await;
    dana.click("invite").await;
    dana.fill("email", "jon@acme.test").await;
    dana.click("invite-save").await;
    let link = dana.find("invitation-url").await.text().await.unwrap();
    dana.click("invitation-noted").await;

    let jon = Browser::start().await;
    jon.open(&link).await;
    jon.shows("Join Acme").await;
    jon.fill("name", "Jon Weber").await;
    jon.click("invitation-finish").await;
    jon.shows("No pending approvals").await;
    jon
}

async fn given_two_people() -> TwoPeople {
    let upstream = Upstream::answering(r#"{"id":"re_1"}"#).await;
    let desk = Desk::of_today().await;
    let dana = dana_sets_up(&desk).await;
    let jon = jon_is_invited(&dana).await;
    desk.apply(&file(&upstream.url), &[("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)]).await;
    let agent = desk.agent(KEY);
    settled(&agent).await;
    TwoPeople { desk, upstream, agent, dana, jon }
}

impl TwoPeople {
    /// A refund that waits, open in both browsers; its id.
    async fn both_look_at_a_refund(&self) -> String {
        let held = self.agent.ask(refund(4_900)).await.expect(202);
        let id = held["approval_id"].as_str().unwrap().to_owned();
        for browser in [&self.dana, &self.jon] {
            browser.open(&format!("{}/requests/{id}", self.desk.origin)).await;
            browser.says("card-arguments", "4900").await;
            browser.says("live", "Live").await;
        }
        id
    }

    async fn leave(self) {
        self.dana.quit().await;
        self.jon.quit().await;
    }
}

#[tokio::test]
async fn somebody_sets_up_the_desk_signs_out_and_in_reviews_approves_and_denies() {
    let upstream = Upstream::answering(r#"{"id":"re_1"}"#).await;
    let desk = Desk::of_today().await;
    let dana = dana_sets_up(&desk).await;

    dana.click("nav-account").await;
    dana.click("sign-out").await;
    dana.click("sign-in").await;
    dana.shows("Dana Kim").await;

    desk.apply(&file(&upstream.url), &[("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)]).await;
    let agent = desk.agent(KEY);
    settled(&agent).await;
    dana.open(&format!("{}/requests", desk.origin)).await;
    dana.says("live", "Live").await;
    let waiting = {
        let agent = agent.clone();
        tokio::spawn(async move { agent.ask_with(&[("prefer", "wait=50")], refund(4_900)).await })
    };
    dana.says("pending-badge", "1").await;
    dana.click("request-row").await;
    dana.says("card-arguments", "4900").await;
    dana.says("card-note", "Charged twice.").await;
    dana.click("approve").await;
    let answer = waiting.await.unwrap().expect(200);
    assert_eq!((answer["state"].as_str(), answer["result"]["data"]["id"].as_str()), (Some("succeeded"), Some("re_1")));

    let held = agent.ask(refund(1)).await.expect(202);
    let id = held["approval_id"].as_str().unwrap();
    dana.open(&format!("{}/requests/{id}", desk.origin)).await;
    dana.click("deny").await;
    dana.fill("deny-reason", "Not this one.").await;
    dana.click("deny-confirm").await;
    let ended = agent.end_of(id).await;
    assert_eq!((ended["state"].as_str(), ended["reason"].as_str()), (Some("denied"), Some("Not this one.")));
    assert_eq!(upstream.requests().len(), 1);
    dana.quit().await;
}

#[tokio::test]
async fn somebody_who_was_invited_enrols_in_their_browser_and_countersigns() {
    let people = given_two_people().await;
    let held = people.agent.ask(refund(4_900)).await.expect(202);

    people.jon.click("request-row").await;
    people.jon.says("card-note", "Charged twice.").await;
    people.jon.click("approve").await;

    let ended = people.agent.end_of(held["approval_id"].as_str().unwrap()).await;
    assert_eq!(ended["state"], "succeeded");
    assert_eq!(ended["decided_by"]["name"], "Jon Weber");
    people.jon.shows("No pending approvals").await;
    people.leave().await;
}

#[tokio::test]
async fn whoever_still_writes_a_reason_is_told_that_somebody_else_has_approved() {
    let people = given_two_people().await;
    let id = people.both_look_at_a_refund().await;
    people.dana.click("deny").await;
    people.dana.fill("deny-reason", "Wait for the invoice.").await;

    people.jon.click("approve").await;

    people.dana.says("standing", "Already approved by Jon Weber").await;
    people.dana.has_no("deny-confirm").await;
    people.dana.has_no("approve").await;
    let ended = people.agent.end_of(&id).await;
    assert_eq!((ended["state"].as_str(), ended["decided_by"]["name"].as_str()), (Some("succeeded"), Some("Jon Weber")));
    assert_eq!(people.upstream.requests().len(), 1);
    people.leave().await;
}

#[tokio::test]
async fn of_two_who_decide_at_once_one_does_and_the_other_is_told_who() {
    let people = given_two_people().await;
    let id = people.both_look_at_a_refund().await;

    // Neither click waits for the other, and either may win.
    tokio::join!(people.dana.click("approve"), people.jon.click("approve"));

    let ended = people.agent.end_of(&id).await;
    assert_eq!(ended["state"], "succeeded");
    let winner = ended["decided_by"]["name"].as_str().unwrap();
    let late = if winner == "Jon Weber" { &people.dana } else { &people.jon };
    late.says("standing", &format!("Already approved by {winner}")).await;
    late.has_no("approve").await;
    late.says("card-steps", winner).await;
    assert_eq!(late.count("vote").await, 1);
    assert_eq!(people.upstream.requests().len(), 1);
    people.leave().await;
}

#[tokio::test]
async fn somebody_approves_a_tool_for_an_hour_and_takes_that_back_on_the_agents_page() {
    let people = given_two_people().await;
    let file =
        file(&people.upstream.url).replace("tools: [refunds_create]}", "tools: [refunds_create], allow_grants: true}");
    people.desk.apply(&file, &[("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)]).await;
    people.dana.click("nav-connectors").await;
    people.dana.shows("Shop").await;
    let held = people.agent.ask(refund(4_900)).await.expect(202);
    let id = held["approval_id"].as_str().unwrap();
    people.dana.open(&format!("{}/requests/{id}", people.desk.origin)).await;
    people.dana.click("grant-tool_1h").await;
    people.dana.says("approve", "Approve for 1 h").await;
    people.dana.click("approve").await;
    people.agent.end_of(id).await;
    people.agent.ask(refund(17)).await.expect(200);

    people.dana.click("nav-agents").await;
    people.dana.says("agent-grants", "shop_refunds_create").await;
    people.dana.click("grant-revoke").await;
    people.dana.has_no("agent-grants").await;
    people.agent.ask(refund(18)).await.expect(202);
    people.leave().await;
}

#[tokio::test]
async fn somebody_grants_the_tools_that_they_leave_ticked() {
    let people = given_two_people().await;
    let file =
        file(&people.upstream.url).replace("{name: Never, action: deny,", "{name: Never, action: request_approval,");
    people.desk.apply(&file, &[("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)]).await;
    people.dana.click("nav-connectors").await;
    people.dana.shows("Shop").await;
    let body = r#"{"connector":"shop","tools":["charges_get","refunds_create","shop_close"],"note":"Clean up after the fair."}"#;
    let asked = people.agent.send(reqwest::Method::POST, "/v1/access-request", &[], body.into()).await.expect(202);
    let id = asked["request_id"].as_str().unwrap();
    people.dana.open(&format!("{}/requests/{id}", people.desk.origin)).await;
    people.dana.says("request-row", "+2").await;
    people.dana.says("approve", "Grant 1 tool").await;
    people.dana.click("tick-charges_get").await;
    people.dana.says("why-off", "Tick what is to be granted").await;
    people.dana.click("tick-charges_get").await;
    people.dana.click("tick-refunds_create").await;
    people.dana.says("approve", "Grant 2 tools").await;
    people.dana.click("approve").await;
    people.dana.shows("Granted.").await;
    people.agent.ask(refund(17)).await.expect(200);
    people.dana.open(&format!("{}/approve/{id}", people.desk.origin)).await;
    people.dana.says("card-grants", "shop_refunds_create").await;
    assert_eq!(people.dana.count("grant-row").await, 2);
    people.leave().await;
}

#[tokio::test]
async fn an_admin_sees_what_could_not_be_told_and_sends_it_again() {
    let server = MailServer::treating(&[Treatment::Refuse("550 5.1.1 no such mailbox")]).await;
    let upstream = Upstream::answering("{}").await;
    let desk = Desk::of_today().await;
    let dana = dana_sets_up(&desk).await;
    dana.click("nav-deliveries").await;
    dana.shows("Nothing was told yet").await;
    let flow = "{name: Ours, channels: {email: true}, steps: [{order: 1, approvers: {roles: [admin]}}]}";
    let told = format!("flows: [{flow}]\nsettings: {{default_flow: Ours, {}}}\n", server.settings());
    desk.apply(&format!("{}{told}", file(&upstream.url)), &[("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)]).await;
    let agent = desk.agent(KEY);
    settled(&agent).await;
    agent.ask(refund(4_900)).await.expect(202);
    let dead = "SELECT COUNT(*) FROM deliveries WHERE state = 'dead'";
    while desk.database().await.numbers(dead).await != [1] {
        support::pause().await;
    }
    dana.click("state-dead").await;
    dana.says("delivery-error", "550: 5.1.1 no such mailbox").await;
    dana.click("delivery-again").await;
    server.received(1).await;
    dana.shows("Nothing was given up").await;
    dana.click("state-sent").await;
    dana.says("delivery-row", "dana@acme.test").await;
    dana.quit().await;
}

#[tokio::test]
async fn on_a_phone_the_pages_that_the_bar_has_no_room_for_stand_behind_more() {
    let desk = Desk::of_today().await;
    let dana = dana_sets_up(&desk).await;
    dana.resize(500, 844).await;
    dana.click("nav-more").await;
    dana.find("nav-people").await;
    dana.press("\u{e004}").await;
    dana.press("\u{e00c}").await;
    dana.hides("nav-people").await;
    assert_eq!(dana.focused().await, "nav-more");
    // Chosen once to go there, and once more on that very page.
    for _ in 0..2 {
        dana.click("nav-more").await;
        dana.click("nav-people").await;
        dana.shows("Who may ask through agents").await;
        dana.hides("nav-people").await;
    }
    dana.click("nav-more").await;
    dana.tab_to("nav-account").await;
    dana.hides("nav-people").await;
    dana.resize(1_440, 900).await;
    dana.find("nav-people").await;
    dana.quit().await;
}
