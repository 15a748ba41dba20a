//! Grants: made by an approval that completes a flow, looked for when a call would be held, taken back by people.
//!
//! A grant's row only points: what it gives is read from the approval behind it, whose signatures are checked again each
//! time, so that a row that somebody widened gives nothing more.

use super::Desk;
use super::card::names_of;
use super::decide::actor;
use super::error::{DeskError, invalid, not_found};
use super::fit::{Through, Unfit, digest_stands, people_stand};
use super::paging::{PageParameters, Place, page};
use super::session::SignedIn;
use super::snapshot::Snapshot;
use crate::audit::{Actor, Entry};
use crate::clock::fresh_id;
use crate::store::decisions::Decision;
use crate::store::grants::GrantRecord;
use crate::store::requests::Request;
use crate::store::{self, Connection};
use countersign_domain::access::{common, lasting};
use countersign_domain::card::line_segments;
use countersign_domain::connector::qualified_name;
use countersign_domain::grant::{Bound, Grant, GrantKind, Leave, Term};
use countersign_domain::ids::{AgentId, GrantId, RequestId, UserId};
use countersign_domain::request::{RequestKind, RequestStatus, Vote};
use countersign_domain::user::Role;
use countersign_domain::{Effect, Timestamp};
use countersign_wire::Page;
use countersign_wire::grants::GrantRow;
use serde::Deserialize;
use serde_json::json;

/// The parameters of `GET /api/grants`, as they came.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantParameters {
    /// Only of this agent, by its id.
    pub agent: Option<String>,
    /// Only those whose tool holds this text.
    pub q: Option<String>,
    /// `name` or `-name`; the newest first when left out.
    pub sort: Option<String>,
    /// Where the last page ended.
    pub after: Option<String>,
    /// How many, at most 200.
    pub limit: Option<usize>,
}

/// A call for which a grant is looked for.
pub(super) struct Sought<'a> {
    /// All that a grant for it is bound to.
    pub(super) bound: Bound,
    /// What the tool does, now.
    pub(super) effect: Effect,
    /// The session that it is made in.
    pub(super) session: Option<&'a str>,
    /// Under which grant, when it was found before.
    pub(super) only: Option<GrantId>,
}

/// A grant with the approval that made it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Backed {
    grant: GrantRecord,
    origin: Request,
    votes: Vec<Decision>,
}

impl Backed {
    pub(super) const fn id(&self) -> GrantId {
        self.grant.id
    }

    /// Who made it, by name.
    pub(super) fn made_by(&self, snapshot: &Snapshot) -> String {
        names_of(snapshot, self.approvers()).join(", ")
    }

    fn approvers(&self) -> impl Iterator<Item = UserId> {
        approvals(&self.votes).filter_map(Decision::user)
    }

    async fn read(connection: &mut Connection, grant: GrantRecord) -> Result<Option<Self>, DeskError> {
        let found = store::decisions::with_request(connection, grant.request_id).await?;
        Ok(found.map(|(origin, votes)| Self { grant, origin, votes }))
    }

    /// In the writer's turn: whether it is as it was when it was looked at, and holds.
    pub(super) async fn still(
        &self,
        desk: &Desk,
        connection: &mut Connection,
        now: Timestamp,
    ) -> Result<bool, DeskError> {
        let Some(grant) = store::grants::by_id(connection, self.grant.id).await? else { return Ok(false) };
        let same = Self::read(connection, grant).await?.as_ref() == Some(self);
        let runs = self.grant.term.is_running(now) && self.is_in_signed_time(now);
        Ok(same && runs && desk.signatures_stand(connection, &self.votes).await?.is_ok())
    }

    /// What the approvers gave, as they signed it; none where it is no more than the call itself, or not this tool.
    fn leave(&self) -> Option<Leave> {
        let Some(access) = &self.origin.access else {
            return Leave::common(approvals(&self.votes).map(|vote| vote.grant));
        };
        let granted = granted_tools(&self.origin, &self.votes);
        let leave = Leave { in_session: false, lasts: lasting(access.minutes) };
        granted.contains(&self.grant.bound.tool).then_some(leave)
    }

    /// Nobody can sign an approval later than its challenge is good for, whatever its row says of the time.
    fn is_in_signed_time(&self, now: Timestamp) -> bool {
        let signed = |vote: &Decision| match &vote.proof {
            Some(proof) => Timestamp::from_millis(proof.statement.challenge_expires_at),
            None => vote.at,
        };
        let last = approvals(&self.votes).map(signed).max();
        last.zip(self.leave()).is_some_and(|(last, leave)| now < last + leave.lasts)
    }

    /// What the approval was for, so that it can be compared with what the grant says.
    fn approved(&self) -> Option<(Bound, Effect)> {
        let origin = &self.origin;
        let bound = |tool: &str, schema_hash: &str, policy| Bound {
            agent_id: origin.agent_id,
            requester_id: origin.requester_id,
            connector_id: origin.connector_id,
            connector_version: origin.connector_version,
            tool: tool.to_owned(),
            schema_hash: schema_hash.to_owned(),
            credential: origin.credential,
            policy,
        };
        match &origin.access {
            None => {
                let policy = origin.policy.as_ref()?;
                Some((bound(&origin.tool, &origin.schema_hash, (policy.id, policy.version)), origin.effect))
            }
            Some(access) => {
                let asked = access.tools.iter().find(|asked| asked.tool == self.grant.bound.tool)?;
                let policy = asked.policy_id.zip(asked.policy_version)?;
                Some((bound(&asked.tool, &asked.schema_hash, policy), asked.effect))
            }
        }
    }

    /// Whether everything that it is bound to is as it was, and the approval behind it gives what it says.
    fn stands(&self, desk: &Desk, snapshot: &Snapshot, now: Timestamp) -> Result<(), Unfit> {
        let Self { grant, origin, votes } = self;
        if !grant.term.is_running(now) {
            let taken_back = grant.term.revoked_at.is_some();
            return Err(Unfit::revoked(if taken_back { "It was taken back" } else { "Its time has passed" }));
        }
        people_stand(snapshot, origin, votes)?;
        Through::of_bound(&grant.bound).stands(snapshot)?;
        let (id, version) = grant.bound.policy;
        let policy = snapshot.policy(id).filter(|policy| policy.active && policy.version == version);
        policy.ok_or_else(|| Unfit::revoked("The policy changed"))?;
        let (bound, effect) = self.approved().ok_or_else(Unfit::tampered)?;
        let same_session = match self.leave() {
            Some(leave) if leave.in_session => {
                grant.term.session_id == origin.session_id && origin.session_id.is_some()
            }
            Some(_) => grant.term.session_id.is_none(),
            None => false,
        };
        let approved = origin.state.status() == RequestStatus::Approved;
        if bound != grant.bound || !same_session || !approved || !self.is_in_signed_time(now) {
            return Err(Unfit::tampered());
        }
        if effect_of(snapshot, &bound) != Some(effect) {
            return Err(Unfit::revoked("The tool's effect changed"));
        }
        let call = desk.call_of(origin).map_err(|_| Unfit::tampered())?;
        digest_stands(snapshot, origin, votes, &call)
    }
}

impl Desk {
    /// The grant under which a call may be made at once, if there is one. The writer's turn asks it again.
    pub(super) async fn backing(
        &self,
        snapshot: &Snapshot,
        sought: &Sought<'_>,
        now: Timestamp,
    ) -> Result<Option<Backed>, DeskError> {
        let mut connection = self.store().read().await?;
        for grant in store::grants::running_for(&mut connection, &sought.bound, now).await? {
            let wanted = sought.only.is_none_or(|id| id == grant.id);
            if !wanted || grant.bound != sought.bound || !grant.term.covers(sought.session, now) {
                continue;
            }
            let Some(backed) = Backed::read(&mut connection, grant).await? else { continue };
            let same_effect = effect_of(snapshot, &sought.bound) == Some(sought.effect);
            if same_effect
                && backed.stands(self, snapshot, now).is_ok()
                && self.signatures_stand(&mut connection, &backed.votes).await?.is_ok()
            {
                return Ok(Some(backed));
            }
        }
        Ok(None)
    }

    /// What grants cover of an agent's calls for its owner, in whatever session, and until when.
    pub(super) async fn covering(
        &self,
        snapshot: &Snapshot,
        agent: AgentId,
        owner: UserId,
        now: Timestamp,
    ) -> Result<Vec<(Bound, Timestamp)>, DeskError> {
        let mut connection = self.store().read().await?;
        let running = store::grants::running_of_agent(&mut connection, agent, now).await?;
        drop(connection);
        let mut covered = Vec::new();
        for grant in running.into_iter().filter(|grant| grant.bound.requester_id == owner) {
            let Some(effect) = effect_of(snapshot, &grant.bound) else { continue };
            let sought = Sought { bound: grant.bound, effect, session: None, only: Some(grant.id) };
            if self.backing(snapshot, &sought, now).await?.is_some() {
                covered.push((sought.bound, grant.term.expires_at));
            }
        }
        Ok(covered)
    }

    /// The grants that hold, of those that this person may end: of agents that they own, made by them, or all for an
    /// admin.
    ///
    /// # Errors
    /// When a parameter is wrong.
    pub async fn grants(&self, who: &SignedIn, given: GrantParameters) -> Result<Page<GrantRow>, DeskError> {
        let GrantParameters { agent, q, sort, after, limit } = given;
        let agent = agent.map(|id| id.parse::<AgentId>()).transpose();
        let agent = agent.map_err(|_| invalid("agent", "an agent's id"))?;
        let snapshot = self.snapshot();
        let now = self.now();
        let mut connection = self.store().read().await?;
        let mut rows = Vec::new();
        for id in snapshot.agents.keys().copied().filter(|id| agent.is_none_or(|agent| agent == *id)) {
            for grant in store::grants::running_of_agent(&mut connection, id, now).await? {
                let Some(backed) = Backed::read(&mut connection, grant).await? else { continue };
                if may_end(who, &snapshot, &backed) {
                    rows.push(self.grant_row(&snapshot, who, &backed, now));
                }
            }
        }
        rows.retain(|row| row.live);
        let given = PageParameters { q, sort, after, limit };
        page(rows, &given, |row| Place::by_time(row.created_at, &format!("{} {}", row.tool_name, row.id)))
    }

    /// Takes a grant back. From then on its calls are held again. Once is enough; again does no harm.
    ///
    /// # Errors
    /// A grant that is not theirs to end sounds like none.
    pub async fn revoke_grant(&self, who: &SignedIn, id: GrantId) -> Result<GrantRow, DeskError> {
        let (desk, who) = (self.clone(), who.clone());
        let snapshot = self.snapshot();
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    let now = desk.now();
                    let grant = store::grants::by_id(connection, id).await?.ok_or_else(|| not_found("grant"))?;
                    let backed = Backed::read(connection, grant).await?.ok_or_else(|| not_found("grant"))?;
                    if !may_end(&who, &snapshot, &backed) {
                        return Err(not_found("grant"));
                    }
                    let user = who.user().id;
                    if store::grants::revoke(connection, id, user, now).await? {
                        let request = backed.grant.request_id;
                        let entry = Entry::of_request(now, Actor::User(user), "grant.revoked", request);
                        let metadata = json!({"grant_id": id, "tool": backed.grant.bound.tool});
                        store::audit::append(connection, entry.with(metadata)).await?;
                    }
                    let grant = store::grants::by_id(connection, id).await?.ok_or_else(|| not_found("grant"))?;
                    Ok::<_, DeskError>(desk.grant_row(&snapshot, &who, &Backed { grant, ..backed }, now))
                })
            })
            .await
    }

    /// The grants that a request made, as somebody sees them.
    pub(super) async fn grants_of(
        &self,
        connection: &mut Connection,
        snapshot: &Snapshot,
        who: &SignedIn,
        request: RequestId,
    ) -> Result<Vec<GrantRow>, DeskError> {
        let mut rows = Vec::new();
        for grant in store::grants::of_request(connection, request).await? {
            let Some(backed) = Backed::read(connection, grant).await? else { continue };
            rows.push(self.grant_row(snapshot, who, &backed, self.now()));
        }
        Ok(rows)
    }

    /// One grant, as somebody sees it.
    pub(super) async fn grant_seen(
        &self,
        connection: &mut Connection,
        snapshot: &Snapshot,
        who: &SignedIn,
        id: GrantId,
    ) -> Result<Option<GrantRow>, DeskError> {
        let Some(grant) = store::grants::by_id(connection, id).await? else { return Ok(None) };
        let backed = Backed::read(connection, grant).await?;
        Ok(backed.map(|backed| self.grant_row(snapshot, who, &backed, self.now())))
    }

    fn grant_row(&self, snapshot: &Snapshot, who: &SignedIn, backed: &Backed, now: Timestamp) -> GrantRow {
        let Backed { grant, origin, .. } = backed;
        let stands = backed.stands(self, snapshot, now);
        GrantRow {
            id: grant.id,
            kind: grant.kind,
            agent_id: grant.bound.agent_id,
            agent: snapshot.agents.get(&grant.bound.agent_id).map(|agent| agent.name.clone()).unwrap_or_default(),
            requester: origin.requester_name.clone(),
            connector: origin.connector_name.clone(),
            tool: line_segments(&qualified_name(&origin.connector_slug, &grant.bound.tool)),
            tool_name: grant.bound.tool.clone(),
            made_by: names_of(snapshot, backed.approvers()),
            request_id: grant.request_id,
            session: line_segments(grant.term.session_id.as_deref().unwrap_or_default()),
            created_at: grant.created_at,
            expires_at: grant.term.expires_at,
            revoked_at: grant.term.revoked_at,
            live: stands.is_ok(),
            why_not: stands.err().map(|unfit| unfit.1),
            may_revoke: may_end(who, snapshot, backed),
        }
    }
}

/// The owner of the agent, whoever approved it, and admins.
fn may_end(who: &SignedIn, snapshot: &Snapshot, backed: &Backed) -> bool {
    let user = who.user();
    let owns = snapshot.agents.get(&backed.grant.bound.agent_id).is_some_and(|agent| agent.owner_id == user.id);
    user.role == Role::Admin || owns || backed.approvers().any(|approver| approver == user.id)
}

fn effect_of(snapshot: &Snapshot, bound: &Bound) -> Option<Effect> {
    let entry = snapshot.connector(bound.connector_id)?;
    entry.tools.get(&bound.tool).map(|tool| tool.tool.effect)
}

fn approvals(votes: &[Decision]) -> impl DoubleEndedIterator<Item = &Decision> + Clone {
    votes.iter().filter(|vote| vote.vote == Vote::Approve)
}

/// The tools of an ask for access that everybody who approved left ticked.
pub(super) fn granted_tools(request: &Request, votes: &[Decision]) -> Vec<String> {
    let Some(access) = &request.access else { return Vec::new() };
    let ticked: Vec<_> = approvals(votes).map(|vote| vote.tools.as_deref().unwrap_or_default()).collect();
    common(&access.tools, &ticked)
}

/// The grants that an approval may be for, as the request's policy says.
pub(super) fn offered(snapshot: &Snapshot, request: &Request) -> Vec<Grant> {
    let matched = request.policy.as_ref();
    // By another version than the one that held it a grant would have ended before it began.
    let policy =
        matched.and_then(|matched| snapshot.policy(matched.id).filter(|policy| policy.version == matched.version));
    match (request.kind, policy) {
        (RequestKind::Call, Some(policy)) => {
            let in_session = request.session_id.is_some();
            countersign_domain::grant::offered(request.effect, policy.body.allow_grants, in_session)
        }
        _ => vec![Grant::Once],
    }
}

/// Makes what the approvers gave, in the transaction that completes their approval.
pub(super) async fn make(
    connection: &mut Connection,
    request: &Request,
    votes: &[Decision],
    now: Timestamp,
) -> Result<(), DeskError> {
    let Some(by) = votes.last().map(|vote| actor(&vote.by)) else { return Ok(()) };
    for grant in grants_to_make(request, votes, now) {
        store::grants::insert(connection, &grant).await?;
        let entry = Entry::of_request(now, by.clone(), "grant.made", request.id);
        let metadata = json!({
            "grant_id": grant.id,
            "grant": grant.kind,
            "agent_id": grant.bound.agent_id,
            "connector": request.connector_slug,
            "tool": grant.bound.tool,
            "expires_at": grant.term.expires_at,
        });
        store::audit::append(connection, entry.with(metadata)).await?;
    }
    Ok(())
}

fn grants_to_make(request: &Request, votes: &[Decision], now: Timestamp) -> Vec<GrantRecord> {
    let of = |kind, tool: &str, schema_hash: &str, policy, term| GrantRecord {
        id: GrantId(fresh_id(now)),
        request_id: request.id,
        kind,
        bound: Bound {
            agent_id: request.agent_id,
            requester_id: request.requester_id,
            connector_id: request.connector_id,
            connector_version: request.connector_version,
            tool: tool.to_owned(),
            schema_hash: schema_hash.to_owned(),
            credential: request.credential,
            policy,
        },
        term,
        created_at: now,
        revoked_by: None,
    };
    if let Some(access) = &request.access {
        let granted = granted_tools(request, votes);
        let asked = access.tools.iter().filter(|asked| granted.contains(&asked.tool));
        let made = asked.filter_map(|asked| {
            let term = Term { session_id: None, expires_at: now + lasting(access.minutes), revoked_at: None };
            let policy = asked.policy_id.zip(asked.policy_version)?;
            Some(of(GrantKind::Access, &asked.tool, &asked.schema_hash, policy, term))
        });
        return made.collect();
    }
    let leave = Leave::common(approvals(votes).map(|vote| vote.grant));
    let Some((leave, policy)) = leave.zip(request.policy.as_ref()) else { return Vec::new() };
    let session_id = request.session_id.clone().filter(|_| leave.in_session);
    let kind = if leave.in_session { GrantKind::ToolSession } else { GrantKind::ToolHour };
    let term = Term { session_id, expires_at: now + leave.lasts, revoked_at: None };
    vec![of(kind, &request.tool, &request.schema_hash, (policy.id, policy.version), term)]
}
