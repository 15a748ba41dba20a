//! A real MCP server (server-everything, over Streamable HTTP) alone, through the desk, and through a peer of the desk's
//! (FastMCP's proxy, which asks nobody and records nothing): the same call, in turns, within one run.

use crate::calls::rate;
use crate::figures::{Line, Sample, time};
use crate::{upstream, world};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::{Process, free_port};

const TURNS: usize = 5;
/// The most that the desk may add for one caller, at the median.
const ALONE: Duration = Duration::from_micros(700);
/// The most that it may add among 32, at the 99th percentile.
const AMONG_32: Duration = Duration::from_millis(8);

/// A program that ends with the bench.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An MCP server by its address, in a session of the older revisions, which all three speak.
struct Door {
    url: String,
    key: Option<String>,
    tool: &'static str,
    session: Option<String>,
    next: AtomicU64,
}

pub(crate) async fn measure() -> Vec<Line> {
    let (_everything, url) = everything().await;
    let folder = tempfile::tempdir().unwrap();
    world::furnish_with(folder.path(), &upstream::start().await, Some(&url)).await;
    let server = Process::serve(folder.path()).await;
    let agent = server.agent(&world::key(0));
    while !agent.get("/v1/agent/permissions").await.text.contains("get-sum") {
        support::pause().await;
    }
    let (_proxy, peer) = proxy(&url).await;
    let doors = [
        Door::open(&url, None, "echo").await,
        Door::open(&format!("{}/mcp", server.origin), Some(world::key(0)), "echo_echo").await,
        Door::open(&peer, None, "echo").await,
    ];
    let mut lines = Vec::new();
    for callers in [1, 32] {
        lines.extend(compared(&doors, callers).await);
    }
    server.kill().await;
    lines
}

async fn compared(doors: &[Door; 3], callers: usize) -> Vec<Line> {
    let each = if callers == 1 { 100 } else { 30 };
    let mut times: [Vec<Duration>; 3] = Default::default();
    let mut failed = [0; 3];
    for turn in 0..=TURNS {
        for ((door, times), failed) in doors.iter().zip(&mut times).zip(&mut failed) {
            let (taken, missed) = called(door, callers, each).await;
            // The first turn warms everything up.
            if turn > 0 {
                times.extend(taken);
                *failed += missed;
            }
        }
    }
    assert_eq!(failed[1], 0, "no call through the desk fails");
    let missed = failed[2];
    let [alone, desk, peer] = times.map(Sample::of);
    let added = |to: &Sample, share| to.quantile(share).saturating_sub(alone.quantile(share));
    let what = |share: &str| format!("added to a call of server-everything, {callers} callers, {share}");
    let words = |sample: &Sample| format!("{}, {}", sample.words(), rate(sample, callers));
    vec![
        Line::plain(format!("server-everything alone, {callers} callers"), words(&alone)),
        Line::plain(format!("server-everything through the desk, {callers} callers"), words(&desk)),
        Line::plain(format!("server-everything through FastMCP's proxy, {callers} callers"), words(&peer)),
        match callers {
            1 => Line::at_most(what("p50"), added(&desk, 0.5), ALONE),
            _ => Line::at_most(what("p99"), added(&desk, 0.99), AMONG_32),
        },
        match callers {
            1 => Line::plain(what("p99"), time(added(&desk, 0.99))),
            _ => Line::plain(what("p50"), time(added(&desk, 0.5))),
        },
        Line::plain(format!("added by FastMCP's proxy, {callers} callers, p50"), time(added(&peer, 0.5))),
        Line::plain(format!("added by FastMCP's proxy, {callers} callers, p99"), time(added(&peer, 0.99))),
        Line::plain(format!("calls that FastMCP's proxy lost, {callers} callers"), missed.to_string()),
    ]
}

/// So many callers at once, each so many calls, one after the other: the times, and how many had no answer.
async fn called(door: &Door, callers: usize, each: usize) -> (Vec<Duration>, usize) {
    let one = || async {
        let client = Client::new();
        let (mut times, mut missed) = (Vec::with_capacity(each), 0);
        for _ in 0..each {
            let began = Instant::now();
            let answer = door.call(&client).send().await;
            let read = match answer {
                Ok(answer) if answer.status() == 200 => answer.bytes().await.is_ok(),
                _ => false,
            };
            match read {
                true => times.push(began.elapsed()),
                false => missed += 1,
            }
        }
        (times, missed)
    };
    let all = futures::future::join_all((0..callers).map(|_| one())).await;
    let missed = all.iter().map(|(_, missed)| missed).sum();
    (all.into_iter().flat_map(|(times, _)| times).collect(), missed)
}

impl Door {
    async fn open(url: &str, key: Option<String>, tool: &'static str) -> Self {
        let mut door = Self { url: url.to_owned(), key, tool, session: None, next: AtomicU64::new(1) };
        let client = Client::new();
        let greeting = json!({
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"},
        });
        let answer = door.post(&client, &door.asking("initialize", &greeting)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{url}");
        door.session = session(&answer);
        answer.bytes().await.unwrap();
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert!(door.post(&client, &ready).send().await.unwrap().status().is_success());
        door
    }

    fn call(&self, client: &Client) -> RequestBuilder {
        let call = json!({"name": self.tool, "arguments": {"message": "hi"}});
        self.post(client, &self.asking("tools/call", &call))
    }

    fn asking(&self, method: &str, parameters: &Value) -> Value {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        json!({"jsonrpc": "2.0", "id": id, "method": method, "params": parameters})
    }

    fn post(&self, client: &Client, message: &Value) -> RequestBuilder {
        let mut request = client.post(&self.url).header("accept", "application/json, text/event-stream").json(message);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        match &self.session {
            Some(session) => request.header("mcp-session-id", session).header("mcp-protocol-version", "2025-06-18"),
            None => request,
        }
    }
}

fn session(answer: &Response) -> Option<String> {
    answer.headers().get("mcp-session-id").map(|id| id.to_str().unwrap().to_owned())
}

async fn everything() -> (Program, String) {
    let port = free_port().await;
    let script = "node_modules/@modelcontextprotocol/server-everything/dist/index.js";
    let mut command = Command::new(variable("COUNTERSIGN_TEST_NODE"));
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script)).arg("streamableHttp").env("PORT", port.to_string());
    (listening(command, port).await, format!("http://localhost:{port}/mcp"))
}

async fn proxy(url: &str) -> (Program, String) {
    let port = free_port().await;
    let mut command = Command::new(variable("COUNTERSIGN_BENCH_PYTHON"));
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/proxy.py")).args([url, &port.to_string()]);
    (listening(command, port).await, format!("http://127.0.0.1:{port}/mcp"))
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; run this by `cargo xtask bench`"))
}

async fn listening(mut command: Command, port: u16) -> Program {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let program = Program(command.spawn().unwrap());
    while tokio::net::TcpStream::connect(("localhost", port)).await.is_err() {
        support::pause().await;
    }
    program
}
