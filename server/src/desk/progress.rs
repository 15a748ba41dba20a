//! How far calls under way have come, as their upstreams say. It is told to whoever follows a call at that moment, and
//! kept nowhere.

use super::Desk;
use crate::connectors::{Progress, ProgressTo};
use countersign_domain::ids::RequestId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// How much may be said faster than it is heard; of more the oldest is lost.
const BACKLOG: usize = 16;

/// Who follows which call.
#[derive(Default)]
pub(super) struct Followed(Mutex<HashMap<RequestId, broadcast::Sender<Progress>>>);

impl Followed {
    fn with<T>(&self, act: impl FnOnce(&mut HashMap<RequestId, broadcast::Sender<Progress>>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A call that is followed, until this is dropped.
pub struct Following {
    desk: Desk,
    id: RequestId,
    said: broadcast::Receiver<Progress>,
}

impl Following {
    /// What is said next; it comes back when there is something.
    pub async fn next(&mut self) -> Progress {
        loop {
            match self.said.recv().await {
                Ok(said) => return said,
                Err(RecvError::Lagged(_)) => {}
                // Its sender stays for as long as it is followed.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// What was said already and not heard yet.
    pub fn waiting(&mut self) -> Option<Progress> {
        loop {
            match self.said.try_recv() {
                Ok(said) => return Some(said),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            }
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.desk.inner.followed.with(|all| {
            // This one still counts.
            if all.get(&self.id).is_some_and(|sender| sender.receiver_count() <= 1) {
                all.remove(&self.id);
            }
        });
    }
}

impl Desk {
    /// Follows a request's call from now on, be it made yet or not.
    #[must_use]
    pub fn follow(&self, id: RequestId) -> Following {
        let said = self.inner.followed.with(|all| {
            let sender = all.entry(id).or_insert_with(|| broadcast::channel(BACKLOG).0);
            sender.subscribe()
        });
        Following { desk: self.clone(), id, said }
    }

    /// Where a call's progress is told.
    pub(super) fn progress_of(&self, id: RequestId) -> ProgressTo {
        let desk = self.clone();
        Arc::new(move |said| {
            desk.inner.followed.with(|all| {
                // Nobody need follow it.
                let _heard = all.get(&id).map(|sender| sender.send(said));
            });
        })
    }
}
