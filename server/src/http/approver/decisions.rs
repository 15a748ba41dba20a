//! Deciding a request.

use crate::desk::SignedIn;
use crate::http::App;
use crate::http::extract::{Body, Id};
use crate::http::problem::Answer;
use axum::Json;
use axum::extract::State;
use countersign_domain::ids::RequestId;
use countersign_wire::requests::{CeremonyFinish, CeremonyOptions, Decided, DecisionBody};

pub async fn create_decision(
    State(app): State<App>,
    who: SignedIn,
    Id(id): Id<RequestId>,
    body: Body<DecisionBody>,
) -> Answer<Json<Decided>> {
    Ok(Json(app.desk.decide(&who, id, body.value).await?))
}

pub async fn start_decision(
    State(app): State<App>,
    who: SignedIn,
    Id(id): Id<RequestId>,
    body: Body<DecisionBody>,
) -> Answer<Json<CeremonyOptions>> {
    Ok(Json(app.desk.start_decision(&who, id, body.value).await?))
}

pub async fn finish_decision(
    State(app): State<App>,
    who: SignedIn,
    Id(id): Id<RequestId>,
    body: Body<CeremonyFinish>,
) -> Answer<Json<Decided>> {
    Ok(Json(app.desk.finish_decision(&who, id, body.value).await?))
}
