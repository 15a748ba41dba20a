//! A stream of server-sent events, read as a browser would (HTML, section 9.2).

use reqwest::RequestBuilder;
use serde_json::Value;
use std::time::Duration;

/// How long an event may take to come. A limit, not a wait.
const PATIENCE: Duration = Duration::from_secs(30);

/// An open stream.
pub struct Events {
    response: reqwest::Response,
    bytes: Vec<u8>,
    last: Option<i64>,
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its number; where it has none of its own, that of the one before.
    pub id: Option<i64>,
    /// What happened.
    pub name: String,
    /// To what.
    pub data: Value,
}

impl Events {
    /// Opens a stream, going on after an event where one is given.
    pub async fn open(request: RequestBuilder, after: Option<i64>) -> Self {
        let request = match after {
            Some(after) => request.header("last-event-id", after),
            None => request,
        };
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
        Self { response, bytes: Vec::new(), last: after }
    }

    /// What to come back with.
    #[must_use]
    pub const fn last(&self) -> Option<i64> {
        self.last
    }

    /// The next event; none when the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let block = tokio::time::timeout(PATIENCE, self.block()).await.expect("an event came in time")?;
            let field = |name: &str| {
                let lines = block.lines().filter_map(|line| line.strip_prefix(name));
                lines.map(|value| value.strip_prefix(' ').unwrap_or(value)).next()
            };
            if let Some(id) = field("id:") {
                self.last = Some(id.parse().unwrap());
            }
            // An event without data only moves the id, as browsers have it.
            if let Some(data) = field("data:") {
                let name = field("event:").unwrap_or("message").to_owned();
                return Some(Event { id: self.last, name, data: serde_json::from_str(data).unwrap() });
            }
        }
    }

    /// Waits until the server has said where the stream begins: from then on it misses nothing.
    pub async fn begun(mut self) -> Self {
        while self.last.is_none() {
            let block = tokio::time::timeout(PATIENCE, self.block()).await.expect("a stream begins in time").unwrap();
            self.last = block.lines().find_map(|line| line.strip_prefix("id:")).and_then(|id| id.trim().parse().ok());
        }
        self
    }

    /// Reads on until the server ends the stream, which it must do within this time.
    pub async fn ends_within(mut self, limit: Duration) {
        let end = async { while self.block().await.is_some() {} };
        tokio::time::timeout(limit, end).await.expect("the stream ended in time");
    }

    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.bytes.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.bytes.drain(..end + 2).collect();
                return Some(String::from_utf8(block).unwrap());
            }
            // A connection that is cut is the end of a stream too.
            let chunk = self.response.chunk().await.ok().flatten()?;
            self.bytes.extend_from_slice(&chunk);
        }
    }
}
