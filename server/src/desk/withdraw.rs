//! A request is taken back, by the agent that asked or by that agent's owner.

use super::course::close;
use super::error::{DeskError, ended, not_found};
use super::session::SignedIn;
use super::{AgentCaller, Desk, move_on};
use crate::audit::{Actor, Entry};
use crate::store;
use crate::store::requests::Request;
use countersign_domain::ids::RequestId;
use countersign_domain::request::{Door, RequestEvent, RequestState};

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
                    request.state = request.state.after(RequestEvent::Withdraw).map_err(|now| ended(id, now.state))?;
                    close(connection, &desk.snapshot(), &request, None, now).await?;
                    store::requests::presence::delivered(connection, id).await?;
                    let entry = Entry::of_request(now, actor, "approval.withdrawn", id);
                    store::audit::append(connection, entry).await?;
                    move_on(connection, &mut request, now).await?;
                    Ok::<_, DeskError>(request)
                })
            })
            .await?;
        self.announce();
        Ok(withdrawn)
    }
}
