//! `countersign mcp-permission`: an MCP server over standard input and output, with the one tool that Claude Code's
//! `--permission-prompt-tool` asks (<https://code.claude.com/docs/en/cli-reference>).
//!
//! It stands in for the prompt, so that a policy's plain allow is an allow here.

use super::asking::{Asking, Failure, UnknownTools};
use super::call::{Call, Verdict};
use super::{Agent, patience, stopped};
use crate::cli::CliError;
use crate::cli::door::DoorArguments;
use crate::serve::install_crypto;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, Implementation, JsonObject,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, ServerInitializeError};
use rmcp::{RoleServer, ServerHandler, ServiceExt as _};
use serde_json::{Map, Value, json};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What `mcp-permission` takes.
#[derive(clap::Args)]
pub struct McpPermissionArguments {
    #[command(flatten)]
    desk: DoorArguments,
    /// The `external` connector to ask by; claude-code when left out
    #[arg(long)]
    connector: Option<String>,
    /// After how many seconds a call that nobody decided is denied
    #[arg(long, default_value_t = 630, value_parser = clap::value_parser!(u64).range(2..=86_400))]
    timeout_seconds: u64,
}

/// The tool, which Claude Code calls `mcp__<server>__approve`.
const TOOL: &str = "approve";

/// Serves until standard input ends.
pub(in crate::cli) async fn run(arguments: McpPermissionArguments) -> Result<ExitCode, CliError> {
    install_crypto();
    let told = |error: &dyn std::fmt::Display| CliError::Told(format!("the conversation broke: {error}"));
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| told(&error))?;
    let session = format!("mcp-permission-{}", hex::encode(random));
    let (input, output) = rmcp::transport::io::stdio_pipes();
    let questions = Questions::default();
    match (Permissions { arguments, session, questions: questions.clone() }).serve((input, output)).await {
        Ok(running) => {
            // A client that is done closes our input, and stops us before what is open would have drained.
            let ended = tokio::select! {
                ended = running.waiting() => ended.map(drop).map_err(|error| told(&error)),
                () = stopped() => Ok(()),
            };
            questions.take_back().await;
            ended.map(|()| ExitCode::SUCCESS)
        }
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(told(&error)),
    }
}

/// How long questions may take to be taken back when nobody is left to hear the answers.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What is being asked, and whether anybody still wants to know.
#[derive(Clone, Default)]
struct Questions {
    open: Arc<watch::Sender<usize>>,
    over: CancellationToken,
}

/// Counts a question until it is answered or taken back.
struct Open(Arc<watch::Sender<usize>>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

impl Questions {
    fn one_more(&self) -> Open {
        self.open.send_modify(|open| *open += 1);
        Open(Arc::clone(&self.open))
    }

    async fn take_back(&self) {
        self.over.cancel();
        let mut open = self.open.subscribe();
        drop(tokio::time::timeout(LAST_WORDS, open.wait_for(|open| *open == 0)).await);
    }
}

struct Permissions {
    arguments: McpPermissionArguments,
    /// Claude Code starts this server with each session of its own, and says no name for it.
    session: String,
    questions: Questions,
}

impl Permissions {
    async fn decide(&self, arguments: JsonObject, stopped: impl Future<Output = ()>) -> Value {
        let (input, verdict) = match self.call(arguments) {
            Ok(call) => (call.input.clone(), self.verdict(&call, stopped).await),
            Err(why) => (Map::new(), Verdict::Deny(why)),
        };
        match verdict {
            Verdict::NoOpinion => json!({"behavior": "allow", "updatedInput": input}),
            Verdict::Allow(input) => json!({"behavior": "allow", "updatedInput": input}),
            Verdict::Deny(why) | Verdict::AskUser(why) => {
                json!({"behavior": "deny", "message": format!("Countersign: {why}")})
            }
        }
    }

    fn call(&self, mut arguments: JsonObject) -> Result<Call, String> {
        let (tool, input) = (arguments.remove("tool_name"), arguments.remove("input"));
        let id = arguments.remove("tool_use_id").and_then(|id| id.as_str().map(str::to_owned));
        let (Some(Value::String(tool)), Some(Value::Object(input))) = (tool, input) else {
            return Err("the call needs a text \"tool_name\" and an object \"input\"".to_owned());
        };
        let folder = std::env::current_dir().ok().map(|folder| folder.to_string_lossy().into_owned());
        let (event, session) = (TOOL.to_owned(), Some(self.session.clone()));
        Ok(Call { event, tool, input, folder, server: None, session, id: id.filter(|id| !id.is_empty()) })
    }

    async fn verdict(&self, call: &Call, stopped: impl Future<Output = ()>) -> Verdict {
        let door = match self.arguments.desk.open_for_hook() {
            Ok(door) => door,
            Err(why) => return Verdict::Deny(why),
        };
        let connector = self.arguments.connector.clone().unwrap_or_else(|| Agent::ClaudeCode.word());
        let asking = Asking { door: &door, connector, unknown_tools: UnknownTools::Deny, can_change: true };
        let late = tokio::time::sleep(patience(self.arguments.timeout_seconds));
        match asking.until(late, call, stopped).await {
            Ok(verdict) => verdict,
            Err(Failure::Unreachable(why) | Failure::Refused(why)) => Verdict::Deny(why),
        }
    }
}

impl ServerHandler for Permissions {
    fn get_info(&self) -> ServerConfig {
        let us = Implementation::new("countersign", env!("CARGO_PKG_VERSION")).with_title("Countersign");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build()).with_server_info(us)
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(vec![tool()]))
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if params.name != TOOL {
            return Err(ErrorData::invalid_params(format!("There is no tool {:?}.", params.name), None));
        }
        let _open = self.questions.one_more();
        let stopped = async {
            tokio::select! {
                () = context.ct.cancelled() => {}
                () = self.questions.over.cancelled() => {}
            }
        };
        let decision = self.decide(params.arguments.unwrap_or_default(), stopped).await;
        Ok(CallToolResult::success(vec![ContentBlock::text(decision.to_string())]).into())
    }
}

fn tool() -> Tool {
    let schema = json!({
        "type": "object",
        "properties": {
            "tool_name": {"type": "string", "description": "The tool that asks for permission"},
            "input": {"type": "object", "description": "What the tool would get"},
            "tool_use_id": {"type": "string", "description": "The call"},
        },
        "required": ["tool_name", "input"],
    });
    let schema = schema.as_object().cloned().unwrap_or_default();
    Tool::new(TOOL, "Asks the approval desk whether a tool may be used.", schema).with_title("Ask for an approval")
}
