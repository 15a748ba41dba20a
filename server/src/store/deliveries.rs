//! The outbox: what is to be told to whom, over which channel, and what became of it. Rows are written in the
//! transaction that makes them necessary; a row is told once, or again where nobody can say whether it was.

use super::row::Columns as _;
use super::{Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::delivery::{Address, Channel, DeliveryKind, DeliveryState};
use countersign_domain::ids::{AgentId, DeliveryId, FlowId, RequestId};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;
use std::collections::HashMap;

/// One message to one recipient over one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Which.
    pub id: DeliveryId,
    /// Of which request; none of a test.
    pub request_id: Option<RequestId>,
    /// At which step of its flow, from 1.
    pub step: u32,
    /// What it says.
    pub kind: DeliveryKind,
    /// The how-manieth of its kind.
    pub round: u32,
    /// How.
    pub channel: Channel,
    /// To whom.
    pub to: Address,
    /// What became of it.
    pub state: DeliveryState,
    /// When it is tried next; while it is being tried, until when its taker has it.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last try failed.
    pub error: Option<String>,
    /// When it became necessary.
    pub created_at: Timestamp,
    /// When it was told, given up or taken back.
    pub ended_at: Option<Timestamp>,
}

fn read(row: &AnyRow) -> Result<Delivery, StoreError> {
    let count = |column| u32::try_from(row.int(column)?).map_err(|_| StoreError::Row(format!("{column} is negative")));
    Ok(Delivery {
        id: row.id("id")?,
        request_id: row.maybe_id("request_id")?,
        step: count("step")?,
        kind: row.word("notice", DeliveryKind::from_word)?,
        round: count("round")?,
        channel: row.word("channel", Channel::from_word)?,
        to: row.word("recipient", Address::from_word)?,
        state: row.word("state", DeliveryState::from_word)?,
        due_at: row.time("due_at")?,
        attempts: count("attempts")?,
        error: row.maybe_text("error")?,
        created_at: row.time("created_at")?,
        ended_at: row.maybe_time("ended_at")?,
    })
}

/// Whose browser it takes; empty where it takes none.
fn needs_browser(delivery: &Delivery) -> String {
    match (&delivery.to, delivery.channel) {
        (Address::User(id), Channel::Push) => id.to_string(),
        _ => String::new(),
    }
}

/// Adds one, unless the same was told or is to be told already. A push needs a browser that takes it.
pub async fn insert(connection: &mut Connection, delivery: &Delivery) -> Result<(), StoreError> {
    let statement = sqlx::query(
        "INSERT INTO deliveries (id, request_id, step, notice, round, channel, recipient, state, due_at, attempts, error,
         created_at, ended_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
         WHERE $14 = '' OR EXISTS (SELECT 1 FROM push_subscriptions WHERE user_id = $14) ON CONFLICT DO NOTHING",
    )
    .bind(delivery.id.to_string())
    .bind(delivery.request_id.map(|id| id.to_string()))
    .bind(i64::from(delivery.step))
    .bind(delivery.kind.word())
    .bind(i64::from(delivery.round))
    .bind(delivery.channel.word())
    .bind(delivery.to.to_word())
    .bind(delivery.state.word())
    .bind(delivery.due_at.millis())
    .bind(i64::from(delivery.attempts))
    .bind(delivery.error.clone())
    .bind(delivery.created_at.millis())
    .bind(delivery.ended_at.map(Timestamp::millis))
    .bind(needs_browser(delivery));
    connection.fill_the_outbox();
    connection.put_off(statement)
}

/// Adds what an agent's callback says of a request that moved, if the agent has one; once per state. A put-off statement
/// of one look-up, so that agents without a callback hardly pay for it.
pub async fn insert_callback(
    connection: &mut Connection,
    id: DeliveryId,
    request: RequestId,
    agent: AgentId,
    round: u32,
    now: Timestamp,
) -> Result<(), StoreError> {
    let statement = sqlx::query(
        "INSERT INTO deliveries (id, request_id, step, notice, round, channel, recipient, state, due_at, attempts,
         created_at)
         SELECT $1, $2, 0, 'callback', $3, 'webhook', $4, 'waiting', $5, 0, $6 FROM agents
         WHERE id = $7 AND callback_url IS NOT NULL ON CONFLICT DO NOTHING",
    )
    .bind(id.to_string())
    .bind(request.to_string())
    .bind(i64::from(round))
    .bind(Address::Agent(agent).to_word())
    .bind(now.millis())
    .bind(now.millis())
    .bind(agent.to_string());
    connection.fill_the_outbox();
    connection.put_off(statement)
}

/// One, by its id.
pub async fn by_id(connection: &mut Connection, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
    let row = sqlx::query("SELECT * FROM deliveries WHERE id = $1").bind(id.to_string());
    row.fetch_optional(connection).await?.as_ref().map(read).transpose()
}

/// A message with the flow of its request, by version.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The message.
    pub delivery: Delivery,
    /// The flow.
    pub flow: Option<(FlowId, i64)>,
    /// Whether its request still waits.
    pub waits: bool,
}

/// Where the last page ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// When the last row became necessary.
    pub created_at: Timestamp,
    /// Its id.
    pub id: DeliveryId,
}

/// Which messages are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What became of them.
    pub state: Option<DeliveryState>,
    /// Over which channel.
    pub channel: Option<Channel>,
    /// After which row.
    pub after: Option<Cursor>,
    /// How many.
    pub limit: u32,
}

fn read_listed(row: &AnyRow) -> Result<Listed, StoreError> {
    let flow = row.maybe_id("flow_id")?.zip(row.maybe_int("flow_version")?);
    Ok(Listed { delivery: read(row)?, flow, waits: row.truth("waits")? })
}

const LISTED: &str = "SELECT deliveries.*, requests.flow_id, requests.flow_version,
     CAST(CASE WHEN requests.state = 'pending' THEN 1 ELSE 0 END AS BIGINT) AS waits FROM deliveries
     LEFT JOIN requests ON requests.id = deliveries.request_id";

/// One page, the newest first, and whether there is more.
pub async fn page(connection: &mut Connection, query: &Query) -> Result<(Vec<Listed>, bool), StoreError> {
    // Static pieces only; a piece that is left out keeps its parameter, so that the numbers stay.
    let state = if query.state.is_some() { "deliveries.state = $1" } else { "$1 = ''" };
    let channel = if query.channel.is_some() { "channel = $2" } else { "$2 = ''" };
    let after = match query.after {
        Some(_) => "(deliveries.created_at, deliveries.id) < ($3, $4)",
        None => "$3 = 0 AND $4 = ''",
    };
    let order = "ORDER BY deliveries.created_at DESC, deliveries.id DESC LIMIT $5";
    let (at, id) =
        query.after.as_ref().map(|after| (after.created_at.millis(), after.id.to_string())).unwrap_or_default();
    let rows = sqlx::query(AssertSqlSafe(format!("{LISTED} WHERE {state} AND {channel} AND {after} {order}")))
        .bind(query.state.map_or("", DeliveryState::word))
        .bind(query.channel.map_or("", Channel::word))
        .bind(at)
        .bind(id)
        .bind(i64::from(query.limit) + 1)
        .fetch_all(connection)
        .await?;
    let more = rows.len() > query.limit as usize;
    let listed = rows.iter().take(query.limit as usize).map(read_listed).collect::<Result<_, _>>()?;
    Ok((listed, more))
}

/// One as in the list.
pub async fn listed(connection: &mut Connection, id: DeliveryId) -> Result<Option<Listed>, StoreError> {
    let row = sqlx::query(AssertSqlSafe(format!("{LISTED} WHERE deliveries.id = $1"))).bind(id.to_string());
    row.fetch_optional(connection).await?.as_ref().map(read_listed).transpose()
}

/// How many messages of a kind a recipient was to be told since a moment.
pub async fn count_since(
    connection: &mut Connection,
    to: &Address,
    kind: DeliveryKind,
    since: Timestamp,
) -> Result<i64, StoreError> {
    let row =
        sqlx::query("SELECT COUNT(*) AS n FROM deliveries WHERE recipient = $1 AND notice = $2 AND created_at > $3");
    row.bind(to.to_word()).bind(kind.word()).bind(since.millis()).fetch_one(connection).await?.int("n")
}

/// Takes those that are due, the oldest first, each until its lease is over.
pub async fn take(
    connection: &mut Connection,
    now: Timestamp,
    lease_until: Timestamp,
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    let rows = sqlx::query(
        "UPDATE deliveries SET due_at = $1, attempts = attempts + 1, taken = 1 WHERE id IN
         (SELECT id FROM deliveries WHERE state = 'waiting' AND due_at <= $2 ORDER BY due_at LIMIT $3) RETURNING *",
    )
    .bind(lease_until.millis())
    .bind(now.millis())
    .bind(limit)
    .fetch_all(connection)
    .await?;
    let mut taken = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    taken.sort_by_key(|delivery| (delivery.created_at, delivery.id));
    Ok(taken)
}

/// Makes those due that somebody had taken: at start, whoever that was is gone.
pub async fn release(connection: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE deliveries SET due_at = $1, taken = 0 WHERE state = 'waiting' AND taken = 1")
        .bind(now.millis())
        .execute(connection)
        .await?;
    Ok(())
}

/// When the next is due.
pub async fn next_due(connection: &mut Connection) -> Result<Option<Timestamp>, StoreError> {
    let row = sqlx::query("SELECT due_at FROM deliveries WHERE state = 'waiting' ORDER BY due_at LIMIT 1");
    row.fetch_optional(connection).await?.map(|row| row.time("due_at")).transpose()
}

/// Stores what became of one, if it still waits: what was taken back meanwhile stays taken back.
pub async fn settle(connection: &mut Connection, delivery: &Delivery) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE deliveries SET state = $1, due_at = $2, attempts = $3, error = $4, ended_at = $5, taken = 0
         WHERE id = $6 AND state = 'waiting'",
    )
    .bind(delivery.state.word())
    .bind(delivery.due_at.millis())
    .bind(i64::from(delivery.attempts))
    .bind(delivery.error.clone())
    .bind(delivery.ended_at.map(Timestamp::millis))
    .bind(delivery.id.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// Lets one that was told or given up live again. False of all others.
pub async fn revive(connection: &mut Connection, id: DeliveryId, now: Timestamp) -> Result<bool, StoreError> {
    let revived = sqlx::query(
        "UPDATE deliveries SET state = 'waiting', due_at = $1, ended_at = NULL,
         attempts = CASE WHEN state = 'dead' THEN 0 ELSE 1 END WHERE id = $2
         AND state IN ('dead', 'sent')",
    )
    .bind(now.millis())
    .bind(id.to_string())
    .execute(&mut *connection)
    .await?;
    connection.fill_the_outbox();
    Ok(revived.rows_affected() > 0)
}

/// Takes back what was not told yet of a request that ended. What is being told at this moment stays its taker's.
pub async fn withdraw(connection: &mut Connection, request: RequestId, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE deliveries SET state = 'withdrawn', ended_at = $1 WHERE request_id = $2 AND state = 'waiting' AND taken = 0
         AND notice IN ('asked', 'escalated', 'reminder', 'warning', 'sent_on')",
    )
    .bind(now.millis())
    .bind(request.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// Everything of a request, in order.
pub async fn of_request(connection: &mut Connection, request: RequestId) -> Result<Vec<Delivery>, StoreError> {
    let rows = sqlx::query("SELECT * FROM deliveries WHERE request_id = $1 ORDER BY created_at, id")
        .bind(request.to_string())
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// How many requests each recipient was asked on over each channel since a moment.
pub async fn asked_since(
    connection: &mut Connection,
    since: Timestamp,
) -> Result<HashMap<(String, Channel), u32>, StoreError> {
    let rows = sqlx::query(
        "SELECT recipient, channel, COUNT(*) AS asked FROM deliveries WHERE created_at > $1
         AND notice IN ('asked', 'escalated') GROUP BY recipient, channel",
    )
    .bind(since.millis())
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let asked = u32::try_from(row.int("asked")?).unwrap_or(u32::MAX);
            Ok(((row.text("recipient")?, row.word("channel", Channel::from_word)?), asked))
        })
        .collect()
}

/// Adds the one message about many, unless one waits already for this recipient and channel; that one is due no later.
pub async fn insert_digest(connection: &mut Connection, digest: &Delivery) -> Result<(), StoreError> {
    let joined = sqlx::query(
        "UPDATE deliveries SET due_at = CASE WHEN due_at < $3 THEN due_at ELSE $3 END
         WHERE recipient = $1 AND channel = $2 AND notice = 'digest' AND state = 'waiting' AND attempts = 0",
    )
    .bind(digest.to.to_word())
    .bind(digest.channel.word())
    .bind(digest.due_at.millis())
    .execute(&mut *connection)
    .await?;
    match joined.rows_affected() {
        0 => insert(connection, digest).await,
        _ => {
            connection.fill_the_outbox();
            Ok(())
        }
    }
}

/// Makes what a recipient is to be told later due at a moment, where that is sooner.
pub async fn bring_forward(connection: &mut Connection, to: &Address, due_at: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE deliveries SET due_at = $2 WHERE recipient = $1 AND state = 'waiting' AND attempts = 0 AND due_at > $2",
    )
    .bind(to.to_word())
    .bind(due_at.millis())
    .execute(&mut *connection)
    .await?;
    connection.fill_the_outbox();
    Ok(())
}

/// Whether people were to be told of a request and nobody can have heard: all of it failed, or is kept for later.
pub async fn nobody_heard(connection: &mut Connection, request: RequestId, now: Timestamp) -> Result<bool, StoreError> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS asks, COUNT(CASE WHEN state = 'sent' OR (state = 'waiting' AND (taken = 1 OR due_at <= $2))
         OR (state = 'folded' AND EXISTS (SELECT 1 FROM deliveries AS digest WHERE digest.recipient = deliveries.recipient
         AND digest.channel = deliveries.channel AND digest.notice = 'digest' AND digest.state = 'sent'
         AND digest.ended_at >= deliveries.created_at)) THEN 1 END) AS heard FROM deliveries
         WHERE request_id = $1 AND notice IN ('asked', 'escalated', 'reminder', 'warning', 'sent_on')",
    )
    .bind(request.to_string())
    .bind(now.millis())
    .fetch_one(connection)
    .await?;
    Ok(row.int("asks")? > 0 && row.int("heard")? == 0)
}

/// How many requests that still wait a recipient was asked on over a channel.
pub async fn still_asked(connection: &mut Connection, to: &Address, channel: Channel) -> Result<i64, StoreError> {
    sqlx::query(
        "SELECT COUNT(DISTINCT requests.id) AS n FROM deliveries JOIN requests ON requests.id = deliveries.request_id
         WHERE recipient = $1 AND channel = $2 AND notice IN ('asked', 'escalated') AND requests.state = 'pending'",
    )
    .bind(to.to_word())
    .bind(channel.word())
    .fetch_one(connection)
    .await?
    .int("n")
}

/// Who was told of a request, or may be at this moment, over which channels.
pub async fn told(connection: &mut Connection, request: RequestId) -> Result<Vec<(Address, Channel)>, StoreError> {
    let rows = sqlx::query(
        "SELECT DISTINCT recipient, channel FROM deliveries WHERE request_id = $1
         AND (state = 'sent' OR (state = 'waiting' AND attempts > 0))
         AND notice IN ('asked', 'escalated', 'reminder', 'warning', 'sent_on')",
    )
    .bind(request.to_string())
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.word("recipient", Address::from_word)?, row.word("channel", Channel::from_word)?)))
        .collect()
}

/// Forgets what ended before a moment.
pub async fn delete_before(connection: &mut Connection, before: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM deliveries WHERE state <> 'waiting' AND created_at < $1")
        .bind(before.millis())
        .execute(connection)
        .await?;
    Ok(())
}
