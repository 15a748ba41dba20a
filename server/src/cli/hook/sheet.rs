//! An agent's configuration file, changed where it is ours and nowhere else: order, indentation and everything that
//! stands there stay.

use super::agent::Sheet;
use countersign_domain::canonical::Strict;
use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstArray, CstInputValue, CstObject, CstObjectProp, CstRootNode};
use serde_json::{Value, json};
use std::path::Path;

/// The file with our entries in it. One that stands there already is renewed where it stands, and keeps what somebody
/// has made of its matcher.
///
/// # Errors
/// Says what stands there that can't be added to.
pub(super) fn installed(text: &str, sheet: Sheet, agent: &str) -> Result<String, String> {
    let (entries, versioned) = match sheet {
        Sheet::Whole(whole) => return if is_own_file(text, &whole) { Ok(whole) } else { Err(NOT_OURS.to_owned()) },
        Sheet::Json { entries, versioned } => (entries, versioned),
    };
    let root = parsed(text)?;
    let object = root.object_value_or_create().ok_or("it holds no JSON object")?;
    if versioned && object.get("version").is_none() {
        object.append("version", 1_u32.into());
    }
    let hooks = object.object_value_or_create("hooks").ok_or("its \"hooks\" is no object")?;
    renew(&hooks, &entries, agent);
    for (event, entry) in entries {
        let list = hooks.array_value_or_create(event).ok_or_else(|| format!("its \"hooks.{event}\" is no list"))?;
        if ours_in(&list, agent).is_empty() {
            list.ensure_multiline();
            list.append(entry);
        }
    }
    Ok(kept(text, with_last_line_ended(root.to_string())))
}

/// A file without our entries.
pub(super) struct Left {
    /// What it says.
    pub(super) text: String,
    /// Whether that is nothing, so that the file may go.
    pub(super) nothing: bool,
}

/// The file without our entries.
///
/// # Errors
/// Says why it can't be read.
pub(super) fn uninstalled(text: &str, agent: &str) -> Result<Left, String> {
    let root = parsed(text)?;
    if !take_out(&root, agent) {
        return Ok(Left { text: text.to_owned(), nothing: false });
    }
    let text = root.to_string();
    let left: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Ok(Left { text, nothing: [json!({}), json!({"version": 1})].contains(&left) })
}

/// The same of a file that is ours as a whole.
///
/// # Errors
/// When it is somebody else's.
pub(super) fn uninstalled_whole(text: &str, whole: &str) -> Result<Left, String> {
    match is_own_file(text, whole) {
        true => Ok(Left { text: String::new(), nothing: true }),
        false => Err(NOT_OURS.to_owned()),
    }
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

/// A hook of ours.
struct Ours {
    hook: CstObject,
    /// The entry that it stands behind, where its agent has such.
    entry: Option<CstObject>,
}

impl Ours {
    /// When the agent calls it.
    fn matcher(&self) -> Option<Value> {
        self.entry.as_ref().unwrap_or(&self.hook).get("matcher")?.to_serde_value()
    }

    fn renew(&self, fields: &[(String, CstInputValue)]) {
        // Its arguments stand in its command.
        self.hook.get("args").into_iter().for_each(CstObjectProp::remove);
        for (name, value) in fields {
            match self.hook.get(name) {
                Some(_) if name == "matcher" => {}
                Some(field) => field.set_value(value.clone()),
                None => drop(self.hook.append(name, value.clone())),
            }
        }
    }

    fn remove(self) {
        self.hook.remove();
        if let Some(entry) = self.entry
            && entry.array_value("hooks").is_some_and(|hooks| hooks.elements().is_empty())
        {
            entry.remove();
        }
    }
}

fn ours_in(list: &CstArray, agent: &str) -> Vec<Ours> {
    let mut ours = Vec::new();
    for entry in list.elements().into_iter().filter_map(|entry| entry.as_object()) {
        if is_ours(&entry, agent) {
            ours.push(Ours { hook: entry, entry: None });
            continue;
        }
        let behind = entry.array_value("hooks").map(|hooks| hooks.elements()).unwrap_or_default();
        let behind = behind.into_iter().filter_map(|hook| hook.as_object()).filter(|hook| is_ours(hook, agent));
        ours.extend(behind.map(|hook| Ours { hook, entry: Some(entry.clone()) }));
    }
    ours
}

/// Says anew what our hooks do, wherever they stand, each once for a matcher.
fn renew(hooks: &CstObject, entries: &[(&'static str, CstInputValue)], agent: &str) {
    for property in hooks.properties() {
        let name = property.decoded_name();
        let entry = entries.iter().find(|(event, _)| name.as_deref() == Some(*event)).or(entries.first());
        let (Some(list), Some((_, entry))) = (property.array_value(), entry) else { continue };
        let mut seen = Vec::new();
        for ours in ours_in(&list, agent) {
            let matcher = ours.matcher();
            if seen.contains(&matcher) {
                ours.remove();
                continue;
            }
            seen.push(matcher);
            ours.renew(hook_of(entry));
        }
    }
}

/// The fields of an entry's hook, which may stand behind a matcher.
fn hook_of(entry: &CstInputValue) -> &[(String, CstInputValue)] {
    let CstInputValue::Object(fields) = entry else { return &[] };
    match fields.iter().find(|(name, _)| name == "hooks") {
        Some((_, CstInputValue::Array(hooks))) => hooks.first().map_or(&[], hook_of),
        _ => fields,
    }
}

/// Takes our entries out, and lists that are empty after that; whether there were any.
fn take_out(root: &CstRootNode, agent: &str) -> bool {
    let Some(hooks) = root.object_value().and_then(|object| object.object_value("hooks")) else { return false };
    let mut found = false;
    for event in hooks.properties() {
        let Some(list) = event.array_value() else { continue };
        let ours = ours_in(&list, agent);
        if ours.is_empty() {
            continue;
        }
        found = true;
        ours.into_iter().for_each(Ours::remove);
        if list.elements().is_empty() {
            event.remove();
        }
    }
    if found && hooks.properties().is_empty() {
        root.object_value().and_then(|object| object.get("hooks")).into_iter().for_each(CstObjectProp::remove);
    }
    found
}

/// An entry whose command is this program's, for this agent.
fn is_ours(entry: &CstObject, agent: &str) -> bool {
    let value = |key: &str| entry.get(key)?.to_serde_value();
    let apart: Vec<_> = value("args").and_then(|args| serde_json::from_value(args).ok()).unwrap_or_default();
    let commands = ["command", "bash", "powershell"].into_iter().filter_map(value);
    commands.filter_map(|command| command.as_str().map(words)).any(|mut words| {
        words.extend_from_slice(&apart);
        is_our_command(&words, agent)
    })
}

/// The words of a line for a shell.
fn words(line: &str) -> Vec<String> {
    // There a backslash is part of a path, and quotes nothing.
    let line = if cfg!(windows) { line.replace('\\', "/") } else { line.to_owned() };
    shlex::split(&line).unwrap_or_default()
}

/// `<program> hook --agent <agent>...`, whatever stands before it. The program has our name, is this one under another, or
/// is told what only ours is told.
fn is_our_command(words: &[String], agent: &str) -> bool {
    let Some(at) = words.iter().position(|word| word == "hook").filter(|at| *at > 0) else { return false };
    let (program, said) = (&words[at - 1], &words[at + 1..]);
    let end = said.iter().position(|word| ["||", "&&", "|", ";", "&"].contains(&word.as_str()));
    let said: Vec<_> = said[..end.unwrap_or(said.len())].iter().map(|word| word.trim_end_matches(';')).collect();
    let for_agent = said.windows(2).any(|pair| pair == ["--agent", agent])
        || said.iter().any(|word| word.strip_prefix("--agent=") == Some(agent));
    for_agent && (is_our_program(program) || said.iter().any(|word| word.starts_with("--timeout-seconds")))
}

fn is_our_program(program: &str) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    let this = || std::env::current_exe().ok().and_then(|path| real(&path));
    let name = program.rsplit('/').next().unwrap_or_default();
    // As `countersign-1.2`; another program's name may begin like ours.
    let version = name.strip_prefix("countersign-").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    version
        || ["countersign", "countersign.exe"].contains(&name)
        || real(Path::new(program)).is_some_and(|path| Some(path) == this())
}
