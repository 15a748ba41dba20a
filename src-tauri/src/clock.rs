//! The one place that reads the machine's clock: for counting a minute's notifications, never for a deadline, which is
//! the desk's to know.

use countersign_domain::Timestamp;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Now.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// For spans of time: it never goes back.
#[allow(clippy::disallowed_methods, reason = "this is the clock")]
#[must_use]
pub fn moment() -> Instant {
    Instant::now()
}
