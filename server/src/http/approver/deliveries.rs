//! What was told to whom, and sending it again.

use crate::desk::{Admin, DeliveryParameters};
use crate::http::App;
use crate::http::extract::{Id, Parameters};
use crate::http::problem::Answer;
use axum::Json;
use axum::extract::State;
use countersign_domain::ids::DeliveryId;
use countersign_wire::Page;
use countersign_wire::deliveries::DeliveryRow;

pub async fn list_deliveries(
    State(app): State<App>,
    admin: Admin,
    Parameters(given): Parameters<DeliveryParameters>,
) -> Answer<Json<Page<DeliveryRow>>> {
    Ok(Json(app.desk.deliveries(&admin, &given).await?))
}

pub async fn retry_delivery(State(app): State<App>, admin: Admin, Id(id): Id<DeliveryId>) -> Answer<Json<DeliveryRow>> {
    Ok(Json(app.desk.retry_delivery(&admin, id).await?))
}
