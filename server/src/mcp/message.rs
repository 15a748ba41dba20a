//! What a client sent, before rmcp is asked: whether it is a message of JSON-RPC 2.0 at all, and one that rmcp reads as it
//! was meant.

use super::unread::refusal_at_the_door;
use axum::Json;
use axum::http::StatusCode;
use countersign_domain::canonical::Strict;
use rmcp::model::{ErrorCode, ErrorData};
use serde_json::error::Category;
use serde_json::{Value, json};

/// A refusal of a message as JSON-RPC says it, with HTTP's 400 (MCP 2026-07-28, "Sending Messages to the Server").
pub type Refused = (StatusCode, Json<Value>);

/// A message that can be answered as one.
///
/// # Errors
/// The refusal: what is no JSON, or nested too deep, is a parse error (-32700); what is no request, notification or
/// response of JSON-RPC 2.0, or has a key that stands twice, which is read in one way here and in another upstream, is an
/// invalid request (-32600); and parameters that are none are invalid (-32602).
pub fn read(bytes: &[u8]) -> Result<Value, Refused> {
    let message = match serde_json::from_slice::<Strict>(bytes) {
        Ok(Strict(message)) => message,
        Err(error) if error.classify() == Category::Data => {
            let id = serde_json::from_slice::<Value>(bytes).map(|mut message| message["id"].take()).unwrap_or_default();
            return Err(refuse(&id, &invalid(error.to_string())));
        }
        Err(error) => {
            let error = ErrorData::new(ErrorCode::PARSE_ERROR, format!("The body: {error}."), None);
            return Err(refuse(&Value::Null, &error));
        }
    };
    if let Some(why) = no_message(&message) {
        return Err(refuse(&message["id"], &invalid(why)));
    }
    match refusal_at_the_door(&message) {
        Some(error) => Err(refuse(&message["id"], &error)),
        None => Ok(message),
    }
}

/// An error as the answer to the message with this id; null where it has none that could be one.
pub fn refuse(id: &Value, error: &ErrorData) -> Refused {
    let id = if is_id(id) { id } else { &Value::Null };
    (StatusCode::BAD_REQUEST, Json(json!({"jsonrpc": "2.0", "id": id, "error": error})))
}

fn invalid(why: impl Into<String>) -> ErrorData {
    ErrorData::invalid_request(why.into(), None)
}

/// A string or an integer, and never null (MCP, "Requests").
fn is_id(id: &Value) -> bool {
    id.is_string() || id.is_i64() || id.is_u64()
}

/// Why this is no message of JSON-RPC 2.0; MCP has no batches.
fn no_message(message: &Value) -> Option<&'static str> {
    let Value::Object(fields) = message else { return Some("A message is one JSON object; there are no batches.") };
    if fields.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Some("`jsonrpc` must be \"2.0\".");
    }
    if fields.get("id").is_some_and(|id| !is_id(id)) {
        return Some("`id` must be a string or an integer.");
    }
    match fields.get("method") {
        Some(Value::String(_)) => None,
        Some(_) => Some("`method` must be a string."),
        None if fields.contains_key("result") || fields.contains_key("error") => None,
        None => Some("There is no `method`, and no `result` or `error` either."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<i64> {
        read(text.as_bytes()).err().and_then(|(_, Json(body))| body["error"]["code"].as_i64())
    }

    #[test]
    fn what_is_no_json_rpc_is_told_so_as_json_rpc() {
        for text in ["", "{", "nothing", "{\"a\":}"] {
            assert_eq!(code(text), Some(-32700), "{text}");
        }
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let batch = format!("[{ping}]");
        let none = [
            "[]",
            "null",
            "7",
            batch.as_str(),
            "{}",
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
        ];
        for text in none {
            assert_eq!(code(text), Some(-32600), "{text}");
        }
        for text in [ping, r#"{"jsonrpc":"2.0","method":"x"}"#, r#"{"jsonrpc":"2.0","id":"a","result":{}}"#] {
            assert!(read(text.as_bytes()).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_refusal_names_the_message_that_it_answers() {
        let (status, Json(body)) = read(br#"{"jsonrpc":"1.0","id":"x","method":"ping"}"#).unwrap_err();
        assert_eq!((status, &body["id"]), (StatusCode::BAD_REQUEST, &json!("x")));
        let (_, Json(body)) = read(br#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#).unwrap_err();
        assert_eq!(body["id"], Value::Null);
    }
}
