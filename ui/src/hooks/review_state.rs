//! What happens to one card in front of one person: they look, decide, wait for the call, and hear how it went; or
//! somebody else is faster. Pure, so that it can be tested without a browser.

use crate::backend::Failure;
use countersign_domain::connector::ConnectorKind;
use countersign_domain::request::RequestState;
use countersign_wire::problem::Code;
use countersign_wire::requests::Card;
use std::rc::Rc;
use yew::Reducible;

/// What a person can do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Approve,
    Deny,
    Withdraw,
}

/// Where the person is with it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Looking.
    Looking,
    /// Their word is on its way to the server.
    Sending(Deed),
    /// They approved; the call runs.
    Running,
    /// It is done; the state says how.
    Done(Deed, RequestState),
}

/// A card and where the person is with it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReviewState {
    pub(crate) card: Option<Rc<Card>>,
    /// Why there is no card, or why it may be an old one.
    pub(crate) lost: Option<Failure>,
    pub(crate) step: Step,
    /// What went wrong with the last deed, to be read under the card.
    pub(crate) refused: Option<Failure>,
    /// Somebody else ended it while this person looked.
    pub(crate) overtaken: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ReviewAction {
    /// Another request is looked at.
    Open,
    Loaded(Rc<Card>),
    Lost(Failure),
    Send(Deed),
    /// The server took the word.
    Taken(Deed, RequestState),
    Refused(Failure),
    /// The call takes longer than anybody wants to watch.
    StopWaiting,
}

impl Default for ReviewState {
    fn default() -> Self {
        Self { card: None, lost: None, step: Step::Looking, refused: None, overtaken: false }
    }
}

impl ReviewState {
    /// Whether something is under way.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self.step, Step::Sending(_) | Step::Running)
    }

    /// The state after an action.
    pub(crate) fn after(&self, action: ReviewAction) -> Self {
        match action {
            ReviewAction::Open => Self::default(),
            ReviewAction::Loaded(card) => self.with(card),
            ReviewAction::Lost(failure) => Self { lost: Some(failure), ..self.clone() },
            ReviewAction::Send(_) if self.is_busy() => self.clone(),
            ReviewAction::Send(deed) => Self { step: Step::Sending(deed), refused: None, ..self.clone() },
            ReviewAction::Taken(deed, state) => Self { step: self.taken(deed, state), refused: None, ..self.clone() },
            ReviewAction::Refused(failure) => {
                let overtaken = self.overtaken || failure.code() == Some(Code::RequestEnded);
                Self { step: Step::Looking, refused: Some(failure), overtaken, ..self.clone() }
            }
            ReviewAction::StopWaiting => match (&self.step, &self.card) {
                (Step::Running, Some(card)) => Self { step: Step::Done(Deed::Approve, card.state), ..self.clone() },
                _ => self.clone(),
            },
        }
    }

    fn with(&self, card: Rc<Card>) -> Self {
        let was_open = self.card.as_ref().is_some_and(|known| known.state == RequestState::Pending);
        let overtaken =
            self.overtaken || (was_open && card.state != RequestState::Pending && self.step == Step::Looking);
        let step = match &self.step {
            Step::Running if has_ended(&card) => Step::Done(Deed::Approve, card.state),
            step => step.clone(),
        };
        Self { card: Some(card), lost: None, step, overtaken, ..self.clone() }
    }

    /// An approval is done when its call is, or when others are still to be asked.
    fn taken(&self, deed: Deed, state: RequestState) -> Step {
        let external = self.card.as_ref().is_some_and(|card| card.connector.kind == ConnectorKind::External);
        if deed == Deed::Approve && state != RequestState::Pending && !state.has_ended(external) {
            Step::Running
        } else {
            Step::Done(deed, state)
        }
    }
}

impl Reducible for ReviewState {
    type Action = ReviewAction;

    fn reduce(self: Rc<Self>, action: ReviewAction) -> Rc<Self> {
        Rc::new(self.after(action))
    }
}

/// Whether nothing more will happen to the request at the desk.
pub(crate) fn has_ended(card: &Card) -> bool {
    card.state.has_ended(card.connector.kind == ConnectorKind::External)
}
