//! Where it is decided: seal, policy, and the buttons.

use super::ReviewProps;
use crate::components::button::Button;
use crate::components::field::{typed, value_of};
use crate::hooks::review_state::{Deed, Step};
use crate::hooks::use_now;
use crate::routes::{FromQuery, Route};
use countersign_domain::flow::Confirmation;
use countersign_domain::request::RequestState;
use countersign_wire::requests::Card;
use web_sys::HtmlElement;
use yew::prelude::*;
use yew_router::prelude::*;

/// The most that the server takes (wire: `DecisionBody`).
const LONGEST_REASON: &str = "1000";

/// Why "Approve" is off, where it is.
pub(crate) fn why_off(card: &Card, unseen: usize, time_is_up: bool) -> Option<String> {
    if !card.you.may_decide {
        let why = card.you.why_not.clone().unwrap_or_else(|| "You are not asked about this request.".to_owned());
        return Some(why);
    }
    if time_is_up {
        return Some("The time to decide is up.".to_owned());
    }
    match unseen {
        0 => None,
        1 => Some("Open the folded value first: what you approve is what you have seen.".to_owned()),
        more => Some(format!("Open the {more} folded values first: what you approve is what you have seen.")),
    }
}

/// How this approval is confirmed, said before it is made.
fn confirmation(card: &Card) -> Option<&'static str> {
    if !card.you.may_decide {
        return None;
    }
    Some(match (card.you.ceremony, card.you.confirmation) {
        (true, _) => "Signed with your passkey",
        (false, Confirmation::PasskeyIfEnrolled) => "This desk confirms without a passkey until you add one",
        (false, _) => "This desk confirms without a passkey",
    })
}

#[derive(Clone, PartialEq, Properties)]
pub(crate) struct FooterProps {
    pub(crate) of: ReviewProps,
    /// The form for a reason is open.
    pub(crate) denying: bool,
    pub(crate) ondenying: Callback<bool>,
}

#[component]
pub(crate) fn Footer(props: &FooterProps) -> Html {
    let ReviewProps { card, review, folds, phone, .. } = &props.of;
    let now = use_now();
    let time_is_up = now >= card.expires_at;
    let open = card.state == RequestState::Pending;
    let off = why_off(card, folds.unseen(), time_is_up);
    let step = &review.state.step;
    let busy = review.state.is_busy();
    let approve = {
        let act = review.act.clone();
        Callback::from(move |()| act.emit((Deed::Approve, None)))
    };
    let withdraw = {
        let act = review.act.clone();
        Callback::from(move |()| act.emit((Deed::Withdraw, None)))
    };
    let begin = {
        let ondenying = props.ondenying.clone();
        Callback::from(move |()| ondenying.emit(true))
    };
    let approving = matches!(step, Step::Sending(Deed::Approve) | Step::Running);
    let shown = open || approving;
    html! {
        <footer class="decide">
            if let Some(failure) = &review.state.refused {
                <p class="refused" role="alert" data-testid="refused">{ failure.message() }</p>
            }
            if shown {
                if let Some(off) = off.as_ref().filter(|_| !busy) {
                    <p class="hint" id="why-off" data-testid="why-off">{ off.clone() }</p>
                }
            }
            <div class="seal">
                <span>{ "Seal " }<code data-testid="seal" title={card.digest.clone()}>{ card.seal.clone() }</code></span>
                <span>{ second_line(card, *phone, open) }</span>
            </div>
            if let Some(words) = confirmation(card).filter(|_| open && !*phone && !card.you.ceremony) {
                <p class="hint" data-testid="confirmation">{ words }</p>
            }
            if shown && props.denying {
                <DenyForm of={props.of.clone()} ondenying={props.ondenying.clone()} />
            } else {
                <div class={classes!("acts", (!shown).then_some("after"))}>
                    if shown && card.you.may_decide {
                        <Button tone="no" onclick={begin} disabled={busy} testid="deny">{ "Deny" }</Button>
                    }
                    if !*phone {
                        <CreatePolicy of={props.of.clone()} />
                    }
                    if open && card.you.may_withdraw {
                        <Button onclick={withdraw} disabled={busy} busy={*step == Step::Sending(Deed::Withdraw)}
                            testid="withdraw">{ "Withdraw" }</Button>
                    }
                    if shown && card.you.may_decide {
                        <Button tone="ok" onclick={approve} busy={approving} disabled={busy || off.is_some()}
                            described_by={off.is_some().then_some("why-off")} testid="approve">
                            { if *phone { "Approve" } else { "Approve for user" } }
                        </Button>
                    }
                </div>
            }
        </footer>
    }
}

fn second_line(card: &Card, phone: bool, open: bool) -> Html {
    if let Some(words) = confirmation(card).filter(|_| phone && open) {
        return html! { <span data-testid="confirmation">{ words }</span> };
    }
    match &card.policy {
        Some(policy) => html! { { format!("Policy “{}” v{}", policy.name, policy.version) } },
        None => html! { { "No policy matched" } },
    }
}

#[derive(Clone, PartialEq, Properties)]
struct CreatePolicyProps {
    of: ReviewProps,
}

#[component]
fn CreatePolicy(props: &CreatePolicyProps) -> Html {
    let navigator = use_navigator();
    let id = props.of.card.id.to_string();
    if !props.of.card.you.may_create_policy {
        return Html::default();
    }
    let onclick = Callback::from(move |()| {
        if let Some(navigator) = &navigator {
            let _ = navigator.push_with_query(&Route::NewPolicy, FromQuery { from: Some(id.clone()) });
        }
    });
    html! {
        <Button {onclick} disabled={props.of.review.state.is_busy()} testid="create-policy">{ "Create policy" }</Button>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct DenyFormProps {
    of: ReviewProps,
    ondenying: Callback<bool>,
}

#[component]
fn DenyForm(props: &DenyFormProps) -> Html {
    let reason = use_state_eq(String::new);
    let field = use_node_ref();
    {
        let field = field.clone();
        use_effect_with((), move |()| {
            if let Some(field) = field.cast::<HtmlElement>() {
                let _ = field.focus();
            }
        });
    }
    let review = &props.of.review;
    let onsubmit = {
        let (act, reason) = (review.act.clone(), reason.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let comment = Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty());
            act.emit((Deed::Deny, comment));
        })
    };
    let cancel = {
        let ondenying = props.ondenying.clone();
        Callback::from(move |()| ondenying.emit(false))
    };
    let onkeydown = {
        let (cancel, act) = (cancel.clone(), review.act.clone());
        Callback::from(move |event: KeyboardEvent| match event.key().as_str() {
            "Escape" => {
                event.prevent_default();
                event.stop_propagation();
                cancel.emit(());
            }
            "Enter" if event.ctrl_key() || event.meta_key() => {
                let comment = value_of(&event).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
                act.emit((Deed::Deny, comment));
            }
            _ => {}
        })
    };
    let busy = review.state.step == Step::Sending(Deed::Deny);
    html! {
        <form class="deny-form" {onsubmit}>
            <label for="deny-reason" class="label">{ "Reason, told to the agent (optional)" }</label>
            <textarea id="deny-reason" ref={field} rows="2" maxlength={LONGEST_REASON} value={(*reason).clone()}
                oninput={typed(reason.setter())} {onkeydown} data-testid="deny-reason" />
            <div class="acts">
                <Button onclick={cancel} disabled={busy} testid="deny-cancel">{ "Cancel" }</Button>
                <Button tone="no solid" {busy} testid="deny-confirm">{ "Deny request" }</Button>
            </div>
        </form>
    }
}
