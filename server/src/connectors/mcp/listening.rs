//! What a server tells of itself: that its tools, prompts or resources changed. And what it may ask of us: nothing.

use super::server::Shared;
use crate::connectors::ConnectorChange;
use rmcp::model::{
    ClientCapabilities, ClientConfig, Implementation, ProtocolVersion, ServerNotification, SubscriptionFilter,
};
use rmcp::service::NotificationContext;
use rmcp::{ClientHandler, Peer, RoleClient};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

/// How soon a stream that ended is opened again; each further end doubles it.
pub(super) const REOPEN_AFTER: Duration = Duration::from_secs(1);
pub(super) const REOPEN_AT_MOST: Duration = Duration::from_secs(60);

/// What a server lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum List {
    Tools,
    Prompts,
    Resources,
}

/// Changes that were told and not yet passed on.
#[derive(Default)]
pub(super) struct Rumours {
    heard: Mutex<BTreeSet<List>>,
    some: Notify,
}

impl Rumours {
    pub(super) fn spread(&self, list: List) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).insert(list);
        self.some.notify_one();
    }

    fn take(&self) -> BTreeSet<List> {
        std::mem::take(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shared {
    /// Passes changes on for as long as it is polled, the first at once and then not too often. It never ends.
    pub(super) async fn pass_on_changes(&self) {
        loop {
            self.rumours.some.notified().await;
            for list in self.rumours.take() {
                self.tell(match list {
                    List::Tools => ConnectorChange::ToolsChanged,
                    List::Prompts => ConnectorChange::PromptsChanged,
                    List::Resources => ConnectorChange::ResourcesChanged,
                });
            }
            sleep(self.pace.quiet).await;
        }
    }
}

/// In the newer era a server tells of changes only where it was asked to.
pub(super) struct Subscribing {
    pub(super) shared: Arc<Shared>,
    pub(super) peer: Peer<RoleClient>,
    /// Whether the server would tell of changed tools.
    pub(super) steady: Arc<AtomicBool>,
    /// Whether a subscription that ended is made again: a connection may be cut where a process would have ended.
    pub(super) again: bool,
}

impl Subscribing {
    /// Begins to listen, until dropped.
    pub(super) fn begin(self) -> Option<AbortOnDrop> {
        let info = self.peer.peer_info()?;
        if info.protocol_version.has_initialize() {
            return None;
        }
        let (tools, prompts, resources) =
            (&info.capabilities.tools, &info.capabilities.prompts, &info.capabilities.resources);
        let tells = [
            tools.as_ref().and_then(|tools| tools.list_changed) == Some(true),
            prompts.as_ref().and_then(|prompts| prompts.list_changed) == Some(true),
            resources.as_ref().and_then(|resources| resources.list_changed) == Some(true),
        ];
        let mut filter = SubscriptionFilter::builder();
        if tells[0] {
            filter = filter.tools_list_changed();
        }
        if tells[1] {
            filter = filter.prompts_list_changed();
        }
        if tells[2] {
            filter = filter.resources_list_changed();
        }
        let filter = filter.build();
        tells.contains(&true).then(|| AbortOnDrop(tokio::spawn(self.listen(filter)).abort_handle()))
    }

    async fn listen(self, filter: SubscriptionFilter) {
        let mut pause = REOPEN_AFTER;
        while let Ok(mut subscription) = self.peer.listen(filter.clone()).await {
            if self.again {
                // What changed while nobody listened was not heard.
                self.shared.forget_tools();
                self.steady.store(subscription.acknowledged().tools_list_changed == Some(true), Ordering::Release);
            }
            while let Ok(Some(notification)) = subscription.next().await {
                match notification {
                    ServerNotification::ToolListChangedNotification(_) => self.shared.changed(List::Tools),
                    ServerNotification::PromptListChangedNotification(_) => self.shared.changed(List::Prompts),
                    ServerNotification::ResourceListChangedNotification(_) => self.shared.changed(List::Resources),
                    _ => {}
                }
            }
            if !self.again {
                return;
            }
            self.steady.store(false, Ordering::Release);
            self.shared.forget_tools();
            sleep(pause).await;
            pause = (pause * 2).min(REOPEN_AT_MOST);
        }
    }
}

pub(super) struct AbortOnDrop(pub(super) tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the server may ask of us: nothing. rmcp refuses sampling, declines elicitation and has no roots to show.
pub(super) struct Ear(pub(super) Arc<Shared>);

impl ClientHandler for Ear {
    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.0.changed(List::Tools);
    }

    async fn on_prompt_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.0.changed(List::Prompts);
    }

    async fn on_resource_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.0.changed(List::Resources);
    }

    fn get_info(&self) -> ClientConfig {
        let us = Implementation::new("countersign", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), us)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }
}
