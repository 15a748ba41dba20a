//! Cursor: `beforeShellExecution`, `beforeMCPExecution`, and `preToolUse` for its edits
//! (<https://cursor.com/docs/agent/hooks>).

use super::agent::{Home, HookCommand, Scope, Shape, Sheet};
use super::call::{Call, Fields, Verdict};
use jsonc_parser::cst::CstInputValue;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

pub(super) struct Cursor;

/// The edits, which have no moment of their own.
const EDITS: &str = "Write|Delete";

impl Shape for Cursor {
    fn read(&self, said: &Value) -> Result<Call, String> {
        let fields = Fields::of(said)?;
        let event = fields.text("hook_event_name")?;
        let (tool, input, server) = match event {
            "beforeShellExecution" => ("Shell".to_owned(), shell(&fields)?, None),
            "beforeMCPExecution" => (
                format!("mcp__{}", fields.text("tool_name")?),
                fields.input("tool_input")?,
                fields.get("url").or_else(|| fields.get("command")).cloned(),
            ),
            "preToolUse" => (fields.text("tool_name")?.to_owned(), fields.input("tool_input")?, None),
            _ => return Err(format!("this hook is not for the event {event:?}")),
        };
        let root = fields.get("workspace_roots").and_then(|roots| roots.get(0)?.as_str()).map(str::to_owned);
        Ok(Call {
            event: event.to_owned(),
            tool,
            input,
            folder: fields.maybe("cwd")?.or(root),
            server,
            session: fields.maybe("conversation_id")?,
            id: fields.maybe("tool_use_id")?,
        })
    }

    fn answer(&self, event: &str, verdict: &Verdict) -> Value {
        let (permission, why) = match verdict {
            Verdict::NoOpinion => return json!({}),
            Verdict::Allow(_) => return json!({"permission": "allow"}),
            // Before a tool in general it takes this word and does not ask.
            Verdict::AskUser(why) if event == "preToolUse" => ("deny", why),
            Verdict::AskUser(why) => ("ask", why),
            Verdict::Deny(why) => ("deny", why),
        };
        json!({"permission": permission, "user_message": why, "agent_message": why})
    }

    fn can_ask(&self) -> bool {
        true
    }

    fn can_change(&self, _event: &str) -> bool {
        false
    }

    fn own_timeout(&self) -> u64 {
        60
    }

    fn file(&self, scope: Scope, home: &Home) -> PathBuf {
        let file: PathBuf = [".cursor", "hooks.json"].iter().collect();
        match scope {
            Scope::User => home.folder.join(file),
            Scope::Project => file,
        }
    }

    fn sheet(&self, command: &HookCommand) -> Sheet {
        let hook = |matcher: Option<&str>| {
            let mut entries: Vec<(String, CstInputValue)> = vec![
                ("command".to_owned(), command.line.as_str().into()),
                ("timeout".to_owned(), command.timeout.into()),
                ("failClosed".to_owned(), true.into()),
            ];
            entries.extend(matcher.map(|matcher| ("matcher".to_owned(), matcher.into())));
            CstInputValue::Object(entries)
        };
        let entries = vec![
            ("beforeShellExecution", hook(None)),
            ("beforeMCPExecution", hook(None)),
            ("preToolUse", hook(Some(EDITS))),
        ];
        Sheet::Json { entries, versioned: true }
    }
}

fn shell(fields: &Fields<'_>) -> Result<Map<String, Value>, String> {
    let mut input = Map::new();
    input.insert("command".to_owned(), json!(fields.text("command")?));
    Ok(input)
}
