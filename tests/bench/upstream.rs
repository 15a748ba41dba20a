//! The upstream of the bench: as fast as one can be, so that what is added to it shows.

use axum::Router;
use axum::routing::any;
use tokio::net::TcpListener;

/// Starts it; its address. It runs as long as the bench does.
pub(crate) async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(any(|| async { r#"{"id":"ch_1","amount":4900}"# }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}
