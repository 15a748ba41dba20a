//! Web Push: encrypted for one browser (RFC 8291), signed with the desk's key (RFC 8292), and handed to that browser's
//! push service (RFC 8030), which sees neither what it says nor to whom.

mod payload;
mod subscription;
#[cfg(test)]
mod tests;

pub(crate) use subscription::Problem;

use super::post::{self, Post, Reply};
use super::{Courier, Destination, Failure, Message, Subscription, VapidKey};
use crate::config::PublicUrl;
use countersign_domain::delivery::DeliveryKind;
use futures::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use std::time::Duration;

const SERVICE: &str = "The push service";

/// How long a push service keeps what is no question with a deadline: a phone that was off for a night hears of it.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest that push services keep anything: four weeks.
const LONGEST_KEPT: Duration = Duration::from_secs(28 * 24 * 60 * 60);

/// A desk on somebody's own machine has no address that every push service takes as a contact (Apple's refuses
/// `localhost`), so it gives a reserved one (RFC 2606).
const NOBODY: &str = "mailto:nobody@example.com";

/// Pushes to browsers.
pub struct WebPush {
    key: VapidKey,
    subject: String,
    /// Whether the desk is on this machine, and so may be its browsers' push service in a test.
    local: bool,
    post: Post,
}

impl WebPush {
    /// With the desk's key and address.
    #[must_use]
    pub fn new(key: VapidKey, public_url: &PublicUrl) -> Self {
        let subject = if public_url.is_https() { public_url.origin() } else { NOBODY.to_owned() };
        Self { key, subject, local: public_url.is_loopback(), post: Post::default() }
    }

    async fn push(&self, message: &Message, browser: &Subscription) -> Result<(), Failure> {
        let to = browser.read(self.local).map_err(|problem| Failure::Never(problem.sentence()))?;
        let sealed = web_push_native::encrypt(payload::of(message), &to.public_key, &to.auth)
            .map_err(|_| Failure::Never("The message could not be encrypted for this browser.".to_owned()))?;
        let client = if to.is_local { self.post.anywhere()? } else { self.post.public()? };
        let mut authorization =
            HeaderValue::try_from(self.key.authorization(&to.endpoint, &self.subject, message.sent_at)?)
                .map_err(|_| Failure::later("The message could not be signed."))?;
        authorization.set_sensitive(true);
        let request = client
            .post(to.endpoint)
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_ENCODING, "aes128gcm")
            .header(CONTENT_TYPE, "application/octet-stream")
            .header("ttl", kept_for(message).as_secs())
            .header("urgency", urgency(message))
            .header("topic", payload::tag(message))
            .body(sealed);
        outcome(&post::send(request, SERVICE).await?)
    }
}

impl Courier for WebPush {
    fn deliver<'a>(&'a self, message: &'a Message, to: &'a Destination) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            match to {
                Destination::Browser(browser) => self.push(message, browser).await,
                _ => Err(Failure::Never("This is no browser.".to_owned())),
            }
        })
    }
}

/// What the push service's answer means (RFC 8030, sections 5 and 7.3; RFC 8292, section 4.2).
fn outcome(reply: &Reply) -> Result<(), Failure> {
    let status = reply.status;
    match status {
        200..=299 => Ok(()),
        404 | 410 => Err(Failure::Gone("This browser takes no pushes any more.".to_owned())),
        413 => Err(Failure::Never("The push service says that the message is too large (413).".to_owned())),
        400 | 401 | 403 => Err(Failure::Never(format!(
            "The push service takes no messages from this desk for this browser ({status}); turn its notifications \
             off and on again."
        ))),
        408 | 429 => Err(post::refused(reply, SERVICE)),
        402..=499 => Err(Failure::Never(format!("{SERVICE} refused the message ({status})."))),
        _ => Err(post::refused(reply, SERVICE)),
    }
}

/// How long the push service keeps it for a browser that is away. A question is worth nothing after its deadline.
fn kept_for(message: &Message) -> Duration {
    let about = message.about.as_deref().filter(|_| message.kind.asks());
    about.map_or(KEPT, |about| {
        let left = about.expires_at.millis().saturating_sub(message.sent_at.millis());
        Duration::from_millis(u64::try_from(left).unwrap_or(0)).min(LONGEST_KEPT)
    })
}

/// How much of a phone's battery it is worth (RFC 8030, section 5.3).
fn urgency(message: &Message) -> &'static str {
    match message.kind {
        DeliveryKind::Ended => "low",
        kind if kind.asks() || kind == DeliveryKind::Test || message.urgent => "high",
        _ => "normal",
    }
}
