//! What came of an approved call: the upstream's answer, or why there is none.

use crate::components::badge::badge;
use crate::components::segments::segments;
use crate::components::value_tree::ValueTree;
use crate::display;
use crate::hooks::folds::{FoldAction, Folds, folded_places};
use countersign_domain::Timestamp;
use countersign_domain::request::RequestState;
use countersign_wire::requests::{Card, OutcomeView, ResultView};
use std::rc::Rc;
use yew::prelude::*;

pub(crate) fn outcome(card: &Card, now: Timestamp) -> Html {
    let unknown = (card.state == RequestState::OutcomeUnknown).then_some(
        "It was sent, and no complete answer came. Look at the service itself; the desk does not try again.",
    );
    // Nothing here may read as "it did not happen" when that is not known.
    let title = if unknown.is_some() { "Nobody knows whether the call happened" } else { "The call did not succeed" };
    html! {
        <>
            if let Some(error) = &card.execution_error {
                <div class="failure" data-testid="card-error">
                    <b>{ title }</b>
                    <p class="wrap">{ error.clone() }</p>
                    if let Some(unknown) = unknown {
                        <p>{ unknown }</p>
                    }
                </div>
            } else if let Some(unknown) = unknown {
                <div class="failure" data-testid="card-error"><b>{ title }</b><p>{ unknown }</p></div>
            }
            if let Some(result) = &card.result {
                <Result result={result.clone()} />
            }
            if let Some(at) = card.claimed_at {
                <p class="two">{ format!("The agent took its leave to run at {}.", display::time(at, now)) }</p>
            }
            if let Some(outcome) = &card.outcome {
                { reported(outcome) }
            }
        </>
    }
}

fn reported(outcome: &OutcomeView) -> Html {
    let (tone, word) = if outcome.ok { ("ok", "It worked") } else { ("no", "It did not work") };
    html! {
        <section class="note">
            <h2 class="label">{ "What the agent reported, not verified" }</h2>
            { badge(tone, word) }
            <p>{ segments(&outcome.detail) }</p>
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct ResultProps {
    result: ResultView,
}

#[component]
fn Result(props: &ResultProps) -> Html {
    let result = &props.result;
    let folds = use_reducer_eq(|| Folds::of(Rc::new(folded_places(&props.result.data))));
    let onfold = {
        let dispatch = folds.dispatcher();
        Callback::from(move |action: FoldAction| dispatch.dispatch(action))
    };
    html! {
        <section class="arguments" data-testid="card-result">
            <header>
                <h2 class="label">{ if display::is_redacted(&result.data) { "Answer, redacted for display" } else { "Answer" } }</h2>
                <span class="label">{ "Status " }{ result.status }</span>
            </header>
            <div class="args"><ValueTree value={Rc::new(result.data.clone())} folds={(*folds).clone()} {onfold} /></div>
            if let Some(truncated) = &result.truncated {
                <p class="two">{ truncated.clone() }</p>
            }
        </section>
    }
}
