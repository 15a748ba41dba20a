//! The doors. Each handler extracts, authorizes, calls one use case and answers.

mod agent;
mod approver;
mod docs;
mod extract;
mod health;
mod mcp;
mod named;
pub mod openapi;
mod pages;
mod problem;
mod stream;
mod tries;

use crate::desk::Desk;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::middleware;
use axum::routing::{any, get};
use mcp::Mcp;
use std::sync::Arc;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tries::Tries;

/// The most bytes of a body.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// What may run and be loaded on our pages: ours, nothing inline.
const PAGE_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'";

/// What every handler holds.
#[derive(Clone)]
pub struct App {
    desk: Desk,
    stopping: watch::Receiver<bool>,
    tries: Arc<Tries>,
    mcp: Arc<Mcp>,
}

impl App {
    /// Comes back when the server stops, so that whoever waits can say so.
    async fn stopped(&self) {
        let mut stopping = self.stopping.clone();
        // An error means that the server is gone, which is a stop too.
        let _ = stopping.wait_for(|stop| *stop).await;
    }
}

/// All doors.
pub fn router(desk: Desk, stopping: watch::Receiver<bool>) -> Router {
    let mcp = Arc::new(Mcp::new(&desk, stopping.clone()));
    let app = App { desk, stopping, tries: Arc::new(Tries::new()), mcp };
    let approvers = approver::routes(&app)
        .layer(middleware::from_fn_with_state(app.clone(), extract::check_site))
        .merge(approver::app_routes(&app))
        .layer(middleware::from_fn_with_state(app.clone(), extract::check_host));
    Router::new()
        .nest("/api", approvers)
        .nest("/v1", agent::routes().layer(middleware::from_fn(extract::check_one_host)))
        .route("/mcp", any(mcp::serve))
        .route("/.well-known/oauth-protected-resource", get(mcp::describe_resource))
        .route("/.well-known/oauth-protected-resource/mcp", get(mcp::describe_resource))
        .merge(health::routes())
        .merge(docs::routes())
        .merge(pages::routes())
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(CatchPanicLayer::custom(problem::of_panic))
        .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(X_FRAME_OPTIONS, "DENY"))
        .layer(header(REFERRER_POLICY, "no-referrer"))
        .layer(header(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .layer(header(CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .with_state(app)
}

fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
