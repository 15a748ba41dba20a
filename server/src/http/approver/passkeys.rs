//! One's own passkeys.

use crate::desk::SignedIn;
use crate::http::App;
use crate::http::extract::{Body, Id};
use crate::http::problem::Answer;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_domain::ids::PasskeyId;
use countersign_wire::Page;
use countersign_wire::requests::{CeremonyFinish, CeremonyOptions};
use countersign_wire::session::{PasskeyRow, PasskeyStart};

pub async fn list_passkeys(State(app): State<App>, who: SignedIn) -> Answer<Json<Page<PasskeyRow>>> {
    Ok(Json(app.desk.my_passkeys(&who).await?))
}

pub async fn start_passkey(
    State(app): State<App>,
    who: SignedIn,
    body: Body<PasskeyStart>,
) -> Answer<Json<CeremonyOptions>> {
    Ok(Json(app.desk.start_passkey(&who, body.value).await?))
}

pub async fn finish_passkey(
    State(app): State<App>,
    who: SignedIn,
    body: Body<CeremonyFinish>,
) -> Answer<Json<PasskeyRow>> {
    Ok(Json(app.desk.finish_passkey(&who, body.value).await?))
}

pub async fn delete_passkey(State(app): State<App>, who: SignedIn, Id(id): Id<PasskeyId>) -> Answer<StatusCode> {
    let leave = app.desk.widening(&who)?;
    app.desk.remove_passkey(&who, &leave, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
