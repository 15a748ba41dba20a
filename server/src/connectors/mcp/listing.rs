//! Which tools a server lists, and whether one of them still is the one that was approved.

use super::asking::{Failure, GONE, MOST_GONE, UnderWay};
use super::headers::{ParamHeader, param_headers};
use super::listening::List;
use super::server::{Live, Server, Shared};
use super::tools::{self, DiscoveredTool, LONGEST_LIST, MOST_PAGES, MOST_TOOLS, Page};
use crate::connectors::ConnectorChange;
use rmcp::model::{ClientRequest, ErrorCode, ListToolsRequest, PaginatedRequestParams};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// What is remembered of a tool.
pub(super) struct Definition {
    hash: String,
    /// Which of its arguments go into headers too, over HTTP.
    pub(super) headers: Vec<ParamHeader>,
}

/// The definitions that a process listed, by tool.
type Definitions = Arc<HashMap<String, Arc<Definition>>>;

/// What was listed last, and by which process; forgotten when it says that its tools changed.
#[derive(Default)]
pub(super) struct Listed {
    /// Counts the changes that were told.
    changes: u64,
    last: Option<(u64, Definitions)>,
}

impl Server {
    /// All its tools, within a time in all.
    pub(super) async fn list_tools(&self, limit: Duration) -> Result<Vec<DiscoveredTool>, String> {
        match timeout(limit, self.list_pages(limit)).await {
            Ok(listed) => listed,
            Err(_) => Err(format!("The server did not list its tools within {limit:?}.")),
        }
    }

    async fn list_pages(&self, limit: Duration) -> Result<Vec<DiscoveredTool>, String> {
        let _under_way = UnderWay::enter(&self.0.calls);
        let mut live = self.up_now().await?;
        for _ in 0..MOST_GONE {
            match self.list_of(&live, limit).await {
                Err(Failure::Gone) => live = self.next(&live).await?,
                Err(failure) => return Err(self.why_unlisted(&failure)),
                Ok(tools) => return Ok(tools),
            }
        }
        Err(GONE.to_owned())
    }

    /// What one process lists; kept, so that calls need not list again.
    async fn list_of(&self, live: &Live, limit: Duration) -> Result<Vec<DiscoveredTool>, Failure> {
        let changes = self.0.listed().changes;
        let (mut listed, mut cursor, mut size) = (Vec::new(), None, 0);
        for _ in 0..MOST_PAGES {
            let params = PaginatedRequestParams::default().with_cursor(cursor);
            let request = ClientRequest::ListToolsRequest(ListToolsRequest::with_param(params));
            let text = match self.ask_once(live, request, limit).await {
                // A server of prompts and resources only.
                Err(Failure::Refused(error)) if error.code == ErrorCode::METHOD_NOT_FOUND => return Ok(Vec::new()),
                answer => answer?,
            };
            size += text.len();
            let unread = |_| Failure::NotSent("The server's list of tools was not understood.".to_owned());
            let page: Page = serde_json::from_str(&text).map_err(unread)?;
            listed.extend(page.tools);
            if size > LONGEST_LIST || listed.len() > MOST_TOOLS {
                let most = format!("The server lists more than {MOST_TOOLS} tools or {LONGEST_LIST} bytes.");
                return Err(Failure::NotSent(most));
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                let tools = self.readable(listed);
                self.0.keep(live, changes, &tools);
                return Ok(tools);
            }
        }
        Err(Failure::NotSent("The server's list of tools does not end.".to_owned()))
    }

    /// Whether this process's tool is the one that was approved: it may be another version of the server than the one
    /// that was asked then.
    pub(super) async fn check(
        &self,
        live: &Live,
        (tool, hash): (&str, &str),
        limit: Duration,
    ) -> Result<Arc<Definition>, Failure> {
        let definitions = match self.0.definitions(live) {
            Some(definitions) => definitions,
            None => definitions(&self.list_of(live, limit).await.map_err(|failure| match failure {
                Failure::Gone => Failure::Gone,
                failure => Failure::NotSent(self.why_unlisted(&failure)),
            })?),
        };
        if let Some(definition) = definitions.get(tool).filter(|now| now.hash == hash) {
            return Ok(definition.clone());
        }
        // Whoever looks again sees what became of it.
        self.0.tell(ConnectorChange::ToolsChanged);
        Err(Failure::NotSent("The server's tool is not the one that was approved any more.".to_owned()))
    }

    fn why_unlisted(&self, failure: &Failure) -> String {
        match failure {
            Failure::Refused(error) => {
                format!("The server refused to list its tools: {}", self.0.quote(&error.message))
            }
            Failure::Answered(answer) => {
                format!("The server answered with status {} when asked for its tools.", answer.status)
            }
            Failure::NotSent(sentence) | Failure::Unknown(sentence) => sentence.clone(),
            Failure::Gone => GONE.to_owned(),
        }
    }

    fn readable(&self, listed: Vec<Value>) -> Vec<DiscoveredTool> {
        let (tools, skipped) = tools::read(listed);
        if skipped > 0 {
            let connector = &self.0.launch.slug;
            tracing::warn!(connector, skipped, "An MCP server lists tools with names or schemas that can't be offered");
        }
        tools
    }
}

fn definitions(tools: &[DiscoveredTool]) -> Definitions {
    let definition = |tool: &DiscoveredTool| {
        let headers = param_headers(&tool.input_schema);
        (tool.name.clone(), Arc::new(Definition { hash: tool.schema_hash.clone(), headers }))
    };
    Arc::new(tools.iter().map(definition).collect())
}

impl Shared {
    fn listed(&self) -> MutexGuard<'_, Listed> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn definitions(&self, live: &Live) -> Option<Definitions> {
        let listed = self.listed();
        let steady = live.steady.load(Ordering::Acquire);
        listed
            .last
            .as_ref()
            .filter(|(ends, _)| steady && *ends == live.ends)
            .map(|(_, definitions)| definitions.clone())
    }

    fn keep(&self, live: &Live, changes: u64, tools: &[DiscoveredTool]) {
        let mut listed = self.listed();
        // What changed while it was listed is listed again.
        if listed.changes == changes && live.steady.load(Ordering::Acquire) {
            listed.last = Some((live.ends, definitions(tools)));
        }
    }

    /// What was listed may not be so any more.
    pub(super) fn forget_tools(&self) {
        let mut listed = self.listed();
        listed.changes += 1;
        listed.last = None;
    }

    /// The server says that what it lists changed.
    pub(super) fn changed(&self, list: List) {
        if list == List::Tools {
            self.forget_tools();
        }
        self.rumours.spread(list);
    }
}
