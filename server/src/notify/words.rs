//! What messages say, in words that every channel shares. Built from the card's segments, so that nothing in a message
//! hides what the card would show.

use super::{About, Message};
use crate::zones::Zones;
use countersign_domain::card::{CardValue, Segment};
use countersign_domain::delivery::DeliveryKind;
use std::fmt::Write as _;

/// Segments as plain text: what the card flags is named in brackets.
#[must_use]
pub fn plain(segments: &[Segment]) -> String {
    let mut text = String::new();
    for segment in segments {
        match segment {
            Segment::Text { text: piece } => text.push_str(piece),
            Segment::LineBreak => text.push('\n'),
            Segment::Tab => text.push('\t'),
            Segment::Escaped { text: code, times: 1, .. } => write_in(&mut text, format_args!("[{code}]")),
            Segment::Escaped { text: code, times, .. } => write_in(&mut text, format_args!("[{code} x{times}]")),
            Segment::Flagged { text: word, why } => write_in(&mut text, format_args!("{word} [{why}]")),
            Segment::Redacted { note } => write_in(&mut text, format_args!("[{note}]")),
        }
    }
    text
}

fn write_in(text: &mut String, piece: std::fmt::Arguments<'_>) {
    // A String takes whatever is written.
    let _ = text.write_fmt(piece);
}

/// Arguments as indented lines, whole.
#[must_use]
pub fn outline(value: &CardValue) -> String {
    let mut lines = String::new();
    outline_into(&mut lines, value, 0);
    lines.trim_end().to_owned()
}

fn outline_into(lines: &mut String, value: &CardValue, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        CardValue::Object { entries } if depth == 0 && entries.is_empty() => lines.push_str("(no arguments)\n"),
        CardValue::Object { entries } => {
            for entry in entries {
                named(lines, &format!("{indent}{}", plain(&entry.key)), &entry.value, depth);
            }
        }
        CardValue::List { items } => {
            for item in items {
                named(lines, &format!("{indent}-"), item, depth);
            }
        }
        leaf => write_in(lines, format_args!("{indent}{}\n", one_line(leaf, depth))),
    }
}

fn named(lines: &mut String, name: &str, value: &CardValue, depth: usize) {
    let colon = if name.ends_with('-') { "" } else { ":" };
    match value {
        CardValue::Object { entries } if entries.is_empty() => write_in(lines, format_args!("{name}{colon} {{}}\n")),
        CardValue::List { items } if items.is_empty() => write_in(lines, format_args!("{name}{colon} []\n")),
        CardValue::Object { .. } | CardValue::List { .. } => {
            write_in(lines, format_args!("{name}{colon}\n"));
            outline_into(lines, value, depth + 1);
        }
        leaf => write_in(lines, format_args!("{name}{colon} {}\n", one_line(leaf, depth))),
    }
}

fn one_line(value: &CardValue, depth: usize) -> String {
    match value {
        CardValue::Text { segments, .. } => plain(segments).replace('\n', &format!("\n{}", "  ".repeat(depth + 1))),
        CardValue::Number { text } => text.clone(),
        CardValue::Bool { value } => value.to_string(),
        CardValue::Null => "null".to_owned(),
        CardValue::Object { .. } | CardValue::List { .. } => String::new(),
    }
}

/// What is asked, in one line: the card's headline.
#[must_use]
pub fn headline(about: &About) -> String {
    plain(&about.headline).replace(['\n', '\r', '\t'], " ")
}

/// The message in one line: a subject, or a notification's title.
#[must_use]
pub fn title(message: &Message) -> String {
    let asked = message.about.as_deref().map(headline).unwrap_or_default();
    match message.kind {
        DeliveryKind::Asked | DeliveryKind::SentOn => asked,
        DeliveryKind::Escalated => format!("Escalated to you: {asked}"),
        DeliveryKind::Reminder => format!("Reminder: {asked}"),
        DeliveryKind::Warning => format!("Expires soon: {asked}"),
        DeliveryKind::Ended | DeliveryKind::Decided | DeliveryKind::Callback => {
            let ending = message.about.as_deref().and_then(|about| about.ending.as_ref());
            ending.map_or_else(|| asked.clone(), |(how, _)| format!("{how}: {asked}"))
        }
        DeliveryKind::Digest if message.waiting == 1 => "1 request waits for you".to_owned(),
        DeliveryKind::Digest => format!("{} requests wait for you", message.waiting),
        DeliveryKind::Reported => {
            let agent = message.about.as_deref().map_or("An agent", |about| about.agent.as_str());
            format!("{agent} was reported and is suspended")
        }
        DeliveryKind::PasskeyAdded => "A passkey was added without an older one".to_owned(),
        DeliveryKind::Test => format!("A test message from {}", message.desk),
    }
}

/// The sentence below the title.
#[must_use]
pub fn sentence(message: &Message) -> String {
    let Some(about) = message.about.as_deref() else {
        return match message.kind {
            DeliveryKind::Test => "It works: this is how requests will reach you.".to_owned(),
            DeliveryKind::Digest => "They came in quick succession; open the queue to review them.".to_owned(),
            DeliveryKind::PasskeyAdded => {
                "It can't approve for its first 15 minutes. Look at the record if you do not know why.".to_owned()
            }
            _ => String::new(),
        };
    };
    let clock = |at| Zones::clock_of(about.time_zone.as_deref(), at);
    if let Some((how, at)) = &about.ending {
        return match message.kind {
            DeliveryKind::Ended => format!("Already {} at {}.", lower_first(how), clock(*at)),
            _ => format!("{how} at {}.", clock(*at)),
        };
    }
    match message.kind {
        DeliveryKind::Reported => "Its open requests were withdrawn. An admin can let it ask again.".to_owned(),
        _ => format!("For {}. It expires at {}.", about.requester, clock(about.expires_at)),
    }
}

/// At most so many characters, the last of them saying that there were more.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_domain::card::{Redactions, card_value, segments};

    #[test]
    fn what_hides_is_named() {
        assert_eq!(plain(&segments("a\u{202e}b")), "a[U+202E]b");
    }

    #[test]
    fn no_name_of_an_argument_begins_a_line_of_its_own() {
        let json = br#"{"a\nReview: https://evil.test":{"b\nReview":1}}"#;
        let drawn = outline(&card_value(json, &Redactions::secrets()).unwrap());
        assert!(!drawn.lines().any(|line| line.starts_with("Review")), "{drawn}");
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!((cut("abc", 3), cut("abcd", 3)), ("abc".to_owned(), "ab…".to_owned()));
    }

    #[test]
    fn arguments_are_shown_whole() {
        let json = br#"{"amount":40,"lines":["a","b"],"none":{},"to":{"name":"Mina"}}"#;
        let drawn = outline(&card_value(json, &Redactions::secrets()).unwrap());
        assert_eq!(drawn, "amount: 40\nlines:\n  - a\n  - b\nnone: {}\nto:\n  name: Mina");
    }
}
