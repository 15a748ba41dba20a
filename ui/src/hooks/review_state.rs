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
    /// In the desktop app: the browser was opened, where their passkey is.
    Elsewhere,
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
    /// The browser has it now.
    HandOver,
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
            ReviewAction::HandOver => Self { step: Step::Elsewhere, refused: None, ..self.clone() },
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
        let by_another = match self.step {
            Step::Looking => card.state != RequestState::Pending,
            Step::Elsewhere => came_to_nothing(card.state),
            _ => false,
        };
        let overtaken = self.overtaken || (was_open && by_another);
        let step = match &self.step {
            Step::Elsewhere => Self::decided_elsewhere(&card),
            Step::Running if has_ended(&card) => Step::Done(Deed::Approve, card.state),
            step => step.clone(),
        };
        Self { card: Some(card), lost: None, step, overtaken, ..self.clone() }
    }

    /// What the card says of an approval that the browser was opened for.
    fn decided_elsewhere(card: &Card) -> Step {
        match card.state {
            RequestState::Pending if card.you.may_decide => Step::Elsewhere,
            state if came_to_nothing(state) => Step::Looking,
            state if state == RequestState::Pending || has_ended(card) => Step::Done(Deed::Approve, state),
            _ => Step::Running,
        }
    }

    /// An approval is done when its call is, or when others are still to be asked.
    fn taken(&self, deed: Deed, state: RequestState) -> Step {
        let ends_approved = self.card.as_ref().is_some_and(|card| ends_approved(card));
        if deed == Deed::Approve && state != RequestState::Pending && !state.has_ended(ends_approved) {
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
    card.state.has_ended(ends_approved(card))
}

/// Whether a request ended without anybody's approval.
const fn came_to_nothing(state: RequestState) -> bool {
    matches!(state, RequestState::Denied | RequestState::Expired | RequestState::Withdrawn)
}

fn ends_approved(card: &Card) -> bool {
    card.kind.ends_approved(card.connector.kind == ConnectorKind::External)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_wire::problem::Problem;
    use serde_json::json;

    const ID: &str = "00000000-0000-0000-0000-000000000001";
    const AT: &str = "2026-11-23T10:40:00.000Z";

    fn card(state: &str, connector: &str) -> Rc<Card> {
        let card = json!({
            "id": ID, "kind": "call", "state": state, "headline": [], "on_behalf_of": false,
            "requester": {"id": ID, "name": "Mina Sato", "email": "mina@acme.test", "groups": []},
            "agent": {"name": "invoice-bot", "owner": "Mina Sato"},
            "connector": {"id": ID, "slug": "stripe", "name": "Stripe", "kind": connector, "status": "connected",},
            "tool": [], "tool_name": "refunds_create", "tool_description": [], "effect": "write", "target": [],
            "arguments": {"kind": "object", "entries": []}, "arguments_raw": [], "arguments_bytes": 2, "note": [],
            "note_truncated": false, "digest": "", "seal": "9f3a 71c4", "steps": [],
            "votes": [], "created_at": AT, "expires_at": AT,
            "decided_by": {"kind": "user", "name": "Tom Berg"}, "decided_at": AT,
            "you": {"may_decide": true, "confirmation": "passkey", "ceremony": true,
                "may_withdraw": false, "may_create_policy": false},
        });
        Rc::new(serde_json::from_value(card).unwrap())
    }

    fn looking(connector: &str) -> ReviewState {
        ReviewState::default().after(ReviewAction::Loaded(card("pending", connector)))
    }

    fn approved(connector: &str, state: RequestState) -> ReviewState {
        looking(connector).after(ReviewAction::Send(Deed::Approve)).after(ReviewAction::Taken(Deed::Approve, state))
    }

    #[test]
    fn an_approval_is_done_when_its_call_is() {
        let running = approved("http", RequestState::Approved);
        assert_eq!(running.step, Step::Running);
        let still = running.after(ReviewAction::Loaded(card("executing", "http")));
        assert_eq!((still.step.clone(), still.overtaken), (Step::Running, false));
        let done = still.after(ReviewAction::Loaded(card("failed", "http")));
        assert_eq!(done.step, Step::Done(Deed::Approve, RequestState::Failed));
    }

    #[test]
    fn an_approval_that_needs_others_and_one_that_the_agent_runs_are_done_at_once() {
        assert_eq!(approved("http", RequestState::Pending).step, Step::Done(Deed::Approve, RequestState::Pending));
        assert_eq!(
            approved("external", RequestState::Approved).step,
            Step::Done(Deed::Approve, RequestState::Approved)
        );
    }

    #[test]
    fn an_approval_in_the_browser_is_waited_for_until_the_desk_tells_of_it() {
        let waiting = looking("http").after(ReviewAction::HandOver);
        assert!(!waiting.is_busy(), "it may be denied here meanwhile, or the browser be opened again");
        let still = waiting.after(ReviewAction::Loaded(card("pending", "http")));
        assert_eq!(still.step, Step::Elsewhere);
        let running = still.after(ReviewAction::Loaded(card("executing", "http")));
        assert_eq!((running.step.clone(), running.overtaken), (Step::Running, false));
        let done = running.after(ReviewAction::Loaded(card("succeeded", "http")));
        assert_eq!(done.step, Step::Done(Deed::Approve, RequestState::Succeeded));
        let denied = still.after(ReviewAction::Loaded(card("denied", "http")));
        assert!(denied.overtaken && denied.step == Step::Looking);
    }

    #[test]
    fn a_second_press_changes_nothing_while_the_first_is_under_way() {
        let sending = looking("http").after(ReviewAction::Send(Deed::Approve));
        assert_eq!(sending.after(ReviewAction::Send(Deed::Deny)).step, Step::Sending(Deed::Approve));
    }

    #[test]
    fn somebody_else_was_faster() {
        assert!(looking("http").after(ReviewAction::Loaded(card("denied", "http"))).overtaken);
        let ended = Failure::Problem(Box::new(Problem::new(Code::RequestEnded, "It was denied.")));
        let refused = looking("http").after(ReviewAction::Send(Deed::Approve)).after(ReviewAction::Refused(ended));
        assert!(refused.overtaken && refused.step == Step::Looking);
        assert!(!ReviewState::default().after(ReviewAction::Loaded(card("denied", "http"))).overtaken);
    }

    #[test]
    fn a_refusal_leaves_the_card_as_it_was_and_can_be_tried_again() {
        let refused =
            looking("http").after(ReviewAction::Send(Deed::Approve)).after(ReviewAction::Refused(Failure::Unreachable));
        assert!(refused.card.is_some() && !refused.is_busy() && !refused.overtaken);
        let again = refused.after(ReviewAction::Send(Deed::Approve));
        assert_eq!((again.step, again.refused), (Step::Sending(Deed::Approve), None));
    }

    #[test]
    fn an_end_is_told_in_a_sentence() {
        let told = |state, already| crate::display::ending(&card(state, "http"), already, "14:03");
        assert_eq!(told("pending", false), None);
        assert_eq!(told("succeeded", true).unwrap(), "Already approved by Tom Berg at 14:03");
        assert_eq!(told("denied", false).unwrap(), "Denied by Tom Berg at 14:03");
        assert_eq!(told("expired", false).unwrap(), "Expired without an answer at 14:03");
    }
}
