//! A page that a WebDriver drives: a browser's, or the desktop app's window.

use crate::{pause, until};
use serde_json::Value;
use std::time::Duration;
use thirtyfour::prelude::*;

/// How long an element may take to appear. A limit, not a wait: it comes back as soon as the element is there.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is shown, and hands to click and type with.
pub struct Page {
    pub(crate) driver: WebDriver,
}

impl Page {
    /// The element with this `data-testid`, once it is there and shown.
    pub async fn find(&self, testid: &str) -> WebElement {
        for _ in 0..20 {
            let selector = format!("[data-testid='{testid}']");
            let query = self.driver.query(By::Css(selector)).wait(PATIENCE, Duration::from_millis(50));
            match query.and_displayed().first().await {
                Ok(element) => return element,
                // It was drawn anew while it was looked at.
                Err(error) if error.to_string().contains("stale") => {}
                Err(error) => panic!("no {testid}: {error}\n{}", self.text().await),
            }
        }
        panic!("{testid} never stays:\n{}", self.text().await);
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

    /// Clicks on the first element within it that matches: WebKit's driver clicks on no row of a table.
    pub async fn click_in(&self, testid: &str, selector: &str) {
        let selector = format!("[data-testid='{testid}'] {selector}");
        for _ in 0..20 {
            let query = self.driver.query(By::Css(selector.clone())).wait(PATIENCE, Duration::from_millis(50));
            let found = query.and_displayed().first().await;
            if found.expect("something to click on").click().await.is_ok() {
                return;
            }
        }
        panic!("{selector} can't be clicked:\n{}", self.text().await);
    }

    /// Types into it. A field that is drawn anew before a letter has reached it is looked for again.
    pub async fn fill(&self, testid: &str, text: &str) {
        for _ in 0..20 {
            match self.find(testid).await.send_keys(text).await {
                Err(error) if error.to_string().contains("stale") => {}
                typed => return typed.unwrap(),
            }
        }
        panic!("{testid} never stays:\n{}", self.text().await);
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

    /// Waits until the box there has a tick, or none.
    pub async fn is_ticked(&self, testid: &str, ticked: bool) {
        until(&format!("the tick {ticked} at {testid}"), async || {
            // One that was drawn anew between the two has no answer.
            self.find(testid).await.is_selected().await.ok() == Some(ticked)
        })
        .await;
    }

    /// Waits until this stands in the field there.
    pub async fn has_in(&self, testid: &str, text: &str) {
        until(&format!("{text:?} in {testid}"), async || {
            self.find(testid).await.prop("value").await.ok().flatten().as_deref() == Some(text)
        })
        .await;
    }

    /// Makes the window so many pixels wide and high.
    pub async fn resize(&self, width: u32, height: u32) {
        self.driver.set_window_rect(0, 0, width, height).await.unwrap();
    }

    /// Waits until there is no such element.
    pub async fn has_no(&self, testid: &str) {
        let selector = format!("[data-testid='{testid}']");
        let query = self.driver.query(By::Css(selector)).wait(PATIENCE, Duration::from_millis(50));
        if !query.not_exists().await.unwrap() {
            panic!("{testid} is still there:\n{}", self.text().await);
        }
    }

    /// Waits until it is there and not shown.
    pub async fn hides(&self, testid: &str) {
        let selector = format!("[data-testid='{testid}']");
        let query = self.driver.query(By::Css(selector)).wait(PATIENCE, Duration::from_millis(50));
        if let Err(error) = query.and_not_displayed().first().await {
            panic!("{testid} is still shown: {error}\n{}", self.text().await);
        }
    }

    /// How many there are of it now.
    pub async fn count(&self, testid: &str) -> usize {
        self.driver.find_all(By::Css(format!("[data-testid='{testid}']"))).await.unwrap().len()
    }

    /// Waits until the page's text contains this.
    pub async fn shows(&self, text: &str) {
        // The page may be another one by the next look.
        let shown = async {
            while !self.text().await.contains(text) {
                pause().await;
            }
        };
        if tokio::time::timeout(PATIENCE, shown).await.is_err() {
            panic!("the page does not show {text:?}:\n{}", self.text().await);
        }
    }

    /// How long after the page was asked for it showed this text, by the browser's own clock.
    pub async fn usable_after(&self, text: &str) -> Duration {
        self.shows(text).await;
        let now = self.driver.execute("return performance.now()", Vec::new()).await.unwrap();
        Duration::from_secs_f64(now.json().as_f64().unwrap() / 1e3)
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
}
