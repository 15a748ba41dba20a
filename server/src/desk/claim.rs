//! External requests: the agent runs the tool itself, on a claim that is won once, and may report what came of it.

use super::error::{DeskError, Refusal, invalid, not_found, refuse};
use super::ring::KEY_LIFE;
use super::snapshot::{Snapshot, still_current};
use super::{AgentCaller, Desk};
use crate::audit::{Actor, Entry};
use crate::store;
use crate::store::requests::{Outcome, Request};
use countersign_domain::connector::ConnectorKind;
use countersign_domain::execution::ExecutionErrorCode;
use countersign_domain::ids::RequestId;
use countersign_domain::request::{CLAIM_REPEATS, RequestKind, RequestState};
use countersign_wire::agent::{Claim, OutcomeBody};
use countersign_wire::events::EventKind;
use countersign_wire::problem::Code;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// A claim has no body, so that its key alone says which it is.
const NO_BODY: &str = "";
/// The longest report, in characters.
const DETAIL_LIMIT: usize = 2_000;

/// By what the same claim is known again.
#[derive(Clone, Copy, Debug)]
pub enum ClaimKey<'a> {
    /// The agent's own Idempotency-Key: two hooks of one call have one leave, for a minute.
    Given(&'a str),
    /// The gateway claims as it tells the agent of the leave, and tells a task that is read again the same.
    Gateway,
}

impl ClaimKey<'_> {
    /// What the claim is kept by, apart from the keys of asks.
    fn kept_by(self, id: RequestId) -> String {
        match self {
            Self::Given(key) => format!("claim {id} {}", hex::encode(Sha256::digest(key))),
            Self::Gateway => format!("told {id}"),
        }
    }

    /// For how long the same claim is answered as the first was.
    const fn repeats(self) -> Duration {
        match self {
            Self::Given(_) => CLAIM_REPEATS,
            Self::Gateway => KEY_LIFE,
        }
    }
}

impl Desk {
    /// Wins the leave to run an approved external action, once, within ten minutes of its approval. The same claim again,
    /// by its key, is answered as the first was.
    ///
    /// # Errors
    /// `already_claimed`, `claim_expired`, `not_approved`, or why it may no longer run.
    pub async fn claim(
        &self,
        caller: &AgentCaller,
        id: RequestId,
        key: Option<ClaimKey<'_>>,
    ) -> Result<Claim, DeskError> {
        let won = self.with_snapshot(|snapshot| self.claim_once(snapshot, caller, id, key)).await;
        let request = match won {
            // Of two of the same claim at once one is written down first, and is the other's answer too.
            Err(DeskError::Refused(refusal)) if refusal.code == Code::AlreadyClaimed => {
                let request = *self.request_of(caller, id).await?;
                if !self.is_claimed_by(&request, key).await? {
                    return Err(DeskError::Refused(refusal));
                }
                request
            }
            won => won?,
        };
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
        key: Option<ClaimKey<'_>>,
    ) -> Result<Request, DeskError> {
        let request = self.request_of(caller, id).await?;
        if self.is_claimed_by(&request, key).await? {
            return Ok(*request);
        }
        // Refused before its policies are looked at, which costs more.
        check_claimable(&request)?;
        let looked = self.look_at(&snapshot, id).await?.ok_or_else(|| not_found("request"))?;
        let (desk, agent, key) = (self.clone(), caller.id, key.map(|key| key.kept_by(id)));
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
                    if let Some(key) = &key {
                        store::requests::keep_idempotency_key(connection, agent, key, NO_BODY, &request).await?;
                    }
                    store::events::insert(connection, id, EventKind::Updated, request.state, now).await?;
                    Ok::<_, DeskError>(request)
                })
            })
            .await
    }

    /// Whether this very claim was won a moment ago.
    async fn is_claimed_by(&self, request: &Request, key: Option<ClaimKey<'_>>) -> Result<bool, DeskError> {
        let now = self.now();
        let (Some(key), Some(claimed_at)) = (key, request.claimed_at) else { return Ok(false) };
        if now >= claimed_at + key.repeats() {
            return Ok(false);
        }
        let mut connection = self.store().read().await?;
        let (agent, key) = (request.agent_id, key.kept_by(request.id));
        let kept = store::requests::by_idempotency_key(&mut connection, agent, &key, now - KEY_LIFE).await?;
        Ok(kept.is_some_and(|(_, id)| id == request.id))
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
