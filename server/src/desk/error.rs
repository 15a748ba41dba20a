//! What a use case answers when it does not do what was asked.

use crate::auth::passkeys::PasskeyError;
use crate::auth::secrets::NoRandomness;
use crate::store::StoreError;
use crate::vault::VaultError;
use countersign_domain::canonical::CanonicalError;
use countersign_domain::flow::FlowProblem;
use countersign_domain::ids::RequestId;
use countersign_domain::policy::{PolicyProblem, ProblemKind};
use countersign_domain::request::RequestState;
use countersign_wire::problem::{Code, FieldError};
use std::time::Duration;

/// Why a use case did nothing.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The caller's doing; told to them as it stands.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The store failed; nothing happened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something sealed can't be opened, or nothing can be sealed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// No randomness for a key or a challenge.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// What admins set changed under the use case's feet; it is tried again on what they are now.
    #[error("the desk's settings changed meanwhile")]
    SnapshotOld,
    /// Something of ours is not as it should be.
    #[error("{0}")]
    Internal(String),
}

/// A refusal, with all that the caller may know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The stable word.
    pub code: Code,
    /// A plain sentence.
    pub detail: String,
    /// Wrong fields.
    pub errors: Vec<FieldError>,
    /// The state that the request is in.
    pub state: Option<RequestState>,
    /// The request.
    pub request: Option<RequestId>,
    /// When to try again.
    pub retry_after: Option<Duration>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl Refusal {
    /// A refusal with a code and a sentence.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), state: None, request: None, retry_after: None }
    }

    /// With the wrong fields.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// With the state that the request is in.
    #[must_use]
    pub const fn in_state(mut self, state: RequestState) -> Self {
        self.state = Some(state);
        self
    }

    /// With the request.
    #[must_use]
    pub const fn of(mut self, request: RequestId) -> Self {
        self.request = Some(request);
        self
    }

    /// With when to try again.
    #[must_use]
    pub const fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl From<Refusal> for DeskError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

/// A refusal as an error, for `?` and `return Err`.
pub fn refuse(code: Code, detail: impl Into<String>) -> DeskError {
    Refusal::new(code, detail).into()
}

/// The agent, or its owner, was stopped.
#[must_use]
pub fn agent_suspended() -> DeskError {
    refuse(Code::AgentSuspended, "This agent is suspended, or its owner's account is closed.")
}

/// Nothing there, or nothing that this caller may see: both sound alike.
#[must_use]
pub fn not_found(what: &str) -> DeskError {
    refuse(Code::NotFound, format!("There is no such {what}, or it is not yours to see."))
}

/// One wrong field.
#[must_use]
pub fn invalid(field: &str, message: impl Into<String>) -> DeskError {
    let message = message.into();
    Refusal::new(Code::Invalid, format!("{field}: {message}"))
        .with_errors(vec![FieldError { field: field.to_owned(), message }])
        .into()
}

/// The request has ended, or is past what was asked of it.
#[must_use]
pub fn ended(id: RequestId, state: RequestState) -> DeskError {
    let detail = format!("This request is {} already.", state.word().replace('_', " "));
    Refusal::new(Code::RequestEnded, detail).in_state(state).of(id).into()
}

impl From<Vec<PolicyProblem>> for Refusal {
    fn from(problems: Vec<PolicyProblem>) -> Self {
        let later = !problems.is_empty() && problems.iter().all(|problem| problem.kind == ProblemKind::NotAvailable);
        let errors = problems
            .into_iter()
            .map(|problem| FieldError { field: problem.field.to_owned(), message: problem.message })
            .collect();
        several(later, errors)
    }
}

impl From<Vec<FlowProblem>> for Refusal {
    fn from(problems: Vec<FlowProblem>) -> Self {
        let errors =
            problems.into_iter().map(|problem| FieldError { field: problem.field, message: problem.message }).collect();
        several(false, errors)
    }
}

fn several(later: bool, errors: Vec<FieldError>) -> Refusal {
    let code = if later { Code::NotAvailable } else { Code::Invalid };
    let first = errors.first().map_or_else(String::new, |error| format!("{}: {}", error.field, error.message));
    let detail = match errors.len() {
        0 | 1 => first,
        more => format!("{first} (and {} more)", more - 1),
    };
    Refusal::new(code, detail).with_errors(errors)
}

impl From<PasskeyError> for DeskError {
    fn from(error: PasskeyError) -> Self {
        match error {
            PasskeyError::Stored | PasskeyError::Configuration => Self::Internal(error.to_string()),
            told => refuse(Code::AssertionRefused, told.to_string()),
        }
    }
}

impl From<CanonicalError> for DeskError {
    fn from(error: CanonicalError) -> Self {
        Self::Internal(format!("stored arguments are not canonical: {error}"))
    }
}
