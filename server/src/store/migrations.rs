//! Brings a database up to date. Migrations are append-only: one that has shipped is never edited.

use super::StoreError;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, SqlSafeStr as _};

/// Runs what has not run yet. A database of a newer version is refused rather than guessed at.
///
/// # Errors
/// When a migration fails, was edited, or is unknown to this version.
pub async fn run(connection: &mut AnyConnection) -> Result<(), StoreError> {
    let simple = |version, name: &'static str, sql: &'static str| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let all = vec![
        simple(1, "desk", include_str!("../../migrations/sqlite/0001_desk.sql")),
        simple(2, "vault key", include_str!("../../migrations/sqlite/0002_vault_key.sql")),
        simple(3, "queue by connector", include_str!("../../migrations/sqlite/0003_queue_by_connector.sql")),
        simple(4, "agents come in", include_str!("../../migrations/sqlite/0004_agents_come_in.sql")),
        simple(5, "flows tell people", include_str!("../../migrations/sqlite/0005_flows_tell_people.sql")),
        simple(6, "people outside", include_str!("../../migrations/sqlite/0006_people_outside.sql")),
        simple(7, "app sign-in", include_str!("../../migrations/sqlite/0007_app_sign_in.sql")),
    ];
    Migrator::with_migrations(all).run_direct(None, connection, false).await?;
    Ok(())
}
