//! The browsers that a person is told on by Web Push.

use super::Desk;
use super::error::{DeskError, invalid, not_found, refuse};
use super::session::SignedIn;
use crate::audit::{Actor, Entry};
use crate::notify::Subscription;
use crate::notify::push::Problem;
use crate::store;
use crate::store::push::Browser;
use countersign_domain::ids::SubscriptionId;
use countersign_wire::Page;
use countersign_wire::me::{BrowserBody, BrowserRow, PushKey};
use countersign_wire::problem::Code;
use serde_json::json;
use url::Url;

/// The most browsers of one person: each gets every message.
const MOST: usize = 20;
/// The most characters of a browser's name.
const LONGEST_LABEL: usize = 80;

impl Desk {
    /// What a browser has to know the desk by before it takes its pushes.
    #[must_use]
    pub fn push_key(&self) -> PushKey {
        PushKey { key: self.inner.parts.push_key.public().to_owned() }
    }

    /// The person's browsers, in the order they came.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn my_browsers(&self, who: &SignedIn) -> Result<Page<BrowserRow>, DeskError> {
        let browsers = store::push::of_user(&mut self.store().read().await?, who.user().id).await?;
        Ok(Page { items: browsers.into_iter().map(row).collect(), next: None })
    }

    /// From now on this browser takes the person's pushes, and nobody else's.
    ///
    /// # Errors
    /// When it is none that can be pushed to, or the person has too many.
    pub async fn add_browser(&self, who: &SignedIn, body: BrowserBody) -> Result<BrowserRow, DeskError> {
        let (now, me) = (self.now(), who.user().id);
        let label = label(body.label)?;
        let subscription = Subscription { endpoint: body.endpoint, p256dh: body.keys.p256dh, auth: body.keys.auth };
        subscription.check(self.public_url().is_loopback()).map_err(|Problem(field, why)| invalid(field, why))?;
        let browser = Browser { id: SubscriptionId(self.fresh()), user_id: me, subscription, label, created_at: now };
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    let known = store::push::by_endpoint(connection, &browser.subscription.endpoint).await?;
                    let own = known.filter(|known| known.user_id == me);
                    if let Some(same) = own.as_ref().filter(|own| own.subscription == browser.subscription) {
                        return Ok(row(same.clone()));
                    }
                    if own.is_none() && store::push::of_user(connection, me).await?.len() >= MOST {
                        let detail = format!("You are told on {MOST} browsers already; remove one first.");
                        return Err(refuse(Code::Conflict, detail));
                    }
                    store::push::put(connection, &browser).await?;
                    let entry = Entry::new(now, Actor::User(me), "browser.added", browser.id);
                    let entry = entry.with(json!({"label": browser.label, "push_service": service(&browser)}));
                    store::audit::append(connection, entry).await?;
                    Ok::<_, DeskError>(row(browser))
                })
            })
            .await
    }

    /// One of the person's browsers takes their pushes no more.
    ///
    /// # Errors
    /// When it is none of theirs.
    pub async fn remove_browser(&self, who: &SignedIn, id: SubscriptionId) -> Result<(), DeskError> {
        let (now, me) = (self.now(), who.user().id);
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    if !store::push::remove(connection, me, id).await? {
                        return Err(not_found("browser"));
                    }
                    let entry = Entry::new(now, Actor::User(me), "browser.removed", id);
                    store::audit::append(connection, entry).await?;
                    Ok::<_, DeskError>(())
                })
            })
            .await
    }
}

fn label(label: Option<String>) -> Result<String, DeskError> {
    let label = label.unwrap_or_default();
    match label.trim() {
        "" => Ok("A browser".to_owned()),
        long if long.chars().count() > LONGEST_LABEL => Err(invalid("label", "must be at most 80 characters long")),
        odd if odd.chars().any(char::is_control) => Err(invalid("label", "must be one line")),
        label => Ok(label.to_owned()),
    }
}

/// Whose service it is. The rest of the address lets anybody who knows it write to the browser.
fn service(browser: &Browser) -> Option<String> {
    Url::parse(&browser.subscription.endpoint).ok()?.host_str().map(ToOwned::to_owned)
}

fn row(browser: Browser) -> BrowserRow {
    BrowserRow {
        id: browser.id,
        label: browser.label,
        endpoint: browser.subscription.endpoint,
        created_at: browser.created_at,
    }
}
