//! Grants: how far an approval's leave goes, which of them a request offers, and when one is still good.
//!
//! A grant turns one verdict only, `request_approval`, into a call at once. It never outlives what it is bound to.

use crate::Effect;
use crate::ids::{AgentId, ConnectorId, CredentialId, PolicyId, UserId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a grant for an hour holds.
pub const HOUR: Duration = Duration::from_secs(60 * 60);
/// How long a grant holds at most, whatever it is for.
pub const LONGEST: Duration = Duration::from_secs(8 * 60 * 60);

/// How far an approver's leave goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
pub enum Grant {
    /// This call.
    #[default]
    #[serde(rename = "once")]
    Once,
    /// This tool, for an hour.
    #[serde(rename = "tool_1h")]
    ToolHour,
    /// This tool, in the coding agent's session that asked.
    #[serde(rename = "tool_session")]
    ToolSession,
}

impl Grant {
    /// All of them, as they are offered.
    pub const ALL: [Self; 3] = [Self::Once, Self::ToolHour, Self::ToolSession];

    /// The word on the wire and in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::ToolHour => "tool_1h",
            Self::ToolSession => "tool_session",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.word() == word)
    }
}

/// The grants that a request for one call offers. `allow_grants` is its policy's word: true offers them for a
/// destructive tool too, false for no tool; when it says nothing, a destructive tool is approved call by call.
#[must_use]
pub fn offered(effect: Effect, allow_grants: Option<bool>, in_session: bool) -> Vec<Grant> {
    let wide = allow_grants.unwrap_or(effect != Effect::Destructive);
    let offers = |grant: &Grant| match grant {
        Grant::Once => true,
        Grant::ToolHour => wide,
        Grant::ToolSession => wide && in_session,
    };
    Grant::ALL.into_iter().filter(offers).collect()
}

/// Leave for more than one call: what several approvers' grants have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leave {
    /// Whether it holds in one session only.
    pub in_session: bool,
    /// How long it holds.
    pub lasts: Duration,
}

impl Leave {
    /// What these grants have in common; none where one of them, or no grant at all, is for one call. An hour in every
    /// session and eight in one come to an hour in that one.
    #[must_use]
    pub fn common(grants: impl IntoIterator<Item = Grant>) -> Option<Self> {
        grants.into_iter().map(Self::of).reduce(|all, next| Some(all?.narrowed(next?))).flatten()
    }

    const fn of(grant: Grant) -> Option<Self> {
        match grant {
            Grant::Once => None,
            Grant::ToolHour => Some(Self { in_session: false, lasts: HOUR }),
            Grant::ToolSession => Some(Self { in_session: true, lasts: LONGEST }),
        }
    }

    fn narrowed(self, other: Self) -> Self {
        Self { in_session: self.in_session || other.in_session, lasts: self.lasts.min(other.lasts) }
    }
}

/// What made a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GrantKind {
    /// An approved call: its tool, for an hour.
    #[serde(rename = "tool_1h")]
    ToolHour,
    /// An approved call: its tool, in its session.
    #[serde(rename = "tool_session")]
    ToolSession,
    /// An approved ask for access.
    #[serde(rename = "access")]
    Access,
}

impl GrantKind {
    /// The word on the wire and in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ToolHour => "tool_1h",
            Self::ToolSession => "tool_session",
            Self::Access => "access",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::ToolHour, Self::ToolSession, Self::Access].into_iter().find(|kind| kind.word() == word)
    }
}

/// All that a grant is bound to. A call whose own is another is not covered: a change of any of these ends the grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Who asks.
    pub agent_id: AgentId,
    /// On whose behalf.
    pub requester_id: UserId,
    /// Through which connector.
    pub connector_id: ConnectorId,
    /// The connector's settings, by version.
    pub connector_version: i64,
    /// The tool's bare name.
    pub tool: String,
    /// SHA-256 of the tool's input schema, hex.
    pub schema_hash: String,
    /// The credential and its version.
    pub credential: Option<(CredentialId, i64)>,
    /// The policy that asks for approval, and its version.
    pub policy: (PolicyId, i64),
}

/// Until when a grant holds, where, and whether somebody took it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The one session that it holds in.
    pub session_id: Option<String>,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

impl Term {
    /// Whether it holds now.
    #[must_use]
    pub fn is_running(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }

    /// Whether it holds now for a call in this session, or in none.
    #[must_use]
    pub fn covers(&self, session: Option<&str>, now: Timestamp) -> bool {
        let here = self.session_id.as_deref().is_none_or(|id| session == Some(id));
        here && self.is_running(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_grant() -> impl Strategy<Value = Grant> {
        prop::sample::select(Grant::ALL.to_vec())
    }

    fn any_term() -> impl Strategy<Value = Term> {
        (prop::option::of("[ab]"), 0_i64..100, prop::option::of(0_i64..100)).prop_map(|(session_id, end, revoked)| {
            Term {
                session_id,
                expires_at: Timestamp::from_millis(end),
                revoked_at: revoked.map(Timestamp::from_millis),
            }
        })
    }

    proptest! {
        #[test]
        fn what_is_common_is_no_wider_than_any_and_asks_nobody_twice(grants in prop::collection::vec(any_grant(), 0..5)) {
            let common = Leave::common(grants.iter().copied());
            prop_assert_eq!(common.is_none(), grants.is_empty() || grants.contains(&Grant::Once));
            for own in grants.into_iter().filter_map(Leave::of) {
                if let Some(common) = common {
                    prop_assert!(common.lasts <= own.lasts && (common.in_session || !own.in_session));
                }
            }
        }

        #[test]
        fn the_order_of_the_approvers_is_nothing(mut grants in prop::collection::vec(any_grant(), 0..5)) {
            let forth = Leave::common(grants.iter().copied());
            grants.reverse();
            prop_assert_eq!(forth, Leave::common(grants));
        }

        #[test]
        fn no_grant_holds_after_its_end_after_it_was_taken_back_or_in_another_session(
            term in any_term(), session in prop::option::of("[abc]"), now in 0_i64..120,
        ) {
            let now = Timestamp::from_millis(now);
            if term.covers(session.as_deref(), now) {
                prop_assert!(now < term.expires_at && term.revoked_at.is_none());
                prop_assert!(term.session_id.is_none() || term.session_id == session);
            }
        }

        #[test]
        fn a_session_is_offered_only_to_a_call_in_one(allow in prop::option::of(any::<bool>()), in_session: bool) {
            for effect in [Effect::Read, Effect::Write, Effect::Destructive] {
                let offers = offered(effect, allow, in_session);
                prop_assert_eq!(offers[0], Grant::Once);
                prop_assert!(in_session || !offers.contains(&Grant::ToolSession));
                prop_assert!(allow != Some(false) || offers.len() == 1);
            }
        }
    }

    #[test]
    fn a_destructive_tool_is_approved_call_by_call_unless_the_policy_says_otherwise() {
        assert_eq!(offered(Effect::Destructive, None, true), [Grant::Once]);
        assert_eq!(offered(Effect::Destructive, Some(true), true), Grant::ALL);
        assert_eq!(offered(Effect::Write, None, false), [Grant::Once, Grant::ToolHour]);
    }

    #[test]
    fn an_hour_in_every_session_and_eight_in_one_come_to_an_hour_in_that_one() {
        let common = Leave::common([Grant::ToolSession, Grant::ToolHour]);
        assert_eq!(common, Some(Leave { in_session: true, lasts: HOUR }));
    }

    #[test]
    fn words_read_back() {
        for grant in Grant::ALL {
            assert_eq!(Grant::from_word(grant.word()), Some(grant));
            assert_eq!(serde_json::to_value(grant).unwrap(), grant.word());
        }
        for kind in [GrantKind::ToolHour, GrantKind::ToolSession, GrantKind::Access] {
            assert_eq!(GrantKind::from_word(kind.word()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
    }
}
