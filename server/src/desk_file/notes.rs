//! What reading a desk file notes beside its items: what is wrong, which names must be there, which variables must be
//! set. Whether they are is for the desk and the environment that the file is for to say.

use super::problem::{Marked, Place, Problems};
use std::cell::RefCell;

/// Shared by all that reads, so that an item that is wrong still tells all that it asks for.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) problems: Problems,
    mentions: RefCell<Vec<Mention>>,
    variables: RefCell<Vec<Variable>>,
    outsiders: RefCell<Vec<Marked<String>>>,
}

/// Of what a name in a desk file may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Agent,
    Connector,
    Flow,
}

/// A name that something must have, on the desk or in the file.
#[derive(Clone, Debug)]
pub(super) struct Mention {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) place: Place,
}

/// What a variable of the environment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// A secret of any shape; must be set where the file is applied.
    Credential,
    /// An agent's key; must be set where the file is applied.
    AgentKey,
    /// What webhooks are signed with; read where the server runs, which may be elsewhere.
    WebhookSecret,
}

/// A variable of the environment.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) holds: Holds,
}

impl Kind {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Agent => "agent",
            Self::Connector => "connector",
            Self::Flow => "flow",
        }
    }

    /// The spelling under which it is looked for: addresses that differ by case alone are one.
    pub(super) fn spelling(self, name: &str) -> String {
        if self == Self::User { name.to_lowercase() } else { name.to_owned() }
    }
}

impl Notes {
    pub(super) fn mention(&self, mention: Mention) {
        self.mentions.borrow_mut().push(mention);
    }

    pub(super) fn variable(&self, variable: Variable) {
        self.variables.borrow_mut().push(variable);
    }

    /// An address of somebody outside, who must be nobody with an account.
    pub(super) fn outsider(&self, address: Marked<String>) {
        self.outsiders.borrow_mut().push(address);
    }

    pub(super) fn into_parts(self) -> (Problems, Vec<Mention>, Vec<Variable>, Vec<Marked<String>>) {
        let (mentions, variables) = (self.mentions.into_inner(), self.variables.into_inner());
        (self.problems, mentions, variables, self.outsiders.into_inner())
    }
}
