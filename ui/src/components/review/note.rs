//! What the agent says, apart from everything that is known.

use crate::components::segments::segments;
use countersign_wire::requests::Card;
use yew::prelude::*;

pub(crate) fn note(card: &Card) -> Html {
    if card.note.is_empty() {
        return Html::default();
    }
    html! {
        <section class="note" data-testid="card-note">
            <h2 class="label">{ "Note from the agent, not verified" }</h2>
            <p>{ segments(&card.note) }</p>
            if card.note_truncated {
                <p class="two">{ "The note was longer; the rest was not kept." }</p>
            }
        </section>
    }
}
