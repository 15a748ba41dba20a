//! What the approver sees: segments drawn from the canonical argument bytes, never from the agent's words.
//!
//! The server makes the segments, since it has the Unicode tables (feature `eval`); every surface only draws them. The
//! types are here for both.

#[cfg(feature = "eval")]
mod address;
#[cfg(feature = "eval")]
mod command;
#[cfg(feature = "eval")]
mod confusable;
mod deed;
#[cfg(feature = "eval")]
mod draw;
#[cfg(feature = "eval")]
mod endpoint;
#[cfg(feature = "eval")]
mod escape;
#[cfg(feature = "eval")]
mod json;
#[cfg(feature = "eval")]
mod redact;

#[cfg(feature = "eval")]
pub use address::{Address, address_segments};
#[cfg(feature = "eval")]
pub use command::command_segments;
#[cfg(feature = "eval")]
pub use deed::deed;
pub use deed::{Deed, DiffLine, DiffSign, FileChange, FileEdit};
#[cfg(feature = "eval")]
pub use draw::{access_headline, card_value, headline, line_segments, note_segments, raw_segments, segments};
#[cfg(feature = "eval")]
pub use endpoint::endpoint_segments;
#[cfg(feature = "eval")]
pub use escape::hides_something;
#[cfg(feature = "eval")]
pub use redact::Redactions;

use serde::{Deserialize, Serialize};

/// The agent's note is shown up to here, in characters.
pub const MAX_NOTE_CHARACTERS: usize = 2_000;

/// A piece of text, ready to be drawn. What each kind holds is safe to show as it is: no text here ever contains a
/// control, bidirectional or invisible character, save the joiner and the variation selector inside of an emoji.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Segment {
    /// Plain text, without line breaks.
    Text {
        /// The text.
        text: String,
    },
    /// A line feed: draw a mark such as "⏎", then break the line.
    LineBreak,
    /// A tab: draw a mark such as "⇥" with some room.
    Tab,
    /// A character that would not show, or would change how others show.
    Escaped {
        /// `U+202E`.
        text: String,
        /// "right-to-left override".
        name: String,
        /// What is wrong with it.
        why: Why,
        /// How often it stands there in a row.
        #[serde(default = "once", skip_serializing_if = "is_once")]
        times: u32,
    },
    /// A word that is shown as it is, but isn't what it looks like.
    Flagged {
        /// The word.
        text: String,
        /// `looks like "paypal", but uses Cyrillic letters`.
        why: String,
    },
    /// Something that is sent, but not shown.
    Redacted {
        /// "redacted, 48 characters".
        note: String,
    },
}

const fn once() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_once(times: &u32) -> bool {
    *times == 1
}

/// Why a character is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A control character.
    Control,
    /// Changes the direction of the text around it.
    Bidi,
    /// Takes no room, or shows as nothing.
    Invisible,
    /// A space that isn't the plain one.
    Space,
    /// Means whatever a font makes of it.
    PrivateUse,
    /// No character at all, by the Unicode standard.
    Noncharacter,
    /// No character yet.
    Unassigned,
    /// An accent without a letter, or one of a pile that would cover other lines.
    Combining,
}

/// The arguments as a tree, whole, in the order of the canonical bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CardValue {
    /// A JSON object.
    Object {
        /// Its entries, as they are sent.
        entries: Vec<CardEntry>,
    },
    /// A JSON array.
    List {
        /// Its items, as they are sent.
        items: Vec<CardValue>,
    },
    /// A JSON string; also a number that is redacted.
    Text {
        /// How it is drawn.
        segments: Vec<Segment>,
        /// How many characters it really has.
        characters: usize,
    },
    /// A JSON number.
    Number {
        /// As it is sent.
        text: String,
    },
    /// `true` or `false`.
    Bool {
        /// Which.
        value: bool,
    },
    /// `null`.
    Null,
}

/// One entry of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardEntry {
    /// Its key, on one line.
    pub key: Vec<Segment>,
    /// Its value.
    pub value: CardValue,
}

/// Why stored bytes can't be drawn. Then nothing can be approved either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// Not what the desk stores: RFC 8785, without space between the tokens.
    #[error("the stored arguments are no canonical JSON at byte {0}")]
    NotCanonical(usize),
    /// Nested deeper than the desk takes.
    #[error("the stored arguments nest too deep")]
    TooDeep,
}

/// The digest as people see it: its first 8 hex digits in two groups, `9f3a 71c4`.
#[must_use]
pub fn seal(digest_hex: &str) -> String {
    let digits: Vec<char> = digest_hex.chars().take(8).collect();
    digits.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_seal_is_eight_digits_in_two_groups() {
        assert_eq!(seal("9f3a71c4d2e0"), "9f3a 71c4");
        assert_eq!((seal("9f3a7"), seal("")), ("9f3a 7".to_owned(), String::new()));
    }

    #[test]
    fn segments_travel_as_tagged_objects() {
        let escaped = |times| Segment::Escaped {
            text: "U+202E".to_owned(),
            name: "right-to-left override".to_owned(),
            why: Why::Bidi,
            times,
        };
        let segments = [Segment::Text { text: "ok".to_owned() }, Segment::LineBreak, escaped(1), escaped(3)];
        let sent = serde_json::to_value(&segments).unwrap();
        assert_eq!(
            sent,
            json!([
                {"kind": "text", "text": "ok"},
                {"kind": "line_break"},
                {"kind": "escaped", "text": "U+202E", "name": "right-to-left override", "why": "bidi"},
                {"kind": "escaped", "text": "U+202E", "name": "right-to-left override", "why": "bidi", "times": 3},
            ])
        );
        assert_eq!(serde_json::from_value::<Vec<Segment>>(sent).unwrap(), segments);
    }
}
