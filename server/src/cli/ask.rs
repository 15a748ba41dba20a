//! `countersign ask -- CMD...`: sudo for agents. Asks the desk, waits for a person, and runs the command only on a won
//! claim, if it still is what was asked about. The desk never runs it; it only says whether this program may.

mod deed;

use super::CliError;
use super::door::{Asked, Door, DoorArguments, DoorFailure};
use crate::serve::install_crypto;
use countersign_domain::request::RequestState;
use countersign_wire::problem::Code;
use deed::Deed;
use indicatif::{ProgressBar, ProgressStyle};
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

/// What `ask` takes.
#[derive(clap::Args)]
pub struct AskArguments {
    #[command(flatten)]
    desk: DoorArguments,
    /// The `external` connector to ask by
    #[arg(long, env = "COUNTERSIGN_CONNECTOR", default_value = "shell")]
    connector: String,
    /// The connector's tool
    #[arg(long, env = "COUNTERSIGN_TOOL", default_value = "run")]
    tool: String,
    /// Why; the approver reads it as what the agent says
    #[arg(long)]
    reason: Option<String>,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Somebody or a policy said no (EX_NOPERM of sysexits.h).
const DENIED: u8 = 77;
/// Nobody answered in time, or the desk can't be reached (EX_TEMPFAIL).
const NO_ANSWER: u8 = 75;
/// The desk can't be asked like this (EX_CONFIG).
const MISCONFIGURED: u8 = 78;
/// There is no such program, as shells put it.
const NOT_FOUND: u8 = 127;
/// Interrupted while waiting, as shells put it.
const INTERRUPTED: u8 = 130;

/// Why the command was not run: the exit code and a sentence.
struct NotRun(u8, String);

impl From<DoorFailure> for NotRun {
    fn from(failure: DoorFailure) -> Self {
        let code = match &failure {
            DoorFailure::Unreachable(_) => NO_ANSWER,
            DoorFailure::NotADesk(..) | DoorFailure::Broken(_) => MISCONFIGURED,
            DoorFailure::Refused(code, _) => match code {
                Code::PolicyDenied | Code::AgentSuspended | Code::NotApproved => DENIED,
                Code::ClaimExpired | Code::AlreadyClaimed => NO_ANSWER,
                // It may be asked again later.
                code if matches!(code.status(), 429 | 500..) => NO_ANSWER,
                _ => MISCONFIGURED,
            },
        };
        Self(code, failure.to_string())
    }
}

pub(super) async fn run(arguments: AskArguments) -> Result<ExitCode, CliError> {
    install_crypto();
    match ask(arguments).await {
        Ok(code) => Ok(code),
        Err(NotRun(code, sentence)) => {
            super::complain(format_args!("countersign: not run: {sentence}"));
            Ok(ExitCode::from(code))
        }
    }
}

async fn ask(arguments: AskArguments) -> Result<ExitCode, NotRun> {
    let deed = Deed::of(&arguments.command).map_err(|error| NotRun(NOT_FOUND, error))?;
    let door = arguments.desk.open().map_err(|error| NotRun(MISCONFIGURED, error))?;
    let body = serde_json::json!({
        "connector": arguments.connector,
        "tool": arguments.tool,
        "arguments": deed.arguments(),
        "reason": arguments.reason,
    });
    let asked = door.ask(&body).await?;
    let waiting = waiting(&door, &asked, &deed);
    let decided = tokio::select! {
        decided = door.decided(asked) => decided?,
        () = super::hook::stopped() => {
            waiting.finish_and_clear();
            return Err(interrupted(&door).await);
        }
    };
    waiting.finish_and_clear();
    if decided.state != RequestState::Approved {
        return Err(refusal(&decided));
    }
    let claimed = door.claim(&decided.id).await?;
    // What was approved is what the desk has; what is run is what is here now.
    if claimed != deed.arguments() {
        return Err(NotRun(DENIED, "the desk approved other arguments than these".to_owned()));
    }
    let ended = deed.still_is().and_then(|()| deed.run());
    let (ok, detail) = match &ended {
        Ok(status) => (status.success(), status.to_string()),
        Err(why) => (false, why.clone()),
    };
    // It ran whether or not the desk hears how it ended.
    let _ = door.report(&decided.id, ok, &detail).await;
    match ended {
        Ok(status) => Ok(deed::exit_code(status)),
        Err(why) => Err(NotRun(DENIED, why)),
    }
}

/// Shows where to decide, and that something is waited for.
fn waiting(door: &Door, asked: &Asked, deed: &Deed) -> ProgressBar {
    let spinner = ProgressBar::no_length();
    if asked.state != RequestState::Pending {
        return spinner;
    }
    super::complain(format_args!("{deed}\nneeds an approval: {}", door.review_link(&asked.id)));
    if let Ok(style) = ProgressStyle::with_template("{spinner} waiting for an approval ({elapsed})") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}

fn refusal(decided: &Asked) -> NotRun {
    let why = decided.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    match decided.state {
        RequestState::Denied => NotRun(DENIED, format!("denied{why}")),
        RequestState::Expired => NotRun(NO_ANSWER, "nobody answered in time".to_owned()),
        RequestState::Withdrawn => NotRun(NO_ANSWER, "the request was withdrawn".to_owned()),
        other => NotRun(NO_ANSWER, format!("the request ended as {}", other.word())),
    }
}

/// Takes the question back, so that nobody decides what nobody waits for.
async fn interrupted(door: &Door) -> NotRun {
    let withdrawn = door.withdraw().await;
    let added = if withdrawn.is_ok() { "; the request is withdrawn" } else { "" };
    NotRun(INTERRUPTED, format!("interrupted{added}"))
}
