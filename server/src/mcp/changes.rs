//! Clients hear that their tools are others now: when connectors, policies or the agent changed so that it shows.

use super::{Gateway, tools};
use crate::desk::AgentCaller;
use countersign_domain::digest::Digest;
use http::request::Parts;
use rmcp::RoleServer;
use rmcp::model::ErrorData;
use rmcp::service::{NotificationContext, SubscriptionContext};
use std::time::Duration;

/// How often it is looked whether a session still lives; rmcp tells nobody.
const LOOK: Duration = Duration::from_secs(60);

/// What a client was last offered, and what it is offered now.
struct Watched {
    gateway: Gateway,
    caller: AgentCaller,
    moved: tokio::sync::watch::Receiver<i64>,
    offered: Digest,
}

impl Watched {
    fn new(gateway: Gateway, caller: AgentCaller) -> Result<Self, ErrorData> {
        let moved = gateway.desk.settings_moved();
        let offered = offered(&gateway, &caller)?;
        Ok(Self { gateway, caller, moved, offered })
    }

    /// Comes back when the client is offered something else; `None` when it is offered nothing any more.
    async fn change(&mut self) -> Option<()> {
        loop {
            tokio::select! {
                moved = self.moved.changed() => moved.ok()?,
                () = self.gateway.stopped() => return None,
            }
            if !self.gateway.desk.agent_stands(&self.caller) {
                return None;
            }
            let now = offered(&self.gateway, &self.caller).ok()?;
            if now != self.offered {
                self.offered = now;
                return Some(());
            }
        }
    }
}

/// Of thousands of clients each remembers only this.
fn offered(gateway: &Gateway, caller: &AgentCaller) -> Result<Digest, ErrorData> {
    let tools = serde_json::to_vec(&tools::all(&gateway.desk, caller)?);
    Ok(Digest::of(&tools.map_err(|error| ErrorData::internal_error(error.to_string(), None))?))
}

/// A client of the newer revision listens until it hangs up.
pub(super) async fn tell_listener(gateway: &Gateway, context: &SubscriptionContext) -> Result<(), ErrorData> {
    let caller = super::caller(context.request_context())?;
    let mut watched = Watched::new(gateway.clone(), caller)?;
    loop {
        tokio::select! {
            change = watched.change() => {
                if change.is_none() || context.sink().notify_tool_list_changed().await.is_err() {
                    return Ok(());
                }
            }
            () = context.cancelled() => return Ok(()),
        }
    }
}

/// A client of an older revision hears of it in its session, as long as that lives.
pub(super) fn tell_session(gateway: Gateway, context: NotificationContext<RoleServer>) {
    let parts = context.extensions.get::<Parts>();
    let Some(caller) = parts.and_then(|parts| parts.extensions.get::<AgentCaller>()).cloned() else { return };
    tokio::spawn(async move {
        let Ok(mut watched) = Watched::new(gateway, caller) else { return };
        loop {
            tokio::select! {
                change = watched.change() => {
                    if change.is_none() || context.peer.notify_tool_list_changed().await.is_err() {
                        return;
                    }
                }
                () = tokio::time::sleep(LOOK) => {
                    if context.peer.is_transport_closed() {
                        return;
                    }
                }
            }
        }
    });
}
