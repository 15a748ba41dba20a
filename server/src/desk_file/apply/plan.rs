//! What the file wants, and each difference to the desk carried out with its audit row. What it names is there: that
//! has been checked.

mod connectors;
mod people;
mod policies;
mod prune;

use super::super::known::Known;
use super::super::read::DeskFile;
use super::check::secret;
use super::{ApplyError, Change, Environment, Report};
use crate::audit::{Actor, Entry};
use crate::clock::fresh_id;
use crate::desk::DeskError;
use crate::store::{self, Connection};
use crate::vault::Vault;
use countersign_domain::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

/// The desk as it is while the file is applied.
pub(super) struct Plan {
    known: Known,
    vault: Vault,
    environment: Environment,
    actor: Actor,
    now: Timestamp,
    report: Report,
}

/// A change and what the record says of it, in the same words as when an admin makes it at the desk.
struct Noted<'a> {
    sign: char,
    kind: &'static str,
    name: &'a str,
    action: &'static str,
    /// The id of what was changed; the name stands in the metadata.
    subject: String,
    metadata: Value,
}

type Done = Result<(), ApplyError>;

impl Plan {
    pub(super) fn new(known: Known, vault: Vault, environment: Environment, actor: Actor, now: Timestamp) -> Self {
        Self { known, vault, environment, actor, now, report: Report::default() }
    }

    /// People first, since agents need owners; connectors and flows before the policies that name them.
    pub(super) async fn carry_out(
        mut self,
        connection: &mut Connection,
        file: &DeskFile,
        prune: bool,
    ) -> Result<Report, ApplyError> {
        for item in &file.users {
            self.user(connection, &item.value).await?;
        }
        for item in &file.connectors {
            self.connector(connection, &item.value).await?;
        }
        for item in &file.agents {
            self.agent(connection, &item.value).await?;
        }
        for item in &file.flows {
            self.flow(connection, &item.value).await?;
        }
        self.settings(connection, file).await?;
        for item in &file.policies {
            self.policy(connection, &item.value).await?;
        }
        if prune {
            self.prune(connection, file).await?;
        }
        if !self.report.changes.is_empty() {
            store::desk::bump_config(connection).await?;
        }
        Ok(self.report)
    }

    fn fresh(&self) -> uuid::Uuid {
        fresh_id(self.now)
    }

    async fn note(&mut self, connection: &mut Connection, noted: Noted<'_>) -> Done {
        let Noted { sign, kind, name, action, subject, metadata } = noted;
        let entry = Entry::new(self.now, self.actor.clone(), action, subject).with(metadata);
        store::audit::append(connection, entry).await?;
        self.report.changes.push(Change { sign, kind, name: name.to_owned() });
        Ok(())
    }

    fn secret(&self, name: &str) -> Result<SecretString, ApplyError> {
        secret(&self.environment, name).ok_or_else(unchecked)
    }
}

/// Everything that is named was checked to be there in this very transaction.
fn unchecked() -> ApplyError {
    DeskError::Internal("a desk file names what there is not, and the check did not see it".into()).into()
}

const fn sign(is_new: bool) -> char {
    if is_new { '+' } else { '~' }
}
