//! Where an agent hears that its requests moved: an address outside, a secret of ours that is told once, and what is put
//! into the outbox for it.

use super::error::{DeskError, invalid};
use super::session::{SignedIn, Widening};
use super::{Desk, agents};
use crate::audit::{Actor, Entry};
use crate::clock::fresh_id;
use crate::connectors::check_literal;
use crate::notify::{Destination, SigningKey};
use crate::store::agents::Callback;
use crate::store::requests::Request;
use crate::store::{self, Connection, StoreError};
use crate::vault::Vault;
use countersign_domain::Timestamp;
use countersign_domain::flow::check::is_web_address;
use countersign_domain::ids::{AgentId, DeliveryId};
use countersign_domain::request::RequestState;
use countersign_wire::agents::{AgentCreated, CallbackBody};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

/// As the vault's associated data names it.
const SEALED: &str = "agent.callback";

/// A callback that was just made, and what must be told once.
pub struct NewCallback {
    /// As it is stored.
    pub callback: Callback,
    /// What calls are signed with.
    pub secret: SecretString,
}

impl NewCallback {
    /// One of an agent, with a fresh secret.
    ///
    /// # Errors
    /// When there is no randomness, or nothing can be sealed.
    pub fn of(vault: &Vault, agent: AgentId, url: &str) -> Result<Self, DeskError> {
        let secret = SigningKey::fresh().map_err(|error| DeskError::Internal(error.to_string()))?;
        let sealed = vault.seal(SEALED, agent.0, secret.expose_secret().as_bytes())?;
        Ok(Self { callback: Callback { url: url.to_owned(), secret: sealed }, secret })
    }
}

/// Whether an address may be an agent's callback: https, and no address inside. A name is looked at when it is called.
#[must_use]
pub fn is_callback_url(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let outside = url.host().is_some_and(|host| check_literal(&host, false).is_ok());
    is_web_address(text) && url.scheme() == "https" && outside && url.fragment().is_none()
}

/// What is said of one that may not.
pub const NO_CALLBACK_URL: &str = "must be an https address outside, without a password or a fragment";

pub(super) fn check(url: Option<&str>) -> Result<(), DeskError> {
    match url.is_none_or(is_callback_url) {
        true => Ok(()),
        false => Err(invalid("callback_url", NO_CALLBACK_URL)),
    }
}

impl Desk {
    /// Sets where an agent hears that its requests moved, with a new secret, or ends that.
    ///
    /// # Errors
    /// When there is no such agent, or the address may not be called.
    pub async fn set_callback(
        &self,
        who: &SignedIn,
        _leave: &Widening,
        id: AgentId,
        body: CallbackBody,
    ) -> Result<AgentCreated, DeskError> {
        check(body.callback_url.as_deref())?;
        let made = body.callback_url.map(|url| NewCallback::of(self.vault(), id, &url)).transpose()?;
        let (callback, secret) = made.map(|made| (made.callback, made.secret)).unzip();
        let (now, me) = (self.now(), who.clone());
        let agent = self
            .configure(move |connection| {
                Box::pin(async move {
                    let mut agent = agents::find(connection, &me, id).await?;
                    agent.callback = callback;
                    store::agents::update(connection, &agent).await?;
                    let entry = Entry::new(now, Actor::User(me.user().id), "agent.changed", agent.id);
                    store::audit::append(connection, entry.with(agents::told(&agent))).await?;
                    Ok(agent)
                })
            })
            .await?;
        let agent = agents::row(&self.snapshot(), &agent);
        let callback_secret = secret.map(|secret| secret.expose_secret().to_owned());
        Ok(AgentCreated { agent, key: None, callback_secret })
    }

    /// Where an agent's callback goes, or why it can't go anywhere.
    pub(super) fn callback(&self, id: AgentId) -> Result<Result<Vec<Destination>, String>, DeskError> {
        let snapshot = self.snapshot();
        let Some(callback) = snapshot.agents.get(&id).and_then(|agent| agent.callback.as_ref()) else {
            return Ok(Err("The agent has no callback any more.".to_owned()));
        };
        let secret = self.vault().unseal(SEALED, id.0, &callback.secret)?;
        let secret = String::from_utf8_lossy(&secret).into_owned().into();
        Ok(Ok(vec![Destination::Callback { url: callback.url.clone(), secret: Some(secret) }]))
    }
}

/// Puts into the outbox that a request which people were asked about has moved. Of a call that was let through at once
/// the agent has the answer in hand.
pub(super) async fn tell_agent(
    connection: &mut Connection,
    request: &Request,
    now: Timestamp,
) -> Result<(), StoreError> {
    if request.flow.is_none() || matches!(request.state, RequestState::Pending | RequestState::Executing) {
        return Ok(());
    }
    let id = DeliveryId(fresh_id(now));
    store::deliveries::insert_callback(connection, id, request.id, request.agent_id, round(request.state), now).await
}

/// A callback is told once per state, which stands where others have their round.
fn round(state: RequestState) -> u32 {
    let at = RequestState::ALL.iter().position(|other| *other == state).unwrap_or_default();
    u32::try_from(at).unwrap_or_default()
}

/// The state that a callback tells of, which the request may have left since.
pub(super) fn state_of_round(round: u32) -> Option<RequestState> {
    RequestState::ALL.get(usize::try_from(round).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_leads_outside_by_https() {
        assert!(is_callback_url("https://bot.acme.test/hook?x=1"));
        for bad in [
            "http://bot.acme.test/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://[::1]/",
            "https://10.1.2.3/",
            "https://bot.acme.test:99999/",
            "https://user:pass@bot.acme.test/",
            "https://bot.acme.test/#x",
            "https://bot.acme.test/\nx",
            "bot.acme.test",
            "",
        ] {
            assert!(!is_callback_url(bad), "{bad}");
        }
    }

    #[test]
    fn a_state_is_told_by_its_round() {
        for state in RequestState::ALL {
            assert_eq!(state_of_round(round(state)), Some(state));
        }
    }
}
