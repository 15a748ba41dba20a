//! What the desktop app's window says where it differs from a browser's: what is chosen elsewhere, where the desk is, how
//! the app behaves.

use crate::desktop::given_team;
use support::Computer;

const CLEAN_UP: &str = r#"{"connector":"shop","tools":["charges_get","refunds_create"],"note":"Clean up."}"#;

#[tokio::test]
async fn the_tools_of_an_ask_for_access_are_ticked_where_the_passkey_is() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    team.agent.send(reqwest::Method::POST, "/v1/access-request", &[], CLEAN_UP.into()).await.expect(202);
    app.says("pending-badge", "1").await;
    app.click_in("request-row", "td").await;
    app.says("chosen-elsewhere", "Which tools are granted is chosen in your browser").await;
    app.has_no("tick-charges_get").await;
    let opened = computer.opened_so_far();
    app.says("approve", "Grant in browser").await;
    app.click("approve").await;

    team.dana.open(&computer.opened(opened + 1).await).await;
    team.dana.click("tick-refunds_create").await;
    team.dana.says("approve", "Grant 2 tools").await;
    team.dana.click("approve").await;
    app.shows("No pending approvals").await;
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn a_new_agent_is_told_where_the_desk_is_and_not_where_the_window_is() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    team.dana.quit().await;
    // As if her passkey had confirmed this just now, which it does in the browser.
    team.desk.database().await.run("UPDATE sessions SET asserted_at = 4102444800000").await;
    app.click("nav-agents").await;
    app.click("agent-create").await;
    app.fill("name", "night-bot").await;
    app.click("agent-save").await;
    app.says("curl", &format!("curl {}/v1/agent/permissions", team.desk.origin)).await;
    app.says("mcp", &format!("{}/mcp", team.desk.origin)).await;
    let opened = computer.opened_so_far();
    app.click("docs").await;
    assert_eq!(computer.opened(opened + 1).await, format!("{}/docs", team.desk.origin));
    app.quit().await;
}

#[tokio::test]
async fn the_account_page_speaks_of_the_app_and_not_of_a_browser() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    team.dana.quit().await;
    app.click("nav-account").await;
    app.says("copy-diagnostics", "Copy diagnostics").await;
    app.says("no-browser", "None yet.").await;
    app.has_no("this-browser").await;
    app.quit().await;
}
