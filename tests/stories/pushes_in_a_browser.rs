//! Web Push as somebody with a browser meets it: the offer, the notification, and its going away. Without a network
//! Chromium's `subscribe` hangs, so that one call is stubbed; everything else is the browser's own.

use crate::browser::dana_sets_up;
use crate::given::{KEY, SECRET, file, settled};
use serde_json::{Value, json};
use support::{Agent, Browser, Desk, PushBrowser, PushService, Upstream, awaited, pause};

const FLOW: &str = "{name: Ours, channels: {push: true}, steps: [{order: 1, approvers: {users: [dana@acme.test]}}]}";

/// What is shown, in the page's own words.
const LOOK: &str = "async () => {
    const worker = await navigator.serviceWorker.ready;
    return (await worker.getNotifications()).map(({title, body, silent, actions, data}) =>
        ({title, body, silent, data, actions: actions.map((one) => one.title)}));
}";

/// Dana at her desk, whose browser takes pushes at this service as soon as it is asked to.
struct Asked {
    desk: Desk,
    dana: Browser,
    agent: Agent,
    service: PushService,
    keys: PushBrowser,
    _upstream: Upstream,
}

async fn given_asked() -> Asked {
    let (desk, service) = (Desk::of_today().await, PushService::taking().await);
    let dana = dana_sets_up(&desk).await;
    let upstream = Upstream::answering(r#"{"id":"re_1"}"#).await;
    let more = format!("flows: [{FLOW}]\nsettings: {{default_flow: Ours}}\n");
    desk.apply(&format!("{}{more}", file(&upstream.url)), &[("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)]).await;
    let agent = desk.agent(KEY);
    settled(&agent).await;
    let keys = service.browser("chromium");
    let allowed = json!({"origin": desk.origin, "permissions": ["notifications"]});
    dana.devtools("Browser.grantPermissions", allowed).await;
    let asked = Asked { desk, dana, agent, service, keys, _upstream: upstream };
    asked.stub().await;
    asked
}

impl Asked {
    /// `subscribe` answers with keys that the story can read by, and remembers what it was asked with.
    async fn stub(&self) {
        let answer = self.keys.subscription();
        let stub = format!(
            "(PushManager.prototype.subscribe = async (wanted) => {{ self.wanted = wanted; return {answer}; }}, 0)"
        );
        self.dana.awaits(&stub).await;
    }

    /// A command that waits; its id.
    async fn command(&self) -> String {
        let ask = json!({"connector": "shell", "tool": "run", "arguments": {"command": "ls"}, "reason": "Now."});
        self.agent.ask(ask).await.expect(202)["approval_id"].as_str().unwrap().to_owned()
    }

    /// Hands the browser what came for it as the many-th message, as its push service would.
    async fn deliver(&self, many: usize) {
        let push = self.service.received(many).await.remove(many - 1);
        let data = push.read_by(&self.keys).to_string();
        // The profile is new: this is its first registration.
        let message = json!({"origin": self.desk.origin, "registrationId": "0", "data": data});
        self.dana.devtools("ServiceWorker.deliverPushMessage", message).await;
    }

    /// The notifications that are shown, once this is true of them.
    async fn shown(&self, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        awaited("what the notifications should be", async {
            loop {
                let shown = self.dana.awaits(&format!("({LOOK})()")).await;
                let shown = shown.as_array().unwrap_or_else(|| panic!("{shown}"));
                if holds(shown) {
                    return shown.clone();
                }
                pause().await;
            }
        })
        .await
    }

    /// Has the page itself look for all that is shown while something of this kind is: what goes by itself may be gone
    /// before a driver has asked.
    async fn looks_for(&self, kind: &str) {
        let look = format!(
            "(self.seen = new Promise((seen) => {{
                const look = async () => {{
                    const all = await ({LOOK})();
                    all.some((one) => one.data?.kind === '{kind}') ? seen(all) : setTimeout(look, 20);
                }};
                look();
            }}), 0)"
        );
        self.dana.awaits(&look).await;
    }

    /// What it has seen.
    async fn seen(&self) -> Vec<Value> {
        let seen = self.dana.awaits("self.seen").await;
        seen.as_array().unwrap_or_else(|| panic!("{seen}")).clone()
    }
}

#[tokio::test]
async fn somebody_enables_notifications_sees_one_and_it_goes_when_the_request_has_ended() {
    let asked = given_asked().await;
    let dana = &asked.dana;
    dana.says("push-banner", "Enable push notifications").await;
    dana.click("push-enable").await;
    dana.has_no("push-banner").await;
    dana.shows("This browser tells you from now on.").await;
    let key = dana.awaits("fetch('/api/push/key').then((answer) => answer.json())").await["key"].clone();
    assert_eq!(
        dana.awaits("[self.wanted.applicationServerKey, self.wanted.userVisibleOnly]").await,
        json!([key, true])
    );
    dana.devtools("ServiceWorker.enable", json!({})).await;

    let id = asked.command().await;
    asked.deliver(1).await;
    let shown = asked.shown(|all| !all.is_empty()).await;
    assert!(shown[0]["title"].as_str().unwrap().contains("invoice-bot"), "{shown:?}");
    assert_eq!(shown[0]["actions"], json!(["Review", "Deny"]));
    let page = format!("{}/approve/{id}", asked.desk.origin);
    assert_eq!(
        (&shown[0]["data"]["review"], &shown[0]["data"]["deny"]),
        (&json!(page), &json!(format!("{page}?deny")))
    );

    dana.open(&format!("{page}?deny")).await;
    dana.fill("deny-reason", "Not now.").await;
    dana.click("deny-confirm").await;
    asked.agent.end_of(&id).await;
    asked.looks_for("ended").await;
    asked.deliver(2).await;
    let ended = asked.seen().await;
    assert_eq!((ended.len(), &ended[0]["silent"]), (1, &json!(true)));
    assert!(ended[0]["body"].as_str().unwrap().starts_with("Already denied by Dana Kim"), "{ended:?}");
    asked.shown(<[_]>::is_empty).await;
    asked.dana.quit().await;
}

#[tokio::test]
async fn whoever_says_not_now_is_not_asked_again_and_finds_it_on_the_account_page() {
    let asked = given_asked().await;
    let dana = &asked.dana;
    dana.click("push-later").await;
    dana.has_no("push-banner").await;
    dana.open(&format!("{}/requests", asked.desk.origin)).await;
    dana.shows("No pending approvals").await;
    dana.has_no("push-banner").await;

    dana.click("nav-account").await;
    asked.stub().await;
    dana.says("this-browser", "Takes none yet").await;
    dana.click("browser-enable").await;
    dana.says("browser-row", "Chrome on Linux").await;
    dana.click("test-push").await;
    dana.says("test-fate-push", "Sent").await;
    let said = asked.service.received(1).await[0].read_by(&asked.keys);
    assert_eq!(said["notification"]["title"], "A test message from Acme");

    dana.click("quiet").await;
    dana.click("normal-email").await;
    dana.fill("phone", "+41 79 123 45 67").await;
    dana.click("told-save").await;
    dana.shows("Saved.").await;
    let mine = dana.awaits("fetch('/api/me/preferences').then((answer) => answer.json())").await["preferences"].clone();
    let zone = dana.awaits("Intl.DateTimeFormat().resolvedOptions().timeZone").await;
    assert_eq!(mine["quiet_hours"], json!({"from": "22:00", "to": "07:00", "time_zone": zone}));
    assert_eq!((&mine["phone"], &mine["normal"]["email"]), (&json!("+41791234567"), &json!(false)));

    dana.click("browser-remove").await;
    dana.has_no("browser-row").await;
    asked.dana.quit().await;
}
