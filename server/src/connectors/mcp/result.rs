//! What an MCP server's answer to `tools/call` means.

use crate::connectors::answer::{Kept, keep_json};
use crate::connectors::scrub::Scrubber;
use countersign_domain::execution::{Answer, Attempt};
use serde::Deserialize;
use serde_json::json;

const DONE: u16 = 200;
const FAILED: u16 = 502;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Peek {
    #[serde(default)]
    is_error: Option<bool>,
    #[serde(default)]
    result_type: Option<String>,
}

/// A result as text. Kept as it came, whatever is in it.
pub(super) fn of_result(text: String, scrubber: &Scrubber) -> Attempt {
    let peek = serde_json::from_str::<Peek>(&text).ok().filter(|_| text.starts_with('{'));
    let Some(peek) = peek else {
        return Attempt::Unknown("The server's answer is not a tool's result.".to_owned());
    };
    let status = match peek.result_type.as_deref() {
        None | Some("complete") => {
            if peek.is_error == Some(true) {
                FAILED
            } else {
                DONE
            }
        }
        Some("task") => {
            return Attempt::Unknown(
                "The server goes on with the call in the background and gave no result.".to_owned(),
            );
        }
        // It asks for more input, which nobody approved, or for something that we don't know.
        Some(_) => FAILED,
    };
    answered(status, keep_json(text, scrubber))
}

/// A JSON-RPC error is an answer too: unknown tool, invalid arguments.
pub(super) fn of_error(message: &str, scrubber: &Scrubber) -> Attempt {
    let result = json!({"isError": true, "content": [{"type": "text", "text": message}]});
    answered(FAILED, keep_json(result.to_string(), scrubber))
}

fn answered(status: u16, kept: Kept) -> Attempt {
    Attempt::Answered(Answer { status, content_type: None, data: kept.data, truncated: kept.truncated })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(result: &str) -> Option<u16> {
        match of_result(result.to_owned(), &Scrubber::default()) {
            Attempt::Answered(answer) => Some(answer.status),
            Attempt::NotSent(_) | Attempt::Unknown(_) => None,
        }
    }

    #[test]
    fn a_result_says_whether_it_worked() {
        assert_eq!(status(r#"{"content":[]}"#), Some(200));
        assert_eq!(status(r#"{"content":[],"isError":false,"resultType":"complete"}"#), Some(200));
        assert_eq!(status(r#"{"content":[],"isError":true}"#), Some(502));
        assert_eq!(status(r#"{"resultType":"input_required","inputRequests":{}}"#), Some(502));
        assert_eq!(status(r#"{"resultType":"task","taskId":"1"}"#), None);
        assert_eq!(status("null"), None);
        assert_eq!(status("[]"), None);
        assert_eq!(status(r#""done""#), None);
        assert_eq!(status(r#"{"isError":"perhaps"}"#), None);
    }

    #[test]
    fn a_long_result_still_says_whether_it_worked() {
        let long = format!(r#"{{"content":[{{"type":"text","text":"{}"}}],"isError":true}}"#, "x".repeat(2 << 20));
        assert_eq!(status(&long), Some(502));
    }
}
