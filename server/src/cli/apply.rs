//! `countersign apply` and `countersign export`: the desk as code.

use super::open::{DeskArguments, OpenDesk, actor};
use super::{CliError, say};
use crate::desk_file::{ApplyError, DeskFile, FileProblem, Options, apply, export};
use secrecy::{ExposeSecret as _, SecretString};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `apply` takes.
#[derive(clap::Args)]
pub struct ApplyArguments {
    /// The desk file
    file: PathBuf,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    /// Disable what an earlier file made and this one no longer names
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    desk: DeskArguments,
}

pub(super) async fn run(arguments: ApplyArguments) -> Result<(), CliError> {
    let desk = arguments.desk.open_or_make().await?;
    let options = Options { dry_run: arguments.dry_run, prune: arguments.prune };
    apply_file(&desk, &arguments.file, options).await
}

/// Applies a file and says what changed.
pub async fn apply_file(desk: &OpenDesk, path: &Path, options: Options) -> Result<(), CliError> {
    let name = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|error| CliError::Told(format!("{name} can't be read: {error}")))?;
    let file = DeskFile::read(&text);
    let environment = Arc::new(|name: &str| std::env::var(name).ok().map(SecretString::from));
    let applied = apply(&desk.store, &desk.vault, &desk.clock, file, environment, actor(), options).await;
    let report = applied.map_err(|error| match error {
        ApplyError::File(problems) => told(&name, &problems),
        ApplyError::Store(error) => error.into(),
        ApplyError::Vault(error) => error.into(),
        ApplyError::Desk(error) => error.into(),
        ApplyError::Dry(_) => CliError::Told("a dry run changes nothing".into()),
    })?;
    for change in &report.changes {
        say(change);
    }
    for kept in &report.kept {
        say(kept);
    }
    if report.changes.is_empty() {
        say("No changes.");
    } else if options.dry_run {
        say("This was a dry run: nothing was changed.");
        return Ok(());
    }
    for (agent, key) in &report.keys {
        say(format_args!("The key of {agent}, shown this once: {}", key.expose_secret()));
    }
    for (agent, secret) in &report.callbacks {
        say(format_args!("The callback secret of {agent}, shown this once: {}", secret.expose_secret()));
    }
    Ok(())
}

fn told(name: &str, problems: &[FileProblem]) -> CliError {
    let lines: Vec<_> = problems.iter().map(|problem| format!("  {name}:{problem}")).collect();
    let count = match lines.len() {
        1 => "a mistake".to_owned(),
        more => format!("{more} mistakes"),
    };
    CliError::Told(format!("the desk file has {count}, so nothing was changed:\n{}", lines.join("\n")))
}

pub(super) async fn run_export(arguments: DeskArguments) -> Result<(), CliError> {
    let desk = arguments.open().await?;
    let mut connection = desk.store.read().await?;
    let text = export(&mut connection).await?;
    let written = writeln!(std::io::stdout(), "{}", text.trim_end());
    written.map_err(|error| CliError::Told(format!("the desk file can't be written: {error}")))
}
