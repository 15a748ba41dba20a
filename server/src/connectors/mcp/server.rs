//! One MCP server: its process is started, watched, started again with back-off, and stopped, by one task; calls
//! wait for it to be up and then talk to it side by side.

use super::tools::{self, DiscoveredTool, LONGEST_LIST, MOST_PAGES, MOST_TOOLS, Page};
use super::wire::{Departure, Wire};
use super::{Pace, child, result};
use crate::connectors::scrub::Scrubber;
use crate::connectors::{ConnectorChange, ConnectorEvent, ConnectorSpec, Settings};
use countersign_domain::canonical::Canonical;
use countersign_domain::execution::Attempt;
use countersign_domain::ids::ConnectorId;
use futures::FutureExt as _;
use futures::future::FusedFuture as _;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CancelledNotificationParam, ClientCapabilities, ClientConfig,
    ClientRequest, CustomResult, ErrorCode, GetExtensions as _, Implementation, ListToolsRequest, NumberOrString,
    PaginatedRequestParams, ProtocolVersion, ServerResult, SubscriptionFilter,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, ClientServiceExt as _, NotificationContext, PeerRequestOptions,
    RunningService, ServiceError,
};
use rmcp::{ClientHandler, Peer, RoleClient};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Child;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::{sleep, timeout};

/// The versions without a handshake; where the server speaks none of them, the handshake settles an older one.
const VERSIONS: [ProtocolVersion; 1] = [ProtocolVersion::V_2026_07_28];

/// How long the other side's words in an error may be.
const LONGEST_REASON: usize = 300;

/// How many processes may end one after the other before a request gives up on finding one that takes it.
const MOST_GONE: usize = 3;

const GONE: &str = "The server's process ended before it took the call.";

/// How a server is started.
pub(super) struct Launch {
    id: ConnectorId,
    slug: String,
    command: Vec<String>,
    env: Vec<(String, SecretString)>,
    timeout: Duration,
}

impl Launch {
    pub(super) fn of(connector: &ConnectorSpec) -> Option<Self> {
        let Settings::Mcp { command, env, timeout } = &connector.settings else { return None };
        Some(Self {
            id: connector.id,
            slug: connector.slug.clone(),
            command: command.clone(),
            env: env.clone(),
            timeout: *timeout,
        })
    }

    fn is_like(&self, other: &Self) -> bool {
        let same_variable = |(ours, theirs): (&(String, SecretString), &(String, SecretString))| {
            ours.0 == theirs.0 && ours.1.expose_secret() == theirs.1.expose_secret()
        };
        self.command == other.command
            && self.env.len() == other.env.len()
            && self.env.iter().zip(&other.env).all(same_variable)
    }
}

/// Where the process stands.
#[derive(Clone)]
enum Phase {
    Starting,
    Up(Live),
    /// After so many ends, and why the last one was.
    Down(u64, String),
    /// Ends its last calls.
    Stopping,
    Stopped,
}

/// A process that can be asked, and how many were before it.
#[derive(Clone)]
struct Live {
    ends: u64,
    peer: Peer<RoleClient>,
    /// Tells that it no longer reads what is sent.
    stuck: Arc<Notify>,
}

/// Why there is no result.
enum Failure {
    /// The process had ended, or was about to, and took nothing.
    Gone,
    NotSent(String),
    Unknown(String),
    /// A JSON-RPC error: its code and message.
    Refused(ErrorCode, String),
}

/// A handle on a server. The server runs until it is stopped, whoever holds one.
#[derive(Clone)]
pub(super) struct Server(Arc<Shared>);

struct Shared {
    launch: Launch,
    pace: Pace,
    scrubber: Scrubber,
    events: broadcast::Sender<ConnectorEvent>,
    phase: watch::Sender<Phase>,
    /// Calls under way.
    calls: watch::Sender<usize>,
    /// Set once: to stop, and how long calls under way may take.
    stop: watch::Sender<Option<Duration>>,
    /// Cuts a back-off short.
    wake: Notify,
    /// The server says that its tools changed.
    changed: Notify,
}

impl Server {
    pub(super) fn start(launch: Launch, pace: Pace, events: broadcast::Sender<ConnectorEvent>) -> Self {
        let shared = Arc::new(Shared {
            scrubber: Scrubber::of_environment(&launch.env),
            launch,
            pace,
            events,
            phase: watch::Sender::new(Phase::Starting),
            calls: watch::Sender::new(0),
            stop: watch::Sender::new(None),
            wake: Notify::new(),
            changed: Notify::new(),
        });
        tokio::spawn(look_after(shared.clone()));
        Self(shared)
    }

    pub(super) fn was_launched_as(&self, launch: &Launch) -> bool {
        self.0.launch.is_like(launch)
    }

    pub(super) fn longest_call(&self) -> Duration {
        self.0.launch.timeout
    }

    /// Lets calls under way end for a while; new ones are refused from now on.
    pub(super) fn stop(&self, calls_may_take: Duration) {
        self.0.stop.send_replace(Some(calls_may_take));
    }

    pub(super) async fn stopped(&self) {
        let mut phase = self.0.phase.subscribe();
        drop(phase.wait_for(|phase| matches!(phase, Phase::Stopped)).await);
    }

    pub(super) async fn call(&self, tool: &str, arguments: &Canonical, limit: Duration) -> Attempt {
        let Ok(Value::Object(arguments)) = arguments.value() else {
            return Attempt::NotSent("The arguments are no JSON object.".to_owned());
        };
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let _under_way = UnderWay::enter(&self.0.calls);
        let answer = match self.up().await {
            Ok(live) => self.ask(live, &request, limit).await,
            Err(sentence) => return Attempt::NotSent(sentence),
        };
        match answer {
            Ok(text) => result::of_result(text, &self.0.scrubber),
            Err(Failure::Refused(_, message)) => result::of_error(&message, &self.0.scrubber),
            Err(Failure::Gone) => Attempt::NotSent(GONE.to_owned()),
            Err(Failure::NotSent(sentence)) => Attempt::NotSent(sentence),
            Err(Failure::Unknown(sentence)) => Attempt::Unknown(sentence),
        }
    }

    pub(super) async fn list_tools(&self, limit: Duration) -> Result<Vec<DiscoveredTool>, String> {
        let _under_way = UnderWay::enter(&self.0.calls);
        let live = self.up_now().await?;
        let (mut listed, mut cursor, mut size) = (Vec::new(), None, 0);
        for _ in 0..MOST_PAGES {
            let params = PaginatedRequestParams::default().with_cursor(cursor);
            let request = ClientRequest::ListToolsRequest(ListToolsRequest::with_param(params));
            let text = match self.ask(live.clone(), &request, limit).await {
                Ok(text) => text,
                // A server of prompts and resources only.
                Err(Failure::Refused(ErrorCode::METHOD_NOT_FOUND, _)) => return Ok(Vec::new()),
                Err(Failure::Refused(_, message)) => {
                    return Err(format!("The server refused to list its tools: {}", self.0.quote(&message)));
                }
                Err(Failure::Gone) => return Err(GONE.to_owned()),
                Err(Failure::NotSent(sentence) | Failure::Unknown(sentence)) => return Err(sentence),
            };
            size += text.len();
            let page: Page =
                serde_json::from_str(&text).map_err(|_| "The server's list of tools was not understood.")?;
            listed.extend(page.tools);
            if size > LONGEST_LIST || listed.len() > MOST_TOOLS {
                return Err(format!("The server lists more than {MOST_TOOLS} tools or {LONGEST_LIST} bytes."));
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(self.readable(listed));
            }
        }
        Err("The server's list of tools does not end.".to_owned())
    }

    fn readable(&self, listed: Vec<Value>) -> Vec<DiscoveredTool> {
        let (tools, skipped) = tools::read(listed);
        if skipped > 0 {
            let connector = &self.0.launch.slug;
            tracing::warn!(connector, skipped, "An MCP server lists tools with names or schemas that can't be offered");
        }
        tools
    }

    /// The other side, waiting for it to start, and for a moment to come back.
    async fn up(&self) -> Result<Live, String> {
        let mut phase = self.0.phase.subscribe();
        if matches!(*phase.borrow(), Phase::Down(..)) {
            let back = phase.wait_for(|phase| !matches!(phase, Phase::Starting | Phase::Down(..)));
            drop(timeout(self.0.pace.grace, back).await);
        }
        self.settled(phase).await
    }

    /// The other side, starting it at once where it waits for its back-off to end.
    async fn up_now(&self) -> Result<Live, String> {
        let mut phase = self.0.phase.subscribe();
        let ends = match &*phase.borrow() {
            Phase::Down(ends, _) => *ends,
            _ => 0,
        };
        if ends > 0 {
            self.0.wake.notify_one();
            let moved = phase.wait_for(|phase| !matches!(phase, Phase::Down(now, _) if *now == ends));
            drop(timeout(self.0.launch.timeout, moved).await);
        }
        self.settled(phase).await
    }

    async fn settled(&self, mut phase: watch::Receiver<Phase>) -> Result<Live, String> {
        // Starting may take two tries, each as long as a call may be.
        let limit = self.0.launch.timeout * 2;
        let settled = timeout(limit, phase.wait_for(|phase| !matches!(phase, Phase::Starting))).await;
        let Ok(Ok(phase)) = settled else { return Err(format!("The server did not start within {limit:?}.")) };
        match &*phase {
            Phase::Up(live) => Ok(live.clone()),
            Phase::Down(_, reason) => Err(reason.clone()),
            Phase::Starting | Phase::Stopping | Phase::Stopped => Err("The server was just stopped.".to_owned()),
        }
    }

    /// Asks, and asks the next process where the last one ended without taking a byte of the request: it is as if it
    /// had not been asked, so this is no second try.
    async fn ask(&self, mut live: Live, request: &ClientRequest, limit: Duration) -> Result<String, Failure> {
        for _ in 0..MOST_GONE {
            match self.ask_once(&live, request.clone(), limit).await {
                Err(Failure::Gone) => {}
                answer => return answer,
            }
            let mut phase = self.0.phase.subscribe();
            let noticed = phase.wait_for(|phase| !matches!(phase, Phase::Up(now) if now.ends == live.ends));
            drop(timeout(self.0.pace.grace, noticed).await);
            live = self.up().await.map_err(Failure::NotSent)?;
        }
        Err(Failure::Gone)
    }

    /// Sends one request and waits for the text of its result.
    async fn ask_once(&self, live: &Live, mut request: ClientRequest, limit: Duration) -> Result<String, Failure> {
        let departure = Departure::default();
        request.extensions_mut().insert(departure.clone());
        let mut id = None;
        let answer = timeout(limit, async {
            let handle = live.peer.send_cancellable_request(request, PeerRequestOptions::no_options()).await?;
            id = Some(handle.id.clone());
            handle.await_response().await
        });
        match answer.await {
            Ok(Ok(ServerResult::CustomResult(CustomResult(Value::String(text))))) => Ok(text),
            Ok(Err(ServiceError::McpError(error))) => Err(Failure::Refused(error.code, error.message.into_owned())),
            Ok(_) if departure.abandon() => Err(Failure::Gone),
            Ok(_) => Err(Failure::Unknown("The server's process ended before it answered.".to_owned())),
            Err(_) => Err(give_up(live, id, &departure, limit)),
        }
    }
}

fn give_up(live: &Live, id: Option<NumberOrString>, departure: &Departure, limit: Duration) -> Failure {
    let unsent = departure.abandon();
    if departure.has_left() {
        let (peer, why) = (live.peer.clone(), CancelledNotificationParam::new(id, Some("timed out".to_owned())));
        tokio::spawn(async move { timeout(Duration::from_secs(1), peer.notify_cancelled(why)).await });
    } else {
        live.stuck.notify_one();
    }
    match unsent {
        true => Failure::NotSent(format!("The server took no call within {limit:?}.")),
        false => Failure::Unknown(format!("No answer came within {limit:?}.")),
    }
}

impl Shared {
    fn tell(&self, change: ConnectorChange) {
        // Nobody needs to listen.
        let _listeners = self.events.send(ConnectorEvent { connector: self.launch.id, change });
    }

    /// The other side's words: without our secrets, without control characters, not too many.
    fn quote(&self, message: &str) -> String {
        let visible = |c: char| if c.is_control() { ' ' } else { c };
        self.scrubber.text(message.to_owned()).chars().map(visible).take(LONGEST_REASON).collect()
    }

    async fn asked_to_stop(&self) -> Duration {
        let mut stop = self.stop.subscribe();
        let asked = stop.wait_for(Option::is_some).await;
        asked.ok().and_then(|calls_may_take| *calls_may_take).unwrap_or_default()
    }
}

/// Counts a call for as long as it is under way.
struct UnderWay<'a>(&'a watch::Sender<usize>);

impl<'a> UnderWay<'a> {
    fn enter(calls: &'a watch::Sender<usize>) -> Self {
        calls.send_modify(|calls| *calls += 1);
        Self(calls)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|calls| *calls -= 1);
    }
}

/// Starts the process, watches it, and starts it again, until asked to stop.
async fn look_after(shared: Arc<Shared>) {
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
            shared.changed.notify_one();
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
        self.0.changed.notify_one();
    }

    fn get_info(&self) -> ClientConfig {
        let us = Implementation::new("countersign", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), us)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }
}
