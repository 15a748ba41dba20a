//! One mapping of a desk file, read field by field: whatever is wrong is noted, and the reading goes on.

use super::near::did_you_mean;
use super::problem::{Mark, Marked, Place, Problems};
use super::tree::{Content, Entry, Node, joined};
use serde_json::{Map, Number, Value};

/// A mapping's fields.
pub(super) struct Fields<'a> {
    entries: &'a [Entry],
    mark: Mark,
    path: String,
    problems: &'a Problems,
}

impl<'a> Fields<'a> {
    /// The fields of a value that must be a mapping with these keys and no others.
    pub(super) fn of(node: &'a Node, path: &str, keys: &[&str], problems: &'a Problems) -> Option<Self> {
        let Content::Map(entries) = &node.content else {
            problems.add(node.mark, path, format!("must be a mapping, and is {}", node.content.kind()));
            return None;
        };
        for entry in entries.iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
            let guess = did_you_mean(&entry.key, keys.iter().copied());
            problems.add(entry.mark, joined(path, &entry.key), format!("there is no such key{guess}"));
        }
        Some(Self { entries, mark: node.mark, path: path.to_owned(), problems })
    }

    /// Where a field stands, or would.
    pub(super) fn place_of(&self, key: &str) -> Place {
        let mark = self.node(key).map_or(self.mark, |node| node.mark);
        Place { mark, path: joined(&self.path, key) }
    }

    /// Notes what is wrong with a field.
    pub(super) fn wrong(&self, key: &str, message: impl Into<String>) {
        self.problems.at(&self.place_of(key), message);
    }

    /// A field's value, unless it is missing or null.
    pub(super) fn node(&self, key: &str) -> Option<&'a Node> {
        let found = self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
        found.filter(|node| node.content != Content::Null)
    }

    /// A field that must be there and be text.
    pub(super) fn required(&self, key: &str) -> Option<String> {
        match self.node(key) {
            Some(_) => self.text(key),
            None => {
                self.problems.add(self.mark, joined(&self.path, key), "is missing");
                None
            }
        }
    }

    /// A text, where it is there.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        match &self.node(key)?.content {
            Content::Text(text) => Some(text.clone()),
            other => {
                self.wrong(key, format!("must be text, and is {}", other.kind()));
                None
            }
        }
    }

    /// A text that must be one of an enum's words.
    pub(super) fn word<T>(&self, key: &str, words: &[&str], from_word: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(key)?;
        let found = from_word(&text);
        if found.is_none() {
            self.wrong(key, format!("must be one of {}, and is {text:?}", words.join(", ")));
        }
        found
    }

    /// A truth, where it is there.
    pub(super) fn truth(&self, key: &str) -> Option<bool> {
        match &self.node(key)?.content {
            Content::Truth(truth) => Some(*truth),
            other => {
                self.wrong(key, format!("must be true or false, and is {}", other.kind()));
                None
            }
        }
    }

    /// A whole number, where it is there.
    pub(super) fn whole(&self, key: &str) -> Option<i64> {
        match &self.node(key)?.content {
            Content::Whole(number) => Some(*number),
            other => {
                self.wrong(key, format!("must be a whole number, and is {}", other.kind()));
                None
            }
        }
    }

    /// A list of texts, where it is there.
    pub(super) fn texts(&self, key: &str) -> Option<Vec<String>> {
        let items = self.list(key)?;
        let mut texts = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match &item.content {
                Content::Text(text) => texts.push(text.clone()),
                other => {
                    let path = format!("{}[{index}]", joined(&self.path, key));
                    self.problems.add(item.mark, path, format!("must be text, and is {}", other.kind()));
                }
            }
        }
        Some(texts)
    }

    /// A list, where it is there.
    pub(super) fn list(&self, key: &str) -> Option<&'a [Node]> {
        match &self.node(key)?.content {
            Content::List(items) => Some(items),
            other => {
                self.wrong(key, format!("must be a list, and is {}", other.kind()));
                None
            }
        }
    }

    /// Every item of a list of mappings, each read on its own.
    pub(super) fn items<T>(&self, key: &str, read: impl Fn(&'a Node, &str) -> Option<T>) -> Vec<Marked<T>> {
        let items = self.list(key).unwrap_or_default().iter().enumerate();
        items
            .filter_map(|(index, node)| {
                let path = format!("{}[{index}]", joined(&self.path, key));
                let value = read(node, &path)?;
                Some(Marked { value, place: Place { mark: node.mark, path } })
            })
            .collect()
    }
}

/// A value as JSON.
pub(super) fn json(node: &Node) -> Value {
    match &node.content {
        Content::Null => Value::Null,
        Content::Truth(truth) => Value::Bool(*truth),
        Content::Whole(number) => Value::Number((*number).into()),
        Content::Number(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        Content::Text(text) => Value::String(text.clone()),
        Content::List(items) => Value::Array(items.iter().map(json).collect()),
        Content::Map(entries) => {
            Value::Object(entries.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect::<Map<_, _>>())
        }
    }
}
