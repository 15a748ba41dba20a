//! Who waits for what: callers for one request, screens for all that they may see.
//!
//! One task reads new events in order, whoever wrote them, and wakes those concerned. A waiting caller costs a
//! channel, not a loop over the database.

use super::{Desk, DeskError, SignedIn};
use crate::store::{self, events::Event};
use countersign_domain::ids::RequestId;
use countersign_domain::user::Role;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::MissedTickBehavior;

/// How many events a slow screen may lie behind before it must catch up from the store.
const BACKLOG: usize = 4_096;
/// How many events are read at once.
const PAGE: usize = 500;
/// Another process can't ring the bell, so the store is looked at this often.
const LOOK: Duration = Duration::from_millis(500);

/// Distributes events.
pub struct Hub {
    bell: Notify,
    events: broadcast::Sender<Event>,
    waiting: Mutex<HashMap<RequestId, watch::Sender<i64>>>,
    last: Mutex<i64>,
    notices: watch::Sender<()>,
}

/// Wakes when a request moves.
pub struct Watch {
    receiver: watch::Receiver<i64>,
}

impl Watch {
    /// Comes back when the request has moved since the watch began, or since this came back last.
    pub async fn moved(&mut self) {
        if self.receiver.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Hub {
    pub(super) fn new(last: i64) -> Self {
        Self {
            bell: Notify::new(),
            events: broadcast::channel(BACKLOG).0,
            waiting: Mutex::new(HashMap::new()),
            last: Mutex::new(last),
            notices: watch::channel(()).0,
        }
    }

    /// Tells open screens that the admins' notices have changed.
    pub(super) fn notice(&self) {
        self.notices.send_replace(());
    }

    /// Changes when the admins' notices do.
    #[must_use]
    pub fn notices(&self) -> watch::Receiver<()> {
        self.notices.subscribe()
    }

    pub(super) fn ring(&self) {
        self.bell.notify_one();
    }

    /// All events from now on. Read what the store has *after* subscribing, or one may be missed.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// One request's moves from now on. Read its state *after* this, or a move may be missed.
    #[must_use]
    pub fn watch(&self, id: RequestId) -> Watch {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = waiting.entry(id).or_insert_with(|| watch::channel(0).0).subscribe();
        Watch { receiver }
    }

    fn publish(&self, event: Event) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(entry) = waiting.entry(event.request_id) {
            entry.get().send_replace(event.seq);
        }
        drop(waiting);
        // Nobody listening is fine.
        let _ = self.events.send(event);
    }

    /// Forgets requests that nobody waits for any more.
    fn sweep(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, sender| sender.receiver_count() > 0);
    }
}

impl Desk {
    /// The number of the last event.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn last_event(&self) -> Result<i64, DeskError> {
        Ok(store::events::last(&mut self.store().read().await?).await?)
    }

    /// Events after a number, in order.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn events_after(&self, seq: i64, limit: i64) -> Result<Vec<Event>, DeskError> {
        Ok(store::events::after(&mut self.store().read().await?, seq, limit).await?)
    }

    /// The number before a request's first event after a number: a stream from there tells all that is left of its
    /// life. None when nothing of it is there to tell.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn first_event_before(&self, id: RequestId, after: i64) -> Result<Option<i64>, DeskError> {
        let events = store::events::of_request(&mut self.store().read().await?, id, after).await?;
        Ok(events.first().map(|event| event.seq - 1))
    }

    /// Whether somebody may hear of an event: what is theirs, or what they are asked on. Who voted on a request and is
    /// no longer asked still sees it, and hears no more of it.
    #[must_use]
    pub fn may_hear(&self, who: &SignedIn, event: &Event) -> bool {
        let snapshot = self.snapshot();
        let Some(user) = snapshot.users.get(&who.user().id).filter(|user| user.active) else { return false };
        let own = event.owner_id == user.id || event.requester_id == user.id;
        let asked = || {
            event
                .flow
                .and_then(|flow| snapshot.flow_at(flow))
                .is_some_and(|flow| flow.may_ask(&snapshot.person(user, self.now())))
        };
        user.role == Role::Admin || own || event.also.contains(&user.id) || asked()
    }

    /// Whether somebody whose stream began earlier is an admin at this moment.
    #[must_use]
    pub fn is_admin_now(&self, who: &SignedIn) -> bool {
        let snapshot = self.snapshot();
        snapshot.users.get(&who.user().id).is_some_and(|user| user.active && user.role == Role::Admin)
    }

    /// Reads and distributes events, and notices what another process changed, until it is dropped.
    pub async fn pump(&self) {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let pumped = tokio::select! {
                () = self.hub().bell.notified() => self.pump_events().await,
                _ = look.tick() => self.look_around().await,
            };
            if let Err(error) = pumped {
                tracing::warn!(%error, "new events can't be read; trying again");
            }
        }
    }

    /// What another process wrote.
    async fn look_around(&self) -> Result<(), DeskError> {
        self.refresh().await?;
        self.pump_events().await
    }

    async fn pump_events(&self) -> Result<(), DeskError> {
        let hub = self.hub();
        let mut more = true;
        while more {
            let last = *hub.last.lock().unwrap_or_else(PoisonError::into_inner);
            let mut connection = self.store().read().await?;
            let events = store::events::after(&mut connection, last, PAGE as i64).await?;
            drop(connection);
            let Some(newest) = events.last().map(|event| event.seq) else { break };
            // Whatever was written after this was read rings again.
            more = events.len() >= PAGE;
            *hub.last.lock().unwrap_or_else(PoisonError::into_inner) = newest;
            events.into_iter().for_each(|event| hub.publish(event));
        }
        hub.sweep();
        Ok(())
    }
}
