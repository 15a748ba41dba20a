//! Codex CLI: `PreToolUse` (<https://learn.chatgpt.com/docs/hooks>).
//!
//! It takes exactly `{}` or the deny object: any field that it doesn't know is a hook that failed, and then the tool runs.

use super::agent::{Home, HookCommand, Scope, Shape, Sheet, matched, object};
use super::call::{Call, Verdict};
use serde_json::{Value, json};
use std::path::PathBuf;

pub(super) struct Codex;

const MATCHER: &str = "^(Bash|apply_patch|mcp__.*)$";

impl Shape for Codex {
    fn read(&self, said: &Value) -> Result<Call, String> {
        Call::before_tool(said, &["PreToolUse"])
    }

    fn answer(&self, _event: &str, verdict: &Verdict) -> Value {
        match verdict {
            Verdict::NoOpinion | Verdict::Allow(_) => json!({}),
            Verdict::Deny(why) | Verdict::AskUser(why) => json!({"hookSpecificOutput": {
                "hookEventName": "PreToolUse",
                "permissionDecision": "deny",
                "permissionDecisionReason": why,
            }}),
        }
    }

    fn can_change(&self, _event: &str) -> bool {
        false
    }

    fn own_timeout(&self) -> u64 {
        600
    }

    fn file(&self, scope: Scope, home: &Home) -> PathBuf {
        match scope {
            Scope::User => home.of("CODEX_HOME", ".codex").join("hooks.json"),
            Scope::Project => [".codex", "hooks.json"].iter().collect(),
        }
    }

    /// A hook that can't start would let the tool run, so that the shell blocks it.
    fn sheet(&self, command: &HookCommand) -> Sheet {
        let hook = object([
            ("type", "command".into()),
            ("command", format!("{} || exit 2", command.line).into()),
            ("timeout", command.timeout.into()),
        ]);
        Sheet::Json { entries: vec![("PreToolUse", matched(MATCHER, hook))], versioned: false }
    }
}
