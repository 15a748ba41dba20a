//! Flows.

use crate::desk::PageParameters;
use crate::desk::{Admin, SignedIn};
use crate::http::App;
use crate::http::extract::{Body, Id, Parameters};
use crate::http::problem::Answer;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_domain::flow::FlowBody;
use countersign_domain::ids::FlowId;
use countersign_wire::Page;
use countersign_wire::policies::FlowRow;

pub async fn list_flows(
    State(app): State<App>,
    who: SignedIn,
    Parameters(given): Parameters<PageParameters>,
) -> Answer<Json<Page<FlowRow>>> {
    Ok(Json(app.desk.flows(&who, &given).await?))
}

pub async fn create_flow(
    State(app): State<App>,
    admin: Admin,
    body: Body<FlowBody>,
) -> Answer<(StatusCode, Json<FlowRow>)> {
    let leave = app.desk.widening(admin.signed_in())?;
    Ok((StatusCode::CREATED, Json(app.desk.create_flow(&admin, &leave, body.value).await?)))
}

pub async fn edit_flow(
    State(app): State<App>,
    admin: Admin,
    Id(id): Id<FlowId>,
    body: Body<FlowBody>,
) -> Answer<Json<FlowRow>> {
    let leave = app.desk.widening(admin.signed_in())?;
    Ok(Json(app.desk.edit_flow(&admin, &leave, id, body.value).await?))
}

pub async fn delete_flow(State(app): State<App>, admin: Admin, Id(id): Id<FlowId>) -> Answer<StatusCode> {
    let leave = app.desk.widening(admin.signed_in())?;
    app.desk.delete_flow(&admin, &leave, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
