//! `OpenCode`: a plugin of ours that runs this program before each tool (<https://opencode.ai/docs/plugins>). What the two
//! say to each other is ours too.

use super::agent::{Home, HookCommand, Scope, Shape, Sheet};
use super::call::{Call, Fields, Verdict};
use serde_json::{Value, json};
use std::path::PathBuf;

pub(super) struct OpenCode;

const PLUGIN: &str = include_str!("opencode_plugin.js");

/// The plugin is called for every tool. These look at things, talk to the user or keep the agent's own books.
const ONLY_READ: [&str; 13] = [
    "codesearch",
    "glob",
    "grep",
    "list",
    "lsp",
    "plan_enter",
    "plan_exit",
    "question",
    "read",
    "skill",
    "task",
    "todoread",
    "todowrite",
];

impl Shape for OpenCode {
    fn read(&self, said: &Value) -> Result<Call, String> {
        let fields = Fields::of(said)?;
        let event = fields.text("event")?;
        if event != "tool.execute.before" {
            return Err(format!("this hook is not for the event {event:?}"));
        }
        Ok(Call {
            event: event.to_owned(),
            tool: fields.text("tool")?.to_owned(),
            input: fields.input("args")?,
            folder: fields.maybe("directory")?,
            server: None,
            session: fields.maybe("sessionID")?,
            id: fields.maybe("callID")?,
        })
    }

    fn answer(&self, _event: &str, verdict: &Verdict) -> Value {
        match verdict {
            Verdict::NoOpinion => json!({"decision": "none"}),
            Verdict::Allow(input) => json!({"decision": "allow", "args": input}),
            Verdict::Deny(why) | Verdict::AskUser(why) => json!({"decision": "deny", "reason": why}),
        }
    }

    fn blocking_exit(&self) -> u8 {
        0
    }

    fn only_reads(&self, tool: &str) -> bool {
        ONLY_READ.contains(&tool)
    }

    /// It waits for a plugin as long as it takes.
    fn own_timeout(&self) -> u64 {
        630
    }

    fn file(&self, scope: Scope, home: &Home) -> PathBuf {
        let file: PathBuf = ["plugins", "countersign.js"].iter().collect();
        match scope {
            Scope::User => home.of("XDG_CONFIG_HOME", ".config").join("opencode").join(file),
            Scope::Project => PathBuf::from(".opencode").join(file),
        }
    }

    fn sheet(&self, command: &HookCommand) -> Sheet {
        Sheet::Whole(PLUGIN.replace("[\"COMMAND\"]", &json!(command.words).to_string()))
    }
}
