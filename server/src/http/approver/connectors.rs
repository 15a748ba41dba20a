//! Connectors and their tools.

use crate::desk::PageParameters;
use crate::desk::{Admin, SignedIn};
use crate::http::App;
use crate::http::extract::{Body, Id, Parameters};
use crate::http::problem::Answer;
use axum::Json;
use axum::extract::State;
use countersign_domain::ids::ConnectorId;
use countersign_wire::Page;
use countersign_wire::connectors::{ConnectorChange, ConnectorRow, ToolChange};

pub async fn list_connectors(
    State(app): State<App>,
    who: SignedIn,
    Parameters(given): Parameters<PageParameters>,
) -> Answer<Json<Page<ConnectorRow>>> {
    Ok(Json(app.desk.connectors(&who, &given).await?))
}

pub async fn get_connector(
    State(app): State<App>,
    who: SignedIn,
    Id(id): Id<ConnectorId>,
) -> Answer<Json<ConnectorRow>> {
    Ok(Json(app.desk.connector(&who, id).await?))
}

pub async fn change_connector(
    State(app): State<App>,
    admin: Admin,
    Id(id): Id<ConnectorId>,
    body: Body<ConnectorChange>,
) -> Answer<Json<ConnectorRow>> {
    Ok(Json(app.desk.change_connector(&admin, id, body.value).await?))
}

pub async fn check_connector(
    State(app): State<App>,
    admin: Admin,
    Id(id): Id<ConnectorId>,
) -> Answer<Json<ConnectorRow>> {
    Ok(Json(app.desk.check_connector_now(&admin, id).await?))
}

pub async fn change_tool(
    State(app): State<App>,
    admin: Admin,
    Id(id): Id<ConnectorId>,
    body: Body<ToolChange>,
) -> Answer<Json<ConnectorRow>> {
    let leave = app.desk.widening(admin.signed_in())?;
    Ok(Json(app.desk.change_tool(&admin, &leave, id, body.value).await?))
}
