//! One request, to be decided: beside the list, or alone on a phone and where a notice leads to.

use crate::components::icon::Picture;
use crate::components::message::{failed, message};
use crate::components::review::{PhoneHead, ReviewPanel, ReviewPhone, ReviewProps, panel_head, why_off};
use crate::components::route_link::RouteLink;
use crate::components::skeleton::bones;
use crate::hooks::choice::Choice;
use crate::hooks::focus::{focus_if_lost, focus_on, is_on};
use crate::hooks::folds::{FoldAction, Folds, folded_places};
use crate::hooks::keys::use_keys;
use crate::hooks::media::{PHONE, use_media};
use crate::hooks::navigation::{use_navigator, use_place};
use crate::hooks::pending::use_pending;
use crate::hooks::review::{Review, is_decided_elsewhere, use_review};
use crate::hooks::review_state::{Deed, ReviewState, Step};
use crate::hooks::title::use_title;
use crate::hooks::toasts::Tone;
use crate::hooks::use_toasts;
use crate::routes::{Route, query};
use countersign_domain::request::RequestState;
use countersign_wire::problem::Code;
use countersign_wire::requests::Card;
use std::rc::Rc;
use web_sys::KeyboardEvent;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct ApprovePageProps {
    pub(crate) id: AttrValue,
}

/// The screen that a notice leads to: the phone's, at any width. It stays when it is done, and says how it went.
#[component]
pub(crate) fn ApprovePage(props: &ApprovePageProps) -> Html {
    let pending = use_pending().count;
    use_title("Review request", pending);
    let navigator = use_navigator();
    let onclose = Callback::from(move |()| {
        if let Some(navigator) = &navigator {
            navigator.push(&Route::Requests);
        }
    });
    html! { <main class="alone"><ReviewDesk id={props.id.clone()} {onclose} alone=true /></main> }
}

#[derive(Properties, PartialEq)]
pub(crate) struct ReviewDeskProps {
    pub(crate) id: AttrValue,
    pub(crate) onclose: Callback<()>,
    /// The reader's part is done; says whether the request waits for nobody any more.
    #[prop_or_default]
    pub(crate) ondone: Callback<bool>,
    /// There is no list beside or behind it.
    #[prop_or_default]
    pub(crate) alone: bool,
}

/// A request as panel or phone screen, with its keys and its notices.
#[component]
pub(crate) fn ReviewDesk(props: &ReviewDeskProps) -> Html {
    let review = use_review(&props.id);
    let navigator = use_navigator();
    let phone = use_media(PHONE) || props.alone;
    let folds = use_reducer_eq(Folds::default);
    let denying = use_state_eq(|| false);
    let reason = use_state_eq(String::new);
    let chosen = use_state_eq(|| None::<Choice>);
    let state = review.state.clone();
    let places = Rc::new(state.card.as_ref().map(|card| folded_places(&card.arguments)).unwrap_or_default());
    // Effects run after drawing; a card that was just drawn must not be approvable for that long.
    let shown = folds.after(FoldAction::Show(places.clone()));
    // A notification's "Deny" leads here: the reason is to be written, and the denial still is the reader's to press.
    let comes_to_deny = use_place().says("deny") && props.alone;
    {
        let (denying, reason, chosen) = (denying.setter(), reason.setter(), chosen.setter());
        use_effect_with((props.id.clone(), comes_to_deny), move |(_, comes_to_deny)| {
            denying.set(*comes_to_deny);
            chosen.set(None);
            reason.set(String::new());
        });
    }
    {
        let dispatch = folds.dispatcher();
        use_effect_with(places, move |places| {
            dispatch.dispatch(FoldAction::Show(places.clone()));
        });
    }
    use_focus_in_review(&props.id, &state, *denying, shown.unseen() == 0);
    use_ending(&state, &props.ondone, props.alone);
    let elsewhere = state.card.as_ref().is_some_and(|card| is_decided_elsewhere(card));
    let choice = match (&*chosen, &state.card) {
        (Some(chosen), _) if !elsewhere => chosen.clone(),
        (_, card) => card.as_ref().map(|card| Choice { elsewhere, ..Choice::at_first(card) }).unwrap_or_default(),
    };
    use_decision_keys(&review, shown.unseen(), &choice, denying.clone(), &props.onclose);

    let onfold = {
        let dispatch = folds.dispatcher();
        Callback::from(move |action: FoldAction| dispatch.dispatch(action))
    };
    let ondenying = {
        let denying = denying.setter();
        Callback::from(move |on| denying.set(on))
    };
    let onchoice = {
        let chosen = chosen.setter();
        Callback::from(move |choice| chosen.set(Some(choice)))
    };
    let oncreate_policy = {
        let (id, tools) = (props.id.to_string(), choice.tools.join("\n"));
        Callback::from(move |()| {
            if let Some(navigator) = &navigator {
                let tools = Some(tools.as_str()).filter(|tools| !tools.is_empty());
                navigator.push_with(&Route::NewPolicy, &query(&[("from", Some(&id)), ("tools", tools)]));
            }
        })
    };
    let may_decide = state.card.as_ref().is_some_and(|card| card.you.may_decide);
    let body = match (&state.card, &state.lost) {
        (Some(card), _) => {
            let of = ReviewProps {
                card: card.clone(),
                review,
                folds: shown,
                onfold,
                denying: *denying && may_decide,
                ondenying,
                reason,
                choice,
                onchoice,
                oncreate_policy,
                phone,
                code: None,
            };
            if phone {
                html! { <ReviewPhone ..of /> }
            } else {
                html! { <ReviewPanel ..of /> }
            }
        }
        (None, Some(failure)) if failure.code() == Some(Code::NotFound) => message(
            Picture::Inbox,
            "There is no such request",
            "It does not exist, or it is not for you to see.",
            "review-error",
            html! { <RouteLink to={Route::Requests} class="btn">{ "All requests" }</RouteLink> },
        ),
        (None, Some(failure)) => failed("The request can't be shown", failure, &review.reload, "review-error"),
        (None, None) => html! { <div class="scroll">{ bones() }</div> },
    };
    html! {
        <aside class={classes!("review", phone.then_some("phone"))} aria-label="Review request" data-testid="review"
            data-id={props.id.clone()}>
            if phone {
                <PhoneHead card={state.card.clone()} onclose={Some(props.onclose.clone())} />
            } else {
                { panel_head(&props.onclose) }
            }
            { body }
        </aside>
    }
}

/// The focus begins where the keys that scroll find the request, and is not lost while parts of it come and go: the form
/// for a reason, the buttons of a request that has ended, the link that opens everything.
#[hook]
fn use_focus_in_review(id: &AttrValue, state: &ReviewState, denying: bool, seen: bool) {
    use_effect_with((id.clone(), state.card.is_some()), |(_, is_there)| {
        if !is_there {
            focus_on("#review-title");
        } else if is_on("#review-title, body") {
            focus_on("#review-body");
        }
    });
    use_effect_with(seen, |_| focus_if_lost(&["#arguments"]));
    let now = (denying, state.is_busy(), state.refused.is_some(), state.card.as_ref().map(|card| card.state));
    use_effect_with(now, |_| {
        focus_if_lost(&["#standing", "[data-testid=deny]", "[data-testid=refused]", "#review-title"]);
    });
}

/// Says how it went, and lets the card leave when it went well.
#[hook]
fn use_ending(state: &ReviewState, ondone: &Callback<bool>, alone: bool) {
    let toasts = use_toasts();
    let ondone = ondone.clone();
    let card = state.card.clone();
    use_effect_with(state.step.clone(), move |step| {
        let (Step::Done(deed, end), Some(card)) = (step, card) else { return };
        let (tone, words) = how_it_went(*deed, *end, &card);
        toasts.show(tone, words);
        if tone != Tone::Bad && !alone {
            ondone.emit(*end != RequestState::Pending);
        }
    });
}

fn how_it_went(deed: Deed, end: RequestState, card: &Card) -> (Tone, String) {
    match (deed, end) {
        (Deed::Deny, _) => (Tone::Good, "Denied. The agent is told.".to_owned()),
        (Deed::Withdraw, _) => (Tone::Good, "Taken back.".to_owned()),
        (Deed::Approve, RequestState::Pending) => {
            (Tone::Good, "Your approval counts. Others are still to approve.".to_owned())
        }
        (Deed::Approve, RequestState::Succeeded) => (Tone::Good, "Approved, and the call succeeded.".to_owned()),
        (Deed::Approve, RequestState::Approved) if card.access.is_some() => {
            (Tone::Good, format!("Granted. {} is told.", card.agent.name))
        }
        (Deed::Approve, RequestState::Approved) => {
            (Tone::Good, format!("Approved. {} may run it now.", card.agent.name))
        }
        (Deed::Approve, RequestState::Executing) => (Tone::News, "Approved. The call is still running.".to_owned()),
        (Deed::Approve, RequestState::OutcomeUnknown) => {
            (Tone::Bad, "Approved, but no complete answer came: it may or may not have happened.".to_owned())
        }
        (Deed::Approve, _) => {
            let why = card.execution_error.clone().unwrap_or_else(|| "the service refused it".to_owned());
            (Tone::Bad, format!("Approved, but the call failed: {why}"))
        }
    }
}

/// What a key does to the request that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stroke {
    Approve,
    Deny,
    StopDenying,
    Close,
}

/// `a`, `d` and Escape. `open`: it waits, and whether it waits for the reader. Who has begun to deny is not taken to
/// approve by one letter.
fn stroke(key: &str, denying: bool, open: Option<bool>) -> Option<Stroke> {
    match (key, denying, open) {
        ("Escape", true, _) => Some(Stroke::StopDenying),
        ("Escape", false, _) => Some(Stroke::Close),
        ("a", false, Some(_)) => Some(Stroke::Approve),
        ("d", false, Some(true)) => Some(Stroke::Deny),
        _ => None,
    }
}

#[hook]
fn use_decision_keys(
    review: &Review,
    unseen: usize,
    choice: &Choice,
    denying: UseStateHandle<bool>,
    onclose: &Callback<()>,
) {
    let toasts = use_toasts();
    let (review, choice, onclose) = (review.clone(), choice.clone(), onclose.clone());
    use_keys(Callback::from(move |event: KeyboardEvent| {
        let card = review.state.card.as_ref().filter(|card| card.state == RequestState::Pending);
        match (stroke(&event.key(), *denying, card.map(|card| card.you.may_decide)), card) {
            (Some(Stroke::StopDenying), _) => denying.set(false),
            (Some(Stroke::Close), _) => onclose.emit(()),
            (Some(Stroke::Deny), _) => denying.set(true),
            (Some(Stroke::Approve), Some(card)) => match why_off(card, unseen, &choice, crate::backend::now()) {
                None => review.act.emit((Deed::Approve, None, choice.clone())),
                Some(why) => toasts.show(Tone::News, why),
            },
            _ => return false,
        }
        true
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_approved_by_a_letter_while_a_reason_for_denying_is_written() {
        assert_eq!(stroke("a", false, Some(true)), Some(Stroke::Approve));
        for key in ["a", "d", "j", "k", "Enter"] {
            assert_eq!(stroke(key, true, Some(true)), None, "{key}");
        }
        assert_eq!(stroke("Escape", true, Some(true)), Some(Stroke::StopDenying));
    }

    #[test]
    fn only_what_waits_is_decided_by_a_letter() {
        assert_eq!(stroke("d", false, Some(true)), Some(Stroke::Deny));
        assert_eq!(stroke("d", false, Some(false)), None, "it waits for others");
        assert_eq!(stroke("a", false, Some(false)), Some(Stroke::Approve), "which says why it is off");
        assert_eq!((stroke("a", false, None), stroke("d", false, None)), (None, None));
        assert_eq!(stroke("Escape", false, None), Some(Stroke::Close));
    }
}
