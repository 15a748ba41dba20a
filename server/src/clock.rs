//! The one clock and the one source of fresh ids. Everything else is told what time it is.

use countersign_domain::Timestamp;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Tells the time and waits for it.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Comes back at `due` or somewhat earlier, never much later; the caller looks at the clock again.
    fn sleep_until(&self, due: Timestamp) -> BoxFuture<'static, ()>;
}

/// A shared clock.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// No single sleep is longer, so that a clock set forward, or a machine that slept, is noticed soon.
const LONGEST_NAP: Duration = Duration::from_secs(30);

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
    }

    fn sleep_until(&self, due: Timestamp) -> BoxFuture<'static, ()> {
        let nap = self.now().until(due).min(LONGEST_NAP);
        Box::pin(tokio::time::sleep(nap))
    }
}

/// A fresh UUIDv7 (RFC 9562, section 5.7): its time from the clock, the rest random.
///
/// # Panics
/// Never in practice: only when the operating system has no randomness to give, and then nothing is safe to do.
#[must_use]
pub fn fresh_id(now: Timestamp) -> Uuid {
    let mut random = [0; 10];
    #[allow(clippy::expect_used, reason = "without randomness no key, id or challenge may be made")]
    getrandom::fill(&mut random).expect("the operating system gives random bytes");
    let millis = u64::try_from(now.millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}
