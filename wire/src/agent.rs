//! The agents' door, `/v1`: how an agent asks, and what it hears.

use countersign_domain::canonical::Strict;
use countersign_domain::execution::ExecutionErrorCode;
use countersign_domain::ids::RequestId;
use countersign_domain::request::{Decider, RequestState, RequestStatus};
use countersign_domain::{Effect, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `POST /v1/actions`, either in Countersign's own form or in AgentValet's.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum ActionBody {
    /// Countersign's form.
    Call(CallBody),
    /// AgentValet's form.
    AgentValet(AgentValetBody),
}

/// Countersign's own form of an ask.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallBody {
    /// The connector's slug.
    pub connector: String,
    /// The tool's bare name.
    pub tool: String,
    /// The tool's arguments; `{}` when left out.
    #[serde(default = "no_arguments")]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub arguments: Strict,
    /// Why; shown to the approver as what the agent says, not verified.
    #[serde(default)]
    pub reason: Option<String>,
    /// The email of the user on whose behalf, when that is not the agent's owner.
    #[serde(default)]
    pub on_behalf_of: Option<String>,
    /// A coding agent's session, named by its hook: 1 to 200 characters. The same call of the same agent then joins a
    /// request that is open, and an approval may hold for the session.
    #[serde(default)]
    pub session_id: Option<String>,
}

fn no_arguments() -> Strict {
    Strict(Value::Object(serde_json::Map::new()))
}

/// AgentValet's form of an ask, for agents that speak it already.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentValetBody {
    /// The connector's slug.
    pub platform: String,
    /// The tool's bare name.
    pub scope: String,
    /// The path, which must be the tool's.
    pub endpoint: String,
    /// The method, which must be the tool's.
    pub method: String,
    /// What goes to the query or the body.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub data: Option<Strict>,
    /// A credential of that connector.
    #[serde(default)]
    pub connection_id: Option<String>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What an agent hears about a request: the answer of `POST /v1/actions` and of `GET /v1/approvals/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Approval {
    /// The request.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub approval_id: RequestId,
    /// One of four words.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub status: RequestStatus,
    /// One of nine words.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state: RequestState,
    /// The upstream's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ActionResult>,
    /// Why there is no good result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_error: Option<String>,
    /// The same for a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub execution_error_code: Option<ExecutionErrorCode>,
    /// Who or what decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub decided_by: Option<Decider>,
    /// What the approver said to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of an ask for access that was approved: what was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted: Option<Granted>,
    /// When it ends by itself.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
    /// When sending began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub executed_at: Option<Timestamp>,
    /// When it was asked.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
}

/// The upstream's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActionResult {
    /// The HTTP status; for MCP tools 200 or 502.
    pub status: u16,
    /// The body; for MCP tools the `CallToolResult`.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub data: Value,
    /// Said when the answer was longer than what the desk keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<String>,
}

/// The access that an approval gave. What changes at the desk may end it sooner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Granted {
    /// The connector's slug.
    pub connector: String,
    /// The tools, by bare name: those that the approvers left ticked.
    pub tools: Vec<String>,
    /// Until when their calls need no other approval.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub until: Timestamp,
}

/// `POST /v1/access-request`: several tools of one connector, for a while.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessRequestBody {
    /// The connector's slug; or `platform`, which says the same.
    #[serde(default)]
    pub connector: Option<String>,
    /// AgentValet's word for the connector.
    #[serde(default)]
    pub platform: Option<String>,
    /// The tools' bare names, 1 to 50; or `scope`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 50))]
    pub tools: Option<Vec<String>>,
    /// AgentValet's word for one tool.
    #[serde(default)]
    pub scope: Option<String>,
    /// What it is for; shown to the approver as what the agent says, not verified.
    #[serde(default)]
    pub note: Option<String>,
    /// AgentValet's word for the note.
    #[serde(default)]
    pub reason: Option<String>,
    /// For how many minutes, 1 to 480; 60 when left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 480))]
    pub duration_minutes: Option<i64>,
}

/// The answer of `POST /v1/access-request`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessRequested {
    /// The request.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub request_id: RequestId,
    /// What to ask for its status with. Told once: the same `Idempotency-Key` again is answered without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_token: Option<String>,
    /// One of four words.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub status: RequestStatus,
}

/// `GET /v1/access-request/status/{token}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessStatus {
    /// The request.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub request_id: RequestId,
    /// One of four words.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub status: RequestStatus,
    /// One of nine words.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state: RequestState,
    /// What was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted: Option<Granted>,
    /// What the approver said to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it ends by itself while nobody decides.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
    /// When it was asked.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
}

/// One event of `GET /v1/approvals/{id}/events`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StateChange {
    /// The request.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub approval_id: RequestId,
    /// One of four words.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub status: RequestStatus,
    /// One of nine words.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state: RequestState,
    /// Since when.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
}

/// `POST /v1/authzen/access`: what would become of an ask (OpenID AuthZEN, Authorization API 1.0, section 6).
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessBody {
    /// On whose behalf: `user` and an email, or `agent` and this agent's own name.
    pub subject: Entity,
    /// The tool, by its bare name, and its arguments.
    pub action: AccessAction,
    /// `connector` and its slug.
    pub resource: Entity,
    /// Taken, and not looked at.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub context: Option<Value>,
}

/// Somebody or something, as AuthZEN names it.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Entity {
    /// Of what kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which.
    pub id: String,
}

/// The tool that would be called.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessAction {
    /// The tool's bare name.
    pub name: String,
    /// The tool's arguments; `{}` when left out.
    #[serde(default = "no_arguments")]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub properties: Strict,
}

/// Whether the call would be made at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessDecision {
    /// True only for what a policy allows.
    pub decision: bool,
    /// More about it.
    pub context: AccessContext,
}

/// What a call needs, and who says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessContext {
    /// `allow`, `request_approval` or `deny`.
    pub needs: String,
    /// The policy that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The flow that would ask for approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// Why it would be refused, where no policy says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `POST /v1/approvals/{id}/claim`: the leave to run an external action, once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Claim {
    /// The request.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub approval_id: RequestId,
    /// The tool that may run now.
    pub tool: String,
    /// With exactly these arguments.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub arguments: Value,
    /// When the claim was won.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub claimed_at: Timestamp,
}

/// `POST /v1/approvals/{id}/outcome`: what came of an external action.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutcomeBody {
    /// Whether it worked.
    pub ok: bool,
    /// More about it, at most 2,000 characters.
    #[serde(default)]
    pub detail: Option<String>,
}

/// `GET /v1/agent/permissions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Permissions {
    /// The connectors that this agent may see.
    pub connectors: Vec<PermittedConnector>,
}

/// A connector that an agent may see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PermittedConnector {
    /// Its slug.
    pub connector: String,
    /// Its name.
    pub name: String,
    /// Its tools.
    pub tools: Vec<PermittedTool>,
}

/// A tool that an agent may see, and what calling it needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PermittedTool {
    /// Its bare name.
    pub tool: String,
    /// What it does to the world.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub effect: Effect,
    /// What calling it needs: `allow`, `request_approval`, `deny`, or `depends` where a policy looks at the call.
    pub needs: String,
    /// Where a grant covers it: until when its calls need no further approval, at the latest. Calls in whose place the
    /// policies allow or deny are not the grant's business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub granted_until: Option<Timestamp>,
    /// Its title, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON Schema of its arguments.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub input_schema: Value,
}

/// `GET /v1/agents/me/pending-actions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PendingActions {
    /// Its open requests, oldest first.
    pub items: Vec<PendingAction>,
}

/// One open request of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PendingAction {
    /// The request.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub approval_id: RequestId,
    /// One of nine words.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state: RequestState,
    /// One of four words.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub status: RequestStatus,
    /// The connector's slug.
    pub connector: String,
    /// The tool's bare name.
    pub tool: String,
    /// When it ends by itself.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
    /// When it was asked.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
}
