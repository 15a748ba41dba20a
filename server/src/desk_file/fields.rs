//! One mapping of a desk file, read field by field: whatever is wrong is noted, and the reading goes on.

use super::near::did_you_mean;
use super::notes::{Kind, Mention, Notes};
use super::problem::{Mark, Marked, Place};
use super::tree::{Content, Entry, Node, joined};
use serde_json::{Map, Number, Value};
use std::collections::BTreeSet;

/// The keys that a mapping may have.
pub(super) struct Keys<'k> {
    /// Those that mean something.
    pub(super) now: &'k [&'static str],
    /// Those that a later version brings: refused until then, but not as a slip of the finger.
    pub(super) later: &'k [&'static str],
}

/// What is said of a key or word that a later version brings.
pub(super) const NOT_AVAILABLE: &str = "is not available in this version";

/// A mapping's fields.
pub(super) struct Fields<'a> {
    entries: &'a [Entry],
    mark: Mark,
    path: String,
    notes: &'a Notes,
}

impl<'a> Fields<'a> {
    /// The fields of a value that must be a mapping with these keys and no others.
    pub(super) fn of(node: &'a Node, path: &str, keys: &Keys<'_>, notes: &'a Notes) -> Option<Self> {
        let Content::Map(entries) = &node.content else {
            notes.problems.add(node.mark, path, format!("must be a mapping, and is {}", node.content.kind()));
            return None;
        };
        for entry in entries.iter().filter(|entry| !keys.now.contains(&entry.key.as_str())) {
            let message = match keys.later.contains(&entry.key.as_str()) {
                true if entry.value.content == Content::Null => continue,
                true => NOT_AVAILABLE.to_owned(),
                false => format!("there is no such key{}", did_you_mean(&entry.key, keys.now.iter().copied())),
            };
            notes.problems.add(entry.mark, joined(path, &entry.key), message);
        }
        Some(Self { entries, mark: node.mark, path: path.to_owned(), notes })
    }

    /// Where a field stands, or would.
    pub(super) fn place_of(&self, key: &str) -> Place {
        let mark = self.node(key).map_or(self.mark, |node| node.mark);
        Place { mark, path: self.path_of(key) }
    }

    /// A field's path in the file.
    pub(super) fn path_of(&self, key: &str) -> String {
        joined(&self.path, key)
    }

    /// Notes what is wrong with a field.
    pub(super) fn wrong(&self, key: &str, message: impl Into<String>) {
        self.notes.problems.at(&self.place_of(key), message);
    }

    /// A field's value, unless it is missing or null.
    pub(super) fn node(&self, key: &str) -> Option<&'a Node> {
        let found = self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
        found.filter(|node| node.content != Content::Null)
    }

    /// A field that must be there.
    pub(super) fn must(&self, key: &str) -> Option<&'a Node> {
        let node = self.node(key);
        if node.is_none() {
            self.notes.problems.add(self.mark, self.path_of(key), "is missing");
        }
        node
    }

    /// A field that must be there and be text.
    pub(super) fn required(&self, key: &str) -> Option<String> {
        self.must(key).and_then(|_| self.text(key))
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
        let text = Marked { value: self.text(key)?, place: self.place_of(key) };
        self.one_of(&text, words, from_word)
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
    pub(super) fn whole<T: TryFrom<i64>>(&self, key: &str) -> Option<T> {
        match &self.node(key)?.content {
            Content::Whole(number) => {
                let fits = T::try_from(*number).ok();
                if fits.is_none() {
                    self.wrong(key, "is out of range");
                }
                fits
            }
            other => {
                self.wrong(key, format!("must be a whole number, and is {}", other.kind()));
                None
            }
        }
    }

    /// A list of texts, where it is there.
    pub(super) fn texts(&self, key: &str) -> Option<Vec<String>> {
        Some(self.marked_texts(key)?.into_iter().map(|text| text.value).collect())
    }

    /// A list of texts, each with where it stands.
    pub(super) fn marked_texts(&self, key: &str) -> Option<Vec<Marked<String>>> {
        let items = self.list(key)?;
        let mut texts = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let place = Place { mark: item.mark, path: format!("{}[{index}]", self.path_of(key)) };
            match &item.content {
                Content::Text(text) => texts.push(Marked { value: text.clone(), place }),
                other => self.notes.problems.at(&place, format!("must be text, and is {}", other.kind())),
            }
        }
        // A list of which nothing can be read is not an empty one.
        (!texts.is_empty() || items.is_empty()).then_some(texts)
    }

    /// A list of texts, each of which must be one of an enum's words.
    pub(super) fn words<T>(&self, key: &str, words: &[&str], from_word: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
        let texts = self.marked_texts(key)?;
        let is_empty = texts.is_empty();
        let found: Vec<T> = texts.iter().filter_map(|text| self.one_of(text, words, &from_word)).collect();
        (!found.is_empty() || is_empty).then_some(found)
    }

    fn one_of<T>(&self, text: &Marked<String>, words: &[&str], from_word: impl Fn(&str) -> Option<T>) -> Option<T> {
        let found = from_word(&text.value);
        if found.is_none() {
            let message = format!("must be one of {}, and is {:?}", words.join(", "), text.value);
            self.notes.problems.at(&text.place, message);
        }
        found
    }

    /// A text that must be the name of something.
    pub(super) fn mention(&self, kind: Kind, key: &str) -> Option<String> {
        let name = self.text(key)?;
        self.notes.mention(Mention { kind, name: name.clone(), place: self.place_of(key) });
        Some(name)
    }

    /// A list of texts, each of which must be the name of something.
    pub(super) fn mentions(&self, kind: Kind, key: &str) -> Option<Vec<String>> {
        let names = self.marked_texts(key)?;
        for Marked { value, place } in names.iter().cloned() {
            self.notes.mention(Mention { kind, name: value, place });
        }
        Some(names.into_iter().map(|name| name.value).collect())
    }

    /// A list of addresses of people outside.
    pub(super) fn outsiders(&self, key: &str) -> Option<Vec<String>> {
        let addresses = self.marked_texts(key)?;
        for address in addresses.iter().cloned() {
            self.notes.outsider(address);
        }
        Some(addresses.into_iter().map(|address| address.value).collect())
    }

    /// The names that the items of a list give themselves, each of which must be another. An item that can't be read
    /// otherwise is named all the same.
    pub(super) fn names(&self, key: &str, name_key: &str, spelling: impl Fn(&str) -> String) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let Some(Content::List(items)) = self.node(key).map(|node| &node.content) else { return names };
        for (index, item) in items.iter().enumerate() {
            let Some(Node { mark, content: Content::Text(name) }) = item.get(name_key) else { continue };
            if !names.insert(spelling(name)) {
                let path = format!("{}[{index}].{name_key}", self.path_of(key));
                self.notes.problems.add(*mark, path, format!("{name:?} is named twice"));
            }
        }
        names
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
                let path = format!("{}[{index}]", self.path_of(key));
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
