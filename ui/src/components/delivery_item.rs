//! One message in the list: to whom it went, what became of it, and sending it again.

use crate::components::badge::badge;
use crate::components::button::Button;
use crate::components::form::form_error;
use crate::components::route_link::RouteLink;
use crate::display;
use crate::hooks::{use_backend, use_now, use_task};
use crate::routes::Route;
use countersign_domain::Timestamp;
use countersign_domain::delivery::{Channel, DeliveryKind, DeliveryState};
use countersign_wire::deliveries::DeliveryRow;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct DeliveryItemProps {
    pub(crate) row: DeliveryRow,
    pub(crate) onchanged: Callback<()>,
}

#[component]
pub(crate) fn DeliveryItem(props: &DeliveryItemProps) -> Html {
    let (backend, now, task) = (use_backend(), use_now(), use_task());
    let row = &props.row;
    let again = {
        let (id, onchanged, task) = (row.id, props.onchanged.clone(), task.clone());
        Callback::from(move |()| {
            let (backend, onchanged) = (backend.clone(), onchanged.clone());
            task.run(async move {
                backend.send_again(id).await?;
                onchanged.emit(());
                Ok(())
            });
        })
    };
    let (tone, word) = state(row.state);
    html! {
        <li data-testid="delivery-row" data-id={row.id.to_string()} data-state={row.state.word()}>
            <div class="grow">
                <b class="wrap">{ row.recipient.name.clone() }</b>{ " " }{ badge(tone, word) }
                if let Some(address) = &row.recipient.address {
                    <span class="two wrap">{ address.clone() }</span>
                }
                if let Some(error) = &row.error {
                    <p class="field-error" data-testid="delivery-error">{ error.clone() }</p>
                }
                { form_error(task.failure(), &[]) }
            </div>
            <div class="grow soft">
                <span>{ channel(row.channel) }{ " · " }{ kind(row.kind) }</span>
                <span class="two">{ tries(row, now) }</span>
                if let Some(id) = row.request_id {
                    <RouteLink to={Route::Request { id: id.to_string() }} class="two" testid="delivery-request">
                        { "Open the request" }
                    </RouteLink>
                }
            </div>
            <span class="when two" title={display::exact(row.created_at)}>{ display::ago(row.created_at, now) }</span>
            <div class="row-acts">
                if row.may_repeat {
                    <Button tone="small" onclick={again} busy={task.is_busy()} testid="delivery-again">
                        { if row.state == DeliveryState::Dead { "Send again" } else { "Send a new link" } }
                    </Button>
                }
            </div>
        </li>
    }
}

/// A state's colour and word.
pub(crate) const fn state(state: DeliveryState) -> (&'static str, &'static str) {
    match state {
        DeliveryState::Waiting => ("wait", "Waiting"),
        DeliveryState::Sent => ("ok", "Sent"),
        DeliveryState::Dead => ("no", "Given up"),
        DeliveryState::Withdrawn => ("plain", "Taken back"),
        DeliveryState::Folded => ("plain", "Part of a digest"),
    }
}

/// A channel's name.
pub(crate) const fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "Email",
        Channel::Sms => "Text message",
        Channel::Push => "Push",
        Channel::Webhook => "Webhook",
    }
}

/// What a message is, in a word or two.
pub(crate) const fn kind(kind: DeliveryKind) -> &'static str {
    match kind {
        DeliveryKind::Asked => "asks for a decision",
        DeliveryKind::Escalated => "escalates",
        DeliveryKind::Reminder => "reminds",
        DeliveryKind::Warning => "warns of the deadline",
        DeliveryKind::SentOn => "sent on by its reader",
        DeliveryKind::Ended => "says that it ended",
        DeliveryKind::Decided => "tells the requester",
        DeliveryKind::Callback => "tells the agent",
        DeliveryKind::Digest => "many in one",
        DeliveryKind::Reported => "an agent was reported",
        DeliveryKind::PasskeyAdded => "a passkey was added",
        DeliveryKind::Test => "a test",
    }
}

fn tries(row: &DeliveryRow, now: Timestamp) -> String {
    let tried = match row.attempts {
        0 => "not tried yet".to_owned(),
        1 => "tried once".to_owned(),
        times => format!("tried {times} times"),
    };
    match row.state {
        DeliveryState::Waiting if row.due_at > now => format!("{tried} · next in {}", display::left(row.due_at, now)),
        _ => tried,
    }
}
