//! People.

use super::row::{Columns as _, to_json};
use super::{Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::delivery::Preferences;
use countersign_domain::ids::UserId;
use countersign_domain::user::Role;
use sqlx::any::AnyRow;

/// A person with an account.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// Their address, in its normal spelling.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their role.
    pub role: Role,
    /// Their groups.
    pub groups: Vec<String>,
    /// Whether the account is open.
    pub active: bool,
    /// Whether a desk file made it.
    pub from_file: bool,
    /// Since when.
    pub created_at: Timestamp,
    /// When they were last here.
    pub last_seen_at: Option<Timestamp>,
    /// How they want to be told.
    pub preferences: Preferences,
}

fn read(row: &AnyRow) -> Result<User, StoreError> {
    Ok(User {
        id: row.id("id")?,
        email: row.text("email")?,
        name: row.text("name")?,
        role: row.word("role", Role::from_word)?,
        groups: row.json("groups")?,
        active: row.truth("active")?,
        from_file: row.truth("from_file")?,
        created_at: row.time("created_at")?,
        last_seen_at: row.maybe_time("last_seen_at")?,
        preferences: row.maybe_json("preferences")?.unwrap_or_default(),
    })
}

/// Everybody, in the order they came.
pub async fn all(connection: &mut Connection) -> Result<Vec<User>, StoreError> {
    let rows = sqlx::query("SELECT * FROM users ORDER BY created_at, id").fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

/// One person.
pub async fn by_id(connection: &mut Connection, id: UserId) -> Result<Option<User>, StoreError> {
    let row = sqlx::query("SELECT * FROM users WHERE id = $1").bind(id.to_string()).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// One person by their address in its normal spelling.
pub async fn by_email(connection: &mut Connection, email: &str) -> Result<Option<User>, StoreError> {
    let row = sqlx::query("SELECT * FROM users WHERE email = $1").bind(email).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// Adds a person.
pub async fn insert(connection: &mut Connection, user: &User) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO users (id, email, name, role, groups, active, from_file, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(user.id.to_string())
    .bind(user.email.clone())
    .bind(user.name.clone())
    .bind(user.role.word())
    .bind(to_json(&user.groups)?)
    .bind(i64::from(user.active))
    .bind(i64::from(user.from_file))
    .bind(user.created_at.millis())
    .execute(connection)
    .await?;
    Ok(())
}

/// Stores a person's name, role, groups, whether the account is open, and whether a file owns it.
pub async fn update(connection: &mut Connection, user: &User) -> Result<(), StoreError> {
    sqlx::query("UPDATE users SET name = $2, role = $3, groups = $4, active = $5, from_file = $6 WHERE id = $1")
        .bind(user.id.to_string())
        .bind(user.name.clone())
        .bind(user.role.word())
        .bind(to_json(&user.groups)?)
        .bind(i64::from(user.active))
        .bind(i64::from(user.from_file))
        .execute(connection)
        .await?;
    Ok(())
}

/// Stores how a person wants to be told.
pub async fn set_preferences(
    connection: &mut Connection,
    id: UserId,
    preferences: &Preferences,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE users SET preferences = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(to_json(preferences)?)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes that a person was here.
pub async fn seen(connection: &mut Connection, id: UserId, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE users SET last_seen_at = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(now.millis())
        .execute(connection)
        .await?;
    Ok(())
}
