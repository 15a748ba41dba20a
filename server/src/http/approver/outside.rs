//! People outside, who have a link and a code and no session.

use crate::http::App;
use crate::http::extract::Body;
use crate::http::problem::Answer;
use axum::Json;
use axum::extract::State;
use countersign_wire::outside::{OutsideDecision, OutsideView};
use countersign_wire::requests::Decided;
use countersign_wire::session::LinkToken;

pub async fn look_outside(State(app): State<App>, body: Body<LinkToken>) -> Answer<Json<OutsideView>> {
    Ok(Json(app.desk.look_outside(&body.value.token).await?))
}

pub async fn decide_outside(State(app): State<App>, body: Body<OutsideDecision>) -> Answer<Json<Decided>> {
    Ok(Json(app.desk.decide_outside(body.value).await?))
}
