//! The life of one MCP server's process: started, greeted, watched, started again with back-off, and stopped, all by
//! one task. Who calls it meanwhile is `server.rs`'s business.

use super::child;
use super::server::{Live, Phase, Shared};
use super::wire::Wire;
use crate::connectors::ConnectorChange;
use futures::FutureExt as _;
use futures::future::FusedFuture as _;
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation, ProtocolVersion, SubscriptionFilter};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, ClientServiceExt as _, NotificationContext, RunningService,
};
use rmcp::{ClientHandler, Peer, RoleClient};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Child;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// The versions without a handshake; where the server speaks none of them, the handshake settles an older one.
const VERSIONS: [ProtocolVersion; 1] = [ProtocolVersion::V_2026_07_28];

/// Starts the process, watches it, and starts it again, until asked to stop.
pub(super) async fn look_after(shared: Arc<Shared>) {
    let (mut pause, mut ends, mut era) = (shared.pace.first, 0, Era::Unknown);
    loop {
        let started = tokio::select! {
            _ = shared.asked_to_stop() => break,
            started = start(&shared, &mut era) => started,
        };
        let reason = match started {
            Ok(session) => match session.live(&shared, ends).await {
                Some(Ended { reason, settled }) => {
                    if settled {
                        pause = shared.pace.first;
                    }
                    reason
                }
                None => break,
            },
            Err(reason) => reason,
        };
        ends += 1;
        tracing::warn!(connector = shared.launch.slug, reason, "An MCP server is down");
        shared.phase.send_replace(Phase::Down(ends, reason.clone()));
        shared.tell(ConnectorChange::Failed(reason));
        tokio::select! {
            _ = shared.asked_to_stop() => break,
            () = shared.wake.notified() => {}
            () = sleep(pause) => {}
        }
        pause = (pause * 2).min(shared.pace.longest);
        shared.phase.send_replace(Phase::Starting);
    }
    shared.phase.send_replace(Phase::Stopped);
}

/// Which way of beginning a conversation the server knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Era {
    Unknown,
    /// `initialize`, to 2025-11-25.
    Handshake,
}

/// A process that is up.
struct Session {
    child: Child,
    running: RunningService<RoleClient, Ear>,
}

/// How a process came to its end.
struct Ended {
    reason: String,
    settled: bool,
}

async fn start(shared: &Arc<Shared>, era: &mut Era) -> Result<Session, String> {
    if *era == Era::Unknown {
        let both = ClientLifecycleMode::Auto {
            preferred_versions: VERSIONS.to_vec(),
            legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
        };
        match connect(shared, both).await {
            Ok(session) => {
                // The question costs a server that doesn't know it up to 10 s; ask it once.
                if session.running.peer().peer_info().is_some_and(|info| info.protocol_version.has_initialize()) {
                    *era = Era::Handshake;
                }
                return Ok(session);
            }
            Err((reason, Blame::Other)) => return Err(reason),
            // Some servers of the older era end when the first message isn't `initialize`.
            Err((_, Blame::Greeting)) => {}
        }
    }
    let session = connect(shared, ClientLifecycleMode::Initialize).await.map_err(|(reason, _)| reason)?;
    *era = Era::Handshake;
    Ok(session)
}

/// Whether another way of beginning the conversation might do better.
enum Blame {
    Greeting,
    Other,
}

async fn connect(shared: &Arc<Shared>, mode: ClientLifecycleMode) -> Result<Session, (String, Blame)> {
    let launch = &shared.launch;
    let started = child::start(&launch.slug, &launch.command, &launch.env).map_err(|reason| (reason, Blame::Other))?;
    let mut child = started.child;
    let wire = Wire::new(launch.slug.clone(), started.stdout, started.stdin);
    match timeout(launch.timeout, Ear(shared.clone()).serve_with_lifecycle(wire, mode)).await {
        Ok(Ok(running)) => Ok(Session { child, running }),
        Ok(Err(error)) => {
            let ended = child::farewell(child::end(&mut child).await);
            Err((why_not(shared, &error, &ended), Blame::Greeting))
        }
        Err(_) => {
            child::kill(&mut child).await;
            Err((format!("The server did not begin to speak MCP within {:?}.", launch.timeout), Blame::Other))
        }
    }
}

fn why_not(shared: &Shared, error: &ClientInitializeError, ended: &str) -> String {
    match error {
        ClientInitializeError::ConnectionClosed(_) | ClientInitializeError::TransportError { .. } => {
            format!("{ended} It had not begun to speak MCP; what it printed is in the log at level debug.")
        }
        ClientInitializeError::JsonRpcError(error) => {
            format!("The server refused to begin: {}", shared.quote(&error.message))
        }
        ClientInitializeError::NoCompatibleProtocolVersion { .. } => {
            "The server speaks no version of MCP that we speak.".to_owned()
        }
        _ => "The server's first answer was not understood.".to_owned(),
    }
}

impl Session {
    /// Until the process ends, or `None` when it was asked to.
    async fn live(self, shared: &Arc<Shared>, ends: u64) -> Option<Ended> {
        let Self { mut child, running } = self;
        let peer = running.peer().clone();
        let close = running.cancellation_token();
        let _listening = listen(shared, &peer);
        let mut over = pin!(running.waiting().fuse());
        let stuck = Arc::new(Notify::new());
        shared.phase.send_replace(Phase::Up(Live { ends, peer, stuck: stuck.clone() }));
        shared.tell(ConnectorChange::Connected);

        let (mut settled, mut settling) = (false, pin!(sleep(shared.pace.settled)));
        let (mut quiet, mut asked) = (pin!(sleep(Duration::ZERO)), None);
        loop {
            tokio::select! {
                _ = &mut over => break,
                _ = child.wait() => {
                    // Its last answers may still be on their way through the pipe.
                    let _read = timeout(Duration::from_secs(1), &mut over).await;
                    break;
                }
                calls_may_take = shared.asked_to_stop() => {
                    asked = Some(calls_may_take);
                    break;
                }
                () = stuck.notified() => {
                    child::kill(&mut child).await;
                    break;
                }
                () = &mut settling, if !settled => settled = true,
                () = &mut quiet, if !quiet.is_elapsed() => {}
                () = shared.changed.notified(), if quiet.is_elapsed() => {
                    shared.tell(ConnectorChange::ToolsChanged);
                    quiet.set(sleep(shared.pace.quiet));
                }
            }
        }
        if let Some(calls_may_take) = asked {
            shared.phase.send_replace(Phase::Stopping);
            let mut calls = shared.calls.subscribe();
            drop(timeout(calls_may_take, calls.wait_for(|calls| *calls == 0)).await);
        }
        close.cancel();
        if !over.is_terminated() {
            let _quit = (&mut over).await;
        }
        let ended = child::end(&mut child).await;
        asked.is_none().then(|| Ended { reason: child::farewell(ended), settled })
    }
}

/// In the newer era a server tells of changed tools only where it was asked to.
fn listen(shared: &Arc<Shared>, peer: &Peer<RoleClient>) -> Option<AbortOnDrop> {
    let info = peer.peer_info()?;
    let tells = info.capabilities.tools.as_ref().and_then(|tools| tools.list_changed) == Some(true);
    if info.protocol_version.has_initialize() || !tells {
        return None;
    }
    let (shared, peer) = (shared.clone(), peer.clone());
    let task = tokio::spawn(async move {
        let filter = SubscriptionFilter::builder().tools_list_changed().build();
        let Ok(mut subscription) = peer.listen(filter).await else { return };
        while let Ok(Some(_)) = subscription.next().await {
            shared.tools_changed();
        }
    });
    Some(AbortOnDrop(task.abort_handle()))
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the server may ask of us: nothing. rmcp refuses sampling, declines elicitation and has no roots to show.
struct Ear(Arc<Shared>);

impl ClientHandler for Ear {
    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.0.tools_changed();
    }

    fn get_info(&self) -> ClientConfig {
        let us = Implementation::new("countersign", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), us)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }
}
