//! A request is taken back: by the agent that asked, by that agent's owner, or with the agent's leave to ask.

use super::course::close;
use super::error::{DeskError, ended, not_found};
use super::session::SignedIn;
use super::snapshot::Snapshot;
use super::{AgentCaller, Desk, move_on};
use crate::audit::{Actor, Entry};
use crate::store::requests::Request;
use crate::store::{self, Connection};
use countersign_domain::Timestamp;
use countersign_domain::ids::{AgentId, RequestId, UserId};
use countersign_domain::request::{Door, RequestEvent, RequestState};
use serde_json::{Value, json};

/// How an agent lost its leave to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lapse {
    /// It was suspended.
    Suspended,
    /// Its owner's account was closed.
    OwnerClosed,
}

impl Lapse {
    const fn word(self) -> &'static str {
        match self {
            Self::Suspended => "agent_suspended",
            Self::OwnerClosed => "owner_closed",
        }
    }
}

impl Desk {
    /// The agent takes its own request back.
    ///
    /// # Errors
    /// Not its own sounds like not there; a request that has ended stays as it is.
    pub async fn withdraw(&self, caller: &AgentCaller, id: RequestId) -> Result<Request, DeskError> {
        let agent = caller.id;
        self.withdraw_as(id, Actor::Agent(agent), move |request| request.agent_id == agent).await
    }

    /// A hook of the agent's no longer waits for its request, which is taken back when no other hook does.
    ///
    /// # Errors
    /// As [`Self::withdraw`].
    pub async fn leave(&self, caller: &AgentCaller, id: RequestId, hook: &str) -> Result<Request, DeskError> {
        let request = self.request_of(caller, id).await?;
        match request.door == Door::Hook && !self.is_left_by(id, hook) {
            true => Ok(*request),
            false => self.withdraw(caller, id).await,
        }
    }

    /// The agent's owner takes its request back.
    ///
    /// # Errors
    /// As [`Self::withdraw`].
    pub async fn withdraw_as_owner(&self, who: &SignedIn, id: RequestId) -> Result<Request, DeskError> {
        let user = who.user().id;
        self.withdraw_as(id, Actor::User(user), move |request| request.owner_id == user).await
    }

    async fn withdraw_as(
        &self,
        id: RequestId,
        actor: Actor,
        theirs: impl FnOnce(&Request) -> bool + Send + 'static,
    ) -> Result<Request, DeskError> {
        let desk = self.clone();
        let withdrawn = self
            .store()
            .write(move |connection| {
                Box::pin(async move {
                    // Taken here, in the writer's order: of two that race past a deadline, both see the same side of it.
                    let now = desk.now();
                    let found = store::requests::by_id(connection, id).await?;
                    let mut request = found.filter(theirs).ok_or_else(|| not_found("request"))?;
                    // The deadline may have passed without its timer having run yet.
                    if request.state == RequestState::Pending && now >= request.expires_at {
                        return Err(ended(id, RequestState::Expired));
                    }
                    take_back(connection, &desk.snapshot(), &mut request, actor, json!({}), now).await?;
                    Ok::<_, DeskError>(request)
                })
            })
            .await?;
        self.announce();
        Ok(withdrawn)
    }
}

/// Takes back all that waits for approval of an agent that may not ask any more: nobody waits for it, and what was
/// approved of it would not run. What had its deadline is left to that.
pub(crate) async fn withdraw_all(
    connection: &mut Connection,
    agent: AgentId,
    actor: &Actor,
    lapse: Lapse,
    now: Timestamp,
) -> Result<(), DeskError> {
    let waiting = store::requests::waiting_of_agent(connection, agent, now).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    // Whoever runs this need be no running desk.
    let snapshot = Snapshot::load(connection, None).await?;
    for mut request in waiting {
        take_back(connection, &snapshot, &mut request, actor.clone(), json!({"reason": lapse.word()}), now).await?;
    }
    Ok(())
}

/// The same of all agents of somebody whose account is closed.
pub(crate) async fn withdraw_all_of(
    connection: &mut Connection,
    owner: UserId,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), DeskError> {
    for agent in store::agents::all(connection).await? {
        if agent.owner_id == owner {
            withdraw_all(connection, agent.id, actor, Lapse::OwnerClosed, now).await?;
        }
    }
    Ok(())
}

async fn take_back(
    connection: &mut Connection,
    snapshot: &Snapshot,
    request: &mut Request,
    actor: Actor,
    metadata: Value,
    now: Timestamp,
) -> Result<(), DeskError> {
    let id = request.id;
    request.state = request.state.after(RequestEvent::Withdraw).map_err(|now| ended(id, now.state))?;
    close(connection, snapshot, request, None, now).await?;
    store::requests::presence::delivered(connection, id).await?;
    let entry = Entry::of_request(now, actor, "approval.withdrawn", id);
    store::audit::append(connection, entry.with(metadata)).await?;
    Ok(move_on(connection, request, now).await?)
}
