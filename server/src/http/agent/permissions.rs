//! What an agent may use, and what it has open.

use super::super::App;
use super::super::problem::Answer;
use crate::desk::AgentCaller;
use axum::Json;
use axum::extract::State;
use countersign_wire::agent::{PendingActions, Permissions};

pub async fn list_permissions(State(app): State<App>, caller: AgentCaller) -> Answer<Json<Permissions>> {
    Ok(Json(app.desk.permissions(&caller).await?))
}

pub async fn list_pending_actions(State(app): State<App>, caller: AgentCaller) -> Answer<Json<PendingActions>> {
    Ok(Json(app.desk.pending_actions(&caller).await?))
}
