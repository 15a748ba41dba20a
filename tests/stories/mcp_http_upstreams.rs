//! MCP servers that are connected to by URL: real ones, and one that records what reaches it in either era.

use crate::given::{KEY, SECRET, settled};
use reqwest::Method;
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use support::{Agent, Answer, Desk, Era, McpClient, Person, Remote, free_port, pause, text};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

/// A desk whose one connector is a server at a URL: `stream` and the like are allowed, `echo` is held.
pub struct Distant {
    pub desk: Desk,
    pub dana: Person,
    pub agent: Agent,
    pub connector: String,
}

pub fn file(url: &str, more: &str) -> String {
    format!(
        "users: [{{email: mina@acme.test, name: Mina Sato}}]
agents: [{{name: bot, owner: mina@acme.test, key_env: BOT_KEY}}]
connectors: [{{slug: up, kind: mcp, name: Upstream, url: {url:?}{more}}}]
policies:
  - {{name: All, action: allow}}
  - {{name: Echo, action: request_approval, tools: [echo], priority: 1}}
"
    )
}

impl Distant {
    pub async fn given(url: &str, more: &str) -> Self {
        Self::at(Desk::fresh().await, url, more).await
    }

    pub async fn at(desk: Desk, url: &str, more: &str) -> Self {
        let dana = desk.set_up("Dana Kim", "dana@acme.test").await;
        desk.apply(&file(url, more), &[("BOT_KEY", KEY), ("UP_TOKEN", SECRET)]).await;
        let agent = desk.agent(KEY);
        settled(&agent).await;
        let connectors = dana.get("/api/connectors").await.expect(200);
        let connector = connectors["items"][0]["id"].as_str().unwrap().to_owned();
        Self { desk, dana, agent, connector }
    }

    /// One that has been reached.
    pub async fn well(url: &str) -> Self {
        let distant = Self::given(url, ", allow_private: true, credential: {env: UP_TOKEN, as: bearer}").await;
        let checked = distant.check().await;
        assert_eq!(checked["status"], "connected", "{checked}");
        distant
    }

    pub async fn check(&self) -> Value {
        self.dana.post(&format!("/api/connectors/{}/check", self.connector), json!({})).await.expect(200)
    }

    pub async fn connector(&self) -> Value {
        self.dana.get(&format!("/api/connectors/{}", self.connector)).await.expect(200)
    }

    pub async fn ask(&self, tool: &str, arguments: &Value) -> Answer {
        self.agent.ask(json!({"connector": "up", "tool": tool, "arguments": arguments})).await
    }

    pub async fn call(&self, tool: &str) -> Answer {
        self.ask(tool, &json!({})).await
    }

    /// What became of a held call that was approved.
    pub async fn approved(&self, arguments: &Value) -> Value {
        let held = self.ask("echo", arguments).await.expect(202);
        let id = held["approval_id"].as_str().unwrap();
        self.dana.approve(id).await.expect(200);
        self.agent.end_of(id).await
    }
}

fn text_of(answer: &Value) -> &str {
    answer["result"]["data"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {answer}"))
}

/// The everything server, listening.
async fn everything_at(port: u16) -> (Child, String) {
    let node =
        std::env::var("COUNTERSIGN_TEST_NODE").expect("run this by `cargo xtask test`, which brings the Node it needs");
    let script = "node_modules/@modelcontextprotocol/server-everything/dist/index.js";
    let mut command = Command::new(node);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script)).arg("streamableHttp");
    command.env("PORT", port.to_string()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.kill_on_drop(true).spawn().unwrap();
    while TcpStream::connect(("localhost", port)).await.is_err() {
        pause().await;
    }
    (child, format!("http://localhost:{port}/mcp"))
}

#[tokio::test]
async fn the_everything_server_answers_over_http_when_allowed_and_when_approved() {
    let (_child, url) = everything_at(free_port().await).await;
    let distant = Distant::well(&url).await;
    let sum = distant.ask("get-sum", &json!({"a": 19, "b": 23})).await.expect(200);
    assert!(text_of(&sum).contains("42"), "{sum}");
    let echoed = distant.approved(&json!({"message": "countersigned"})).await;
    assert_eq!(echoed["state"], "succeeded", "{echoed}");
    assert!(text_of(&echoed).contains("countersigned"), "{echoed}");
    let wrong = distant.ask("get-sum", &json!({"a": "x", "b": 1})).await;
    assert_eq!((wrong.status, wrong.code()), (422, "invalid_arguments"));
}

#[tokio::test]
async fn an_upstreams_own_progress_reaches_a_client_that_asked_for_progress() {
    for era in [Era::Stateless, Era::Sessions] {
        let remote = Remote::start(era).await;
        let distant = Distant::well(&remote.url).await;
        let client = McpClient::new(&distant.desk.origin, KEY);
        for client in [client.clone(), client.clone().in_session().await] {
            let (told, answer) = client.follow("up_steps", json!({})).await;
            let step = |progress: f64, words: &str| json!({"progressToken": "p", "progress": progress, "total": 4.0, "message": words});
            assert_eq!(told, [step(1.0, "one"), step(2.5, "two"), step(4.0, "four")], "{era:?}");
            assert_eq!(text(&answer["result"]), "stepped");
        }
        // Who did not ask for it hears the answer alone.
        let silent = client.request("tools/call", json!({"name": "up_steps", "arguments": {}})).send().await.unwrap();
        assert_eq!(silent.headers()["content-type"], "application/json");
    }
}

#[tokio::test]
async fn a_held_calls_progress_goes_on_from_the_wait_for_its_approval() {
    let remote = Remote::start(Era::Stateless).await;
    let distant = Distant::well(&remote.url).await;
    let held = file(&remote.url, ", allow_private: true, credential: {env: UP_TOKEN, as: bearer}")
        .replace("tools: [echo]", "tools: [steps]");
    distant.desk.apply(&held, &[("BOT_KEY", KEY), ("UP_TOKEN", SECRET)]).await;
    distant.dana.get("/api/connectors").await.expect(200);
    let client = McpClient::new(&distant.desk.origin, KEY).in_session().await;
    let call = client.follow("up_steps", json!({}));
    let decide = async {
        let id = loop {
            let open = distant.agent.get("/v1/agents/me/pending-actions").await.expect(200);
            match open["items"][0]["approval_id"].as_str() {
                Some(id) => break id.to_owned(),
                None => pause().await,
            }
        };
        for _ in 0..2 {
            distant.desk.clock.forward(Duration::from_secs(15));
            // Whoever woke has had its turn by the time that this is answered.
            distant.agent.get("/v1/agent/permissions").await.expect(200);
        }
        distant.dana.approve(&id).await.expect(200);
    };
    let ((told, answer), ()) = tokio::join!(call, decide);
    assert_eq!(text(&answer["result"]), "stepped");
    let values: Vec<_> = told.iter().map(|told| told["progress"].as_f64().unwrap()).collect();
    assert!(values.is_sorted_by(|one, next| one < next), "{told:?}");
    let last = told.last().unwrap();
    assert_eq!(
        (&last["message"], &last["progress"], &last["progressToken"]),
        (&json!("four"), &last["total"], &json!("p"))
    );
    assert!(values.len() >= 4 && told[0]["message"] == "Waiting for approval", "{told:?}");
}

#[tokio::test]
async fn the_everything_server_that_was_restarted_is_spoken_to_anew() {
    let port = free_port().await;
    let (mut child, url) = everything_at(port).await;
    let distant = Distant::well(&url).await;
    let sum = json!({"a": 19, "b": 23});
    distant.ask("get-sum", &sum).await.expect(200);
    child.kill().await.unwrap();
    let down = distant.ask("get-sum", &sum).await;
    assert_eq!((down.status, down.code()), (502, "not_sent"), "{}", down.text);
    let (_child, _url) = everything_at(port).await;
    assert_eq!(distant.check().await["status"], "connected");
    assert!(text_of(&distant.ask("get-sum", &sum).await.expect(200)).contains("42"));
}

/// A server of the newest revision, made with rmcp, which refuses what lacks a header or has a wrong one.
#[derive(Clone)]
struct Deployer;

impl ServerHandler for Deployer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let region = json!({"type": "string", "x-mcp-header": "Region"});
        let schema = json!({"type": "object", "required": ["region"], "properties": {"region": region}});
        let tool = Tool::new("deploy", "Deploys.", Arc::new(schema.as_object().unwrap().clone()));
        Some(tool).filter(|tool| tool.name == name)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.get_tool("deploy").into_iter().collect()))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let text = json!(call.arguments).to_string();
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}

#[tokio::test]
async fn a_server_of_the_newest_revision_finds_the_headers_it_demands() {
    let config = StreamableHttpServerConfig::default().with_legacy_session_mode(false).with_json_response(true);
    let service: StreamableHttpService<Deployer, LocalSessionManager> =
        StreamableHttpService::new(|| Ok(Deployer), Arc::default(), config);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().nest_service("/mcp", service)).await });
    let distant = Distant::well(&url).await;
    for region in ["eu", "süd", " padded "] {
        let deployed = distant.ask("deploy", &json!({"region": region})).await.expect(200);
        assert_eq!(
            (&deployed["state"], text_of(&deployed)),
            (&json!("succeeded"), &*json!({"region": region}).to_string())
        );
    }
}

#[tokio::test]
async fn a_credential_goes_with_every_message_and_never_comes_back() {
    for era in [Era::Stateless, Era::Sessions] {
        let remote = Remote::start(era).await;
        let distant = Distant::well(&remote.url).await;
        let done = distant.approved(&json!({"z": 1.50, "a": "é"})).await;
        assert_eq!(done["state"], "succeeded", "{era:?}: {done}");
        assert!(text_of(&done).contains("authorization") && !done.to_string().contains(SECRET), "{done}");
        remote.is_listened_to().await;
        let heard = remote.heard();
        let with_credential =
            |headers: &reqwest::header::HeaderMap| headers["authorization"] == format!("Bearer {SECRET}");
        assert!(heard.iter().all(|heard| with_credential(&heard.headers)), "{heard:?}");
        let [call] = &remote.calls("echo")[..] else { panic!("{era:?}: {heard:?}") };
        assert!(call.body.contains(r#""arguments":{"a":"é","z":1.5}"#), "{}", call.body);
        match era {
            Era::Stateless => assert_eq!(
                (&call.headers["mcp-method"], &call.headers["mcp-name"]),
                (&"tools/call".parse().unwrap(), &"echo".parse().unwrap())
            ),
            Era::Sessions => assert!(call.headers.contains_key("mcp-session-id"), "{call:?}"),
        }
        assert!(call.headers.contains_key("mcp-protocol-version"));
    }
}

#[tokio::test]
async fn a_credential_in_a_header_of_its_own_is_sent_there() {
    let remote = Remote::start(Era::Stateless).await;
    let credential = ", allow_private: true, credential: {env: UP_TOKEN, as: header, name: X-Key}";
    let distant = Distant::given(&remote.url, credential).await;
    distant.check().await;
    distant.call("stream").await.expect(200);
    assert!(remote.heard().iter().all(|heard| heard.headers["x-key"] == SECRET));
}

#[tokio::test]
async fn the_card_shows_where_the_call_goes() {
    let remote = Remote::start(Era::Stateless).await;
    let distant = Distant::well(&remote.url).await;
    let held = distant.ask("echo", &json!({})).await.expect(202);
    let card = distant.dana.get(&format!("/api/requests/{}", held["approval_id"].as_str().unwrap())).await.expect(200);
    let target: String = card["target"].as_array().unwrap().iter().filter_map(|one| one["text"].as_str()).collect();
    assert_eq!(target, format!("mcp {}", remote.url));
    assert_eq!(distant.connector().await["target"], remote.url);
}

#[tokio::test]
async fn a_session_ends_when_the_desk_stops() {
    let remote = Remote::start(Era::Sessions).await;
    let distant = Distant::well(&remote.url).await;
    distant.desk.stop().await;
    assert!(remote.heard().iter().any(|heard| heard.http == Method::DELETE));
}

#[tokio::test]
async fn an_upstream_that_tells_of_changed_tools_is_looked_at_at_once() {
    for era in [Era::Stateless, Era::Sessions] {
        let remote = Remote::start(era).await;
        let distant = Distant::well(&remote.url).await;
        remote.is_listened_to().await;
        remote.changes_tool("stream", true);
        loop {
            let row = distant.connector().await;
            let tools = row["tools"].as_array().unwrap();
            if tools.iter().any(|tool| tool["name"] == "stream" && tool["state"] == "changed") {
                break;
            }
            pause().await;
        }
        let refused = distant.call("stream").await;
        assert_eq!((refused.status, refused.code()), (404, "unknown_tool"), "{}", refused.text);
    }
}
