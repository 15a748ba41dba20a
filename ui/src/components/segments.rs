//! Draws text as the server segmented it. What was escaped stands out as a chip, what was redacted is said in words;
//! nothing here decides what is harmless.

use crate::display;
use countersign_domain::card::{Segment, Why};
use yew::prelude::*;

/// Text as it may be shown.
pub(crate) fn segments(segments: &[Segment]) -> Html {
    segments.iter().map(draw_one).collect()
}

fn draw_one(segment: &Segment) -> Html {
    match segment {
        Segment::Text { text } => html! { { text.clone() } },
        Segment::LineBreak => {
            html! { <><span class="mark" role="img" aria-label="line break">{ "⏎" }</span>{ "\n" }</> }
        }
        Segment::Tab => html! { <span class="mark tab" role="img" aria-label="tab">{ "⇥" }</span> },
        Segment::Escaped { text, name, why, times } => {
            let times = if *times > 1 { format!(" ×{times}") } else { String::new() };
            let says = format!("{name}{times}: {}", because(*why));
            html! { <span class="esc" role="img" aria-label={says.clone()} title={says}>{ text.clone() }{ times }</span> }
        }
        Segment::Flagged { text, why } => flagged(text, why),
        Segment::Redacted { note } => html! { <span class="redacted">{ note.clone() }</span> },
    }
}

/// A word that is not what it looks like: letters that pass for others are shown as their codes, and the reason stands
/// beside it. Marked letters alone would still read as the word that they imitate.
fn flagged(word: &str, why: &str) -> Html {
    let letters = word.chars().map(|letter| {
        if letter.is_ascii() {
            return html! { { letter } };
        }
        html! { <span class="esc">{ display::code_point(letter) }</span> }
    });
    html! { <><span class="flag">{ for letters }</span><span class="flag-why">{ format!(" ({why}) ") }</span></> }
}

const fn because(why: Why) -> &'static str {
    match why {
        Why::Control => "a control character",
        Why::Bidi => "changes the direction of the text around it",
        Why::Invisible => "would not show",
        Why::Space => "a space that isn't the plain one",
        Why::PrivateUse => "means whatever a font makes of it",
        Why::Noncharacter => "no character at all",
        Why::Unassigned => "no character yet",
        Why::Combining => "an accent that would cover other text",
    }
}
