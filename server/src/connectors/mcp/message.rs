//! What the other side's messages say, whichever way they came: answers that somebody waits for are kept as text, as
//! they came, whatever rmcp would make of their shape.

use rmcp::model::{
    CustomResult, ErrorCode, ErrorData, JsonRpcMessage, NumberOrString, ServerJsonRpcMessage, ServerResult,
};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The longest message that is read. Answers are kept up to 1 MiB; a longer one still has to be told apart.
pub(super) const LONGEST_MESSAGE: usize = 16 * 1024 * 1024;

/// A JSON-RPC message whose content is not looked at yet.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(default)]
    pub(super) id: Option<NumberOrString>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    /// `None` when it is no JSON object.
    pub(super) fn read(text: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// Whether it answers something, rather than asking or telling.
    pub(super) const fn is_answer(&self) -> bool {
        self.method.is_none()
    }

    /// The parameters of a message about a call's progress.
    pub(super) fn progress(&self) -> Option<&'a str> {
        let is_progress = self.id.is_none() && self.method.as_deref() == Some("notifications/progress");
        self.params.filter(|_| is_progress).map(RawValue::get)
    }

    /// Log messages and the like would only end up in rmcp's log.
    pub(super) fn is_noise(&self) -> bool {
        self.id.is_none() && self.method.as_deref().is_some_and(|method| !is_wanted(method))
    }

    /// The text of a result travels as a JSON string within rmcp's result for anything: parsing it is left to whoever
    /// asked, who may find it too long for that.
    pub(super) fn raw(&self, id: NumberOrString) -> ServerJsonRpcMessage {
        match self.error {
            Some(error) => JsonRpcMessage::error(lenient(error.get()), Some(id)),
            None => {
                let text = self.result.map_or("null", RawValue::get).to_owned();
                JsonRpcMessage::response(ServerResult::CustomResult(CustomResult(Value::String(text))), id)
            }
        }
    }
}

fn is_wanted(notification: &str) -> bool {
    matches!(
        notification,
        "notifications/tools/list_changed"
            | "notifications/prompts/list_changed"
            | "notifications/resources/list_changed"
            | "notifications/subscriptions/acknowledged"
            | "notifications/cancelled"
    )
}

/// An error in whatever shape is still an answer.
fn lenient(text: &str) -> ErrorData {
    error_of(&serde_json::from_str(text).unwrap_or_default())
}

/// A JSON-RPC error object.
pub(super) fn error_of(error: &Value) -> ErrorData {
    let code =
        error["code"].as_i64().and_then(|code| i32::try_from(code).ok()).map_or(ErrorCode::INTERNAL_ERROR, ErrorCode);
    let message = error["message"].as_str().unwrap_or("The server reported an error without a message.").to_owned();
    ErrorData::new(code, message, error.get("data").cloned())
}
