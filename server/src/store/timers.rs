//! What is due when. A row goes in the transaction that does what it is for, so it acts once.

use super::row::Columns as _;
use super::{Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::ids::RequestId;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimerKind {
    /// The request's flow, whatever is due of it next; its deadline at the last.
    Flow,
    /// An approved call waits to begin. Its due time is the lease of whoever is about to begin it.
    Execute,
    /// The caller left without an id to come back with, and has until then to come back.
    Absent,
}

impl TimerKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::Execute => "execute",
            Self::Absent => "absent",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Flow, Self::Execute, Self::Absent].into_iter().find(|kind| kind.word() == word)
    }
}

/// A timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// For which request.
    pub request_id: RequestId,
    /// What for.
    pub kind: TimerKind,
    /// When.
    pub due_at: Timestamp,
}

/// Sets a timer, or moves it.
pub async fn set(connection: &mut Connection, timer: Timer) -> Result<(), StoreError> {
    let statement = sqlx::query(
        "INSERT INTO timers (request_id, kind, due_at) VALUES ($1, $2, $3)
         ON CONFLICT (request_id, kind) DO UPDATE SET due_at = excluded.due_at",
    )
    .bind(timer.request_id.to_string())
    .bind(timer.kind.word())
    .bind(timer.due_at.millis());
    connection.put_off(statement)
}

/// Removes a timer.
pub async fn clear(connection: &mut Connection, request: RequestId, kind: TimerKind) -> Result<(), StoreError> {
    let statement = sqlx::query("DELETE FROM timers WHERE request_id = $1 AND kind = $2")
        .bind(request.to_string())
        .bind(kind.word());
    connection.put_off(statement)
}

/// The timers that are due, the oldest first.
pub async fn due(connection: &mut Connection, now: Timestamp, limit: i64) -> Result<Vec<Timer>, StoreError> {
    let rows = sqlx::query("SELECT * FROM timers WHERE due_at <= $1 ORDER BY due_at LIMIT $2")
        .bind(now.millis())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Timer {
                request_id: row.id("request_id")?,
                kind: row.word("kind", TimerKind::from_word)?,
                due_at: row.time("due_at")?,
            })
        })
        .collect()
}

/// When the next timer is due.
pub async fn next_due(connection: &mut Connection) -> Result<Option<Timestamp>, StoreError> {
    let row = sqlx::query("SELECT due_at FROM timers ORDER BY due_at LIMIT 1").fetch_optional(connection).await?;
    row.map(|row| row.time("due_at")).transpose()
}

/// Gives every caller that was waiting until a time: after a start none of them is there any more.
pub async fn put_off_absent(connection: &mut Connection, until: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE timers SET due_at = $1 WHERE kind = 'absent'").bind(until.millis()).execute(connection).await?;
    Ok(())
}

/// Makes every waiting execution due now: at start, whoever held the lease is gone.
pub async fn release_executions(connection: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE timers SET due_at = $1 WHERE kind = 'execute' AND due_at > $1")
        .bind(now.millis())
        .execute(connection)
        .await?;
    Ok(())
}
