//! Flows as an admin meets them: the list, and the wizard that writes one, by mouse and by keyboard.

use crate::browser::dana_sets_up;
use crate::given::{VARIABLES, file, refund, settled};
use support::{Agent, Browser, Desk, Upstream};

const ENTER: &str = "\u{e007}";

/// Dana at her desk, at which Jon is in Finance and Hana heads it.
struct AtTheFlows {
    desk: Desk,
    upstream: Upstream,
    agent: Agent,
    dana: Browser,
}

async fn given_flows_page() -> AtTheFlows {
    let (desk, upstream) = (Desk::of_today().await, Upstream::answering("{}").await);
    let dana = dana_sets_up(&desk).await;
    let story = AtTheFlows { agent: desk.agent(crate::given::KEY), desk, upstream, dana };
    story.apply("").await;
    settled(&story.agent).await;
    story.dana.click("nav-flows").await;
    story.dana.says("flow-used", "The desk's default").await;
    story
}

impl AtTheFlows {
    /// The shop's desk file, its policy for refunds with this besides.
    async fn apply(&self, of_refunds: &str) {
        let people = "users:
  - {email: jon@acme.test, name: Jon Weber, role: approver, groups: [Finance]}
  - {email: hana@acme.test, name: Hana Ito, role: approver}";
        let refunds = format!("tools: [refunds_create]{of_refunds}}}");
        let file = file(&self.upstream.url).replace("users:", people).replace("tools: [refunds_create]}", &refunds);
        self.desk.apply(&file, &VARIABLES).await;
    }

    /// The server has looked at what was applied once somebody lists something.
    async fn at_flows_again(&self) {
        self.dana.click("nav-connectors").await;
        self.dana.shows("Shop").await;
        self.dana.click("nav-flows").await;
        self.dana.find("flows").await;
    }

    /// A flow named Finance, made with nothing but its name.
    async fn make_finance(&self) {
        self.dana.click("flow-create").await;
        self.dana.fill("flow-name", "Finance").await;
        for _ in 0..3 {
            self.dana.click("flow-next").await;
        }
        self.dana.click("flow-save").await;
        self.dana.shows("“Finance” is saved as version 1").await;
    }
}

#[tokio::test]
async fn somebody_writes_a_flow_in_the_wizard_and_a_request_follows_it() {
    let story = given_flows_page().await;
    let dana = &story.dana;
    dana.click("flow-create").await;
    dana.click("flow-next").await;
    dana.says("error-flow-name", "A flow needs a name of 1 to 80 characters.").await;
    assert_eq!(dana.focused().await, "flow-name");
    dana.fill("flow-name", "Finance").await;
    dana.has_no("error-flow-name").await;
    dana.click("flow-next").await;

    for chip in ["step-1-role-approver", "step-1-role-admin", "step-1-group-Finance", "step-1-escalates"] {
        dana.click(chip).await;
    }
    dana.click("flow-next").await;
    dana.says("error-step-1-later", "Name at least one user").await;
    dana.click("step-1-later-hana@acme.test").await;
    dana.click("flow-next").await;

    dana.rewrite("timeout", "120").await;
    dana.rewrite("reminder", "50").await;
    dana.rewrite("escalate-after-1", "120").await;
    dana.has_no("timeline").await;
    dana.click("flow-next").await;
    dana.says("error-escalate-after-1", "less than timeout_minutes").await;
    dana.rewrite("escalate-after-1", "60").await;
    dana.click("flow-next").await;
    let words = dana.find("timeline").await.text().await.unwrap().replace('\n', " ");
    assert!(
        words.contains(
            "0:00 push to Finance 0:50 reminder, then every 50 minutes (2 in all) 1:00 to Hana Ito \
             1:36 warning that time runs out 2:00 expires"
        ),
        "{words}"
    );
    dana.click("flow-save").await;
    dana.shows("“Finance” is saved as version 1").await;

    story.apply(", flow: Finance").await;
    story.at_flows_again().await;
    dana.says("flow-used", "Used by Refunds").await;
    let id = story.agent.ask(refund(4_900)).await.expect(202)["approval_id"].as_str().unwrap().to_owned();
    dana.open(&format!("{}/requests/{id}", story.desk.origin)).await;
    dana.says("step-waiting", "Waiting for Jon Weber").await;
    dana.says("step-escalation", "When nobody answers, also hana@acme.test").await;
    dana.says("why-off", "You are not among the approvers").await;
    story.dana.quit().await;
}

#[tokio::test]
async fn a_flow_is_written_by_keyboard_alone() {
    let story = given_flows_page().await;
    let dana = &story.dana;
    dana.tab_to("flow-create").await;
    dana.press(ENTER).await;
    dana.find("flow-form").await;
    dana.tab_to("flow-name").await;
    dana.press("Nights").await;
    dana.press(ENTER).await;
    dana.says("flow-form", "Who is asked").await;
    assert_eq!(dana.focused().await, "stage-title");
    dana.tab_to("step-1-role-admin").await;
    dana.press(" ").await;
    dana.tab_to("step-1-needed").await;
    dana.press(ENTER).await;
    dana.says("flow-form", "Expires after").await;
    dana.tab_to("auto").await;
    dana.press(" ").await;
    dana.says("auto-warning", "no person looked at").await;
    dana.tab_to("quiet").await;
    dana.press(" ").await;
    dana.tab_to("zone").await;
    dana.press("\u{e009}a\u{e000}Mars/Base").await;
    dana.press(ENTER).await;
    dana.says("error-zone", "Must be a time zone").await;
    assert_eq!(dana.focused().await, "zone");
    dana.press("\u{e009}a\u{e000}Europe/Zurich").await;
    dana.press(ENTER).await;
    dana.says("review-auto", "approves itself after 5 minutes").await;
    dana.says("flow-form", "22:00 to 07:00, Europe/Zurich").await;
    dana.tab_to("flow-save").await;
    dana.press(ENTER).await;
    dana.shows("“Nights” is saved as version 1").await;
    dana.shows("Approves itself").await;
    story.dana.quit().await;
}

#[tokio::test]
async fn a_flow_that_can_not_end_is_refused_in_the_wizard_with_the_reason() {
    let story = given_flows_page().await;
    let dana = &story.dana;
    dana.click("flow-create").await;
    dana.fill("flow-name", "Nobody").await;
    dana.click("flow-next").await;
    dana.rewrite("step-1-needed", "5").await;
    dana.click("stage-review").await;
    dana.says("error-step-1", "Needs 5 approvals, but only 3 could approve.").await;
    dana.has_no("flow-save").await;
    dana.rewrite("step-1-needed", "2").await;
    dana.click("step-add").await;
    dana.click("step-2-role-approver").await;
    dana.rewrite("step-2-needed", "2").await;
    dana.click("flow-next").await;
    dana.says("error-steps", "Each person approves once a request, and there are too few").await;
    dana.rewrite("step-2-needed", "1").await;
    dana.has_no("error-steps").await;
    dana.click("step-1-outside").await;
    dana.fill("step-1-emails", "not an address").await;
    dana.click("flow-next").await;
    dana.says("error-step-1-emails", "One of these is no email address.").await;
    dana.rewrite("step-1-emails", "eve@outside.test").await;
    dana.says("error-confirmation", "needs session").await;
    dana.fill("confirmation", "Being").await;
    dana.click("flow-next").await;
    dana.says("error-by-email", "reached by mail only").await;
    dana.click("by-email").await;
    dana.click("stage-review").await;
    dana.find("flow-save").await;
    story.dana.quit().await;
}

#[tokio::test]
async fn a_flow_is_copied_found_again_and_deleted_once_nothing_names_it() {
    let story = given_flows_page().await;
    let dana = &story.dana;
    story.make_finance().await;
    dana.fill("flow-find", "financ").await;
    dana.click("flow-duplicate").await;
    dana.find("flow-form").await;
    dana.click("stage-review").await;
    dana.says("review-name", "Copy of Finance").await;
    dana.click("stage-basics").await;
    dana.rewrite("flow-name", "Finance").await;
    dana.click("by-email").await;
    dana.click("stage-review").await;
    dana.click("flow-save").await;
    dana.says("form-error", "There is a flow with this name already.").await;
    dana.click("stage-basics").await;
    dana.rewrite("flow-name", "Payroll").await;
    dana.click("stage-review").await;
    dana.click("flow-save").await;
    dana.shows("“Payroll” is saved as version 1").await;

    dana.awaits("document.querySelector('#flow-channel').value = 'Email'").await;
    let chosen = "document.querySelector('#flow-channel').dispatchEvent(new Event('change', {bubbles: true}))";
    dana.awaits(chosen).await;
    dana.says("flow-row", "Payroll").await;
    assert_eq!(dana.count("flow-row").await, 1);
    dana.click("flow-switch").await;
    dana.says("confirm", "their calls are denied").await;
    dana.click("confirm-yes").await;
    dana.says("flow-row", "Disabled").await;
    dana.click("flow-switch").await;
    dana.shows("“Payroll” is enabled").await;

    // A policy that is off doesn't use it, and still names it.
    story.apply(", flow: Payroll").await;
    story.at_flows_again().await;
    dana.fill("flow-find", "payroll").await;
    dana.says("flow-used", "Used by Refunds. Give it another flow before you delete this one.").await;
    assert!(!dana.find("flow-delete").await.is_enabled().await.unwrap());
    let off = "fetch('/api/policies').then((all) => all.json()).then(({items}) => fetch('/api/policies/'
        + items.find((one) => one.name === 'Refunds').id, {method: 'PATCH', body: '{\"active\":false}',
        headers: {'content-type': 'application/json'}})).then((answer) => answer.status)";
    assert_eq!(dana.awaits(off).await, 200);
    story.at_flows_again().await;
    dana.fill("flow-find", "payroll").await;
    dana.click("flow-delete").await;
    dana.click("confirm-yes").await;
    dana.says("form-error", "This flow is used by the policies \"Refunds\". Give them another one first.").await;
    story.apply(", flow: Finance").await;
    dana.click("confirm-yes").await;
    dana.shows("“Payroll” is deleted").await;
    dana.has_no("flow-row").await;
    assert_eq!(dana.focused().await, "page-title");
    dana.shows("No flow matches").await;
    story.dana.quit().await;
}
