//! What happened to requests, in order, for streams that resume. Numbers have no gaps.

use super::heads::{self, Head};
use super::row::Columns as _;
use super::{Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::flow::Course;
use countersign_domain::ids::{AgentId, FlowId, RequestId, UserId};
use countersign_domain::request::RequestState;
use countersign_wire::events::EventKind;
use sqlx::any::AnyRow;

/// An event, with what is needed to tell who may hear of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number.
    pub seq: i64,
    /// The request.
    pub request_id: RequestId,
    /// What happened.
    pub kind: EventKind,
    /// Where the request stands since.
    pub state: RequestState,
    /// When.
    pub at: Timestamp,
    /// Who asked.
    pub agent_id: AgentId,
    /// Whose agent.
    pub owner_id: UserId,
    /// On whose behalf.
    pub requester_id: UserId,
    /// Under which flow.
    pub flow: Option<(FlowId, i64)>,
    /// Whom an admin added.
    pub also: Vec<UserId>,
}

fn read(row: &AnyRow) -> Result<Event, StoreError> {
    Ok(Event {
        seq: row.int("seq")?,
        request_id: row.id("request_id")?,
        kind: row.word("kind", EventKind::from_word)?,
        state: row.word("state", RequestState::from_word)?,
        at: row.time("at")?,
        agent_id: row.id("agent_id")?,
        owner_id: row.id("owner_id")?,
        requester_id: row.id("requester_id")?,
        flow: row.maybe_id("flow_id")?.zip(row.maybe_int("flow_version")?),
        also: row
            .maybe_json::<Course>("course")?
            .map(|course| course.also.into_iter().map(|(_, user)| user).collect())
            .unwrap_or_default(),
    })
}

/// Writes an event down.
pub async fn insert(
    connection: &mut Connection,
    request: RequestId,
    kind: EventKind,
    state: RequestState,
    now: Timestamp,
) -> Result<(), StoreError> {
    let seq = heads::next(connection, Head::Events)?;
    let statement = sqlx::query("INSERT INTO events (seq, request_id, kind, state, at) VALUES ($1, $2, $3, $4, $5)")
        .bind(seq)
        .bind(request.to_string())
        .bind(kind.word())
        .bind(state.word())
        .bind(now.millis());
    connection.put_off(statement)
}

/// The number of the last event.
pub async fn last(connection: &mut Connection) -> Result<i64, StoreError> {
    sqlx::query("SELECT value FROM heads WHERE name = 'events'").fetch_one(connection).await?.int("value")
}

/// Events after a number, in order.
pub async fn after(connection: &mut Connection, seq: i64, limit: i64) -> Result<Vec<Event>, StoreError> {
    let rows = sqlx::query(
        "SELECT e.*, r.agent_id, r.owner_id, r.requester_id, r.flow_id, r.flow_version, r.course
         FROM events e JOIN requests r ON r.id = e.request_id WHERE e.seq > $1 ORDER BY e.seq LIMIT $2",
    )
    .bind(seq)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

/// Events of one request after a number, in order.
pub async fn of_request(connection: &mut Connection, request: RequestId, seq: i64) -> Result<Vec<Event>, StoreError> {
    let rows = sqlx::query(
        "SELECT e.*, r.agent_id, r.owner_id, r.requester_id, r.flow_id, r.flow_version, r.course
         FROM events e JOIN requests r ON r.id = e.request_id WHERE e.request_id = $1 AND e.seq > $2 ORDER BY e.seq",
    )
    .bind(request.to_string())
    .bind(seq)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

/// Forgets events that no stream will resume from.
pub async fn delete_before(connection: &mut Connection, at: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM events WHERE at < $1").bind(at.millis()).execute(connection).await?;
    Ok(())
}
