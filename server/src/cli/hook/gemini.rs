//! Gemini CLI: `BeforeTool` (<https://geminicli.com/docs/hooks/reference>).

use super::agent::{Home, HookCommand, Scope, Shape, Sheet, matched, object};
use super::call::{Call, Verdict};
use serde_json::{Value, json};
use std::path::PathBuf;

pub(super) struct Gemini;

const MATCHER: &str = "^(run_shell_command|write_file|replace|mcp_.*)$";

impl Shape for Gemini {
    fn read(&self, said: &Value) -> Result<Call, String> {
        Call::before_tool(said, &["BeforeTool"])
    }

    fn answer(&self, _event: &str, verdict: &Verdict) -> Value {
        match verdict {
            Verdict::NoOpinion => json!({}),
            Verdict::Allow(input) => json!({
                "decision": "allow",
                "hookSpecificOutput": {"hookEventName": "BeforeTool", "tool_input": input},
            }),
            Verdict::Deny(why) | Verdict::AskUser(why) => json!({"decision": "deny", "reason": why}),
        }
    }

    /// It merges what it is given into what it has, so that nothing could be taken away.
    fn can_change(&self, _event: &str) -> bool {
        false
    }

    fn own_timeout(&self) -> u64 {
        60
    }

    fn file(&self, scope: Scope, home: &Home) -> PathBuf {
        let file: PathBuf = [".gemini", "settings.json"].iter().collect();
        match scope {
            Scope::User => home.folder.join(file),
            Scope::Project => file,
        }
    }

    /// Its timeouts are in milliseconds; any exit code but 2 lets the tool run.
    fn sheet(&self, command: &HookCommand) -> Sheet {
        let hook = object([
            ("type", "command".into()),
            ("name", "countersign".into()),
            ("command", format!("{} || exit 2", command.line).into()),
            ("timeout", (command.timeout * 1_000).into()),
        ]);
        Sheet::Json { entries: vec![("BeforeTool", matched(MATCHER, hook))], versioned: false }
    }
}
