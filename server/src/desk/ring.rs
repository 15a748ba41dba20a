//! What is due of a request's flow. It acts once, never early, and never on a request that has ended.

use super::course::{Stage, close, stage};
use super::error::DeskError;
use super::execute::enqueue;
use super::grants::make;
use super::snapshot::{Snapshot, still_current};
use super::{Desk, move_on};
use crate::audit::{Actor, Entry};
use crate::store::requests::{DecidedBy, Request};
use crate::store::timers::{Timer, TimerKind};
use crate::store::{self, Connection};
use countersign_domain::Timestamp;
use countersign_domain::flow::{Ending, FlowEvent, FlowTimer};
use countersign_domain::ids::RequestId;
use countersign_domain::presence::REJOIN_WINDOW;
use countersign_domain::request::{RequestEvent, RequestState};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How long Idempotency-Keys live.
pub(super) const KEY_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long after its beginning an MCP session may outlive a restart.
const MCP_SESSION_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long it is kept what became of messages.
const DELIVERY_LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// How long streams may resume, and links that were used are kept.
const EVENT_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Desk {
    /// Does what is due of a request's flow: reminds, escalates, warns, lets it approve itself, ends it.
    ///
    /// # Errors
    /// When the store fails; the timer stands and is tried again.
    pub async fn ring(&self, id: RequestId) -> Result<(), DeskError> {
        let approved = self.with_snapshot(|snapshot| self.ring_once(snapshot, id)).await?;
        self.announce();
        if approved {
            self.begin_soon(id);
        }
        Ok(())
    }

    /// True when it approved itself.
    async fn ring_once(&self, snapshot: Arc<Snapshot>, id: RequestId) -> Result<bool, DeskError> {
        let mut connection = self.store().read().await?;
        let request = store::requests::by_id(&mut connection, id).await?;
        drop(connection);
        let looked = match request {
            Some(request) if self.is_about_to_approve_itself(&snapshot, &request) => {
                self.look_at(&snapshot, id).await?
            }
            _ => None,
        };
        let desk = self.clone();
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    still_current(connection, &snapshot).await?;
                    let now = desk.now();
                    let found = store::decisions::with_request(connection, id).await?;
                    let Some((mut request, votes)) = found.filter(|(found, _)| found.state == RequestState::Pending)
                    else {
                        store::timers::clear(connection, id, TimerKind::Flow).await?;
                        return Ok(false);
                    };
                    let mut fit = None;
                    if let Some(looked) = looked {
                        fit = Some(looked.still(&desk, connection, now).await?.1.is_ok());
                    }
                    let stage = stage(&snapshot, &request)?;
                    let before = request.course.clone();
                    while let Some((_, timer)) = stage.next_due(&request).filter(|(due, _)| *due <= now) {
                        let event = match (timer, fit) {
                            // It has become due since it was looked at.
                            (FlowTimer::AutoApprove, None) => return Err(DeskError::SnapshotOld),
                            // What it was asked under is not what it would run under: a person must look.
                            (FlowTimer::AutoApprove, Some(false)) => FlowEvent::HoldBack,
                            // Who was not told can't be said to have had nothing against it.
                            (FlowTimer::AutoApprove, _)
                                if store::deliveries::nobody_heard(connection, id, now).await? =>
                            {
                                FlowEvent::HoldBack
                            }
                            _ => FlowEvent::Rang(timer),
                        };
                        if let Some(ending) = stage.after(connection, &mut request, &votes, event, now).await? {
                            return end_unanswered(connection, &snapshot, request, ending, now).await;
                        }
                    }
                    match request.course == before {
                        // It rang early.
                        true => set_next(connection, &stage, &request).await?,
                        false => move_on(connection, &mut request, now).await?,
                    }
                    Ok::<_, DeskError>(false)
                })
            })
            .await
    }

    fn is_about_to_approve_itself(&self, snapshot: &Snapshot, request: &Request) -> bool {
        let due = |stage: Stage<'_>| stage.is_due(FlowTimer::AutoApprove, request, self.now());
        request.state == RequestState::Pending && stage(snapshot, request).is_ok_and(due)
    }

    /// Moves a timer to a later time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn put_off(&self, timer: Timer, due_at: Timestamp) -> Result<(), DeskError> {
        let later = Timer { due_at, ..timer };
        self.store()
            .write(move |connection| Box::pin(async move { Ok(store::timers::set(connection, later).await?) }))
            .await
    }

    /// Forgets what has had its time: old keys, events, ceremonies, sessions, links, token ids.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tidy(&self) -> Result<(), DeskError> {
        let now = self.now();
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    store::requests::delete_idempotency_before(connection, now - KEY_LIFE).await?;
                    store::requests::presence::forget_before(connection, now - REJOIN_WINDOW).await?;
                    store::events::delete_before(connection, now - EVENT_LIFE).await?;
                    store::deliveries::delete_before(connection, now - DELIVERY_LIFE).await?;
                    store::delegations::delete_before(connection, now - DELIVERY_LIFE).await?;
                    store::mcp_sessions::delete_before(connection, now - MCP_SESSION_LIFE).await?;
                    store::ceremonies::delete_expired(connection, now).await?;
                    store::sessions::delete_expired(connection, now).await?;
                    store::app_codes::delete_expired(connection, now).await?;
                    store::links::delete_spent(connection, now - EVENT_LIFE).await?;
                    store::outside_links::delete_before(connection, now - DELIVERY_LIFE).await?;
                    store::agents::delete_expired_jtis(connection, now).await?;
                    Ok::<_, DeskError>(())
                })
            })
            .await
    }
}

/// Sets the timer to what is due next.
async fn set_next(connection: &mut Connection, stage: &Stage<'_>, request: &Request) -> Result<(), DeskError> {
    if let Some((due_at, _)) = stage.next_due(request) {
        store::timers::set(connection, Timer { request_id: request.id, kind: TimerKind::Flow, due_at }).await?;
    }
    Ok(())
}

/// Nobody answered in time: it expires, or approves itself where its flow says so. True when it is approved.
async fn end_unanswered(
    connection: &mut Connection,
    snapshot: &Snapshot,
    mut request: Request,
    ending: Ending,
    now: Timestamp,
) -> Result<bool, DeskError> {
    let approved = ending == Ending::AutoApproved;
    let (event, action) = match approved {
        true => (RequestEvent::Approve, "approval.auto_approved"),
        false => (RequestEvent::Expire, "approval.expired"),
    };
    request.state = request.state.after(event).map_err(|_| DeskError::Internal("not pending".into()))?;
    let entry = Entry::of_request(now, Actor::Desk, action, request.id);
    store::audit::append(connection, entry.with(json!({"digest": request.digest}))).await?;
    if approved {
        request.decided_by = Some(DecidedBy::Auto {});
        (request.decided_at, request.approved_at) = (Some(now), Some(now));
        enqueue(connection, &request, now).await?;
        make(connection, &request, &[], now).await?;
    }
    close(connection, snapshot, &request, None, now).await?;
    move_on(connection, &mut request, now).await?;
    Ok(approved)
}
