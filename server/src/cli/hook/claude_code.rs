//! Claude Code: `PreToolUse` and `PermissionRequest` (<https://code.claude.com/docs/en/hooks>).

use super::agent::{Home, HookCommand, Scope, Shape, Sheet, matched, object};
use super::call::{Call, Verdict};
use serde_json::{Value, json};
use std::path::PathBuf;

pub(super) struct ClaudeCode;

/// Commands, edits and what MCP servers offer. What only reads is not asked about.
const MATCHER: &str = "^(Bash|PowerShell|Edit|MultiEdit|Write|NotebookEdit|mcp__.*)$";

impl Shape for ClaudeCode {
    fn read(&self, said: &Value) -> Result<Call, String> {
        Call::before_tool(said, &["PreToolUse", "PermissionRequest"])
    }

    fn answer(&self, event: &str, verdict: &Verdict) -> Value {
        match event {
            "PermissionRequest" => permission_request(verdict),
            _ => pre_tool_use(verdict),
        }
    }

    fn can_ask(&self) -> bool {
        true
    }

    fn own_timeout(&self) -> u64 {
        600
    }

    fn file(&self, scope: Scope, home: &Home) -> PathBuf {
        match scope {
            Scope::User => home.of("CLAUDE_CONFIG_DIR", ".claude").join("settings.json"),
            Scope::Project => [".claude", "settings.json"].iter().collect(),
        }
    }

    fn sheet(&self, command: &HookCommand) -> Sheet {
        let hook = object([
            ("type", "command".into()),
            ("command", command.line.as_str().into()),
            ("timeout", command.timeout.into()),
            ("onFailure", "block".into()),
        ]);
        Sheet::Json { entries: vec![("PreToolUse", matched(MATCHER, hook))], versioned: false }
    }
}

fn pre_tool_use(verdict: &Verdict) -> Value {
    let mut decided = match verdict {
        Verdict::NoOpinion => return json!({}),
        Verdict::Allow(input) => json!({
            "permissionDecision": "allow",
            "permissionDecisionReason": "approved at the desk",
            "updatedInput": input,
        }),
        Verdict::Deny(why) => json!({"permissionDecision": "deny", "permissionDecisionReason": why}),
        Verdict::AskUser(why) => json!({"permissionDecision": "ask", "permissionDecisionReason": why}),
    };
    decided["hookEventName"] = json!("PreToolUse");
    json!({"hookSpecificOutput": decided})
}

/// Its user is being asked already, so that there is nothing to add where the desk has no word.
fn permission_request(verdict: &Verdict) -> Value {
    let decision = match verdict {
        Verdict::NoOpinion | Verdict::AskUser(_) => return json!({}),
        Verdict::Allow(input) => json!({"behavior": "allow", "updatedInput": input}),
        Verdict::Deny(why) => json!({"behavior": "deny", "message": why}),
    };
    json!({"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": decision}})
}
