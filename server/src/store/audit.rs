//! The record's rows. Append-only: there is no update and no delete here.

use super::heads::{self, Head};
use super::row::Columns as _;
use super::{Connection, StoreError};
use crate::audit::{Entry, Row};
use countersign_domain::ids::RequestId;
use sqlx::any::AnyRow;

fn read(row: &AnyRow) -> Result<(Row, String), StoreError> {
    let entry = Row {
        seq: row.int("seq")?,
        at: row.int("at")?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        request_id: row.maybe_id("request_id")?,
        subject: row.text("subject")?,
        metadata: row.json("metadata")?,
    };
    Ok((entry, row.text("leaf_hash")?))
}

/// Appends a row; its number is taken from the head inside this transaction.
pub async fn append(connection: &mut Connection, entry: Entry) -> Result<i64, StoreError> {
    let seq = heads::next(connection, Head::Audit)?;
    let row = entry.numbered(seq);
    let leaf = row.leaf_hash().map_err(|error| StoreError::Row(error.to_string()))?;
    let statement = sqlx::query(
        "INSERT INTO audit (seq, at, actor, action, request_id, subject, metadata, leaf_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(seq)
    .bind(row.at)
    .bind(row.actor.clone())
    .bind(row.action.clone())
    .bind(row.request_id.map(|id| id.to_string()))
    .bind(row.subject.clone())
    .bind(row.metadata.to_string())
    .bind(leaf);
    connection.put_off(statement)?;
    Ok(seq)
}

/// The rows of one request with their stored leaf hashes, in order.
pub async fn of_request(connection: &mut Connection, request: RequestId) -> Result<Vec<(Row, String)>, StoreError> {
    let rows = sqlx::query("SELECT * FROM audit WHERE request_id = $1 ORDER BY seq")
        .bind(request.to_string())
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// Rows after a number with their stored leaf hashes, in order.
pub async fn after(connection: &mut Connection, seq: i64, limit: i64) -> Result<Vec<(Row, String)>, StoreError> {
    let rows = sqlx::query("SELECT * FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2")
        .bind(seq)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}
