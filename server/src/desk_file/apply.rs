//! Making a desk what a file says, in one transaction: all or nothing. Nothing is deleted.

mod check;
mod outcome;
mod plan;

use super::known::Known;
use super::problem::FileProblem;
use super::read::DeskFile;
use crate::audit::Actor;
use crate::clock::SharedClock;
use crate::desk::DeskError;
use crate::desk::error::refuse;
use crate::store::{self, Connection, Store, StoreError};
use crate::vault::{Vault, VaultError};
use countersign_wire::problem::Code;
use plan::Plan;
use secrecy::SecretString;
use std::fmt;
use std::sync::Arc;

/// How to apply.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Only say what would change.
    pub dry_run: bool,
    /// Disable what an earlier file made and this one no longer names.
    pub prune: bool,
}

/// What changed, or would.
#[derive(Debug, Default)]
pub struct Report {
    /// In the file's order.
    pub changes: Vec<Change>,
    /// What the file names and a person switched off.
    pub kept: Vec<Kept>,
    /// The new agents' keys, by name; each is told this once.
    pub keys: Vec<(String, SecretString)>,
    /// What calls to agents' new callbacks are signed with, by name; each is told this once.
    pub callbacks: Vec<(String, SecretString)>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `+` made, `~` changed, `-` disabled.
    pub sign: char,
    /// Of what kind: `user`, `policy` and so on.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.sign, self.kind, self.name)
    }
}

/// Something that the file names, that a person switched off, and that therefore stays off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Of what kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.kind {
            "agent" => "suspended",
            "user" => "closed",
            "connector" => "switched off",
            _ => "disabled",
        };
        write!(f, "{} {} is {state}, and stays so: the file does not lift that", self.kind, self.name)
    }
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The file does not fit the desk or the environment.
    #[error("the file has {} mistakes", .0.len())]
    File(Vec<FileProblem>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing can be sealed or opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The desk said no.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// A dry run, rolled back; what would have changed.
    #[error("a dry run changes nothing")]
    Dry(Report),
}

/// Reads a secret out of the environment.
pub type Environment = Arc<dyn Fn(&str) -> Option<SecretString> + Send + Sync>;

/// What is sealed under a key that was replaced meanwhile could soon be opened by nobody.
async fn check_key(connection: &mut Connection, vault: &Vault) -> Result<(), ApplyError> {
    let row = store::desk::desk(connection).await?;
    match row.and_then(|row| row.vault_key).is_none_or(|key| key == vault.key_id()) {
        true => Ok(()),
        false => Err(refuse(Code::Conflict, "the master key was replaced meanwhile; run this again").into()),
    }
}

/// Makes the desk what the file says.
///
/// # Errors
/// Every mistake at once; then nothing was changed.
pub async fn apply(
    store: &Store,
    vault: &Vault,
    clock: &SharedClock,
    file: DeskFile,
    environment: Environment,
    actor: Actor,
    options: Options,
) -> Result<Report, ApplyError> {
    let (vault, now) = (vault.clone(), clock.now());
    let applied = store
        .write(move |connection| {
            Box::pin(async move {
                check_key(connection, &vault).await?;
                let known = Known::load(connection).await?;
                let problems = check::check(&file, &known, &environment, options.prune);
                if !problems.is_empty() {
                    return Err(ApplyError::File(problems));
                }
                let plan = Plan::new(known, vault, environment, actor, now);
                let report = plan.carry_out(connection, &file, options.prune).await?;
                outcome::check(connection, &file, &report).await?;
                // An error is what rolls a transaction back, and so a dry run ends in one.
                if options.dry_run { Err(ApplyError::Dry(report)) } else { Ok(report) }
            })
        })
        .await;
    match applied {
        Err(ApplyError::Dry(report)) => Ok(report),
        other => other,
    }
}
