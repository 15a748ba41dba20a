//! The life of one MCP server's process: started, greeted, watched, started again with back-off, and stopped, all by
//! one task. Who calls it meanwhile is `server.rs`'s business.

use super::child;
use super::launch::Way;
use super::listening::{Ear, Subscribing};
use super::remote::Remote;
use super::server::{Live, Phase, Shared};
use super::wire::Wire;
use crate::connectors::ConnectorChange;
use futures::FutureExt as _;
use futures::future::FusedFuture as _;
use rmcp::RoleClient;
use rmcp::model::ProtocolVersion;
use rmcp::service::{ClientInitializeError, ClientLifecycleMode, ClientServiceExt as _, RunningService};
use secrecy::SecretString;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
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
                End::Down { reason, settled } => {
                    if settled {
                        pause = shared.pace.first;
                    }
                    reason
                }
                End::Forgotten => {
                    ends += 1;
                    pause = shared.pace.first;
                    shared.phase.send_replace(Phase::Starting);
                    continue;
                }
                End::Asked => break,
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
pub(super) enum Era {
    Unknown,
    /// `initialize`, to 2025-11-25.
    Handshake,
}

/// A conversation that has begun.
enum Session {
    Local(Local),
    Remote(Remote),
}

/// With a process that is up.
struct Local {
    child: Child,
    running: RunningService<RoleClient, Ear>,
}

/// How a conversation came to its end.
pub(super) enum End {
    /// The desk wanted it so.
    Asked,
    /// The other side can't be talked to.
    Down { reason: String, settled: bool },
    /// The other side knows nothing of it any more, which it did; another can begin at once.
    Forgotten,
}

impl Session {
    async fn live(self, shared: &Arc<Shared>, ends: u64) -> End {
        match self {
            Self::Local(local) => local.live(shared, ends).await,
            Self::Remote(remote) => remote.live(shared, ends).await,
        }
    }
}

async fn start(shared: &Arc<Shared>, era: &mut Era) -> Result<Session, String> {
    match &shared.launch.way {
        Way::Start { command, env } => start_program(shared, (command, env), era).await.map(Session::Local),
        Way::Connect(address) => Remote::start(shared, address, era).await.map(Session::Remote),
    }
}

/// Asks whether the server knows the newer era, and begins the older one where it doesn't.
pub(super) fn either_era() -> ClientLifecycleMode {
    ClientLifecycleMode::Auto {
        preferred_versions: VERSIONS.to_vec(),
        legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
    }
}

type Program<'a> = (&'a [String], &'a [(String, SecretString)]);

async fn start_program(shared: &Arc<Shared>, program: Program<'_>, era: &mut Era) -> Result<Local, String> {
    if *era == Era::Unknown {
        match connect(shared, program, either_era()).await {
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
    let session = connect(shared, program, ClientLifecycleMode::Initialize).await.map_err(|(reason, _)| reason)?;
    *era = Era::Handshake;
    Ok(session)
}

/// Whether another way of beginning the conversation might do better.
enum Blame {
    Greeting,
    Other,
}

async fn connect(
    shared: &Arc<Shared>,
    (command, env): Program<'_>,
    mode: ClientLifecycleMode,
) -> Result<Local, (String, Blame)> {
    let launch = &shared.launch;
    let started = child::start(&launch.slug, command, env).map_err(|reason| (reason, Blame::Other))?;
    let mut child = started.child;
    let wire = Wire::new(launch.slug.clone(), started.stdout, started.stdin);
    match timeout(launch.timeout, Ear(shared.clone()).serve_with_lifecycle(wire, mode)).await {
        Ok(Ok(running)) => Ok(Local { child, running }),
        Ok(Err(error)) => {
            let ended = child::farewell(child::end(&mut child).await);
            let silent =
                || format!("{ended} It had not begun to speak MCP; what it printed is in the log at level debug.");
            Err((why_not(shared, &error, silent), Blame::Greeting))
        }
        Err(_) => {
            child::kill(&mut child).await;
            Err((too_slow(launch.timeout), Blame::Other))
        }
    }
}

pub(super) fn too_slow(limit: Duration) -> String {
    format!("The server did not begin to speak MCP within {limit:?}.")
}

/// Why a conversation did not begin; where no message came at all, by what else is known.
pub(super) fn why_not(shared: &Shared, error: &ClientInitializeError, silent: impl FnOnce() -> String) -> String {
    match error {
        ClientInitializeError::ConnectionClosed(_) | ClientInitializeError::TransportError { .. } => silent(),
        ClientInitializeError::JsonRpcError(error) => {
            format!("The server refused to begin: {}", shared.quote(&error.message))
        }
        ClientInitializeError::NoCompatibleProtocolVersion { .. } => {
            "The server speaks no version of MCP that we speak.".to_owned()
        }
        _ => "The server's first answer was not understood.".to_owned(),
    }
}

impl Local {
    /// Until the process ends.
    async fn live(self, shared: &Arc<Shared>, ends: u64) -> End {
        let Self { mut child, running } = self;
        let peer = running.peer().clone();
        let close = running.cancellation_token();
        let steady = Arc::new(AtomicBool::new(true));
        let subscribing =
            Subscribing { shared: shared.clone(), peer: peer.clone(), steady: steady.clone(), again: false };
        let _listening = subscribing.begin();
        let mut over = pin!(running.waiting().fuse());
        let stuck = Arc::new(Notify::new());
        shared.phase.send_replace(Phase::Up(Live { ends, peer, stuck: stuck.clone(), steady }));
        shared.tell(ConnectorChange::Connected);

        let (mut settled, mut settling) = (false, pin!(sleep(shared.pace.settled)));
        let (mut passing_on, mut asked) = (pin!(shared.pass_on_changes()), None);
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
                () = &mut passing_on => {}
            }
        }
        if let Some(calls_may_take) = asked {
            shared.last_calls(calls_may_take).await;
        }
        close.cancel();
        if !over.is_terminated() {
            let _quit = (&mut over).await;
        }
        let ended = child::end(&mut child).await;
        match asked {
            Some(_) => End::Asked,
            None => End::Down { reason: child::farewell(ended), settled },
        }
    }
}
