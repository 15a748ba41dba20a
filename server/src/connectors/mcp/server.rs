//! One MCP server as its callers see it: they wait for its process to be up and then talk to it side by side.
//!
//! Whether a request left is told by its departure; one that never left a process that ended goes to the next.

use super::asking::{Failure, GONE, UnderWay};
use super::launch::Launch;
use super::life::look_after;
use super::listening::Rumours;
use super::listing::Listed;
use super::progress::Follower;
use super::{Pace, result};
use crate::connectors::scrub::Scrubber;
use crate::connectors::{ConnectorChange, ConnectorEvent, Outgoing};
use countersign_domain::execution::Attempt;
use rmcp::model::{CallToolRequest, CallToolRequestParams, ClientRequest, GetExtensions as _};
use rmcp::{Peer, RoleClient};
use serde_json::Value;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::timeout;

/// How long the other side's words in an error may be.
const LONGEST_REASON: usize = 300;

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
    /// Whether what it lists stays so until it says otherwise.
    pub(super) steady: Arc<AtomicBool>,
}

/// A handle on a server. The server runs until it is stopped, whoever holds one.
#[derive(Clone)]
pub(super) struct Server(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) launch: Launch,
    pub(super) pace: Pace,
    pub(super) scrubber: Scrubber,
    events: broadcast::Sender<ConnectorEvent>,
    pub(super) phase: watch::Sender<Phase>,
    /// Calls under way.
    pub(super) calls: watch::Sender<usize>,
    /// Set once: to stop, and how long calls under way may take.
    stop: watch::Sender<Option<Duration>>,
    /// Cuts a back-off short.
    pub(super) wake: Notify,
    pub(super) rumours: Rumours,
    pub(super) listed: Mutex<Listed>,
}

impl Server {
    pub(super) fn start(launch: Launch, pace: Pace, events: broadcast::Sender<ConnectorEvent>) -> Self {
        let shared = Arc::new(Shared {
            scrubber: launch.scrubber(),
            launch,
            pace,
            events,
            phase: watch::Sender::new(Phase::Starting),
            calls: watch::Sender::new(0),
            stop: watch::Sender::new(None),
            wake: Notify::new(),
            rumours: Rumours::default(),
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
        let mut request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        // Held here, for it hears for as long as the call is made.
        let follower = outgoing.progress.clone().map(|to| Follower::new(self.0.clone(), to));
        if let Some(follower) = &follower {
            request.extensions_mut().insert(follower.clone());
        }
        let approved = outgoing.schema_hash.as_deref().map(|hash| (outgoing.tool.as_str(), hash));
        let _under_way = UnderWay::enter(&self.0.calls);
        let answer = match self.up().await {
            Ok(live) => self.ask(live, &request, approved, limit).await,
            Err(sentence) => return Attempt::NotSent(sentence),
        };
        match answer {
            Ok(text) => result::of_result(text, &self.0.scrubber),
            Err(Failure::Refused(error)) => result::of_error(&error.message, &self.0.scrubber),
            Err(Failure::Answered(answer)) => Attempt::Answered(answer),
            Err(Failure::Gone) => Attempt::NotSent(GONE.to_owned()),
            Err(Failure::NotSent(sentence)) => Attempt::NotSent(sentence),
            Err(Failure::Unknown(sentence)) => Attempt::Unknown(sentence),
        }
    }

    /// The other side, waiting for it to start, and for a moment to come back.
    pub(super) async fn up(&self) -> Result<Live, String> {
        let mut phase = self.0.phase.subscribe();
        if matches!(*phase.borrow(), Phase::Down(..)) {
            let back = phase.wait_for(|phase| !matches!(phase, Phase::Starting | Phase::Down(..)));
            drop(timeout(self.0.pace.grace, back).await);
        }
        self.settled(phase).await
    }

    /// The other side, starting it at once where it waits for its back-off to end.
    pub(super) async fn up_now(&self) -> Result<Live, String> {
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
}

impl Shared {
    pub(super) fn tell(&self, change: ConnectorChange) {
        // Nobody needs to listen.
        let _listeners = self.events.send(ConnectorEvent { connector: self.launch.id, change });
    }

    /// The other side's words: without our secrets, without control characters, not too many.
    pub(super) fn quote(&self, message: &str) -> String {
        let visible = |c: char| if c.is_control() { ' ' } else { c };
        self.scrubber.text(message.to_owned()).chars().map(visible).take(LONGEST_REASON).collect()
    }

    /// Takes no more calls, and lets those under way end for a while.
    pub(super) async fn last_calls(&self, may_take: Duration) {
        self.phase.send_replace(Phase::Stopping);
        let mut calls = self.calls.subscribe();
        drop(timeout(may_take, calls.wait_for(|calls| *calls == 0)).await);
    }

    pub(super) async fn asked_to_stop(&self) -> Duration {
        let mut stop = self.stop.subscribe();
        let asked = stop.wait_for(Option::is_some).await;
        asked.ok().and_then(|calls_may_take| *calls_may_take).unwrap_or_default()
    }
}
