//! Clients hear that their lists are others now: when connectors, policies or the agent changed so that it shows, and
//! when an upstream says so itself.

use super::{Gateway, tools};
use crate::connectors::{ConnectorChange, ConnectorEvent};
use crate::desk::AgentCaller;
use countersign_domain::digest::Digest;
use countersign_domain::ids::ConnectorId;
use rmcp::RoleServer;
use rmcp::model::ErrorData;
use rmcp::service::{NotificationContext, SubscriptionContext};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

/// How often it is looked whether a session still lives; rmcp tells nobody.
const LOOK: Duration = Duration::from_secs(60);

/// Which list is another one now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Tools,
    Prompts,
    Resources,
}

/// What a client was last offered, so that it hears of what shows to it and of nothing else.
pub(super) struct Watched {
    gateway: Gateway,
    caller: AgentCaller,
    moved: watch::Receiver<i64>,
    events: broadcast::Receiver<ConnectorEvent>,
    tools: Digest,
    upstreams: Vec<(ConnectorId, i64)>,
}

impl Watched {
    pub(super) fn new(gateway: Gateway, caller: AgentCaller) -> Result<Self, ErrorData> {
        let (moved, events) = (gateway.desk.settings_moved(), gateway.desk.outgoing().subscribe());
        let tools = offered(&gateway, &caller)?;
        let upstreams = gateway.desk.upstream_versions(&caller);
        Ok(Self { gateway, caller, moved, events, tools, upstreams })
    }

    /// Comes back when lists are others; `None` when there are none for this client any more.
    async fn change(&mut self) -> Option<Vec<List>> {
        loop {
            let lists = tokio::select! {
                moved = self.moved.changed() => {
                    moved.ok()?;
                    self.look()?
                }
                event = self.events.recv() => self.heard(event)?,
                () = self.gateway.stopped() => return None,
            };
            if !lists.is_empty() {
                return Some(lists);
            }
        }
    }

    fn look(&mut self) -> Option<Vec<List>> {
        if !self.gateway.desk.agent_stands(&self.caller) {
            return None;
        }
        let mut lists = Vec::new();
        let tools = offered(&self.gateway, &self.caller).ok()?;
        if tools != self.tools {
            self.tools = tools;
            lists.push(List::Tools);
        }
        let upstreams = self.gateway.desk.upstream_versions(&self.caller);
        if upstreams != self.upstreams {
            self.upstreams = upstreams;
            lists.extend([List::Prompts, List::Resources]);
        }
        Some(lists)
    }

    fn heard(&self, event: Result<ConnectorEvent, RecvError>) -> Option<Vec<List>> {
        let event = match event {
            Ok(event) => event,
            // Whatever was missed may have been this.
            Err(RecvError::Lagged(_)) => return Some(vec![List::Prompts, List::Resources]),
            Err(RecvError::Closed) => return None,
        };
        let visible = self.upstreams.iter().any(|(id, _)| *id == event.connector);
        Some(match event.change {
            ConnectorChange::PromptsChanged if visible => vec![List::Prompts],
            ConnectorChange::ResourcesChanged if visible => vec![List::Resources],
            _ => Vec::new(),
        })
    }
}

/// Of thousands of clients each remembers only this.
fn offered(gateway: &Gateway, caller: &AgentCaller) -> Result<Digest, ErrorData> {
    let tools = serde_json::to_vec(&tools::all(&gateway.desk, caller)?);
    Ok(Digest::of(&tools.map_err(|error| ErrorData::internal_error(error.to_string(), None))?))
}

/// A client of the newer revision listens until it hangs up. What it did not ask for is not sent.
pub(super) async fn tell_listener(gateway: &Gateway, context: &SubscriptionContext) -> Result<(), ErrorData> {
    let caller = super::caller(context.request_context())?;
    let mut watched = Watched::new(gateway.clone(), caller)?;
    loop {
        let lists = tokio::select! {
            lists = watched.change() => lists,
            () = context.cancelled() => None,
        };
        let Some(lists) = lists else { return Ok(()) };
        for list in lists {
            // Refused where it was not asked for; a client that is gone cancels.
            let _sent = match list {
                List::Tools => context.sink().notify_tool_list_changed().await,
                List::Prompts => context.sink().notify_prompt_list_changed().await,
                List::Resources => context.sink().notify_resource_list_changed().await,
            };
        }
    }
}

/// A client of an older revision hears of it in its session, as long as that lives.
pub(super) fn tell_session(mut watched: Watched, context: NotificationContext<RoleServer>) {
    tokio::spawn(async move {
        loop {
            tokio::select! {
                lists = watched.change() => {
                    let Some(lists) = lists else { return };
                    for list in lists {
                        if tell(&context, list).await.is_err() {
                            return;
                        }
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

async fn tell(context: &NotificationContext<RoleServer>, list: List) -> Result<(), rmcp::ServiceError> {
    match list {
        List::Tools => context.peer.notify_tool_list_changed().await,
        List::Prompts => context.peer.notify_prompt_list_changed().await,
        List::Resources => context.peer.notify_resource_list_changed().await,
    }
}
