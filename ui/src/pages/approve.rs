//! One request, to be decided: beside the list, or alone on a phone and where a notice leads to.

use crate::components::icon::Picture;
use crate::components::message::{failed, message};
use crate::components::review::{PhoneHead, ReviewPanel, ReviewPhone, ReviewProps, panel_head, why_off};
use crate::components::route_link::RouteLink;
use crate::components::skeleton::skeleton;
use crate::hooks::folds::{FoldAction, Folds, folded_places};
use crate::hooks::keys::use_keys;
use crate::hooks::media::{PHONE, use_media};
use crate::hooks::navigation::use_navigator;
use crate::hooks::pending::use_pending;
use crate::hooks::review::{Review, use_review};
use crate::hooks::review_state::{Deed, ReviewState, Step};
use crate::hooks::title::use_title;
use crate::hooks::toasts::Tone;
use crate::hooks::use_toasts;
use crate::routes::{Route, query};
use countersign_domain::request::RequestState;
use countersign_wire::problem::Code;
use countersign_wire::requests::Card;
use std::rc::Rc;
use web_sys::{HtmlElement, KeyboardEvent};
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
    let heading = use_node_ref();
    let state = review.state.clone();
    let places = Rc::new(state.card.as_ref().map(|card| folded_places(&card.arguments)).unwrap_or_default());
    // Effects run after drawing; a card that was just drawn must not be approvable for that long.
    let shown = folds.after(FoldAction::Show(places.clone()));
    {
        let (dispatch, denying) = (folds.dispatcher(), denying.setter());
        use_effect_with((props.id.clone(), places), move |(_, places)| {
            denying.set(false);
            dispatch.dispatch(FoldAction::Show(places.clone()));
        });
    }
    {
        let heading = heading.clone();
        use_effect_with(props.id.clone(), move |_| {
            if let Some(heading) = heading.cast::<HtmlElement>() {
                let _ = heading.focus();
            }
        });
    }
    let deny = use_node_ref();
    use_focus_after_denying(*denying, &deny);
    use_ending(&state, &props.onclose, props.alone);
    use_decision_keys(&review, shown.unseen(), denying.clone(), &props.onclose);

    let onfold = {
        let dispatch = folds.dispatcher();
        Callback::from(move |action: FoldAction| dispatch.dispatch(action))
    };
    let ondenying = {
        let denying = denying.setter();
        Callback::from(move |on| denying.set(on))
    };
    let oncreate_policy = {
        let id = props.id.to_string();
        Callback::from(move |()| {
            if let Some(navigator) = &navigator {
                navigator.push_with(&Route::NewPolicy, &query(&[("from", Some(&id))]));
            }
        })
    };
    let body = match (&state.card, &state.lost) {
        (Some(card), _) => {
            let of = ReviewProps {
                card: card.clone(),
                review,
                folds: shown,
                onfold,
                denying: *denying,
                ondenying,
                deny,
                oncreate_policy,
                phone,
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
        (None, None) => html! { <div class="scroll">{ skeleton(6) }</div> },
    };
    html! {
        <aside class={classes!("review", phone.then_some("phone"))} aria-label="Review request" data-testid="review"
            data-id={props.id.clone()}>
            if phone {
                <PhoneHead card={state.card.clone()} onclose={props.onclose.clone()} heading={heading} />
            } else {
                { panel_head(&props.onclose, &heading) }
            }
            { body }
        </aside>
    }
}

/// The form for a reason takes the focus with it when it goes; it goes back to where it came from, unless it is
/// somewhere else already.
#[hook]
fn use_focus_after_denying(denying: bool, deny: &NodeRef) {
    let deny = deny.clone();
    let before = use_mut_ref(|| false);
    use_effect_with(denying, move |denying| {
        let closed = before.replace(*denying) && !denying;
        let active = web_sys::window().and_then(|window| window.document()).and_then(|page| page.active_element());
        let is_lost = active.is_none_or(|element| element.tag_name() == "BODY");
        if let Some(deny) = deny.cast::<HtmlElement>().filter(|_| closed && is_lost) {
            let _ = deny.focus();
        }
    });
}

/// Says how it went, and lets the card leave when it went well.
#[hook]
fn use_ending(state: &ReviewState, onclose: &Callback<()>, alone: bool) {
    let toasts = use_toasts();
    let onclose = onclose.clone();
    let card = state.card.clone();
    use_effect_with(state.step.clone(), move |step| {
        let (Step::Done(deed, end), Some(card)) = (step, card) else { return };
        let (tone, words) = how_it_went(*deed, *end, &card);
        toasts.show(tone, words);
        if tone != Tone::Bad && !alone {
            onclose.emit(());
        }
    });
    let toasts = use_toasts();
    use_effect_with(state.refused.clone(), move |refused| {
        if let Some(failure) = refused {
            toasts.show(Tone::Bad, failure.message());
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

/// `a`, `d` and Escape.
#[hook]
fn use_decision_keys(review: &Review, unseen: usize, denying: UseStateHandle<bool>, onclose: &Callback<()>) {
    let toasts = use_toasts();
    let (review, onclose) = (review.clone(), onclose.clone());
    use_keys(Callback::from(move |event: KeyboardEvent| {
        let card = review.state.card.clone().filter(|card| card.state == RequestState::Pending);
        match (event.key().as_str(), card) {
            ("Escape", _) if *denying => denying.set(false),
            ("Escape", _) => onclose.emit(()),
            ("a", Some(card)) => match why_off(&card, unseen, crate::backend::now()) {
                None => review.act.emit((Deed::Approve, None)),
                Some(why) => toasts.show(Tone::News, why),
            },
            ("d", Some(card)) if card.you.may_decide => denying.set(true),
            _ => return false,
        }
        true
    }));
}
