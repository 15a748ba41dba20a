//! The desk's own tools: waiting for an approval, and taking an ask back. Always listed.

use super::{lanes, result};
use crate::desk::{AgentCaller, DeskError};
use countersign_domain::ids::RequestId;
use rmcp::RoleServer;
use rmcp::model::{CallToolResult, JsonObject, Tool, ToolAnnotations};
use rmcp::service::RequestContext;
use serde_json::{Value, json};
use std::sync::Arc;

/// Waits for an approval, and gives the result.
pub(super) const AWAIT: &str = "await_approval";
/// Takes a pending request back.
pub(super) const CANCEL: &str = "cancel_approval";

/// Whether a tool is the desk's own; a connector's tool of that name can't be reached by MCP.
pub(super) fn is_own(name: &str) -> bool {
    [AWAIT, CANCEL].contains(&name)
}

pub(super) fn tools() -> [Tool; 2] {
    let wait = "Waits up to 50 seconds for the decision on a pending call and gives that call's own result once it was \
                approved and made. Call it again while it says that the call is still pending.";
    let cancel = "Takes a pending call back. It is not made then, and nobody is asked any more.";
    [
        tool(AWAIT, "Wait for an approval", wait, ToolAnnotations::new().read_only(true)),
        tool(CANCEL, "Take a pending call back", cancel, ToolAnnotations::new().read_only(false).destructive(false)),
    ]
}

fn tool(name: &'static str, title: &str, description: &'static str, hints: ToolAnnotations) -> Tool {
    let schema = json!({
        "type": "object",
        "properties": {"approval_id": {"type": "string", "description": "The id in the answer of the pending call."}},
        "required": ["approval_id"],
        "additionalProperties": false,
    });
    let schema = schema.as_object().cloned().unwrap_or_default();
    let mut tool =
        Tool::new(name, description, Arc::new(schema)).with_annotations(hints.idempotent(true).open_world(false));
    tool.title = Some(title.to_owned());
    tool
}

/// Calls one of them.
pub(super) async fn call(
    gateway: &super::Gateway,
    caller: &AgentCaller,
    name: &str,
    arguments: Option<JsonObject>,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResult, DeskError> {
    let arguments = arguments.unwrap_or_default();
    if let Some(other) = arguments.keys().find(|key| *key != "approval_id") {
        let other: String = other.chars().take(80).collect();
        return Ok(result::refused(format!("{other:?} is no argument of `{name}`; it takes `approval_id` only.")));
    }
    let id = arguments.get("approval_id").and_then(Value::as_str).and_then(|id| id.trim().parse::<RequestId>().ok());
    let Some(id) = id else {
        return Ok(result::refused("`approval_id` is the id that the answer of the pending call named."));
    };
    match name {
        AWAIT => lanes::await_approval(gateway, caller, id, context).await,
        _ => {
            gateway.desk.withdraw(caller, id).await?;
            Ok(result::said("The call was taken back. It was not executed."))
        }
    }
}
