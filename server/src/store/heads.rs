//! The gapless numbers, as the writer's transaction has them: read once when it begins, written once before it
//! commits. No other process can move them meanwhile, for the transaction holds the database's one write lock.

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
    const ALL: [Self; 2] = [Self::Audit, Self::Events];

    const fn word(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Events => "events",
        }
    }
}

/// Where the numbers stand, and where they stood when the transaction began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heads {
    now: [i64; 2],
    at_first: [i64; 2],
    /// The version of everything that admins set; none before the desk has its row, or once it was changed.
    pub(super) config: Option<i64>,
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
    let (mut at_first, mut config) = ([0; 2], None);
    for row in rows {
        let (name, value) = (row.text("name")?, row.int("value")?);
        match Head::ALL.into_iter().find(|head| head.word() == name) {
            Some(head) => at_first[head as usize] = value,
            None => config = Some(value),
        }
    }
    connection.set_heads(Some(Heads { now: at_first, at_first, config }));
    Ok(())
}

/// The next number of a gapless sequence, taken inside the transaction.
pub(super) fn next(connection: &mut Connection, head: Head) -> Result<i64, StoreError> {
    let outside = || StoreError::Row("a number can be taken inside a use case only".to_owned());
    let value = &mut connection.heads().ok_or_else(outside)?.now[head as usize];
    *value += 1;
    Ok(*value)
}

/// Puts off what the heads have moved by in this transaction.
pub(super) fn keep(connection: &mut Connection) -> Result<(), StoreError> {
    let Some(heads) = connection.heads().cloned() else { return Ok(()) };
    for head in Head::ALL {
        let value = heads.now[head as usize];
        if value != heads.at_first[head as usize] {
            let update = sqlx::query("UPDATE heads SET value = $1 WHERE name = $2").bind(value).bind(head.word());
            connection.put_off(update)?;
        }
    }
    Ok(())
}
