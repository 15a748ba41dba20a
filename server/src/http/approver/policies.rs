//! Policies.

use crate::desk::Admin;
use crate::desk::PageParameters;
use crate::http::App;
use crate::http::extract::{Body, Id, Parameters};
use crate::http::problem::Answer;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_domain::ids::PolicyId;
use countersign_domain::policy::PolicyBody;
use countersign_wire::Page;
use countersign_wire::policies::{PolicyChange, PolicyRow};

pub async fn list_policies(
    State(app): State<App>,
    admin: Admin,
    Parameters(given): Parameters<PageParameters>,
) -> Answer<Json<Page<PolicyRow>>> {
    Ok(Json(app.desk.policies(&admin, &given).await?))
}

pub async fn create_policy(
    State(app): State<App>,
    admin: Admin,
    body: Body<PolicyBody>,
) -> Answer<(StatusCode, Json<PolicyRow>)> {
    let leave = app.desk.widening(admin.signed_in())?;
    Ok((StatusCode::CREATED, Json(app.desk.create_policy(&admin, &leave, body.value).await?)))
}

pub async fn edit_policy(
    State(app): State<App>,
    admin: Admin,
    Id(id): Id<PolicyId>,
    body: Body<PolicyBody>,
) -> Answer<Json<PolicyRow>> {
    let leave = app.desk.widening(admin.signed_in())?;
    Ok(Json(app.desk.edit_policy(&admin, &leave, id, body.value).await?))
}

pub async fn switch_policy(
    State(app): State<App>,
    admin: Admin,
    Id(id): Id<PolicyId>,
    body: Body<PolicyChange>,
) -> Answer<Json<PolicyRow>> {
    let leave = app.desk.widening(admin.signed_in())?;
    Ok(Json(app.desk.switch_policy(&admin, &leave, id, body.value.active).await?))
}
