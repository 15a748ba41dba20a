//! The coding agents, and what differs between them.

use super::call::{Call, Verdict};
use super::claude_code::ClaudeCode;
use super::codex::Codex;
use super::copilot::Copilot;
use super::cursor::Cursor;
use super::gemini::Gemini;
use super::opencode::OpenCode;
use clap::ValueEnum as _;
use jsonc_parser::cst::CstInputValue;
use serde_json::Value;
use std::path::PathBuf;

/// A coding agent that calls hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Agent {
    /// Claude Code
    ClaudeCode,
    /// Codex CLI
    Codex,
    /// Gemini CLI
    Gemini,
    /// GitHub Copilot CLI
    Copilot,
    /// Cursor
    Cursor,
    #[doc = "OpenCode"]
    #[value(name = "opencode")]
    OpenCode,
}

impl Agent {
    pub(super) fn shape(self) -> &'static dyn Shape {
        match self {
            Self::ClaudeCode => &ClaudeCode,
            Self::Codex => &Codex,
            Self::Gemini => &Gemini,
            Self::Copilot => &Copilot,
            Self::Cursor => &Cursor,
            Self::OpenCode => &OpenCode,
        }
    }

    /// Its word on the command line, which is also its connector's slug.
    pub(super) fn word(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// How one agent speaks with its hooks, and where it is told of them.
pub(super) trait Shape: Sync {
    /// What it is about to do.
    fn read(&self, said: &Value) -> Result<Call, String>;

    /// The verdict in its own shape.
    fn answer(&self, event: &str, verdict: &Verdict) -> Value;

    /// The exit code that blocks where it could not be told what it was about to do; its standard error is the reason.
    fn blocking_exit(&self) -> u8 {
        2
    }

    /// Whether it can ask its own user.
    fn can_ask(&self) -> bool {
        false
    }

    /// Whether it takes another input than the one that it asked with.
    fn can_change(&self, _event: &str) -> bool {
        true
    }

    /// Whether a tool only reads, so that nobody need be asked: where a matcher can't say so in the configuration.
    fn only_reads(&self, _tool: &str) -> bool {
        false
    }

    /// After how many seconds it gives up on a hook whose configuration says nothing.
    fn own_timeout(&self) -> u64;

    /// Its configuration file.
    fn file(&self, scope: Scope, home: &Home) -> PathBuf;

    /// What stands in that file.
    fn sheet(&self, command: &HookCommand) -> Sheet;
}

/// For whom a hook is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// For one person, in all folders.
    User,
    /// For all who work in one folder.
    Project,
}

/// Where a person's configuration lives.
pub(super) struct Home {
    /// Their home.
    pub(super) folder: PathBuf,
}

impl Home {
    /// An agent's own folder: where its variable says, else in the home.
    pub(super) fn of(&self, variable: &str, usual: &str) -> PathBuf {
        let moved = std::env::var_os(variable).filter(|folder| !folder.is_empty());
        moved.map_or_else(|| self.folder.join(usual), PathBuf::from)
    }
}

/// The command that an agent is told to run.
pub(super) struct HookCommand {
    /// Program and arguments, quoted for a shell.
    pub(super) line: String,
    /// The same, word by word.
    pub(super) words: Vec<String>,
    /// After how many seconds the agent is to give up on it.
    pub(super) timeout: u64,
}

/// What stands in an agent's configuration.
pub(super) enum Sheet {
    /// Entries under `hooks`, each in the list of an event.
    Json {
        /// The events and their entries.
        entries: Vec<(&'static str, CstInputValue)>,
        /// Whether the file says a version.
        versioned: bool,
    },
    /// A file of ours.
    Whole(String),
}

/// A JSON object in this order.
pub(super) fn object<const N: usize>(entries: [(&str, CstInputValue); N]) -> CstInputValue {
    CstInputValue::Object(entries.map(|(key, value)| (key.to_owned(), value)).into())
}

/// An entry as Claude Code, Codex and Gemini CLI have it: a matcher and the hooks behind it.
pub(super) fn matched(matcher: &str, hook: CstInputValue) -> CstInputValue {
    object([("matcher", matcher.into()), ("hooks", CstInputValue::Array(vec![hook]))])
}
