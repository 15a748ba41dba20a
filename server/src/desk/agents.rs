//! Agents: made, suspended, given new keys. A key is told once.

use super::Desk;
use super::callbacks::{self, NewCallback};
use super::error::{DeskError, invalid, not_found, refuse};
use super::paging::{PageParameters, Place, page};
use super::session::{SignedIn, Widening};
use super::snapshot::Snapshot;
use super::withdraw::{Lapse, withdraw_all};
use crate::audit::{Actor, Entry};
use crate::auth::agent_jwt::AgentPublicKey;
use crate::auth::secrets::{self, key_hint, new_api_key};
use crate::store;
use crate::store::Connection;
use crate::store::agents::Agent;
use countersign_domain::agent::{AgentStatus, MayActFor, WAIT_BUDGETS, is_agent_name};
use countersign_domain::ids::{AgentId, UserId};
use countersign_domain::user::Role;
use countersign_wire::Page;
use countersign_wire::agents::{AgentBody, AgentChange, AgentCreated, AgentRow};
use countersign_wire::problem::Code;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

/// A new API key, its hash and its first characters.
pub struct AgentKey {
    /// To be told once.
    pub secret: SecretString,
    /// SHA-256, hex.
    pub hash: String,
    /// The first characters.
    pub hint: String,
}

impl AgentKey {
    /// A fresh one.
    ///
    /// # Errors
    /// Without randomness.
    pub fn fresh() -> Result<Self, DeskError> {
        Ok(Self::of(new_api_key()?))
    }

    /// One that is known already, out of a desk file's environment.
    #[must_use]
    pub fn of(secret: SecretString) -> Self {
        let hash = secrets::hash(secret.expose_secret()).to_hex();
        let hint = key_hint(&secret);
        Self { secret, hash, hint }
    }
}

impl Desk {
    /// The agents that this person owns; all for an admin.
    ///
    /// # Errors
    /// When a parameter is wrong, or the store fails.
    pub async fn agents(&self, who: &SignedIn, given: &PageParameters) -> Result<Page<AgentRow>, DeskError> {
        let snapshot = self.snapshot();
        let mut connection = self.store().read().await?;
        let agents = store::agents::all(&mut connection).await?;
        let items = agents.into_iter().filter(|agent| theirs(who, agent)).map(|agent| row(&snapshot, &agent)).collect();
        page(items, given, |agent: &AgentRow| Place::by_name(&agent.name))
    }

    /// Makes an agent. Everybody may make their own; an admin for others too, and one that may act for others.
    ///
    /// # Errors
    /// When a field is wrong or the name is taken.
    pub async fn create_agent(
        &self,
        who: &SignedIn,
        _leave: &Widening,
        body: AgentBody,
    ) -> Result<AgentCreated, DeskError> {
        if body.may_act_for != MayActFor::default() {
            who.admin()?;
        }
        let snapshot = self.snapshot();
        let owner = owner(&snapshot, who, body.owner.as_deref())?;
        let (agent, key, callback_secret) = self.new_agent(&snapshot, owner, body)?;
        let (now, actor, stored) = (self.now(), Actor::User(who.user().id), agent.clone());
        self.configure(move |connection| {
            Box::pin(async move {
                insert(connection, &stored).await?;
                let entry = Entry::new(now, actor, "agent.created", stored.id);
                store::audit::append(connection, entry.with(told(&stored))).await?;
                Ok(())
            })
        })
        .await?;
        let agent = row(&self.snapshot(), &agent);
        let exposed = |secret: SecretString| secret.expose_secret().to_owned();
        Ok(AgentCreated {
            agent,
            key: key.map(|key| exposed(key.secret)),
            callback_secret: callback_secret.map(exposed),
        })
    }

    /// Suspends an agent, lets it in again, or changes what it may use or how long it waits. What a suspended one has
    /// waiting is taken back. Suspending needs no passkey.
    ///
    /// # Errors
    /// When there is no such agent, or a passkey must be touched first.
    pub async fn change_agent(&self, who: &SignedIn, id: AgentId, change: AgentChange) -> Result<AgentRow, DeskError> {
        let widens =
            change.connectors.is_some() || change.may_act_for.is_some() || change.status == Some(AgentStatus::Active);
        if widens {
            self.widening(who)?;
        }
        if change.may_act_for.is_some() {
            who.admin()?;
        }
        let snapshot = self.snapshot();
        check_slugs(&snapshot, change.connectors.as_deref())?;
        check_wait_budget(change.wait_budget_seconds)?;
        let (desk, me) = (self.clone(), who.clone());
        let agent = self
            .configure(move |connection| {
                Box::pin(async move {
                    let (now, actor) = (desk.now(), Actor::User(me.user().id));
                    let mut agent = find(connection, &me, id).await?;
                    // Its owner may stop it, and so may an admin; whoever stopped it, an admin lets it go on.
                    if agent.status == AgentStatus::Suspended && change.status == Some(AgentStatus::Active) {
                        me.admin()?;
                    }
                    agent.status = change.status.unwrap_or(agent.status);
                    agent.connectors = change.connectors.or(agent.connectors);
                    agent.may_act_for = change.may_act_for.unwrap_or(agent.may_act_for);
                    agent.wait_budget_seconds = change.wait_budget_seconds.or(agent.wait_budget_seconds);
                    store::agents::update(connection, &agent).await?;
                    let entry = Entry::new(now, actor.clone(), "agent.changed", agent.id);
                    store::audit::append(connection, entry.with(told(&agent))).await?;
                    if agent.status == AgentStatus::Suspended {
                        withdraw_all(connection, agent.id, &actor, Lapse::Suspended, now).await?;
                    }
                    Ok(agent)
                })
            })
            .await?;
        self.announce();
        Ok(row(&self.snapshot(), &agent))
    }

    /// Lets an agent that was denied several times in a row ask again at once. Any approver may.
    ///
    /// # Errors
    /// When it does not cool down, or this person is no approver.
    pub async fn lift_cool_down(&self, who: &SignedIn, id: AgentId) -> Result<(), DeskError> {
        let user = who.user();
        if user.role < Role::Approver {
            return Err(refuse(Code::Forbidden, "Only approvers and admins may let an agent ask again."));
        }
        let (now, actor) = (self.now(), Actor::User(user.id));
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    if !store::agents::lift_cool_down(connection, id, now).await? {
                        return Err(refuse(Code::Conflict, "This agent may ask already."));
                    }
                    store::audit::append(connection, Entry::new(now, actor, "agent.cool_down_lifted", id)).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Gives an agent a new key; the old one opens nothing from then on.
    ///
    /// # Errors
    /// When there is no such agent.
    pub async fn renew_agent_key(
        &self,
        who: &SignedIn,
        _leave: &Widening,
        id: AgentId,
    ) -> Result<AgentCreated, DeskError> {
        let (now, me) = (self.now(), who.clone());
        let AgentKey { secret, hash, hint } = AgentKey::fresh()?;
        let agent = self
            .configure(move |connection| {
                Box::pin(async move {
                    let mut agent = find(connection, &me, id).await?;
                    agent.key_hash = Some(hash);
                    agent.key_hint = Some(hint);
                    store::agents::update(connection, &agent).await?;
                    let entry = Entry::new(now, Actor::User(me.user().id), "agent.key_renewed", agent.id);
                    store::audit::append(connection, entry.with(json!({"name": agent.name}))).await?;
                    Ok(agent)
                })
            })
            .await?;
        let agent = row(&self.snapshot(), &agent);
        Ok(AgentCreated { agent, key: Some(secret.expose_secret().to_owned()), callback_secret: None })
    }

    fn new_agent(
        &self,
        snapshot: &Snapshot,
        owner_id: UserId,
        body: AgentBody,
    ) -> Result<(Agent, Option<AgentKey>, Option<SecretString>), DeskError> {
        check_name(&body.name)?;
        callbacks::check(body.callback_url.as_deref())?;
        check_slugs(snapshot, body.connectors.as_deref())?;
        check_wait_budget(body.wait_budget_seconds)?;
        if let Some(pem) = &body.public_key {
            AgentPublicKey::read(pem).map_err(|error| invalid("public_key", error.to_string()))?;
        }
        let key = body.public_key.is_none().then(AgentKey::fresh).transpose()?;
        let id = AgentId(self.fresh());
        let made = body.callback_url.map(|url| NewCallback::of(self.vault(), id, &url)).transpose()?;
        let (callback, callback_secret) = made.map(|made| (made.callback, made.secret)).unzip();
        let agent = Agent {
            id,
            name: body.name,
            owner_id,
            status: AgentStatus::Active,
            key_hash: key.as_ref().map(|key| key.hash.clone()),
            key_hint: key.as_ref().map(|key| key.hint.clone()),
            public_key: body.public_key,
            connectors: body.connectors,
            may_act_for: body.may_act_for,
            wait_budget_seconds: body.wait_budget_seconds,
            from_file: false,
            created_at: self.now(),
            last_seen_at: None,
            cools_until: None,
            callback,
        };
        Ok((agent, key, callback_secret))
    }
}

/// What the record says of an agent.
pub(super) fn told(agent: &Agent) -> serde_json::Value {
    json!({
        "name": agent.name,
        "owner_id": agent.owner_id,
        "status": agent.status,
        "connectors": agent.connectors,
        "may_act_for": agent.may_act_for,
        "wait_budget_seconds": agent.wait_budget(),
        "callback_url": agent.callback.as_ref().map(|callback| &callback.url),
    })
}

fn theirs(who: &SignedIn, agent: &Agent) -> bool {
    who.user().role == Role::Admin || agent.owner_id == who.user().id
}

pub(super) async fn find(connection: &mut Connection, who: &SignedIn, id: AgentId) -> Result<Agent, DeskError> {
    let agents = store::agents::all(connection).await?;
    agents.into_iter().find(|agent| agent.id == id && theirs(who, agent)).ok_or_else(|| not_found("agent"))
}

fn owner(snapshot: &Snapshot, who: &SignedIn, email: Option<&str>) -> Result<UserId, DeskError> {
    let Some(email) = email.filter(|email| !email.eq_ignore_ascii_case(&who.user().email)) else {
        return Ok(who.user().id);
    };
    who.admin()?;
    let user = snapshot.user_by_email(email).filter(|user| user.active);
    user.map(|user| user.id).ok_or_else(|| invalid("owner", "there is nobody with this address"))
}

fn check_name(name: &str) -> Result<(), DeskError> {
    match is_agent_name(name) {
        true => Ok(()),
        false => Err(invalid("name", "1 to 64 letters, digits, `-`, `_` or `.`")),
    }
}

fn check_slugs(snapshot: &Snapshot, slugs: Option<&[String]>) -> Result<(), DeskError> {
    let unknown = slugs.unwrap_or_default().iter().find(|slug| !snapshot.connectors.contains_key(*slug));
    match unknown {
        None => Ok(()),
        Some(slug) => Err(invalid("connectors", format!("there is no connector {slug:?}"))),
    }
}

fn check_wait_budget(seconds: Option<u32>) -> Result<(), DeskError> {
    match seconds.is_none_or(|seconds| WAIT_BUDGETS.contains(&seconds)) {
        true => Ok(()),
        false => Err(invalid("wait_budget_seconds", "1 to 3600")),
    }
}

async fn insert(connection: &mut Connection, agent: &Agent) -> Result<(), DeskError> {
    store::agents::insert(connection, agent).await.map_err(|error| match error.is_taken() {
        true => refuse(Code::Conflict, "There is an agent with this name already."),
        false => error.into(),
    })
}

pub(super) fn row(snapshot: &Snapshot, agent: &Agent) -> AgentRow {
    let owner = snapshot.users.get(&agent.owner_id);
    AgentRow {
        id: agent.id,
        name: agent.name.clone(),
        owner: owner.map(|owner| owner.name.clone()).unwrap_or_default(),
        owner_email: owner.map(|owner| owner.email.clone()).unwrap_or_default(),
        status: agent.status,
        connectors: agent.connectors.clone(),
        may_act_for: MayActFor { users: agent.may_act_for.users.clone(), groups: agent.may_act_for.groups.clone() },
        wait_budget_seconds: agent.wait_budget(),
        key_hint: agent.key_hint.clone(),
        has_public_key: agent.public_key.is_some(),
        created_at: agent.created_at,
        last_seen_at: agent.last_seen_at,
        cools_until: agent.cools_until,
        callback_url: agent.callback.as_ref().map(|callback| callback.url.clone()),
    }
}
