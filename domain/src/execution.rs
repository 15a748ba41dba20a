//! What came of a call: the codes that tell an agent why there is no result, and what an upstream's answer means.

use crate::request::RequestEvent;
use serde::{Deserialize, Serialize};

/// Why an approved request did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionErrorCode {
    /// The policies no longer allow it, or would ask somebody else.
    PolicyChanged,
    /// The agent, its owner, an approver, the connector, the tool or the credential is no longer good.
    Revoked,
    /// Not begun within ten minutes of its approval.
    ExecutionWindowPassed,
    /// Nothing went upstream.
    NotSent,
    /// The upstream answered with an error; its answer is kept as the result.
    UpstreamError,
    /// Sending began and no complete answer came.
    OutcomeUnknown,
}

impl ExecutionErrorCode {
    const ALL: [Self; 6] = [
        Self::PolicyChanged,
        Self::Revoked,
        Self::ExecutionWindowPassed,
        Self::NotSent,
        Self::UpstreamError,
        Self::OutcomeUnknown,
    ];

    /// The word on the wire and in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::PolicyChanged => "policy_changed",
            Self::Revoked => "revoked",
            Self::ExecutionWindowPassed => "execution_window_passed",
            Self::NotSent => "not_sent",
            Self::UpstreamError => "upstream_error",
            Self::OutcomeUnknown => "outcome_unknown",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.word() == word)
    }
}

/// What a connector reports of one attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Attempt {
    /// Surely nothing reached the upstream. The sentence is safe to show.
    NotSent(String),
    /// Sending began; no complete answer came. The sentence is safe to show.
    Unknown(String),
    /// A complete answer.
    Answered(Answer),
}

/// What stands beside the base64 of an answer that is neither JSON nor text.
pub const BINARY_NOTE: &str = "The answer is binary and stands here as base64.";

/// An upstream's complete answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status; for MCP tools 200, or 502 where the tool reported an error.
    pub status: u16,
    /// The `Content-Type` of an HTTP answer, where it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The body: JSON where it was JSON, else text, else base64 with a note; for MCP the `CallToolResult`.
    pub data: serde_json::Value,
    /// Set when the body was longer than what is kept, with how much was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<String>,
}

impl Answer {
    /// The base64 of an answer that is neither JSON nor text.
    #[must_use]
    pub fn base64(&self) -> Option<&str> {
        let is_binary = self.data.get("note").and_then(serde_json::Value::as_str) == Some(BINARY_NOTE);
        self.data.get("base64").and_then(serde_json::Value::as_str).filter(|_| is_binary)
    }
}

impl Attempt {
    /// What the attempt means for the request.
    #[must_use]
    pub const fn event(&self) -> RequestEvent {
        match self {
            Self::NotSent(_) => RequestEvent::Fail,
            Self::Unknown(_) => RequestEvent::LoseTrack,
            Self::Answered(answer) if answer.status >= 400 => RequestEvent::Fail,
            Self::Answered(_) => RequestEvent::Succeed,
        }
    }

    /// The code, when it did not succeed.
    #[must_use]
    pub const fn error_code(&self) -> Option<ExecutionErrorCode> {
        match self {
            Self::NotSent(_) => Some(ExecutionErrorCode::NotSent),
            Self::Unknown(_) => Some(ExecutionErrorCode::OutcomeUnknown),
            Self::Answered(answer) if answer.status >= 400 => Some(ExecutionErrorCode::UpstreamError),
            Self::Answered(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16) -> Attempt {
        Attempt::Answered(Answer { status, content_type: None, data: serde_json::Value::Null, truncated: None })
    }

    #[test]
    fn only_a_complete_answer_below_400_is_a_success() {
        assert_eq!(answered(204).event(), RequestEvent::Succeed);
        assert_eq!(answered(302).event(), RequestEvent::Succeed);
        assert_eq!(answered(404).event(), RequestEvent::Fail);
        assert_eq!(Attempt::NotSent("refused".into()).event(), RequestEvent::Fail);
        assert_eq!(Attempt::Unknown("cut".into()).event(), RequestEvent::LoseTrack);
    }

    #[test]
    fn every_code_reads_back() {
        for code in ExecutionErrorCode::ALL {
            assert_eq!(ExecutionErrorCode::from_word(code.word()), Some(code));
        }
    }
}
