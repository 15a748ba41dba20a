//! The approvers' door, `/api`: people, by cookie in browsers.

mod agents;
mod connectors;
mod decisions;
mod delegations;
mod deliveries;
mod events;
mod flows;
mod grants;
mod me;
mod outside;
mod passkeys;
mod people;
mod policies;
mod push;
mod requests;
mod session;
mod setup;

use super::App;
use super::problem::DoorError;
use super::tries::count_tries;
use axum::Router;
use axum::middleware;
use axum::routing::{delete, get, patch, post, put};
use countersign_wire::problem::Code;

pub fn routes(app: &App) -> Router<App> {
    Router::new()
        .merge(entrances().layer(middleware::from_fn_with_state(app.clone(), count_tries)))
        .merge(doors())
        .merge(own())
        .merge(queue())
        .merge(settings())
        .fallback(no_such_call)
        .method_not_allowed_fallback(wrong_method)
}

/// The desktop app's own door, where no browser comes: it has no page to be called from.
pub fn app_routes(app: &App) -> Router<App> {
    Router::new()
        .route("/session/token", post(session::redeem_app_code))
        .layer(middleware::from_fn_with_state(app.clone(), count_tries))
        .method_not_allowed_fallback(wrong_method)
}

/// What anybody may try who is not known yet.
fn entrances() -> Router<App> {
    Router::new()
        .route("/session/link", post(session::use_link))
        .route("/session/passkey/start", post(session::start_sign_in))
        .route("/session/passkey/finish", post(session::finish_sign_in))
        .route("/outside/look", post(outside::look_outside))
        .route("/outside/decide", post(outside::decide_outside))
        .route("/setup/look", post(setup::look_at_setup))
        .route("/setup/start", post(setup::start_setup))
        .route("/setup/finish", post(setup::finish_setup))
        .route("/invitations/look", post(setup::look_at_invitation))
        .route("/invitations/accept/start", post(setup::start_invitation))
        .route("/invitations/accept/finish", post(setup::finish_invitation))
}

/// Out, again, and what a person has.
fn doors() -> Router<App> {
    Router::new()
        .route("/desk", get(setup::get_desk))
        .route("/session", get(session::get_session).delete(session::delete_session))
        .route("/session/app", post(session::make_app_code))
        .route("/session/reauth/start", post(session::start_reauth))
        .route("/session/reauth/finish", post(session::finish_reauth))
        .route("/invitations", post(people::create_invitation))
        .route("/passkeys", get(passkeys::list_passkeys))
        .route("/passkeys/start", post(passkeys::start_passkey))
        .route("/passkeys/finish", post(passkeys::finish_passkey))
        .route("/passkeys/{id}", delete(passkeys::delete_passkey))
        .route("/delegations", get(delegations::list_delegations).post(delegations::create_delegation))
        .route("/delegations/{id}", delete(delegations::end_delegation))
}

/// How a person wants to be told.
fn own() -> Router<App> {
    Router::new()
        .route("/me/preferences", get(me::get_preferences).put(me::set_preferences))
        .route("/me/tests", post(me::create_test))
        .route("/me/tests/{id}", get(me::get_test))
        .route("/push/key", get(push::get_key))
        .route("/push/subscriptions", get(push::list_browsers).post(push::add_browser))
        .route("/push/subscriptions/{id}", delete(push::remove_browser))
}

/// Requests and what is decided of them.
fn queue() -> Router<App> {
    Router::new()
        .route("/requests", get(requests::list_requests))
        .route("/requests/{id}", get(requests::get_request))
        .route("/requests/{id}/withdraw", post(requests::withdraw_request))
        .route("/requests/{id}/report", post(requests::report_request))
        .route("/requests/{id}/send-on", post(requests::send_request_on))
        .route("/requests/{id}/approvers", post(requests::add_approvers))
        .route("/requests/{id}/policy-draft", get(requests::draft_policy))
        .route("/requests/{id}/decisions", post(decisions::create_decision))
        .route("/requests/{id}/decisions/start", post(decisions::start_decision))
        .route("/requests/{id}/decisions/finish", post(decisions::finish_decision))
        .route("/events", get(events::watch_events))
}

/// What admins and owners set.
fn settings() -> Router<App> {
    Router::new()
        .route("/users", get(people::list_users))
        .route("/users/{id}", patch(people::change_user))
        .route("/agents", get(agents::list_agents).post(agents::create_agent))
        .route("/agents/{id}", patch(agents::change_agent))
        .route("/agents/{id}/key", post(agents::renew_key))
        .route("/agents/{id}/callback", put(agents::set_callback))
        .route("/agents/{id}/cool-down", delete(agents::lift_cool_down))
        .route("/grants", get(grants::list_grants))
        .route("/grants/{id}/revoke", post(grants::revoke_grant))
        .route("/deliveries", get(deliveries::list_deliveries))
        .route("/deliveries/{id}/retry", post(deliveries::retry_delivery))
        .route("/connectors", get(connectors::list_connectors))
        .route("/connectors/{id}", get(connectors::get_connector).patch(connectors::change_connector))
        .route("/connectors/{id}/check", post(connectors::check_connector))
        .route("/connectors/{id}/tools", patch(connectors::change_tool))
        .route("/policies", get(policies::list_policies).post(policies::create_policy))
        .route("/policies/{id}", put(policies::edit_policy).patch(policies::switch_policy))
        .route("/flows", get(flows::list_flows).post(flows::create_flow))
        .route("/flows/{id}", put(flows::edit_flow).delete(flows::delete_flow))
}

async fn no_such_call() -> DoorError {
    DoorError::new(Code::NotFound, "There is no such call.")
}

async fn wrong_method() -> DoorError {
    DoorError::new(Code::MethodNotAllowed, "This call takes another method.")
}
