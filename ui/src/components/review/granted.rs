//! The grants in a request's history: those that its approval made, and the one that it was made under.

use crate::components::grant_item::GrantItem;
use countersign_wire::requests::Card;
use yew::prelude::*;

pub(crate) fn granted(card: &Card, reload: &Callback<()>) -> Html {
    if card.granted.is_empty() && card.under.is_none() {
        return Html::default();
    }
    html! {
        <section data-testid="card-grants">
            <h2 class="label">
                { if card.under.is_some() { "Made under a grant, without another approval" } else { "Granted by this approval" } }
            </h2>
            <ul class="box grant-list">
                { for card.granted.iter().chain(&card.under).map(|row| html! {
                    <GrantItem key={row.id.to_string()} row={row.clone()} onchanged={reload.clone()} />
                }) }
            </ul>
        </section>
    }
}
