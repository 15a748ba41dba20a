//! Where the call goes: connector, tool, effect, target.

use super::CardProps;
use crate::components::badge::Badge;
use crate::components::connector_tile::ConnectorTile;
use crate::components::segments::Segments;
use crate::display;
use countersign_domain::connector::ConnectorKind;
use yew::prelude::*;

#[component]
pub(crate) fn ConnectorCard(props: &CardProps) -> Html {
    let card = &props.card;
    let (status, tone) = display::status(card.connector.status);
    html! {
        <div class="box">
            <div>
                <b><ConnectorTile slug={card.connector.slug.clone()} name={card.connector.name.clone()} /></b>
                <Badge {tone} dot=true title={card.connector.status_reason.clone().map(AttrValue::from)}>{ status }</Badge>
            </div>
            if let Some(reason) = &card.connector.status_reason {
                <div class="reason">{ reason.clone() }</div>
            }
            <div>
                <code class="wrap" data-testid="card-tool"><Segments of={card.tool.clone()} /></code>
                <Badge tone={display::effect_tone(card.effect)} testid="card-effect">{ card.effect.word() }</Badge>
            </div>
            if !card.tool_description.is_empty() {
                <div class="described">
                    <p class="two"><span class="label">{ "The tool says of itself: " }</span><Segments of={card.tool_description.clone()} /></p>
                </div>
            }
            if !card.target.is_empty() {
                <div class="target">
                    <span class="label">{ "Target" }</span>
                    <code class="wrap" data-testid="card-target"><Segments of={card.target.clone()} /></code>
                </div>
            }
            if card.connector.kind == ConnectorKind::External {
                <div class="reason">{ "The agent runs this itself after your approval; the desk does not make the call." }</div>
            }
        </div>
    }
}
