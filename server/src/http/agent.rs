//! The agents' door, `/v1`.

mod access;
mod actions;
mod approvals;
mod authzen;
mod permissions;

use super::App;
use super::problem::DoorError;
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use countersign_wire::problem::Code;
use std::time::Duration;

/// The longest that a caller is held.
const LONGEST_WAIT: u64 = 55;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/actions", post(actions::create_action))
        .route("/approvals/{id}", get(approvals::get_approval).delete(approvals::withdraw_approval))
        .route("/approvals/{id}/events", get(approvals::watch_approval))
        .route("/approvals/{id}/claim", post(approvals::claim_approval))
        .route("/approvals/{id}/outcome", post(approvals::report_outcome))
        .route("/agent/permissions", get(permissions::list_permissions))
        .route("/agents/me/pending-actions", get(permissions::list_pending_actions))
        .route("/access-request", post(access::create_access_request))
        .route("/access-request/status/{token}", get(access::get_access_status))
        .route("/authzen/access", post(authzen::evaluate_access))
        .route("/openapi.json", get(super::openapi::get_document))
        .fallback(no_such_call)
        .method_not_allowed_fallback(wrong_method)
}

async fn no_such_call() -> DoorError {
    DoorError::new(Code::NotFound, "There is no such call. See /docs.")
}

async fn wrong_method() -> DoorError {
    DoorError::new(Code::MethodNotAllowed, "This call takes another method. See /docs.")
}

/// `Prefer: wait=N` (RFC 7240, section 4.3), at most 55 seconds. Other preferences are not ours to honour.
fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let wait = preferences
        .flat_map(|value| value.split([',', ';']))
        .filter_map(|preference| preference.trim().split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))?;
    let seconds = wait.1.trim().trim_matches('"').parse::<u64>().ok()?;
    Some(capped(seconds))
}

fn capped(seconds: u64) -> Duration {
    Duration::from_secs(seconds.min(LONGEST_WAIT))
}
