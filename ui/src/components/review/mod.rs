//! One request in front of an approver: the panel beside the list, and the phone's screen. Both draw the same card from
//! the same parts.

mod arguments;
mod connector_card;
mod countdown;
mod footer;
mod note;
mod outcome;
mod panel;
mod phone;
mod progress;
mod standing;
mod who;

pub(crate) use countdown::Bar;
pub(crate) use footer::why_off;
pub(crate) use panel::{PanelHead, ReviewPanel};
pub(crate) use phone::ReviewPhone;

use crate::hooks::folds::{FoldAction, Folds};
use crate::hooks::review::Review;
use countersign_wire::requests::Card;
use std::rc::Rc;
use yew::prelude::*;

/// What every part of a card is drawn from.
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct CardProps {
    pub(crate) card: Rc<Card>,
}

/// What the parts are drawn from that also act.
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct ReviewProps {
    pub(crate) card: Rc<Card>,
    pub(crate) review: Review,
    pub(crate) folds: Folds,
    pub(crate) onfold: Callback<FoldAction>,
    /// Drawn for a hand rather than a desk.
    #[prop_or_default]
    pub(crate) phone: bool,
}
