//! Arguments or a result as a tree. Big values are folded at first and never cut: opened, they are whole.

use crate::components::icon::{Picture, icon};
use crate::components::segments::segments as draw;
use crate::display::{counted, plain};
use crate::hooks::folds::{FoldAction, Folds, Place, is_folded_at_first};
use countersign_domain::card::{CardValue, Segment};
use std::rc::Rc;
use yew::prelude::*;

/// Texts over this many characters take more than a line or two of a phone.
const TALL_TEXT: usize = 48;
/// Keys over this many characters stand above their value.
const LONG_KEY: usize = 28;
/// How much of a folded text is shown, at most.
const ONE_LINE: usize = 80;

#[derive(Properties, PartialEq)]
pub(crate) struct ValueTreeProps {
    pub(crate) value: Rc<CardValue>,
    pub(crate) folds: Folds,
    pub(crate) onfold: Callback<FoldAction>,
    /// Texts stand without quotes, unless they would read as something else.
    #[prop_or_default]
    pub(crate) bare_texts: bool,
}

#[component]
pub(crate) fn ValueTree(props: &ValueTreeProps) -> Html {
    html! { <div class="tree">{ Drawing { props }.value(&props.value, &mut Vec::new()) }</div> }
}

struct Drawing<'p> {
    props: &'p ValueTreeProps,
}

impl Drawing<'_> {
    fn value(&self, value: &CardValue, place: &mut Place) -> Html {
        let folded = is_folded_at_first(value, place.len());
        let open = !folded || self.props.folds.is_open(place);
        let body = if open { self.whole(value, place) } else { Html::default() };
        if folded {
            let start = if open { Html::default() } else { first_line(value) };
            html! { <>{ start }{ self.fold(value, place, open) }{ body }</> }
        } else {
            body
        }
    }

    fn whole(&self, value: &CardValue, place: &mut Place) -> Html {
        match value {
            CardValue::Object { entries } if entries.is_empty() => html! { <span class="empty">{ "{ }" }</span> },
            CardValue::List { items } if items.is_empty() => html! { <span class="empty">{ "[ ]" }</span> },
            CardValue::Object { entries } => {
                let rows = entries.iter().map(|entry| (draw(&entry.key), is_long(&entry.key), &entry.value));
                self.rows(rows, place)
            }
            CardValue::List { items } => {
                let rows = items.iter().enumerate().map(|(index, item)| (html! { { index } }, false, item));
                self.rows(rows, place)
            }
            CardValue::Text { segments, .. } => self.text(segments),
            CardValue::Number { text } => html! { <span class="number">{ text.clone() }</span> },
            CardValue::Bool { value } => html! { <span class="number">{ value.to_string() }</span> },
            CardValue::Null => html! { <span class="number">{ "null" }</span> },
        }
    }

    fn rows<'v>(&self, rows: impl Iterator<Item = (Html, bool, &'v CardValue)>, place: &mut Place) -> Html {
        let drawn: Html = rows
            .enumerate()
            .map(|(index, (key, long, value))| {
                place.push(u32::try_from(index).unwrap_or(u32::MAX));
                let wide = long || is_container(value);
                let row = html! {
                    <div class={classes!("entry", wide.then_some("wide"), is_tall(value).then_some("tall"))}>
                        <dt class="k">{ key }</dt>
                        <dd class="v">{ self.value(value, place) }</dd>
                    </div>
                };
                place.pop();
                row
            })
            .collect();
        html! { <dl>{ drawn }</dl> }
    }

    fn text(&self, segments: &[Segment]) -> Html {
        // Quotes around words of ours would make them the agent's.
        let ours = matches!(segments, [Segment::Redacted { .. }]);
        if ours || (self.props.bare_texts && reads_as_text(&plain(segments))) {
            return html! { <span class="text">{ draw(segments) }</span> };
        }
        html! { <span class="text">{ "\"" }{ draw(segments) }{ "\"" }</span> }
    }

    fn fold(&self, value: &CardValue, place: &Place, open: bool) -> Html {
        let onclick = {
            let (onfold, place) = (self.props.onfold.clone(), place.clone());
            Callback::from(move |_: MouseEvent| onfold.emit(FoldAction::Toggle(place.clone())))
        };
        let size = match value {
            CardValue::Object { entries } => counted(entries.len(), "entry").replace("entrys", "entries"),
            CardValue::List { items } => counted(items.len(), "item"),
            CardValue::Text { characters, .. } => counted(*characters, "character"),
            _ => String::new(),
        };
        let verb = if open { "Fold" } else { "Show all" };
        html! {
            <button type="button" class={classes!("fold", open.then_some("open"))} aria-expanded={open.to_string()}
                {onclick} data-testid="fold">
                { icon(Picture::Unfold) }{ format!("{verb} {size}") }
            </button>
        }
    }
}

fn is_container(value: &CardValue) -> bool {
    match value {
        CardValue::Object { entries } => !entries.is_empty(),
        CardValue::List { items } => !items.is_empty(),
        _ => false,
    }
}

/// A key this long, or one with a reason beside it, would leave its value no room.
fn is_long(key: &[Segment]) -> bool {
    plain(key).chars().count() > LONG_KEY || key.iter().any(|segment| matches!(segment, Segment::Flagged { .. }))
}

/// How a folded text begins, so that one knows what is being opened.
fn first_line(value: &CardValue) -> Html {
    let CardValue::Text { segments, .. } = value else { return Html::default() };
    html! { <span class="cut">{ draw(&beginning(segments)) }{ "…" }</span> }
}

fn beginning(segments: &[Segment]) -> Vec<Segment> {
    let mut room = ONE_LINE;
    let mut line = Vec::new();
    for segment in segments.iter().take_while(|segment| **segment != Segment::LineBreak) {
        let (part, takes) = match segment {
            Segment::Text { text } => {
                let text: String = text.chars().take(room).collect();
                let takes = text.chars().count();
                (Segment::Text { text }, takes)
            }
            other => (other.clone(), 1),
        };
        line.push(part);
        room -= takes;
        if room == 0 {
            break;
        }
    }
    line
}

/// Texts of more than a line or two read from the left, under their key where there is little room.
fn is_tall(value: &CardValue) -> bool {
    matches!(value, CardValue::Text { segments, characters }
        if *characters > TALL_TEXT || segments.contains(&Segment::LineBreak))
}

/// Whether a text without quotes can't be taken for a number, a word of JSON, or nothing.
fn reads_as_text(text: &str) -> bool {
    let begins_as_json = text.starts_with(|first: char| first.is_ascii_digit() || "-\"{[".contains(first));
    !text.is_empty() && text.trim() == text && !begins_as_json && !matches!(text, "true" | "false" | "null")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_loses_its_quotes_only_where_nobody_can_be_misled() {
        assert!(reads_as_text("eur"));
        for misleading in ["", " eur", "4900", "true", "null", "\"x\"", "{}", "-1e9"] {
            assert!(!reads_as_text(misleading), "{misleading:?}");
        }
    }

    #[test]
    fn a_folded_text_shows_how_it_begins() {
        let text = |text: &str| Segment::Text { text: text.into() };
        let two_lines = [text("Dear all"), Segment::LineBreak, text("more")];
        assert_eq!(beginning(&two_lines), [text("Dear all")]);
        assert_eq!(beginning(&[text("é"), text(&"x".repeat(500))]), [text("é"), text(&"x".repeat(79))]);
    }
}
