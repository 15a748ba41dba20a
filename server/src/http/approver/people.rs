//! People and invitations.

use crate::desk::Admin;
use crate::desk::PageParameters;
use crate::http::App;
use crate::http::extract::{Body, Id, Parameters};
use crate::http::problem::Answer;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_domain::ids::UserId;
use countersign_wire::Page;
use countersign_wire::people::{Invitation, InvitationBody, UserChange, UserRow};

pub async fn list_users(
    State(app): State<App>,
    admin: Admin,
    Parameters(given): Parameters<PageParameters>,
) -> Answer<Json<Page<UserRow>>> {
    Ok(Json(app.desk.people(&admin, &given).await?))
}

pub async fn change_user(
    State(app): State<App>,
    admin: Admin,
    Id(id): Id<UserId>,
    body: Body<UserChange>,
) -> Answer<Json<UserRow>> {
    let leave = app.desk.widening(admin.signed_in())?;
    Ok(Json(app.desk.change_person(&admin, &leave, id, body.value).await?))
}

pub async fn create_invitation(
    State(app): State<App>,
    admin: Admin,
    body: Body<InvitationBody>,
) -> Answer<(StatusCode, Json<Invitation>)> {
    let leave = app.desk.widening(admin.signed_in())?;
    Ok((StatusCode::CREATED, Json(app.desk.invite(&admin, &leave, body.value).await?)))
}
