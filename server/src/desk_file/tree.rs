//! A desk file as a tree of values that know where they stand.
//!
//! YAML is taken event by event, so that a key that is given twice is noted and the reading goes on. Knows nothing of
//! what a desk file may say.

use super::problem::{Mark, Problems};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput, Tag};
use std::borrow::Cow;
use std::collections::HashMap;

/// The longest file, in bytes.
pub(super) const MAX_BYTES: usize = 1024 * 1024;
/// How deep lists and mappings may stand in each other.
const MAX_DEPTH: usize = 64;
/// How many values a file may have, those that its aliases repeat counted each time.
const MAX_NODES: usize = 200_000;

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) mark: Mark,
    pub(super) content: Content,
}

/// What a value is, by YAML's core schema (YAML 1.2.2, section 10.3).
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Null,
    Truth(bool),
    Whole(i64),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a mapping and its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) mark: Mark,
    pub(super) key: String,
    pub(super) value: Node,
}

impl Content {
    /// What people call it.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Truth(_) => "true or false",
            Self::Whole(_) | Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

impl Node {
    /// The value of a mapping's key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Content::Map(entries) = &self.content else { return None };
        entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The value at a path such as `steps[0].approvers`, or the nearest one above it that there is.
    pub(super) fn nearest(&self, path: &str) -> &Self {
        let mut node = self;
        for part in path.split(['.', '[', ']']).filter(|part| !part.is_empty()) {
            let below = match &node.content {
                Content::Map(_) => node.get(part),
                Content::List(items) => part.parse().ok().and_then(|index: usize| items.get(index)),
                _ => None,
            };
            match below {
                Some(below) => node = below,
                None => break,
            }
        }
        node
    }
}

/// The file's one document. None when it can't be read any further; then the problems say why.
pub(super) fn read(text: &str, problems: &Problems) -> Option<Node> {
    if text.len() > MAX_BYTES {
        problems.add(Mark::START, "", format!("is {} bytes long; a desk file has at most {MAX_BYTES}", text.len()));
        return None;
    }
    let mut builder = Builder { problems, stack: Vec::new(), anchors: HashMap::new(), root: None, nodes: 0 };
    let mut parser = Parser::<StrInput<'_>>::new_from_str(text);
    while let Some(next) = parser.next_event() {
        match next {
            Ok((event, span)) => builder.take(event, span).ok()?,
            Err(error) => {
                problems.add(mark(*error.marker()), "", format!("this is no YAML: {}", error.info()));
                return None;
            }
        }
    }
    let root = builder.root.filter(|root| root.content != Content::Null);
    if root.is_none() {
        problems.add(Mark::START, "", "the file says nothing");
    }
    root
}

fn mark(marker: Marker) -> Mark {
    Mark { line: marker.line().max(1), column: marker.col() + 1 }
}

/// The problem that made it so has been noted.
struct GiveUp;

struct Builder<'a> {
    problems: &'a Problems,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    nodes: usize,
}

/// A list or mapping that has begun and not ended.
struct Frame {
    mark: Mark,
    anchor: usize,
    inside: Inside,
}

enum Inside {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, seen: HashMap<String, Mark>, key: Option<(String, Mark)> },
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), GiveUp> {
        let at = mark(span.start);
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                self.problems.add(at, "", "a desk file is one YAML document; this begins another");
                Err(GiveUp)
            }
            Event::Scalar(text, style, anchor, tag) => {
                if self.wants_key() {
                    return self.key(text.into_owned(), at);
                }
                let content = self.scalar(&text, style, tag.as_ref(), at);
                self.keep(Node { mark: at, content }, anchor)
            }
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_ref(), at);
                self.open(Frame { mark: at, anchor, inside: Inside::List(Vec::new()) })
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_ref(), at);
                let inside = Inside::Map { entries: Vec::new(), seen: HashMap::new(), key: None };
                self.open(Frame { mark: at, anchor, inside })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn open(&mut self, frame: Frame) -> Result<(), GiveUp> {
        if self.wants_key() {
            self.problems.add(frame.mark, self.path(), "a key must be text");
            return Err(GiveUp);
        }
        if self.stack.len() >= MAX_DEPTH {
            self.problems.add(frame.mark, self.path(), format!("stands more than {MAX_DEPTH} levels deep"));
            return Err(GiveUp);
        }
        self.stack.push(frame);
        Ok(())
    }

    fn close(&mut self) -> Result<(), GiveUp> {
        let Some(Frame { mark, anchor, inside }) = self.stack.pop() else { return Ok(()) };
        let content = match inside {
            Inside::List(items) => Content::List(items),
            Inside::Map { entries, .. } => Content::Map(entries),
        };
        self.keep(Node { mark, content }, anchor)
    }

    /// An alias stands for a copy, as if it had been written there.
    fn alias(&mut self, anchor: usize, at: Mark) -> Result<(), GiveUp> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            self.problems.add(at, self.path(), "an alias can't stand within what it repeats");
            return Err(GiveUp);
        };
        if !self.wants_key() {
            self.nodes += size(&node) - 1;
            return self.place(Node { mark: at, ..node });
        }
        match node.content {
            Content::Text(text) => self.key(text, at),
            _ => {
                self.problems.add(at, self.path(), "a key must be text");
                Err(GiveUp)
            }
        }
    }

    fn wants_key(&self) -> bool {
        matches!(self.stack.last(), Some(Frame { inside: Inside::Map { key: None, .. }, .. }))
    }

    fn key(&mut self, text: String, at: Mark) -> Result<(), GiveUp> {
        let path = self.path();
        let Some(Frame { inside: Inside::Map { seen, key, .. }, .. }) = self.stack.last_mut() else { return Ok(()) };
        match seen.get(&text) {
            Some(first) => {
                let message = format!("is given twice; the first stands in line {}", first.line);
                self.problems.add(at, joined(&path, &text), message);
            }
            None => {
                seen.insert(text.clone(), at);
            }
        }
        *key = Some((text, at));
        Ok(())
    }

    fn keep(&mut self, node: Node, anchor: usize) -> Result<(), GiveUp> {
        // The parser numbers anchors from 1.
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.place(node)
    }

    fn place(&mut self, node: Node) -> Result<(), GiveUp> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            self.problems.add(node.mark, self.path(), format!("the file has more than {MAX_NODES} values"));
            return Err(GiveUp);
        }
        match self.stack.last_mut().map(|frame| &mut frame.inside) {
            None => self.root = Some(node),
            Some(Inside::List(items)) => items.push(node),
            Some(Inside::Map { entries, key, .. }) => {
                if let Some((key, mark)) = key.take() {
                    entries.push(Entry { mark, key, value: node });
                }
            }
        }
        Ok(())
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Cow<'_, Tag>>, at: Mark) -> Content {
        let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
        if !is_text {
            self.check_tag(tag, at);
        }
        match style {
            ScalarStyle::Plain if !is_text => plain(text),
            _ => Content::Text(text.to_owned()),
        }
    }

    fn check_tag(&self, tag: Option<&Cow<'_, Tag>>, at: Mark) {
        if let Some(tag) = tag {
            self.problems.add(at, self.path(), format!("the tag {tag} has no meaning in a desk file"));
        }
    }

    /// Where the next value will stand.
    fn path(&self) -> String {
        self.stack.iter().fold(String::new(), |path, frame| match &frame.inside {
            Inside::List(items) => format!("{path}[{}]", items.len()),
            Inside::Map { key: Some((key, _)), .. } => joined(&path, key),
            Inside::Map { .. } => path,
        })
    }
}

pub(super) fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn size(node: &Node) -> usize {
    1 + match &node.content {
        Content::List(items) => items.iter().map(size).sum(),
        Content::Map(entries) => entries.iter().map(|entry| size(&entry.value)).sum(),
        _ => 0,
    }
}

/// A plain scalar by the core schema (YAML 1.2.2, section 10.3.2). Octal, hexadecimal, infinite and no numbers stay
/// text: nothing in a desk file is written so.
fn plain(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        "true" | "True" | "TRUE" => Content::Truth(true),
        "false" | "False" | "FALSE" => Content::Truth(false),
        _ => number(text).unwrap_or_else(|| Content::Text(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Content> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    if let Ok(whole) = text.parse() {
        return Some(Content::Whole(whole));
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Content::Number)
}
