//! One POST over HTTP, as text messages and webhooks send it: sent once, redirects never followed, answers of bounded
//! size, and errors without the address, which may hold a secret.

use super::Failure;
use crate::connectors::{AddressError, guarded_client};
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response};
use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;

/// The most bytes of an answer that are read, to say what went wrong.
const ANSWER_LIMIT: usize = 4 * 1024;

/// Clients, made when first needed. Two, so that a connection to a private address never serves somebody who may not go
/// there.
#[derive(Default)]
pub(super) struct Post {
    public: OnceLock<Option<Client>>,
    anywhere: OnceLock<Option<Client>>,
}

/// What came back.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

impl Post {
    /// The client for an address that an admin gave, wherever that is.
    pub(super) fn anywhere(&self) -> Result<&Client, Failure> {
        kept(&self.anywhere, true)
    }

    /// The client that goes to public addresses only, whatever a name resolves to.
    pub(super) fn public(&self) -> Result<&Client, Failure> {
        kept(&self.public, false)
    }
}

fn kept(held: &OnceLock<Option<Client>>, allow_private: bool) -> Result<&Client, Failure> {
    let client = held.get_or_init(|| guarded_client(allow_private)).as_ref();
    client.ok_or_else(|| Failure::later("This machine has no trusted certificates that TLS could be checked by."))
}

/// Sends once; `whom` is who should answer, as in "The webhook".
pub(super) async fn send(request: RequestBuilder, whom: &str) -> Result<Reply, Failure> {
    let response = request.send().await.map_err(|error| unsent(&error, whom))?;
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    Ok(Reply { status, retry_after, body: beginning(response).await })
}

/// What an answer means that is neither a yes nor something that a channel knows more of.
pub(super) fn refused(reply: &Reply, whom: &str) -> Failure {
    let status = reply.status;
    match status {
        300..=399 => Failure::Never(format!("{whom} answered with a redirect ({status}), which is not followed.")),
        429 => {
            Failure::Later { why: format!("{whom} asks to be left alone for a while (429)."), after: reply.retry_after }
        }
        _ => Failure::Later { why: format!("{whom} answered with status {status}."), after: reply.retry_after },
    }
}

/// Of an answer only its beginning is of use, and only if it comes.
async fn beginning(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= ANSWER_LIMIT {
            body.truncate(ANSWER_LIMIT);
            break;
        }
    }
    body
}

/// Seconds, or a date (RFC 9110, section 10.2.3), which is measured against the answer's own.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| Some(rfc2822::parse(text).ok()?.timestamp());
    let span = date(text)?.duration_since(date(headers.get(DATE)?.to_str().ok()?)?);
    Duration::try_from(span).ok()
}

fn unsent(error: &reqwest::Error, whom: &str) -> Failure {
    if error.is_builder() {
        return Failure::Never(format!("{whom} has an address that can't be called."));
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(one) = cause {
        match one.downcast_ref() {
            Some(AddressError::Private) => {
                return Failure::Never(format!(
                    "{whom} has a private or reserved address; only public ones are called."
                ));
            }
            Some(AddressError::Unknown) => {
                return Failure::later(format!("{whom} has a name that could not be resolved."));
            }
            None => cause = one.source(),
        }
    }
    Failure::later(match error.is_connect() {
        true => format!("{whom} could not be connected to."),
        false => format!("{whom} closed the connection before it answered."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn after(pairs: &[(reqwest::header::HeaderName, &'static str)]) -> Option<Duration> {
        let pairs = pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        retry_after(&pairs.collect())
    }

    #[test]
    fn how_long_to_wait_is_read_as_seconds_and_as_a_date() {
        assert_eq!(after(&[(RETRY_AFTER, "120")]), Some(Duration::from_secs(120)));
        let later = (RETRY_AFTER, "Wed, 25 Nov 2026 10:02:00 GMT");
        assert_eq!(after(&[later.clone(), (DATE, "Wed, 25 Nov 2026 10:00:00 GMT")]), Some(Duration::from_secs(120)));
        assert_eq!(after(&[later.clone(), (DATE, "Wed, 25 Nov 2026 10:03:00 GMT")]), None, "that is over");
        assert_eq!(after(&[later]), None, "nobody says what time it is there");
        assert_eq!(after(&[(RETRY_AFTER, "soon")]), None);
        assert_eq!(after(&[]), None);
    }
}
