//! What the file wants, and each difference to the desk carried out with its audit row. What it names is there: that
//! has been checked.

mod connectors;
mod people;
mod policies;
mod prune;

use super::super::known::Known;
use super::super::read::DeskFile;
use super::check::secret;
use super::{ApplyError, Change, Environment, Kept, Report};
use crate::audit::{Actor, Entry};
use crate::clock::fresh_id;
use crate::desk::DeskError;
use crate::store::desk::DeskSettings;
use crate::store::{self, Connection};
use crate::vault::Vault;
use countersign_domain::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use std::collections::BTreeSet;
use uuid::Uuid;

/// The desk as it is while the file is applied.
pub(super) struct Plan {
    known: Known,
    /// What `--prune` switched off, by id.
    pruned: BTreeSet<Uuid>,
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
        Self { pruned: known.pruned(), known, vault, environment, actor, now, report: Report::default() }
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
        self.keep_pruned(connection).await?;
        if !self.report.changes.is_empty() {
            store::desk::bump_config(connection).await?;
        }
        Ok(self.report)
    }

    fn fresh(&self) -> Uuid {
        fresh_id(self.now)
    }

    /// Whether something that the file names is on from now on. What a person switched off stays off: a suspended agent
    /// must not come back with the next start of `serve --apply`. Only what `--prune` switched off comes back, for it
    /// was off for no other reason than that no file named it.
    fn stays_on(&mut self, kind: &'static str, name: &str, id: Uuid, was_on: bool) -> bool {
        let is_on = self.pruned.remove(&id) || was_on;
        if !is_on {
            self.report.kept.push(Kept { kind, name: name.to_owned() });
        }
        is_on
    }

    async fn keep_pruned(&self, connection: &mut Connection) -> Done {
        let row = store::desk::desk(connection).await?.ok_or_else(unchecked)?;
        if row.settings.pruned != self.pruned {
            let settings = DeskSettings { pruned: self.pruned.clone(), ..row.settings };
            store::desk::set_settings(connection, &settings).await?;
        }
        Ok(())
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
