//! How a held call waits (architecture, 5). Lane A gives a client that knows tasks a task after five seconds. Lane B holds
//! the answer for as long as the agent's wait budget says, with progress for who asked for it. Lane C says what to do when
//! that was not long enough. Whoever was given a task or an id has a handle, and the request goes on without it.

use super::progress::Teller;
use super::{Gateway, presence, result};
use crate::desk::{AgentCaller, ClaimKey, Desk, DeskError, Sending, Wait};
use crate::store::requests::Request;
use countersign_domain::ids::RequestId;
use countersign_domain::request::{RequestKind, RequestState};
use countersign_wire::problem::Code;
use rmcp::RoleServer;
use rmcp::model::{CallToolResponse, CallToolResult, CreateTaskResult, ProtocolVersion};
use rmcp::service::RequestContext;
use std::time::Duration;

/// How long a client that knows tasks is held before it is given one.
const BEFORE_A_TASK: Duration = Duration::from_secs(5);
/// How long `await_approval` holds at most; most clients give up after 60 seconds.
const LONGEST_AWAIT: Duration = Duration::from_secs(50);
/// Longer than any wait, which counts by the desk's clock.
const LONGER: Duration = Duration::from_secs(2 * 60 * 60);

/// How a call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// It becomes a task.
    Task,
    /// It is held, and then told to come back.
    Hold,
}

impl Lane {
    /// By what the client says of itself in this request. A client of an older revision can't read a task, whatever
    /// capabilities it names.
    pub(super) fn of(context: &RequestContext<RoleServer>) -> Self {
        let stateless = context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28);
        let tasks = context.client_capabilities().is_some_and(|capabilities| capabilities.supports_tasks());
        if stateless && tasks { Self::Task } else { Self::Hold }
    }

    /// How long a call of this agent's is held.
    fn patience(self, gateway: &Gateway, caller: &AgentCaller) -> Duration {
        match self {
            Self::Task => BEFORE_A_TASK,
            Self::Hold => gateway.desk.wait_budget(caller),
        }
    }
}

/// Waits for a call that is under way.
pub(super) async fn for_attempt(
    gateway: &Gateway,
    caller: &AgentCaller,
    request: Box<Request>,
    mut sending: Sending,
    lane: Lane,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, DeskError> {
    let _waiting = gateway.desk.wait_for(&request, None).await?;
    let mut teller = Teller::of_allowed(gateway, context, sending.following());
    tokio::select! {
        attempt = sending.attempt() => {
            teller.tell_rest().await;
            return Ok(result::of_attempt(&request, attempt).into());
        }
        () = teller.tell_for(lane.patience(gateway, caller)) => {}
        () = gone(context) => return Ok(result::pending(&request).into()),
        () = gateway.stopped() => {}
    }
    hand_over(gateway, &request, lane).await
}

/// Waits for a request to end.
pub(super) async fn for_end(
    gateway: &Gateway,
    caller: &AgentCaller,
    request: Box<Request>,
    lane: Lane,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, DeskError> {
    let _waiting = gateway.desk.wait_for(&request, None).await?;
    let id = request.id;
    drop(request);
    match wait(gateway, caller, id, lane.patience(gateway, caller), context).await? {
        Waited::Over(request) if request.has_ended() => Ok(deliver(&gateway.desk, caller, &request).await?.into()),
        Waited::Over(request) => hand_over(gateway, &request, lane).await,
        Waited::Alone(request) => Ok(result::pending(&request).into()),
    }
}

/// Waits for a request by its id, as `await_approval` does.
pub(super) async fn await_approval(
    gateway: &Gateway,
    caller: &AgentCaller,
    id: RequestId,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResult, DeskError> {
    // Whoever knows the id has a handle.
    gateway.desk.request_of(caller, id).await?;
    gateway.desk.hand_over(id).await?;
    let limit = gateway.desk.wait_budget(caller).min(LONGEST_AWAIT);
    match wait(gateway, caller, id, limit, context).await? {
        Waited::Over(request) if request.has_ended() => deliver(&gateway.desk, caller, &request).await,
        Waited::Over(request) | Waited::Alone(request) => Ok(result::pending(&request)),
    }
}

/// How a wait was over.
enum Waited {
    /// It ended, or the time did; or the server stops, and says so while the caller still listens.
    Over(Box<Request>),
    /// The caller hung up, and nothing is handed over.
    Alone(Box<Request>),
}

/// The request when it has ended, or as it is when the wait is over.
async fn wait(
    gateway: &Gateway,
    caller: &AgentCaller,
    id: RequestId,
    limit: Duration,
    context: &RequestContext<RoleServer>,
) -> Result<Waited, DeskError> {
    let mut teller = Teller::of_held(gateway, context, || gateway.desk.follow(id));
    tokio::select! {
        // First: what ends as its caller hangs up is not told to nobody.
        biased;
        () = gone(context) => gateway.desk.request_of(caller, id).await.map(Waited::Alone),
        moved = gateway.desk.await_request(caller, id, Wait::ForEnd(LONGER)) => {
            teller.tell_rest().await;
            moved.map(Waited::Over)
        }
        () = gateway.stopped() => gateway.desk.request_of(caller, id).await.map(Waited::Over),
        () = teller.tell_for(limit) => gateway.desk.request_of(caller, id).await.map(Waited::Over),
    }
}

/// Comes back when the caller has hung up or cancelled.
async fn gone(context: &RequestContext<RoleServer>) {
    let hung_up = async {
        match presence(context) {
            Some(presence) => presence.cancelled_owned().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = hung_up => {}
        () = context.ct.cancelled() => {}
    }
}

/// The caller gets a task, or the id to come back with.
async fn hand_over(gateway: &Gateway, request: &Request, lane: Lane) -> Result<CallToolResponse, DeskError> {
    gateway.desk.hand_over(request.id).await?;
    Ok(match lane {
        Lane::Task => CallToolResponse::Task(CreateTaskResult::new(super::tasks::of(request))),
        Lane::Hold => result::pending(request).into(),
    })
}

/// The caller hears how it ended. What the agent does itself is claimed for it here, for whoever of it asks by MCP: a
/// task that is read again and a second caller who waited hear the same.
pub(super) async fn deliver(desk: &Desk, caller: &AgentCaller, request: &Request) -> Result<CallToolResult, DeskError> {
    if request.kind == RequestKind::Call && request.state == RequestState::Approved {
        return match desk.claim(caller, request.id, Some(ClaimKey::Gateway)).await {
            Ok(claim) => Ok(result::leave(request, &claim.arguments)),
            Err(DeskError::Refused(refusal)) if refusal.code == Code::AlreadyClaimed => Ok(result::claimed(request)),
            Err(error) => Err(error),
        };
    }
    let told = result::of_ended(desk, request)?;
    desk.note_delivery(request).await?;
    Ok(told)
}
