//! The approvers' side of a request: the queue, the card, the decision.

use crate::grants::GrantRow;
use countersign_domain::card::{CardValue, Deed, Segment};
use countersign_domain::connector::{ConnectorKind, ConnectorStatus};
use countersign_domain::delivery::{Channel, DeliveryKind, DeliveryState};
use countersign_domain::execution::ExecutionErrorCode;
use countersign_domain::flow::Confirmation;
use countersign_domain::grant::Grant;
use countersign_domain::ids::{AgentId, ConnectorId, RequestId, UserId};
use countersign_domain::request::{Decider, RequestKind, RequestState, Vote};
use countersign_domain::{Effect, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `GET /api/requests`: one page of the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestPage {
    /// The rows.
    pub items: Vec<RequestRow>,
    /// What to send as `after` for the next page; null at the end.
    pub next: Option<String>,
    /// How many requests that this person may see are pending, whatever the filter.
    pub pending: u64,
}

/// What the list is sorted by; the parameter `sort`, with `-` before it for descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum SortKey {
    /// The requester's name.
    Name,
    /// The requester's email.
    Identifier,
    /// The connector's name.
    Connector,
    /// When it was asked.
    #[default]
    Requested,
}

/// A request in the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestRow {
    /// The request.
    pub id: RequestId,
    /// A call or an ask for access.
    pub kind: RequestKind,
    /// Where it stands.
    pub state: RequestState,
    /// On whose behalf.
    pub requester: Person,
    /// The agent's name.
    pub agent: String,
    /// Through which connector.
    pub connector: ConnectorBrief,
    /// The first tool's bare name, escaped for display.
    pub tool: Vec<Segment>,
    /// How many more tools (asks for access).
    pub more_tools: u32,
    /// The worst effect among them.
    pub effect: Effect,
    /// The beginning of the agent's note, escaped.
    pub note: Vec<Segment>,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it ended, if it did.
    pub ended_at: Option<Timestamp>,
    /// How many approvals count so far.
    pub approvals: u32,
    /// How many it takes.
    pub needed: u32,
    /// Whether the one who reads may decide it now.
    pub your_turn: bool,
    /// Whether it may approve itself, or did.
    #[serde(default)]
    pub approves_itself: bool,
}

/// A person, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their groups.
    pub groups: Vec<String>,
}

/// A connector, as shown beside a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorBrief {
    /// Which.
    pub id: ConnectorId,
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// How its calls leave.
    pub kind: ConnectorKind,
    /// As last checked.
    pub status: ConnectorStatus,
    /// Why, where it is not well.
    pub status_reason: Option<String>,
}

/// `GET /api/requests/{id}`: everything that a decision needs, drawn from the stored bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The request; the same as `approval_id` on the agents' side.
    pub id: RequestId,
    /// A call or an ask for access.
    pub kind: RequestKind,
    /// Where it stands.
    pub state: RequestState,
    /// The phone's sentence.
    pub headline: Vec<Segment>,
    /// On whose behalf.
    pub requester: Person,
    /// Whether the agent named the requester itself (`on_behalf_of`): its word, not verified.
    pub on_behalf_of: bool,
    /// The agent.
    pub agent: AgentBrief,
    /// The connector.
    pub connector: ConnectorBrief,
    /// The tool's qualified name, escaped.
    pub tool: Vec<Segment>,
    /// The tool's bare name, as policies want it.
    pub tool_name: String,
    /// What the tool says of itself, escaped; an upstream's words.
    pub tool_description: Vec<Segment>,
    /// What it does to the world.
    pub effect: Effect,
    /// Where the call goes, in words: `POST https://api...` or a command; escaped.
    pub target: Vec<Segment>,
    /// What the agent would do itself, where the arguments are a command or changes to files; drawn from the same bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deed: Option<Deed>,
    /// What an ask for access is for; none of a call.
    #[serde(default)]
    pub access: Option<AccessView>,
    /// How far an approval may go, the narrowest first.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// The grants that its approval made.
    #[serde(default)]
    pub granted: Vec<GrantRow>,
    /// The grant that it was made under.
    #[serde(default)]
    pub under: Option<GrantRow>,
    /// The arguments as a tree.
    pub arguments: CardValue,
    /// The same bytes as text.
    pub arguments_raw: Vec<Segment>,
    /// How many bytes the arguments have.
    pub arguments_bytes: u64,
    /// The agent's note, escaped; empty when there is none.
    pub note: Vec<Segment>,
    /// Whether the note was cut at 2,000 characters.
    pub note_truncated: bool,
    /// The digest, hex.
    pub digest: String,
    /// Its first 8 digits in two groups.
    pub seal: String,
    /// The policy that held or decided it.
    pub policy: Option<PolicyBrief>,
    /// The flow's name.
    pub flow: Option<String>,
    /// The flow's steps.
    pub steps: Vec<StepLine>,
    /// What comes next if nobody answers, in order.
    #[serde(default)]
    pub next: Vec<NextLine>,
    /// Whether the deadline was moved to the end of the flow's quiet hours.
    #[serde(default)]
    pub deadline_moved: bool,
    /// Whether the request may approve itself, or did.
    #[serde(default)]
    pub approves_itself: bool,
    /// Everything that was sent about it.
    #[serde(default)]
    pub told: Vec<ToldLine>,
    /// Votes so far.
    pub votes: Vec<VoteLine>,
    /// What the reader may do now.
    pub you: YourPart,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When sending began.
    pub executed_at: Option<Timestamp>,
    /// Who or what decided.
    pub decided_by: Option<Decider>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// What they said.
    pub comment: Option<String>,
    /// The upstream's answer, redacted for display.
    pub result: Option<ResultView>,
    /// Why there is no good result.
    pub execution_error: Option<String>,
    /// The same for a program.
    pub execution_error_code: Option<ExecutionErrorCode>,
    /// For external requests: when the agent claimed it.
    pub claimed_at: Option<Timestamp>,
    /// For external requests: what the agent reported.
    pub outcome: Option<OutcomeView>,
}

/// What an ask for access is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessView {
    /// The tools, in the order they were asked for.
    pub tools: Vec<AccessTool>,
    /// For how many minutes.
    pub minutes: u32,
}

/// One tool of an ask for access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTool {
    /// Its bare name, as a decision names it.
    pub name: String,
    /// Its qualified name, escaped.
    pub tool: Vec<Segment>,
    /// What it says of itself, escaped; an upstream's words.
    pub description: Vec<Segment>,
    /// What it did to the world when it was asked for; what is signed.
    pub effect: Effect,
    /// Whether everybody who approved so far left it ticked.
    pub ticked: bool,
}

/// The upstream's answer as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultView {
    /// The status.
    pub status: u16,
    /// The body as a tree.
    pub data: CardValue,
    /// Said when the answer was longer than what the desk keeps.
    pub truncated: Option<String>,
}

/// What an agent reported of an external action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeView {
    /// Whether it worked.
    pub ok: bool,
    /// Its words, escaped.
    pub detail: Vec<Segment>,
    /// When it said so.
    pub at: Timestamp,
}

/// An agent, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentBrief {
    /// Its name.
    pub name: String,
    /// Its owner's name.
    pub owner: String,
    /// Which; none in lists of before.
    #[serde(default)]
    pub id: Option<AgentId>,
    /// Until when it may ask for nothing that people decide, after several denials in a row.
    #[serde(default)]
    pub cools_until: Option<Timestamp>,
}

/// A policy, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyBrief {
    /// Its name.
    pub name: String,
    /// The version that matched.
    pub version: i64,
    /// Its priority.
    pub priority: i32,
}

/// One step of the flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepLine {
    /// Its place, from 1.
    pub order: u32,
    /// Who is asked, in words: "Finance, dana@acme.test".
    pub approvers: String,
    /// How many are needed.
    pub needed: u32,
    /// How many count so far.
    pub given: u32,
    /// Who is asked, by name, as far as the step has come.
    #[serde(default)]
    pub asked: Vec<AskedLine>,
    /// Who is asked too when nobody answers, in words.
    #[serde(default)]
    pub escalate_to: Option<String>,
    /// Whether they are asked by now.
    #[serde(default)]
    pub escalated: bool,
}

/// Somebody who is asked at a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedLine {
    /// Their name.
    pub name: String,
    /// What they said, if they answered.
    pub vote: Option<Vote>,
}

/// Something that will happen of a request's flow, if nobody answers before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextLine {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: NextKind,
}

/// What will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextKind {
    /// Those who have not answered are reminded.
    Reminder,
    /// Others are asked too.
    Escalation,
    /// The approvers are warned of the deadline.
    Warning,
    /// The request approves itself.
    AutoApproval,
    /// The request expires.
    Expiry,
}

/// A message about a request, and its fate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldLine {
    /// When it became necessary.
    pub at: Timestamp,
    /// What it says.
    pub kind: DeliveryKind,
    /// Over which channel.
    pub channel: Channel,
    /// To whom, in words.
    pub to: String,
    /// What became of it.
    pub state: DeliveryState,
    /// When it was told, given up or taken back; of one that waits, when it is tried next.
    pub fate_at: Timestamp,
    /// Why the last try failed.
    pub error: Option<String>,
    /// Of one that asks somebody outside, what became of the last link that it brought.
    #[serde(default)]
    pub link: Option<LinkFate>,
}

/// What became of a link for somebody outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkFate {
    /// It can decide.
    Good,
    /// It decided.
    Used,
    /// Too many wrong codes.
    Locked,
    /// Its time is over, or the request's.
    Over,
}

/// `POST /api/requests/{id}/approvers`: who is asked too at the step where the request stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlsoAsk {
    /// Emails of users.
    pub users: Vec<String>,
}

/// One vote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoteLine {
    /// Whose.
    pub name: String,
    /// Which way.
    pub vote: Vote,
    /// When.
    pub at: Timestamp,
    /// What they said.
    pub comment: Option<String>,
    /// Whether a passkey signed it.
    pub signed: bool,
    /// How far an approval's leave goes.
    #[serde(default)]
    pub grant: Grant,
    /// Of an ask for access, how many tools it is for.
    #[serde(default)]
    pub tools: Option<usize>,
}

/// What the reader of a card may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct YourPart {
    /// Asked at this step, and has not voted.
    pub may_decide: bool,
    /// Why not, in a sentence, where not.
    pub why_not: Option<String>,
    /// How an approval is confirmed.
    pub confirmation: Confirmation,
    /// Whether an approval by this person needs a passkey ceremony.
    pub ceremony: bool,
    /// May take it back (the agent's owner).
    pub may_withdraw: bool,
    /// May make a policy of it.
    pub may_create_policy: bool,
    /// May ask others too.
    #[serde(default)]
    pub may_add_approvers: bool,
}

/// `POST /api/requests/{id}/decisions` and `.../decisions/start`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionBody {
    /// Approve or deny.
    pub decision: Vote,
    /// What to tell the agent, at most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// How far the leave goes: one of those that the card offers, `once` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
    /// Of an ask for access, the bare names of the tools that are granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
    /// Comes later, refused until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
}

/// The answer of `.../decisions/start`, of sign-in and of re-authentication: WebAuthn request options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CeremonyOptions {
    /// The ceremony, to be sent back with the credential.
    pub ceremony: String,
    /// What goes into `navigator.credentials.get({publicKey})` or `.create({publicKey})`, binary fields in
    /// base64url (WebAuthn Level 3, 5.1.8 and 5.1.9: `parse...OptionsFromJSON`).
    #[serde(rename = "publicKey")]
    pub public_key: Value,
}

/// The body of every `.../finish`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CeremonyFinish {
    /// The ceremony that `start` named.
    pub ceremony: String,
    /// The credential as JSON, binary fields in base64url.
    pub credential: Value,
}

/// The answer to a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The request.
    pub id: RequestId,
    /// Where it stands now; `pending` when more approvals are needed.
    pub state: RequestState,
}
