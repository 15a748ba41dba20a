//! Where the call goes: connector, tool, effect, target.

use crate::components::badge::{effect_badge, status_badge};
use crate::components::connector_tile::connector_tile;
use crate::components::segments::segments;
use countersign_domain::connector::ConnectorKind;
use countersign_wire::requests::Card;
use yew::prelude::*;

/// On the phone the tool stands with its arguments.
pub(crate) fn connector_card(card: &Card, phone: bool) -> Html {
    let connector = &card.connector;
    let external = connector.kind == ConnectorKind::External;
    html! {
        <div class="box">
            <div>
                <b>{ connector_tile(&connector.slug, &connector.name) }</b>
                { status_badge(connector.kind, connector.status, connector.status_reason.as_deref(), "") }
            </div>
            if let Some(reason) = &connector.status_reason {
                <div class="reason">{ reason.clone() }</div>
            }
            if !phone && card.access.is_none() {
                <div>
                    <code class="wrap" data-testid="card-tool">{ segments(&card.tool) }</code>
                    { effect_badge(card.effect) }
                </div>
            }
            if !card.tool_description.is_empty() && card.access.is_none() {
                <div class="described">
                    <p class="two"><span class="label">{ "The tool says of itself: " }</span>{ segments(&card.tool_description) }</p>
                </div>
            }
            if external && card.access.is_none() {
                <div class="reason" data-testid="card-target">
                    { "The agent runs this itself after your approval; the desk does not make the call." }
                </div>
            } else if !card.target.is_empty() {
                <div class="target">
                    <span class="label">{ "Target" }</span>
                    <code class="wrap" data-testid="card-target">{ segments(&card.target) }</code>
                </div>
            }
        </div>
    }
}
