//! What the agent says, apart from everything that is known.

use super::CardProps;
use crate::components::segments::Segments;
use yew::prelude::*;

#[component]
pub(crate) fn Note(props: &CardProps) -> Html {
    let card = &props.card;
    if card.note.is_empty() {
        return Html::default();
    }
    html! {
        <section class="note" data-testid="card-note">
            <h3 class="label">{ "Note from the agent, not verified" }</h3>
            <p><Segments of={card.note.clone()} /></p>
            if card.note_truncated {
                <p class="two">{ "The note was longer; the rest was not kept." }</p>
            }
        </section>
    }
}
