//! Where the call goes: connector, tool, effect, target.

use crate::components::badge::{effect_badge, status_badge};
use crate::components::connector_tile::connector_tile;
use crate::components::segments::segments;
use crate::display;
use countersign_domain::connector::ConnectorKind;
use countersign_wire::requests::Card;
use yew::prelude::*;

pub(crate) fn connector_card(card: &Card) -> Html {
    let (status, _) = display::status(card.connector.status);
    html! {
        <div class="box">
            <div>
                <b>{ connector_tile(&card.connector.slug, &card.connector.name) }</b>
                { status_badge(card.connector.status, card.connector.status_reason.as_deref(), status) }
            </div>
            if let Some(reason) = &card.connector.status_reason {
                <div class="reason">{ reason.clone() }</div>
            }
            <div>
                <code class="wrap" data-testid="card-tool">{ segments(&card.tool) }</code>
                { effect_badge(card.effect) }
            </div>
            if !card.tool_description.is_empty() {
                <div class="described">
                    <p class="two"><span class="label">{ "The tool says of itself: " }</span>{ segments(&card.tool_description) }</p>
                </div>
            }
            if !card.target.is_empty() {
                <div class="target">
                    <span class="label">{ "Target" }</span>
                    <code class="wrap" data-testid="card-target">{ segments(&card.target) }</code>
                </div>
            }
            if card.connector.kind == ConnectorKind::External {
                <div class="reason">{ "The agent runs this itself after your approval; the desk does not make the call." }</div>
            }
        </div>
    }
}
