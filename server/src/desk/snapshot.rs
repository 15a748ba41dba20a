//! Everything that admins set, read at once and ready to use: people, agents, connectors, tools, policies, flows.
//!
//! A use case decides on a snapshot and checks inside its transaction that it is still the current one, so a policy
//! that was tightened a moment ago is never missed, and the common path reads no configuration from the database.

use super::error::DeskError;
use crate::auth::agent_jwt::AgentPublicKey;
use crate::store::agents::Agent;
use crate::store::connectors::{Connector, Credential, Tool};
use crate::store::delegations::Delegation;
use crate::store::desk::DeskRow;
use crate::store::policies::{FlowRecord, PolicyRecord};
use crate::store::users::User;
use crate::store::{self, Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::agent::AgentStatus;
use countersign_domain::connector::ToolState;
use countersign_domain::connector::http_call::PathTemplate;
use countersign_domain::flow::{FlowBody, Person, Voter};
use countersign_domain::ids::{AgentId, ConnectorId, CredentialId, FlowId, PolicyId, UserId};
use countersign_domain::policy::{CompiledPolicy, Policy};
use countersign_domain::user::Role;
use jsonschema::PatternOptions;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Everything that admins set, at one version.
pub struct Snapshot {
    /// The desk's row; its `config_version` is the snapshot's.
    pub desk: DeskRow,
    /// People.
    pub users: HashMap<UserId, User>,
    /// Agents.
    pub agents: HashMap<AgentId, Agent>,
    agents_by_key: HashMap<String, AgentId>,
    public_keys: HashMap<AgentId, Arc<AgentPublicKey>>,
    /// Connectors by slug, with their tools.
    pub connectors: BTreeMap<String, Arc<ConnectorEntry>>,
    /// Policies, by name.
    pub policies: Vec<PolicyRecord>,
    compiled: Vec<Arc<CompiledPolicy>>,
    /// Flows.
    pub flows: HashMap<FlowId, FlowRecord>,
    flow_versions: HashMap<(FlowId, i64), FlowBody>,
    delegations: Vec<Delegation>,
}

/// A connector with its tools.
pub struct ConnectorEntry {
    /// The connector.
    pub connector: Connector,
    /// Its tools, by bare name.
    pub tools: BTreeMap<String, ToolEntry>,
    /// Its credential, sealed.
    pub credential: Option<Credential>,
}

/// A tool, ready to check arguments.
pub struct ToolEntry {
    /// The tool.
    pub tool: Tool,
    /// The compiled schema; none when the schema is none that can be checked, and then no call is.
    pub validator: Option<Arc<jsonschema::Validator>>,
    /// The path of an HTTP tool.
    pub template: Option<PathTemplate>,
}

impl Snapshot {
    /// Reads everything. Must run inside one transaction, or the parts may not fit together. What was compiled for an
    /// older snapshot and has not changed is taken over from there.
    pub(crate) async fn load(connection: &mut Connection, older: Option<&Self>) -> Result<Self, StoreError> {
        let desk =
            store::desk::desk(connection).await?.ok_or_else(|| StoreError::Row("there is no desk row".into()))?;
        let users = store::users::all(connection).await?;
        let agents = store::agents::all(connection).await?;
        let connectors = connectors(connection, older).await?;
        let policies = store::policies::all(connection).await?;
        let flows = store::policies::all_flows(connection).await?;
        let flow_versions = store::policies::flow_versions(connection).await?;
        let delegations = store::delegations::all(connection).await?;
        let compiled = policies.iter().filter(|policy| policy.active).map(|policy| compiled(policy, older)).collect();
        Ok(Self {
            desk,
            users: users.into_iter().map(|user| (user.id, user)).collect(),
            agents_by_key: agents.iter().filter_map(|agent| Some((agent.key_hash.clone()?, agent.id))).collect(),
            public_keys: agents.iter().filter_map(public_key).collect(),
            agents: agents.into_iter().map(|agent| (agent.id, agent)).collect(),
            connectors,
            policies,
            compiled,
            flows: flows.into_iter().map(|flow| (flow.id, flow)).collect(),
            flow_versions,
            delegations,
        })
    }

    /// The connectors that are set up otherwise than in an older snapshot: new ones, changed ones, those that got another
    /// credential or were switched.
    pub(super) fn set_up_otherwise_than(&self, older: &Self) -> impl Iterator<Item = &Arc<ConnectorEntry>> {
        let same = |entry: &ConnectorEntry| {
            older.connector(entry.connector.id).is_some_and(|before| before.set_up() == entry.set_up())
        };
        self.connectors.values().filter(move |entry| !same(entry))
    }

    /// The snapshot's version.
    #[must_use]
    pub const fn version(&self) -> i64 {
        self.desk.config_version
    }

    /// The policies that are looked at, ready to evaluate.
    #[must_use]
    pub fn compiled(&self) -> &[Arc<CompiledPolicy>] {
        &self.compiled
    }

    /// The agent whose API key has this hash.
    #[must_use]
    pub fn agent_by_key(&self, hash: &str) -> Option<&Agent> {
        self.agents_by_key.get(hash).and_then(|id| self.agents.get(id))
    }

    /// The key that an agent's tokens are checked with.
    #[must_use]
    pub fn public_key(&self, agent: AgentId) -> Option<Arc<AgentPublicKey>> {
        self.public_keys.get(&agent).cloned()
    }

    /// A person by their address.
    #[must_use]
    pub fn user_by_email(&self, email: &str) -> Option<&User> {
        self.users.values().find(|user| user.email.eq_ignore_ascii_case(email))
    }

    /// A connector by its id.
    #[must_use]
    pub fn connector(&self, id: ConnectorId) -> Option<&Arc<ConnectorEntry>> {
        self.connectors.values().find(|entry| entry.connector.id == id)
    }

    /// A policy by its id.
    #[must_use]
    pub fn policy(&self, id: PolicyId) -> Option<&PolicyRecord> {
        self.policies.iter().find(|policy| policy.id == id)
    }

    /// The flow that a policy names, or the desk's default.
    #[must_use]
    pub fn flow_named(&self, name: Option<&str>) -> Option<&FlowRecord> {
        match name {
            Some(name) => self.flows.values().find(|flow| flow.body.name == name && flow.body.active),
            None => {
                let default = self.desk.settings.default_flow.and_then(|id| self.flows.get(&id));
                default.filter(|flow| flow.body.active)
            }
        }
    }

    /// A flow as it was at a version.
    #[must_use]
    pub fn flow_at(&self, flow: (FlowId, i64)) -> Option<&FlowBody> {
        self.flow_versions.get(&flow)
    }

    /// Every version of every flow that names this person at some step.
    #[must_use]
    pub fn flows_asking(&self, user: &User, now: Timestamp) -> Vec<(FlowId, i64)> {
        let person = self.person(user, now);
        let mut asking: Vec<_> =
            self.flow_versions.iter().filter(|(_, flow)| flow.may_ask(&person)).map(|(key, _)| *key).collect();
        asking.sort_unstable();
        asking
    }

    /// Who is asked in whose place, past ones included.
    #[must_use]
    pub fn delegations(&self) -> &[Delegation] {
        &self.delegations
    }

    /// A person as flows see them at this moment, and those whom they stand in for.
    #[must_use]
    pub fn person<'a>(&'a self, user: &'a User, now: Timestamp) -> Person<'a> {
        let now_theirs = |one: &&Delegation| one.to_user_id == user.id && one.from_at <= now && now < one.until_at;
        let away = self.delegations.iter().filter(now_theirs).filter_map(|one| self.users.get(&one.user_id));
        Person { voter: voter(user), stands_in_for: away.map(voter).collect() }
    }

    /// Everybody as flows see them at this moment.
    pub fn people(&self, now: Timestamp) -> impl Iterator<Item = Person<'_>> {
        self.users.values().map(move |user| self.person(user, now))
    }

    /// The admins with an open account.
    pub fn admins(&self) -> impl Iterator<Item = &User> {
        self.users.values().filter(|user| user.active && user.role == Role::Admin)
    }

    /// An agent whose key opens the door: active, and its owner too.
    pub(super) fn agent_at_the_door(&self, id: AgentId) -> Option<(&Agent, &User)> {
        let agent = self.agents.get(&id).filter(|agent| agent.status == AgentStatus::Active)?;
        let owner = self.users.get(&agent.owner_id).filter(|owner| owner.active)?;
        Some((agent, owner))
    }
}

impl ConnectorEntry {
    /// What makes a running process the right one, or not.
    fn set_up(&self) -> (i64, Option<(CredentialId, i64)>, bool) {
        let credential = self.credential.as_ref().map(|credential| (credential.id, credential.version));
        (self.connector.version, credential, self.connector.active)
    }

    /// Whether a process that was started for one is right for the other.
    pub(super) fn is_set_up_as(&self, other: &Self) -> bool {
        self.set_up() == other.set_up()
    }

    /// A tool that may be called, as far as the admins are concerned.
    #[must_use]
    pub fn ready_tool(&self, name: &str) -> Option<&ToolEntry> {
        self.tools.get(name).filter(|entry| entry.tool.state == ToolState::Ready)
    }

    /// Whether an agent may see this connector.
    #[must_use]
    pub fn visible_to(&self, agent: &Agent) -> bool {
        self.connector.active && agent.connectors.as_ref().is_none_or(|slugs| slugs.contains(&self.connector.slug))
    }
}

impl ToolEntry {
    fn new(tool: Tool, older: Option<&Self>) -> Self {
        let validator = match older.filter(|older| older.tool.input_schema == tool.input_schema) {
            Some(older) => older.validator.clone(),
            None => schema_validator(&tool.input_schema).ok().map(Arc::new),
        };
        let template = tool.path.as_deref().and_then(|path| PathTemplate::read(path).ok());
        Self { tool, validator, template }
    }
}

/// A JSON Schema, compiled. References to other documents are not followed. Its patterns run in linear time; one that
/// needs more, such as one with a look-ahead, gets so many steps back and no more.
///
/// # Errors
/// A sentence about what is wrong with the schema.
pub fn schema_validator(schema: &serde_json::Value) -> Result<jsonschema::Validator, String> {
    let linear = jsonschema::options().with_pattern_options(PatternOptions::regex()).build(schema);
    linear
        .or_else(|_| {
            let bounded = PatternOptions::fancy_regex().backtrack_limit(10_000);
            jsonschema::options().with_pattern_options(bounded).build(schema)
        })
        .map_err(|error| error.to_string())
}

/// A person as flows see them.
#[must_use]
pub fn voter(user: &User) -> Voter<'_> {
    let phone = user.preferences.phone.as_deref();
    Voter { id: user.id, email: &user.email, phone, groups: &user.groups, role: user.role, active: user.active }
}

fn compiled(policy: &PolicyRecord, older: Option<&Snapshot>) -> Arc<CompiledPolicy> {
    let same = |known: &&Arc<CompiledPolicy>| {
        let known = known.policy();
        (known.id, known.version) == (policy.id, policy.version) && known.body == policy.body
    };
    older.and_then(|older| older.compiled.iter().find(same)).map_or_else(
        || {
            Arc::new(CompiledPolicy::stored(Policy {
                id: policy.id,
                version: policy.version,
                body: policy.body.clone(),
            }))
        },
        Arc::clone,
    )
}

fn public_key(agent: &Agent) -> Option<(AgentId, Arc<AgentPublicKey>)> {
    let key = AgentPublicKey::read(agent.public_key.as_deref()?).ok()?;
    Some((agent.id, Arc::new(key)))
}

async fn connectors(
    connection: &mut Connection,
    older: Option<&Snapshot>,
) -> Result<BTreeMap<String, Arc<ConnectorEntry>>, StoreError> {
    let older: HashMap<_, _> =
        older.iter().flat_map(|older| older.connectors.values()).map(|entry| (entry.connector.id, entry)).collect();
    let mut tools: HashMap<ConnectorId, BTreeMap<String, ToolEntry>> = HashMap::new();
    for tool in store::connectors::all_tools(connection).await? {
        let known = older.get(&tool.connector_id).and_then(|entry| entry.tools.get(&tool.name));
        tools.entry(tool.connector_id).or_default().insert(tool.name.clone(), ToolEntry::new(tool, known));
    }
    let mut credentials: HashMap<ConnectorId, Credential> = HashMap::new();
    for credential in store::connectors::all_credentials(connection).await? {
        credentials.insert(credential.connector_id, credential);
    }
    let connectors = store::connectors::all(connection).await?;
    let entries = connectors.into_iter().map(|connector| {
        let tools = tools.remove(&connector.id).unwrap_or_default();
        let credential = credentials.remove(&connector.id);
        (connector.slug.clone(), Arc::new(ConnectorEntry { connector, tools, credential }))
    });
    Ok(entries.collect())
}

/// Checks inside a transaction that a snapshot is the current one.
pub(super) async fn still_current(connection: &mut Connection, snapshot: &Snapshot) -> Result<(), DeskError> {
    match store::desk::config_version(connection).await? == snapshot.version() {
        true => Ok(()),
        false => Err(DeskError::SnapshotOld),
    }
}
