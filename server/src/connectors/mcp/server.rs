//! One MCP server as its callers see it: they wait for its process to be up and then talk to it side by side.
//!
//! Whether a request left is told by its departure; one that never left a process that ended goes to the next.

use super::life::look_after;
use super::tools::{self, DiscoveredTool, LONGEST_LIST, MOST_PAGES, MOST_TOOLS, Page};
use super::wire::Departure;
use super::{Pace, result};
use crate::connectors::scrub::Scrubber;
use crate::connectors::{ConnectorChange, ConnectorEvent, ConnectorSpec, Outgoing, Settings};
use countersign_domain::execution::Attempt;
use countersign_domain::ids::ConnectorId;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CancelledNotificationParam, ClientRequest, CustomResult, ErrorCode,
    GetExtensions as _, ListToolsRequest, NumberOrString, PaginatedRequestParams, ServerResult,
};
use rmcp::service::{PeerRequestOptions, ServiceError};
use rmcp::{Peer, RoleClient};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::timeout;

/// How long the other side's words in an error may be.
const LONGEST_REASON: usize = 300;

/// How many processes may end one after the other before a request gives up on finding one that takes it.
const MOST_GONE: usize = 3;

const GONE: &str = "The server's process ended before it took the call.";

/// How a server is started.
pub(super) struct Launch {
    id: ConnectorId,
    pub(super) slug: String,
    pub(super) command: Vec<String>,
    pub(super) env: Vec<(String, SecretString)>,
    pub(super) timeout: Duration,
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
pub(super) enum Phase {
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
pub(super) struct Live {
    pub(super) ends: u64,
    pub(super) peer: Peer<RoleClient>,
    /// Tells that it no longer reads what is sent.
    pub(super) stuck: Arc<Notify>,
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

pub(super) struct Shared {
    pub(super) launch: Launch,
    pub(super) pace: Pace,
    scrubber: Scrubber,
    events: broadcast::Sender<ConnectorEvent>,
    pub(super) phase: watch::Sender<Phase>,
    /// Calls under way.
    pub(super) calls: watch::Sender<usize>,
    /// Set once: to stop, and how long calls under way may take.
    stop: watch::Sender<Option<Duration>>,
    /// Cuts a back-off short.
    pub(super) wake: Notify,
    /// The server says that its tools changed.
    pub(super) changed: Notify,
    listed: Mutex<Listed>,
}

/// The definitions that a process listed, by tool, as their hashes.
type Definitions = Arc<HashMap<String, String>>;

/// What was listed last, and by which process; forgotten when it says that its tools changed.
#[derive(Default)]
struct Listed {
    /// Counts the changes that were told.
    changes: u64,
    last: Option<(u64, Definitions)>,
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
            listed: Mutex::default(),
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

    pub(super) async fn call(&self, outgoing: &Outgoing, limit: Duration) -> Attempt {
        let Ok(Value::Object(arguments)) = outgoing.arguments.value() else {
            return Attempt::NotSent("The arguments are no JSON object.".to_owned());
        };
        let params = CallToolRequestParams::new(outgoing.tool.clone()).with_arguments(arguments);
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let approved = outgoing.schema_hash.as_deref().map(|hash| (outgoing.tool.as_str(), hash));
        let _under_way = UnderWay::enter(&self.0.calls);
        let answer = match self.up().await {
            Ok(live) => self.ask(live, &request, approved, limit).await,
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

    /// All its tools, within a time in all.
    pub(super) async fn list_tools(&self, limit: Duration) -> Result<Vec<DiscoveredTool>, String> {
        match timeout(limit, self.list_pages(limit)).await {
            Ok(listed) => listed,
            Err(_) => Err(format!("The server did not list its tools within {limit:?}.")),
        }
    }

    async fn list_pages(&self, limit: Duration) -> Result<Vec<DiscoveredTool>, String> {
        let _under_way = UnderWay::enter(&self.0.calls);
        let mut live = self.up_now().await?;
        for _ in 0..MOST_GONE {
            match self.list_of(&live, limit).await {
                Err(Failure::Gone) => live = self.next(&live).await?,
                Err(Failure::NotSent(sentence) | Failure::Unknown(sentence)) => return Err(sentence),
                Err(Failure::Refused(_, message)) => {
                    return Err(format!("The server refused to list its tools: {}", self.0.quote(&message)));
                }
                Ok(tools) => return Ok(tools),
            }
        }
        Err(GONE.to_owned())
    }

    /// What one process lists; kept, so that calls need not list again.
    async fn list_of(&self, live: &Live, limit: Duration) -> Result<Vec<DiscoveredTool>, Failure> {
        let changes = self.0.listed().changes;
        let (mut listed, mut cursor, mut size) = (Vec::new(), None, 0);
        for _ in 0..MOST_PAGES {
            let params = PaginatedRequestParams::default().with_cursor(cursor);
            let request = ClientRequest::ListToolsRequest(ListToolsRequest::with_param(params));
            let text = match self.ask_once(live, request, limit).await {
                // A server of prompts and resources only.
                Err(Failure::Refused(ErrorCode::METHOD_NOT_FOUND, _)) => return Ok(Vec::new()),
                answer => answer?,
            };
            size += text.len();
            let unread = |_| Failure::NotSent("The server's list of tools was not understood.".to_owned());
            let page: Page = serde_json::from_str(&text).map_err(unread)?;
            listed.extend(page.tools);
            if size > LONGEST_LIST || listed.len() > MOST_TOOLS {
                let most = format!("The server lists more than {MOST_TOOLS} tools or {LONGEST_LIST} bytes.");
                return Err(Failure::NotSent(most));
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                let tools = self.readable(listed);
                self.0.keep(live, changes, &tools);
                return Ok(tools);
            }
        }
        Err(Failure::NotSent("The server's list of tools does not end.".to_owned()))
    }

    /// Whether this process's tool is the one that was approved: it may be another version of the server than the one
    /// that was asked then.
    async fn check(&self, live: &Live, (tool, hash): (&str, &str), limit: Duration) -> Result<(), Failure> {
        let definitions = match self.0.definitions(live) {
            Some(definitions) => definitions,
            None => definitions(&self.list_of(live, limit).await.map_err(|failure| match failure {
                Failure::Gone => Failure::Gone,
                Failure::NotSent(sentence) | Failure::Unknown(sentence) => Failure::NotSent(sentence),
                Failure::Refused(_, message) => {
                    Failure::NotSent(format!("The server refused to list its tools: {}", self.0.quote(&message)))
                }
            })?),
        };
        if definitions.get(tool).is_some_and(|now| now == hash) {
            return Ok(());
        }
        // Whoever looks again sees what became of it.
        self.0.tell(ConnectorChange::ToolsChanged);
        Err(Failure::NotSent("The server's tool is not the one that was approved any more.".to_owned()))
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
    async fn ask(
        &self,
        mut live: Live,
        request: &ClientRequest,
        approved: Option<(&str, &str)>,
        limit: Duration,
    ) -> Result<String, Failure> {
        for _ in 0..MOST_GONE {
            let checked = match approved {
                Some(approved) => self.check(&live, approved, limit).await,
                None => Ok(()),
            };
            match checked {
                Ok(()) => match self.ask_once(&live, request.clone(), limit).await {
                    Err(Failure::Gone) => {}
                    answer => return answer,
                },
                Err(Failure::Gone) => {}
                Err(failure) => return Err(failure),
            }
            live = self.next(&live).await.map_err(Failure::NotSent)?;
        }
        Err(Failure::Gone)
    }

    /// The process after one that ended.
    async fn next(&self, gone: &Live) -> Result<Live, String> {
        let mut phase = self.0.phase.subscribe();
        let noticed = phase.wait_for(|phase| !matches!(phase, Phase::Up(now) if now.ends == gone.ends));
        drop(timeout(self.0.pace.grace, noticed).await);
        self.up().await
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

fn definitions(tools: &[DiscoveredTool]) -> Definitions {
    Arc::new(tools.iter().map(|tool| (tool.name.clone(), tool.schema_hash.clone())).collect())
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
    fn listed(&self) -> MutexGuard<'_, Listed> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn definitions(&self, live: &Live) -> Option<Definitions> {
        let listed = self.listed();
        listed.last.as_ref().filter(|(ends, _)| *ends == live.ends).map(|(_, definitions)| definitions.clone())
    }

    fn keep(&self, live: &Live, changes: u64, tools: &[DiscoveredTool]) {
        let mut listed = self.listed();
        // What changed while it was listed is listed again.
        if listed.changes == changes {
            listed.last = Some((live.ends, definitions(tools)));
        }
    }

    /// The server says that its tools changed.
    pub(super) fn tools_changed(&self) {
        let mut listed = self.listed();
        listed.changes += 1;
        listed.last = None;
        drop(listed);
        self.changed.notify_one();
    }

    pub(super) fn tell(&self, change: ConnectorChange) {
        // Nobody needs to listen.
        let _listeners = self.events.send(ConnectorEvent { connector: self.launch.id, change });
    }

    /// The other side's words: without our secrets, without control characters, not too many.
    pub(super) fn quote(&self, message: &str) -> String {
        let visible = |c: char| if c.is_control() { ' ' } else { c };
        self.scrubber.text(message.to_owned()).chars().map(visible).take(LONGEST_REASON).collect()
    }

    pub(super) async fn asked_to_stop(&self) -> Duration {
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
