//! An allowed `tools/call` by MCP through the desk, beside the same call to the upstream alone; and what ten thousand
//! callers cost that wait by MCP.

use crate::calls::{all, rate};
use crate::figures::{Line, Sample, kib, time};
use crate::footprint::resident;
use crate::{echo, upstream, world};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use std::time::Duration;
use support::Process;

const TURNS: usize = 10;
/// The most that the desk may add for one caller, at the median.
const ALONE: Duration = Duration::from_micros(700);
/// The most that it may add among 32, at the 99th percentile.
const AMONG_32: Duration = Duration::from_millis(8);
/// How many wait at once.
const WAITING: usize = 10_000;

pub(crate) async fn measure() -> Vec<Line> {
    let echo = echo::start().await;
    let folder = tempfile::tempdir().unwrap();
    world::furnish_with(folder.path(), &upstream::start().await, Some(&echo)).await;
    let server = Process::serve(folder.path()).await;
    listed(&server).await;
    let mut lines = Vec::new();
    for callers in [1, 32] {
        let (direct, desk) = in_turns(&server, &echo, callers).await;
        let words = format!("{}, {}", desk.words(), rate(&desk, callers));
        lines.push(Line::plain(format!("MCP upstream alone, {callers} callers"), direct.words()));
        lines.push(Line::plain(format!("MCP through the desk, {callers} callers"), words));
        let added = |share| desk.quantile(share).saturating_sub(direct.quantile(share));
        let what = |share: &str| format!("added to an allowed MCP call, {callers} callers, {share}");
        lines.push(match callers {
            1 => Line::at_most(what("p50"), added(0.5), ALONE),
            _ => Line::at_most(what("p99"), added(0.99), AMONG_32),
        });
        lines.push(match callers {
            1 => Line::plain(what("p99"), time(added(0.99))),
            _ => Line::plain(what("p50"), time(added(0.5))),
        });
    }
    server.kill().await;
    lines.push(held().await);
    lines
}

/// Waits until the desk has read the upstream's tools.
async fn listed(server: &Process) {
    let agent = server.agent(&world::key(0));
    while !agent.get("/v1/agent/permissions").await.text.contains("Says it again.") {
        support::pause().await;
    }
}

async fn in_turns(server: &Process, echo: &str, callers: usize) -> (Sample, Sample) {
    let each = if callers == 1 { 200 } else { 100 };
    let gateway = format!("{}/mcp", server.origin);
    let (mut direct, mut desk) = (Vec::new(), Vec::new());
    for turn in 0..=TURNS {
        let alone = all(callers, each, |client| call(client, echo, "echo", &json!({"message": "hi"}))).await;
        let through = all(callers, each, |client| {
            call(client, &gateway, "echo_echo", &json!({"message": "hi"})).bearer_auth(world::key(0))
        })
        .await;
        // The first turn warms everything up.
        if turn > 0 {
            direct.extend(alone);
            desk.extend(through);
        }
    }
    (Sample::of(direct), Sample::of(desk))
}

fn call(client: &Client, url: &str, tool: &str, arguments: &Value) -> RequestBuilder {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
    let request = client.post(url).header("accept", "application/json, text/event-stream");
    request
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", tool)
        .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}))
}

/// What each caller costs that waits by MCP.
async fn held() -> Line {
    let folder = tempfile::tempdir().unwrap();
    world::furnish(folder.path(), &upstream::start().await).await;
    let server = Process::serve(folder.path()).await;
    let idle = resident(&server);
    let url = format!("{}/mcp", server.origin);
    let waiting: Vec<_> = (0..WAITING)
        .map(|number| {
            let arguments = json!({"program": "/usr/bin/make", "number": number});
            let request =
                call(&Client::new(), &url, "shell_run", &arguments).bearer_auth(world::key(number % world::AGENTS));
            tokio::spawn(async move { drop(request.send().await) })
        })
        .collect();
    let mut asked = 0;
    while asked < WAITING {
        support::pause().await;
        asked = usize::try_from(world::requests(folder.path()).await).unwrap();
    }
    let held = resident(&server);
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    server.kill().await;
    let each = held.saturating_sub(idle) / WAITING as u64;
    Line::budgeted(format!("each of {WAITING} held calls that wait by MCP"), kib(each), "<= 20 KiB", each <= 20 * 1_024)
}
