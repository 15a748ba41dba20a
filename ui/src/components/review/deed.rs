//! What a coding agent would do itself: its command, or what would change in which files.

use crate::components::segments::segments;
use countersign_domain::card::{Deed, DiffLine, DiffSign, FileChange, FileEdit, Segment};
use countersign_wire::requests::Card;
use yew::prelude::*;

pub(crate) fn deed(card: &Card) -> Html {
    let Some(deed) = &card.deed else { return Html::default() };
    let (title, body) = match deed {
        Deed::Command { program, arguments, folder } => ("Command", command(program, arguments, folder.as_deref())),
        Deed::Script { text, folder } => ("Shell script", script(text, folder.as_deref())),
        Deed::Edits { files } => ("Changes to files", files.iter().map(file).collect()),
    };
    html! {
        <section class="deed" data-testid="card-deed">
            <h2 class="label">{ title }</h2>
            { body }
        </section>
    }
}

fn command(program: &[Segment], arguments: &[Vec<Segment>], folder: Option<&[Segment]>) -> Html {
    html! {
        <>
            <pre class="args raw" tabindex="0">
                <b>{ segments(program) }</b>
                { for arguments.iter().map(|word| html! { <>{ " " }<span class="word">{ segments(word) }</span></> }) }
            </pre>
            { place(folder) }
        </>
    }
}

fn script(text: &[Segment], folder: Option<&[Segment]>) -> Html {
    html! {
        <>
            <pre class="args raw" tabindex="0">{ segments(text) }</pre>
            { place(folder) }
        </>
    }
}

fn place(folder: Option<&[Segment]>) -> Html {
    match folder {
        Some(folder) => html! { <p class="two">{ "in " }<code class="wrap">{ segments(folder) }</code></p> },
        None => Html::default(),
    }
}

fn file(file: &FileEdit) -> Html {
    html! {
        <div class="file">
            <p class="two">
                <code class="wrap">{ segments(&file.path) }</code>
                { format!(" {}", change(file.change)) }
                if let Some(place) = &file.moved_to {
                    { ", moved to " }<code class="wrap">{ segments(place) }</code>
                }
            </p>
            if !file.lines.is_empty() {
                <pre class="args raw diff" tabindex="0">{ for file.lines.iter().map(line) }</pre>
            }
        </div>
    }
}

const fn change(change: FileChange) -> &'static str {
    match change {
        FileChange::Edit => "changed",
        FileChange::EditAll => "changed wherever this stands",
        FileChange::Write => "written whole; what stood there is replaced",
        FileChange::Delete => "deleted",
    }
}

/// The sign stands in the text, so that it is read out and copied too.
fn line(line: &DiffLine) -> Html {
    let (class, sign) = match line.sign {
        DiffSign::Same => ("same", " "),
        DiffSign::Added => ("added", "+"),
        DiffSign::Removed => ("removed", "-"),
        DiffSign::Gap => ("gap", "@@ "),
    };
    html! { <span class={class}>{ sign }{ segments(&line.text) }{ "\n" }</span> }
}
