//! An approver reports an agent by one of its requests: it may ask nothing more until an admin lets it, and the admins
//! are told.

use super::Desk;
use super::error::{DeskError, not_found, refuse};
use super::notices::tell_admins;
use super::session::SignedIn;
use super::withdraw::{Lapse, withdraw_all};
use crate::audit::{Actor, Entry};
use crate::store;
use countersign_domain::agent::AgentStatus;
use countersign_domain::delivery::DeliveryKind;
use countersign_domain::ids::RequestId;
use countersign_domain::user::Role;
use countersign_wire::problem::Code;
use serde_json::json;

impl Desk {
    /// Suspends the agent that made a request, takes back what waits of it, and tells the admins.
    ///
    /// # Errors
    /// What this person may not see sounds like nothing there; a member reports nobody.
    pub async fn report_agent(&self, who: &SignedIn, id: RequestId) -> Result<(), DeskError> {
        let snapshot = self.snapshot();
        let mut connection = self.store().read().await?;
        let found = store::decisions::with_request(&mut connection, id).await?;
        drop(connection);
        let (request, votes) = found.ok_or_else(|| not_found("request"))?;
        let voted = votes.iter().any(|vote| vote.is_by(who.user().id));
        if !who.may_see(&snapshot, &request, voted, self.now()) {
            return Err(not_found("request"));
        }
        if who.user().role < Role::Approver && !voted {
            return Err(refuse(Code::Forbidden, "Only approvers and admins may report an agent."));
        }
        let (now, actor) = (self.now(), Actor::User(who.user().id));
        self.configure(move |connection| {
            Box::pin(async move {
                let agents = store::agents::all(connection).await?;
                let agent = agents.into_iter().find(|agent| agent.id == request.agent_id);
                let mut agent = agent.ok_or_else(|| not_found("agent"))?;
                if agent.status == AgentStatus::Suspended {
                    return Err(refuse(Code::Conflict, "This agent is suspended already."));
                }
                agent.status = AgentStatus::Suspended;
                store::agents::update(connection, &agent).await?;
                let entry = Entry::of_request(now, actor.clone(), "agent.reported", id);
                store::audit::append(connection, entry.with(json!({"agent_id": agent.id, "name": agent.name}))).await?;
                withdraw_all(connection, agent.id, &actor, Lapse::Suspended, now).await?;
                tell_admins(connection, &snapshot, Some(id), DeliveryKind::Reported, now).await?;
                Ok(())
            })
        })
        .await?;
        self.announce();
        self.hub().notice();
        Ok(())
    }
}
