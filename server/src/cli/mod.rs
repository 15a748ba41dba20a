//! The command line: each command reads its flags, does one thing, and says what it did.

pub mod agent;
pub mod apply;
mod ask;
mod backup;
mod demo;
mod demo_upstream;
mod door;
mod hook;
pub mod open;
mod serve;
pub mod user;
mod vault;

use crate::config::{ConfigError, LogFormat};
use crate::desk::DeskError;
use crate::serve::ServeError;
use crate::store::StoreError;
use crate::vault::VaultError;
use clap::{Parser, Subcommand};
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// A self-hosted approval desk for AI agents
#[derive(Parser)]
#[command(name = "countersign", version, about, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::ServeArguments),
    /// Try it: a throw-away desk with an agent that asks
    Demo(demo::DemoArguments),
    /// The demo's MCP server
    #[command(hide = true)]
    DemoUpstream(demo_upstream::DemoUpstreamArgs),
    /// Make the desk what a file says
    Apply(apply::ApplyArguments),
    /// Write the desk as a file
    Export(open::DeskArguments),
    /// Make agents
    #[command(subcommand)]
    Agent(agent::AgentCommand),
    /// Let people in
    #[command(subcommand)]
    User(user::UserCommand),
    /// Look after the master key
    #[command(subcommand)]
    Vault(vault::VaultCommand),
    /// Copy the database, consistently, while the server runs
    Backup(backup::BackupArguments),
    /// For agents: ask, and run a command only when it is approved
    Ask(ask::AskArguments),
    /// For coding agents: answer their hooks by the desk's word
    Hook(Box<hook::HookArguments>),
    /// For Claude Code: an MCP server with the tool for --permission-prompt-tool
    McpPermission(hook::McpPermissionArguments),
}

/// Why a command did not do what it should; told to whoever typed it.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The server did not start, or stopped.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The database can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The master key can't be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The desk said no.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// Something else that is a sentence already.
    #[error("{0}")]
    Told(String),
}

/// Runs the command that was typed.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&CliError::Told(format!("no threads can be started: {error}"))),
    };
    match runtime.block_on(run(arguments.command)) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

async fn run(command: Command) -> Result<ExitCode, CliError> {
    let done = match command {
        Command::Ask(arguments) => return ask::run(arguments).await,
        Command::Hook(arguments) => return hook::run(*arguments).await,
        Command::McpPermission(arguments) => return hook::serve_permissions(arguments).await,
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::DemoUpstream(arguments) => {
            demo_upstream::run(arguments).await.map_err(|error| CliError::Told(error.to_string()))
        }
        Command::Apply(arguments) => apply::run(arguments).await,
        Command::Export(arguments) => apply::run_export(arguments).await,
        Command::Agent(command) => agent::run(command).await,
        Command::User(command) => user::run(command).await,
        Command::Vault(command) => vault::run(command).await,
        Command::Backup(arguments) => backup::run(arguments).await,
    };
    done.map(|()| ExitCode::SUCCESS)
}

#[allow(clippy::print_stderr, reason = "this is where a command says why it failed")]
fn fail(error: &CliError) -> ExitCode {
    eprintln!("countersign: {error}");
    ExitCode::FAILURE
}

/// A line for whoever typed the command. That nobody can read it any more (a closed pipe, a full disk) stops nothing.
pub fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A line on standard error, beside what a command says on standard output.
pub fn complain(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Starts the log on standard error, so that standard output stays what was asked for.
pub fn start_log(format: LogFormat, default: &str) {
    let filter = EnvFilter::try_from_env("COUNTERSIGN_LOG_FILTER").unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // It would say so on standard error, and where that can't be written (a full disk) panic in whoever logs.
    let log = log.log_internal_errors(false);
    // Refused only when a log was started already, and then that one serves.
    let _ = match format {
        LogFormat::Json => log.json().try_init(),
        LogFormat::Pretty => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
}
