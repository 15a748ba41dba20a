//! The gapless numbers, as the writer's transaction has them: read once when it begins, written with each use case. No
//! other process can move them meanwhile, for the transaction holds the database's one write lock.

use super::row::Columns as _;
use super::{Connection, StoreError};
use sqlx::Executor as _;

/// A gapless number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Rows of the record.
    Audit,
    /// Events.
    Events,
}

impl Head {
    const fn word(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Events => "events",
        }
    }
}

/// Where the numbers stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heads {
    audit: i64,
    events: i64,
    /// The version of everything that admins set; none before the desk has its row, or once it was changed.
    pub(super) config: Option<i64>,
}

impl Heads {
    const fn of(&mut self, head: Head) -> &mut i64 {
        match head {
            Head::Audit => &mut self.audit,
            Head::Events => &mut self.events,
        }
    }
}

/// Begins the writer's transaction, and reads the heads in the same turn.
pub(super) async fn begin(connection: &mut Connection) -> Result<(), StoreError> {
    let rows = connection
        .any()
        .fetch_all(sqlx::query(
            "BEGIN IMMEDIATE; SELECT name, value FROM heads
             UNION ALL SELECT 'config', config_version FROM desk WHERE one = 1",
        ))
        .await?;
    let mut heads = Heads { audit: 0, events: 0, config: None };
    for row in rows {
        let value = row.int("value")?;
        match row.text("name")?.as_str() {
            "audit" => heads.audit = value,
            "events" => heads.events = value,
            "config" => heads.config = Some(value),
            _ => {}
        }
    }
    connection.set_heads(Some(heads));
    Ok(())
}

/// The next number of a gapless sequence, taken inside the transaction.
pub(super) fn next(connection: &mut Connection, head: Head) -> Result<i64, StoreError> {
    let outside = || StoreError::Row("a number can be taken inside a use case only".to_owned());
    let value = connection.heads().ok_or_else(outside)?.of(head);
    *value += 1;
    Ok(*value)
}

/// Puts off what the heads have moved by since `before`.
pub(super) fn keep(connection: &mut Connection, before: &Heads) -> Result<(), StoreError> {
    let Some(mut after) = connection.heads().cloned() else { return Ok(()) };
    for head in [Head::Audit, Head::Events] {
        let value = *after.of(head);
        if value != *before.clone().of(head) {
            let update = sqlx::query("UPDATE heads SET value = $1 WHERE name = $2").bind(value).bind(head.word());
            connection.put_off(update)?;
        }
    }
    Ok(())
}
