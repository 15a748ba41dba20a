//! Whether an approved request may still run. Looked at before the writer's turn, since conditions take their time, and
//! acted on in it, if what was looked at still is what is stored.

use super::Desk;
use super::access::call_of_access;
use super::call::StoredCall;
use super::course::stage;
use super::error::DeskError;
use super::grants::{Backed, Sought};
use super::snapshot::Snapshot;
use super::submit::{digest_input, judge, target};
use crate::store::decisions::Decision;
use crate::store::requests::{DecidedBy, Request};
use crate::store::{self, Connection};
use crate::vault::VaultError;
use countersign_domain::Timestamp;
use countersign_domain::agent::AgentStatus;
use countersign_domain::canonical::Canonical;
use countersign_domain::execution::ExecutionErrorCode;
use countersign_domain::flow::Confirmation;
use countersign_domain::grant::Bound;
use countersign_domain::ids::{ConnectorId, CredentialId, RequestId};
use countersign_domain::policy::Action;
use countersign_domain::request::{EXECUTION_WINDOW, RequestKind, RequestState};

/// Why a call that was approved does not begin.
pub(super) struct Unfit(pub(super) ExecutionErrorCode, pub(super) String);

impl Unfit {
    pub(super) fn revoked(what: &str) -> Self {
        Self(ExecutionErrorCode::Revoked, format!("{what} since this was approved."))
    }

    pub(super) fn tampered() -> Self {
        Self::revoked("What is stored is not what was approved; it was changed")
    }
}

/// A request with its votes, and whether it may run.
pub(super) struct Looked {
    request: Request,
    votes: Vec<Decision>,
    /// The grant that it was made under.
    under: Option<Backed>,
    fit: Result<(), Unfit>,
}

impl Looked {
    /// In the writer's turn: the request, and whether it may run now.
    ///
    /// # Errors
    /// [`DeskError::SnapshotOld`] when the request has moved since: then it is looked at again.
    pub(super) async fn still(
        self,
        desk: &Desk,
        connection: &mut Connection,
        now: Timestamp,
    ) -> Result<(Request, Result<(), Unfit>), DeskError> {
        let found = store::decisions::with_request(connection, self.request.id).await?;
        let Some((request, votes)) = found.filter(|found| *found == (self.request, self.votes)) else {
            return Err(DeskError::SnapshotOld);
        };
        if request.approved_at.is_some_and(|at| now >= at + EXECUTION_WINDOW) {
            let why = "It was not begun within ten minutes of its approval.".to_owned();
            return Ok((request, Err(Unfit(ExecutionErrorCode::ExecutionWindowPassed, why))));
        }
        if let Some(under) = &self.under
            && !under.still(desk, connection, now).await?
        {
            return Err(DeskError::SnapshotOld);
        }
        let signed = desk.signatures_stand(connection, &votes).await?;
        Ok((request, signed.and(self.fit)))
    }
}

impl Desk {
    /// Looks whether a request may run: policies, people, connector, tool, credential, digest.
    ///
    /// # Errors
    /// When the store or the vault fails.
    pub(super) async fn look_at(&self, snapshot: &Snapshot, id: RequestId) -> Result<Option<Looked>, DeskError> {
        let mut connection = self.store().read().await?;
        let found = store::decisions::with_request(&mut connection, id).await?;
        drop(connection);
        let Some((request, votes)) = found else { return Ok(None) };
        let under = self.under(snapshot, &request).await?;
        let fit = match &under {
            None if request.grant_id.is_some() => Err(Unfit::revoked("The grant that let this through ended")),
            _ => self.fit(snapshot, &request, &votes)?,
        };
        Ok(Some(Looked { request, votes, under, fit }))
    }

    /// The grant that a request was made under, if it still holds.
    async fn under(&self, snapshot: &Snapshot, request: &Request) -> Result<Option<Backed>, DeskError> {
        let (Some(_), Some(policy)) = (request.grant_id, &request.policy) else { return Ok(None) };
        let sought = Sought {
            bound: Bound {
                agent_id: request.agent_id,
                requester_id: request.requester_id,
                connector_id: request.connector_id,
                connector_version: request.connector_version,
                tool: request.tool.clone(),
                schema_hash: request.schema_hash.clone(),
                credential: request.credential,
                policy: (policy.id, policy.version),
            },
            effect: request.effect,
            session: request.session_id.as_deref(),
            only: request.grant_id,
        };
        self.backing(snapshot, &sought, self.now()).await
    }

    fn fit(&self, snapshot: &Snapshot, request: &Request, votes: &[Decision]) -> Result<Result<(), Unfit>, DeskError> {
        let call = match self.call_of(request) {
            Err(DeskError::Vault(VaultError::Tampered | VaultError::NotSealed)) => return Ok(Err(Unfit::tampered())),
            opened => opened?,
        };
        Ok(people_stand(snapshot, request, votes)
            .and_then(|()| Through::of_request(request).stands(snapshot))
            .and_then(|()| digest_stands(snapshot, request, votes, &call))
            .and_then(|()| policies_stand(snapshot, request, &call.arguments, self.now())))
    }
}

pub(super) fn people_stand(snapshot: &Snapshot, request: &Request, votes: &[Decision]) -> Result<(), Unfit> {
    let agent = snapshot.agents.get(&request.agent_id).filter(|agent| agent.status == AgentStatus::Active);
    let Some(agent) = agent else { return Err(Unfit::revoked("The agent was suspended")) };
    if !agent.connectors.as_ref().is_none_or(|slugs| slugs.contains(&request.connector_slug)) {
        return Err(Unfit::revoked("The agent lost this connector"));
    }
    let active = |id| snapshot.users.get(&id).is_some_and(|user| user.active);
    if agent.owner_id != request.owner_id || !active(request.owner_id) {
        return Err(Unfit::revoked("The agent's owner changed or left"));
    }
    if !active(request.requester_id) {
        return Err(Unfit::revoked("The requester left"));
    }
    if request.flow.is_none() {
        return Ok(());
    }
    let stage = stage(snapshot, request).map_err(|_| Unfit::revoked("The flow was lost"))?;
    let by_itself = request.state == RequestState::Pending || request.decided_by == Some(DecidedBy::Auto {});
    let unanswered = by_itself && stage.flow.approves_by_itself(request.effect);
    match unanswered || stage.stands(request, votes) {
        true => Ok(()),
        false => Err(Unfit::revoked("An approver left or lost the right to approve")),
    }
}

/// What a call goes through: its connector, tool and credential, as they were.
pub(super) struct Through<'a> {
    connector: (ConnectorId, i64),
    tool: &'a str,
    schema_hash: &'a str,
    credential: Option<(CredentialId, i64)>,
}

impl<'a> Through<'a> {
    fn of_request(request: &'a Request) -> Self {
        Self {
            connector: (request.connector_id, request.connector_version),
            tool: &request.tool,
            schema_hash: &request.schema_hash,
            credential: request.credential,
        }
    }

    pub(super) fn of_bound(bound: &'a Bound) -> Self {
        Self {
            connector: (bound.connector_id, bound.connector_version),
            tool: &bound.tool,
            schema_hash: &bound.schema_hash,
            credential: bound.credential,
        }
    }

    /// Whether all of it is as it was.
    pub(super) fn stands(&self, snapshot: &Snapshot) -> Result<(), Unfit> {
        let (id, version) = self.connector;
        let entry = snapshot.connector(id).filter(|entry| entry.connector.active);
        let Some(entry) = entry else { return Err(Unfit::revoked("The connector was switched off")) };
        if entry.connector.version != version {
            return Err(Unfit::revoked("The connector's settings changed"));
        }
        let tool = entry.ready_tool(self.tool).ok_or_else(|| Unfit::revoked("The tool was withdrawn or changed"))?;
        if tool.tool.schema_hash != self.schema_hash {
            return Err(Unfit::revoked("The tool changed"));
        }
        let credential = entry.credential.as_ref().map(|credential| (credential.id, credential.version));
        match credential == self.credential {
            true => Ok(()),
            false => Err(Unfit::revoked("The credential was replaced or revoked")),
        }
    }
}

/// The stored row must still be what was signed: the digest is made anew from it, the target from the arguments.
pub(super) fn digest_stands(
    snapshot: &Snapshot,
    request: &Request,
    votes: &[Decision],
    call: &StoredCall,
) -> Result<(), Unfit> {
    let changed = Unfit::tampered;
    let digest = digest_input(snapshot, request, call.clone()).digest().map_err(|_| changed())?;
    let flow = request.flow.and_then(|flow| snapshot.flow_at(flow));
    let must_sign = flow.is_some_and(|flow| flow.confirmation == Confirmation::Passkey);
    let signed = votes.iter().all(|vote| match &vote.proof {
        Some(proof) => proof.statement.digest == digest && proof.statement.decision == vote.vote,
        None => !must_sign,
    });
    let same_call = match request.kind {
        RequestKind::Access => {
            let asked = request.access.as_ref().and_then(|access| call_of_access(access).ok());
            asked.is_some_and(|asked| asked == *call)
        }
        RequestKind::Call => {
            let entry = snapshot.connector(request.connector_id).ok_or_else(changed)?;
            let tool = entry.tools.get(&request.tool).ok_or_else(changed)?;
            let value = call.arguments.value().map_err(|_| changed())?;
            target(entry, tool, &value).is_ok_and(|target| target == call.target)
        }
    };
    match digest == request.digest && signed && same_call {
        true => Ok(()),
        false => Err(changed()),
    }
}

fn policies_stand(snapshot: &Snapshot, request: &Request, arguments: &Canonical, now: Timestamp) -> Result<(), Unfit> {
    let changed = || Unfit(ExecutionErrorCode::PolicyChanged, "The policies no longer allow it.".to_owned());
    let entry = snapshot.connector(request.connector_id).ok_or_else(changed)?;
    let tool = entry.tools.get(&request.tool).ok_or_else(changed)?;
    let agent = snapshot.agents.get(&request.agent_id).ok_or_else(changed)?;
    let requester = snapshot.users.get(&request.requester_id).ok_or_else(changed)?;
    let value = arguments.value().map_err(|_| changed())?;
    let verdict = judge(snapshot, entry, tool, agent, requester, &value, request.ip.as_deref(), now);
    match (verdict.action, &verdict.policy, &request.policy) {
        (Action::Allow, _, _) => Ok(()),
        (Action::RequestApproval, Some(now), Some(then)) if now.id == then.id && request.flow.is_some() => Ok(()),
        // A grant is bound to the version of its policy too.
        (Action::RequestApproval, Some(now), Some(then))
            if (now.id, now.version) == (then.id, then.version) && request.grant_id.is_some() =>
        {
            Ok(())
        }
        _ => Err(changed()),
    }
}
