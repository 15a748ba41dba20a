//! Whose session is whose, of clients of the older revisions; and how they began, for when the desk is started again.

use crate::desk::{AgentCaller, Desk};
use async_trait::async_trait;
use countersign_domain::ids::AgentId;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::session::{
    SessionManager as _, SessionState, SessionStore, SessionStoreError,
};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many sessions one agent may have; of more, the oldest ends.
const SESSIONS: usize = 100;

tokio::task_local! {
    /// The agent whose HTTP request is being answered. rmcp asks for sessions by their ids alone.
    pub static CALLER: AgentCaller;
}

/// The sessions that are open, the oldest first.
pub struct Sessions {
    desk: Desk,
    manager: Arc<LocalSessionManager>,
    owners: Mutex<Vec<(String, AgentId)>>,
    /// Those that have begun, or begun again after a start.
    ready: Mutex<HashSet<String>>,
    beginning: tokio::sync::Mutex<()>,
}

impl Sessions {
    /// None is open yet.
    #[must_use]
    pub fn new(desk: Desk, manager: Arc<LocalSessionManager>) -> Self {
        Self {
            desk,
            manager,
            owners: Mutex::default(),
            ready: Mutex::default(),
            beginning: tokio::sync::Mutex::default(),
        }
    }

    fn ready(&self) -> MutexGuard<'_, HashSet<String>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After a start a session begins again with its first message, and rmcp would pass a second one on into its
    /// beginning: whoever holds this is alone with sessions that have not begun.
    pub async fn alone_unless_begun(&self, session: &str) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        if self.ready().contains(session) {
            return None;
        }
        let alone = self.beginning.lock().await;
        Some(alone).filter(|_| !self.ready().contains(session))
    }

    /// A session has begun.
    pub fn begun(&self, session: &str) {
        self.ready().insert(session.to_owned());
    }

    fn forget(&self, session: &str) {
        self.ready().remove(session);
        self.owners().retain(|(id, _)| id != session);
    }

    fn owners(&self) -> MutexGuard<'_, Vec<(String, AgentId)>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a session is another agent's; then there is none of that id for this one.
    #[must_use]
    pub fn is_of_another(&self, session: &str, caller: &AgentCaller) -> bool {
        self.owners().iter().any(|(id, owner)| id == session && *owner != caller.id())
    }

    /// A session is open. The oldest of too many ends.
    async fn opened(&self, session: &str, caller: &AgentCaller) {
        let over = {
            let mut owners = self.owners();
            owners.push((session.to_owned(), caller.id()));
            let of_caller = owners.iter().filter(|(_, owner)| *owner == caller.id()).count();
            let oldest = owners.iter().position(|(_, owner)| *owner == caller.id());
            oldest.filter(|_| of_caller > SESSIONS).map(|at| owners.remove(at).0)
        };
        if let Some(session) = over {
            self.forget(&session);
            let ended = self.manager.close_session(&session.as_str().into()).await;
            drop(ended.inspect_err(|error| tracing::warn!(%error, "an old MCP session could not be ended")));
            drop(self.desk.forget_mcp_session(caller, &session).await.inspect_err(complain));
        }
    }
}

fn complain(error: &crate::desk::DeskError) {
    tracing::warn!(%error, "an MCP session could not be forgotten");
}

fn caller() -> Result<AgentCaller, SessionStoreError> {
    Ok(CALLER.try_with(Clone::clone)?)
}

#[async_trait]
impl SessionStore for Sessions {
    async fn load(&self, session: &str) -> Result<Option<SessionState>, SessionStoreError> {
        let caller = caller()?;
        let Some(initialize) = self.desk.mcp_session(&caller, session).await? else { return Ok(None) };
        let state = serde_json::from_str(&initialize)?;
        self.opened(session, &caller).await;
        Ok(Some(state))
    }

    async fn store(&self, session: &str, state: &SessionState) -> Result<(), SessionStoreError> {
        let caller = caller()?;
        self.opened(session, &caller).await;
        Ok(self.desk.keep_mcp_session(&caller, session, serde_json::to_string(state)?).await?)
    }

    async fn delete(&self, session: &str) -> Result<(), SessionStoreError> {
        let caller = caller()?;
        if self.is_of_another(session, &caller) {
            return Ok(());
        }
        self.forget(session);
        Ok(self.desk.forget_mcp_session(&caller, session).await?)
    }
}
