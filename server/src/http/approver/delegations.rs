//! Out of office.

use crate::desk::SignedIn;
use crate::http::App;
use crate::http::extract::{Body, Id};
use crate::http::problem::Answer;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_domain::ids::DelegationId;
use countersign_wire::Page;
use countersign_wire::people::{DelegationBody, DelegationRow};

pub async fn list_delegations(State(app): State<App>, who: SignedIn) -> Answer<Json<Page<DelegationRow>>> {
    Ok(Json(app.desk.delegations(&who).await?))
}

pub async fn create_delegation(
    State(app): State<App>,
    who: SignedIn,
    body: Body<DelegationBody>,
) -> Answer<(StatusCode, Json<DelegationRow>)> {
    let leave = app.desk.widening(&who)?;
    Ok((StatusCode::CREATED, Json(app.desk.delegate(&who, &leave, body.value).await?)))
}

pub async fn end_delegation(State(app): State<App>, who: SignedIn, Id(id): Id<DelegationId>) -> Answer<StatusCode> {
    app.desk.end_delegation(&who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
