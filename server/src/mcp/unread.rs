//! What rmcp reads as no request that it knows: a method that there is, with parameters that it does not take, and a
//! method that there is not. The two are told apart here, so that a client hears which mistake it made.

use rmcp::model::{
    CallToolRequestParams, CancelTaskParams, CompleteRequestParams, CustomRequest, ErrorCode, ErrorData,
    GetPromptRequestParams, GetTaskParams, InitializeRequestParams, PaginatedRequestParams, ReadResourceRequestParams,
    SubscriptionsListenRequestParams, UpdateTaskParams,
};
use serde::Deserialize;
use serde_json::Value;

/// What a request of a revision without sessions says of itself.
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The one method that begins a session. In the revisions without sessions it isn't there.
const INITIALIZE: &str = "initialize";

/// What is wrong with a request that rmcp could not read as one of its own.
pub(super) fn refusal(request: &CustomRequest) -> ErrorData {
    let known = Some(request.method.as_str()).filter(|method| *method != INITIALIZE);
    let wrong = known.and_then(|method| wrong_parameters(method, request.params.as_ref()));
    wrong.unwrap_or_else(|| ErrorData::new(ErrorCode::METHOD_NOT_FOUND, request.method.clone(), None))
}

/// What rmcp would misunderstand before it asks us: parameters that are no object, and a first message that can't begin
/// a session.
pub(super) fn refusal_at_the_door(message: &Value) -> Option<ErrorData> {
    let (method, params) = (message["method"].as_str()?, message.get("params"));
    let is_request = !message["id"].is_null();
    let begins = method == INITIALIZE && message["params"]["_meta"][VERSION].is_null();
    let is_no_object = params.is_some_and(|params| !params.is_object() && !params.is_null());
    (is_request && (begins || is_no_object)).then(|| wrong_parameters(method, params))?
}

/// Why a method that we have can't be called with these parameters; none of a method that we don't have, and where
/// nothing is wrong.
fn wrong_parameters(method: &str, params: Option<&Value>) -> Option<ErrorData> {
    let read = match method {
        INITIALIZE => read::<InitializeRequestParams>,
        "tools/call" => read::<CallToolRequestParams>,
        "prompts/get" => read::<GetPromptRequestParams>,
        "resources/read" => read::<ReadResourceRequestParams>,
        "completion/complete" => read::<CompleteRequestParams>,
        "subscriptions/listen" => read::<SubscriptionsListenRequestParams>,
        "tasks/get" => read::<GetTaskParams>,
        "tasks/update" => read::<UpdateTaskParams>,
        "tasks/cancel" => read::<CancelTaskParams>,
        "tools/list" | "prompts/list" | "resources/list" | "resources/templates/list" => read::<PaginatedRequestParams>,
        _ => return None,
    };
    let why = read(params.unwrap_or(&Value::Null)).err()?;
    Some(ErrorData::invalid_params(format!("The parameters of `{method}` can't be read: {why}."), None))
}

fn read<'a, T: Deserialize<'a>>(params: &'a Value) -> Result<(), String> {
    match params.is_object() {
        true => T::deserialize(params).map(drop).map_err(|error| error.to_string()),
        false => Err("`params` must be an object".to_owned()),
    }
}
