//! What people do beside deciding: ask others too, report an agent, let one ask again, name who stands in for them.

use crate::browser::dana_sets_up;
use crate::given::{KEY, VARIABLES, file, refund, settled};
use support::{Agent, Browser, Desk, Upstream};

/// Dana, who alone is asked, and Jon, who may approve.
struct AtTheDesk {
    desk: Desk,
    agent: Agent,
    dana: Browser,
    _upstream: Upstream,
}

async fn given_desk(of_the_flow: &str) -> AtTheDesk {
    let (desk, upstream) = (Desk::of_today().await, Upstream::answering("{}").await);
    let dana = dana_sets_up(&desk).await;
    let jon = "users:\n  - {email: jon@acme.test, name: Jon Weber, role: approver}";
    let flow = format!("{{name: Ours, steps: [{{order: 1, approvers: {{users: [dana@acme.test]}}}}]{of_the_flow}}}");
    let more = format!("flows: [{flow}]\nsettings: {{default_flow: Ours}}\n");
    desk.apply(&format!("{}{more}", file(&upstream.url).replace("users:", jon)), &VARIABLES).await;
    let agent = desk.agent(KEY);
    settled(&agent).await;
    AtTheDesk { desk, agent, dana, _upstream: upstream }
}

impl AtTheDesk {
    /// A refund that waits, open in the browser; its id.
    async fn a_refund_is_open(&self) -> String {
        let held = self.agent.ask(refund(4_900)).await.expect(202);
        let id = held["approval_id"].as_str().unwrap().to_owned();
        self.dana.open(&format!("{}/requests/{id}", self.desk.origin)).await;
        self.dana.says("card-arguments", "4900").await;
        id
    }
}

#[tokio::test]
async fn an_admin_asks_somebody_else_too() {
    let story = given_desk("").await;
    let dana = &story.dana;
    story.a_refund_is_open().await;
    dana.says("step-waiting", "Waiting for Dana Kim").await;
    dana.click("also-ask").await;
    dana.click("also-mina@acme.test").await;
    dana.click("also-ask-save").await;
    dana.says("error-users", "mina@acme.test asked for this").await;
    dana.click("also-mina@acme.test").await;
    dana.click("also-jon@acme.test").await;
    dana.click("also-ask-save").await;
    dana.has_no("also-ask-dialog").await;
    dana.says("step-waiting", "Waiting for Dana Kim, Jon Weber").await;
    story.dana.quit().await;
}

#[tokio::test]
async fn an_agent_is_reported_from_a_card_after_it_is_said_what_that_does() {
    let story = given_desk("").await;
    let dana = &story.dana;
    let id = story.a_refund_is_open().await;
    dana.click("report").await;
    dana.says("confirm", "all that waits of it is taken back").await;
    dana.click("confirm-yes").await;
    dana.shows("invoice-bot is suspended, and the admins are told.").await;
    dana.says("standing", "Withdrawn").await;
    assert_eq!(story.agent.ask(refund(1)).await.code(), "agent_suspended");
    dana.click("nav-agents").await;
    dana.says("agent-row", "Suspended").await;
    dana.click("agent-switch").await;
    dana.says("agent-row", "Active").await;
    assert_eq!(story.agent.get(&format!("/v1/approvals/{id}")).await.expect(200)["state"], "withdrawn");
    story.dana.quit().await;
}

#[tokio::test]
async fn an_agent_that_was_denied_too_often_is_let_ask_again() {
    let story = given_desk("").await;
    let dana = &story.dana;
    for round in ["card", "agents"] {
        let mut denied = String::new();
        for _ in 0..3 {
            denied = story.a_refund_is_open().await;
            dana.click("deny").await;
            dana.click("deny-confirm").await;
            story.agent.end_of(&denied).await;
        }
        assert_eq!(story.agent.ask(refund(1)).await.code(), "cooling_down");
        match round {
            "card" => dana.open(&format!("{}/requests/{denied}", story.desk.origin)).await,
            _ => dana.click("nav-agents").await,
        }
        dana.says("agent-cools", "invoice-bot was denied several times in a row").await;
        dana.click("agent-lift").await;
        dana.has_no("agent-cools").await;
        assert_eq!(dana.focused().await, if round == "card" { "review-body" } else { "page-title" });
    }
    story.agent.ask(refund(1)).await.expect(202);
    story.dana.quit().await;
}

#[tokio::test]
async fn whoever_is_away_names_a_colleague_and_ends_it_again() {
    let story = given_desk("").await;
    let dana = &story.dana;
    dana.click("nav-account").await;
    dana.fill("away-to", "dana@acme.test").await;
    // A field for a date is typed into as the reader's country writes dates.
    let tomorrow = "(() => { const field = document.querySelector('#away-until');
        const at = new Date(Date.now() + 864e5); at.setMinutes(at.getMinutes() - at.getTimezoneOffset());
        field.value = at.toISOString().slice(0, 16); field.dispatchEvent(new InputEvent('input', {bubbles: true})); })()";
    dana.awaits(tomorrow).await;
    dana.click("away-save").await;
    dana.says("error-away-to", "name a colleague, not yourself").await;
    dana.rewrite("away-to", "jon@acme.test").await;
    dana.click("away-save").await;
    dana.says("away-row", "Jon Weber stands in for you").await;

    story.a_refund_is_open().await;
    dana.says("step-waiting", "Jon Weber").await;
    dana.click("nav-account").await;
    dana.click("away-end").await;
    dana.has_no("away-row").await;
    story.dana.quit().await;
}

#[tokio::test]
async fn what_approves_itself_is_marked_in_the_queue_before_it_does() {
    let story = given_desk(", auto_approve_minutes: 5, auto_approve_destructive_reason: A sandbox.").await;
    story.a_refund_is_open().await;
    story.dana.says("request-row", "approves itself").await;
    story.dana.says("card-next", "Approves itself").await;
    story.dana.quit().await;
}
