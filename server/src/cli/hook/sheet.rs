//! An agent's configuration file, changed where it is ours and nowhere else: order, indentation and everything that
//! stands there stay.

use super::agent::Sheet;
use countersign_domain::canonical::Strict;
use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstArray, CstContainerNode, CstNode, CstObjectProp, CstRootNode};
use serde_json::{Value, json};

/// The file with our entries in it, once.
///
/// # Errors
/// Says what stands there that can't be added to.
pub(super) fn installed(text: &str, sheet: Sheet, agent: &str) -> Result<String, String> {
    let (entries, versioned) = match sheet {
        Sheet::Whole(whole) => return if is_own_file(text, &whole) { Ok(whole) } else { Err(NOT_OURS.to_owned()) },
        Sheet::Json { entries, versioned } => (entries, versioned),
    };
    let root = parsed(text)?;
    take_out(&root, agent, false);
    let object = root.object_value_or_create().ok_or("it holds no JSON object")?;
    if versioned && object.get("version").is_none() {
        object.append("version", 1_u32.into());
    }
    let hooks = object.object_value_or_create("hooks").ok_or("its \"hooks\" is no object")?;
    for (event, entry) in entries {
        let list = hooks.array_value_or_create(event).ok_or_else(|| format!("its \"hooks.{event}\" is no list"))?;
        list.ensure_multiline();
        list.append(entry);
    }
    Ok(kept(text, with_last_line_ended(root.to_string())))
}

/// The file without our entries; nothing where nothing else is left of it.
///
/// # Errors
/// Says why it can't be read.
pub(super) fn uninstalled(text: &str, agent: &str) -> Result<Option<String>, String> {
    let root = parsed(text)?;
    if !take_out(&root, agent, true) {
        return Ok(Some(text.to_owned()));
    }
    let left: Value = serde_json::from_str(&root.to_string()).map_err(|error| error.to_string())?;
    let empty = [json!({}), json!({"version": 1})].contains(&left);
    Ok((!empty).then(|| root.to_string()))
}

/// The same of a file that is ours as a whole.
///
/// # Errors
/// When it is somebody else's.
pub(super) fn uninstalled_whole(text: &str, whole: &str) -> Result<Option<String>, String> {
    if is_own_file(text, whole) { Ok(None) } else { Err(NOT_OURS.to_owned()) }
}

const NOT_OURS: &str = "it is not what this program wrote";

/// By its first line, which says so.
fn is_own_file(text: &str, whole: &str) -> bool {
    text.trim().is_empty() || text.lines().next() == whole.lines().next()
}

/// What means the same is left as it is written.
fn kept(text: &str, new: String) -> String {
    let same = |a: &str, b: &str| serde_json::from_str::<Value>(a).ok() == serde_json::from_str::<Value>(b).ok();
    if same(text, &new) { text.to_owned() } else { new }
}

fn with_last_line_ended(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Strictly JSON, as those who read the file take it: what has comments or is broken is for its owner to mend.
fn parsed(text: &str) -> Result<CstRootNode, String> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    serde_json::from_str::<Value>(text).map_err(|error| format!("it is no plain JSON: {error}"))?;
    // Of a key that stands twice, the agent may read another one than ours is written into.
    serde_json::from_str::<Strict>(text).map_err(|error| format!("it can be read in two ways: {error}"))?;
    CstRootNode::parse(text, &ParseOptions::default()).map_err(|error| format!("it is no JSON: {error}"))
}

/// Takes our entries out; whether there were any. `empty_too`: lists that are empty after that go with them.
fn take_out(root: &CstRootNode, agent: &str, empty_too: bool) -> bool {
    let Some(hooks) = root.object_value().and_then(|object| object.object_value("hooks")) else { return false };
    let mut found = false;
    for event in hooks.properties() {
        let Some(list) = event.array_value() else { continue };
        let taken = take_out_of(&list, agent);
        found |= taken;
        if taken && empty_too && list.elements().is_empty() {
            event.remove();
        }
    }
    if found && empty_too && hooks.properties().is_empty() {
        root.object_value().and_then(|object| object.get("hooks")).into_iter().for_each(CstObjectProp::remove);
    }
    found
}

fn take_out_of(list: &CstArray, agent: &str) -> bool {
    let mut found = false;
    for entry in list.elements() {
        if is_ours(&entry, agent) {
            entry.remove();
            found = true;
            continue;
        }
        let behind = entry.as_object().and_then(|entry| entry.array_value("hooks"));
        if let Some(behind) = behind
            && take_out_of(&behind, agent)
        {
            found = true;
            if behind.elements().is_empty() {
                entry.remove();
            }
        }
    }
    found
}

/// An entry whose command is this program's, for this agent.
fn is_ours(entry: &CstNode, agent: &str) -> bool {
    let CstNode::Container(CstContainerNode::Object(entry)) = entry else { return false };
    let commands = ["command", "bash", "powershell"].iter().filter_map(|key| entry.get(key)?.to_serde_value());
    let mark = format!(" hook --agent {agent} ");
    commands.filter_map(|command| command.as_str().map(str::to_owned)).any(|command| {
        let program = command.split_once(&mark).map(|(program, _)| program.trim_end_matches(['\'', '"']));
        program
            .and_then(|program| program.rsplit(['/', '\\', ' ']).next())
            .is_some_and(|name| matches!(name.trim_start_matches(['\'', '"']), "countersign" | "countersign.exe"))
    })
}
