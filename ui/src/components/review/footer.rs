//! Where it is decided: seal, policy, and the buttons.

use super::ReviewProps;
use super::arguments::show_everything;
use super::deny_form::DenyForm;
use super::leave::grants;
use super::send_on::SendOn;
use crate::components::button::Button;
use crate::hooks::choice::{Choice, verb};
use crate::hooks::review_state::{Deed, Step};
use countersign_domain::Timestamp;
use countersign_domain::flow::Confirmation;
use countersign_domain::request::RequestState;
use countersign_wire::requests::Card;
use yew::prelude::*;

/// Why "Approve" is off, where it is.
pub(crate) fn why_off(card: &Card, unseen: usize, choice: &Choice, now: Timestamp) -> Option<String> {
    if !card.you.may_decide {
        let why = card.you.why_not.clone().unwrap_or_else(|| "You are not asked about this request.".to_owned());
        return Some(why);
    }
    if now >= card.expires_at {
        return Some("The time to decide is up.".to_owned());
    }
    match unseen {
        0 if card.access.is_some() && choice.tools.is_empty() && !choice.elsewhere => {
            Some("Tick what is to be granted, or deny the request.".to_owned())
        }
        0 => None,
        1 => Some("Open the folded value first: what you approve is what you have seen.".to_owned()),
        more => Some(format!("Open the {more} folded values first: what you approve is what you have seen.")),
    }
}

/// How this approval is confirmed, said before it is made.
fn confirmation(props: &ReviewProps) -> Option<&'static str> {
    let card = &props.card;
    if props.code.is_some() {
        return Some("Confirmed with your code");
    }
    let open = card.you.may_decide && card.state == RequestState::Pending;
    open.then_some(match (card.you.ceremony, card.you.confirmation) {
        (true, _) => "Signed with your passkey",
        (false, Confirmation::PasskeyIfEnrolled) => "This desk confirms without a passkey until you add one",
        (false, _) => "This desk confirms without a passkey",
    })
}

pub(crate) fn footer(props: &ReviewProps, now: Timestamp) -> Html {
    let ReviewProps { card, review, folds, phone, .. } = props;
    let busy = review.state.is_busy();
    let approving = matches!(review.state.step, Step::Sending(Deed::Approve) | Step::Running);
    let open = card.state == RequestState::Pending || approving;
    let off = why_off(card, folds.unseen(), &props.choice, now).filter(|_| open && !busy);
    html! {
        <footer class="decide">
            if let Some(failure) = review.state.refused.as_ref().filter(|failure| failure.about("code").is_none()) {
                <p class="refused" role="alert" tabindex="-1" data-testid="refused">{ failure.message() }</p>
            }
            if review.state.step == Step::Elsewhere {
                <p class="elsewhere" role="status" data-testid="waiting-for-passkey">
                    <i class="spinner" aria-hidden="true" />
                    <span><b>{ "Waiting for your passkey..." }</b>{ " It is asked for in your browser." }</span>
                </p>
                <SendOn id={card.id} />
            }
            if let Some(off) = &off {
                <p class="hint" id="why-off" data-testid="why-off">
                    { off.clone() }
                    if card.you.may_decide && folds.unseen() > 0 {
                        { " " }{ show_everything(&props.onfold) }
                    }
                </p>
            }
            <div class="seal">
                <span>{ "Seal " }<code data-testid="seal" title={card.digest.clone()}>{ card.seal.clone() }</code></span>
                { at_the_seal(props) }
            </div>
            if let Some(words) = confirmation(props).filter(|_| !*phone && !card.you.ceremony) {
                <p class="hint" data-testid="confirmation">{ words }</p>
            }
            { props.code.clone().unwrap_or_default() }
            if open && props.denying {
                <DenyForm review={review.clone()} reason={props.reason.clone()} ondenying={props.ondenying.clone()} />
            } else {
                { grants(props) }
                { buttons(props, open, busy, approving, off.is_some()) }
            }
        </footer>
    }
}

fn buttons(props: &ReviewProps, open: bool, busy: bool, approving: bool, off: bool) -> Html {
    let ReviewProps { card, review, phone, .. } = props;
    // While the call runs the card no longer asks anybody, and the button that began it still says so.
    let decides = open && (card.you.may_decide || approving);
    let approve = {
        let choice = props.choice.clone();
        review.act.reform(move |()| (Deed::Approve, None, choice.clone()))
    };
    let withdrawing = review.state.step == Step::Sending(Deed::Withdraw);
    html! {
        <div class={classes!("acts", (!decides).then_some("after"))}>
            if decides {
                <Button tone="no" onclick={props.ondenying.reform(|()| true)} held={busy}
                    testid="deny">{ "Deny" }</Button>
            }
            if card.you.may_create_policy && !*phone {
                <Button onclick={props.oncreate_policy.clone()} held={busy} testid="create-policy">
                    { "Create policy" }
                </Button>
            }
            if open && card.you.may_withdraw && !approving {
                <Button tone="withdraw" onclick={review.act.reform(|()| (Deed::Withdraw, None, Choice::default()))} held={busy}
                    busy={withdrawing} testid="withdraw">{ "Withdraw" }</Button>
            }
            if decides {
                <Button tone="ok" onclick={approve} busy={approving}
                    held={busy} disabled={off} described_by={off.then_some("why-off")} testid="approve">
                    { match review.state.step {
                        Step::Elsewhere => "Open again".to_owned(),
                        _ => verb(card, &props.choice, *phone),
                    } }
                </Button>
            }
        </div>
    }
}

fn at_the_seal(props: &ReviewProps) -> Html {
    if let Some(words) = confirmation(props).filter(|_| props.phone) {
        return html! { <span data-testid="confirmation">{ words }</span> };
    }
    let words = match &props.card.policy {
        Some(policy) => format!("Policy “{}” v{}", policy.name, policy.version),
        None => "No policy matched".to_owned(),
    };
    html! { <span data-testid="card-policy">{ words }</span> }
}
