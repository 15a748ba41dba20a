//! Grants: listed, and taken back.

use crate::desk::{GrantParameters, SignedIn};
use crate::http::App;
use crate::http::extract::{Id, Parameters};
use crate::http::problem::Answer;
use axum::Json;
use axum::extract::State;
use countersign_domain::ids::GrantId;
use countersign_wire::Page;
use countersign_wire::grants::GrantRow;

pub async fn list_grants(
    State(app): State<App>,
    who: SignedIn,
    Parameters(given): Parameters<GrantParameters>,
) -> Answer<Json<Page<GrantRow>>> {
    Ok(Json(app.desk.grants(&who, given).await?))
}

pub async fn revoke_grant(State(app): State<App>, who: SignedIn, Id(id): Id<GrantId>) -> Answer<Json<GrantRow>> {
    Ok(Json(app.desk.revoke_grant(&who, id).await?))
}
