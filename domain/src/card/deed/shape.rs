//! Which arguments are a command and which are changes to files: by the names that coding agents give to them.
//!
//! A hook asks with `{"input": what the tool gets, "folder": where}`, `countersign ask` with
//! `{"program", "arguments", "folder", ...}`. Everything else is no deed.

use super::diff::{Text, drawn, gap, rows};
use super::{Deed, FileChange, FileEdit, patch};
use crate::card::command::word_segments;
use crate::card::draw::{line_segments, redacted_segments};
use crate::card::{Redactions, Segment};
use serde_json::{Map, Value};

const PATHS: [&str; 4] = ["file_path", "filePath", "path", "notebook_path"];
const OLD: [&str; 3] = ["old_string", "oldString", "old_str"];
const NEW: [&str; 4] = ["new_string", "newString", "new_str", "new_source"];
const WHOLE: [&str; 3] = ["content", "contents", "file_text"];
const ALL: [&str; 3] = ["replace_all", "replaceAll", "allow_multiple"];
const FOLDERS: [&str; 4] = ["workdir", "dir_path", "directory", "cwd"];
const PATCHES: [&str; 2] = ["command", "patchText"];

/// What the arguments would do, from the canonical bytes that are stored.
#[must_use]
pub fn deed(canonical: &[u8], redact: &Redactions) -> Option<Deed> {
    let Value::Object(arguments) = serde_json::from_slice(canonical).ok()? else { return None };
    if let Some(words) = words(&arguments) {
        return Some(command(&words, folder(&arguments, None), *redact));
    }
    let input = arguments.get("input")?.as_object()?;
    let patched = PATCHES.iter().filter_map(|key| text(input, &[*key])).find_map(|text| patch::files(text, *redact));
    if let Some(files) = patched {
        return Some(Deed::Edits { files });
    }
    match text(input, &["command"]) {
        Some(line) => Some(command_line(line, folder(&arguments, Some(input)), *redact)),
        None => edit(input, *redact).map(|file| Deed::Edits { files: vec![file] }),
    }
}

fn text<'a>(object: &'a Map<String, Value>, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| object.get(*key)?.as_str())
}

/// The command of `countersign ask`.
fn words(arguments: &Map<String, Value>) -> Option<Vec<String>> {
    let program = arguments.get("program")?.as_str()?;
    let rest = arguments.get("arguments")?.as_array()?;
    std::iter::once(Some(program)).chain(rest.iter().map(Value::as_str)).map(|word| word.map(str::to_owned)).collect()
}

/// The agent's folder, and the one that the tool is told where it is told one.
fn folder(arguments: &Map<String, Value>, input: Option<&Map<String, Value>>) -> Option<Vec<Segment>> {
    let agents = text(arguments, &["folder"]);
    match (agents, input.and_then(|input| text(input, &FOLDERS))) {
        (Some(agents), Some(tools)) if !tools.starts_with('/') => Some(line_segments(&format!("{agents}/{tools}"))),
        (_, Some(tools)) => Some(line_segments(tools)),
        (agents, None) => agents.map(line_segments),
    }
}

fn command_line(line: &str, folder: Option<Vec<Segment>>, redact: Redactions) -> Deed {
    match simple(line) {
        Some(words) => command(&words, folder, redact),
        None => Deed::Script { text: redacted_segments(line, redact), folder },
    }
}

fn command(words: &[String], folder: Option<Vec<Segment>>, redact: Redactions) -> Deed {
    let mut words = word_segments(words, redact).into_iter();
    Deed::Command { program: words.next().unwrap_or_default(), arguments: words.collect(), folder }
}

/// The words of a command line that every shell reads alike: no variables, patterns, pipes, escapes or second line, and
/// no assignment before the program.
fn simple(line: &str) -> Option<Vec<String>> {
    let plain = |c: char| !c.is_control() && !"|&;<>()$`\\*?[]{}~#!^%".contains(c);
    let words = shlex::split(line).filter(|_| line.chars().all(plain))?;
    words.first().filter(|program| !program.is_empty() && !program.contains('=')).is_some().then_some(words)
}

fn edit(input: &Map<String, Value>, redact: Redactions) -> Option<FileEdit> {
    // A cell that goes: what the agent says of it is not what stood there.
    if text(input, &["edit_mode"]) == Some("delete") {
        return None;
    }
    let path = text(input, &PATHS)?;
    let mut change = FileChange::Edit;
    let mut lines = Vec::new();
    if let Some(edits) = input.get("edits").and_then(Value::as_array) {
        for (index, edit) in edits.iter().enumerate() {
            let edit = edit.as_object()?;
            lines.extend((index > 0 || all(edit)).then(|| gap(if all(edit) { "wherever it stands" } else { "" })));
            lines.extend(replaced(text(edit, &OLD)?, text(edit, &NEW)?, redact));
        }
    } else if let Some(new) = text(input, &NEW) {
        change = if all(input) { FileChange::EditAll } else { FileChange::Edit };
        lines = replaced(text(input, &OLD).unwrap_or_default(), new, redact);
    } else {
        change = FileChange::Write;
        lines = replaced("", text(input, &WHOLE)?, redact);
    }
    Some(FileEdit { path: line_segments(path), change, moved_to: None, lines })
}

fn all(edit: &Map<String, Value>) -> bool {
    ALL.iter().any(|key| edit.get(*key) == Some(&Value::Bool(true)))
}

fn replaced(old: &str, new: &str, redact: Redactions) -> Vec<super::DiffLine> {
    let (old, new) = (Text::new(old, redact), Text::new(new, redact));
    drawn(&old, &new, &rows(&old, &new))
}

#[cfg(test)]
mod tests;
