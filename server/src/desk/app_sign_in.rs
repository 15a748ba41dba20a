//! Signing the desktop app in: by a code out of the browser that only the app which asked can use (RFC 7636), or, where
//! the server runs within the app, by itself.

use super::Desk;
use super::error::{DeskError, invalid, refuse};
use super::session::{SignedIn, Way, begin_session, fresh_token};
use crate::auth::secrets;
use crate::store;
use crate::store::app_codes::AppCode;
use crate::store::links::{Link, LinkKind};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::ids::{LinkId, SessionId, UserId};
use countersign_domain::user::Role;
use countersign_wire::problem::Code;
use countersign_wire::session::{AppRedirect, AppSignIn, AppToken, AppTokenBody};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use url::{Host, Url};

/// How long a code is good: the app waits for it.
const CODE_LIFE: Duration = Duration::from_secs(60);
/// How long a ticket is good: a browser that has to start takes a while.
const TICKET_LIFE: Duration = Duration::from_secs(2 * 60);
/// What an app calls its address, where it has no port to be reached at.
pub const APP_SCHEME: &str = "countersign";
/// The longest `state` that is handed back.
const STATE_LIMIT: usize = 256;

impl Desk {
    /// Makes a code for the app that the browser was sent by, and says where to hand it over.
    ///
    /// # Errors
    /// When the address is none of an app's on this machine, or the challenge is none.
    pub async fn make_app_code(&self, who: &SignedIn, body: AppSignIn) -> Result<AppRedirect, DeskError> {
        let mut location = app_address(&body.redirect_uri)
            .ok_or_else(|| invalid("redirect_uri", "only http://127.0.0.1:<port>/ or countersign://sign-in"))?;
        if URL_SAFE_NO_PAD.decode(&body.code_challenge).map_or(0, |hash| hash.len()) != 32 {
            return Err(invalid("code_challenge", "a SHA-256 in base64url, 43 characters"));
        }
        if body.state.is_empty() || body.state.len() > STATE_LIMIT {
            return Err(invalid("state", "1 to 256 characters"));
        }
        let (code, hash) = fresh_token()?;
        let expires_at = self.now() + CODE_LIFE;
        let kept = AppCode { user_id: who.user().id, code_challenge: body.code_challenge, expires_at };
        self.store()
            .write(move |connection| {
                Box::pin(async move { Ok::<_, DeskError>(store::app_codes::insert(connection, &hash, &kept).await?) })
            })
            .await?;
        location.query_pairs_mut().append_pair("code", code.expose_secret()).append_pair("state", &body.state);
        Ok(AppRedirect { location: location.into() })
    }

    /// Exchanges a code for a session. A code is used up by the first try, also by one with the wrong verifier.
    ///
    /// # Errors
    /// When the code was used, is stale or none, or the verifier is another app's.
    pub async fn redeem_app_code(&self, body: AppTokenBody) -> Result<AppToken, DeskError> {
        let (now, hash) = (self.now(), secrets::hash(&body.code).to_hex());
        let code = self
            .store()
            .write(move |connection| {
                Box::pin(async move { Ok::<_, DeskError>(store::app_codes::take(connection, &hash, now).await?) })
            })
            .await?;
        let code = code.filter(|code| code.code_challenge == challenge_of(&body.code_verifier));
        let code = code.ok_or_else(|| refuse(Code::LinkSpent, "This code was used already, or is no longer good."))?;
        self.begin_app_session(code.user_id, Way::App).await
    }

    /// A session for the app that this server runs within: whoever runs the process owns the desk's data and keys, and
    /// acts as its first admin. None while nobody has set the desk up.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn open_within_process(&self) -> Result<Option<AppToken>, DeskError> {
        match self.first_admin() {
            Some(admin) => self.begin_app_session(admin, Way::Process).await.map(Some),
            None => Ok(None),
        }
    }

    /// A ticket that signs a browser on this machine in, once, as [`Desk::open_within_process`] does the app.
    ///
    /// # Errors
    /// While nobody has set the desk up, or when the store fails.
    pub async fn ticket_within_process(&self) -> Result<SecretString, DeskError> {
        let admin = self.first_admin().ok_or_else(|| refuse(Code::Unavailable, "This desk is not set up yet."))?;
        let (ticket, hash) = fresh_token()?;
        let now = self.now();
        let id = LinkId(self.fresh());
        let link = Link { id, user_id: Some(admin), invited: None, expires_at: Some(now + TICKET_LIFE) };
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    store::links::insert(connection, LinkKind::SignIn, &link, &hash, false, now).await?;
                    Ok::<_, DeskError>(())
                })
            })
            .await?;
        Ok(ticket)
    }

    fn first_admin(&self) -> Option<UserId> {
        let snapshot = self.snapshot();
        snapshot.desk.set_up_at?;
        let admins = snapshot.users.values().filter(|user| user.active && user.role == Role::Admin);
        admins.min_by_key(|user| (user.created_at, user.id)).map(|user| user.id)
    }

    async fn begin_app_session(&self, user: UserId, way: Way) -> Result<AppToken, DeskError> {
        let (token, token_hash) = fresh_token()?;
        let (now, id) = (self.now(), SessionId(self.fresh()));
        let session = self
            .store()
            .write(move |connection| {
                Box::pin(async move { begin_session(connection, id, user, &token_hash, None, way, now).await })
            })
            .await?;
        Ok(AppToken { token: token.expose_secret().to_owned(), expires_at: session.expires_at })
    }
}

/// Where an app on this machine may be called back: at a port of its own, which no other machine reaches, or by the
/// address that the system gives to it alone.
fn app_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let bare =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    let by_port = url.scheme() == "http"
        && url.host() == Some(Host::Ipv4(std::net::Ipv4Addr::LOCALHOST))
        && url.port().is_some()
        && url.path() == "/";
    let by_name = url.scheme() == APP_SCHEME && url.host_str() == Some("sign-in") && matches!(url.path(), "" | "/");
    (bare && (by_port || by_name)).then_some(url)
}

/// RFC 7636, section 4.6. What is no verifier hashes to nothing.
fn challenge_of(verifier: &str) -> String {
    let is_one = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    if is_one { URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::{app_address, challenge_of};

    #[test]
    fn a_code_is_handed_to_this_machine_only() {
        for good in ["http://127.0.0.1:49152/", "http://127.0.0.1:1", "countersign://sign-in", "countersign://sign-in/"]
        {
            assert!(app_address(good).is_some(), "{good}");
        }
        for bad in [
            "https://127.0.0.1:1/",
            "http://127.0.0.1/",
            "http://localhost:1/",
            "http://127.0.0.1:1/elsewhere",
            "http://127.0.0.1:1/?next=https://evil.test",
            "http://127.0.0.1:1/#x",
            "http://u@127.0.0.1:1/",
            "http://127.0.0.1.evil.test:1/",
            "http://[::1]:1/",
            "countersign://evil",
            "countersign:sign-in",
            "countersign://sign-in/x",
            "javascript:alert(1)",
            "",
        ] {
            assert!(app_address(bad).is_none(), "{bad}");
        }
    }

    /// The example of RFC 7636, appendix B.
    #[test]
    fn a_verifier_hashes_to_its_challenge() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge_of(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(challenge_of("short"), "");
        assert_eq!(challenge_of(&"ä".repeat(43)), "");
    }
}
