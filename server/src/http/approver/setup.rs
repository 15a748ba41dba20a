//! First steps: what the desk is, setting it up, taking an invitation.

use super::session::{Entered, entered};
use crate::http::App;
use crate::http::extract::Body;
use crate::http::problem::Answer;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_wire::requests::{CeremonyFinish, CeremonyOptions};
use countersign_wire::session::{DeskInfo, InvitationAccept, InvitationInfo, LinkToken, SetupStart};

pub async fn get_desk(State(app): State<App>) -> Json<DeskInfo> {
    Json(app.desk.info())
}

pub async fn look_at_setup(State(app): State<App>, body: Body<LinkToken>) -> Answer<StatusCode> {
    app.desk.look_at_setup(&body.value).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn start_setup(State(app): State<App>, body: Body<SetupStart>) -> Answer<Json<CeremonyOptions>> {
    Ok(Json(app.desk.start_setup(body.value).await?))
}

pub async fn finish_setup(State(app): State<App>, body: Body<CeremonyFinish>) -> Answer<Entered> {
    let (who, token) = app.desk.finish_setup(body.value).await?;
    entered(&app, &who, &token).await
}

pub async fn look_at_invitation(State(app): State<App>, body: Body<LinkToken>) -> Answer<Json<InvitationInfo>> {
    Ok(Json(app.desk.look_at_invitation(&body.value).await?))
}

pub async fn start_invitation(State(app): State<App>, body: Body<InvitationAccept>) -> Answer<Json<CeremonyOptions>> {
    Ok(Json(app.desk.start_invitation(body.value).await?))
}

pub async fn finish_invitation(State(app): State<App>, body: Body<CeremonyFinish>) -> Answer<Entered> {
    let (who, token) = app.desk.finish_invitation(body.value).await?;
    entered(&app, &who, &token).await
}
