//! What time it is at the desk. Deadlines are the server's; a browser whose clock is wrong would count down to the
//! wrong moment, so the difference is taken from the answers' `Date` header.

use countersign_domain::Timestamp;
use std::cell::Cell;

/// Smaller differences are the header's own grain (whole seconds) and the way here.
const GRAIN_MS: i64 = 2_500;

/// The header leaves out what is over the second: half of one, on average.
const HALF_A_SECOND_MS: i64 = 500;

thread_local! {
    static AHEAD_MS: Cell<i64> = const { Cell::new(0) };
}

/// Now, by the server's clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(here() + AHEAD_MS.get())
}

/// Takes note of the server's clock.
pub(super) fn learn(date: Option<&str>) {
    let Some(date) = date else { return };
    let there = js_sys::Date::parse(date);
    if there.is_finite() {
        AHEAD_MS.set(difference(there as i64 + HALF_A_SECOND_MS, here()));
    }
}

fn here() -> i64 {
    js_sys::Date::now() as i64
}

fn difference(there: i64, here: i64) -> i64 {
    let ahead = there - here;
    if ahead.abs() <= GRAIN_MS { 0 } else { ahead }
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn a_clock_that_is_right_is_left_alone() {
        assert_eq!(difference(10_000, 11_400), 0);
        assert_eq!(difference(100_000, 11_000), 89_000);
        assert_eq!(difference(11_000, 100_000), -89_000);
    }
}
