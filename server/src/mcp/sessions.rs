//! Whose session is whose, of clients of the older revisions; and how they began, for when the desk is started again.

use crate::desk::{AgentCaller, Desk};
use async_trait::async_trait;
use countersign_domain::ids::AgentId;
use rmcp::model::ErrorData;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::session::{
    SessionManager as _, SessionState, SessionStore, SessionStoreError,
};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many sessions one agent may have.
const SESSIONS: usize = 100;

tokio::task_local! {
    /// The agent whose HTTP request is being answered. rmcp asks for sessions by their ids alone.
    pub static CALLER: AgentCaller;
}

/// A session that is open.
struct Open {
    id: String,
    owner: AgentId,
    /// Whether rmcp is through with its beginning, or with its second one after a start.
    begun: bool,
}

/// A request in a session, by both ids.
type Call = (String, Value);

/// A request that is under way in its session.
pub struct InFlight {
    sessions: Arc<Sessions>,
    call: Call,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.sessions.calls().remove(&self.call);
    }
}

/// The sessions that are open; the one used last is the last.
pub struct Sessions {
    desk: Desk,
    manager: Arc<LocalSessionManager>,
    open: Mutex<Vec<Open>>,
    calls: Mutex<HashSet<Call>>,
    beginning: tokio::sync::Mutex<()>,
}

impl Sessions {
    /// None is open yet.
    #[must_use]
    pub fn new(desk: Desk, manager: Arc<LocalSessionManager>) -> Self {
        Self {
            desk,
            manager,
            open: Mutex::default(),
            calls: Mutex::default(),
            beginning: tokio::sync::Mutex::default(),
        }
    }

    fn open(&self) -> MutexGuard<'_, Vec<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn calls(&self) -> MutexGuard<'_, HashSet<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_begun(&self, session: &str) -> bool {
        self.open().iter().any(|open| open.id == session && open.begun)
    }

    /// Whether an agent may speak in a session, which it then has used. Another's session is none of its own; one that
    /// is not open may be the store's.
    #[must_use]
    pub fn enter(&self, session: &str, caller: &AgentCaller) -> bool {
        let mut open = self.open();
        let Some(at) = open.iter().position(|open| open.id == session) else { return true };
        if open[at].owner != caller.id() {
            return false;
        }
        let used = open.remove(at);
        open.push(used);
        true
    }

    /// After a start a session begins again with its first message, and rmcp would pass a second one on into its
    /// beginning: whoever holds this is alone with sessions that have not begun.
    pub async fn alone_unless_begun(&self, session: &str) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        if self.has_begun(session) {
            return None;
        }
        let alone = self.beginning.lock().await;
        Some(alone).filter(|_| !self.has_begun(session))
    }

    /// A request begins in a session, until what comes back is dropped. Outside of sessions, and for a message that is no
    /// request, nothing is kept.
    ///
    /// # Errors
    /// When a request of this id is under way there: of two answers to one id none would be anybody's.
    pub fn begin_call(self: &Arc<Self>, session: Option<&str>, message: &Value) -> Result<Option<InFlight>, ErrorData> {
        let id = message.get("method").and(message.get("id"));
        let (Some(session), Some(id)) = (session, id) else { return Ok(None) };
        let call = (session.to_owned(), id.clone());
        let mut calls = self.calls();
        if calls.contains(&call) {
            let why = format!("A request with the id {id} is under way in this session already.");
            return Err(ErrorData::invalid_request(why, None));
        }
        calls.insert(call.clone());
        Ok(Some(InFlight { sessions: Arc::clone(self), call }))
    }

    /// A session has begun.
    pub fn begun(&self, session: &str) {
        if let Some(open) = self.open().iter_mut().find(|open| open.id == session) {
            open.begun = true;
        }
    }

    /// A session is open. Of too many the one ends that was used the longest ago, and has nothing under way if there is
    /// such a one: who waits in it would hear nothing.
    async fn opened(&self, session: &str, caller: &AgentCaller) {
        let busy: HashSet<String> = self.calls().iter().map(|(session, _)| session.clone()).collect();
        let over = {
            let mut open = self.open();
            open.push(Open { id: session.to_owned(), owner: caller.id(), begun: false });
            let of_caller = open.iter().filter(|open| open.owner == caller.id()).count();
            let mut own = open.iter().enumerate().filter(|(_, open)| open.owner == caller.id());
            let unused =
                own.clone().find(|(_, open)| !busy.contains(&open.id)).or_else(|| own.next()).map(|(at, _)| at);
            unused.filter(|_| of_caller > SESSIONS).map(|at| open.remove(at).id)
        };
        if let Some(session) = over {
            let ended = self.manager.close_session(&session.as_str().into()).await;
            drop(ended.inspect_err(|error| tracing::warn!(%error, "an unused MCP session could not be ended")));
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
        self.open().retain(|open| open.id != session || open.owner != caller.id());
        Ok(self.desk.forget_mcp_session(&caller, session).await?)
    }
}
