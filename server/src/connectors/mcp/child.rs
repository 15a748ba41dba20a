//! Starting an MCP server's process and ending it.
//!
//! The child gets a clean environment and a process group of its own, so that Ctrl-C on the desk doesn't end it in
//! the middle of a call. When the desk itself is killed, the child's standard input closes, and a well-behaved
//! server ends by that.

use super::lines::{Line, Lines};
use crate::connectors::scrub::Scrubber;
use secrecy::{ExposeSecret as _, SecretString};
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// What a program needs to find its files and speak its language; nothing of ours is among it.
#[cfg(unix)]
const KEPT_VARIABLES: [&str; 3] = ["PATH", "HOME", "LANG"];
#[cfg(not(unix))]
const KEPT_VARIABLES: [&str; 10] = [
    "APPDATA",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "PATH",
    "PATHEXT",
    "SYSTEMROOT",
    "TEMP",
    "USERNAME",
    "USERPROFILE",
];

/// How long a child may take to go after each way of asking.
const PATIENCE: Duration = Duration::from_secs(2);

const LONGEST_STDERR_LINE: usize = 4 * 1024;

/// A process and its pipes.
pub(super) struct Started {
    pub(super) child: Child,
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
}

/// Starts the program. What it prints to standard error goes to the log, without the secrets it was given.
pub(super) fn start(slug: &str, command: &[String], env: &[(String, SecretString)]) -> Result<Started, String> {
    let (program, arguments) = command.split_first().ok_or("The connector has no command.")?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    command.envs(KEPT_VARIABLES.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.envs(env.iter().map(|(name, secret)| (name, secret.expose_secret())));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(|error| refusal(program, &error))?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err("The program's standard input and output could not be taken.".to_owned());
    };
    tokio::spawn(log(slug.to_owned(), stderr, Scrubber::of_environment(env)));
    Ok(Started { child, stdin, stdout })
}

/// The program is named, its arguments aren't: admins put secrets there, against all advice.
fn refusal(program: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("The program {program:?} was not found."),
        io::ErrorKind::PermissionDenied => format!("The program {program:?} may not be run."),
        kind => format!("The program {program:?} could not be started: {kind}."),
    }
}

async fn log(slug: String, stderr: ChildStderr, scrubber: Scrubber) {
    let mut lines = Lines::new(stderr, LONGEST_STDERR_LINE);
    while let Some(line) = lines.next().await {
        let said = match line {
            Line::Whole(line) => scrubber.text(String::from_utf8_lossy(&line).into_owned()),
            Line::TooLong => "(a line that is too long)".to_owned(),
        };
        tracing::debug!(connector = slug, said, "An MCP server wrote to standard error");
    }
}

/// Waits for a child whose standard input is closed; asks harder when it stays (MCP 2025-11-25, "Shutdown"). What it
/// started itself ends with it.
pub(super) async fn end(child: &mut Child) -> Option<ExitStatus> {
    let group = child.id();
    if let Ok(ended) = timeout(PATIENCE, child.wait()).await {
        signal(group, "KILL").await;
        return ended.ok();
    }
    signal(group, "TERM").await;
    let _ended = timeout(PATIENCE, child.wait()).await;
    kill_group(child, group).await
}

/// Ends a child that does not answer, and what it started, at once.
pub(super) async fn kill(child: &mut Child) -> Option<ExitStatus> {
    let group = child.id();
    kill_group(child, group).await
}

async fn kill_group(child: &mut Child, group: Option<u32>) -> Option<ExitStatus> {
    signal(group, "KILL").await;
    // For systems without process groups, or without a `kill` program.
    let _gone_already = child.start_kill();
    child.wait().await.ok()
}

/// Signals the child's group, so that a server behind a wrapper such as `npx` hears it too. By way of POSIX's `kill`:
/// the call itself is out of reach without unsafe code. A group keeps its number for as long as anyone is in it; an
/// empty one's is not given away within the moment since its leader went, for numbers come round in order.
async fn signal(group: Option<u32>, signal: &str) {
    let Some(group) = group.filter(|_| cfg!(unix)) else { return };
    let group = format!("-{group}");
    let sent = Command::new("kill").args(["-s", signal, "--", &group]).stderr(Stdio::null()).status().await;
    if let Err(error) = sent {
        tracing::debug!(%error, "There is no `kill` program to signal a process group with");
    }
}

/// How a child ended, as a sentence.
pub(super) fn farewell(status: Option<ExitStatus>) -> String {
    match status.map(|status| status.code()) {
        Some(Some(code)) => format!("The server's process ended with exit code {code}."),
        Some(None) => "The server's process was ended by a signal.".to_owned(),
        None => "The server's process ended.".to_owned(),
    }
}
