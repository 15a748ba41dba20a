//! An MCP server over Streamable HTTP that records what reaches it and misbehaves when a tool's name says so.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Which protocol revisions it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// 2026-07-28, without sessions.
    Stateless,
    /// `initialize`, with sessions.
    Sessions,
}

/// A message that reached it.
#[derive(Clone, Debug)]
pub struct Heard {
    /// How it was sent.
    pub http: Method,
    /// Its JSON-RPC method, or nothing.
    pub method: String,
    /// The tool that it calls, or nothing.
    pub tool: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

/// The server.
pub struct Remote {
    /// Its endpoint.
    pub url: String,
    address: SocketAddr,
    desk: Arc<Counter>,
    stop: watch::Sender<bool>,
    running: Option<JoinHandle<()>>,
}

struct Counter {
    era: Era,
    tools: Mutex<Vec<Value>>,
    heard: Mutex<Vec<Heard>>,
    sessions: Mutex<Vec<String>>,
    /// Counts the changes of its tools.
    changes: watch::Sender<u64>,
    /// How many listen for them.
    listening: watch::Sender<usize>,
    /// Where calls of `moved` are sent.
    elsewhere: Mutex<String>,
    /// Whether it says of a stream that it has none by 404.
    streamless: AtomicBool,
    /// Whether it answers nothing in a session that it has begun.
    forgetful: AtomicBool,
}

const NAMES: [&str; 10] = ["echo", "missing", "stream", "steps", "cut", "cut_stream", "busy", "fail", "moved", "hang"];

fn offered(names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| json!({"name": name, "inputSchema": {"type": "object"}})).collect()
}

impl Remote {
    /// Starts one.
    pub async fn start(era: Era) -> Self {
        let desk = Arc::new(Counter {
            era,
            tools: Mutex::new(offered(&NAMES)),
            heard: Mutex::default(),
            sessions: Mutex::default(),
            changes: watch::Sender::new(0),
            listening: watch::Sender::new(0),
            elsewhere: Mutex::default(),
            streamless: AtomicBool::default(),
            forgetful: AtomicBool::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = watch::Sender::new(false);
        let running = Some(serve(listener, Arc::clone(&desk), stop.subscribe()));
        Self { url: format!("http://{address}/mcp"), address, desk, stop, running }
    }

    /// It goes away, with all its connections and sessions.
    pub async fn goes_down(&mut self) {
        self.stop.send_replace(true);
        self.running.take().unwrap().await.unwrap();
        self.forgets_sessions();
    }

    /// It comes back at the same address.
    pub async fn comes_back(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.stop.send_replace(false);
        self.running = Some(serve(listener, Arc::clone(&self.desk), self.stop.subscribe()));
    }

    /// It knows none of its sessions any more.
    pub fn forgets_sessions(&self) {
        self.desk.sessions.lock().unwrap().clear();
    }

    /// From now on it has forgotten each session by the first request in it.
    pub fn remembers_no_session(&self) {
        self.desk.forgetful.store(true, Ordering::SeqCst);
    }

    /// How many of its sessions are open.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.desk.sessions.lock().unwrap().len()
    }

    /// It changes what a tool says of itself, and tells of it or not.
    pub fn changes_tool(&self, name: &str, tells: bool) {
        let mut tools = self.desk.tools.lock().unwrap();
        let tool = tools.iter_mut().find(|tool| tool["name"] == name).unwrap();
        tool["description"] = json!("Something else.");
        drop(tools);
        if tells {
            self.desk.changes.send_modify(|changes| *changes += 1);
        }
    }

    /// It has no stream of its own messages, and says so as of any path that it doesn't know.
    pub fn has_no_stream(&self) {
        self.desk.streamless.store(true, Ordering::SeqCst);
    }

    /// Where calls of `moved` are sent.
    pub fn moves_to(&self, url: &str) {
        url.clone_into(&mut self.desk.elsewhere.lock().unwrap());
    }

    /// Waits until somebody listens for changes.
    pub async fn is_listened_to(&self) {
        self.desk.listening.subscribe().wait_for(|listening| *listening > 0).await.unwrap();
    }

    /// All that has reached it.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        self.desk.heard.lock().unwrap().clone()
    }

    /// The calls of a tool that have reached it.
    #[must_use]
    pub fn calls(&self, tool: &str) -> Vec<Heard> {
        self.heard().into_iter().filter(|heard| heard.tool == tool).collect()
    }
}

fn serve(listener: TcpListener, desk: Arc<Counter>, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    let router = Router::new().route("/mcp", any(take)).with_state((desk, stop.clone()));
    tokio::spawn(async move {
        let stopped = async move {
            let _ = stop.wait_for(|stop| *stop).await;
        };
        axum::serve(listener, router).with_graceful_shutdown(stopped).await.unwrap();
    })
}

type Shared = (Arc<Counter>, watch::Receiver<bool>);

async fn take(State((desk, stop)): State<Shared>, http: Method, headers: HeaderMap, body: Bytes) -> Response {
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (method, tool) = (text(&message["method"]), text(&message["params"]["name"]));
    let body = String::from_utf8(body.to_vec()).unwrap();
    let heard = Heard { http: http.clone(), method: method.clone(), tool, headers: headers.clone(), body };
    desk.heard.lock().unwrap().push(heard);
    let session = headers.get("mcp-session-id").and_then(|value| value.to_str().ok());
    let forgotten = desk.forgetful.load(Ordering::SeqCst) && !message["id"].is_null();
    let known = session.is_some_and(|session| desk.sessions.lock().unwrap().iter().any(|known| known == session));
    let known = known && !forgotten;
    if desk.era == Era::Sessions && method != "initialize" && !known {
        return if session.is_some() { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST }.into_response();
    }
    match http {
        Method::GET if desk.streamless.load(Ordering::SeqCst) => StatusCode::NOT_FOUND.into_response(),
        Method::GET if desk.era == Era::Sessions => listen(&desk, stop, None),
        Method::DELETE => {
            desk.sessions.lock().unwrap().retain(|known| Some(known.as_str()) != session);
            StatusCode::NO_CONTENT.into_response()
        }
        Method::POST => answer(&desk, stop, &method, &message, &headers),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn json_of(body: &Value) -> Response {
    ([("content-type", "application/json")], body.to_string()).into_response()
}

fn result(message: &Value, result: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": message["id"], "result": result})
}

fn said(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}]})
}

fn answer(
    desk: &Arc<Counter>,
    stop: watch::Receiver<bool>,
    method: &str,
    message: &Value,
    headers: &HeaderMap,
) -> Response {
    let capabilities = json!({"tools": {"listChanged": true}});
    match (method, desk.era) {
        ("server/discover", Era::Stateless) => json_of(&result(
            message,
            &json!({"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": capabilities,
                "ttlMs": 0, "cacheScope": "private"}),
        )),
        ("initialize", Era::Sessions) => {
            let session = format!("session-{}", desk.heard.lock().unwrap().len());
            desk.sessions.lock().unwrap().push(session.clone());
            let version = &message["params"]["protocolVersion"];
            let body = result(
                message,
                &json!({"protocolVersion": version, "capabilities": capabilities,
                    "serverInfo": {"name": "remote", "version": "1"}}),
            );
            ([("mcp-session-id", session)], json_of(&body)).into_response()
        }
        ("subscriptions/listen", Era::Stateless) => listen(desk, stop, Some(&message["id"])),
        ("tools/list", _) => {
            let tools = desk.tools.lock().unwrap().clone();
            json_of(&result(message, &json!({"tools": tools, "ttlMs": 0, "cacheScope": "private"})))
        }
        ("tools/call", _) => call(desk, message, headers),
        (_, _) if message["id"].is_null() => StatusCode::ACCEPTED.into_response(),
        _ => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn call(desk: &Counter, message: &Value, headers: &HeaderMap) -> Response {
    match message["params"]["name"].as_str().unwrap_or_default() {
        "stream" => {
            let noise = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info"}});
            let answer = result(message, &said("streamed"));
            let events = format!(": hi\n\nevent: message\ndata: {noise}\n\nid: 7\ndata: {answer}\n\n");
            ([("content-type", "text/event-stream")], events).into_response()
        }
        "steps" => {
            let token = &message["params"]["_meta"]["progressToken"];
            let step = |progress: f64, words: &str| {
                let params = json!({"progressToken": token, "progress": progress, "total": 4, "message": words});
                json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
            };
            let other = json!({"jsonrpc": "2.0", "method": "notifications/progress",
                "params": {"progressToken": "not-this-one", "progress": 3}});
            let told = [step(1.0, "one"), step(2.5, "two"), other, step(2.0, "back"), step(4.0, "four")];
            let told = told.map(|event| format!("data: {event}\n\n")).concat();
            let events = format!("{told}data: {}\n\n", result(message, &said("stepped")));
            ([("content-type", "text/event-stream")], events).into_response()
        }
        "cut" => broken("application/json", "{\"jsonrpc\":"),
        "cut_stream" => broken("text/event-stream", ": began\n\ndata: {\"jsonrpc\""),
        "missing" => {
            let error = json!({"code": -32_000, "message": "There is no such item."});
            let answer = json!({"jsonrpc": "2.0", "id": message["id"], "error": error});
            (StatusCode::NOT_FOUND, json_of(&answer)).into_response()
        }
        "busy" => (StatusCode::SERVICE_UNAVAILABLE, [("content-type", "text/plain")], "too busy").into_response(),
        "fail" => {
            let mut failed = said("it broke");
            failed["isError"] = json!(true);
            json_of(&result(message, &failed))
        }
        "moved" => {
            let elsewhere = desk.elsewhere.lock().unwrap().clone();
            (StatusCode::TEMPORARY_REDIRECT, [("location", elsewhere)]).into_response()
        }
        "hang" => {
            let never = stream::pending::<io::Result<Bytes>>();
            ([("content-type", "text/event-stream")], Body::from_stream(never)).into_response()
        }
        // What reached it, its credential too.
        _ => json_of(&result(message, &said(&format!("{headers:?} {}", message["params"]["arguments"])))),
    }
}

/// An answer that begins and is cut off.
fn broken(content_type: &str, begins: &str) -> Response {
    let chunks = [Ok(Bytes::from(begins.to_owned())), Err(io::Error::other("cut"))];
    ([("content-type", content_type)], Body::from_stream(stream::iter(chunks))).into_response()
}

/// A stream that tells of changed tools until the server stops.
fn listen(desk: &Arc<Counter>, stop: watch::Receiver<bool>, subscription: Option<&Value>) -> Response {
    let meta = subscription.map(|id| json!({"_meta": {"io.modelcontextprotocol/subscriptionId": id}}));
    let tell = |method: &str, extra: Value| {
        let mut params = meta.clone().unwrap_or_else(|| json!({}));
        params.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        format!("data: {}\n\n", json!({"jsonrpc": "2.0", "method": method, "params": params}))
    };
    let hello = subscription.is_some().then(|| {
        tell("notifications/subscriptions/acknowledged", json!({"notifications": {"toolsListChanged": true}}))
    });
    let changed = tell("notifications/tools/list_changed", json!({}));
    let changes = desk.changes.subscribe();
    let listener = Listener::enter(desk);
    let told = stream::unfold((changes, stop, listener), move |(mut changes, mut stop, listener)| {
        let changed = changed.clone();
        async move {
            let more = tokio::select! {
                more = changes.changed() => more.is_ok(),
                _ = stop.wait_for(|stop| *stop) => false,
            };
            more.then_some((changed, (changes, stop, listener)))
        }
    });
    let hello = hello.unwrap_or_else(|| ": open\n\n".to_owned());
    let events = stream::iter([hello]).chain(told).map(|text| Ok::<_, io::Error>(Bytes::from(text)));
    ([("content-type", "text/event-stream")], Body::from_stream(events)).into_response()
}

struct Listener(Arc<Counter>);

impl Listener {
    fn enter(desk: &Arc<Counter>) -> Self {
        desk.listening.send_modify(|listening| *listening += 1);
        Self(Arc::clone(desk))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.listening.send_modify(|listening| *listening -= 1);
    }
}
