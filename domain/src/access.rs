//! Asks for access: several tools of a connector for a while, and no call.

use crate::Effect;
use crate::grant::LONGEST;
use crate::ids::PolicyId;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::time::Duration;

/// The most tools of one ask: more than anybody reads through.
pub const MOST_TOOLS: usize = 50;
/// For how many minutes, when the agent names no number.
pub const DEFAULT_MINUTES: u32 = 60;
/// For how many minutes at most.
#[allow(clippy::cast_possible_truncation, reason = "eight hours in minutes")]
pub const MOST_MINUTES: u32 = (LONGEST.as_secs() / 60) as u32;

/// A tool that is asked for, as it was then. This is what a signature covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedTool {
    /// Its bare name.
    pub tool: String,
    /// What it does to the world.
    pub effect: Effect,
    /// SHA-256 of its input schema, hex.
    pub schema_hash: String,
    /// The policy that its calls fall under; none where none matches.
    pub policy_id: Option<PolicyId>,
    /// That policy's version.
    pub policy_version: Option<i64>,
}

/// What is wrong with an ask.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessProblem {
    /// No tool at all.
    #[error("name at least one tool")]
    NoTools,
    /// Too many to read through.
    #[error("at most {MOST_TOOLS} tools in one request")]
    TooMany,
    /// One tool twice.
    #[error("the tool {0:?} is named twice")]
    Twice(String),
    /// For no time, or for too long.
    #[error("1 to {MOST_MINUTES}")]
    Minutes,
}

/// Checks the tools' names.
///
/// # Errors
/// The first thing that is wrong with them.
pub fn check_tools(tools: &[String]) -> Result<(), AccessProblem> {
    if tools.is_empty() {
        return Err(AccessProblem::NoTools);
    }
    if tools.len() > MOST_TOOLS {
        return Err(AccessProblem::TooMany);
    }
    let mut seen = HashSet::new();
    match tools.iter().find(|tool| !seen.insert(tool.as_str())) {
        Some(twice) => Err(AccessProblem::Twice(twice.chars().take(80).collect())),
        None => Ok(()),
    }
}

/// For how many minutes access is asked for.
///
/// # Errors
/// [`AccessProblem::Minutes`] outside of 1 to [`MOST_MINUTES`].
pub fn minutes(asked: Option<i64>) -> Result<u32, AccessProblem> {
    let asked = asked.unwrap_or(i64::from(DEFAULT_MINUTES));
    let minutes = u32::try_from(asked).map_err(|_| AccessProblem::Minutes)?;
    if (1..=MOST_MINUTES).contains(&minutes) { Ok(minutes) } else { Err(AccessProblem::Minutes) }
}

/// Minutes as a time.
#[must_use]
pub const fn lasting(minutes: u32) -> Duration {
    Duration::from_secs(minutes as u64 * 60)
}

/// The worst that the tools do.
pub fn worst(effects: impl IntoIterator<Item = Effect>) -> Effect {
    effects.into_iter().max().unwrap_or_default()
}

/// Whether a tool is ticked before anybody looked: only what changes nothing.
#[must_use]
pub fn is_ticked_at_first(effect: Effect) -> bool {
    effect == Effect::Read
}

/// The tools that every approver left ticked, in the order they were asked for; none before anybody approved.
#[must_use]
pub fn common(asked: &[AskedTool], ticked: &[&[String]]) -> Vec<String> {
    let by_all = |tool: &String| !ticked.is_empty() && ticked.iter().all(|ticked| ticked.contains(tool));
    asked.iter().map(|asked| &asked.tool).filter(|tool| by_all(tool)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(names: &[&str]) -> Vec<AskedTool> {
        let tool = |name: &&str| AskedTool {
            tool: (*name).to_owned(),
            effect: Effect::Read,
            schema_hash: String::new(),
            policy_id: None,
            policy_version: None,
        };
        names.iter().map(tool).collect()
    }

    proptest! {
        #[test]
        fn nothing_is_granted_that_was_not_asked_for_or_that_one_approver_left_out(
            ticked in prop::collection::vec(prop::collection::vec("[a-d]", 0..4), 0..4),
        ) {
            let all: Vec<_> = ticked.iter().map(Vec::as_slice).collect();
            let granted = common(&asked(&["a", "b", "c"]), &all);
            prop_assert!(!ticked.is_empty() || granted.is_empty());
            for tool in &granted {
                prop_assert!(["a", "b", "c"].contains(&tool.as_str()));
                prop_assert!(ticked.iter().all(|own| own.contains(tool)));
            }
        }

        #[test]
        fn no_time_is_longer_than_eight_hours_or_none_at_all(asked: i64) {
            if let Ok(minutes) = minutes(Some(asked)) {
                prop_assert!(lasting(minutes) <= LONGEST && minutes > 0);
            }
        }
    }

    #[test]
    fn the_limits_are_taken_and_what_is_beyond_them_is_not() {
        assert_eq!((minutes(None), minutes(Some(1)), minutes(Some(480))), (Ok(60), Ok(1), Ok(480)));
        for wrong in [0, -1, 481, i64::MAX, i64::MIN] {
            assert_eq!(minutes(Some(wrong)), Err(AccessProblem::Minutes), "{wrong}");
        }
    }

    #[test]
    fn tools_are_named_once_each_and_not_without_end() {
        let names = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
        assert_eq!(check_tools(&[]), Err(AccessProblem::NoTools));
        assert_eq!(check_tools(&names(MOST_TOOLS)), Ok(()));
        assert_eq!(check_tools(&names(MOST_TOOLS + 1)), Err(AccessProblem::TooMany));
        let twice = ["a".to_owned(), "b".to_owned(), "a".to_owned()];
        assert_eq!(check_tools(&twice), Err(AccessProblem::Twice("a".into())));
    }

    #[test]
    fn the_worst_is_what_the_queue_shows() {
        assert_eq!(worst([Effect::Read, Effect::Destructive, Effect::Write]), Effect::Destructive);
        assert!(is_ticked_at_first(Effect::Read) && !is_ticked_at_first(Effect::Write));
    }
}
