//! The desktop app among wrong addresses, hostile links, a second start, and a desk that goes away.

use crate::desktop::given_team;
use crate::given::{KEY, refund};
use std::net::TcpListener;
use support::{Computer, SelfSigned, Upstream};

#[tokio::test]
async fn whoever_types_a_wrong_address_is_told_what_is_wrong_with_it() {
    let other = Upstream::answering("{}").await;
    let computer = Computer::start().await;
    let app = computer.app(&[]).await;
    for (typed, words) in [
        ("http://desk.example.com", "not encrypted"),
        ("desk example", "This is no address"),
        (&*other.url.replace("127.0.0.1", "localhost"), "is no Countersign desk"),
        ("http://localhost:1", "can't be reached"),
    ] {
        let field = app.find("app-address").await;
        field.clear().await.unwrap();
        field.send_keys(typed).await.unwrap();
        app.click("app-connect").await;
        app.says("form-error", words).await;
    }
    app.quit().await;
}

#[tokio::test]
async fn hostile_links_and_a_second_start_open_nothing_but_the_window() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    let id = team.held(4_900).await;
    let opened = computer.opened_so_far();

    for link in
        ["countersign://request/../../policies", "countersign://approve/1", "countersign://sign-in?code=x&state=y"]
    {
        assert!(computer.start_app(&[link]).wait().await.unwrap().success());
    }
    computer.notifications.showing("This link can't be followed").await;
    let elsewhere = format!("countersign://request/{id}?server=https://other.example.com");
    assert!(computer.start_app(&[&elsewhere]).wait().await.unwrap().success());
    computer.notifications.showing("This link is for another desk").await;
    app.has_no("review").await;

    assert!(computer.start_app(&[&format!("countersign://request/{id}")]).wait().await.unwrap().success());
    app.says("card-arguments", "4900").await;
    assert_eq!(computer.opened_so_far(), opened);
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn the_window_says_that_the_desk_went_away() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    team.dana.quit().await;
    team.desk.stop().await;
    app.says("live", "Reconnecting").await;
    app.quit().await;
}

#[tokio::test]
async fn the_window_comes_back_by_itself_with_what_happened_meanwhile() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    team.dana.quit().await;
    let stopped = team.desk.stop().await;
    app.says("live", "Reconnecting").await;
    let desk = stopped.start_there().await;
    let held = desk.agent(KEY).ask(refund(4_900)).await.expect(202);
    app.says("live", "Live").await;
    app.says("pending-badge", "1").await;
    app.click_in("request-row", "td").await;
    app.says("card-arguments", "4900").await;
    assert!(held["approval_id"].is_string());
    app.quit().await;
}

#[tokio::test]
async fn an_app_that_starts_before_its_desk_waits_for_it() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    team.dana.quit().await;
    app.quit().await;
    let stopped = team.desk.stop().await;
    let app = computer.app(&[]).await;
    app.shows("Your desk does not answer").await;
    let _desk = stopped.start_there().await;
    app.says("live", "Live").await;
    app.quit().await;
}

#[tokio::test]
async fn whoever_is_signed_out_in_the_background_is_told() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    team.dana.quit().await;
    app.quit().await;
    team.desk.database().await.run("DELETE FROM sessions").await;
    let mut hidden = computer.start_app(&["--hidden"]);
    let told = computer.notifications.showing("Signed out").await;
    assert!(told.text.contains("Sign in again"), "{told:?}");
    hidden.kill().await.unwrap();
}

#[tokio::test]
async fn a_link_to_a_desk_is_offered_at_the_very_first_start() {
    let computer = Computer::start().await;
    let app = computer.app(&["countersign://connect?server=https://desk.example.com"]).await;
    app.shows("Where is your desk?").await;
    app.has_in("app-address", "https://desk.example.com").await;
    assert!(computer.notifications.now().is_empty());
    app.quit().await;
}

#[tokio::test]
async fn where_no_folder_can_be_made_the_window_says_so() {
    let computer = Computer::start().await;
    std::fs::write(computer.home().join(".local"), "").unwrap();
    let app = computer.app(&[]).await;
    app.click("app-run-here").await;
    app.shows("The desk on this computer does not start").await;
    app.quit().await;
}

#[tokio::test]
async fn a_desk_that_is_newer_than_the_app_is_told_of() {
    let newer = r#"{"name":"Acme","setup_needed":false,"demo":false,"version":"99.0.0"}"#;
    let desk = Upstream::answering(newer).await;
    let computer = Computer::start().await;
    let app = computer.app(&[]).await;
    app.fill("app-address", &desk.url.replace("127.0.0.1", "localhost")).await;
    app.click("app-connect").await;
    app.shows("Sign in to Acme").await;
    app.shows("This desk (99.0.0) is newer than the app").await;
    app.quit().await;
}

#[tokio::test]
async fn a_window_whose_clock_is_five_hours_ahead_still_says_how_long_a_request_waits() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    app.awaits("((right) => { Date.now = () => right() + 5 * 3600e3; return 1 })(Date.now.bind(Date))").await;
    team.held(4_900).await;
    app.says("effect", "destructive").await;
    let row = app.awaits("document.querySelector('[data-testid=request-row]').innerText").await;
    assert!(["9:", "10:00"].iter().any(|left| row.as_str().unwrap().contains(&format!(" · {left}"))), "{row}");
    app.click_in("request-row", "td").await;
    app.says("approve", "Approve for user").await;
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn a_desk_whose_certificate_nobody_trusts_is_told_nothing() {
    let server = SelfSigned::start().await;
    let computer = Computer::start().await;
    let app = computer.app(&[]).await;
    app.fill("app-address", &server.origin).await;
    app.click("app-connect").await;
    app.says("form-error", "shows a certificate that this computer does not trust").await;
    assert_eq!(server.heard(), 0);
    app.quit().await;
}

#[tokio::test]
async fn the_window_makes_no_call_and_opens_no_page_that_is_none_of_its_own() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    let opened = computer.opened_so_far();
    for call in [
        r#"{method: "GET", path: "/v1/agent/permissions"}"#,
        r#"{method: "POST", path: "/api/session/app", body: "{}"}"#,
        r#"{method: "GET", path: "/api/requests/../events"}"#,
        r#"{method: "GET", path: "https://evil.test/"}"#,
    ] {
        let said = app.awaits(&format!("window.__TAURI__.core.invoke('api', {{call: {call}}})")).await;
        assert_eq!(said, "The app does not make this call.", "{call}");
    }
    for path in ["https://evil.test/", "//evil.test/", "/sign-in/link", "/api/desk"] {
        let said = app.awaits(&format!("window.__TAURI__.core.invoke('open_in_browser', {{path: '{path}'}})")).await;
        assert_eq!(said, "The app does not open this page.", "{path}");
    }
    // What the window was not given is refused by Tauri itself.
    for command in ["plugin:opener|open_url", "plugin:window|close", "plugin:notification|notify", "plugin:shell|open"]
    {
        let said =
            app.awaits(&format!("window.__TAURI__.core.invoke('{command}', {{url: 'https://evil.test/'}})")).await;
        let said = said.as_str().unwrap_or_default();
        assert!(said.contains("not allowed") || said.contains("not found"), "{command}: {said}");
    }
    let fetched = app.awaits(&format!("fetch('{}/api/desk').then(() => 'fetched')", team.desk.origin)).await;
    assert_ne!(fetched, "fetched");
    app.awaits("(location.assign('https://evil.test/'), 1)").await;
    app.says("live", "Live").await;
    assert_eq!(computer.opened_so_far(), opened);
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn a_taken_port_and_a_folder_that_is_none_are_told_of_and_tried_again() {
    let computer = Computer::start().await;
    let folder = computer.config();
    std::fs::create_dir_all(&folder).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let settings = format!(r#"{{"chosen": {{"desk": "here"}}, "port": {port}}}"#);
    std::fs::write(folder.join("settings.json"), settings).unwrap();
    let app = computer.app(&[]).await;
    app.shows(&format!("Port {port}, by which your agents reach the desk, is taken")).await;
    std::fs::remove_dir_all(computer.data()).unwrap();
    std::fs::write(computer.data(), "").unwrap();
    drop(taken);
    app.click("app-try-again").await;
    app.shows("is not a folder").await;
    std::fs::remove_file(computer.data()).unwrap();
    app.click("app-try-again").await;
    app.shows("Finish in your browser").await;
    app.quit().await;
}
