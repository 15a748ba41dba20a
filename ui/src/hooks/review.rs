//! One request in front of one person: its card, kept up to date, and their decision.

use crate::backend::{Backend, Failure, LiveMessage, shell};
use crate::hooks::choice::Choice;
use crate::hooks::live::use_live;
use crate::hooks::review_state::{Deed, ReviewAction, ReviewState, Step};
use crate::hooks::session::use_backend;
use countersign_domain::grant::Grant;
use countersign_domain::request::Vote;
use countersign_wire::problem::Code;
use countersign_wire::requests::{Card, Decided, DecisionBody};
use gloo_timers::callback::Timeout;
use gloo_timers::future::TimeoutFuture;
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// While a call runs the card is also asked for, in case no event comes through.
const ASK_AGAIN_MS: u32 = 1_500;
/// A call has 60 seconds by default; longer than this nobody is kept waiting.
const WATCH_MS: u32 = 75_000;
const GATHER_MS: u32 = 120;

/// The card and what can be done with it.
#[derive(Clone, PartialEq)]
pub(crate) struct Review {
    pub(crate) state: Rc<ReviewState>,
    pub(crate) reload: Callback<()>,
    /// Does a deed, with a comment for the agent; an approval goes as far as was chosen.
    pub(crate) act: Callback<(Deed, Option<String>, Choice)>,
}

/// The request with this id.
#[hook]
pub(crate) fn use_review(id: &AttrValue) -> Review {
    let backend = use_backend();
    let state = use_reducer_eq(ReviewState::default);
    let dispatch = state.dispatcher();
    let round = use_mut_ref(|| 0_u32);
    let load = {
        let (backend, dispatch, id, round) = (backend.clone(), dispatch.clone(), id.clone(), round.clone());
        Callback::from(move |()| {
            *round.borrow_mut() += 1;
            let mine = *round.borrow();
            let (backend, dispatch, id, round) = (backend.clone(), dispatch.clone(), id.clone(), round.clone());
            spawn_local(async move {
                let outcome = backend.request(&id).await;
                if *round.borrow() == mine {
                    dispatch.dispatch(match outcome {
                        Ok(card) => ReviewAction::Loaded(Rc::new(card)),
                        Err(failure) => ReviewAction::Lost(failure),
                    });
                }
            });
        })
    };
    {
        let (load, dispatch, round) = (load.clone(), dispatch.clone(), round);
        use_effect_with(id.clone(), move |_| {
            dispatch.dispatch(ReviewAction::Open);
            load.emit(());
            move || *round.borrow_mut() += 1
        });
    }
    use_refresh(id, &load);
    use_watch(matches!(state.step, Step::Running), &load, &dispatch);

    // The answer to a deed belongs to the card that it was done on, even if another one is shown by then.
    let current = use_mut_ref(|| id.clone());
    current.borrow_mut().clone_from(id);
    let act = {
        let (state, load, id) = (state.clone(), load.clone(), id.clone());
        Callback::from(move |(deed, comment, choice): (Deed, Option<String>, Choice)| {
            let Some(card) = state.card.clone().filter(|_| !state.is_busy()) else { return };
            if deed == Deed::Approve && is_decided_elsewhere(&card) {
                return hand_over(&id, &dispatch);
            }
            let body = body(&card, deed, comment, choice);
            dispatch.dispatch(ReviewAction::Send(deed));
            let (backend, dispatch, load) = (backend.clone(), dispatch.clone(), load.clone());
            let (id, current) = (id.clone(), current.clone());
            spawn_local(async move {
                let outcome = carry_out(&backend, &id, deed, &body, card.you.ceremony).await;
                if *current.borrow() != id {
                    return;
                }
                dispatch.dispatch(match outcome {
                    Ok(decided) => ReviewAction::Taken(deed, decided.state),
                    Err(failure) => ReviewAction::Refused(failure),
                });
                load.emit(());
            });
        })
    };
    Review { state: Rc::new((*state).clone()), reload: load, act }
}

/// Whether an approval is made in the browser, since the passkey is there and not in the desktop app.
pub(crate) fn is_decided_elsewhere(card: &Card) -> bool {
    card.you.ceremony && shell::is_here()
}

/// Opens the browser for an approval; how it went there comes by the stream.
fn hand_over(id: &AttrValue, dispatch: &UseReducerDispatcher<ReviewState>) {
    let (id, dispatch) = (id.clone(), dispatch.clone());
    dispatch.dispatch(ReviewAction::HandOver);
    spawn_local(async move {
        if let Err(failure) = shell::hand_over(&id).await {
            dispatch.dispatch(ReviewAction::Refused(failure));
        }
    });
}

/// What is sent, and signed.
fn body(card: &Card, deed: Deed, comment: Option<String>, choice: Choice) -> DecisionBody {
    let approves = deed == Deed::Approve;
    DecisionBody {
        decision: if approves { Vote::Approve } else { Vote::Deny },
        comment,
        grant: Some(choice.grant).filter(|grant| approves && *grant != Grant::Once),
        tools: Some(choice.tools).filter(|_| approves && card.access.is_some()),
        arguments: None,
    }
}

async fn carry_out(
    backend: &Backend,
    id: &str,
    deed: Deed,
    body: &DecisionBody,
    ceremony: bool,
) -> Result<Decided, Failure> {
    match deed {
        Deed::Withdraw => backend.withdraw(id).await,
        Deed::Deny => backend.decide(id, body).await,
        Deed::Approve if ceremony => backend.countersign(id, body).await,
        Deed::Approve => match backend.decide(id, body).await {
            // A passkey was added since the card was drawn.
            Err(failure) if failure.code() == Some(Code::CeremonyRequired) => backend.countersign(id, body).await,
            outcome => outcome,
        },
    }
}

/// Fetches the card again when something happened to it, or may have.
#[hook]
fn use_refresh(id: &AttrValue, load: &Callback<()>) {
    let timer = use_mut_ref(|| None::<Timeout>);
    let (id, load) = (id.clone(), load.clone());
    use_live(Callback::from(move |message| {
        let concerns_us = match message {
            LiveMessage::Event(_, event) => event.id.to_string() == id.as_str(),
            _ => true,
        };
        if concerns_us {
            let load = load.clone();
            *timer.borrow_mut() = Some(Timeout::new(GATHER_MS, move || load.emit(())));
        }
    }));
}

/// While a call runs: asks how it goes, and gives up watching in the end.
#[hook]
fn use_watch(running: bool, load: &Callback<()>, dispatch: &UseReducerDispatcher<ReviewState>) {
    let (load, dispatch) = (load.clone(), dispatch.clone());
    use_effect_with(running, move |running| {
        let on = Rc::new(Cell::new(*running));
        let still = on.clone();
        if *running {
            spawn_local(async move {
                for _ in 0..WATCH_MS / ASK_AGAIN_MS {
                    TimeoutFuture::new(ASK_AGAIN_MS).await;
                    if !still.get() {
                        return;
                    }
                    load.emit(());
                }
                dispatch.dispatch(ReviewAction::StopWaiting);
            });
        }
        move || on.set(false)
    });
}
