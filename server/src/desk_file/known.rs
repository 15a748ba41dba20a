//! The desk as it is, each thing by what a file calls it.

use crate::store::agents::Agent;
use crate::store::connectors::{Connector, Credential, Tool};
use crate::store::desk::DeskRow;
use crate::store::policies::{FlowRecord, PolicyRecord};
use crate::store::users::User;
use crate::store::{self, Connection, StoreError};
use countersign_domain::agent::AgentStatus;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub(super) struct Known {
    pub(super) desk: DeskRow,
    pub(super) users: BTreeMap<String, User>,
    pub(super) agents: BTreeMap<String, Agent>,
    pub(super) connectors: BTreeMap<String, Connector>,
    /// By connector and name.
    pub(super) tools: Vec<Tool>,
    /// Those that may be used.
    pub(super) credentials: Vec<Credential>,
    pub(super) flows: BTreeMap<String, FlowRecord>,
    pub(super) policies: BTreeMap<String, PolicyRecord>,
}

impl Known {
    pub(super) async fn load(connection: &mut Connection) -> Result<Self, StoreError> {
        let desk = store::desk::desk(connection).await?;
        let users = store::users::all(connection).await?;
        let agents = store::agents::all(connection).await?;
        let connectors = store::connectors::all(connection).await?;
        let flows = store::policies::all_flows(connection).await?;
        let policies = store::policies::all(connection).await?;
        Ok(Self {
            desk: desk.ok_or_else(|| StoreError::Row("there is no desk row".into()))?,
            users: users.into_iter().map(|user| (user.email.clone(), user)).collect(),
            agents: agents.into_iter().map(|agent| (agent.name.clone(), agent)).collect(),
            connectors: connectors.into_iter().map(|connector| (connector.slug.clone(), connector)).collect(),
            tools: store::connectors::all_tools(connection).await?,
            credentials: store::connectors::all_credentials(connection).await?,
            flows: flows.into_iter().map(|flow| (flow.body.name.clone(), flow)).collect(),
            policies: policies.into_iter().map(|policy| (policy.body.name.clone(), policy)).collect(),
        })
    }

    /// What `--prune` switched off, by id. What a person has switched on since is theirs, also to switch off again.
    pub(super) fn pruned(&self) -> BTreeSet<Uuid> {
        let users = self.users.values().filter(|user| user.active).map(|user| user.id.0);
        let agents = self.agents.values().filter(|agent| agent.status == AgentStatus::Active).map(|agent| agent.id.0);
        let connectors = self.connectors.values().filter(|connector| connector.active).map(|connector| connector.id.0);
        let policies = self.policies.values().filter(|policy| policy.active).map(|policy| policy.id.0);
        let on: BTreeSet<_> = users.chain(agents).chain(connectors).chain(policies).collect();
        self.desk.settings.pruned.difference(&on).copied().collect()
    }
}
