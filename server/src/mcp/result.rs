//! What an agent hears by MCP: the upstream's result whole, or one plain sentence.

use crate::desk::{Desk, DeskError};
use crate::store::requests::{DecidedBy, Request};
use countersign_domain::connector::ConnectorKind;
use countersign_domain::execution::{Answer, Attempt, ExecutionErrorCode};
use countersign_domain::ids::RequestId;
use countersign_domain::request::{RequestKind, RequestState};
use countersign_wire::problem::Code;
use rmcp::model::{CallToolResult, ContentBlock, ErrorData, ResultType};
use serde::Deserialize as _;
use serde_json::{Value, json};

/// A plain sentence.
pub(super) fn said(sentence: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(sentence.into())])
}

/// A plain sentence about why there is no result.
pub(super) fn refused(sentence: impl Into<String>) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(sentence.into())])
}

/// A call that waits, for a client that would not wait so long.
pub(super) fn pending(request: &Request) -> CallToolResult {
    let (id, tool) = (request.id, &request.tool);
    let until = request.expires_at;
    let state = match (request.state, request.kind) {
        (RequestState::Pending, RequestKind::Call) => {
            format!("Pending: {tool} waits for a person's approval until {until} and was not executed.")
        }
        (RequestState::Pending, RequestKind::Access) => {
            format!("Pending: the access that was asked for waits for a person's approval until {until}.")
        }
        _ => format!("Under way: {tool} was approved and its result is not there yet."),
    };
    refused(format!(
        "{state} Call `await_approval` with {{\"approval_id\": \"{id}\"}} to get its result. Don't repeat the call."
    ))
}

/// What came of a call that was just made.
pub(super) fn of_attempt(request: &Request, attempt: Attempt) -> CallToolResult {
    match attempt {
        Attempt::Answered(answer) => of_answer(request.connector_kind, answer),
        Attempt::NotSent(why) => refused(not_sent(&why)),
        Attempt::Unknown(why) => refused(unknown(&why)),
    }
}

/// How a request ended.
///
/// # Errors
/// When the sealed result can't be opened.
pub(super) fn of_ended(desk: &Desk, request: &Request) -> Result<CallToolResult, DeskError> {
    if let Some(answer) = desk.answer_of(request)? {
        return Ok(of_answer(request.connector_kind, answer));
    }
    let why = request.error.as_deref().unwrap_or_default();
    Ok(match request.state {
        RequestState::Denied => refused(denied(request)),
        RequestState::Expired => refused("Expired: nobody decided in time. It was not executed."),
        RequestState::Withdrawn => refused("Withdrawn: it was taken back. It was not executed."),
        RequestState::OutcomeUnknown => refused(unknown(why)),
        RequestState::Failed if request.error_code == Some(ExecutionErrorCode::NotSent) => refused(not_sent(why)),
        RequestState::Failed => refused(format!("Approved, but not executed: {why}")),
        RequestState::Approved if request.has_ended() => match request.kind {
            RequestKind::Access => said("Approved. What was granted is yours to use now."),
            RequestKind::Call => claimed(request),
        },
        RequestState::Pending | RequestState::Approved | RequestState::Executing => pending(request),
        RequestState::Succeeded => said("It succeeded; the upstream's answer was empty."),
    })
}

fn denied(request: &Request) -> String {
    let comment = request.comment.as_deref().map(str::trim).filter(|comment| !comment.is_empty());
    let by = match &request.decided_by {
        Some(DecidedBy::User { name, .. } | DecidedBy::External { name }) => format!("Denied by {name}"),
        Some(DecidedBy::Policy { name: Some(name) }) => format!("Denied by the policy {name:?}"),
        _ => "Denied: no policy allows it".to_owned(),
    };
    match comment {
        Some(comment) => format!("{by}: {comment}\nIt was not executed."),
        None => format!("{by}. It was not executed."),
    }
}

fn not_sent(why: &str) -> String {
    format!("Not sent: {why}")
}

fn unknown(why: &str) -> String {
    format!("The outcome is unknown, it may or may not have happened: {why} Look before you ask for it again.")
}

/// An upstream's answer: an MCP server's result as it came, an HTTP body verbatim in one text block.
fn of_answer(kind: ConnectorKind, answer: Answer) -> CallToolResult {
    match kind {
        ConnectorKind::Mcp => of_mcp(answer),
        ConnectorKind::Http | ConnectorKind::External => of_http(&answer),
    }
}

fn of_mcp(answer: Answer) -> CallToolResult {
    let failed = answer.status >= 400;
    let Answer { data, truncated, .. } = answer;
    if let Some(note) = truncated {
        let text = text_of(&data);
        return with_error(vec![ContentBlock::text(text), ContentBlock::text(note)], failed);
    }
    let text = text_of(&data);
    match serde_json::from_value::<CallToolResult>(readable(data)) {
        Ok(mut result) => {
            result.result_type = Some(ResultType::COMPLETE);
            result
        }
        // Whatever else it sent is told as it came, rather than lost.
        Err(_) => with_error(vec![ContentBlock::text(text)], failed),
    }
}

/// A result whose blocks can all be passed on, each in its place among the others.
fn readable(mut result: Value) -> Value {
    for block in result.get_mut("content").and_then(Value::as_array_mut).into_iter().flatten() {
        make_readable(block);
    }
    result
}

/// A block of a kind that rmcp doesn't know becomes a text block with its JSON.
pub(super) fn make_readable(block: &mut Value) {
    if ContentBlock::deserialize(&*block).is_err() {
        *block = json!({"type": "text", "text": block.to_string()});
    }
}

fn of_http(answer: &Answer) -> CallToolResult {
    let mut content = vec![ContentBlock::text(text_of(&answer.data))];
    content.extend(answer.truncated.clone().map(ContentBlock::text));
    with_error(content, answer.status >= 400)
}

fn with_error(content: Vec<ContentBlock>, failed: bool) -> CallToolResult {
    if failed { CallToolResult::error(content) } else { CallToolResult::success(content) }
}

fn text_of(data: &Value) -> String {
    match data {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Leave for something that the agent does itself, won. It may be read twice, so that it says by which id it is one.
pub(super) fn leave(request: &Request, arguments: &Value) -> CallToolResult {
    let (id, tool) = (request.id, &request.tool);
    said(format!(
        "Approved and claimed ({id}). The desk does not do this: do {tool} yourself now, once, with exactly these \
         arguments:\n{arguments}\nIf you did {id} already, don't do it again."
    ))
}

/// What the agent does itself, and claimed at another door.
pub(super) fn claimed(request: &Request) -> CallToolResult {
    refused(format!(
        "Approved, and claimed before ({}): this agent has had its leave for {}. Don't do it again; ask anew if it is to \
         be done once more.",
        request.id, request.tool
    ))
}

/// A refusal before anything was stored, in the place where its reader can do something about it.
pub(super) fn of_refusal(error: &DeskError, name: &str) -> Result<CallToolResult, ErrorData> {
    match error {
        DeskError::Refused(refusal) => match refusal.code {
            Code::UnknownTool => Err(ErrorData::invalid_params(format!("Unknown tool: {name}"), None)),
            Code::NotFound => Ok(refused("There is no request with this id, or it is not this agent's.")),
            Code::Unauthenticated => Err(protocol_error(error)),
            _ => {
                let fields = refusal.errors.iter().map(|error| format!("{}: {}", error.field, error.message));
                let untold = fields.filter(|field| !refusal.detail.contains(field)).map(|field| format!("\n{field}"));
                Ok(refused(format!("{}{}", refusal.detail, untold.collect::<String>())))
            }
        },
        _ => Err(protocol_error(error)),
    }
}

/// What an agent may hear of a failure of ours; the rest stands in the log.
pub(super) fn protocol_error(error: &DeskError) -> ErrorData {
    match error {
        DeskError::Refused(refusal) => ErrorData::invalid_request(refusal.detail.clone(), None),
        DeskError::Store(_) => {
            tracing::error!(%error, "the store failed");
            ErrorData::internal_error("The desk can't write its record now. Nothing was done; try again later.", None)
        }
        _ => {
            tracing::error!(%error, "a use case failed");
            ErrorData::internal_error("The desk could not do this. Its log says why.", None)
        }
    }
}

/// A request that is not this agent's sounds like none.
pub(super) fn no_such_task(id: &str) -> ErrorData {
    ErrorData::invalid_params(format!("There is no task {id:?}."), None)
}

/// An id out of what a client sent.
pub(super) fn task_id(text: &str) -> Result<RequestId, ErrorData> {
    text.parse().map_err(|_| no_such_task(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(data: Value, status: u16) -> Value {
        let answer = Answer { status, content_type: None, data, truncated: None };
        serde_json::to_value(of_answer(ConnectorKind::Mcp, answer)).unwrap()
    }

    #[test]
    fn a_block_that_is_not_known_is_told_in_its_place_and_leaves_the_rest_alone() {
        let hologram = json!({"type": "hologram", "voxels": [1, 2]});
        let link = json!({"type": "resource_link", "uri": "a:b", "name": "b"});
        let image = json!({"type": "image", "data": "aGk=", "mimeType": "image/png", "_meta": {"a": 1}});
        let result = json!({
            "content": [link, hologram, image],
            "structuredContent": {"n": 1},
            "isError": true,
            "_meta": {"trace": "t"},
        });
        let told = passed_on(result.clone(), 502);
        let block = &told["content"][1];
        assert_eq!(block["type"], "text");
        assert_eq!(serde_json::from_str::<Value>(block["text"].as_str().unwrap()).unwrap(), hologram);
        assert_eq!((&told["content"][0], &told["content"][2]), (&link, &image));
        for key in ["structuredContent", "isError", "_meta"] {
            assert_eq!(told[key], result[key], "{key}");
        }
    }

    #[test]
    fn what_is_no_finished_result_is_told_as_it_came() {
        let asking = json!({"resultType": "input_required", "inputRequests": {"a": 1}});
        let told = passed_on(asking.clone(), 502);
        assert_eq!((told["isError"].as_bool(), told["content"].as_array().map(Vec::len)), (Some(true), Some(1)));
        assert_eq!(serde_json::from_str::<Value>(told["content"][0]["text"].as_str().unwrap()).unwrap(), asking);
    }
}
