//! The desktop app around its window: the tray, the badge, the keys that bring it up, and what it does while its window
//! is closed.

use crate::browser::dana_sets_up;
use crate::desktop::{curl, given_team, set_up_here, sign_app_in};
use crate::given::{VARIABLES, file};
use std::sync::Arc;
use support::{Badges, Browser, Computer, Desk, SHORTCUT, Upstream, WINDOW, apply_to, until};

#[tokio::test]
async fn the_tray_counts_what_waits_and_leads_to_the_newest() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    let tray = &computer.tray;
    assert_eq!(tray.title().await, "Countersign");
    assert!(!tray.entry("Nothing waits").await.enabled);
    team.held(4_900).await;
    tray.counts("1").await;
    let second = team.held(5_100).await;
    tray.counts("2").await;
    assert!(!tray.entry("2 requests wait").await.enabled);

    computer.screen.close(WINDOW);
    computer.screen.has_window(WINDOW, false).await;
    tray.choose("invoice-bot asks: refunds_create, for Mina Sato").await;
    computer.screen.has_window(WINDOW, true).await;
    app.says("card-arguments", "5100").await;
    app.click("deny").await;
    app.click("deny-confirm").await;
    assert_eq!(team.agent.end_of(&second).await["state"], "denied");
    tray.counts("1").await;
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn the_number_that_waits_stands_on_the_apps_own_icon() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let badges = Badges::start(&computer.notifications.bus).await;
    let app = team.app_on(&computer).await;
    let id = team.held(4_900).await;
    badges.shows("application://Countersign.desktop", Some(1)).await;
    app.click_in("request-row", "td").await;
    app.click("deny").await;
    app.click("deny-confirm").await;
    team.agent.end_of(&id).await;
    badges.shows("application://Countersign.desktop", None).await;
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn whoever_is_not_to_be_disturbed_sees_it_counted_only() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    computer.tray.choose("Do not disturb").await;
    computer.tray.ticks("Do not disturb", true).await;
    team.held(4_900).await;
    computer.tray.counts("1").await;
    app.click("nav-account").await;
    app.is_ticked("do-not-disturb", true).await;
    app.click("do-not-disturb").await;
    computer.tray.ticks("Do not disturb", false).await;
    team.held(5_100).await;
    computer.notifications.showing("invoice-bot asks").await;
    assert_eq!(computer.notifications.now().len(), 1, "what came meanwhile is not told later");
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn the_start_at_login_is_switched_in_the_tray_and_in_the_window() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    computer.tray.choose("Start at login").await;
    computer.tray.ticks("Start at login", true).await;
    let entry = std::fs::read_to_string(computer.home().join(".config/autostart/Countersign.desktop")).unwrap();
    assert!(entry.contains(" --hidden"), "{entry}");
    app.click("nav-account").await;
    app.is_ticked("start-at-login", true).await;
    app.click("start-at-login").await;
    computer.tray.ticks("Start at login", false).await;
    assert!(!computer.home().join(".config/autostart/Countersign.desktop").exists());
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn a_switch_that_the_system_does_not_take_stays_as_it_was() {
    let computer = Computer::start().await;
    let app = computer.app(&[]).await;
    app.shows("Where is your desk?").await;
    std::fs::create_dir_all(computer.home().join(".config")).unwrap();
    std::fs::write(computer.home().join(".config/autostart"), "").unwrap();
    computer.tray.choose("Start at login").await;
    until("the log's word on the switch", async || computer.log().contains("the tray's switch did not work")).await;
    computer.tray.ticks("Start at login", false).await;
    app.quit().await;
}

#[tokio::test]
async fn with_its_window_closed_the_desk_on_this_computer_answers_agents_and_tells_of_it() {
    let computer = Computer::start().await;
    let app = computer.app(&[]).await;
    let (origin, dana) = set_up_here(&computer, &app).await;
    let upstream = Upstream::answering("{}").await;
    let clock = Arc::new(countersign_server::clock::SystemClock);
    apply_to(&computer.data(), clock, &file(&upstream.url), &VARIABLES).await;
    computer.screen.close(WINDOW);
    computer.screen.has_window(WINDOW, false).await;

    let answer = curl(&origin).await;
    assert!(answer.contains("pending"), "{answer}");
    let shown = computer.notifications.showing("invoice-bot asks: refunds_create").await;
    computer.notifications.press(&shown, Some("Review")).await;
    computer.screen.has_window(WINDOW, true).await;
    app.says("card-arguments", "4900").await;
    dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn the_keys_bring_the_queue_up_from_anywhere() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    app.click("nav-account").await;
    app.says("app-where", "Ctrl+Alt+C brings the queue up").await;
    computer.screen.close(WINDOW);
    computer.screen.has_window(WINDOW, false).await;
    computer.screen.press(&SHORTCUT);
    computer.screen.has_window(WINDOW, true).await;
    app.shows("No pending approvals").await;
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn the_window_is_as_large_as_it_was_left() {
    let computer = Computer::start().await;
    let app = computer.app(&[]).await;
    app.shows("Where is your desk?").await;
    app.resize(900, 700).await;
    assert_eq!(app.awaits("[innerWidth, innerHeight]").await, serde_json::json!([900, 700]));
    let process = computer.app_process().await.unwrap();
    computer.tray.choose("Quit Countersign").await;
    computer.ended(process).await;
    app.quit().await;
    let app = computer.app(&[]).await;
    app.shows("Where is your desk?").await;
    assert_eq!(app.awaits("[innerWidth, innerHeight]").await, serde_json::json!([900, 700]));
    app.quit().await;
}

#[tokio::test]
async fn somebody_turns_to_another_desk_and_has_the_first_one_behind_them() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    team.held(4_900).await;
    computer.notifications.showing("invoice-bot asks").await;
    computer.tray.choose("Use another desk").await;
    app.click("app-leave").await;
    app.shows("Where is your desk?").await;
    computer.notifications.gone("invoice-bot asks").await;
    assert!(!computer.config().join("session").exists());
    team.dana.quit().await;

    let other = Desk::of_today().await;
    let dana = dana_sets_up(&other).await;
    sign_app_in(&app, &other, &dana).await;
    app.shows("No pending approvals").await;
    computer.tray.entry("Nothing waits").await;
    dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn a_sign_in_comes_back_by_the_apps_own_address_too() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = computer.app(&[]).await;
    app.fill("app-address", &team.desk.origin).await;
    app.click("app-connect").await;
    app.click("app-sign-in").await;
    app.shows("Waiting for your browser").await;
    let asked = url::Url::parse(&computer.opened(1).await).unwrap();
    let asked = |name: &str| asked.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    team.dana.open(&team.desk.origin).await;
    team.dana.shows("No pending approvals").await;
    let body = serde_json::json!({"code_challenge": asked("code_challenge"), "redirect_uri": "countersign://sign-in",
        "state": asked("state")});
    let sent = format!(
        "fetch('/api/session/app', {{method: 'POST', headers: {{'Content-Type': 'application/json'}}, \
         body: JSON.stringify({body})}}).then((answer) => answer.json()).then((answer) => answer.location)"
    );
    let link = team.dana.awaits(&sent).await;
    assert!(computer.start_app(&[link.as_str().unwrap()]).wait().await.unwrap().success());
    app.says("live", "Live").await;
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn whoever_asks_for_help_copies_what_is_known_and_nothing_secret() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    team.dana.quit().await;
    let session = std::fs::read_to_string(computer.config().join("session")).unwrap();
    let token = session.lines().nth(1).filter(|token| token.len() > 40).expect("the session's token");
    let known = app.awaits("window.__TAURI__.core.invoke('diagnostics')").await;
    let known = known.as_str().unwrap();
    for words in
        [&*format!("desk: {}", team.desk.origin), "stands: signed in", "session kept in: File", "the app starts"]
    {
        assert!(known.contains(words), "{words}: {known}");
    }
    assert!(!known.contains(token) && !computer.log().contains(token));
    app.click("nav-account").await;
    app.click("copy-diagnostics").await;
    app.says("copy-diagnostics", "Copied").await;
    // Control and V, in the name of a passkey.
    app.fill("passkey-name", "\u{e009}v\u{e000}").await;
    let pasted = app.find("passkey-name").await.prop("value").await.unwrap().unwrap();
    assert!(pasted.starts_with(concat!("Countersign ", env!("CARGO_PKG_VERSION"))), "{pasted}");
    app.quit().await;
}

#[tokio::test]
async fn the_page_that_asks_for_the_passkey_is_opened_again() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    let id = team.held(4_900).await;
    app.click_in("request-row", "td").await;
    let opened = computer.opened_so_far();
    app.click("approve").await;
    app.says("approve", "Open again").await;
    app.click("approve").await;
    assert_eq!(computer.opened(opened + 2).await, format!("{}/approve/{id}", team.desk.origin));
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn somebody_leaves_the_browser_that_was_to_set_the_desk_up_and_opens_the_page_again() {
    let computer = Computer::start().await;
    let app = computer.app(&[]).await;
    app.click("app-run-here").await;
    app.shows("Finish in your browser").await;
    let first = computer.opened(1).await;
    app.click("app-open-again").await;
    assert_eq!(computer.opened(2).await, first);
    let dana = Browser::start().await;
    dana.open(&first).await;
    dana.find("setup-finish").await;
    dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn a_second_start_by_the_system_brings_nothing_up() {
    let computer = Computer::start().await;
    let app = computer.app(&[]).await;
    app.shows("Where is your desk?").await;
    computer.screen.close(WINDOW);
    computer.screen.has_window(WINDOW, false).await;
    assert!(computer.start_app(&["--hidden"]).wait().await.unwrap().success());
    // The menu is drawn where the window is shown, and answers after it.
    computer.tray.entry("Nothing waits").await;
    app.shows("Where is your desk?").await;
    assert!(!computer.screen.shows(WINDOW));
    assert!(computer.start_app(&[]).wait().await.unwrap().success());
    computer.screen.has_window(WINDOW, true).await;
    app.quit().await;
}

#[tokio::test]
async fn before_anybody_is_signed_in_the_trays_ways_lead_to_the_window_and_nowhere_later() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = computer.app(&[]).await;
    app.says("copy-diagnostics", "Copy diagnostics").await;
    computer.screen.close(WINDOW);
    computer.screen.has_window(WINDOW, false).await;
    computer.tray.choose("Copy diagnostics").await;
    computer.screen.has_window(WINDOW, true).await;
    sign_app_in(&app, &team.desk, &team.dana).await;
    app.shows("No pending approvals").await;
    team.dana.quit().await;
    app.quit().await;
}
