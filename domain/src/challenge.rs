//! What an approver's passkey signs: a statement about one decision on one request.

use crate::canonical::{Canonical, CanonicalError};
use crate::digest::Digest;
use crate::grant::Grant;
use crate::ids::UserId;
use crate::request::Vote;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How long a decision's challenge may be answered.
pub const CHALLENGE_LIFETIME: std::time::Duration = std::time::Duration::from_secs(5 * 60);

/// The `t` of every decision statement.
pub const STATEMENT_TYPE: &str = "countersign/decision/v1";

/// The object whose hash is the WebAuthn challenge. Stored with the decision, as proof of what was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionStatement {
    /// Always [`STATEMENT_TYPE`].
    pub t: String,
    /// 32 random bytes, base64url, so that no two challenges are alike.
    pub nonce: String,
    /// The request's digest.
    pub digest: Digest,
    /// Approve or deny.
    pub decision: Vote,
    /// How far the leave goes.
    pub grant: Grant,
    /// Of an ask for access, the tools that are granted, in the order they were asked for; of a call, no such key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
    /// SHA-256 of the comment's UTF-8, null without a comment.
    pub comment_sha256: Option<Digest>,
    /// The step that it counts for, from 1.
    pub step: u32,
    /// Who decides; null when one touch both signs in and decides.
    pub user_id: Option<UserId>,
    /// When the challenge goes stale, milliseconds.
    pub challenge_expires_at: i64,
}

impl DecisionStatement {
    /// `SHA-256(JCS(statement))`.
    ///
    /// # Errors
    /// Never in practice: all fields are strings, small integers or null.
    pub fn challenge(&self) -> Result<Digest, CanonicalError> {
        Canonical::of(self).map(|canonical| Digest::of(canonical.bytes()))
    }

    /// Whether the challenge may still be answered.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.millis() <= self.challenge_expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn given_statement() -> DecisionStatement {
        DecisionStatement {
            t: STATEMENT_TYPE.into(),
            nonce: "n".into(),
            digest: Digest([1; 32]),
            decision: Vote::Approve,
            grant: Grant::Once,
            tools: None,
            comment_sha256: None,
            step: 1,
            user_id: Some(UserId(Uuid::from_u128(1))),
            challenge_expires_at: 10,
        }
    }

    #[test]
    fn approving_and_denying_are_never_the_same_challenge() {
        let mut deny = given_statement();
        deny.decision = Vote::Deny;
        assert_ne!(given_statement().challenge().unwrap(), deny.challenge().unwrap());
    }

    #[test]
    fn another_user_request_comment_grant_step_or_nonce_is_another_challenge() {
        let changes: [fn(&mut DecisionStatement); 8] = [
            |s| s.grant = Grant::ToolHour,
            |s| s.tools = Some(vec!["events_list".into()]),
            |s| s.user_id = None,
            |s| s.digest = Digest([2; 32]),
            |s| s.comment_sha256 = Some(Digest::of(b"fine")),
            |s| s.step = 2,
            |s| s.nonce = "m".into(),
            |s| s.challenge_expires_at = 11,
        ];
        for change in changes {
            let mut other = given_statement();
            change(&mut other);
            assert_ne!(given_statement().challenge().unwrap(), other.challenge().unwrap());
        }
    }

    #[test]
    fn of_a_call_the_challenge_has_the_keys_that_the_contract_names_and_no_other() {
        let written = serde_json::to_value(given_statement()).unwrap();
        let mut keys: Vec<_> = written.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        let named =
            ["challenge_expires_at", "comment_sha256", "decision", "digest", "grant", "nonce", "step", "t", "user_id"];
        assert_eq!(keys, named);
    }

    #[test]
    fn goes_stale() {
        assert!(given_statement().is_fresh(Timestamp::from_millis(10)));
        assert!(!given_statement().is_fresh(Timestamp::from_millis(11)));
    }
}
