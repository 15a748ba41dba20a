//! The MCP gateway that agents connect to (Model Context Protocol, revisions 2025-06-18 to 2026-07-28).
//!
//! One address offers the tools of every connector that the agent may see. rmcp speaks the protocol; here its calls meet
//! the desk: a call is an ask like any other, and only the waiting is MCP's own.

mod call;
mod changes;
mod lanes;
pub mod message;
mod own;
mod progress;
mod reading;
mod result;
pub mod sessions;
mod tasks;
mod tools;
mod unread;

use crate::desk::{AgentCaller, Desk};
use changes::Watched;
use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams, CompleteResult, CustomRequest,
    CustomResult, ErrorData, GetPromptRequestParams, GetPromptResponse, GetTaskParams, GetTaskResult, Implementation,
    InitializeRequestParams, InitializeResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse,
    ServerCapabilities, ServerConfig, SubscriptionFilter, Tool, UpdateTaskParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};
use sessions::CALLER;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What an agent is told when it connects.
const INSTRUCTIONS: &str = "Countersign stands between you and these tools. A call is made at once where a policy \
allows it; where a person must approve it first, it waits. If an answer says that a call is pending, it was not \
executed: call `await_approval` with the id in that answer until it gives the result, and don't repeat the call. \
`cancel_approval` takes a pending call back.";

/// Cancelled when the caller of one HTTP request has gone away. It rides in the request's extensions.
#[derive(Clone)]
pub struct Presence(pub CancellationToken);

/// The gateway as one client sees it.
#[derive(Clone)]
pub struct Gateway {
    desk: Desk,
    stopping: watch::Receiver<bool>,
    /// What a client of an older revision was offered when its session began, until it says that it is ready to hear.
    begun: Arc<Mutex<Option<Watched>>>,
}

impl Gateway {
    /// A gateway onto the desk, that answers its callers when the server stops.
    #[must_use]
    pub fn new(desk: Desk, stopping: watch::Receiver<bool>) -> Self {
        Self { desk, stopping, begun: Arc::default() }
    }

    /// Comes back when the server stops.
    async fn stopped(&self) {
        let mut stopping = self.stopping.clone();
        // An error means that the server is gone, which is a stop too.
        let _ = stopping.wait_for(|stop| *stop).await;
    }
}

/// The agent behind a request: whoever stood at the door with it, never whoever began the session.
fn caller(context: &RequestContext<RoleServer>) -> Result<AgentCaller, ErrorData> {
    let parts = context.extensions.get::<Parts>();
    let caller = parts.and_then(|parts| parts.extensions.get::<AgentCaller>()).cloned();
    caller.ok_or_else(|| ErrorData::internal_error("The request came in by no door.", None))
}

fn presence(context: &RequestContext<RoleServer>) -> Option<CancellationToken> {
    let parts = context.extensions.get::<Parts>()?;
    parts.extensions.get::<Presence>().map(|presence| presence.0.clone())
}

impl ServerHandler for Gateway {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_completions()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_list_changed()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_tasks()
            .build();
        let us = Implementation::new("countersign", env!("CARGO_PKG_VERSION")).with_title("Countersign");
        ServerConfig::new(capabilities)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
            .with_server_info(us)
            .with_instructions(INSTRUCTIONS)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        // One of its own, or the two would hold each other for ever.
        let gateway = Self::new(self.desk.clone(), self.stopping.clone());
        let watched = Watched::new(gateway, caller(&context)?)?;
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(watched);
        context.peer.set_peer_info(request.clone());
        self.negotiate_initialize(&request)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        tools::list(&self.desk, &caller(&context)?, request.and_then(|request| request.cursor).as_deref())
    }

    /// rmcp asks for it to compare a call's `Mcp-Param-*` headers with its arguments (2026-07-28, "Custom Headers from
    /// Tool Parameters").
    fn get_tool(&self, name: &str) -> Option<Tool> {
        let caller = CALLER.try_with(Clone::clone).ok()?;
        tools::definition(&self.desk, &caller, name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        call::call(self, request, context).await
    }

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        reading::list_prompts(&self.desk, &caller(&context)?).await
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        reading::get_prompt(&self.desk, &caller(&context)?, request).await
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        reading::list_resources(&self.desk, &caller(&context)?).await
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        reading::list_templates(&self.desk, &caller(&context)?).await
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        reading::read_resource(&self.desk, &caller(&context)?, &request.uri).await
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        reading::complete(&self.desk, &caller(&context)?, request).await
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        Err(unread::refusal(&request))
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        tasks::get(&self.desk, &caller(&context)?, &request.task_id).await
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        tasks::update(&self.desk, &caller(&context)?, &request.task_id).await
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        tasks::cancel(&self.desk, &caller(&context)?, &request.task_id).await
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        let mut accepted = requested.clone();
        accepted.resource_subscriptions = None;
        Some(accepted)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        changes::tell_listener(self, &context).await
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(watched) = begun {
            changes::tell_session(watched, context);
        }
    }
}
