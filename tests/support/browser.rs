//! A real Chromium with a virtual authenticator, driven over WebDriver.

use crate::awaited;
use crate::page::Page;
use crate::process::speaking;
use reqwest::Method as RequestMethod;
use serde_json::{Value, json};
use std::ops::Deref;
use std::sync::Arc;
use tempfile::TempDir;
use thirtyfour::common::command::{Command as DriverCommand, ExtensionCommand};
use thirtyfour::prelude::*;
use tokio::process::Child;

/// A browser of its own, with a profile and a passkey authenticator that go with it.
pub struct Browser {
    page: Page,
    chromedriver: Child,
    _profile: TempDir,
}

impl Deref for Browser {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

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
        let taken = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted);
        let driver = awaited("the browser", taken).await.unwrap();
        driver.handle().cmd(DriverCommand::ExtensionCommand(Box::new(AddAuthenticator))).await.unwrap();
        Self { page: Page { driver }, chromedriver, _profile: profile }
    }

    /// Opens an address.
    pub async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// Runs a command of the Chrome DevTools Protocol.
    pub async fn devtools(&self, command: &'static str, parameters: Value) {
        let command = DriverCommand::ExtensionCommand(Box::new(DevTools { command, parameters }));
        self.driver.handle().cmd(command).await.unwrap();
    }

    /// Ends the browser.
    pub async fn quit(mut self) {
        self.page.driver.quit().await.unwrap();
        self.chromedriver.kill().await.unwrap();
    }
}

/// Starts a chromedriver on a free port, which it names itself.
async fn chromedriver() -> (Child, u16) {
    let (child, mut lines) = speaking("chromedriver", &["--port=0"]);
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
