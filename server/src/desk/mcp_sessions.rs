//! Sessions of MCP clients of the older revisions: kept, so that a restart of the desk is none of theirs.

use super::error::DeskError;
use super::{AgentCaller, Desk};
use crate::store::{self, mcp_sessions};
use countersign_domain::digest::Digest;

fn hash(session: &str) -> String {
    Digest::of(session.as_bytes()).to_string()
}

impl Desk {
    /// Keeps how an agent's session began.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_mcp_session(
        &self,
        caller: &AgentCaller,
        session: &str,
        initialize: String,
    ) -> Result<(), DeskError> {
        let (id, agent, now) = (hash(session), caller.id, self.now());
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    mcp_sessions::insert(connection, &id, agent, &initialize, now).await?;
                    Ok::<_, DeskError>(())
                })
            })
            .await
    }

    /// How an agent's session began, if it is this agent's.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn mcp_session(&self, caller: &AgentCaller, session: &str) -> Result<Option<String>, DeskError> {
        let mut connection = self.store().read().await?;
        Ok(store::mcp_sessions::find(&mut connection, &hash(session), caller.id).await?)
    }

    /// Forgets a session that its client ended.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget_mcp_session(&self, caller: &AgentCaller, session: &str) -> Result<(), DeskError> {
        let (id, agent) = (hash(session), caller.id);
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    mcp_sessions::delete(connection, &id, agent).await?;
                    Ok::<_, DeskError>(())
                })
            })
            .await
    }
}
