//! Requests: the frozen ask, and where it stands.

use super::row::{Columns as _, to_json};
use super::{Connection, StoreError};
use countersign_domain::access::AskedTool;
use countersign_domain::connector::ConnectorKind;
use countersign_domain::digest::Digest;
use countersign_domain::execution::ExecutionErrorCode;
use countersign_domain::flow::Course;
use countersign_domain::ids::{AgentId, ConnectorId, CredentialId, FlowId, GrantId, PolicyId, RequestId, UserId};
use countersign_domain::request::{Door, RequestKind, RequestState, Target};
use countersign_domain::{Effect, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::Any;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;

pub mod list;
pub mod presence;

/// A request as stored. What was asked never changes; where it stands does.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Which.
    pub id: RequestId,
    /// A call or an ask for access.
    pub kind: RequestKind,
    /// Where it stands.
    pub state: RequestState,
    /// Who asked.
    pub agent_id: AgentId,
    /// Whose agent.
    pub owner_id: UserId,
    /// On whose behalf.
    pub requester_id: UserId,
    /// Their name, then.
    pub requester_name: String,
    /// Their address, then.
    pub requester_email: String,
    /// Whether the agent named the requester.
    pub on_behalf_of: bool,
    /// Through which connector.
    pub connector_id: ConnectorId,
    /// The connector's version, then.
    pub connector_version: i64,
    /// Its slug.
    pub connector_slug: String,
    /// Its name, then.
    pub connector_name: String,
    /// Its kind.
    pub connector_kind: ConnectorKind,
    /// The tool's bare name.
    pub tool: String,
    /// The tool's effect, then.
    pub effect: Effect,
    /// The tool's schema hash, then.
    pub schema_hash: String,
    /// The canonical arguments and where they go, sealed.
    pub arguments: Vec<u8>,
    /// Where they go, of a request from before that was sealed; then `arguments` holds the arguments alone.
    pub bare_target: Option<Target>,
    /// The credential and its version, then.
    pub credential: Option<(CredentialId, i64)>,
    /// The policy that allowed, held or refused it.
    pub policy: Option<MatchedPolicy>,
    /// The flow that it follows.
    pub flow: Option<(FlowId, i64)>,
    /// What a signature stands for.
    pub digest: Digest,
    /// The agent's note.
    pub note: Option<String>,
    /// Where the ask came from.
    pub ip: Option<String>,
    /// By which door.
    pub door: Door,
    /// A coding agent's session, as it names it.
    pub session_id: Option<String>,
    /// What the same ask is known by, as long as it joins this request (hex SHA-256).
    pub fingerprint: Option<String>,
    /// When its caller was given an id to come back with.
    pub handed_at: Option<Timestamp>,
    /// When its last caller left without one.
    pub away_at: Option<Timestamp>,
    /// The grant that it was made under.
    pub grant_id: Option<GrantId>,
    /// What an ask for access is for; none of a call.
    pub access: Option<Access>,
    /// Whether the agent wants the upstream's bare answer (AgentValet's form).
    pub bare: bool,
    /// Where its flow stands.
    pub course: Course,
    /// How many approvals count at this step.
    pub approvals: u32,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
    /// When it was approved.
    pub approved_at: Option<Timestamp>,
    /// When sending began.
    pub executed_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Who or what decided.
    pub decided_by: Option<DecidedBy>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// What the approver said.
    pub comment: Option<String>,
    /// The upstream's answer, sealed.
    pub result: Option<Vec<u8>>,
    /// Why there is no good result.
    pub error: Option<String>,
    /// The same for a program.
    pub error_code: Option<ExecutionErrorCode>,
    /// When an external request was claimed.
    pub claimed_at: Option<Timestamp>,
    /// What the agent reported of it.
    pub outcome: Option<Outcome>,
    /// When.
    pub outcome_at: Option<Timestamp>,
}

/// What an ask for access is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// The tools, in the order they were asked for.
    pub tools: Vec<AskedTool>,
    /// For how long.
    pub minutes: u32,
    /// SHA-256 of the token that its status is asked for with, hex.
    pub token_hash: String,
}

/// The policy that decided what happens to an ask, as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedPolicy {
    /// Which.
    pub id: PolicyId,
    /// Its version.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// Its priority.
    pub priority: i32,
}

/// Who or what decided a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum DecidedBy {
    /// A person.
    User {
        /// Who.
        id: UserId,
        /// Their name, then.
        name: String,
    },
    /// Somebody outside.
    External {
        /// Their mail address, or their masked phone.
        name: String,
    },
    /// A policy; none when nothing matched.
    Policy {
        /// Its name.
        name: Option<String>,
    },
    /// A grant that an earlier approval made.
    Grant {
        /// The name of who made it, then.
        name: String,
    },
    /// Nobody: its flow says that no answer is a yes.
    Auto {},
}

/// What an agent reported of an external action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Whether it worked.
    pub ok: bool,
    /// More about it.
    pub detail: Option<String>,
}

impl Request {
    /// Whether a waiting caller has its answer.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.state.has_ended(self.ends_approved())
    }

    /// Whether it ends when it is approved.
    #[must_use]
    pub fn ends_approved(&self) -> bool {
        self.kind.ends_approved(self.connector_kind == ConnectorKind::External)
    }
}

pub(super) fn read(row: &AnyRow) -> Result<Request, StoreError> {
    Ok(Request {
        id: row.id("id")?,
        kind: row.word("kind", RequestKind::from_word)?,
        state: row.word("state", RequestState::from_word)?,
        agent_id: row.id("agent_id")?,
        owner_id: row.id("owner_id")?,
        requester_id: row.id("requester_id")?,
        requester_name: row.text("requester_name")?,
        requester_email: row.text("requester_email")?,
        on_behalf_of: row.truth("on_behalf_of")?,
        connector_id: row.id("connector_id")?,
        connector_version: row.int("connector_version")?,
        connector_slug: row.text("connector_slug")?,
        connector_name: row.text("connector_name")?,
        connector_kind: row.word("connector_kind", ConnectorKind::from_word)?,
        tool: row.text("tool")?,
        effect: row.word("effect", Effect::from_word)?,
        schema_hash: row.text("schema_hash")?,
        arguments: row.blob("arguments")?,
        bare_target: bare_target(row)?,
        credential: row.maybe_id("credential_id")?.zip(row.maybe_int("credential_version")?),
        policy: policy(row)?,
        flow: row.maybe_id("flow_id")?.zip(row.maybe_int("flow_version")?),
        digest: row.word("digest", Digest::from_hex)?,
        note: row.maybe_text("note")?,
        ip: row.maybe_text("ip")?,
        door: row.word("door", Door::from_word)?,
        session_id: row.maybe_text("session_id")?,
        fingerprint: row.maybe_text("fingerprint")?,
        handed_at: row.maybe_time("handed_at")?,
        away_at: row.maybe_time("away_at")?,
        grant_id: row.maybe_id("grant_id")?,
        access: row.maybe_json("access")?,
        bare: row.truth("bare")?,
        course: course(row)?,
        approvals: count(row, "approvals")?,
        expires_at: row.time("expires_at")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        approved_at: row.maybe_time("approved_at")?,
        executed_at: row.maybe_time("executed_at")?,
        ended_at: row.maybe_time("ended_at")?,
        decided_by: row.maybe_json("decided_by")?,
        decided_at: row.maybe_time("decided_at")?,
        comment: row.maybe_text("comment")?,
        result: row.maybe_blob("result")?,
        error: row.maybe_text("error")?,
        error_code: row.maybe_text("error_code")?.and_then(|word| ExecutionErrorCode::from_word(&word)),
        claimed_at: row.maybe_time("claimed_at")?,
        outcome: row.maybe_json("outcome")?,
        outcome_at: row.maybe_time("outcome_at")?,
    })
}

/// A request from before flows had more than one step stands at the beginning of its first.
fn course(row: &AnyRow) -> Result<Course, StoreError> {
    let known = row.maybe_json("course")?;
    Ok(known.unwrap_or(Course::at(count(row, "step")?, row.time("created_at")?)))
}

fn bare_target(row: &AnyRow) -> Result<Option<Target>, StoreError> {
    match row.text("target")?.is_empty() {
        true => Ok(None),
        false => row.json("target").map(Some),
    }
}

fn policy(row: &AnyRow) -> Result<Option<MatchedPolicy>, StoreError> {
    let Some(id) = row.maybe_id("policy_id")? else { return Ok(None) };
    let priority = i32::try_from(row.int("policy_priority")?).unwrap_or_default();
    Ok(Some(MatchedPolicy { id, version: row.int("policy_version")?, name: row.text("policy_name")?, priority }))
}

fn count(row: &AnyRow, column: &str) -> Result<u32, StoreError> {
    u32::try_from(row.int(column)?).map_err(|_| StoreError::Row(format!("{column} is negative")))
}

/// One request.
pub async fn by_id(connection: &mut Connection, id: RequestId) -> Result<Option<Request>, StoreError> {
    let row = one(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

pub(super) fn one(id: RequestId) -> Query<'static, Any, AnyArguments> {
    sqlx::query("SELECT * FROM requests WHERE id = $1").bind(id.to_string())
}

/// Where a request stands.
pub async fn state(connection: &mut Connection, id: RequestId) -> Result<Option<RequestState>, StoreError> {
    let row = sqlx::query("SELECT state FROM requests WHERE id = $1").bind(id.to_string());
    let row = row.fetch_optional(connection).await?;
    row.map(|row| row.word("state", RequestState::from_word)).transpose()
}

/// Stores a new request.
pub async fn insert(connection: &mut Connection, request: &Request) -> Result<(), StoreError> {
    let policy = request.policy.as_ref();
    let statement = sqlx::query(
        "INSERT INTO requests (id, kind, state, agent_id, owner_id, requester_id, requester_name, requester_email,
         on_behalf_of, connector_id, connector_version, connector_slug, connector_name, connector_kind, tool, effect,
         schema_hash, arguments, target, credential_id, credential_version, policy_id, policy_version, policy_name,
         policy_priority, flow_id, flow_version, digest, note, ip, bare, step, approvals, expires_at, created_at,
         updated_at, approved_at, executed_at, ended_at, decided_by, decided_at, comment, door, session_id,
         fingerprint, handed_at, grant_id, access, course)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, '', $19, $20, $21, $22,
         $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48)",
    )
    .bind(request.id.to_string())
    .bind(request.kind.word())
    .bind(request.state.word())
    .bind(request.agent_id.to_string())
    .bind(request.owner_id.to_string())
    .bind(request.requester_id.to_string())
    .bind(request.requester_name.clone())
    .bind(request.requester_email.clone())
    .bind(i64::from(request.on_behalf_of))
    .bind(request.connector_id.to_string())
    .bind(request.connector_version)
    .bind(request.connector_slug.clone())
    .bind(request.connector_name.clone())
    .bind(request.connector_kind.word())
    .bind(request.tool.clone())
    .bind(request.effect.word())
    .bind(request.schema_hash.clone())
    .bind(request.arguments.clone())
    .bind(request.credential.map(|(id, _)| id.to_string()))
    .bind(request.credential.map(|(_, version)| version))
    .bind(policy.map(|policy| policy.id.to_string()))
    .bind(policy.map(|policy| policy.version))
    .bind(policy.map(|policy| policy.name.clone()))
    .bind(policy.map(|policy| i64::from(policy.priority)))
    .bind(request.flow.map(|(id, _)| id.to_string()))
    .bind(request.flow.map(|(_, version)| version))
    .bind(request.digest.to_string())
    .bind(request.note.clone())
    .bind(request.ip.clone())
    .bind(i64::from(request.bare))
    .bind(i64::from(request.course.step))
    .bind(i64::from(request.approvals))
    .bind(request.expires_at.millis())
    .bind(request.created_at.millis())
    .bind(request.updated_at.millis())
    .bind(request.approved_at.map(Timestamp::millis))
    .bind(request.executed_at.map(Timestamp::millis))
    .bind(request.ended_at.map(Timestamp::millis))
    .bind(request.decided_by.as_ref().map(to_json).transpose()?)
    .bind(request.decided_at.map(Timestamp::millis))
    .bind(request.comment.clone())
    .bind(request.door.word())
    .bind(request.session_id.clone())
    .bind(request.fingerprint.clone())
    .bind(request.handed_at.map(Timestamp::millis))
    .bind(request.grant_id.map(|id| id.to_string()))
    .bind(request.access.as_ref().map(to_json).transpose()?)
    .bind(request.flow.map(|_| to_json(&request.course)).transpose()?);
    connection.put_off(statement)
}

/// Stores where a request stands. What was asked is not among the columns, nor whether its caller is there
/// ([`presence`]).
pub async fn update(connection: &mut Connection, request: &Request) -> Result<(), StoreError> {
    let statement = sqlx::query(
        "UPDATE requests SET state = $2, step = $3, approvals = $4, updated_at = $5, approved_at = $6,
         executed_at = $7, ended_at = $8, decided_by = $9, decided_at = $10, comment = $11, result = $12,
         error = $13, error_code = $14, claimed_at = $15, outcome = $16, outcome_at = $17, course = $18
         WHERE id = $1",
    )
    .bind(request.id.to_string())
    .bind(request.state.word())
    .bind(i64::from(request.course.step))
    .bind(i64::from(request.approvals))
    .bind(request.updated_at.millis())
    .bind(request.approved_at.map(Timestamp::millis))
    .bind(request.executed_at.map(Timestamp::millis))
    .bind(request.ended_at.map(Timestamp::millis))
    .bind(request.decided_by.as_ref().map(to_json).transpose()?)
    .bind(request.decided_at.map(Timestamp::millis))
    .bind(request.comment.clone())
    .bind(request.result.clone())
    .bind(request.error.clone())
    .bind(request.error_code.map(ExecutionErrorCode::word))
    .bind(request.claimed_at.map(Timestamp::millis))
    .bind(request.outcome.as_ref().map(to_json).transpose()?)
    .bind(request.outcome_at.map(Timestamp::millis))
    .bind(request.flow.map(|_| to_json(&request.course)).transpose()?);
    connection.put_off(statement)
}

/// Stores where the flow of a request stands that waits on. No index knows of it, and so it costs a fraction of
/// [`update`].
pub async fn set_course(connection: &mut Connection, request: &Request) -> Result<(), StoreError> {
    let statement =
        sqlx::query("UPDATE requests SET step = $2, approvals = $3, updated_at = $4, course = $5 WHERE id = $1")
            .bind(request.id.to_string())
            .bind(i64::from(request.course.step))
            .bind(i64::from(request.approvals))
            .bind(request.updated_at.millis())
            .bind(request.flow.map(|_| to_json(&request.course)).transpose()?);
    connection.put_off(statement)
}

/// Notes whom an admin added, so that they find the request in their queue.
pub async fn also_asked(connection: &mut Connection, id: RequestId, people: &[UserId]) -> Result<(), StoreError> {
    for person in people {
        let statement =
            sqlx::query("INSERT INTO also_asked (request_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(id.to_string())
                .bind(person.to_string());
        connection.put_off(statement)?;
    }
    Ok(())
}

/// The requests in a state: what a fresh start must look after.
pub async fn in_state(connection: &mut Connection, state: RequestState) -> Result<Vec<Request>, StoreError> {
    let rows = sqlx::query("SELECT * FROM requests WHERE state = $1 ORDER BY created_at, id")
        .bind(state.word())
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// An agent's open requests, oldest first. What the agent runs itself is open until it is claimed, if it was approved
/// after `claimable`.
pub async fn open_of_agent(
    connection: &mut Connection,
    agent: AgentId,
    claimable: Timestamp,
) -> Result<Vec<Request>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM requests WHERE agent_id = $1 AND (state IN ('pending', 'executing')
         OR (state = 'approved' AND kind = 'call' AND (connector_kind <> 'external' OR (claimed_at IS NULL AND approved_at > $2))))
         ORDER BY created_at, id LIMIT 200",
    )
    .bind(agent.to_string())
    .bind(claimable.millis())
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

/// An agent's requests that wait for approval and still may, in the order they came.
pub async fn waiting_of_agent(
    connection: &mut Connection,
    agent: AgentId,
    now: Timestamp,
) -> Result<Vec<Request>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM requests WHERE agent_id = $1 AND state = 'pending' AND expires_at > $2 ORDER BY created_at, id",
    )
    .bind(agent.to_string())
    .bind(now.millis())
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

/// What an agent's Idempotency-Key stands for: the body's hash and the request.
pub async fn by_idempotency_key(
    connection: &mut Connection,
    agent: AgentId,
    key: &str,
    since: Timestamp,
) -> Result<Option<(String, RequestId)>, StoreError> {
    let row = sqlx::query(
        "SELECT body_hash, request_id FROM idempotency WHERE agent_id = $1 AND key = $2 AND created_at > $3",
    )
    .bind(agent.to_string())
    .bind(key)
    .bind(since.millis())
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok((row.text("body_hash")?, row.id("request_id")?))).transpose()
}

/// Keeps an Idempotency-Key, in the place of one that has had its time.
pub async fn keep_idempotency_key(
    connection: &mut Connection,
    agent: AgentId,
    key: &str,
    body_hash: &str,
    request: &Request,
) -> Result<(), StoreError> {
    let statement = sqlx::query(
        "INSERT INTO idempotency (agent_id, key, body_hash, request_id, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (agent_id, key) DO UPDATE SET body_hash = excluded.body_hash, request_id = excluded.request_id,
         created_at = excluded.created_at",
    )
    .bind(agent.to_string())
    .bind(key)
    .bind(body_hash)
    .bind(request.id.to_string())
    .bind(request.created_at.millis());
    connection.put_off(statement)
}

/// Forgets keys older than what they live.
pub async fn delete_idempotency_before(connection: &mut Connection, at: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM idempotency WHERE created_at < $1").bind(at.millis()).execute(connection).await?;
    Ok(())
}
