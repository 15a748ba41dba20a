//! The queue and its cards.

use crate::desk::list::ListParameters;
use crate::desk::{Admin, SignedIn};
use crate::http::App;
use crate::http::extract::{Body, Id, Parameters};
use crate::http::problem::Answer;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_domain::ids::RequestId;
use countersign_domain::policy::PolicyBody;
use countersign_wire::requests::{AlsoAsk, Card, Decided, RequestPage};

pub async fn list_requests(
    State(app): State<App>,
    who: SignedIn,
    Parameters(parameters): Parameters<ListParameters>,
) -> Answer<Json<RequestPage>> {
    Ok(Json(app.desk.list_requests(&who, parameters).await?))
}

pub async fn get_request(State(app): State<App>, who: SignedIn, Id(id): Id<RequestId>) -> Answer<Json<Card>> {
    Ok(Json(app.desk.card(&who, id).await?))
}

pub async fn withdraw_request(State(app): State<App>, who: SignedIn, Id(id): Id<RequestId>) -> Answer<Json<Decided>> {
    let request = app.desk.withdraw_as_owner(&who, id).await?;
    Ok(Json(Decided { id, state: request.state }))
}

pub async fn report_request(State(app): State<App>, who: SignedIn, Id(id): Id<RequestId>) -> Answer<StatusCode> {
    app.desk.report_agent(&who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn send_request_on(State(app): State<App>, who: SignedIn, Id(id): Id<RequestId>) -> Answer<StatusCode> {
    app.desk.send_on(&who, id).await?;
    Ok(StatusCode::ACCEPTED)
}

pub async fn add_approvers(
    State(app): State<App>,
    admin: Admin,
    Id(id): Id<RequestId>,
    body: Body<AlsoAsk>,
) -> Answer<Json<Card>> {
    let leave = app.desk.widening(admin.signed_in())?;
    app.desk.also_ask(&admin, &leave, id, body.value).await?;
    Ok(Json(app.desk.card(admin.signed_in(), id).await?))
}

pub async fn draft_policy(State(app): State<App>, admin: Admin, Id(id): Id<RequestId>) -> Answer<Json<PolicyBody>> {
    Ok(Json(app.desk.draft_policy(&admin, id).await?))
}
