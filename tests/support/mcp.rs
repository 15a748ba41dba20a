//! An MCP client that says exactly what a story wants it to say. The real ones have stories of their own.

use crate::Answer;
use futures::StreamExt as _;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

/// The revision without sessions.
const STATELESS: &str = "2026-07-28";

/// A client of the newest revision, or of an older one in its session.
#[derive(Clone)]
pub struct McpClient {
    url: String,
    key: String,
    client: Client,
    tasks: bool,
    session: Option<String>,
    id: u64,
}

impl McpClient {
    /// A client without a session, that knows no tasks.
    #[must_use]
    pub fn new(origin: &str, key: &str) -> Self {
        Self {
            url: format!("{origin}/mcp"),
            key: key.to_owned(),
            client: Client::new(),
            tasks: false,
            session: None,
            id: 1,
        }
    }

    /// The same, whose requests have another id: of two at once in one session each has its own.
    #[must_use]
    pub fn numbered(self, id: u64) -> Self {
        Self { id, ..self }
    }

    /// The same, but it knows tasks.
    #[must_use]
    pub fn with_tasks(self) -> Self {
        Self { tasks: true, ..self }
    }

    /// The same with another key.
    #[must_use]
    pub fn with_key(self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self }
    }

    /// The same at a desk that was started again at another port.
    #[must_use]
    pub fn at(self, origin: &str) -> Self {
        Self { url: format!("{origin}/mcp"), ..self }
    }

    /// A client of revision 2025-06-18 that has begun its session.
    pub async fn in_session(self) -> Self {
        let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "story", "version": "1"}});
        let message = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello});
        let begun = self.post(&message).send().await.unwrap();
        assert_eq!(begun.status(), 200);
        let session = begun.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        let _read = begun.text().await.unwrap();
        let begun = Self { session: Some(session), ..self };
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(begun.post(&initialized).send().await.unwrap().status(), 202);
        begun
    }

    /// A message on its way, with the headers that belong to it.
    pub fn post(&self, message: &Value) -> RequestBuilder {
        let request = self.client.post(&self.url).bearer_auth(&self.key);
        let request = request.header("accept", "application/json, text/event-stream");
        match &self.session {
            Some(session) => request.header("mcp-session-id", session).header("mcp-protocol-version", "2025-06-18"),
            None => request,
        }
        .json(message)
    }

    fn meta(&self) -> Value {
        let extensions = if self.tasks { json!({"io.modelcontextprotocol/tasks": {}}) } else { json!({}) };
        json!({
            "io.modelcontextprotocol/protocolVersion": STATELESS,
            "io.modelcontextprotocol/clientInfo": {"name": "story", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {"extensions": extensions},
        })
    }

    /// A request, not yet sent.
    pub fn request(&self, method: &str, mut params: Value) -> RequestBuilder {
        if self.session.is_some() {
            return self.post(&json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}));
        }
        let name = ["name", "taskId", "uri"].iter().find_map(|key| params[key].as_str()).map(str::to_owned);
        params["_meta"] = self.meta();
        let request = self.post(&json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}));
        let request = request.header("mcp-protocol-version", STATELESS).header("mcp-method", method);
        match name {
            Some(name) => request.header("mcp-name", name),
            None => request,
        }
    }

    /// A call whose client asks for progress: the progress that it hears, and then the answer.
    pub async fn follow(&self, tool: &str, arguments: Value) -> (Vec<Value>, Value) {
        let mut request = self.request("tools/call", json!({"name": tool, "arguments": arguments})).build().unwrap();
        let mut message: Value = serde_json::from_slice(request.body().unwrap().as_bytes().unwrap()).unwrap();
        message["params"]["_meta"]["progressToken"] = json!("p");
        *request.body_mut() = Some(message.to_string().into());
        request.headers_mut().remove("content-length");
        let mut messages = Messages::of(self.client.execute(request).await.unwrap());
        let mut told = Vec::new();
        while let Some(message) = messages.next().await {
            match message["method"].as_str() {
                Some("notifications/progress") => told.push(message["params"].clone()),
                _ if message["id"] == self.id => return (told, message),
                _ => {}
            }
        }
        panic!("the stream ended without an answer, after {told:?}");
    }

    /// A request's answer: `result` or `error`.
    pub async fn ask(&self, method: &str, params: Value) -> Value {
        answer(self.request(method, params).send().await.unwrap(), self.id).await
    }

    /// A tool's result.
    pub async fn call(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({"name": tool, "arguments": arguments})).await;
        assert!(answer["result"].is_object(), "{answer}");
        answer["result"].clone()
    }

    /// The tools that it is offered, by name.
    pub async fn tools(&self) -> Vec<(String, Value)> {
        let answer = self.ask("tools/list", json!({})).await;
        let tools = answer["result"]["tools"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        tools.into_iter().map(|tool| (tool["name"].as_str().unwrap().to_owned(), tool)).collect()
    }

    /// The stream of a session that is there for what the server says by itself.
    pub async fn listen(&self) -> Messages {
        let request = self.client.get(&self.url).bearer_auth(&self.key).header("accept", "text/event-stream");
        let session = self.session.as_deref().unwrap();
        Messages::of(request.header("mcp-session-id", session).send().await.unwrap())
    }

    /// The stream of a subscription to changes of the tools.
    pub async fn subscribe(&self) -> Messages {
        let params = json!({"notifications": {"toolsListChanged": true}});
        let mut messages = Messages::of(self.request("subscriptions/listen", params).send().await.unwrap());
        let first = messages.next().await.unwrap();
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
        messages
    }

    /// `GET` or `DELETE` with its key and session, read to its end.
    pub async fn send(&self, method: reqwest::Method) -> Answer {
        let request = self.client.request(method, &self.url).bearer_auth(&self.key);
        let session = self.session.as_deref().unwrap_or_default();
        Answer::read(
            request.header("mcp-session-id", session).header("accept", "text/event-stream").send().await.unwrap(),
        )
        .await
    }
}

/// The text of a result's only block.
#[must_use]
pub fn text(result: &Value) -> &str {
    assert_eq!(result["content"].as_array().map(Vec::len), Some(1), "{result}");
    result["content"][0]["text"].as_str().unwrap()
}

/// The answer in a response, whether it came alone or at the end of a stream.
async fn answer(response: Response, id: u64) -> Value {
    let streamed = response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream");
    if !streamed {
        let text = response.text().await.unwrap();
        return serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
    }
    let mut messages = Messages::of(response);
    while let Some(message) = messages.next().await {
        if message["id"] == id && message["method"].is_null() {
            return message;
        }
    }
    panic!("the stream ended without an answer");
}

/// Messages as they come.
pub struct Messages {
    response: futures::stream::BoxStream<'static, Vec<u8>>,
    rest: String,
}

impl Messages {
    fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        let bytes = response.bytes_stream().map(|bytes| bytes.map(|bytes| bytes.to_vec()).unwrap_or_default());
        Self { response: bytes.boxed(), rest: String::new() }
    }

    /// The next message; none once the stream has ended.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            while let Some((line, rest)) = self.rest.split_once('\n') {
                let message = line.strip_prefix("data:").and_then(|data| serde_json::from_str(data.trim()).ok());
                self.rest = rest.to_owned();
                if message.is_some() {
                    return message;
                }
            }
            let bytes = self.response.next().await?;
            self.rest.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
}
