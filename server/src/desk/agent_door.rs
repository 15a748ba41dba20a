//! Who is at the agents' door: by an API key, or by a token that the agent signed itself.

use super::Desk;
use super::error::{DeskError, agent_suspended, refuse};
use super::snapshot::Snapshot;
use crate::auth::agent_jwt::{self, Expected};
use crate::auth::secrets;
use crate::store;
use crate::store::agents::Agent;
use countersign_domain::agent::is_api_key;
use countersign_domain::ids::AgentId;
use countersign_wire::problem::Code;

/// An agent whose key or token was found good. Only [`Desk::authenticate_agent`](super::Desk) makes one.
#[derive(Clone, Debug)]
pub struct AgentCaller {
    pub(super) id: AgentId,
    pub(super) ip: Option<String>,
    pub(super) credential: AgentCredential,
}

/// What an agent came in with, so that a stream or a wait notices when it opens nothing any more.
#[derive(Clone, Debug)]
pub(super) enum AgentCredential {
    /// An API key with this hash.
    Key(String),
    /// A token that this public key, in PEM, was good for.
    Token(String),
}

impl AgentCredential {
    /// Whether it is still this agent's.
    pub(super) fn is_of(&self, agent: &Agent) -> bool {
        match self {
            Self::Key(hash) => agent.key_hash.as_ref() == Some(hash),
            Self::Token(pem) => agent.public_key.as_ref() == Some(pem),
        }
    }
}

impl AgentCaller {
    /// Which agent.
    #[must_use]
    pub const fn id(&self) -> AgentId {
        self.id
    }
}

impl Desk {
    /// The agent behind an API key or a token that it signed itself.
    ///
    /// # Errors
    /// 401 for whatever opens nothing; a suspended agent is told that it is.
    pub async fn authenticate_agent(&self, bearer: &str, ip: Option<String>) -> Result<AgentCaller, DeskError> {
        let snapshot = self.snapshot();
        let unknown = || refuse(Code::Unauthenticated, "This key or token opens nothing.");
        let (agent, credential) = if is_api_key(bearer) {
            let hash = secrets::hash(bearer).to_hex();
            (snapshot.agent_by_key(&hash).ok_or_else(unknown)?, AgentCredential::Key(hash))
        } else {
            let agent = self.agent_of_token(&snapshot, bearer).await?;
            (agent, AgentCredential::Token(agent.public_key.clone().unwrap_or_default()))
        };
        match snapshot.agent_at_the_door(agent.id) {
            Some(_) => Ok(AgentCaller { id: agent.id, ip, credential }),
            None => Err(agent_suspended()),
        }
    }

    async fn agent_of_token<'a>(
        &self,
        snapshot: &'a Snapshot,
        token: &str,
    ) -> Result<&'a store::agents::Agent, DeskError> {
        let wrong = |why: String| refuse(Code::Unauthenticated, why);
        let unknown = || wrong("This key or token opens nothing.".to_owned());
        let claimed = agent_jwt::peek_agent_id(token).ok_or_else(unknown)?;
        let agent = snapshot.agents.get(&claimed).ok_or_else(unknown)?;
        let key = snapshot.public_key(agent.id).ok_or_else(unknown)?;
        let audience = self.public_url().origin();
        let expected = Expected { agent_id: agent.id, owner_id: agent.owner_id, audience };
        let verified =
            agent_jwt::verify(token, &key, &expected, self.now()).map_err(|error| wrong(error.to_string()))?;
        let until = verified.replayable_until();
        if let Some(jti) = verified.jti {
            let id = agent.id;
            let fresh = self
                .store()
                .write(move |connection| {
                    Box::pin(
                        async move { Ok::<_, DeskError>(store::agents::note_jti(connection, id, &jti, until).await?) },
                    )
                })
                .await?;
            if !fresh {
                return Err(wrong("This token was used before; its `jti` is known.".to_owned()));
            }
        }
        Ok(agent)
    }

    /// Comes back when an agent's key opens nothing any more.
    pub async fn until_revoked(&self, caller: &AgentCaller) {
        let mut moved = self.settings_moved();
        while self.agent_stands(caller) {
            if moved.changed().await.is_err() {
                return;
            }
        }
    }

    /// Whether an agent may still ask with the key that it came in with. Reads no database.
    #[must_use]
    pub fn agent_stands(&self, caller: &AgentCaller) -> bool {
        self.snapshot().agent_at_the_door(caller.id).is_some_and(|(agent, _)| caller.credential.is_of(agent))
    }
}
