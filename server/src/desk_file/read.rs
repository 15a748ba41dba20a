//! What a desk file may say, and reading it. Whether it fits the desk that it is for comes later.

mod connectors;
mod flows;
mod people;
mod policies;
mod settings;

pub(super) use connectors::{ConnectorItem, CredentialItem, ToolItem};
pub(super) use people::{AgentItem, UserItem};

use super::fields::{Fields, Keys};
use super::notes::{Kind, Mention, Notes, Variable};
use super::problem::{FileProblem, Marked, Place};
use super::tree::{self, Node};
use crate::notify::Content;
use crate::store::desk::{Sms, Smtp};
use countersign_domain::card::hides_something;
use countersign_domain::flow::FlowBody;
use countersign_domain::policy::PolicyBody;
use std::collections::BTreeSet;

/// A desk file, read and checked as far as it can be without the desk that it is for. What is wrong with it so far it
/// carries along, to be told with what is wrong for that desk.
#[derive(Debug, Default)]
pub struct DeskFile {
    pub(super) users: Vec<Marked<UserItem>>,
    pub(super) agents: Vec<Marked<AgentItem>>,
    pub(super) connectors: Vec<Marked<ConnectorItem>>,
    pub(super) flows: Vec<Marked<FlowBody>>,
    pub(super) policies: Vec<Marked<PolicyBody>>,
    pub(super) default_flow: Option<String>,
    pub(super) max_pending_per_agent: Option<u32>,
    pub(super) max_asks_per_minute: Option<u32>,
    pub(super) push_content: Option<Content>,
    pub(super) smtp: Option<Smtp>,
    pub(super) sms: Option<Sms>,
    pub(super) mentions: Vec<Mention>,
    pub(super) variables: Vec<Variable>,
    /// Addresses of people outside.
    pub(super) outsiders: Vec<Marked<String>>,
    /// None when nothing could be read, and then nothing is known of what the file names.
    pub(super) named: Option<Named>,
    pub(super) problems: Vec<FileProblem>,
}

/// The names of all items, those that could not be read among them.
#[derive(Debug)]
pub(super) struct Named {
    users: BTreeSet<String>,
    agents: BTreeSet<String>,
    connectors: BTreeSet<String>,
    flows: BTreeSet<String>,
    /// Where the people stand.
    pub(super) users_place: Place,
}

impl Named {
    pub(super) const fn of(&self, kind: Kind) -> &BTreeSet<String> {
        match kind {
            Kind::User => &self.users,
            Kind::Agent => &self.agents,
            Kind::Connector => &self.connectors,
            Kind::Flow => &self.flows,
        }
    }
}

impl DeskFile {
    /// Reads a file. What is wrong with it is in [`Self::problems`].
    #[must_use]
    pub fn read(text: &str) -> Self {
        let notes = Notes::default();
        let file = tree::read(text, &notes.problems).and_then(|root| whole(&root, &notes)).unwrap_or_default();
        let (problems, mentions, variables, outsiders) = notes.into_parts();
        Self { problems: problems.into_sorted(), mentions, variables, outsiders, ..file }
    }

    /// Everything that is wrong with the file on any desk, in its order.
    #[must_use]
    pub fn problems(&self) -> &[FileProblem] {
        &self.problems
    }
}

fn whole(root: &Node, notes: &Notes) -> Option<DeskFile> {
    const KEYS: Keys<'_> =
        Keys { now: &["users", "agents", "connectors", "flows", "policies", "settings"], later: &[] };
    let fields = Fields::of(root, "", &KEYS, notes)?;
    fields.names("policies", "name", str::to_owned);
    let named = Named {
        users: fields.names("users", "email", |email| Kind::User.spelling(email)),
        agents: fields.names("agents", "name", str::to_owned),
        connectors: fields.names("connectors", "slug", str::to_owned),
        flows: fields.names("flows", "name", str::to_owned),
        users_place: fields.place_of("users"),
    };
    let mut file = DeskFile {
        users: fields.items("users", |node, path| people::user(node, path, notes)),
        agents: fields.items("agents", |node, path| people::agent(node, path, notes)),
        connectors: fields.items("connectors", |node, path| connectors::connector(node, path, notes)),
        flows: fields.items("flows", |node, path| flows::flow(node, path, notes)),
        policies: fields.items("policies", |node, path| policies::policy(node, path, notes)),
        named: Some(named),
        ..DeskFile::default()
    };
    if let Some(node) = fields.node("settings") {
        settings::settings(node, &mut file, notes);
    }
    Some(file)
}

fn check_name(fields: &Fields<'_>, key: &str, name: Option<&str>) {
    let fits = |name: &str| (1..=80).contains(&name.trim().chars().count()) && !hides_something(name);
    if name.is_some_and(|name| !fits(name)) {
        fields.wrong(key, "must have 1 to 80 characters, no control or invisible characters");
    }
}
