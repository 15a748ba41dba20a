//! A request in front of somebody who has no account: a message's link shows it, the message's code decides.

use crate::backend::Failure;
use crate::components::brand::brand;
use crate::components::field::{field, typed};
use crate::components::message::failed;
use crate::components::review::{PhoneHead, ReviewPhone, ReviewProps};
use crate::hooks::choice::Choice;
use crate::hooks::focus::focus_on;
use crate::hooks::folds::{FoldAction, Folds, folded_places};
use crate::hooks::review::Review;
use crate::hooks::review_state::{Deed, ReviewAction, ReviewState, Step};
use crate::hooks::title::use_title;
use crate::hooks::use_backend;
use crate::pages::gate::{gate, use_link_token};
use countersign_domain::outside::{CODE_DIGITS, bare_code, is_code};
use countersign_domain::request::{RequestState, Vote};
use countersign_wire::outside::{OutsideDecision, OutsideView};
use countersign_wire::problem::Code;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

const MISSING: &str = "Type the six digits of the message that brought you here.";

#[component]
pub(crate) fn OutsidePage() -> Html {
    use_title("Review request", None);
    match use_link_token() {
        Some(token) => html! { <ByLink {token} /> },
        None => gate(
            "This link is not complete",
            "The part after # is missing. Open the whole link of the message.",
            Html::default(),
        ),
    }
}

#[derive(Properties, PartialEq)]
struct ByLinkProps {
    token: String,
}

#[component]
fn ByLink(props: &ByLinkProps) -> Html {
    let state = use_reducer_eq(ReviewState::default);
    let view = use_state_eq(|| None::<Rc<OutsideView>>);
    let load = use_load(&props.token, &state, &view);
    match (&*view, &state.lost, &state.step) {
        (_, _, Step::Done(deed, end)) => done(*deed, *end),
        (_, _, Step::Running) => done(Deed::Approve, RequestState::Approved),
        (_, Some(failure), _) => refused(failure, &load),
        (None, None, _) => gate("Opening the request…", "", Html::default()),
        (Some(view), None, _) => html! { <Asked token={props.token.clone()} view={view.clone()} {state} /> },
    }
}

/// Fetches what is asked, at first and when it is tried again.
#[hook]
fn use_load(
    token: &str,
    state: &UseReducerHandle<ReviewState>,
    view: &UseStateHandle<Option<Rc<OutsideView>>>,
) -> Callback<()> {
    let (backend, token) = (use_backend(), token.to_owned());
    let (dispatch, view) = (state.dispatcher(), view.setter());
    let load = Callback::from(move |()| {
        let (backend, token, dispatch, view) = (backend.clone(), token.clone(), dispatch.clone(), view.clone());
        dispatch.dispatch(ReviewAction::Open);
        spawn_local(async move {
            match backend.look_outside(token).await {
                Ok(seen) => {
                    dispatch.dispatch(ReviewAction::Loaded(Rc::new(seen.card.clone())));
                    view.set(Some(Rc::new(seen)));
                }
                Err(failure) => dispatch.dispatch(ReviewAction::Lost(failure)),
            }
        });
    });
    {
        let load = load.clone();
        use_effect_with((), move |()| load.emit(()));
    }
    load
}

#[derive(Properties, PartialEq)]
struct AskedProps {
    token: String,
    view: Rc<OutsideView>,
    state: UseReducerHandle<ReviewState>,
}

/// The card with the field for the code.
#[component]
fn Asked(props: &AskedProps) -> Html {
    let AskedProps { token, view, state } = props;
    let code = use_state_eq(String::new);
    let incomplete = use_state_eq(|| false);
    let denying = use_state_eq(|| false);
    let reason = use_state_eq(String::new);
    let places = use_memo((), |()| folded_places(&view.card.arguments));
    let folds = use_reducer_eq(move || Folds::of(places));
    let act = use_act(token, state, &code, &incomplete);
    let review = Review { state: Rc::new((**state).clone()), reload: Callback::noop(), act };
    let wrong = state.refused.as_ref().and_then(|failure| failure.about("code"));
    let wrong = wrong.or_else(|| incomplete.then(|| MISSING.to_owned()));
    let onfold = {
        let dispatch = folds.dispatcher();
        Callback::from(move |action: FoldAction| dispatch.dispatch(action))
    };
    let ondenying = {
        let denying = denying.setter();
        Callback::from(move |on| denying.set(on))
    };
    let card = Rc::new(view.card.clone());
    let of = ReviewProps {
        card: card.clone(),
        review,
        folds: (*folds).clone(),
        onfold,
        denying: *denying,
        ondenying,
        reason,
        choice: Choice::at_first(&card),
        onchoice: Callback::noop(),
        oncreate_policy: Callback::noop(),
        phone: true,
        code: Some(code_field(view, &code, wrong)),
    };
    html! {
        <main class="alone whole">
            <aside class="review phone" aria-label="Review request" data-testid="review" data-id={card.id.to_string()}>
                <PhoneHead {card} />
                <ReviewPhone ..of />
            </aside>
        </main>
    }
}

fn code_field(view: &OutsideView, code: &UseStateHandle<String>, wrong: Option<String>) -> Html {
    let control = html! {
        <input id="code" class="code" inputmode="numeric" autocomplete="one-time-code" maxlength="9"
            placeholder={"0".repeat(CODE_DIGITS)} value={(**code).clone()} oninput={typed(code.setter())}
            data-testid="code" />
    };
    let says_more = wrong.is_none();
    html! {
        <>
            { field("code", "Code of your message", "", wrong, control) }
            if says_more {
                <p class="hint wrap">{ format!("Sent to {} by {}. You decide without an account.", view.to, view.desk) }</p>
            }
        </>
    }
}

/// Sends the decision, once there is a code to send.
#[hook]
fn use_act(
    token: &str,
    state: &UseReducerHandle<ReviewState>,
    code: &UseStateHandle<String>,
    incomplete: &UseStateHandle<bool>,
) -> Callback<(Deed, Option<String>, Choice)> {
    let backend = use_backend();
    let (token, dispatch, busy) = (token.to_owned(), state.dispatcher(), state.is_busy());
    let (code, incomplete) = (bare_code(code), incomplete.setter());
    Callback::from(move |(deed, comment, _): (Deed, Option<String>, Choice)| {
        incomplete.set(!is_code(&code));
        if busy || !is_code(&code) {
            focus_on("#code");
            return;
        }
        let decision = if deed == Deed::Approve { Vote::Approve } else { Vote::Deny };
        let body = OutsideDecision { token: token.clone(), code: code.clone(), decision, comment };
        let (backend, dispatch) = (backend.clone(), dispatch.clone());
        dispatch.dispatch(ReviewAction::Send(deed));
        spawn_local(async move {
            dispatch.dispatch(match backend.decide_outside(&body).await {
                Ok(decided) => ReviewAction::Taken(deed, decided.state),
                Err(failure) if failure.about("code").is_some() => {
                    focus_on("#code");
                    ReviewAction::Refused(failure)
                }
                Err(failure) if ends_here(&failure) => ReviewAction::Lost(failure),
                Err(failure) => ReviewAction::Refused(failure),
            });
        });
    })
}

/// Whether nothing can be decided by this link any more.
fn ends_here(failure: &Failure) -> bool {
    title(failure).is_some()
}

const fn title_of(code: Code) -> Option<&'static str> {
    match code {
        Code::LinkSpent => Some("This link decides nothing any more"),
        Code::RequestEnded => Some("This request has ended"),
        Code::AlreadyDecided => Some("You have decided already"),
        Code::NotYourTurn => Some("You are not asked any more"),
        _ => None,
    }
}

fn title(failure: &Failure) -> Option<&'static str> {
    failure.code().and_then(title_of)
}

fn refused(failure: &Failure, retry: &Callback<()>) -> Html {
    match title(failure) {
        Some(title) => gate(title, &failure.message(), Html::default()),
        None => html! {
            <main class="gate">{ brand() }{ failed("The request can't be shown", failure, retry, "outside-error") }</main>
        },
    }
}

fn done(deed: Deed, end: RequestState) -> Html {
    let title = if deed == Deed::Approve { "You approved this request" } else { "You denied this request" };
    let then = match end {
        RequestState::Pending => {
            "Others are still asked. There is nothing more for you to do; you can close this page."
        }
        _ => "The agent is told. There is nothing more for you to do; you can close this page.",
    };
    gate(title, then, Html::default())
}
