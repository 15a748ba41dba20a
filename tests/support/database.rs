//! The desk's database, opened by somebody who is not the desk.

use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};
use std::path::Path;
use std::time::Duration;
use tokio::sync::Mutex;

/// A connection to a desk's database, be there a server on it or not.
pub struct Database {
    connection: Mutex<SqliteConnection>,
}

impl Database {
    /// Opens the database in a data folder.
    pub async fn of(folder: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(folder.join("countersign.sqlite"))
            .busy_timeout(Duration::from_secs(10))
            .foreign_keys(false);
        Self { connection: Mutex::new(SqliteConnection::connect_with(&options).await.unwrap()) }
    }

    /// Runs a statement.
    pub async fn run(&self, sql: &str) {
        let mut connection = self.connection.lock().await;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *connection).await.unwrap();
    }

    /// The rows of a query.
    pub async fn rows(&self, sql: &str) -> Vec<SqliteRow> {
        let mut connection = self.connection.lock().await;
        sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&mut *connection).await.unwrap()
    }

    /// The first column of a query's rows, as numbers.
    pub async fn numbers(&self, sql: &str) -> Vec<i64> {
        self.rows(sql).await.iter().map(|row| row.get(0)).collect()
    }

    /// The first column of a query's rows, as text.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        self.rows(sql).await.iter().map(|row| row.get(0)).collect()
    }

    /// What the record holds of a request, in order.
    pub async fn actions_of(&self, request: &str) -> Vec<String> {
        self.texts(&format!("SELECT action FROM audit WHERE request_id = '{request}' ORDER BY seq")).await
    }

    /// From now on no audit row with such an action can be written; `%` means any.
    pub async fn refuse_audit(&self, action: &str) {
        self.run(&format!(
            "CREATE TRIGGER no_audit BEFORE INSERT ON audit WHEN NEW.action LIKE '{action}'
             BEGIN SELECT RAISE(ABORT, 'the record can not be written'); END"
        ))
        .await;
    }

    /// Audit rows can be written again.
    pub async fn allow_audit(&self) {
        self.run("DROP TRIGGER no_audit").await;
    }
}
