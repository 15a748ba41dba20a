//! What an agent hears about its request, now or after waiting for it to move.

use super::error::{DeskError, not_found, refuse};
use super::execute::explain;
use super::{AgentCaller, Desk, SealedPart};
use crate::store;
use crate::store::requests::{DecidedBy, Request};
use countersign_domain::execution::{Answer, Attempt};
use countersign_domain::ids::RequestId;
use countersign_domain::request::{Decider, EXECUTION_WINDOW, RequestState};
use countersign_wire::agent::{ActionResult, Approval, PendingAction, PendingActions};
use countersign_wire::problem::Code;
use std::time::Duration;

/// Until when a caller waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until the request has ended.
    ForEnd(Duration),
    /// Until its state is another than it was when the wait began.
    ForMove(Duration),
}

impl Desk {
    /// One of the agent's own requests. Boxed, like its reading: of those who wait there are many, and what a wait
    /// holds is only what it needs.
    ///
    /// # Errors
    /// Another agent's request sounds like none.
    pub async fn request_of(&self, caller: &AgentCaller, id: RequestId) -> Result<Box<Request>, DeskError> {
        Box::pin(async {
            let mut connection = self.store().read().await?;
            let found = store::requests::by_id(&mut connection, id).await?;
            found.filter(|request| request.agent_id == caller.id).map(Box::new).ok_or_else(|| not_found("request"))
        })
        .await
    }

    /// One of the agent's own requests, after waiting for it. Coming back at the end of the time is no error.
    ///
    /// # Errors
    /// As [`Self::request_of`].
    pub async fn await_request(
        &self,
        caller: &AgentCaller,
        id: RequestId,
        wait: Wait,
    ) -> Result<Box<Request>, DeskError> {
        // The watch comes before the look, so that a move between the two is not missed.
        let mut watch = self.hub().watch(id);
        let first = self.request_of(caller, id).await?;
        let (limit, before) = match wait {
            Wait::ForEnd(limit) => (limit, None),
            Wait::ForMove(limit) => (limit, Some(first.state)),
        };
        if first.has_ended() {
            return Ok(first);
        }
        drop(first);
        let waited = tokio::time::timeout(limit, async {
            loop {
                tokio::select! {
                    // First: what ends because the agent was suspended is not told to it.
                    biased;
                    // Whoever holds a key that was replaced meanwhile hears nothing more.
                    () = self.until_revoked(caller) => return Err(opens_nothing()),
                    () = watch.moved() => {}
                }
                let now = self.request_of(caller, id).await?;
                if now.has_ended() || before.is_some_and(|before| now.state != before) {
                    return Ok(now);
                }
            }
        });
        match waited.await {
            Ok(moved) => moved,
            Err(_) if self.agent_stands(caller) => self.request_of(caller, id).await,
            Err(_) => Err(opens_nothing()),
        }
    }

    /// What the agent hears of a stored request.
    ///
    /// # Errors
    /// When the sealed result can't be opened.
    pub fn approval(&self, request: &Request) -> Result<Approval, DeskError> {
        let answer = self.stored_answer(request)?;
        Ok(Approval { result: answer.map(result), ..brief(request) })
    }

    /// What the agent hears of a call that was just made, before its outcome is written down.
    #[must_use]
    pub fn approval_of_attempt(request: &Request, attempt: &Attempt) -> Approval {
        let state = RequestState::Executing.after(attempt.event()).unwrap_or(request.state);
        let answered = match attempt {
            Attempt::Answered(answer) => Some(result(answer.clone())),
            Attempt::NotSent(_) | Attempt::Unknown(_) => None,
        };
        Approval {
            state,
            status: state.status(),
            result: answered,
            execution_error: explain(request.connector_kind, attempt),
            execution_error_code: attempt.error_code(),
            ..brief(request)
        }
    }

    /// The upstream's answer as it was stored, for callers who want it bare.
    ///
    /// # Errors
    /// When the sealed result can't be opened.
    pub fn answer_of(&self, request: &Request) -> Result<Option<Answer>, DeskError> {
        self.stored_answer(request)
    }

    /// The upstream's answer as it was stored.
    pub(super) fn stored_answer(&self, request: &Request) -> Result<Option<Answer>, DeskError> {
        let Some(sealed) = &request.result else { return Ok(None) };
        let plain = self.unseal(SealedPart::Result, request.id.0, sealed)?;
        serde_json::from_slice(&plain).map(Some).map_err(|error| DeskError::Internal(error.to_string()))
    }

    /// The agent's open requests.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pending_actions(&self, caller: &AgentCaller) -> Result<PendingActions, DeskError> {
        let mut connection = self.store().read().await?;
        let claimable = self.now() - EXECUTION_WINDOW;
        let open = store::requests::open_of_agent(&mut connection, caller.id, claimable).await?;
        let items = open
            .into_iter()
            .map(|request| PendingAction {
                approval_id: request.id,
                state: request.state,
                status: request.state.status(),
                connector: request.connector_slug,
                tool: request.tool,
                expires_at: request.expires_at,
                created_at: request.created_at,
            })
            .collect();
        Ok(PendingActions { items })
    }
}

fn opens_nothing() -> DeskError {
    refuse(Code::Unauthenticated, "This key or token opens nothing any more.")
}

fn result(answer: Answer) -> ActionResult {
    ActionResult { status: answer.status, data: answer.data, truncated: answer.truncated }
}

fn brief(request: &Request) -> Approval {
    Approval {
        approval_id: request.id,
        status: request.state.status(),
        state: request.state,
        result: None,
        execution_error: request.error.clone(),
        execution_error_code: request.error_code,
        decided_by: request.decided_by.as_ref().map(decider),
        reason: request.comment.clone(),
        granted: None,
        expires_at: request.expires_at,
        executed_at: request.executed_at,
        created_at: request.created_at,
    }
}

/// Who decided, as agents and people are told.
pub(super) fn decider(by: &DecidedBy) -> Decider {
    match by {
        DecidedBy::User { id, name } => Decider::User { id: Some(*id), name: name.clone() },
        DecidedBy::External { name } => Decider::External { name: name.clone() },
        DecidedBy::Policy { name } => Decider::Policy { name: name.clone() },
        DecidedBy::Grant { name } => Decider::Grant { name: name.clone() },
        DecidedBy::Auto {} => Decider::Auto {},
    }
}
