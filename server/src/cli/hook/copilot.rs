//! GitHub Copilot CLI: `preToolUse` (<https://docs.github.com/en/copilot/reference/hooks-configuration>).
//!
//! A hook that fails or takes too long lets the tool run, so that this one always ends well and always in time.

use super::agent::{Home, HookCommand, Scope, Shape, Sheet, object};
use super::call::{Call, Fields, Verdict};
use serde_json::{Value, json};
use std::path::PathBuf;

pub(super) struct Copilot;

/// It calls the hook for every tool. These look at things, talk to the user or keep the agent's own books.
const ONLY_READ: [&str; 18] = [
    "ask_user",
    "exit_plan_mode",
    "fetch_copilot_cli_documentation",
    "glob",
    "grep",
    "list_agents",
    "list_bash",
    "list_powershell",
    "read_agent",
    "read_bash",
    "read_powershell",
    "report_intent",
    "rg",
    "show_file",
    "skill",
    "task",
    "update_todo",
    "view",
];

impl Shape for Copilot {
    fn read(&self, said: &Value) -> Result<Call, String> {
        let fields = Fields::of(said)?;
        Ok(Call {
            event: "preToolUse".to_owned(),
            tool: fields.text("toolName")?.to_owned(),
            input: fields.input("toolArgs")?,
            folder: fields.maybe("cwd")?,
            server: None,
            session: fields.maybe("sessionId")?,
            id: None,
        })
    }

    fn answer(&self, _event: &str, verdict: &Verdict) -> Value {
        match verdict {
            Verdict::NoOpinion => json!({}),
            Verdict::Allow(input) => json!({
                "permissionDecision": "allow",
                "permissionDecisionReason": "approved at the desk",
                "modifiedArgs": input,
            }),
            Verdict::Deny(why) => json!({"permissionDecision": "deny", "permissionDecisionReason": why}),
            Verdict::AskUser(why) => json!({"permissionDecision": "ask", "permissionDecisionReason": why}),
        }
    }

    fn blocking_exit(&self) -> u8 {
        0
    }

    fn can_ask(&self) -> bool {
        true
    }

    fn only_reads(&self, tool: &str) -> bool {
        ONLY_READ.contains(&tool)
    }

    fn own_timeout(&self) -> u64 {
        30
    }

    fn file(&self, scope: Scope, home: &Home) -> PathBuf {
        match scope {
            Scope::User => home.folder.join(".copilot").join("hooks").join("countersign.json"),
            Scope::Project => [".github", "hooks", "countersign.json"].iter().collect(),
        }
    }

    fn sheet(&self, command: &HookCommand) -> Sheet {
        let gone = r#"{"permissionDecision":"deny","permissionDecisionReason":"Countersign: the hook did not start."}"#;
        let (shell, line) = match cfg!(windows) {
            true => ("powershell", format!("& {}; if (-not $?) {{ '{gone}' }}", command.line)),
            false => ("bash", format!("{} || echo '{gone}'", command.line)),
        };
        let hook = object([("type", "command".into()), (shell, line.into()), ("timeoutSec", command.timeout.into())]);
        Sheet::Json { entries: vec![("preToolUse", hook)], versioned: true }
    }
}
