//! The life of a request: its states, what may happen in each, and the words for both.

use crate::ids::UserId;
use serde::{Deserialize, Serialize};

/// How long an approved call may wait before it begins, and an approved external request before it is claimed.
pub const EXECUTION_WINDOW: std::time::Duration = std::time::Duration::from_secs(10 * 60);
/// For how long after a won claim the same claim again is answered as the first was.
pub const CLAIM_REPEATS: std::time::Duration = std::time::Duration::from_secs(60);

/// The most characters of an agent's note that are kept and shown.
pub const NOTE_LIMIT: usize = 2_000;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestKind {
    /// One tool with its arguments.
    Call,
    /// Several tools for a while.
    Access,
}

/// By which door an ask came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Door {
    /// `/v1`.
    Http,
    /// `/mcp`.
    Mcp,
    /// A coding agent's hook, which asks through `/v1` and names its session.
    Hook,
}

impl RequestKind {
    /// The word in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Access => "access",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Call, Self::Access].into_iter().find(|kind| kind.word() == word)
    }

    /// Whether such a request ends when it is approved: an ask for access runs nothing, and what the agent runs itself
    /// is not ours to run.
    #[must_use]
    pub const fn ends_approved(self, external: bool) -> bool {
        external || matches!(self, Self::Access)
    }
}

impl Door {
    /// The word in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Mcp => "mcp",
            Self::Hook => "hook",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Http, Self::Mcp, Self::Hook].into_iter().find(|door| door.word() == word)
    }

    /// Whether the same ask joins a request that is open: its callers lose their answers, and ask again.
    #[must_use]
    pub const fn rejoins(self) -> bool {
        matches!(self, Self::Mcp | Self::Hook)
    }
}

/// Where an approved call goes. Part of the digest, so that an approval holds for one destination only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Target {
    /// A REST call.
    Http {
        /// Upper case.
        method: String,
        /// Whole, with path and query filled in.
        url: String,
    },
    /// An MCP server that the desk starts.
    Stdio {
        /// Always `stdio`.
        transport: StdioTransport,
        /// Program and arguments as the admin fixed them.
        command: Vec<String>,
    },
    /// An MCP server that the desk connects to.
    Remote {
        /// Always `streamable_http`.
        transport: RemoteTransport,
        /// Its endpoint, as an admin fixed it.
        url: String,
    },
    /// The agent runs it itself.
    External {},
}

/// The word `streamable_http`, so that no other transport can be read as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoteTransport {
    /// MCP's Streamable HTTP.
    StreamableHttp,
}

/// The word `stdio`, so that no other transport can be read as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StdioTransport {
    /// Standard input and output of a child process.
    Stdio,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Waits for approvers.
    Pending,
    /// Approved; the call has not begun. An external request and an ask for access end here.
    Approved,
    /// The call is under way.
    Executing,
    /// The upstream answered and did it.
    Succeeded,
    /// It was not done, or the upstream said no.
    Failed,
    /// Sending began and no complete answer came: it may or may not have happened.
    OutcomeUnknown,
    /// An approver or a policy said no.
    Denied,
    /// Nobody answered in time.
    Expired,
    /// The agent or its owner took it back.
    Withdrawn,
}

/// The coarser word that agents built for AgentValet expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestStatus {
    /// Not decided yet.
    Pending,
    /// Decided for; what came of the call is in the state.
    Approved,
    /// Decided against.
    Denied,
    /// Ended without a decision.
    Expired,
}

/// Something that happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestEvent {
    /// The flow is complete.
    Approve,
    /// An approver said no.
    Deny,
    /// The deadline passed.
    Expire,
    /// The agent or its owner took it back.
    Withdraw,
    /// The last checks held; sending is about to begin.
    Begin,
    /// The last checks failed, or the window to begin passed.
    Refuse,
    /// The upstream did it.
    Succeed,
    /// Nothing was sent, or the upstream said no.
    Fail,
    /// Sending began and no complete answer came.
    LoseTrack,
}

/// The request is past this: it has ended, or is further on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request is {} and can't change that way", .state.word())]
pub struct NotNow {
    /// Where it stands.
    pub state: RequestState,
}

impl RequestState {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Approved,
        Self::Executing,
        Self::Succeeded,
        Self::Failed,
        Self::OutcomeUnknown,
        Self::Denied,
        Self::Expired,
        Self::Withdrawn,
    ];

    /// The word on the wire and in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Executing => "executing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// The coarser word.
    #[must_use]
    pub const fn status(self) -> RequestStatus {
        match self {
            Self::Pending => RequestStatus::Pending,
            Self::Approved | Self::Executing | Self::Succeeded | Self::Failed | Self::OutcomeUnknown => {
                RequestStatus::Approved
            }
            Self::Denied => RequestStatus::Denied,
            Self::Expired | Self::Withdrawn => RequestStatus::Expired,
        }
    }

    /// Whether nothing can follow. An approved request is on its way to its call; one of a kind that ends approved has
    /// ended, see [`Self::has_ended`].
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::OutcomeUnknown | Self::Denied | Self::Expired | Self::Withdrawn
        )
    }

    /// Whether a waiting caller has its answer; see [`RequestKind::ends_approved`].
    #[must_use]
    pub const fn has_ended(self, ends_approved: bool) -> bool {
        self.is_terminal() || (ends_approved && matches!(self, Self::Approved))
    }

    /// The state after an event.
    ///
    /// # Errors
    /// [`NotNow`] when the event has no place in this state; then nothing changes, whoever asks.
    pub const fn after(self, event: RequestEvent) -> Result<Self, NotNow> {
        match (self, event) {
            (Self::Pending, RequestEvent::Approve) => Ok(Self::Approved),
            (Self::Pending, RequestEvent::Deny) => Ok(Self::Denied),
            (Self::Pending, RequestEvent::Expire) => Ok(Self::Expired),
            (Self::Pending, RequestEvent::Withdraw) => Ok(Self::Withdrawn),
            (Self::Approved, RequestEvent::Begin) => Ok(Self::Executing),
            (Self::Approved, RequestEvent::Refuse) | (Self::Executing, RequestEvent::Fail) => Ok(Self::Failed),
            (Self::Executing, RequestEvent::Succeed) => Ok(Self::Succeeded),
            (Self::Executing, RequestEvent::LoseTrack) => Ok(Self::OutcomeUnknown),
            (state, _) => Err(NotNow { state }),
        }
    }
}

/// An approver's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vote {
    /// For.
    Approve,
    /// Against.
    Deny,
}

impl Vote {
    /// The word in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Approve, Self::Deny].into_iter().find(|vote| vote.word() == word)
    }
}

/// Who or what decided a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Decider {
    /// A person with an account.
    User {
        /// Who; agents are not told the id.
        #[serde(skip)]
        id: Option<UserId>,
        /// Their name.
        name: String,
    },
    /// Somebody outside, by the code of a message.
    External {
        /// Their mail address, or their masked phone.
        name: String,
    },
    /// A policy.
    Policy {
        /// Its name; none when no policy matched.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// A grant that an earlier approval made.
    Grant {
        /// Who made it.
        name: String,
    },
    /// Nobody: its flow says that no answer is a yes.
    Auto {},
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVENTS: [RequestEvent; 9] = [
        RequestEvent::Approve,
        RequestEvent::Deny,
        RequestEvent::Expire,
        RequestEvent::Withdraw,
        RequestEvent::Begin,
        RequestEvent::Refuse,
        RequestEvent::Succeed,
        RequestEvent::Fail,
        RequestEvent::LoseTrack,
    ];

    /// What happened in one life, event by event.
    fn live(events: &[RequestEvent]) -> Vec<RequestState> {
        let mut states = vec![RequestState::Pending];
        for event in events {
            if let Ok(next) = states[states.len() - 1].after(*event) {
                states.push(next);
            }
        }
        states
    }

    proptest! {
        #[test]
        fn there_is_one_terminal_state_and_it_is_the_last(picks in prop::collection::vec(0..EVENTS.len(), 0..30)) {
            let states = live(&picks.into_iter().map(|i| EVENTS[i]).collect::<Vec<_>>());
            let ended = states.iter().filter(|state| state.is_terminal()).count();
            prop_assert!(ended <= 1);
            if ended == 1 {
                prop_assert!(states[states.len() - 1].is_terminal());
            }
        }

        #[test]
        fn nothing_executes_without_an_approval_and_never_twice(picks in prop::collection::vec(0..EVENTS.len(), 0..30)) {
            let states = live(&picks.into_iter().map(|i| EVENTS[i]).collect::<Vec<_>>());
            let runs: Vec<_> = states.iter().enumerate().filter(|(_, s)| **s == RequestState::Executing).collect();
            prop_assert!(runs.len() <= 1);
            if let Some((at, _)) = runs.first() {
                prop_assert_eq!(states[at - 1], RequestState::Approved);
            }
        }
    }

    #[test]
    fn of_racing_ends_the_first_wins_and_the_others_hear_its_state() {
        let denied = RequestState::Pending.after(RequestEvent::Deny).unwrap();
        for late in [RequestEvent::Approve, RequestEvent::Expire, RequestEvent::Withdraw, RequestEvent::Deny] {
            assert_eq!(denied.after(late), Err(NotNow { state: RequestState::Denied }));
        }
    }

    #[test]
    fn words_read_back() {
        for state in RequestState::ALL {
            assert_eq!(RequestState::from_word(state.word()), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.word());
        }
    }

    #[test]
    fn agents_that_know_four_words_hear_one_of_them() {
        assert_eq!(RequestState::OutcomeUnknown.status(), RequestStatus::Approved);
        assert_eq!(RequestState::Withdrawn.status(), RequestStatus::Expired);
    }

    #[test]
    fn an_external_request_and_an_ask_for_access_end_at_approved() {
        let ends = |kind: RequestKind, external| RequestState::Approved.has_ended(kind.ends_approved(external));
        assert!(ends(RequestKind::Call, true) && ends(RequestKind::Access, false));
        assert!(!ends(RequestKind::Call, false));
    }
}
