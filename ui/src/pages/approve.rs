//! One request, to be decided: beside the list, or alone on a phone and where a notice leads to.

use crate::components::badge::Badge;
use crate::components::icon::{Icon, Picture};
use crate::components::message::Message;
use crate::components::review::{Bar, PanelHead, ReviewPanel, ReviewPhone, ReviewProps, why_off};
use crate::components::route_link::RouteLink;
use crate::components::skeleton::Skeleton;
use crate::display;
use crate::hooks::folds::{FoldAction, Folds, folded_places};
use crate::hooks::keys::use_keys;
use crate::hooks::media::{PHONE, use_media};
use crate::hooks::pending::use_pending;
use crate::hooks::review::{Review, use_review};
use crate::hooks::review_state::{Deed, ReviewState, Step};
use crate::hooks::title::use_title;
use crate::hooks::toasts::Tone;
use crate::hooks::{use_now, use_toasts};
use crate::routes::Route;
use countersign_domain::request::RequestState;
use countersign_wire::problem::Code;
use countersign_wire::requests::Card;
use std::rc::Rc;
use web_sys::{HtmlElement, KeyboardEvent};
use yew::prelude::*;
use yew_router::prelude::*;

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
    let phone = use_media(PHONE) || props.alone;
    let folds = use_reducer_eq(Folds::default);
    let denying = use_state_eq(|| false);
    let heading = use_node_ref();
    let state = review.state.clone();
    {
        let (dispatch, denying) = (folds.dispatcher(), denying.setter());
        let places = state.card.as_ref().map(|card| folded_places(&card.arguments));
        use_effect_with((props.id.clone(), places), move |(_, places)| {
            denying.set(false);
            dispatch.dispatch(FoldAction::Show(places.clone().unwrap_or_default()));
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
    use_ending(&state, &props.onclose, props.alone);
    use_decision_keys(&review, folds.unseen(), denying.clone(), &props.onclose);

    let onfold = {
        let dispatch = folds.dispatcher();
        Callback::from(move |action: FoldAction| dispatch.dispatch(action))
    };
    let ondenying = {
        let denying = denying.setter();
        Callback::from(move |on| denying.set(on))
    };
    let body = match (&state.card, &state.lost) {
        (Some(card), _) => {
            let of = ReviewProps { card: card.clone(), review, folds: (*folds).clone(), onfold, phone };
            let denying = *denying;
            if phone {
                html! { <ReviewPhone {of} {denying} {ondenying} /> }
            } else {
                html! { <ReviewPanel {of} {denying} {ondenying} /> }
            }
        }
        (None, Some(failure)) if failure.code() == Some(Code::NotFound) => html! {
            <Message picture={Picture::Inbox} title="There is no such request"
                text="It does not exist, or it is not for you to see." testid="review-error">
                <RouteLink to={Route::Requests} class="btn">{ "All requests" }</RouteLink>
            </Message>
        },
        (None, Some(failure)) => html! {
            <Message title="The request can't be shown" text={failure.message()} retry={review.reload}
                testid="review-error" />
        },
        (None, None) => html! { <div class="scroll"><Skeleton rows=6 /></div> },
    };
    html! {
        <aside class={classes!("review", phone.then_some("phone"))} aria-label="Review request" data-testid="review"
            data-id={props.id.clone()}>
            if phone {
                <PhoneHead card={state.card.clone()} onclose={props.onclose.clone()} heading={heading} />
            } else {
                <PanelHead onclose={props.onclose.clone()} {heading} />
            }
            { body }
        </aside>
    }
}

#[derive(Properties, PartialEq)]
struct PhoneHeadProps {
    card: Option<Rc<Card>>,
    onclose: Callback<()>,
    heading: NodeRef,
}

#[component]
fn PhoneHead(props: &PhoneHeadProps) -> Html {
    let now = use_now();
    let onclick = {
        let onclose = props.onclose.clone();
        Callback::from(move |_: MouseEvent| onclose.emit(()))
    };
    let left = props
        .card
        .as_ref()
        .filter(|card| card.state == RequestState::Pending)
        .map(|card| display::left(card.expires_at, now));
    html! {
        <>
            <header>
                <button type="button" class="icon-button" aria-label="All requests" {onclick} data-testid="close">
                    <Icon of={Picture::Back} />
                </button>
                <b ref={props.heading.clone()} tabindex="-1">{ "Review request" }</b>
                if let Some(left) = left {
                    <Badge tone="wait">
                        { if left.is_empty() { "time is up".to_owned() } else { format!("{left} left") } }
                    </Badge>
                }
            </header>
            if let Some(card) = &props.card {
                <Bar card={card.clone()} />
            }
        </>
    }
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
    let now = use_now();
    let toasts = use_toasts();
    let (review, onclose) = (review.clone(), onclose.clone());
    use_keys(Callback::from(move |event: KeyboardEvent| {
        let card = review.state.card.clone().filter(|card| card.state == RequestState::Pending);
        match (event.key().as_str(), card) {
            ("Escape", _) if *denying => denying.set(false),
            ("Escape", _) => onclose.emit(()),
            ("a", Some(card)) => match why_off(&card, unseen, now >= card.expires_at) {
                None => review.act.emit((Deed::Approve, None)),
                Some(why) => toasts.show(Tone::News, why),
            },
            ("d", Some(card)) if card.you.may_decide => denying.set(true),
            _ => return false,
        }
        true
    }));
}
