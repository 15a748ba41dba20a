//! A real Chromium with a virtual authenticator, driven over WebDriver.

use reqwest::Method as RequestMethod;
use serde_json::{Value, json};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use thirtyfour::common::command::{Command as DriverCommand, ExtensionCommand};
use thirtyfour::prelude::*;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// A browser of its own, with a profile and a passkey authenticator that go with it.
pub struct Browser {
    driver: WebDriver,
    chromedriver: Child,
    _profile: TempDir,
}

/// How long an element may take to appear. A limit, not a wait: it comes back as soon as the element is there.
const PATIENCE: Duration = Duration::from_secs(20);

/// Adds a virtual authenticator (WebAuthn Level 3, section 12.3).
#[derive(Debug)]
struct AddAuthenticator;

impl ExtensionCommand for AddAuthenticator {
    fn parameters_json(&self) -> Option<Value> {
        Some(json!({
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": true,
            "hasUserVerification": true,
            "isUserConsenting": true,
            "isUserVerified": true,
        }))
    }

    fn method(&self) -> RequestMethod {
        RequestMethod::POST
    }

    fn endpoint(&self) -> Arc<str> {
        "/webauthn/authenticator".into()
    }
}

/// Any command of the Chrome DevTools Protocol.
#[derive(Debug)]
struct DevTools {
    command: &'static str,
    parameters: Value,
}

impl ExtensionCommand for DevTools {
    fn parameters_json(&self) -> Option<Value> {
        Some(json!({"cmd": self.command, "params": self.parameters}))
    }

    fn method(&self) -> RequestMethod {
        RequestMethod::POST
    }

    fn endpoint(&self) -> Arc<str> {
        "/goog/cdp/execute".into()
    }
}

impl Browser {
    /// Starts a browser with an authenticator that always consents.
    pub async fn start() -> Self {
        let (chromedriver, port) = chromedriver().await;
        let profile = tempfile::tempdir().unwrap();
        let mut wanted = DesiredCapabilities::chrome();
        for flag in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--window-size=1440,900",
        ] {
            wanted.add_arg(flag).unwrap();
        }
        wanted.add_arg(&format!("--user-data-dir={}", profile.path().display())).unwrap();
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted).await.unwrap();
        driver.handle().cmd(DriverCommand::ExtensionCommand(Box::new(AddAuthenticator))).await.unwrap();
        Self { driver, chromedriver, _profile: profile }
    }

    /// Opens an address.
    pub async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// The element with this `data-testid`, once it is there and shown.
    pub async fn find(&self, testid: &str) -> WebElement {
        let selector = format!("[data-testid='{testid}']");
        let query = self.driver.query(By::Css(selector)).wait(PATIENCE, Duration::from_millis(50));
        match query.and_displayed().first().await {
            Ok(element) => element,
            Err(error) => panic!("no {testid}: {error}\n{}", self.text().await),
        }
    }

    /// Clicks on it. An element that is drawn anew between the look and the click is looked for again.
    pub async fn click(&self, testid: &str) {
        for _ in 0..20 {
            if self.find(testid).await.click().await.is_ok() {
                return;
            }
        }
        panic!("{testid} can't be clicked:\n{}", self.text().await);
    }

    /// Types into it.
    pub async fn fill(&self, testid: &str, text: &str) {
        self.find(testid).await.send_keys(text).await.unwrap();
    }

    /// Presses keys where the focus is. Keys without a letter are those of WebDriver, as [`thirtyfour::Key`] names them.
    pub async fn press(&self, keys: impl AsRef<str>) {
        self.driver.active_element().await.unwrap().send_keys(keys.as_ref()).await.unwrap();
    }

    /// What stands in a field is written over.
    pub async fn rewrite(&self, testid: &str, text: &str) {
        self.fill(testid, &format!("{}a{}{text}", '\u{e009}', '\u{e000}')).await;
    }

    /// The `data-testid` or the id of what has the focus.
    pub async fn focused(&self) -> String {
        let active = "document.activeElement.dataset.testid || document.activeElement.id";
        self.awaits(active).await.as_str().unwrap_or_default().to_owned()
    }

    /// Tabs on until this has the focus.
    pub async fn tab_to(&self, testid: &str) {
        for _ in 0..60 {
            if self.focused().await == testid {
                return;
            }
            self.press("\u{e004}").await;
        }
        panic!("{testid} can't be reached by keyboard:\n{}", self.text().await);
    }

    /// Waits until its text contains this.
    pub async fn says(&self, testid: &str, text: &str) {
        let selector = format!("[data-testid='{testid}']");
        let wanted = text.to_owned();
        let query = self.driver.query(By::Css(selector)).wait(PATIENCE, Duration::from_millis(50));
        let found = query.with_text(thirtyfour::stringmatch::StringMatch::new(wanted).partial()).first().await;
        if let Err(error) = found {
            panic!("{testid} does not say {text:?}: {error}\n{}", self.text().await);
        }
    }

    /// Waits until there is no such element.
    pub async fn has_no(&self, testid: &str) {
        let selector = format!("[data-testid='{testid}']");
        let query = self.driver.query(By::Css(selector)).wait(PATIENCE, Duration::from_millis(50));
        if !query.not_exists().await.unwrap() {
            panic!("{testid} is still there:\n{}", self.text().await);
        }
    }

    /// How many there are of it now.
    pub async fn count(&self, testid: &str) -> usize {
        self.driver.find_all(By::Css(format!("[data-testid='{testid}']"))).await.unwrap().len()
    }

    /// Waits until the page's text contains this.
    pub async fn shows(&self, text: &str) {
        let query = self.driver.query(By::Tag("body")).wait(PATIENCE, Duration::from_millis(50));
        if query.with_text(thirtyfour::stringmatch::StringMatch::new(text.to_owned()).partial()).first().await.is_err()
        {
            panic!("the page does not show {text:?}:\n{}", self.text().await);
        }
    }

    /// How long after the page was asked for it showed this text, by the browser's own clock.
    pub async fn usable_after(&self, text: &str) -> Duration {
        self.shows(text).await;
        let now = self.driver.execute("return performance.now()", Vec::new()).await.unwrap();
        Duration::from_secs_f64(now.json().as_f64().unwrap() / 1e3)
    }

    /// Runs a command of the Chrome DevTools Protocol.
    pub async fn devtools(&self, command: &'static str, parameters: Value) {
        let command = DriverCommand::ExtensionCommand(Box::new(DevTools { command, parameters }));
        self.driver.handle().cmd(command).await.unwrap();
    }

    /// What a promise in the page comes to: the script is an expression.
    pub async fn awaits(&self, script: &str) -> Value {
        let script = format!("Promise.resolve({script}).then(arguments[0], (error) => arguments[0](String(error)))");
        self.driver.execute_async(script, Vec::new()).await.unwrap().json().clone()
    }

    async fn text(&self) -> String {
        match self.driver.find(By::Tag("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(error) => error.to_string(),
        }
    }

    /// Ends the browser.
    pub async fn quit(mut self) {
        self.driver.quit().await.unwrap();
        self.chromedriver.kill().await.unwrap();
    }
}

/// Starts a chromedriver on a free port, which it names itself.
async fn chromedriver() -> (Child, u16) {
    let mut child = Command::new("chromedriver")
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("chromedriver is not installed; run this by `cargo xtask test`, which names what is missing");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(port) =
            line.rsplit_once("started successfully on port ").map(|(_, port)| port.trim_end_matches('.').parse())
        {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (child, port.unwrap());
        }
    }
    panic!("chromedriver did not start");
}
