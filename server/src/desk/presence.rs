//! Whether a caller is there, and which request the same ask joins.
//!
//! Who waits is counted here, in memory; what follows from it is the domain's to say and the store's to keep. Nothing
//! runs for a caller that left before it was given an id to come back with.

use super::call::StoredCall;
use super::course::close;
use super::error::DeskError;
use super::execute::{enqueue, turn_down};
use super::fit::Unfit;
use super::{Desk, move_on};
use crate::audit::{Actor, Entry};
use crate::store::requests::{Request, presence};
use crate::store::timers::{Timer, TimerKind};
use crate::store::{self, Connection};
use countersign_domain::Timestamp;
use countersign_domain::execution::ExecutionErrorCode;
use countersign_domain::ids::RequestId;
use countersign_domain::presence::{ABSENCE, LONGEST_WAIT, REJOIN_WINDOW, Sameness, needs_caller};
use countersign_domain::request::{RequestEvent, RequestState};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Which callers wait for which request. Hooks have names, since several may wait for one and any of them may leave.
#[derive(Default)]
pub(super) struct Callers(Mutex<HashMap<RequestId, Vec<CallerName>>>);

/// What a hook calls itself; other callers have no name.
type CallerName = Option<Arc<str>>;

/// How long a hook that was answered has to ask on: it is counted between its calls too.
const BETWEEN_CALLS: Duration = Duration::from_secs(5);

impl Callers {
    fn there(&self) -> MutexGuard<'_, HashMap<RequestId, Vec<CallerName>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn come(&self, id: RequestId, name: CallerName) {
        self.there().entry(id).or_default().push(name);
    }

    /// True when the last one went.
    fn go(&self, id: RequestId, name: &CallerName) -> bool {
        let mut there = self.there();
        let Some(callers) = there.get_mut(&id) else { return false };
        if let Some(at) = callers.iter().position(|caller| caller == name) {
            callers.swap_remove(at);
        }
        callers.is_empty() && there.remove(&id).is_some()
    }

    /// A hook leaves for good, in all of its calls; true when nobody else waits.
    fn leave(&self, id: RequestId, hook: &str) -> bool {
        let mut there = self.there();
        let Some(callers) = there.get_mut(&id) else { return true };
        callers.retain(|caller| caller.as_deref() != Some(hook));
        callers.is_empty() && there.remove(&id).is_some()
    }

    pub(super) fn wait_for(&self, id: RequestId) -> bool {
        self.there().contains_key(&id)
    }
}

/// A caller that waits for its request. Dropping it says that the caller left.
pub struct Waiting {
    desk: Desk,
    id: RequestId,
    name: CallerName,
    /// Whether it is noted when it leaves: whoever has an id, or whose call has begun, may be away.
    is_missed: bool,
}

impl Waiting {
    /// A hook was answered and is to ask on: it still waits until it had the time to.
    pub fn asks_on(self) {
        tokio::spawn(async move {
            tokio::time::sleep(BETWEEN_CALLS).await;
            drop(self);
        });
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.desk.inner.callers.go(self.id, &self.name) || !self.is_missed {
            return;
        }
        let (desk, id) = (self.desk.clone(), self.id);
        // Without a runtime the process ends, and the next start counts every caller as gone.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = desk.note_absence(id).await {
                    tracing::warn!(request.id = %id, %error, "that a caller left could not be noted");
                }
            });
        }
    }
}

impl Desk {
    /// A caller begins to wait for its request, by the name that a hook gave itself. Where the same ask does not join,
    /// nobody minds whether it stays.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn wait_for(&self, request: &Request, hook: Option<&str>) -> Result<Option<Waiting>, DeskError> {
        if !request.door.rejoins() {
            return Ok(None);
        }
        let (id, name, is_missed) = (request.id, hook.map(Arc::from), matters(request));
        self.inner.callers.come(id, Option::clone(&name));
        let waiting = Waiting { desk: self.clone(), id, name, is_missed };
        if is_missed {
            let mut connection = self.store().read().await?;
            // Read after the caller was counted: whoever notes an absence from now on sees that somebody is there.
            let now = store::requests::by_id(&mut connection, id).await?;
            drop(connection);
            if now.is_some_and(|now| now.away_at.is_some()) {
                self.come_back(id).await?;
            }
        }
        Ok(Some(waiting))
    }

    /// A hook was given an id and goes on to wait with it.
    pub fn expect(&self, request: &Request, hook: &str) {
        let name = Some(Arc::from(hook));
        self.inner.callers.come(request.id, Option::clone(&name));
        Waiting { desk: self.clone(), id: request.id, name, is_missed: false }.asks_on();
    }

    /// Whether nobody else waits for a request that a hook no longer waits for.
    pub(super) fn is_left_by(&self, id: RequestId, hook: &str) -> bool {
        self.inner.callers.leave(id, hook)
    }

    /// Whether a request may not begin since nobody waits for it, which is noted; in the writer's turn.
    pub(super) async fn is_missing_its_caller(
        &self,
        connection: &mut Connection,
        request: &Request,
        now: Timestamp,
    ) -> Result<bool, DeskError> {
        if !matters(request) || self.inner.callers.wait_for(request.id) {
            return Ok(false);
        }
        if request.away_at.is_none() {
            leave(connection, request, now).await?;
        }
        Ok(true)
    }

    /// The last caller left. Whoever has an id may be away as long as it likes.
    async fn note_absence(&self, id: RequestId) -> Result<(), DeskError> {
        let desk = self.clone();
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    let now = desk.now();
                    let Some(request) = store::requests::by_id(connection, id).await? else { return Ok(()) };
                    desk.is_missing_its_caller(connection, &request, now).await.map(drop)
                })
            })
            .await?;
        self.inner.timers.notify_one();
        // Of one that leaves and one that comes in the same moment, the second must win.
        match self.inner.callers.wait_for(id) {
            true => self.come_back(id).await,
            false => Ok(()),
        }
    }

    /// A caller is there again: what was approved meanwhile may begin.
    pub(super) async fn come_back(&self, id: RequestId) -> Result<(), DeskError> {
        let desk = self.clone();
        let approved = self
            .store()
            .write(move |connection| {
                Box::pin(async move {
                    let Some(request) = store::requests::by_id(connection, id).await? else { return Ok(false) };
                    if request.away_at.is_none() {
                        return Ok(false);
                    }
                    welcome(connection, &request, desk.now()).await
                })
            })
            .await?;
        if approved {
            self.begin_soon(id);
        }
        Ok(())
    }

    /// Gives a caller an id to come back with: from now on the request goes its way without it.
    ///
    /// # Errors
    /// When the store fails; then the caller must not be told the id.
    pub async fn hand_over(&self, id: RequestId) -> Result<(), DeskError> {
        let desk = self.clone();
        let approved = self
            .store()
            .write(move |connection| {
                Box::pin(async move {
                    let now = desk.now();
                    let Some(request) = store::requests::by_id(connection, id).await? else { return Ok(false) };
                    if request.handed_at.is_some() {
                        return Ok(false);
                    }
                    let approved = request.away_at.is_some() && welcome(connection, &request, now).await?;
                    presence::handed(connection, id, now).await?;
                    store::timers::clear(connection, id, TimerKind::Absent).await?;
                    Ok::<_, DeskError>(approved)
                })
            })
            .await?;
        if approved {
            self.begin_soon(id);
        }
        Ok(())
    }

    /// Notes that the caller heard how its request ended: the same ask is a new one from now on.
    ///
    /// # Errors
    /// When the store fails; then the same ask would hear the same end once more.
    pub async fn note_delivery(&self, request: &Request) -> Result<(), DeskError> {
        if request.fingerprint.is_none() {
            return Ok(());
        }
        let id = request.id;
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    store::timers::clear(connection, id, TimerKind::Absent).await?;
                    Ok::<_, DeskError>(presence::delivered(connection, id).await?)
                })
            })
            .await
    }

    /// The caller had its time to come back: what still waits is withdrawn, what was approved is not begun.
    ///
    /// # Errors
    /// When the store fails; the timer stands and is tried again.
    pub async fn give_up_on_caller(&self, timer: Timer) -> Result<(), DeskError> {
        let (desk, id) = (self.clone(), timer.request_id);
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    let now = desk.now();
                    if desk.inner.callers.wait_for(id) {
                        let later = Timer { due_at: now + LONGEST_WAIT, ..timer };
                        return Ok::<_, DeskError>(store::timers::set(connection, later).await?);
                    }
                    store::timers::clear(connection, id, TimerKind::Absent).await?;
                    match store::requests::by_id(connection, id).await? {
                        Some(request) if matters(&request) => desk.give_up(connection, request, now).await,
                        _ => Ok(()),
                    }
                })
            })
            .await?;
        self.announce();
        Ok(())
    }

    async fn give_up(
        &self,
        connection: &mut Connection,
        mut request: Request,
        now: Timestamp,
    ) -> Result<(), DeskError> {
        let id = request.id;
        presence::delivered(connection, id).await?;
        if request.state == RequestState::Approved {
            let why = "Its caller left before it was given an id, and did not come back. Nothing was sent.".to_owned();
            return turn_down(connection, &mut request, Unfit(ExecutionErrorCode::NotSent, why), now).await;
        }
        request.state =
            request.state.after(RequestEvent::Withdraw).map_err(|_| DeskError::Internal("not pending".into()))?;
        close(connection, &self.snapshot(), &request, None, now).await?;
        let entry = Entry::of_request(now, Actor::Desk, "approval.withdrawn", id);
        store::audit::append(connection, entry.with(json!({"caller_gone": true}))).await?;
        move_on(connection, &mut request, now).await?;
        Ok(())
    }

    /// The request that an ask joins, if it joins one; in the writer's turn.
    pub(super) async fn join(
        &self,
        connection: &mut Connection,
        ask: &Request,
        now: Timestamp,
    ) -> Result<Option<Request>, DeskError> {
        let Some(fingerprint) = &ask.fingerprint else { return Ok(None) };
        let Some(open) = presence::joinable(connection, fingerprint, now - REJOIN_WINDOW).await? else {
            return Ok(None);
        };
        // A call that nobody was asked about and whose caller is still there is that caller's alone.
        if open.flow.is_none() && !open.state.is_terminal() && self.inner.callers.wait_for(open.id) {
            return Ok(None);
        }
        Ok(Some(open))
    }

    /// The timer that misses a caller which nobody says has left.
    pub(super) fn absence_of(request: &Request, now: Timestamp) -> Timer {
        Timer { request_id: request.id, kind: TimerKind::Absent, due_at: now + LONGEST_WAIT + ABSENCE }
    }
}

/// What an ask is known by.
pub(super) fn fingerprint(request: &Request, call: &StoredCall) -> Result<String, DeskError> {
    let ask = Sameness {
        agent: request.agent_id,
        requester: request.requester_id,
        connector: request.connector_id,
        tool: &request.tool,
        schema_hash: &request.schema_hash,
        arguments: call.arguments.value()?,
        target: &call.target,
        credential: request.credential,
        session: request.session_id.as_deref(),
    };
    Ok(ask.fingerprint()?)
}

fn matters(request: &Request) -> bool {
    needs_caller(request.door, request.state, request.ends_approved(), request.handed_at.is_some())
}

/// The caller is away from now on, and has its time to come back.
async fn leave(connection: &mut Connection, request: &Request, now: Timestamp) -> Result<(), DeskError> {
    presence::set_away(connection, request.id, Some(now)).await?;
    let timer = Timer { request_id: request.id, kind: TimerKind::Absent, due_at: now + ABSENCE };
    Ok(store::timers::set(connection, timer).await?)
}

/// True when the request was approved while its caller was away, and may begin now.
async fn welcome(connection: &mut Connection, request: &Request, now: Timestamp) -> Result<bool, DeskError> {
    presence::set_away(connection, request.id, None).await?;
    let approved = request.state == RequestState::Approved && !request.ends_approved();
    if approved {
        enqueue(connection, request, now).await?;
    }
    Ok(approved)
}
