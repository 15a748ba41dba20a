//! What a coding agent is about to do, and what it is told: the same for all of them.

use countersign_domain::canonical::Canonical;
use countersign_domain::connector::is_tool_name;
use countersign_domain::digest::Digest;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// A tool call that waits for its hook.
#[derive(Debug)]
pub(super) struct Call {
    /// The agent's name for the moment, where its answers differ by it.
    pub(super) event: String,
    /// The tool, by the agent's name for it.
    pub(super) tool: String,
    /// What the tool would get.
    pub(super) input: Map<String, Value>,
    /// The folder that the agent works in.
    pub(super) folder: Option<String>,
    /// The server of an MCP tool, where the agent says it apart.
    pub(super) server: Option<Value>,
    /// The agent's session.
    pub(super) session: Option<String>,
    /// The call, where the agent names each. Two hooks that are called for one call say the same.
    pub(super) id: Option<String>,
}

/// What the agent is told.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// Nothing: the agent goes on as it would without a hook, its own prompt included.
    NoOpinion,
    /// The call is approved, with this input.
    Allow(Map<String, Value>),
    /// The call is not made; why.
    Deny(String),
    /// The agent's own user decides; why.
    AskUser(String),
}

impl Call {
    /// As Claude Code says it, and those that took its words over: `{hook_event_name, tool_name, tool_input, cwd?,
    /// session_id?}`, at one of these moments.
    pub(super) fn before_tool(said: &Value, events: &[&str]) -> Result<Self, String> {
        let fields = Fields::of(said)?;
        let event = fields.text("hook_event_name")?;
        if !events.contains(&event) {
            return Err(format!("this hook is not for the event {event:?}"));
        }
        Ok(Self {
            event: event.to_owned(),
            tool: fields.text("tool_name")?.to_owned(),
            input: fields.input("tool_input")?,
            folder: fields.maybe("cwd")?,
            server: None,
            session: fields.maybe("session_id")?,
            id: fields.maybe("tool_use_id")?,
        })
    }

    /// What the desk stores, shows and signs.
    pub(super) fn arguments(&self) -> Value {
        let mut arguments = Map::new();
        arguments.insert("input".to_owned(), Value::Object(self.input.clone()));
        arguments.extend(self.folder.as_ref().map(|folder| ("folder".to_owned(), json!(folder))));
        arguments.extend(self.server.as_ref().map(|server| ("server".to_owned(), server.clone())));
        Value::Object(arguments)
    }

    /// What this question is known by, where the agent says which call of which session it is about: another hook of the
    /// same call asks nothing else, and has the same leave.
    pub(super) fn key(&self, question: &Value) -> Option<String> {
        let (session, id) = (self.session.as_ref()?, self.id.as_ref()?);
        let call = Canonical::of(&json!([session, id, question])).ok()?;
        Some(format!("call-{}", Digest::of(call.bytes())))
    }

    /// What the agent itself says of the call.
    pub(super) fn reason(&self) -> Option<&str> {
        self.input.get("description")?.as_str().filter(|said| !said.trim().is_empty())
    }
}

/// The desk's name for an agent's tool. Whatever can't stand in one is written as its number between slashes, so that no
/// two tools share a name.
pub(super) fn tool_name(tool: &str) -> Result<String, String> {
    let mut name = String::new();
    for c in tool.chars() {
        let _ = match c.is_ascii_alphanumeric() || "_-.".contains(c) {
            true => write!(name, "{c}"),
            false => write!(name, "/{:x}/", u32::from(c)),
        };
    }
    match is_tool_name(&name) {
        true => Ok(name),
        false => Err(format!("the desk has no tool by the name {tool:?}: a name has 1 to 128 characters")),
    }
}

/// The fields of what an agent said, each of which must be what its documentation says it is.
pub(super) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(super) fn of(said: &'a Value) -> Result<Self, String> {
        said.as_object().map(Self).ok_or_else(|| "the hook's input is no JSON object".to_owned())
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text that must be there.
    pub(super) fn text(&self, name: &str) -> Result<&'a str, String> {
        let text = self.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| format!("the hook's input has no text {name:?}"))
    }

    /// A text that may be left out.
    pub(super) fn maybe(&self, name: &str) -> Result<Option<String>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some(_) => Err(format!("{name:?} in the hook's input is no text")),
        }
    }

    /// What the tool would get: an object, or a text that holds one.
    pub(super) fn input(&self, name: &str) -> Result<Map<String, Value>, String> {
        let wrong = || format!("the hook's input has no object {name:?}");
        match self.get(name) {
            Some(Value::Object(input)) => Ok(input.clone()),
            Some(Value::String(text)) => match super::read(text.as_bytes())? {
                Value::Object(input) => Ok(input),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_tools_share_a_name() {
        let names = ["mcp__git__push", "a b", "a/20/b", "a.b", "ä", "a:b", "MCP:a"];
        let mapped: std::collections::BTreeSet<_> = names.iter().map(|name| tool_name(name).unwrap()).collect();
        assert_eq!(mapped.len(), names.len());
        assert_eq!(tool_name("mcp__git__push").unwrap(), "mcp__git__push");
        assert_eq!(tool_name("a b").unwrap(), "a/20/b");
        assert!(tool_name("").is_err() && tool_name(&"x".repeat(129)).is_err());
    }
}
