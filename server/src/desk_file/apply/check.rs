//! Whether a file fits the desk and the environment that it is for. Only looks; nothing is carried out before all of it
//! fits.

use super::super::known::Known;
use super::super::near::did_you_mean;
use super::super::notes::{Holds, Kind, Mention, Variable};
use super::super::problem::{FileProblem, Marked, Problems};
use super::super::read::{DeskFile, Named, UserItem};
use super::Environment;
use crate::auth::secrets;
use crate::notify::{SigningKey, takes_mail};
use countersign_domain::agent::is_api_key;
use countersign_domain::user::{Role, is_email};
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::{BTreeMap, HashMap};

/// All that is wrong with the file here, what was wrong with it anywhere included, in its order.
pub(super) fn check(file: &DeskFile, known: &Known, environment: &Environment, prune: bool) -> Vec<FileProblem> {
    let problems = Problems::from(file.problems.clone());
    // Of a file that is no file of a desk at all, nothing more can be said.
    if let Some(named) = &file.named {
        let check = Check { file, named, known, environment, prune, problems: &problems };
        file.mentions.iter().for_each(|mention| check.mention(mention));
        file.variables.iter().for_each(|variable| check.variable(variable));
        file.outsiders.iter().for_each(|address| check.outsider(address));
        check.keys();
        check.kinds();
        check.admins();
    }
    problems.into_sorted()
}

struct Check<'a> {
    file: &'a DeskFile,
    named: &'a Named,
    known: &'a Known,
    environment: &'a Environment,
    prune: bool,
    problems: &'a Problems,
}

impl Check<'_> {
    fn mention(&self, mention: &Mention) {
        let Mention { kind, name, place } = mention;
        let on_desk = self.on_desk(*kind);
        let in_file = self.named.of(*kind);
        let spelt = kind.spelling(name);
        if !on_desk.contains(&spelt.as_str()) && !in_file.contains(&spelt) {
            let guess = did_you_mean(name, on_desk.into_iter().chain(in_file.iter().map(String::as_str)));
            self.problems.at(place, format!("there is no {} {name:?}{guess}", kind.word()));
        }
    }

    /// Whoever has an account decides signed in, not by a message's link.
    fn outsider(&self, address: &Marked<String>) {
        let Marked { value, place } = address;
        let email = Kind::User.spelling(value.trim());
        let has_account = self.known.users.contains_key(&email) || self.named.of(Kind::User).contains(&email);
        let has_phone = || self.known.users.values().find(|user| user.preferences.phone.as_ref() == Some(value));
        if let Some(email) = has_account.then_some(&email).or_else(|| has_phone().map(|user| &user.email)) {
            let message = format!("is of somebody with an account: name {email} in `users` instead");
            self.problems.at(place, message);
        } else if is_email(value) && !takes_mail(value) {
            self.problems.at(place, "mail can't be sent to this address");
        }
    }

    fn on_desk(&self, kind: Kind) -> Vec<&str> {
        fn names<T>(known: &BTreeMap<String, T>) -> Vec<&str> {
            known.keys().map(String::as_str).collect()
        }
        match kind {
            Kind::User => names(&self.known.users),
            Kind::Agent => names(&self.known.agents),
            Kind::Connector => names(&self.known.connectors),
            Kind::Flow => names(&self.known.flows),
        }
    }

    fn variable(&self, variable: &Variable) {
        let Variable { name, place, holds } = variable;
        match (secret(self.environment, name), holds) {
            (None, Holds::WebhookSecret) => {}
            (None, _) => self.problems.at(place, format!("the environment variable {name} is not set")),
            (Some(key), Holds::AgentKey) if !is_api_key(key.expose_secret()) => {
                self.problems.at(place, format!("{name} holds no agent key (csk_ and 43 characters)"));
            }
            (Some(key), Holds::WebhookSecret) => {
                if let Err(error) = SigningKey::read(&key) {
                    self.problems.at(place, format!("the environment variable {name} {error}"));
                }
            }
            (Some(_), _) => {}
        }
    }

    /// A key opens the door for one agent.
    fn keys(&self) {
        let known = self.known.agents.values();
        let mut holders: HashMap<String, &str> =
            known.filter_map(|agent| Some((agent.key_hash.clone()?, agent.name.as_str()))).collect();
        for agent in self.file.agents.iter().map(|item| &item.value) {
            let Some(variable) = &agent.key_env else { continue };
            let Some(key) = secret(self.environment, &variable.value) else { continue };
            let holder = holders.entry(secrets::hash(key.expose_secret()).to_hex()).or_insert(&agent.name);
            if *holder != agent.name {
                let message = format!("{} holds the key of the agent {holder:?}; each has its own", variable.value);
                self.problems.at(&variable.place, message);
            }
        }
    }

    /// A connector keeps its kind.
    fn kinds(&self) {
        for item in self.file.connectors.iter().map(|item| &item.value) {
            let Some(other) = self.known.connectors.get(&item.slug).filter(|known| known.kind != item.kind) else {
                continue;
            };
            let message = format!("is of kind {} on this desk; a connector keeps its kind", other.kind.word());
            self.problems.at(&item.kind_place, message);
        }
    }

    /// A desk that has an admin keeps one, as it does when people are changed at the desk.
    fn admins(&self) {
        let admins = || self.known.users.values().filter(|user| user.active && user.role == Role::Admin);
        // Of somebody who can't be read it is not known what role they are to have.
        let is_unread = self.named.of(Kind::User).iter().any(|email| self.item(email).is_none());
        if admins().next().is_none() || is_unread || self.keeps_an_admin() {
            return;
        }
        let (place, why) = match admins().find_map(|admin| self.item(&admin.email)) {
            Some(demoted) => (&demoted.role_place, format!("{} is the last", demoted.email)),
            None => (&self.named.users_place, "--prune would close the last one's account".to_owned()),
        };
        self.problems.at(place, format!("would leave the desk without an active admin: {why}"));
    }

    fn keeps_an_admin(&self) -> bool {
        let comes_back = self.known.pruned();
        let mut known = self.known.users.values();
        let stays = known.any(|user| match self.item(&user.email) {
            Some(item) => item.role == Role::Admin && (user.active || comes_back.contains(&user.id.0)),
            None => user.role == Role::Admin && user.active && !(self.prune && user.from_file),
        });
        let is_new = |item: &UserItem| !self.known.users.contains_key(&item.email);
        stays || self.file.users.iter().any(|item| item.value.role == Role::Admin && is_new(&item.value))
    }

    fn item(&self, email: &str) -> Option<&UserItem> {
        self.file.users.iter().map(|item| &item.value).find(|item| item.email == email)
    }
}

/// A secret out of the environment; an empty one is none.
pub(super) fn secret(environment: &Environment, name: &str) -> Option<SecretString> {
    environment(name).filter(|secret| !secret.expose_secret().is_empty())
}
