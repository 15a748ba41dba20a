//! Sealed columns as bytes, for wrapping them under a new master key. What is in them is never opened here.

use super::row::Columns as _;
use super::{Connection, StoreError};
use crate::vault::VaultError;

/// A column that holds sealed records.
#[derive(Clone, Copy, Debug)]
pub enum Table {
    /// Requests' arguments.
    Arguments,
    /// Requests' results.
    Results,
    /// Credentials.
    Credentials,
    /// What agents' callbacks are signed with.
    Callbacks,
    /// What pushes are signed with.
    PushKey,
}

/// What one batch came to.
pub struct Rewrapped {
    /// How many records were wrapped anew.
    pub changed: usize,
    /// The last id that was looked at; none at the end.
    pub last: Option<String>,
}

/// Why a batch did not happen.
#[derive(Debug, thiserror::Error)]
pub enum RewrapError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record can't be opened with any key at hand.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Arguments, Self::Results, Self::Credentials, Self::Callbacks, Self::PushKey];

    const fn select(self) -> &'static str {
        match self {
            Self::Arguments => "SELECT id, arguments AS sealed FROM requests WHERE id > $1 ORDER BY id LIMIT $2",
            Self::Results => {
                "SELECT id, result AS sealed FROM requests WHERE id > $1 AND result IS NOT NULL ORDER BY id LIMIT $2"
            }
            Self::Credentials => "SELECT id, sealed FROM credentials WHERE id > $1 ORDER BY id LIMIT $2",
            Self::Callbacks => {
                "SELECT id, callback_secret AS sealed FROM agents WHERE id > $1 AND callback_secret IS NOT NULL ORDER BY id LIMIT $2"
            }
            Self::PushKey => {
                "SELECT id, push_key AS sealed FROM desk WHERE id > $1 AND push_key IS NOT NULL ORDER BY id LIMIT $2"
            }
        }
    }

    const fn update(self) -> &'static str {
        match self {
            Self::Arguments => "UPDATE requests SET arguments = $2 WHERE id = $1",
            Self::Results => "UPDATE requests SET result = $2 WHERE id = $1",
            Self::Credentials => "UPDATE credentials SET sealed = $2 WHERE id = $1",
            Self::Callbacks => "UPDATE agents SET callback_secret = $2 WHERE id = $1",
            Self::PushKey => "UPDATE desk SET push_key = $2 WHERE id = $1",
        }
    }
}

/// Wraps the next records of a column anew.
///
/// # Errors
/// When a record can't be opened; then nothing of the batch is changed.
pub async fn rewrap(
    connection: &mut Connection,
    table: Table,
    after: &str,
    limit: i64,
    wrap: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, VaultError>,
) -> Result<Rewrapped, RewrapError> {
    let rows = sqlx::query(table.select())
        .bind(after.to_owned())
        .bind(limit)
        .fetch_all(&mut *connection)
        .await
        .map_err(StoreError::from)?;
    let mut done = Rewrapped { changed: 0, last: None };
    for row in rows {
        let id = row.text("id")?;
        if let Some(wrapped) = wrap(&row.blob("sealed")?)? {
            let update = sqlx::query(table.update()).bind(id.clone()).bind(wrapped);
            update.execute(&mut *connection).await.map_err(StoreError::from)?;
            done.changed += 1;
        }
        done.last = Some(id);
    }
    Ok(done)
}
