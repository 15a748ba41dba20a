//! The desktop app as people use it: its first start in both ways, the queue in its window, notifications from its
//! background, and the passkey in the browser.

use crate::browser::dana_sets_up;
use crate::given::{KEY, VARIABLES, file, refund, settled};
use std::sync::Arc;
use support::{Agent, App, Browser, Computer, Desk, PushService, Upstream, apply_to};

/// Signs the app in at a team's desk, by a browser that is signed in there.
pub async fn sign_app_in(app: &App<'_>, desk: &Desk, browser: &Browser) {
    app.shows("Where is your desk?").await;
    app.fill("app-address", &desk.origin).await;
    app.click("app-connect").await;
    app.shows("Sign in to Acme").await;
    let opened = app.computer().opened_so_far();
    app.click("app-sign-in").await;
    app.shows("Waiting for your browser").await;
    browser.open(&app.computer().opened(opened + 1).await).await;
    browser.click("app-sign-in").await;
    browser.shows("You are signed in").await;
    app.says("live", "Live").await;
}

/// Dana runs a desk on this computer and sets it up in her browser; where it is.
pub async fn set_up_here(computer: &Computer, app: &App<'_>) -> (String, Browser) {
    app.shows("Where is your desk?").await;
    app.click("app-run-here").await;
    app.shows("Finish in your browser").await;
    let setup = computer.opened(1).await;
    let dana = Browser::start().await;
    dana.open(&setup).await;
    dana.fill("desk_name", "Mine").await;
    dana.fill("name", "Dana Kim").await;
    dana.fill("email", "dana@acme.test").await;
    dana.click("setup-finish").await;
    app.shows("No pending approvals").await;
    (setup.split("/setup").next().unwrap().to_owned(), dana)
}

pub struct Team {
    pub desk: Desk,
    pub upstream: Upstream,
    pub agent: Agent,
    pub dana: Browser,
}

/// A team's desk with a shop behind it, and Dana at a browser with her passkey.
pub async fn given_team() -> Team {
    let upstream = Upstream::answering(r#"{"id":"re_1"}"#).await;
    let desk = Desk::of_today().await;
    let dana = dana_sets_up(&desk).await;
    desk.apply(&file(&upstream.url), &VARIABLES).await;
    let agent = desk.agent(KEY);
    settled(&agent).await;
    Team { desk, upstream, agent, dana }
}

impl Team {
    /// The app, signed in as Dana.
    pub async fn app_on<'a>(&self, computer: &'a Computer) -> App<'a> {
        let app = computer.app(&[]).await;
        sign_app_in(&app, &self.desk, &self.dana).await;
        app
    }

    /// A refund that waits; its id.
    pub async fn held(&self, amount: i64) -> String {
        let held = self.agent.ask(refund(amount)).await.expect(202);
        held["approval_id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn somebody_runs_a_desk_on_this_computer_and_approves_in_the_browser_what_the_window_shows() {
    let computer = Computer::start().await;
    let app = computer.app(&[]).await;
    let (origin, dana) = set_up_here(&computer, &app).await;

    let upstream = Upstream::answering(r#"{"id":"re_1"}"#).await;
    let clock = Arc::new(countersign_server::clock::SystemClock);
    apply_to(&computer.data(), clock, &file(&upstream.url), &VARIABLES).await;
    let agent = Agent::at(&origin, KEY);
    settled(&agent).await;
    let held = agent.ask(refund(4_900)).await.expect(202);
    let id = held["approval_id"].as_str().unwrap();
    app.says("pending-badge", "1").await;
    app.click_in("request-row", "td").await;
    app.says("card-arguments", "4900").await;
    app.click("approve").await;
    app.says("waiting-for-passkey", "Waiting for your passkey...").await;
    let page = computer.opened(2).await;
    assert!(page.starts_with(&format!("{origin}/approve/{id}#")), "{page}");
    let stranger = Browser::start().await;
    stranger.open(&page).await;
    stranger.shows("Dana Kim").await;
    stranger.quit().await;

    // The ticket is spent; the browser that has the passkey is signed in by its own session.
    dana.open(&page).await;
    dana.click("approve").await;
    assert_eq!(agent.end_of(id).await["state"], "succeeded");
    app.shows("No pending approvals").await;
    assert_eq!(upstream.requests().len(), 1);
    dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn a_team_mate_signs_in_by_the_browser_denies_in_the_window_and_signs_out() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    app.shows("No pending approvals").await;

    let id = team.held(4_900).await;
    app.says("pending-badge", "1").await;
    app.click_in("request-row", "td").await;
    app.says("card-note", "Charged twice.").await;
    app.click("deny").await;
    app.fill("deny-reason", "Not this one.").await;
    app.click("deny-confirm").await;
    let ended = team.agent.end_of(&id).await;
    assert_eq!((ended["state"].as_str(), ended["reason"].as_str()), (Some("denied"), Some("Not this one.")));
    assert!(team.upstream.requests().is_empty());

    let token = "return JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])";
    assert!(!app.awaits(&format!("(() => {{ {token} }})()")).await.to_string().contains("csk_"));
    app.click("nav-account").await;
    app.says("app-where", "a file that only your account reads").await;
    app.click("sign-out").await;
    app.shows("Sign in to").await;
    assert!(!computer.config().join("session").exists());
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn the_session_is_kept_in_a_keychain_that_is_open() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let _keychain = computer.open_keychain().await;
    let app = team.app_on(&computer).await;
    assert!(!computer.config().join("session").exists());
    app.click("nav-account").await;
    app.says("app-where", "keychain").await;
    app.quit().await;

    let app = computer.app(&[]).await;
    app.says("live", "Live").await;
    app.click("nav-account").await;
    app.click("sign-out").await;
    app.shows("Sign in to").await;
    app.quit().await;
    let app = computer.app(&[]).await;
    app.shows("Sign in to").await;
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn where_the_keychain_is_locked_and_nobody_opens_it_a_file_keeps_the_session() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let _keychain = computer.locked_keychain().await;
    let app = team.app_on(&computer).await;
    app.click("nav-account").await;
    app.says("app-where", "no keychain that is open").await;
    assert!(computer.config().join("session").exists());
    app.quit().await;
    let app = computer.app(&[]).await;
    app.says("live", "Live").await;
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn while_the_browser_has_a_request_it_can_go_to_the_phone_too() {
    let service = PushService::taking().await;
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    let mut phone = service.browser("phone").subscription();
    phone["label"] = "Phone".into();
    let told = format!(
        "fetch('/api/push/subscriptions', {{method: 'POST', headers: {{'Content-Type': 'application/json'}}, \
         body: JSON.stringify({phone})}}).then((answer) => answer.status)"
    );
    team.dana.open(&team.desk.origin).await;
    team.dana.shows("No pending approvals").await;
    assert_eq!(team.dana.awaits(&told).await, 201);
    team.held(4_900).await;
    app.click_in("request-row", "td").await;
    app.says("card-arguments", "4900").await;
    app.has_no("send-on").await;
    app.click("approve").await;
    app.click("send-on").await;
    app.shows("tap the notification there").await;
    assert_eq!(service.received(1).await[0].path, "/phone");
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn a_decision_in_a_browser_shows_in_the_window() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;
    let id = team.held(4_900).await;
    app.click_in("request-row", "td").await;
    app.says("card-arguments", "4900").await;
    team.dana.open(&format!("{}/approve/{id}", team.desk.origin)).await;
    team.dana.click("deny").await;
    app.awaits(
        "(window.ended = new Promise((done) => new MutationObserver(() => { \
         if (document.body.innerText.includes('Already denied')) done(Date.now()) \
         }).observe(document.body, {childList: true, subtree: true, characterData: true})), 1)",
    )
    .await;
    team.dana.click("deny-confirm").await;
    team.agent.end_of(&id).await;
    let ended = team.agent.get(&format!("/v1/approvals/{id}")).await.expect(200);
    assert_eq!(ended["state"], "denied");
    let card = format!("fetch('/api/requests/{id}').then((card) => card.json()).then((card) => card.decided_at)");
    let decided = team.dana.awaits(&format!("{card}.then((at) => Date.parse(at))")).await.as_i64().unwrap();
    let seen = app.awaits("window.ended").await.as_i64().unwrap();
    eprintln!("decision to window: {} ms", seen - decided);
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn the_app_tells_of_requests_and_takes_back_what_is_over() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let app = team.app_on(&computer).await;

    let id = team.held(4_900).await;
    let shown = computer.notifications.showing("invoice-bot asks: refunds_create").await;
    assert_eq!(
        (shown.text.as_str(), &*shown.buttons),
        ("Shop, for Mina Sato", &["Review".to_owned(), "Deny".to_owned()][..])
    );
    computer.notifications.press(&shown, Some("Review")).await;
    app.says("card-arguments", "4900").await;
    computer.notifications.press(&shown, Some("Deny")).await;
    app.fill("deny-reason", "By the notification.").await;
    assert_eq!(team.agent.get(&format!("/v1/approvals/{id}")).await.expect(200)["state"], "pending");
    app.click("deny-confirm").await;
    assert_eq!(team.agent.end_of(&id).await["state"], "denied");
    computer.notifications.gone("invoice-bot").await;

    // Four more within the minute are told one by one; with the next they become one.
    for amount in 1..=4 {
        team.held(amount).await;
    }
    for amount in 5..=9 {
        team.held(amount).await;
    }
    computer.notifications.showing("9 requests wait").await;
    assert!(computer.notifications.now().len() <= 6, "{:?}", computer.notifications.now());
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn the_desk_on_this_computer_answers_agents_while_nobody_looks() {
    let computer = Computer::start().await;
    let app = computer.app(&[]).await;
    let (origin, dana) = set_up_here(&computer, &app).await;
    app.quit().await;

    let upstream = Upstream::answering("{}").await;
    let clock = Arc::new(countersign_server::clock::SystemClock);
    apply_to(&computer.data(), clock, &file(&upstream.url), &VARIABLES).await;
    let mut hidden = computer.start_app(&["--hidden"]);
    let answer = curl(&origin).await;
    assert!(answer.contains("pending"), "{answer}");
    // What waits at the first look is told as one, what comes after it by itself.
    computer.notifications.showing("").await;
    let id = hidden.id().unwrap().to_string();
    assert!(tokio::process::Command::new("kill").args(["-s", "TERM", &id]).status().await.unwrap().success());
    assert!(hidden.wait().await.unwrap().success());
    dana.quit().await;
}

/// An agent that is a shell script. The app may still be starting.
pub async fn curl(origin: &str) -> String {
    let script = format!(
        "curl --silent --fail --retry 100 --retry-delay 0 --retry-max-time 60 --retry-all-errors -H 'Authorization: Bearer {KEY}' \
         -H 'Content-Type: application/json' -d '{}' {origin}/v1/actions",
        refund(4_900)
    );
    let output = tokio::process::Command::new("sh").args(["-c", &script]).output().await.unwrap();
    String::from_utf8(output.stdout).unwrap()
}
