//! An agent asks for access: several tools of one connector for a while, and no call. Approved, it makes grants.

use super::Desk;
use super::agent_door::AgentCaller;
use super::arguments::AskedArguments;
use super::call::StoredCall;
use super::error::{DeskError, agent_suspended, invalid, not_found};
use super::grants::granted_tools;
use super::snapshot::{ConnectorEntry, Snapshot, ToolEntry};
use super::submit::{
    Ask, Assembly, NOBODY_TO_ASK, Prepared, Stored, Submitted, digest_input, unknown_tool, visible_connector,
};
use crate::auth::secrets::{self, new_token};
use crate::store;
use crate::store::agents::Agent;
use crate::store::policies::FlowRecord;
use crate::store::requests::{Access, Request};
use crate::store::users::User;
use countersign_domain::Timestamp;
use countersign_domain::access::{AskedTool, check_tools, lasting, minutes, worst};
use countersign_domain::canonical::Canonical;
use countersign_domain::ids::RequestId;
use countersign_domain::policy::{Action, Call, Matched, Verdict, evaluate};
use countersign_domain::request::{Door, RequestKind, RequestState, Target};
use countersign_wire::agent::{AccessStatus, Granted};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use std::cmp::Reverse;
use std::sync::Arc;

/// What a token begins with.
const TOKEN_PREFIX: &str = "csr_";

/// What an agent asks for.
#[derive(Clone, Debug)]
pub struct AccessAsk {
    /// The connector's slug.
    pub connector: String,
    /// The tools' bare names.
    pub tools: Vec<String>,
    /// What for, in the agent's words.
    pub note: Option<String>,
    /// For how many minutes.
    pub minutes: Option<i64>,
    /// The Idempotency-Key and the SHA-256 of the body, hex.
    pub idempotency: Option<(String, String)>,
}

/// What became of it.
pub enum AccessAsked {
    /// It is stored: held, or denied by a policy. The token is told this once.
    New(Box<Request>, SecretString),
    /// The same Idempotency-Key and body stood for this one before.
    Known(RequestId),
}

/// An ask that was checked.
struct Checked {
    ask: Ask,
    tools: Vec<String>,
    minutes: u32,
}

impl Desk {
    /// Takes an ask for access: judges it by the policies of its tools and stores it, in one transaction with its audit
    /// row.
    ///
    /// # Errors
    /// Refusals that name what is wrong; a policy's no is stored like that of a call.
    pub async fn request_access(&self, caller: &AgentCaller, ask: AccessAsk) -> Result<AccessAsked, DeskError> {
        let checked = Arc::new(checked(ask)?);
        if let Some(Submitted::Known(id)) = self.known(caller, &checked.ask).await? {
            return Ok(AccessAsked::Known(id));
        }
        let (desk, caller) = (self.clone(), caller.clone());
        Self::to_the_end(async move { desk.take_access(&caller, checked).await }).await
    }

    async fn take_access(&self, caller: &AgentCaller, checked: Arc<Checked>) -> Result<AccessAsked, DeskError> {
        let (stored, token) = self
            .with_snapshot(|snapshot| {
                let checked = Arc::clone(&checked);
                async move {
                    let now = self.now();
                    let (prepared, token) = self.prepare_access(&snapshot, caller, &checked, now)?;
                    let ask = Arc::new(checked.ask.clone());
                    Ok((self.store_ask(Arc::clone(&snapshot), ask, prepared, now).await?, token))
                }
            })
            .await?;
        self.announce();
        match (stored, self.known(caller, &checked.ask).await?) {
            (Stored::New(request), _) => {
                self.inner.timers.notify_one();
                metrics::counter!("countersign_requests_total", "state" => request.state.word()).increment(1);
                Ok(AccessAsked::New(request, token))
            }
            (Stored::Known, Some(Submitted::Known(id))) => Ok(AccessAsked::Known(id)),
            _ => Err(DeskError::Internal("a kept key is gone".into())),
        }
    }

    fn prepare_access(
        &self,
        snapshot: &Snapshot,
        caller: &AgentCaller,
        checked: &Checked,
        now: Timestamp,
    ) -> Result<(Prepared, SecretString), DeskError> {
        let (agent, owner) = snapshot.agent_at_the_door(caller.id).ok_or_else(agent_suspended)?;
        let entry = visible_connector(snapshot, agent, &checked.ask.connector)?;
        let place = Place { snapshot, entry, agent, requester: owner, ip: caller.ip.as_deref(), now };
        let judged = checked.tools.iter().map(|name| place.judged(name)).collect::<Result<Vec<_>, _>>()?;
        let first = judged.first().ok_or_else(unknown_tool)?;
        let outcome = place.outcome(&judged);
        let token = new_token()?;
        let access = Access {
            tools: judged.iter().map(Judged::asked).collect(),
            minutes: checked.minutes,
            token_hash: String::new(),
        };
        let call = call_of_access(&access)?;
        let assembly = Assembly {
            snapshot,
            agent,
            requester: owner,
            entry,
            tool: first.tool,
            verdict: &outcome.verdict,
            flow: outcome.flow,
            ask: &checked.ask,
            caller,
            under: None,
        };
        let mut request = self.assemble(&assembly, call.clone(), now)?;
        let token = token_of(request.id, &token);
        request.kind = RequestKind::Access;
        request.schema_hash = String::new();
        request.effect = worst(judged.iter().map(|one| one.tool.tool.effect));
        request.comment = outcome.why_denied;
        request.access = Some(Access { token_hash: secrets::hash(token.expose_secret()).to_hex(), ..access });
        request.digest = digest_input(snapshot, &request, call).digest()?;
        Ok((Prepared { request, verdict: outcome.verdict, under: None }, token))
    }

    /// How an ask for access stands, for the agent that asked and holds its token.
    ///
    /// # Errors
    /// A token that is not this agent's sounds like none.
    pub async fn access_status(&self, caller: &AgentCaller, token: &str) -> Result<AccessStatus, DeskError> {
        let id = request_of_token(token).ok_or_else(|| not_found("request"))?;
        let request = self.request_of(caller, id).await?;
        let hash = secrets::hash(token).to_hex();
        if request.access.as_ref().is_none_or(|access| access.token_hash != hash) {
            return Err(not_found("request"));
        }
        Ok(AccessStatus {
            request_id: id,
            status: request.state.status(),
            state: request.state,
            granted: self.granted(&request).await?,
            reason: request.comment.clone(),
            expires_at: request.expires_at,
            created_at: request.created_at,
        })
    }

    /// What an ask for access got; none of a call, and none before it is approved.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn granted(&self, request: &Request) -> Result<Option<Granted>, DeskError> {
        let (Some(access), RequestState::Approved, Some(at)) = (&request.access, request.state, request.approved_at)
        else {
            return Ok(None);
        };
        let mut connection = self.store().read().await?;
        let votes = store::decisions::of_request(&mut connection, request.id).await?;
        let tools = granted_tools(request, &votes);
        let until = at + lasting(access.minutes);
        Ok(Some(Granted { connector: request.connector_slug.clone(), tools, until }))
    }
}

fn checked(ask: AccessAsk) -> Result<Checked, DeskError> {
    let AccessAsk { connector, tools, note, minutes: asked, idempotency } = ask;
    check_tools(&tools).map_err(|problem| invalid("tools", problem.to_string()))?;
    let minutes = minutes(asked).map_err(|problem| invalid("duration_minutes", problem.to_string()))?;
    let ask = Ask {
        connector,
        tool: tools.first().cloned().unwrap_or_default(),
        arguments: AskedArguments::Given(json!({})),
        reason: note,
        on_behalf_of: None,
        idempotency,
        door: Door::Http,
        session_id: None,
    };
    Ok(Checked { ask, tools, minutes })
}

/// A fresh token for a request. It names the request, so that it is found without an index of secrets.
fn token_of(id: RequestId, secret: &SecretString) -> SecretString {
    format!("{TOKEN_PREFIX}{}_{}", id.0.simple(), secret.expose_secret()).into()
}

/// What is sealed and signed of an ask for access in the place of a call: it goes nowhere.
pub(super) fn call_of_access(access: &Access) -> Result<StoredCall, DeskError> {
    let tools: Vec<_> = access.tools.iter().map(|asked| &asked.tool).collect();
    let arguments = Canonical::of(&json!({"duration_minutes": access.minutes, "tools": tools}))?;
    Ok(StoredCall { arguments, target: Target::External {} })
}

fn request_of_token(token: &str) -> Option<RequestId> {
    token.strip_prefix(TOKEN_PREFIX)?.split_once('_')?.0.parse().ok()
}

/// Where tools are judged without a call.
struct Place<'a> {
    snapshot: &'a Snapshot,
    entry: &'a ConnectorEntry,
    agent: &'a Agent,
    requester: &'a User,
    ip: Option<&'a str>,
    now: Timestamp,
}

/// A tool and what the policies say of it.
struct Judged<'a> {
    tool: &'a ToolEntry,
    verdict: Verdict,
}

/// What becomes of the ask.
struct Outcome<'a> {
    verdict: Verdict,
    flow: Option<&'a FlowRecord>,
    why_denied: Option<String>,
}

impl Judged<'_> {
    fn asked(&self) -> AskedTool {
        let (tool, policy) = (&self.tool.tool, self.verdict.policy.as_ref());
        AskedTool {
            tool: tool.name.clone(),
            effect: tool.effect,
            schema_hash: tool.schema_hash.clone(),
            policy_id: policy.map(|policy| policy.id),
            policy_version: policy.map(|policy| policy.version),
        }
    }

    fn needs_approval(&self) -> bool {
        matches!(self.verdict.action, Action::RequestApproval | Action::StepUp)
    }
}

impl<'a> Place<'a> {
    fn judged(&self, name: &str) -> Result<Judged<'a>, DeskError> {
        let tool = self.entry.ready_tool(name).ok_or_else(unknown_tool)?;
        Ok(Judged { tool, verdict: self.verdict(tool) })
    }

    /// What the policies say of a tool as long as there is no call. A deny that hangs on what the call will be is left to
    /// that call: no grant turns it.
    fn verdict(&self, tool: &ToolEntry) -> Verdict {
        let arguments = json!({});
        let call = Call {
            connector: &self.entry.connector.slug,
            tool: &tool.tool.name,
            effect: tool.tool.effect,
            arguments: &arguments,
            agent: &self.agent.name,
            user_email: &self.requester.email,
            user_groups: &self.requester.groups,
            now: self.now,
            ip: self.ip,
        };
        let mut policies = self.snapshot.compiled().to_vec();
        loop {
            let verdict = evaluate(&policies, &call);
            let undecided = verdict.policy.as_ref().map(|policy| policy.id).filter(|id| {
                verdict.action == Action::Deny && verdict.failed.iter().any(|failed| failed.policy == *id)
            });
            let Some(undecided) = undecided else { return verdict };
            policies.retain(|policy| policy.policy().id != undecided);
        }
    }

    /// One verdict of all: a no of any is a no; else the highest-ranked policy of those that want an approval says who
    /// is asked, and where none wants one the desk's default flow does.
    fn outcome(&self, judged: &[Judged<'_>]) -> Outcome<'a> {
        let denied: Vec<_> = judged.iter().filter(|one| one.verdict.action == Action::Deny).collect();
        if let Some(first) = denied.first() {
            let names: Vec<_> = denied.iter().map(|one| one.tool.tool.name.as_str()).collect();
            let why = format!("No policy gives access to {}.", names.join(", "));
            return Outcome { verdict: first.verdict.clone(), flow: None, why_denied: Some(why) };
        }
        let asking = highest(judged.iter().filter(|one| one.needs_approval()));
        let flow = self.snapshot.flow_named(asking.as_ref().and_then(|policy| policy.flow.as_deref()));
        let policy = asking.or_else(|| highest(judged.iter()));
        let action = if flow.is_some() { Action::RequestApproval } else { Action::Deny };
        let why_denied = flow.is_none().then(|| NOBODY_TO_ASK.to_owned());
        Outcome { verdict: Verdict { action, policy, failed: Vec::new() }, flow, why_denied }
    }
}

/// The policy of the highest rank; of several, that of the tool that was named first.
fn highest<'a>(judged: impl Iterator<Item = &'a Judged<'a>>) -> Option<Matched> {
    judged.filter_map(|one| one.verdict.policy.as_ref()).min_by_key(|policy| Reverse(policy.priority)).cloned()
}
