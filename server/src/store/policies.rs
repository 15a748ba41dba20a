//! Policies and flows, each with every version that it ever had.

use super::row::{Columns as _, to_json};
use super::{Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::flow::FlowBody;
use countersign_domain::ids::{FlowId, PolicyId};
use countersign_domain::policy::PolicyBody;
use std::collections::HashMap;

/// A stored policy.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyRecord {
    /// Which.
    pub id: PolicyId,
    /// What it says.
    pub body: PolicyBody,
    /// Grows with every edit.
    pub version: i64,
    /// Whether it is looked at.
    pub active: bool,
    /// Whether a desk file made it.
    pub from_file: bool,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A stored flow.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowRecord {
    /// Which.
    pub id: FlowId,
    /// What it says.
    pub body: FlowBody,
    /// Grows with every edit.
    pub version: i64,
    /// Whether a desk file made it.
    pub from_file: bool,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// All policies, by name.
pub async fn all(connection: &mut Connection) -> Result<Vec<PolicyRecord>, StoreError> {
    let rows = sqlx::query("SELECT * FROM policies ORDER BY name, id").fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            Ok(PolicyRecord {
                id: row.id("id")?,
                body: row.json("body")?,
                version: row.int("version")?,
                active: row.truth("active")?,
                from_file: row.truth("from_file")?,
                updated_at: row.time("updated_at")?,
            })
        })
        .collect()
}

/// All flows, by name.
pub async fn all_flows(connection: &mut Connection) -> Result<Vec<FlowRecord>, StoreError> {
    let rows = sqlx::query("SELECT * FROM flows ORDER BY name, id").fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            Ok(FlowRecord {
                id: row.id("id")?,
                body: row.json("body")?,
                version: row.int("version")?,
                from_file: row.truth("from_file")?,
                updated_at: row.time("updated_at")?,
            })
        })
        .collect()
}

/// Every version of every flow: what open and past requests were made under.
pub async fn flow_versions(connection: &mut Connection) -> Result<HashMap<(FlowId, i64), FlowBody>, StoreError> {
    let rows = sqlx::query("SELECT flow_id, version, body FROM flow_versions").fetch_all(connection).await?;
    rows.iter().map(|row| Ok(((row.id("flow_id")?, row.int("version")?), row.json("body")?))).collect()
}

/// Adds a policy or stores all of it, and keeps this version for good.
pub async fn put(connection: &mut Connection, policy: &PolicyRecord) -> Result<(), StoreError> {
    let body = to_json(&policy.body)?;
    sqlx::query(
        "INSERT INTO policies (id, name, body, version, active, from_file, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, body = excluded.body, version = excluded.version,
         active = excluded.active, from_file = excluded.from_file, updated_at = excluded.updated_at",
    )
    .bind(policy.id.to_string())
    .bind(policy.body.name.clone())
    .bind(body.clone())
    .bind(policy.version)
    .bind(i64::from(policy.active))
    .bind(i64::from(policy.from_file))
    .bind(policy.updated_at.millis())
    .execute(&mut *connection)
    .await?;
    sqlx::query("INSERT INTO policy_versions (policy_id, version, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(policy.id.to_string())
        .bind(policy.version)
        .bind(body)
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes a flow. Its versions stay: requests were asked under them.
pub async fn delete_flow(connection: &mut Connection, id: FlowId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM flows WHERE id = $1").bind(id.to_string()).execute(connection).await?;
    Ok(())
}

/// Adds a flow or stores all of it, and keeps this version for good.
pub async fn put_flow(connection: &mut Connection, flow: &FlowRecord) -> Result<(), StoreError> {
    let body = to_json(&flow.body)?;
    sqlx::query(
        "INSERT INTO flows (id, name, body, version, active, from_file, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, body = excluded.body, version = excluded.version,
         active = excluded.active, from_file = excluded.from_file, updated_at = excluded.updated_at",
    )
    .bind(flow.id.to_string())
    .bind(flow.body.name.clone())
    .bind(body.clone())
    .bind(flow.version)
    .bind(i64::from(flow.body.active))
    .bind(i64::from(flow.from_file))
    .bind(flow.updated_at.millis())
    .execute(&mut *connection)
    .await?;
    sqlx::query("INSERT INTO flow_versions (flow_id, version, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(flow.id.to_string())
        .bind(flow.version)
        .bind(body)
        .execute(connection)
        .await?;
    Ok(())
}
