//! `tools/call`: an ask like any other, and then the waiting.

use super::lanes::{self, Lane};
use super::{Gateway, caller, own, result};
use crate::desk::{AgentCaller, Ask, AskedArguments, DeskError, Submitted};
use countersign_domain::connector::split_qualified;
use countersign_domain::request::Door;
use rmcp::RoleServer;
use rmcp::model::{CallToolRequestParams, CallToolResponse, ErrorData};
use rmcp::service::RequestContext;
use serde_json::Value;

pub(super) async fn call(
    gateway: &Gateway,
    request: CallToolRequestParams,
    context: RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let caller = caller(&context)?;
    let name = request.name.to_string();
    let answered = if own::is_own(&name) {
        own::call(gateway, &caller, &name, request.arguments, &context).await.map(CallToolResponse::from)
    } else {
        ask(gateway, &caller, &name, request.arguments.map_or_else(empty, Value::Object), &context).await
    };
    answered.or_else(|error| result::of_refusal(&error, &name).map(CallToolResponse::from))
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

async fn ask(
    gateway: &Gateway,
    caller: &AgentCaller,
    name: &str,
    arguments: Value,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, DeskError> {
    // What is no qualified name names a tool that nobody has.
    let (connector, tool) = split_qualified(name).unwrap_or(("", name));
    let ask = Ask {
        connector: connector.to_owned(),
        tool: tool.to_owned(),
        arguments: AskedArguments::Given(arguments),
        reason: None,
        on_behalf_of: None,
        idempotency: None,
        door: Door::Mcp,
        session_id: None,
    };
    let lane = Lane::of(context);
    // What takes part in the asking is gone before the waiting begins: many wait at once.
    match Box::pin(gateway.desk.submit(caller, ask)).await? {
        Submitted::Denied(request) => Ok(result::of_ended(&gateway.desk, &request)?.into()),
        Submitted::Sent(request, sending) => lanes::for_attempt(gateway, caller, request, sending, lane, context).await,
        Submitted::Held(request) | Submitted::Joined(request) => {
            lanes::for_end(gateway, caller, request, lane, context).await
        }
        Submitted::Known(_) => Err(DeskError::Internal("an ask without a key was known by one".into())),
    }
}
