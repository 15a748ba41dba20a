//! How the one who is signed in wants to be told.

use crate::desk::SignedIn;
use crate::http::App;
use crate::http::extract::{Body, Id};
use crate::http::problem::Answer;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_domain::delivery::Preferences;
use countersign_domain::ids::DeliveryId;
use countersign_wire::me::{MyPreferences, TestBody, TestRow};

pub async fn get_preferences(State(app): State<App>, who: SignedIn) -> Json<MyPreferences> {
    Json(app.desk.my_preferences(&who))
}

pub async fn set_preferences(
    State(app): State<App>,
    who: SignedIn,
    body: Body<Preferences>,
) -> Answer<Json<MyPreferences>> {
    Ok(Json(app.desk.set_my_preferences(&who, body.value).await?))
}

pub async fn create_test(
    State(app): State<App>,
    who: SignedIn,
    body: Body<TestBody>,
) -> Answer<(StatusCode, Json<TestRow>)> {
    Ok((StatusCode::ACCEPTED, Json(app.desk.send_test(&who, body.value.channel).await?)))
}

pub async fn get_test(State(app): State<App>, who: SignedIn, Id(id): Id<DeliveryId>) -> Answer<Json<TestRow>> {
    Ok(Json(app.desk.my_test(&who, id).await?))
}
