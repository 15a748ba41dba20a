//! `countersign hook install` and `uninstall`: tells a coding agent of its hook, in its own configuration, and shows what
//! would change before it does.

use super::agent::{Agent, Home, HookCommand, Scope, Sheet};
use super::asking::UnknownTools;
use super::{OnUnreachable, Terms, sheet};
use crate::cli::{CliError, complain, say};
use similar::TextDiff;
use std::fs;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use url::Url;

/// What `hook install` takes.
#[derive(clap::Args)]
pub(super) struct InstallArguments {
    #[command(flatten)]
    place: Place,
    /// The desk's address, to be written down; without it the variable `COUNTERSIGN_URL` is read each time
    #[arg(long)]
    url: Option<Url>,
    /// A file with the agent's key, to be read each time; without it the variable `COUNTERSIGN_AGENT_KEY`
    #[arg(long)]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    terms: Terms,
}

/// What `hook uninstall` takes.
#[derive(clap::Args)]
pub(super) struct UninstallArguments {
    #[command(flatten)]
    place: Place,
}

#[derive(clap::Args)]
struct Place {
    /// The coding agent
    #[arg(long)]
    agent: Agent,
    /// For all who work in this folder
    #[arg(long, conflicts_with = "user")]
    project: bool,
    /// For yourself, in all folders; so it is when neither is said
    #[arg(long)]
    user: bool,
    /// Change the file without asking
    #[arg(long)]
    yes: bool,
}

impl Place {
    fn file(&self) -> Result<PathBuf, CliError> {
        let scope = if self.project { Scope::Project } else { Scope::User };
        let told = || CliError::Told("your home folder can't be told".to_owned());
        let home = directories::BaseDirs::new().ok_or_else(told)?.home_dir().to_owned();
        Ok(self.agent.shape().file(scope, &Home { folder: home }))
    }
}

/// A person has ten minutes by the flow that every desk has; the agent is to wait for longer than that.
const TIMEOUT: u64 = 630;

pub(super) fn install(arguments: &InstallArguments) -> Result<ExitCode, CliError> {
    arguments.terms.check(arguments.place.agent);
    let (agent, file) = (arguments.place.agent, arguments.place.file()?);
    let command = command(arguments)?;
    let old = read(&file)?;
    let text = old.as_deref().unwrap_or_default();
    let new = sheet::installed(text, agent.shape().sheet(&command), &agent.word());
    let new = new.map_err(|why| untouched(&file, &why))?;
    let done = change(&arguments.place, &file, old.as_deref(), Some(&new))?;
    if done == ExitCode::SUCCESS {
        say(after(arguments));
    }
    Ok(done)
}

pub(super) fn uninstall(arguments: &UninstallArguments) -> Result<ExitCode, CliError> {
    let (agent, file) = (arguments.place.agent, arguments.place.file()?);
    let Some(old) = read(&file)? else {
        say(format_args!("There is no {}.", file.display()));
        return Ok(ExitCode::SUCCESS);
    };
    let nothing = HookCommand { line: String::new(), words: Vec::new(), timeout: 0 };
    let left = match agent.shape().sheet(&nothing) {
        Sheet::Whole(whole) => sheet::uninstalled_whole(&old, &whole),
        Sheet::Json { .. } => sheet::uninstalled(&old, &agent.word()),
    };
    let left = left.map_err(|why| untouched(&file, &why))?;
    // A link is somebody's own, and what it leads to belongs to where it is kept: neither goes.
    let goes = left.nothing && !file.is_symlink();
    change(&arguments.place, &file, Some(&old), (!goes).then_some(left.text.as_str()))
}

fn untouched(file: &Path, why: &str) -> CliError {
    CliError::Told(format!("{} is left as it is: {why}", file.display()))
}

/// The command for the agent's configuration. The key never stands in it.
fn command(arguments: &InstallArguments) -> Result<HookCommand, CliError> {
    let told = |error: &dyn std::fmt::Display| CliError::Told(format!("the hook's command can't be told: {error}"));
    let program = std::env::current_exe().map_err(|error| told(&error))?;
    let program = program.into_os_string().into_string().map_err(|_| told(&"this program's path is no text"))?;
    let terms = &arguments.terms;
    let timeout = terms.timeout_seconds.unwrap_or(TIMEOUT);
    let mut words = vec![program, "hook".to_owned(), "--agent".to_owned(), arguments.place.agent.word()];
    let mut say = |flag: &str, value: String| words.extend([flag.to_owned(), value]);
    say("--timeout-seconds", timeout.to_string());
    if let Some(connector) = &terms.connector {
        say("--connector", connector.clone());
    }
    if let Some(url) = &arguments.url {
        say("--url", url.to_string());
    }
    if let Some(file) = &arguments.key_file {
        let file = std::path::absolute(file).map_err(|error| told(&error))?;
        say("--key-file", file.to_string_lossy().into_owned());
    }
    if terms.on_unreachable == OnUnreachable::Ask {
        say("--on-unreachable", "ask".to_owned());
    }
    if terms.unknown_tools == UnknownTools::Allow {
        say("--unknown-tools", "allow".to_owned());
    }
    let quoted = words.iter().map(|word| quoted(word)).collect::<Option<Vec<_>>>();
    let line = quoted.ok_or_else(|| told(&"a word can't be quoted for a shell"))?.join(" ");
    Ok(HookCommand { line, words, timeout })
}

fn quoted(word: &str) -> Option<String> {
    if cfg!(windows) {
        let plain = !word.is_empty() && !word.contains([' ', '&', '(', ')', '^', ';', ',']);
        return (!word.contains(['"', '%'])).then(|| if plain { word.to_owned() } else { format!("\"{word}\"") });
    }
    shlex::try_quote(word).ok().map(std::borrow::Cow::into_owned)
}

fn read(file: &Path) -> Result<Option<String>, CliError> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CliError::Told(format!("{} can't be read: {error}", file.display()))),
    }
}

/// Shows the change, asks, and makes it.
fn change(place: &Place, file: &Path, old: Option<&str>, new: Option<&str>) -> Result<ExitCode, CliError> {
    if old == new {
        say(format_args!("{} needs no change.", file.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let name = file.to_string_lossy();
    let (from, to) = (old.map_or("/dev/null", |_| &*name), new.map_or("/dev/null", |_| &*name));
    let diff = TextDiff::from_lines(old.unwrap_or_default(), new.unwrap_or_default());
    say(diff.unified_diff().header(from, to).to_string().trim_end());
    if !place.yes && !agreed()? {
        complain(format_args!("{} is left as it is.", file.display()));
        return Ok(ExitCode::FAILURE);
    }
    // Somebody may have changed it while this was read.
    if read(file)?.as_deref() != old {
        return Err(untouched(file, "it was changed meanwhile"));
    }
    let failed = |error: std::io::Error| CliError::Told(format!("{} can't be written: {error}", file.display()));
    match new {
        Some(text) => write(file, text).map_err(failed)?,
        None => fs::remove_file(file).map_err(failed)?,
    }
    say(format_args!("{} is {}.", file.display(), if new.is_some() { "written" } else { "removed" }));
    Ok(ExitCode::SUCCESS)
}

fn agreed() -> Result<bool, CliError> {
    if !std::io::stdin().is_terminal() {
        complain("Nobody can be asked here: say --yes to change the file.");
        return Ok(false);
    }
    let unheard = |error: std::io::Error| CliError::Told(format!("the answer can't be read: {error}"));
    print_question().map_err(unheard)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(unheard)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn print_question() -> std::io::Result<()> {
    let mut out = std::io::stdout();
    out.write_all(b"Change it? [y/N] ")?;
    out.flush()
}

/// The most links from one to the next; who reads the file follows no more.
const LINKS: usize = 40;

/// Where a file really is, or would be where a link leads to nothing.
fn behind_links(file: &Path) -> PathBuf {
    let mut file = file.to_owned();
    for _ in 0..LINKS {
        let Ok(to) = fs::read_link(&file) else { break };
        file = file.parent().unwrap_or(Path::new("")).join(to);
    }
    file
}

/// Whole or not at all, through a link to where the file really is, and with the mode that it has.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let file = behind_links(file);
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut new = builder.prefix(".countersign-").tempfile_in(folder)?;
    new.write_all(text.as_bytes())?;
    if let Ok(old) = fs::metadata(&file) {
        new.as_file().set_permissions(old.permissions())?;
    }
    new.as_file().sync_all()?;
    new.persist(&file).map(drop).map_err(|error| error.error)
}

/// What is still to be done by hand.
fn after(arguments: &InstallArguments) -> String {
    let mut needed = Vec::new();
    if arguments.url.is_none() {
        needed.push("    export COUNTERSIGN_URL=http://localhost:8787     # the desk");
    }
    if arguments.key_file.is_none() {
        needed.push("    export COUNTERSIGN_AGENT_KEY=csk_...             # the agent's key");
    }
    let agent = arguments.place.agent.word();
    let connector = arguments.terms.connector.as_deref().unwrap_or(&agent);
    let exports = match needed.is_empty() {
        true => String::new(),
        false => format!("The agent has to be started with\n{}\n", needed.join("\n")),
    };
    let trust = match arguments.place.agent {
        Agent::Codex => "Codex asks you to trust a new hook: say /hooks in it once.\n",
        _ => "",
    };
    format!(
        "{exports}{trust}The desk needs an external connector {connector:?} with this agent's tools: see docs/hooks.md."
    )
}
