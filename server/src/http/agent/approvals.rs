//! `/v1/approvals/{id}`: what became of an ask, taking it back, and external claims.

use super::super::App;
use super::super::extract::{Body, Hook, Id, Parameters, last_event_id};
use super::super::problem::Answer;
use super::super::stream::{self, Listener};
use super::actions::idempotency_key;
use super::capped;
use crate::desk::{AgentCaller, ClaimKey, Desk, Wait, Waiting};
use crate::store::events::Event;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::Event as SseEvent;
use axum::response::{IntoResponse, Response};
use countersign_domain::ids::RequestId;
use countersign_domain::request::RequestState;
use countersign_wire::agent::{Approval, Claim, OutcomeBody, StateChange};
use serde::Deserialize;

/// The parameters of `GET /v1/approvals/{id}`.
#[derive(Deserialize)]
pub struct ApprovalParameters {
    wait: Option<u64>,
}

pub async fn get_approval(
    State(app): State<App>,
    caller: AgentCaller,
    Id(id): Id<RequestId>,
    Hook(hook): Hook,
    Parameters(parameters): Parameters<ApprovalParameters>,
) -> Answer<Json<Approval>> {
    let request = match parameters.wait {
        None | Some(0) => app.desk.request_of(&caller, id).await?,
        Some(seconds) => {
            let waiting = match &hook {
                Some(hook) => app.desk.wait_for(&*app.desk.request_of(&caller, id).await?, Some(hook)).await?,
                None => None,
            };
            let request = tokio::select! {
                moved = app.desk.await_request(&caller, id, Wait::ForMove(capped(seconds))) => moved?,
                () = app.stopped() => app.desk.request_of(&caller, id).await?,
            };
            if !request.has_ended() {
                waiting.into_iter().for_each(Waiting::asks_on);
            }
            request
        }
    };
    // What the agent runs itself is its own by the claim, and all else once it has heard the end.
    if request.has_ended() && request.state != RequestState::Approved {
        app.desk.note_delivery(&request).await?;
    }
    let granted = app.desk.granted(&request).await?;
    Ok(Json(Approval { granted, ..app.desk.approval(&request)? }))
}

pub async fn withdraw_approval(
    State(app): State<App>,
    caller: AgentCaller,
    Id(id): Id<RequestId>,
    Hook(hook): Hook,
) -> Answer<Json<Approval>> {
    let request = match &hook {
        Some(hook) => app.desk.leave(&caller, id, hook).await?,
        None => app.desk.withdraw(&caller, id).await?,
    };
    Ok(Json(app.desk.approval(&request)?))
}

pub async fn claim_approval(
    State(app): State<App>,
    caller: AgentCaller,
    Id(id): Id<RequestId>,
    headers: HeaderMap,
) -> Answer<Json<Claim>> {
    let key = idempotency_key(&headers)?;
    Ok(Json(app.desk.claim(&caller, id, key.as_deref().map(ClaimKey::Given)).await?))
}

pub async fn report_outcome(
    State(app): State<App>,
    caller: AgentCaller,
    Id(id): Id<RequestId>,
    body: Body<OutcomeBody>,
) -> Answer<Json<Approval>> {
    app.desk.report(&caller, id, body.value).await?;
    let request = app.desk.request_of(&caller, id).await?;
    Ok(Json(app.desk.approval(&request)?))
}

pub async fn watch_approval(
    State(app): State<App>,
    caller: AgentCaller,
    Id(id): Id<RequestId>,
    headers: HeaderMap,
) -> Answer<Response> {
    let request = app.desk.request_of(&caller, id).await?;
    let ends_approved = request.ends_approved();
    // Read before the events are, or one that comes in between is missed.
    let newest = app.desk.last_event().await?;
    let told = last_event_id(&headers).unwrap_or(0);
    let after = match app.desk.first_event_before(id, told).await? {
        Some(before) => before,
        // 204 tells an `EventSource` not to come back (HTML, section 9.2.3): nothing follows an end.
        None if request.has_ended() => return Ok(StatusCode::NO_CONTENT.into_response()),
        None => told.min(newest),
    };
    let listener = OneRequest { desk: app.desk.clone(), caller, id, ends_approved };
    Ok(stream::events(app, listener, after).into_response())
}

/// An agent that follows one of its requests.
struct OneRequest {
    desk: Desk,
    caller: AgentCaller,
    id: RequestId,
    ends_approved: bool,
}

impl Listener for OneRequest {
    fn stands(&self) -> bool {
        self.desk.agent_stands(&self.caller)
    }

    fn told(&self, event: &Event) -> Option<SseEvent> {
        if event.request_id != self.id {
            return None;
        }
        let change =
            StateChange { approval_id: self.id, status: event.state.status(), state: event.state, at: event.at };
        SseEvent::default().id(event.seq.to_string()).event("state").json_data(change).ok()
    }

    fn is_last(&self, event: &Event) -> bool {
        event.request_id == self.id && event.state.has_ended(self.ends_approved)
    }
}
