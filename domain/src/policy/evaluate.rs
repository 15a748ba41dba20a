//! Judges a call by all policies: any matching deny wins, then the highest priority, at a tie the stricter action.
//!
//! Fails closed. Nothing here looks at the world: the same policies and the same call give the same verdict, in
//! whatever order the policies stand.

use super::condition::{Condition, ConditionError};
use super::glob::Glob;
use super::scene::Scene;
use super::{Action, FailedCondition, Matched, Policy, PolicyBody, PolicyProblem, ProblemKind, Verdict};
use crate::{Effect, Timestamp};
use std::borrow::Borrow;
use std::cell::LazyCell;
use std::cmp::Reverse;

/// The call that is judged.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The connector's slug.
    pub connector: &'a str,
    /// The tool's bare name.
    pub tool: &'a str,
    /// The tool's effect.
    pub effect: Effect,
    /// The arguments, an object, at most 1 MiB.
    pub arguments: &'a serde_json::Value,
    /// The agent's name.
    pub agent: &'a str,
    /// The requester's email.
    pub user_email: &'a str,
    /// The groups that the requester is in.
    pub user_groups: &'a [String],
    /// The moment of the call.
    pub now: Timestamp,
    /// Where the call came from, where that is known.
    pub ip: Option<&'a str>,
}

/// A policy, ready to be evaluated. Compile once, when it is saved or loaded.
#[derive(Clone, Debug)]
pub struct CompiledPolicy {
    policy: Policy,
    tools: Option<Vec<Glob>>,
    /// Emails in lower case.
    users: Option<Vec<String>>,
    when: When,
}

#[derive(Clone, Debug)]
enum When {
    Always,
    If(Condition),
    /// Stored, and no longer taken: it can't be evaluated, so it fails at every call.
    Broken(String),
}

impl CompiledPolicy {
    /// Takes a policy that is to be saved.
    ///
    /// # Errors
    /// Everything that is wrong with it, the condition included.
    pub fn compile(policy: Policy) -> Result<Self, Vec<PolicyProblem>> {
        let mut problems = policy.body.check();
        let when = match compile_when(&policy.body) {
            Ok(when) => when,
            // `check` has said so already.
            Err(ConditionError::TooLong(_)) => When::Always,
            Err(error) => {
                problems.push(PolicyProblem::new("when", ProblemKind::Invalid, error.to_string()));
                When::Always
            }
        };
        if problems.is_empty() { Ok(Self::with(policy, when)) } else { Err(problems) }
    }

    /// Takes a policy as it is stored, even one that an older version saved and this one would refuse: leaving out a
    /// deny would open the desk, so its condition fails at every call instead.
    #[must_use]
    pub fn stored(policy: Policy) -> Self {
        let when = compile_when(&policy.body).unwrap_or_else(|error| When::Broken(error.to_string()));
        Self::with(policy, when)
    }

    fn with(policy: Policy, when: When) -> Self {
        let scope = &policy.body.scope;
        let tools = scope.tools.as_ref().map(|tools| tools.iter().map(|tool| Glob::new(tool)).collect());
        let users = scope.users.as_ref().map(|users| users.iter().map(|user| user.to_lowercase()).collect());
        Self { policy, tools, users, when }
    }

    /// The policy that was compiled.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    fn covers(&self, call: &Call<'_>, email: &str) -> bool {
        let scope = &self.policy.body.scope;
        among(scope.connectors.as_deref(), |slug| slug == call.connector)
            && among(self.tools.as_deref(), |tool| tool.matches(call.tool))
            && among(scope.agents.as_deref(), |agent| agent == call.agent)
            && among(self.users.as_deref(), |user| user == email)
            && among(scope.groups.as_deref(), |group| call.user_groups.contains(group))
    }

    /// The greatest wins. No two are equal, since ids are not, so the order of the list can't matter.
    fn rank(&self) -> impl Ord + use<> {
        let body = &self.policy.body;
        let strictness = match body.action {
            Action::Allow => 0,
            Action::StepUp => 1,
            Action::RequestApproval => 2,
            Action::Deny => 3,
        };
        (body.action == Action::Deny, body.priority, strictness, Reverse(self.policy.id), Reverse(self.policy.version))
    }

    fn failed(&self, reason: String) -> FailedCondition {
        FailedCondition {
            policy: self.policy.id,
            version: self.policy.version,
            name: self.policy.body.name.clone(),
            reason,
        }
    }

    fn matched(&self) -> Matched {
        let Policy { id, version, body } = &self.policy;
        Matched {
            id: *id,
            version: *version,
            name: body.name.clone(),
            priority: body.priority,
            flow: body.flow.clone(),
        }
    }
}

fn compile_when(body: &PolicyBody) -> Result<When, ConditionError> {
    // An empty condition is a problem of its own, told by `check`.
    body.when
        .as_deref()
        .filter(|text| !text.trim().is_empty())
        .map_or(Ok(When::Always), |text| Condition::compile(text).map(When::If))
}

fn among<T>(list: Option<&[T]>, matches: impl FnMut(&T) -> bool) -> bool {
    list.is_none_or(|list| list.iter().any(matches))
}

/// What is to be done with the call, and by which policy. Nothing matches: deny.
///
/// Asks the policies in scope from the one that would win downwards, and stops at the first that matches: what a lower
/// one's condition says could change nothing.
#[must_use]
pub fn evaluate<P: Borrow<CompiledPolicy>>(policies: &[P], call: &Call<'_>) -> Verdict {
    let scene = LazyCell::new(|| Scene::of(call));
    let email = call.user_email.to_lowercase();
    let mut in_scope: Vec<&CompiledPolicy> =
        policies.iter().map(Borrow::borrow).filter(|policy: &&CompiledPolicy| policy.covers(call, &email)).collect();
    in_scope.sort_unstable_by_key(|policy| Reverse(policy.rank()));
    let mut failed = Vec::new();
    for policy in in_scope {
        let answer = match &policy.when {
            When::Always => Ok(true),
            When::If(condition) => condition.holds(&scene),
            When::Broken(reason) => Err(reason.clone()),
        };
        let action = policy.policy.body.action;
        let matches = answer.unwrap_or_else(|reason| {
            failed.push(policy.failed(reason));
            matches!(action, Action::Deny | Action::RequestApproval)
        });
        if matches {
            return Verdict { action, policy: Some(policy.matched()), failed };
        }
    }
    Verdict::nothing_matched(failed)
}

#[cfg(test)]
mod tests;
