//! Draws texts and arguments as segments.

use super::confusable::{Setting, suspicion, words};
use super::escape::Eye;
use super::json::{Node, Text, read};
use super::redact::{Redactions, note};
use super::{CardEntry, CardError, CardValue, MAX_NOTE_CHARACTERS, Segment};

/// A text that may have several lines.
#[must_use]
pub fn segments(text: &str) -> Vec<Segment> {
    let mut drawing = Drawing::default();
    drawing.text(text, Lines::Many);
    drawing.segments
}

/// A text that has to stay on one line, a name or a key: line breaks and tabs are escaped too.
#[must_use]
pub fn line_segments(text: &str) -> Vec<Segment> {
    let mut drawing = Drawing::default();
    drawing.text(text, Lines::One);
    drawing.segments
}

/// The agent's note, up to [`MAX_NOTE_CHARACTERS`], and whether it went on.
#[must_use]
pub fn note_segments(text: &str) -> (Vec<Segment>, bool) {
    let end = text.char_indices().nth(MAX_NOTE_CHARACTERS).map(|(end, _)| end);
    (segments(&text[..end.unwrap_or(text.len())]), end.is_some())
}

/// The phone's sentence: "invoice-bot wants to use refunds_create in Stripe". What a tool does can't be told from its
/// name, so its name stands for itself.
#[must_use]
pub fn headline(agent: &str, tool: &str, connector: &str) -> Vec<Segment> {
    let mut drawing = Drawing::default();
    drawing.text(agent, Lines::One);
    drawing.plain(" wants to use ");
    drawing.text(tool, Lines::One);
    drawing.plain(" in ");
    drawing.text(connector, Lines::One);
    drawing.segments
}

/// The same for an ask for access: "invoice-bot wants access to 3 tools in Stripe".
#[must_use]
pub fn access_headline(agent: &str, tools: usize, connector: &str) -> Vec<Segment> {
    let mut drawing = Drawing::default();
    drawing.text(agent, Lines::One);
    drawing.plain(&match tools {
        1 => " wants access to one tool in ".to_owned(),
        more => format!(" wants access to {more} tools in "),
    });
    drawing.text(connector, Lines::One);
    drawing.segments
}

/// The arguments as a tree, whole, from the canonical bytes that will be sent.
///
/// # Errors
/// When the bytes are no canonical JSON, or nest too deep: then they aren't what the desk stored.
pub fn card_value(canonical: &[u8], redact: &Redactions) -> Result<CardValue, CardError> {
    Ok(tree(&read(canonical)?, *redact, false))
}

/// The canonical bytes themselves, as text, escaped like everything else.
///
/// # Errors
/// As [`card_value`].
pub fn raw_segments(canonical: &[u8], redact: &Redactions) -> Result<Vec<Segment>, CardError> {
    let mut raw = Raw { plain: String::new(), drawing: Drawing::default() };
    raw.node(&read(canonical)?, *redact, false);
    raw.flush();
    Ok(raw.drawing.segments)
}

/// `secret`: a key above names one.
fn tree(node: &Node<'_>, redact: Redactions, secret: bool) -> CardValue {
    match node {
        Node::Object(entries) => {
            let entry = |(key, value): &(Text<'_>, Node<'_>)| CardEntry {
                key: redacted(&key.value, redact, Lines::One),
                value: tree(value, redact, secret || redact.names_secret(&key.value)),
            };
            CardValue::Object { entries: entries.iter().map(entry).collect() }
        }
        Node::List(items) => CardValue::List { items: items.iter().map(|item| tree(item, redact, secret)).collect() },
        Node::Text(text) if secret && !text.value.is_empty() => hidden(text.value.chars().count()),
        Node::Text(text) => CardValue::Text {
            segments: redacted(&text.value, redact, Lines::Many),
            characters: text.value.chars().count(),
        },
        Node::Number(number) if secret => hidden(number.len()),
        Node::Number(number) => CardValue::Number { text: (*number).to_owned() },
        Node::Bool(value) => CardValue::Bool { value: *value },
        Node::Null => CardValue::Null,
    }
}

fn hidden(characters: usize) -> CardValue {
    CardValue::Text { segments: vec![Segment::Redacted { note: note(characters) }], characters }
}

/// A text of several lines, without its secrets.
pub(super) fn redacted_segments(text: &str, redact: Redactions) -> Vec<Segment> {
    redacted(text, redact, Lines::Many)
}

fn redacted(text: &str, redact: Redactions, lines: Lines) -> Vec<Segment> {
    let mut drawing = Drawing::default();
    let mut at = 0;
    for part in redact.parts(text) {
        drawing.text(&text[at..part.start], lines);
        drawing.redacted(&text[part.clone()]);
        at = part.end;
    }
    drawing.text(&text[at..], lines);
    drawing.segments
}

/// The raw view: collects what may be shown, and draws it when something may not.
struct Raw {
    plain: String,
    drawing: Drawing,
}

impl Raw {
    fn flush(&mut self) {
        let plain = std::mem::take(&mut self.plain);
        self.drawing.text(&plain, Lines::Many);
    }

    fn redacted(&mut self, text: &str) {
        self.flush();
        self.drawing.redacted(text);
    }

    fn node(&mut self, node: &Node<'_>, redact: Redactions, secret: bool) {
        match node {
            Node::Object(entries) => {
                self.plain.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    self.plain.push_str(if index > 0 { "," } else { "" });
                    self.string(key, redact, false);
                    self.plain.push(':');
                    self.node(value, redact, secret || redact.names_secret(&key.value));
                }
                self.plain.push('}');
            }
            Node::List(items) => {
                self.plain.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.plain.push_str(if index > 0 { "," } else { "" });
                    self.node(item, redact, secret);
                }
                self.plain.push(']');
            }
            Node::Text(text) => self.string(text, redact, secret && !text.value.is_empty()),
            Node::Number(number) if secret => self.redacted(number),
            Node::Number(number) => self.plain.push_str(number),
            Node::Bool(value) => self.plain.push_str(if *value { "true" } else { "false" }),
            Node::Null => self.plain.push_str("null"),
        }
    }

    fn string(&mut self, text: &Text<'_>, redact: Redactions, secret: bool) {
        let parts = if secret { std::iter::once(0..text.value.len()).collect() } else { redact.parts(&text.value) };
        if parts.is_empty() {
            self.plain.push_str(text.raw);
            return;
        }
        self.plain.push('"');
        let mut at = 0;
        for part in parts {
            self.inside(&text.value[at..part.start]);
            self.redacted(&text.value[part.clone()]);
            at = part.end;
        }
        self.inside(&text.value[at..]);
        self.plain.push('"');
    }

    /// A part of a string as it is written inside of its quotes; JCS escapes as `serde_json` does (RFC 8785, 3.2.2.2).
    fn inside(&mut self, value: &str) {
        let quoted = serde_json::Value::from(value).to_string();
        self.plain.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    One,
    Many,
}

#[derive(Default)]
pub(super) struct Drawing {
    segments: Vec<Segment>,
}

impl Drawing {
    pub(super) fn finish(self) -> Vec<Segment> {
        self.segments
    }

    pub(super) fn text(&mut self, text: &str, lines: Lines) {
        let setting = Setting::of(text);
        let mut eye = Eye::default();
        let mut shown_from = 0;
        let mut characters = text.char_indices().peekable();
        while let Some((at, c)) = characters.next() {
            let apart = match c {
                '\n' if lines == Lines::Many => Some(Segment::LineBreak),
                '\t' if lines == Lines::Many => Some(Segment::Tab),
                _ => eye.hides(c, characters.peek().map(|(_, next)| *next)).map(|(why, name)| Segment::Escaped {
                    text: format!("U+{:04X}", u32::from(c)),
                    name: name.into_owned(),
                    why,
                    times: 1,
                }),
            };
            if let Some(segment) = apart {
                if !matches!(segment, Segment::Escaped { .. }) {
                    eye.interrupt();
                }
                self.words(&text[shown_from..at], &setting);
                self.push(segment);
                shown_from = at + c.len_utf8();
            }
        }
        self.words(&text[shown_from..], &setting);
    }

    fn words(&mut self, text: &str, setting: &Setting) {
        if text.is_ascii() {
            return self.plain(text);
        }
        for (part, is_word) in words(text) {
            match if is_word { suspicion(part, setting) } else { None } {
                Some(why) => self.push(Segment::Flagged { text: part.to_owned(), why }),
                None => self.plain(part),
            }
        }
    }

    fn plain(&mut self, more: &str) {
        match self.segments.last_mut() {
            Some(Segment::Text { text }) => text.push_str(more),
            _ if more.is_empty() => {}
            _ => self.segments.push(Segment::Text { text: more.to_owned() }),
        }
    }

    pub(super) fn redacted(&mut self, secret: &str) {
        self.push(Segment::Redacted { note: note(secret.chars().count()) });
    }

    /// Counts a character that repeats, so that a text of nothing but zero-width spaces stays small.
    fn push(&mut self, segment: Segment) {
        if let (Segment::Escaped { text, .. }, Some(Segment::Escaped { text: last, times, .. })) =
            (&segment, self.segments.last_mut())
            && text == last
            && *times < u32::MAX
        {
            *times += 1;
        } else {
            self.segments.push(segment);
        }
    }
}

#[cfg(test)]
mod tests;
