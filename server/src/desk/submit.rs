//! An agent asks. Whatever comes of it, the ask is a row with its audit row before anything else happens.

use super::Desk;
use super::agent_door::AgentCaller;
use super::arguments::{AskedArguments, arguments, check_arguments};
use super::call::StoredCall;
use super::course::stage;
use super::error::{DeskError, Refusal, agent_suspended, refuse};
use super::execute::Sending;
use super::grants::{Backed, Sought};
use super::presence::fingerprint;
use super::ring::KEY_LIFE;
use super::snapshot::{ConnectorEntry, Snapshot, ToolEntry, still_current};
use crate::audit::{Actor, Entry};
use crate::connectors::{check_base_url, target_url};
use crate::store::agents::Agent;
use crate::store::policies::FlowRecord;
use crate::store::requests::{DecidedBy, MatchedPolicy, Request};
use crate::store::users::User;
use crate::store::{self, Connection};
use crate::zones::Zones;
use countersign_domain::Timestamp;
use countersign_domain::agent::DENIALS;
use countersign_domain::canonical::Canonical;
use countersign_domain::connector::ConnectorKind;
use countersign_domain::digest::{Asked, Digest, DigestInput};
use countersign_domain::flow::Course;
use countersign_domain::grant::Bound;
use countersign_domain::ids::{AgentId, RequestId};
use countersign_domain::policy::{Action, Call, Verdict, evaluate};
use countersign_domain::request::{
    Door, EXECUTION_WINDOW, NOTE_LIMIT, RemoteTransport, RequestKind, RequestState, StdioTransport, Target,
};
use countersign_wire::events::EventKind;
use countersign_wire::problem::Code;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// What an agent asks for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The connector's slug.
    pub connector: String,
    /// The tool's bare name.
    pub tool: String,
    /// With what.
    pub arguments: AskedArguments,
    /// Why, in the agent's words.
    pub reason: Option<String>,
    /// The email of the user on whose behalf.
    pub on_behalf_of: Option<String>,
    /// The Idempotency-Key and the SHA-256 of the body, hex.
    pub idempotency: Option<(String, String)>,
    /// By which door it came.
    pub door: Door,
    /// A coding agent's session, as it names it.
    pub session_id: Option<String>,
}

/// What became of an ask.
pub enum Submitted {
    /// It waits for approvers, or is an external one that may be claimed.
    Held(Box<Request>),
    /// It was allowed and is on its way.
    Sent(Box<Request>, Sending),
    /// A policy said no.
    Denied(Box<Request>),
    /// The same Idempotency-Key and body stood for this one before.
    Known(RequestId),
    /// The same ask is open, or ended and nobody heard how.
    Joined(Box<Request>),
}

/// In which time an agent's asks are counted.
const MINUTE: Duration = Duration::from_secs(60);

/// Why a request is denied that a policy would have had approved.
pub(super) const NOBODY_TO_ASK: &str =
    "This needs an approval, but the flow that its policy names is gone or switched off.";

/// An ask that can be stored: everything checked, judged and put together.
pub(super) struct Prepared {
    pub(super) request: Request,
    pub(super) verdict: Verdict,
    /// The grant that lets it through.
    pub(super) under: Option<Backed>,
}

/// An ask that was checked and judged.
pub(super) struct Judged<'a> {
    agent: &'a Agent,
    requester: &'a User,
    entry: &'a ConnectorEntry,
    tool: &'a ToolEntry,
    call: StoredCall,
    pub(super) verdict: Verdict,
    pub(super) flow: Option<&'a FlowRecord>,
    /// Why a verdict is a no that a policy would have had approved.
    pub(super) why_denied: Option<&'static str>,
}

impl Judged<'_> {
    /// The grant that would let it through, where an approval is all that it lacks.
    pub(super) fn sought<'a>(&self, ask: &'a Ask) -> Option<Sought<'a>> {
        let policy = self.verdict.policy.as_ref().filter(|_| self.verdict.action == Action::RequestApproval)?;
        let connector = &self.entry.connector;
        let bound = Bound {
            agent_id: self.agent.id,
            requester_id: self.requester.id,
            connector_id: connector.id,
            connector_version: connector.version,
            tool: self.tool.tool.name.clone(),
            schema_hash: self.tool.tool.schema_hash.clone(),
            credential: self.entry.credential.as_ref().map(|credential| (credential.id, credential.version)),
            policy: (policy.id, policy.version),
        };
        Some(Sought { bound, effect: self.tool.tool.effect, session: ask.session_id.as_deref(), only: None })
    }
}

impl Desk {
    /// Takes an ask: judges it by the policies and stores it, in one transaction with its audit row.
    ///
    /// # Errors
    /// Refusals that name what is wrong; a policy's no is not an error but [`Submitted::Denied`].
    pub async fn submit(&self, caller: &AgentCaller, ask: Ask) -> Result<Submitted, DeskError> {
        let ask = Arc::new(ask);
        if let Some(known) = self.known(caller, &ask).await? {
            return Ok(known);
        }
        let (desk, caller) = (self.clone(), caller.clone());
        Self::to_the_end(async move { desk.take(&caller, ask).await }).await
    }

    /// Judges and stores an ask, and does what follows from it.
    async fn take(&self, caller: &AgentCaller, ask: Arc<Ask>) -> Result<Submitted, DeskError> {
        let (stored, snapshot) = self
            .with_snapshot(|snapshot| {
                let ask = Arc::clone(&ask);
                async move {
                    let now = self.now();
                    let prepared = self.prepare(&snapshot, caller, &ask, now).await?;
                    let stored = self.store_ask(Arc::clone(&snapshot), ask, prepared, now).await?;
                    Ok((stored, snapshot))
                }
            })
            .await?;
        self.announce();
        let request = match stored {
            Stored::New(request) => request,
            Stored::Known => {
                let gone = || DeskError::Internal("a kept key is gone".into());
                return self.known(caller, &ask).await?.ok_or_else(gone);
            }
            Stored::Joined(request) => return Ok(Submitted::Joined(request)),
        };
        metrics::counter!("countersign_requests_total", "state" => request.state.word()).increment(1);
        Ok(match request.state {
            RequestState::Denied => Submitted::Denied(request),
            RequestState::Executing => {
                let sending = self.send_allowed(&snapshot, &request)?;
                Submitted::Sent(request, sending)
            }
            // What is held has timers; a call that was let through has none.
            _ => {
                self.inner.timers.notify_one();
                Submitted::Held(request)
            }
        })
    }

    pub(super) async fn known(&self, caller: &AgentCaller, ask: &Ask) -> Result<Option<Submitted>, DeskError> {
        let Some((key, body)) = &ask.idempotency else { return Ok(None) };
        let mut connection = self.store().read().await?;
        let kept = store::requests::by_idempotency_key(&mut connection, caller.id, key, self.now() - KEY_LIFE).await?;
        kept.map(|kept| same_body(kept, body)).transpose()
    }

    async fn prepare(
        &self,
        snapshot: &Snapshot,
        caller: &AgentCaller,
        ask: &Ask,
        now: Timestamp,
    ) -> Result<Prepared, DeskError> {
        let judged = judged(snapshot, caller, ask, now)?;
        let under = match judged.sought(ask) {
            Some(sought) => self.backing(snapshot, &sought, now).await?,
            None => None,
        };
        let Judged { agent, requester, entry, tool, call, verdict, flow, why_denied } = judged;
        let flow = flow.filter(|_| under.is_none());
        let under_ref = under.as_ref();
        let assembly = Assembly {
            snapshot,
            agent,
            requester,
            entry,
            tool,
            verdict: &verdict,
            flow,
            ask,
            caller,
            under: under_ref,
        };
        let mut request = self.assemble(&assembly, call, now)?;
        request.comment = why_denied.map(str::to_owned);
        Ok(Prepared { request, verdict, under })
    }

    pub(super) fn assemble(&self, of: &Assembly<'_>, call: StoredCall, now: Timestamp) -> Result<Request, DeskError> {
        let id = RequestId(self.fresh());
        let connector = &of.entry.connector;
        let expires_at = of.flow.map_or(now + EXECUTION_WINDOW, |flow| flow.body.expires_at(now, &Zones));
        let action = if of.under.is_some() { Action::Allow } else { of.verdict.action };
        let state = state_of(action, connector.kind);
        let decided = of.flow.is_none();
        let mut request = Request {
            id,
            kind: RequestKind::Call,
            state,
            agent_id: of.agent.id,
            owner_id: of.agent.owner_id,
            requester_id: of.requester.id,
            requester_name: of.requester.name.clone(),
            requester_email: of.requester.email.clone(),
            on_behalf_of: of.ask.on_behalf_of.is_some() && of.requester.id != of.agent.owner_id,
            connector_id: connector.id,
            connector_version: connector.version,
            connector_slug: connector.slug.clone(),
            connector_name: connector.name.clone(),
            connector_kind: connector.kind,
            tool: of.tool.tool.name.clone(),
            effect: of.tool.tool.effect,
            schema_hash: of.tool.tool.schema_hash.clone(),
            arguments: self.seal_call(id, &call)?,
            bare_target: None,
            credential: of.entry.credential.as_ref().map(|credential| (credential.id, credential.version)),
            policy: of.verdict.policy.as_ref().map(|matched| MatchedPolicy {
                id: matched.id,
                version: matched.version,
                name: matched.name.clone(),
                priority: matched.priority,
            }),
            flow: of.flow.map(|flow| (flow.id, flow.version)),
            digest: Digest([0; 32]),
            note: of.ask.reason.as_deref().map(capped).filter(|note| !note.trim().is_empty()),
            ip: of.caller.ip.clone(),
            door: of.ask.door,
            session_id: of.ask.session_id.clone(),
            fingerprint: None,
            handed_at: None,
            away_at: None,
            grant_id: of.under.map(Backed::id),
            access: None,
            bare: matches!(of.ask.arguments, AskedArguments::AgentValet { .. }),
            course: Course::at(1, now),
            approvals: 0,
            expires_at,
            created_at: now,
            updated_at: now,
            approved_at: (state != RequestState::Denied && decided).then_some(now),
            executed_at: (state == RequestState::Executing).then_some(now),
            ended_at: state.has_ended(connector.kind == ConnectorKind::External).then_some(now),
            decided_by: decided.then(|| of.decided_by()),
            decided_at: decided.then_some(now),
            comment: None,
            result: None,
            error: None,
            error_code: None,
            claimed_at: None,
            outcome: None,
            outcome_at: None,
        };
        // What is refused, and what the agent may run at once, is answered there and then.
        let may_be_lost = matches!(request.state, RequestState::Pending | RequestState::Executing);
        if of.ask.door.rejoins() && may_be_lost {
            request.fingerprint = Some(fingerprint(&request, &call)?);
        }
        request.digest = digest_input(of.snapshot, &request, call).digest()?;
        Ok(request)
    }

    pub(super) async fn store_ask(
        &self,
        snapshot: Arc<Snapshot>,
        ask: Arc<Ask>,
        prepared: Prepared,
        now: Timestamp,
    ) -> Result<Stored, DeskError> {
        let desk = self.clone();
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    still_current(connection, &snapshot).await?;
                    let mut request = prepared.request;
                    if let Some(under) = &prepared.under
                        && !under.still(&desk, connection, desk.now()).await?
                    {
                        return Err(DeskError::SnapshotOld);
                    }
                    if let Some((key, body)) = &ask.idempotency {
                        let kept =
                            store::requests::by_idempotency_key(connection, request.agent_id, key, now - KEY_LIFE)
                                .await?;
                        if let Some(kept) = kept {
                            return same_body(kept, body).map(|_| Stored::Known);
                        }
                    }
                    let joined = desk.join(connection, &request, now).await?;
                    if let Some((key, body)) = &ask.idempotency {
                        let of = joined.as_ref().unwrap_or(&request);
                        store::requests::keep_idempotency_key(connection, request.agent_id, key, body, of).await?;
                    }
                    if let Some(open) = joined {
                        return Ok(Stored::Joined(Box::new(open)));
                    }
                    if request.state == RequestState::Pending {
                        if request.door.rejoins() {
                            store::timers::set(connection, Self::absence_of(&request, now)).await?;
                        }
                        check_room(connection, &snapshot, request.agent_id, now).await?;
                        stage(&snapshot, &request)?.begin(connection, &mut request, now).await?;
                    }
                    store::requests::insert(connection, &request).await?;
                    store::agents::seen(connection, request.agent_id, now).await?;
                    record(connection, &request, &prepared.verdict, now).await?;
                    let kind = if request.ended_at.is_some() { EventKind::Ended } else { EventKind::Created };
                    store::events::insert(connection, request.id, kind, request.state, now).await?;
                    Ok::<_, DeskError>(Stored::New(Box::new(request)))
                })
            })
            .await
    }
}

/// Checks an ask and judges it by the policies; nothing is stored.
///
/// # Errors
/// Refusals that name what is wrong; a policy's no is a verdict.
pub(super) fn judged<'a>(
    snapshot: &'a Snapshot,
    caller: &AgentCaller,
    ask: &Ask,
    now: Timestamp,
) -> Result<Judged<'a>, DeskError> {
    let (agent, owner) = snapshot.agent_at_the_door(caller.id).ok_or_else(agent_suspended)?;
    let entry = visible_connector(snapshot, agent, &ask.connector)?;
    let tool = entry.ready_tool(&ask.tool).ok_or_else(unknown_tool)?;
    let requester = requester(snapshot, agent, owner, ask.on_behalf_of.as_deref())?;
    let arguments = arguments(entry, tool, &ask.arguments)?;
    let canonical =
        Canonical::of(&arguments).map_err(|error| refuse(Code::ArgumentsNotCanonical, error.to_string()))?;
    // From here on only what is stored and sent: `1.0` and `1` are one number there, and are judged and addressed as one.
    let arguments = canonical.value()?;
    check_arguments(tool, &arguments, &canonical)?;
    let target = target(entry, tool, &arguments)?;
    let mut verdict = judge(snapshot, entry, tool, agent, requester, &arguments, caller.ip.as_deref(), now);
    let flow = match verdict.action {
        Action::RequestApproval | Action::StepUp => flow_of(snapshot, &verdict),
        Action::Allow | Action::Deny => None,
    };
    let nobody_to_ask = flow.is_none() && matches!(verdict.action, Action::RequestApproval | Action::StepUp);
    if nobody_to_ask {
        verdict.action = Action::Deny;
    }
    let why_denied = nobody_to_ask.then_some(NOBODY_TO_ASK);
    let call = StoredCall { arguments: canonical, target };
    Ok(Judged { agent, requester, entry, tool, call, verdict, flow, why_denied })
}

/// What went into the store.
pub(super) enum Stored {
    New(Box<Request>),
    Known,
    Joined(Box<Request>),
}

/// The parts of a request, gathered.
pub(super) struct Assembly<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) agent: &'a Agent,
    pub(super) requester: &'a User,
    pub(super) entry: &'a ConnectorEntry,
    pub(super) tool: &'a ToolEntry,
    pub(super) verdict: &'a Verdict,
    pub(super) flow: Option<&'a FlowRecord>,
    pub(super) ask: &'a Ask,
    pub(super) caller: &'a AgentCaller,
    pub(super) under: Option<&'a Backed>,
}

impl Assembly<'_> {
    fn decided_by(&self) -> DecidedBy {
        match self.under {
            Some(under) => DecidedBy::Grant { name: under.made_by(self.snapshot) },
            None => DecidedBy::Policy { name: self.verdict.policy.as_ref().map(|policy| policy.name.clone()) },
        }
    }
}

fn same_body((kept_body, id): (String, RequestId), body: &str) -> Result<Submitted, DeskError> {
    match kept_body == body {
        true => Ok(Submitted::Known(id)),
        false => Err(Refusal::new(
            Code::IdempotencyMismatch,
            "This Idempotency-Key was used with another body. Use a new key for a new ask.",
        )
        .of(id)
        .into()),
    }
}

/// Unknown and invisible sound alike, so that an agent can't map what it may not use.
pub(super) fn unknown_tool() -> DeskError {
    refuse(Code::UnknownTool, "There is no such connector or tool for this agent. See GET /v1/agent/permissions.")
}

pub(super) fn visible_connector<'a>(
    snapshot: &'a Snapshot,
    agent: &Agent,
    slug: &str,
) -> Result<&'a Arc<ConnectorEntry>, DeskError> {
    snapshot.connectors.get(slug).filter(|entry| entry.visible_to(agent)).ok_or_else(unknown_tool)
}

pub(super) fn requester<'a>(
    snapshot: &'a Snapshot,
    agent: &Agent,
    owner: &'a User,
    on_behalf_of: Option<&str>,
) -> Result<&'a User, DeskError> {
    let Some(email) = on_behalf_of else { return Ok(owner) };
    if owner.email.eq_ignore_ascii_case(email) {
        return Ok(owner);
    }
    snapshot
        .user_by_email(email)
        .filter(|user| user.active && agent.may_act_for.includes(&user.email, &user.groups))
        .ok_or_else(|| {
            refuse(
                Code::OnBehalfOfNotPermitted,
                "This agent may not act for that user; its owner's `may_act_for` decides.",
            )
        })
}

/// The longest address of a call: what servers and proxies take at the least (RFC 9110, section 4.1).
const ADDRESS_LIMIT: usize = 8_000;

/// Where the call goes, with the path filled in; part of what is signed.
pub(super) fn target(entry: &ConnectorEntry, tool: &ToolEntry, arguments: &Value) -> Result<Target, DeskError> {
    let connector = &entry.connector;
    match connector.kind {
        ConnectorKind::External => Ok(Target::External {}),
        ConnectorKind::Mcp => match &connector.settings.url {
            Some(url) => {
                let url = check_base_url(url).map_err(|why| DeskError::Internal(format!("a stored URL {why}")))?;
                Ok(Target::Remote { transport: RemoteTransport::StreamableHttp, url: url.to_string() })
            }
            None => Ok(Target::Stdio { transport: StdioTransport::Stdio, command: connector.settings.command.clone() }),
        },
        ConnectorKind::Http => {
            let call = http_call(tool, arguments)?;
            let method = tool.tool.method.clone().unwrap_or_default();
            let base = connector.settings.base_url.as_deref().unwrap_or_default();
            let base = check_base_url(base).map_err(|why| DeskError::Internal(format!("a stored base URL {why}")))?;
            // The spelling that will be sent: what is signed and what is sent must not differ by a capital letter.
            let url = target_url(&base, &call.path_and_query)
                .map_err(|why| refuse(Code::InvalidArguments, format!("The call's address {why}.")))?;
            if url.as_str().len() > ADDRESS_LIMIT {
                let detail = format!("The call's address would have more than {ADDRESS_LIMIT} characters.");
                return Err(refuse(Code::InvalidArguments, detail));
            }
            Ok(Target::Http { method, url: url.to_string() })
        }
    }
}

/// Path, query and body of an HTTP tool's call.
pub(super) fn http_call(
    tool: &ToolEntry,
    arguments: &Value,
) -> Result<countersign_domain::connector::http_call::HttpCall, DeskError> {
    let template = tool.template.as_ref().ok_or_else(|| DeskError::Internal("an HTTP tool has no path".into()))?;
    template
        .fill(tool.tool.method.as_deref().unwrap_or_default(), arguments)
        .map_err(|error| refuse(Code::InvalidArguments, format!("{error}.")))
}

#[allow(clippy::too_many_arguments, reason = "all of a call that policies may look at")]
pub(super) fn judge(
    snapshot: &Snapshot,
    entry: &ConnectorEntry,
    tool: &ToolEntry,
    agent: &Agent,
    requester: &User,
    arguments: &Value,
    ip: Option<&str>,
    now: Timestamp,
) -> Verdict {
    let call = Call {
        connector: &entry.connector.slug,
        tool: &tool.tool.name,
        effect: tool.tool.effect,
        arguments,
        agent: &agent.name,
        user_email: &requester.email,
        user_groups: &requester.groups,
        now,
        ip,
    };
    evaluate(snapshot.compiled(), &call)
}

/// The flow that asks for a verdict; none when it is gone or switched off.
fn flow_of<'a>(snapshot: &'a Snapshot, verdict: &Verdict) -> Option<&'a FlowRecord> {
    snapshot.flow_named(verdict.policy.as_ref().and_then(|policy| policy.flow.as_deref()))
}

const fn state_of(action: Action, kind: ConnectorKind) -> RequestState {
    match (action, kind) {
        (Action::Deny, _) => RequestState::Denied,
        (Action::RequestApproval | Action::StepUp, _) => RequestState::Pending,
        (Action::Allow, ConnectorKind::External) => RequestState::Approved,
        (Action::Allow, _) => RequestState::Executing,
    }
}

fn capped(note: &str) -> String {
    // One more than is shown, so that the card can say that it was cut.
    note.chars().take(NOTE_LIMIT + 1).collect()
}

/// Everything that a request's digest covers.
pub(super) fn digest_input(snapshot: &Snapshot, request: &Request, call: StoredCall) -> DigestInput {
    DigestInput {
        desk_id: snapshot.desk.id,
        request_id: request.id,
        kind: request.kind,
        agent_id: request.agent_id,
        requester_id: request.requester_id,
        connector_id: request.connector_id,
        connector_version: request.connector_version,
        what: match &request.access {
            Some(access) => Asked::Access(access.tools.clone()),
            None => Asked::Call { tool: request.tool.clone(), schema_hash: request.schema_hash.clone() },
        },
        arguments: call.arguments,
        target: call.target,
        credential_id: request.credential.map(|(id, _)| id),
        credential_version: request.credential.map(|(_, version)| version),
        policy_id: request.policy.as_ref().map(|policy| policy.id),
        policy_version: request.policy.as_ref().map(|policy| policy.version),
        flow_version: request.flow.map(|(_, version)| version),
        expires_at: request.expires_at,
    }
}

/// Whether an agent may ask people once more: not while it cools down, not too often, not with too many that wait.
async fn check_room(
    connection: &mut Connection,
    snapshot: &Snapshot,
    agent: AgentId,
    now: Timestamp,
) -> Result<(), DeskError> {
    let settings = &snapshot.desk.settings;
    let asked = store::agents::asking(connection, agent, now - MINUTE).await?;
    if let Some(until) = asked.cools_until.filter(|until| *until > now) {
        let detail = format!("{DENIALS} requests of this agent were denied in a row. It may ask again at {until}.");
        return Err(Refusal::new(Code::CoolingDown, detail).after(now.until(until)).into());
    }
    let limit = settings.max_asks_per_minute;
    if asked.lately >= limit {
        let detail = format!("This agent asked {limit} times within a minute. Wait a moment, then try again.");
        return Err(Refusal::new(Code::TooManyAsks, detail).after(MINUTE).into());
    }
    let limit = settings.max_pending_per_agent;
    if asked.pending >= limit {
        let detail =
            format!("{limit} requests of this agent wait for approval already. Wait for them, or withdraw some.");
        return Err(Refusal::new(Code::TooManyPending, detail).after(Duration::from_secs(30)).into());
    }
    Ok(())
}

/// The audit rows of a new request, before anything of it happens.
async fn record(
    connection: &mut Connection,
    request: &Request,
    verdict: &Verdict,
    now: Timestamp,
) -> Result<(), DeskError> {
    let agent = Actor::Agent(request.agent_id);
    let action = match request.state {
        RequestState::Denied => "policy.denied",
        RequestState::Pending => "approval.requested",
        _ if request.grant_id.is_some() => "grant.used",
        _ => "policy.allowed",
    };
    let tools = request.access.as_ref().map(|access| access.tools.iter().map(|asked| &asked.tool).collect::<Vec<_>>());
    let metadata = json!({
        "connector": request.connector_slug,
        "tool": request.tool,
        "tools": tools,
        "grant_id": request.grant_id,
        "effect": request.effect,
        "digest": request.digest,
        "requester_id": request.requester_id,
        "policy": verdict.policy,
        "conditions_failed": verdict.failed,
        "flow": request.flow,
    });
    store::audit::append(connection, Entry::of_request(now, agent, action, request.id).with(metadata)).await?;
    if request.state == RequestState::Executing {
        let started = Entry::of_request(now, Actor::Desk, "execution.started", request.id);
        store::audit::append(connection, started.with(json!({"digest": request.digest}))).await?;
    }
    Ok(())
}
