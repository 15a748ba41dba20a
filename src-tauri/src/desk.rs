//! The desk as the shell reaches it: who it is, calls with the session, the exchange of a code for one.

use crate::address::Address;
use countersign_wire::app::{AppAnswer, AppCall};
use countersign_wire::problem::Problem;
use countersign_wire::requests::RequestPage;
use countersign_wire::session::{AppToken, AppTokenBody, DeskInfo};
use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use std::error::Error as _;
use std::time::Duration;

/// Longer than any call of ours should take.
const PATIENCE: Duration = Duration::from_secs(30);
/// A stream that says nothing for so long is dead: the desk speaks every 15 seconds.
const SILENCE: Duration = Duration::from_secs(40);
/// The most bytes of an answer.
const ANSWER_LIMIT: usize = 16 * 1024 * 1024;

/// Why the desk can't be talked to; sentences for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreached {
    /// Nobody answers.
    #[error("{0} can't be reached. Check the address and the connection, then try again.")]
    Silent(String),
    /// Its certificate is not one that this computer trusts.
    #[error(
        "{0} shows a certificate that this computer does not trust. Nothing was sent. Ask whoever runs the desk; if your \
         company has an authority of its own, its certificate must be installed on this computer."
    )]
    Certificate(String),
    /// Something else answers there.
    #[error("{0} answers, but is no Countersign desk. Check the address.")]
    NotADesk(String),
    /// It answers at another address.
    #[error("The desk at {0} is reached at {1}: use that address.")]
    Elsewhere(String, String),
    /// It failed.
    #[error("The desk could not do this now. Try again in a moment.")]
    Failing,
    /// Its answer has no end.
    #[error("The desk's answer is too long.")]
    TooLong,
}

/// A desk at an address, with a session or without.
#[derive(Clone)]
pub struct Desk {
    /// Where.
    pub address: Address,
    client: Client,
    token: Option<SecretString>,
}

impl Desk {
    /// The desk at an address.
    ///
    /// # Errors
    /// When this system's TLS can't be set up.
    pub fn at(address: Address) -> reqwest::Result<Self> {
        // Nothing leads away from the desk: a redirect is an answer like any other.
        let client = Client::builder().redirect(Policy::none()).connect_timeout(Duration::from_secs(10));
        let mut client = client.user_agent(concat!("countersign-app/", env!("CARGO_PKG_VERSION")));
        // A proxy has nothing to do with what stays on this machine, and must not see its session.
        if address.is_on_this_machine() {
            client = client.no_proxy();
        }
        Ok(Self { address, client: client.read_timeout(SILENCE).build()?, token: None })
    }

    /// The same with a session.
    #[must_use]
    pub fn with(self, token: SecretString) -> Self {
        Self { token: Some(token), ..self }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, self.address.with_path(path));
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    /// Who answers there.
    ///
    /// # Errors
    /// When nobody does, or something else.
    pub async fn look(&self) -> Result<DeskInfo, Unreached> {
        let request = self.request(Method::GET, "/api/desk").header(ACCEPT, "application/json").timeout(PATIENCE);
        let response = request.send().await.map_err(|error| self.unreached(&error))?;
        let status = response.status();
        let body = text(response).await?;
        match status {
            StatusCode::OK => serde_json::from_str(&body).map_err(|_| Unreached::NotADesk(self.address.origin())),
            StatusCode::MISDIRECTED_REQUEST => Err(match serde_json::from_str::<Problem>(&body) {
                Ok(said) => self.elsewhere(&said.detail),
                Err(_) => Unreached::NotADesk(self.address.origin()),
            }),
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                Err(Unreached::Silent(self.address.origin()))
            }
            _ => Err(Unreached::NotADesk(self.address.origin())),
        }
    }

    /// Makes a call that [`crate::path::may_call`] allows.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn call(&self, call: AppCall) -> Result<AppAnswer, Unreached> {
        let method = Method::from_bytes(call.method.as_bytes()).map_err(|_| Unreached::Failing)?;
        let mut request = self.request(method, &call.path).header(ACCEPT, "application/json").timeout(PATIENCE);
        if let Some(body) = call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let response = request.send().await.map_err(|error| self.unreached(&error))?;
        let status = response.status().as_u16();
        let date = response.headers().get(DATE).and_then(|date| date.to_str().ok()).map(ToOwned::to_owned);
        Ok(AppAnswer { status, body: text(response).await?, date })
    }

    /// What waits, the newest first; none when the session is over.
    ///
    /// # Errors
    /// When no answer comes, or none that can be read.
    pub async fn pending(&self) -> Result<Option<RequestPage>, Unreached> {
        let path = "/api/requests?state=pending&sort=-requested&limit=200".to_owned();
        let answer = self.call(AppCall { method: "GET".into(), path, body: None }).await?;
        match answer.status {
            200 => serde_json::from_str(&answer.body).map(Some).map_err(|_| Unreached::Failing),
            401 => Ok(None),
            _ => Err(Unreached::Failing),
        }
    }

    /// Opens the stream of events, to go on after one where it is named.
    ///
    /// # Errors
    /// When it does not open; `Ok(None)` when the session is over.
    pub async fn listen(&self, after: Option<&str>) -> Result<Option<Response>, Unreached> {
        let mut request = self.request(Method::GET, "/api/events").header(ACCEPT, "text/event-stream");
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let response = request.send().await.map_err(|error| self.unreached(&error))?;
        match response.status() {
            StatusCode::OK if is_stream(&response) => Ok(Some(response)),
            StatusCode::UNAUTHORIZED => Ok(None),
            _ => Err(Unreached::Failing),
        }
    }

    /// Exchanges a code for a session; none when the code is not good any more.
    ///
    /// # Errors
    /// When no answer comes, or none that can be read.
    pub async fn redeem(&self, body: &AppTokenBody) -> Result<Option<AppToken>, Unreached> {
        let request = self.request(Method::POST, "/api/session/token").json(body).timeout(PATIENCE);
        let response = request.send().await.map_err(|error| self.unreached(&error))?;
        match response.status() {
            StatusCode::OK => serde_json::from_str(&text(response).await?).map(Some).map_err(|_| Unreached::Failing),
            StatusCode::GONE => Ok(None),
            _ => Err(Unreached::Failing),
        }
    }

    /// Ends the session at the desk, as far as the desk can be reached.
    pub async fn sign_out(&self) {
        let request = self.request(Method::DELETE, "/api/session").timeout(Duration::from_secs(5));
        if let Err(error) = request.send().await {
            tracing::warn!(error = %error.without_url(), "the desk could not be told that the session is over");
        }
    }

    /// Of what stands in another's words only an address is taken.
    fn elsewhere(&self, words: &str) -> Unreached {
        let named = words.split_whitespace().filter(|word| word.contains("://"));
        let mut named = named.filter_map(|word| Address::read(word.trim_end_matches(['.', ',', ';'])).ok());
        match named.find(|other| *other != self.address) {
            Some(other) => Unreached::Elsewhere(self.address.origin(), other.origin()),
            None => Unreached::NotADesk(self.address.origin()),
        }
    }

    fn unreached(&self, error: &reqwest::Error) -> Unreached {
        let mut causes = std::iter::successors(error.source(), |error| (*error).source());
        let by_certificate = causes.any(|cause| {
            let words = cause.to_string().to_ascii_lowercase();
            words.contains("certificate") || words.contains("unknownissuer")
        });
        match by_certificate {
            true => Unreached::Certificate(self.address.origin()),
            false => Unreached::Silent(self.address.origin()),
        }
    }
}

fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}

/// A whole answer, up to [`ANSWER_LIMIT`].
async fn text(mut response: Response) -> Result<String, Unreached> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|_| Unreached::Failing)? {
        if body.len() + piece.len() > ANSWER_LIMIT {
            return Err(Unreached::TooLong);
        }
        body.extend_from_slice(&piece);
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// What is to be known of a desk whose version differs from the app's: they agree within one minor version (before 1.0)
/// or one major one.
#[must_use]
pub fn differs(desk: &str, app: &str) -> Option<String> {
    let series = |version: &str| {
        let mut parts = version.split(['.', '-', '+']).map(|part| part.parse::<u32>().ok());
        let (major, minor) = (parts.next().flatten()?, parts.next().flatten()?);
        Some((major, if major == 0 { minor } else { 0 }))
    };
    let (desk_series, app_series) = (series(desk)?, series(app)?);
    match desk_series.cmp(&app_series) {
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Less => Some(format!(
            "This desk ({desk}) is older than the app ({app}): what is new in the app may not work until the desk is \
             updated."
        )),
        std::cmp::Ordering::Greater => Some(format!(
            "This desk ({desk}) is newer than the app ({app}): update the app if something here does not work."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desk_of_another_age_is_told_of() {
        assert_eq!(differs("0.1.9", "0.1.0"), None);
        assert_eq!(differs("1.9.0", "1.2.0"), None);
        assert!(differs("0.1.0", "0.2.0").unwrap().contains("older"));
        assert!(differs("2.0.0-rc.1", "1.4.0").unwrap().contains("newer"));
        assert_eq!(differs("unknown", "0.1.0"), None);
    }
}
