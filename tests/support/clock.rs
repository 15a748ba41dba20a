//! A clock that is set by hand, so that no story waits for time to pass.

use countersign_domain::Timestamp;
use countersign_server::clock::Clock;
use futures::future::BoxFuture;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// A clock that stands still until it is moved.
pub struct HandClock {
    now: AtomicI64,
    moved: watch::Sender<i64>,
}

impl Default for HandClock {
    fn default() -> Self {
        let start = 1_795_430_400_000;
        Self { now: AtomicI64::new(start), moved: watch::channel(start).0 }
    }
}

impl HandClock {
    /// A clock that shows this time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        let now = now.millis();
        Self { now: AtomicI64::new(now), moved: watch::channel(now).0 }
    }

    /// Sets the time; whoever sleeps until then wakes.
    pub fn set(&self, now: Timestamp) {
        self.now.store(now.millis(), Ordering::SeqCst);
        self.moved.send_replace(now.millis());
    }

    /// Moves time forward; whoever sleeps until then wakes.
    pub fn forward(&self, span: Duration) {
        let millis = i64::try_from(span.as_millis()).unwrap();
        let now = self.now.fetch_add(millis, Ordering::SeqCst) + millis;
        self.moved.send_replace(now);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }

    fn sleep_until(&self, due: Timestamp) -> BoxFuture<'static, ()> {
        let mut moved = self.moved.subscribe();
        if *moved.borrow_and_update() >= due.millis() {
            return Box::pin(async {});
        }
        // Whenever it is moved: a clock may wake early, and whoever sleeps looks again.
        Box::pin(async move {
            let _ = moved.changed().await;
        })
    }
}
