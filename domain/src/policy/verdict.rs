//! What the policies say about one call, and by which of them.

use super::Action;
use crate::ids::PolicyId;
use serde::{Deserialize, Serialize};

/// The answer to one call. Kept with the request and in its audit row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What is to be done.
    pub action: Action,
    /// The policy that says so; none when no policy matched, which is a deny.
    pub policy: Option<Matched>,
    /// The conditions that were asked and could not be evaluated, the strongest policy first. Each counted as true for
    /// deny and request_approval and as false for allow and step_up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedCondition>,
}

/// The policy behind a verdict, as it was at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matched {
    /// Its id.
    pub id: PolicyId,
    /// Its version.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// Its priority: a policy made from the request is saved at one more.
    pub priority: i32,
    /// The flow it names, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
}

/// A condition that gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCondition {
    /// Whose condition.
    pub policy: PolicyId,
    /// Of which version.
    pub version: i64,
    /// That policy's name.
    pub name: String,
    /// Why, for an admin; holds types and names, never argument values.
    pub reason: String,
}

impl Verdict {
    /// The verdict where no policy matches.
    #[must_use]
    pub const fn nothing_matched(failed: Vec<FailedCondition>) -> Self {
        Self { action: Action::Deny, policy: None, failed }
    }
}
