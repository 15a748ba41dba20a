//! An MCP server over HTTP (revision 2026-07-28) that says at once what it was told: what is added to it shows.

use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Starts it; its address. It runs as long as the bench does.
pub(crate) async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let router = Router::new().route("/mcp", post(|Json(message): Json<Value>| async move { Json(answer(&message)) }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

fn answer(message: &Value) -> Value {
    let mut result = match message["method"].as_str().unwrap() {
        "server/discover" => json!({
            "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "ttlMs": 60_000, "cacheScope": "private",
            "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "echo", "version": "1"}},
        }),
        "tools/list" => json!({"tools": [{
            "name": "echo", "description": "Says it again.", "annotations": {"readOnlyHint": true},
            "inputSchema": {"type": "object", "properties": {"message": {"type": "string"}}},
        }], "ttlMs": 60_000, "cacheScope": "private"}),
        _ => json!({"content": [{"type": "text", "text": message["params"]["arguments"]["message"]}]}),
    };
    result["resultType"] = json!("complete");
    json!({"jsonrpc": "2.0", "id": message["id"], "result": result})
}
