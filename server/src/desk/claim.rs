//! External requests: the agent runs the tool itself, on a claim that is won once, and may report what came of it.

use super::error::{DeskError, Refusal, invalid, not_found, refuse};
use super::snapshot::{Snapshot, still_current};
use super::{AgentCaller, Desk};
use crate::audit::{Actor, Entry};
use crate::store;
use crate::store::requests::{Outcome, Request};
use countersign_domain::connector::ConnectorKind;
use countersign_domain::execution::ExecutionErrorCode;
use countersign_domain::ids::RequestId;
use countersign_domain::request::{RequestKind, RequestState};
use countersign_wire::agent::{Claim, OutcomeBody};
use countersign_wire::events::EventKind;
use countersign_wire::problem::Code;
use serde_json::json;
use std::sync::Arc;

/// The longest report, in characters.
const DETAIL_LIMIT: usize = 2_000;

impl Desk {
    /// Wins the leave to run an approved external action, once, within ten minutes of its approval.
    ///
    /// # Errors
    /// `already_claimed`, `claim_expired`, `not_approved`, or why it may no longer run.
    pub async fn claim(&self, caller: &AgentCaller, id: RequestId) -> Result<Claim, DeskError> {
        let request = self.with_snapshot(|snapshot| self.claim_once(snapshot, caller, id)).await?;
        self.announce();
        Ok(Claim {
            approval_id: id,
            arguments: self.call_of(&request)?.arguments.value()?,
            tool: request.tool,
            claimed_at: request.claimed_at.unwrap_or(request.updated_at),
        })
    }

    async fn claim_once(
        &self,
        snapshot: Arc<Snapshot>,
        caller: &AgentCaller,
        id: RequestId,
    ) -> Result<Request, DeskError> {
        // Refused before its policies are looked at, which costs more.
        check_claimable(&*self.request_of(caller, id).await?)?;
        let looked = self.look_at(&snapshot, id).await?.ok_or_else(|| not_found("request"))?;
        let (desk, agent) = (self.clone(), caller.id);
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    let now = desk.now();
                    still_current(connection, &snapshot).await?;
                    let (mut request, fit) = looked.still(&desk, connection, now).await?;
                    check_claimable(&request)?;
                    if let Err(unfit) = fit {
                        let code = match unfit.0 {
                            ExecutionErrorCode::ExecutionWindowPassed => Code::ClaimExpired,
                            _ => Code::PolicyDenied,
                        };
                        return Err(Refusal::new(code, unfit.1).of(id).into());
                    }
                    request.claimed_at = Some(now);
                    request.executed_at = Some(now);
                    request.updated_at = now;
                    let started = Entry::of_request(now, Actor::Agent(agent), "execution.started", id);
                    store::audit::append(connection, started.with(json!({"claimed": true}))).await?;
                    store::requests::update(connection, &request).await?;
                    store::requests::presence::delivered(connection, id).await?;
                    store::events::insert(connection, id, EventKind::Updated, request.state, now).await?;
                    Ok::<_, DeskError>(request)
                })
            })
            .await
    }

    /// Notes what an agent says came of a claimed action. Its word, not ours; it can be given once.
    ///
    /// # Errors
    /// When there is no won claim, or a report stands already.
    pub async fn report(&self, caller: &AgentCaller, id: RequestId, body: OutcomeBody) -> Result<(), DeskError> {
        if body.detail.as_ref().is_some_and(|detail| detail.chars().count() > DETAIL_LIMIT) {
            return Err(invalid("detail", format!("at most {DETAIL_LIMIT} characters")));
        }
        let (now, agent) = (self.now(), caller.id);
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    let found = store::requests::by_id(connection, id).await?;
                    let mut request =
                        found.filter(|request| request.agent_id == agent).ok_or_else(|| not_found("request"))?;
                    if request.claimed_at.is_none() {
                        return Err(refuse(Code::NotApproved, "There is no claim of this request to report on."));
                    }
                    if request.outcome.is_some() {
                        return Err(refuse(Code::Conflict, "An outcome was reported already."));
                    }
                    let action = if body.ok { "execution.succeeded" } else { "execution.failed" };
                    request.outcome = Some(Outcome { ok: body.ok, detail: body.detail });
                    request.outcome_at = Some(now);
                    request.updated_at = now;
                    let entry = Entry::of_request(now, Actor::Agent(agent), action, id);
                    let metadata = json!({"reported_by_agent": true, "response_status": null});
                    store::audit::append(connection, entry.with(metadata)).await?;
                    store::requests::update(connection, &request).await?;
                    store::events::insert(connection, id, EventKind::Updated, request.state, now).await?;
                    Ok::<_, DeskError>(())
                })
            })
            .await?;
        self.announce();
        Ok(())
    }
}

fn check_claimable(request: &Request) -> Result<(), DeskError> {
    if request.connector_kind != ConnectorKind::External || request.kind != RequestKind::Call {
        return Err(refuse(Code::NotApproved, "Only external requests are claimed; the desk makes this call itself."));
    }
    if request.claimed_at.is_some() {
        return Err(refuse(Code::AlreadyClaimed, "This request was claimed before."));
    }
    match request.state {
        RequestState::Approved => Ok(()),
        other => {
            Err(Refusal::new(Code::NotApproved, "This request is not approved.").in_state(other).of(request.id).into())
        }
    }
}
