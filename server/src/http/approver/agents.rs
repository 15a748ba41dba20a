//! Agents.

use crate::desk::PageParameters;
use crate::desk::SignedIn;
use crate::http::App;
use crate::http::extract::{Body, Id, Parameters};
use crate::http::problem::Answer;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_domain::ids::AgentId;
use countersign_wire::Page;
use countersign_wire::agents::{AgentBody, AgentChange, AgentCreated, AgentRow, CallbackBody};

pub async fn list_agents(
    State(app): State<App>,
    who: SignedIn,
    Parameters(given): Parameters<PageParameters>,
) -> Answer<Json<Page<AgentRow>>> {
    Ok(Json(app.desk.agents(&who, &given).await?))
}

pub async fn create_agent(
    State(app): State<App>,
    who: SignedIn,
    body: Body<AgentBody>,
) -> Answer<(StatusCode, Json<AgentCreated>)> {
    let leave = app.desk.widening(&who)?;
    Ok((StatusCode::CREATED, Json(app.desk.create_agent(&who, &leave, body.value).await?)))
}

pub async fn change_agent(
    State(app): State<App>,
    who: SignedIn,
    Id(id): Id<AgentId>,
    body: Body<AgentChange>,
) -> Answer<Json<AgentRow>> {
    Ok(Json(app.desk.change_agent(&who, id, body.value).await?))
}

pub async fn lift_cool_down(State(app): State<App>, who: SignedIn, Id(id): Id<AgentId>) -> Answer<StatusCode> {
    app.desk.lift_cool_down(&who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn set_callback(
    State(app): State<App>,
    who: SignedIn,
    Id(id): Id<AgentId>,
    body: Body<CallbackBody>,
) -> Answer<Json<AgentCreated>> {
    let leave = app.desk.widening(&who)?;
    Ok(Json(app.desk.set_callback(&who, &leave, id, body.value).await?))
}

pub async fn renew_key(State(app): State<App>, who: SignedIn, Id(id): Id<AgentId>) -> Answer<Json<AgentCreated>> {
    let leave = app.desk.widening(&who)?;
    Ok(Json(app.desk.renew_agent_key(&who, &leave, id).await?))
}
