//! The browsers that a person is told on.

use crate::desk::SignedIn;
use crate::http::App;
use crate::http::extract::{Body, Id};
use crate::http::problem::Answer;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_domain::ids::SubscriptionId;
use countersign_wire::Page;
use countersign_wire::me::{BrowserBody, BrowserRow, PushKey};

pub async fn get_key(State(app): State<App>, _who: SignedIn) -> Json<PushKey> {
    Json(app.desk.push_key())
}

pub async fn list_browsers(State(app): State<App>, who: SignedIn) -> Answer<Json<Page<BrowserRow>>> {
    Ok(Json(app.desk.my_browsers(&who).await?))
}

pub async fn add_browser(
    State(app): State<App>,
    who: SignedIn,
    body: Body<BrowserBody>,
) -> Answer<(StatusCode, Json<BrowserRow>)> {
    Ok((StatusCode::CREATED, Json(app.desk.add_browser(&who, body.value).await?)))
}

pub async fn remove_browser(State(app): State<App>, who: SignedIn, Id(id): Id<SubscriptionId>) -> Answer<StatusCode> {
    app.desk.remove_browser(&who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
