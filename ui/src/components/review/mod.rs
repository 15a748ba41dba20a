//! One request in front of an approver: the panel beside the list, and the phone's screen. Both draw the same card from
//! the same parts.

mod agent_acts;
mod also_ask;
mod arguments;
mod connector_card;
mod countdown;
mod deed;
mod deny_form;
mod footer;
mod granted;
mod leave;
mod note;
mod outcome;
mod panel;
mod phone;
mod progress;
mod send_on;
mod standing;
mod who;

pub(crate) use footer::why_off;
pub(crate) use panel::{ReviewPanel, panel_head};
pub(crate) use phone::{PhoneHead, ReviewPhone};

use crate::hooks::choice::Choice;
use crate::hooks::folds::{FoldAction, Folds};
use crate::hooks::review::Review;
use countersign_wire::requests::Card;
use std::rc::Rc;
use yew::prelude::*;

/// What every part is drawn from.
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct ReviewProps {
    pub(crate) card: Rc<Card>,
    pub(crate) review: Review,
    pub(crate) folds: Folds,
    pub(crate) onfold: Callback<FoldAction>,
    /// The form for a reason is open.
    pub(crate) denying: bool,
    pub(crate) ondenying: Callback<bool>,
    pub(crate) reason: UseStateHandle<String>,
    /// How far an approval is to go.
    pub(crate) choice: Choice,
    pub(crate) onchoice: Callback<Choice>,
    /// Goes to the form for a policy made of this request.
    pub(crate) oncreate_policy: Callback<()>,
    /// Drawn for a hand rather than a desk.
    pub(crate) phone: bool,
    /// The field for the code by which somebody outside decides.
    #[prop_or_default]
    pub(crate) code: Option<Html>,
}
