//! Brings a database up to date. Migrations are append-only: one that has shipped is never edited.

use super::{Connection, StoreError};
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Runs what has not run yet. A database of a newer version is refused rather than guessed at.
///
/// # Errors
/// When a migration fails, was edited, or is unknown to this version.
pub async fn run(connection: &mut Connection) -> Result<(), StoreError> {
    let sql = include_str!("../../migrations/sqlite/0001_desk.sql").into_sql_str();
    let first = Migration::new(1, "desk".into(), MigrationType::Simple, sql, false);
    Migrator::with_migrations(vec![first]).run_direct(None, connection, false).await?;
    Ok(())
}
