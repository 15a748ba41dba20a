//! `countersign hook`: a coding agent asks the desk before it acts. Reads that agent's JSON, asks as an `external`
//! connector, and answers in that agent's shape. Whatever goes wrong is a deny, and it is said in time: an agent that
//! waited too long for its hook would act without it.

mod agent;
mod asking;
mod call;
mod claude_code;
mod codex;
mod copilot;
mod cursor;
mod gemini;
mod install;
mod opencode;
mod permission;
mod sheet;

pub use permission::McpPermissionArguments;
pub(super) use permission::run as serve_permissions;

use super::CliError;
use super::door::{Door, DoorArguments};
use crate::serve::install_crypto;
use agent::Agent;
use asking::{Asking, Failure, UnknownTools};
use call::{Call, Verdict};
use clap::CommandFactory as _;
use countersign_domain::canonical::Canonical;
use serde_json::Value;
use std::io::Read as _;
use std::process::ExitCode;
use std::time::Duration;
use tokio::sync::oneshot;

/// What `hook` takes.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct HookArguments {
    #[command(subcommand)]
    change: Option<Change>,
    #[command(flatten)]
    hook: RunArguments,
}

#[derive(clap::Subcommand)]
enum Change {
    /// Tell a coding agent to ask the desk before it acts
    Install(install::InstallArguments),
    /// Take that back
    Uninstall(install::UninstallArguments),
}

#[derive(clap::Args)]
struct RunArguments {
    /// The coding agent that calls; its JSON is read from standard input
    #[arg(long, required = true)]
    agent: Option<Agent>,
    #[command(flatten)]
    desk: DoorArguments,
    #[command(flatten)]
    terms: Terms,
}

/// On what terms a hook asks.
#[derive(Clone, clap::Args)]
struct Terms {
    /// The `external` connector to ask by; the agent's name when left out
    #[arg(long)]
    connector: Option<String>,
    /// After how many seconds the agent gives up on its hook; the answer comes before that. Without it, what the agent
    /// itself takes by default
    #[arg(long, value_parser = clap::value_parser!(u64).range(2..=86_400))]
    timeout_seconds: Option<u64>,
    /// What to say when the desk can't be asked. `ask`: the agent's own user decides, where the agent can ask them
    #[arg(long, default_value = "deny")]
    on_unreachable: OnUnreachable,
    /// What to say of a tool that the desk doesn't know. `allow`: nothing, so that the agent's own prompt stays
    #[arg(long, default_value = "deny")]
    unknown_tools: UnknownTools,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum OnUnreachable {
    Deny,
    Ask,
}

impl Terms {
    /// Ends the program where the agent can't do what it would be told.
    fn check(&self, agent: Agent) {
        if self.on_unreachable == OnUnreachable::Ask && !agent.shape().can_ask() {
            let why = format!("`--on-unreachable ask` is not for {}: it can't ask its user", agent.word());
            super::Arguments::command().error(clap::error::ErrorKind::ArgumentConflict, why).exit();
        }
    }
}

/// How many bytes an agent may say.
const INPUT_LIMIT: u64 = 10 * 1024 * 1024;
/// How long before the agent gives up the answer is there, at most.
const MARGIN: Duration = Duration::from_secs(5);

pub(super) async fn run(arguments: HookArguments) -> Result<ExitCode, CliError> {
    install_crypto();
    match (arguments.change, arguments.hook.agent) {
        (Some(Change::Install(install)), _) => install::install(&install),
        (Some(Change::Uninstall(uninstall)), _) => install::uninstall(&uninstall),
        (None, Some(agent)) => {
            arguments.hook.terms.check(agent);
            Ok(answer(agent, &arguments.hook).await)
        }
        (None, None) => Err(CliError::Told("say for which agent: --agent".to_owned())),
    }
}

/// Answers one hook.
async fn answer(agent: Agent, hook: &RunArguments) -> ExitCode {
    let shape = agent.shape();
    let patience = patience(hook.terms.timeout_seconds.unwrap_or_else(|| shape.own_timeout()));
    let mut late = std::pin::pin!(tokio::time::sleep(patience));
    let heard = tokio::select! {
        heard = heard() => heard,
        () = &mut late => Err("the agent did not say what it is about to do".to_owned()),
    };
    let call = match heard.and_then(|said| shape.read(&said)) {
        Ok(call) => call,
        Err(why) => {
            let why = format!("Countersign: {why}");
            super::say(shape.answer("", &Verdict::Deny(why.clone())));
            super::complain(why);
            return ExitCode::from(shape.blocking_exit());
        }
    };
    let verdict = verdict(agent, hook, &call, late).await;
    super::say(shape.answer(&call.event, &verdict));
    ExitCode::SUCCESS
}

/// For how long a hook may take its time.
fn patience(timeout_seconds: u64) -> Duration {
    let timeout = Duration::from_secs(timeout_seconds);
    timeout - MARGIN.min(timeout / 2)
}

async fn verdict(agent: Agent, hook: &RunArguments, call: &Call, late: impl Future<Output = ()>) -> Verdict {
    if agent.shape().only_reads(&call.tool) {
        return Verdict::NoOpinion;
    }
    let door = match hook.desk.open_for_hook() {
        Ok(door) => door,
        Err(why) => return failed(hook, &why),
    };
    let asking = Asking {
        door: &door,
        connector: hook.terms.connector.clone().unwrap_or_else(|| agent.word()),
        unknown_tools: hook.terms.unknown_tools,
        can_change: agent.shape().can_change(&call.event),
    };
    match asking.until(late, call, stopped()).await {
        Ok(verdict) => verdict,
        Err(Failure::Unreachable(why)) => failed(hook, &why),
        Err(Failure::Refused(why)) => Verdict::Deny(format!("Countersign: {why}")),
    }
}

/// The desk could not be asked.
fn failed(hook: &RunArguments, why: &str) -> Verdict {
    let why = format!("Countersign: {why}");
    match hook.terms.on_unreachable {
        OnUnreachable::Deny => Verdict::Deny(why),
        OnUnreachable::Ask => Verdict::AskUser(why),
    }
}

/// What the agent says, whole. Read aside: nobody waits at the end for an agent that never closes its side.
async fn heard() -> Result<Value, String> {
    let (told, hears) = oneshot::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let read = std::io::stdin().lock().take(INPUT_LIMIT + 1).read_to_end(&mut text);
        let _ = told.send(read.map(|_| text).map_err(|error| format!("standard input can't be read: {error}")));
    });
    let text = hears.await.map_err(|_| "standard input can't be read".to_owned())??;
    match text.len() as u64 > INPUT_LIMIT {
        true => Err("the hook's input is over 10 MiB".to_owned()),
        false => read(&text),
    }
}

/// JSON as strict as the desk takes it, so that nothing is asked that has two meanings.
fn read(text: &[u8]) -> Result<Value, String> {
    match text.iter().all(u8::is_ascii_whitespace) {
        true => Err("the hook's input is empty".to_owned()),
        false => Canonical::read(text).map(|(value, _)| value).map_err(|error| format!("the hook's input: {error}")),
    }
}

/// Comes back when whoever started this command stops it, or their terminal closes.
pub(super) async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut term), Ok(mut closed)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) {
            return tokio::select! { _ = term.recv() => (), _ = closed.recv() => (), () = interrupted() => () };
        }
    }
    interrupted().await;
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Takes a question back that nobody waits for any more. Another hook of the same call may.
async fn taken_back(door: &Door) {
    let _ = tokio::time::timeout(MARGIN, door.withdraw()).await;
}
