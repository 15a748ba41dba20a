//! Whether the server lives, is ready, and how it fares.

use super::App;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/healthz", get(get_health))
        .route("/readyz", get(get_readiness))
        .route("/metrics", get(get_metrics))
}

async fn get_health() -> &'static str {
    "ok\n"
}

/// Ready is: the store answers and takes writes, and the server is not stopping.
async fn get_readiness(State(app): State<App>) -> impl IntoResponse {
    if *app.stopping.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match app.desk.probe().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the store can't be written\n")
        }
    }
}

/// Prometheus' text format, version 0.0.4. Counts only; nothing of any request.
async fn get_metrics(State(app): State<App>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], app.desk.metrics().await)
}
