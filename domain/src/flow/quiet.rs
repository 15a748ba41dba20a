//! Quiet hours: a part of every day in which nobody should be disturbed. Across midnight they end on the next day.

use crate::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

const DAY: i32 = 24 * 60;

/// How far local clocks are from UTC. The domain knows no time zones; the server and the browser do.
pub trait Offsets {
    /// Minutes to add to UTC at this moment in a zone of the IANA database; none where the zone is unknown.
    fn minutes(&self, zone: &str, at: Timestamp) -> Option<i32>;
}

/// A time of the day as local clocks show it, written `22:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockTime(u16);

impl ClockTime {
    /// Minutes after midnight.
    #[must_use]
    pub const fn minutes(self) -> i32 {
        self.0 as i32
    }
}

/// What was given is no time of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a time of the day as in 22:00")]
pub struct NotAClockTime;

impl FromStr for ClockTime {
    type Err = NotAClockTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let two = |part: &str, below: u16| {
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u16>().ok().filter(|number| digits && *number < below).ok_or(NotAClockTime)
        };
        let (hours, minutes) = text.split_once(':').ok_or(NotAClockTime)?;
        Ok(Self(two(hours, 24)? * 60 + two(minutes, 60)?))
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Serialize for ClockTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ClockTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// From when until when, where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// Their beginning.
    pub from: ClockTime,
    /// Their end, on the next day where it is not later than the beginning.
    pub to: ClockTime,
    /// A zone of the IANA database, such as `Europe/Zurich`.
    pub time_zone: String,
}

impl QuietHours {
    /// The end of the quiet hours that a moment falls into; none where it falls into none.
    #[must_use]
    pub fn end_after(&self, at: Timestamp, offsets: &dyn Offsets) -> Option<Timestamp> {
        let offset = offsets.minutes(&self.time_zone, at)?;
        let local = at.millis() + i64::from(offset) * 60_000;
        let day_length = i64::from(DAY) * 60_000;
        let since_midnight = local.rem_euclid(day_length);
        let minute = i32::try_from(since_midnight / 60_000).ok()?;
        let length = (self.to.minutes() - self.from.minutes()).rem_euclid(DAY);
        let into = (minute - self.from.minutes()).rem_euclid(DAY);
        if into >= length {
            return None;
        }
        let left = i64::from(length - into) * 60_000 - since_midnight % 60_000;
        let end = at.millis() + left;
        // Clocks may be put forward or back before the end.
        let then = offsets.minutes(&self.time_zone, Timestamp::from_millis(end)).unwrap_or(offset);
        let end = end - i64::from(then - offset) * 60_000;
        Some(Timestamp::from_millis(end.max(at.millis())))
    }

    /// A moment, or the end of the quiet hours that it falls into.
    #[must_use]
    pub fn after(this: Option<&Self>, at: Timestamp, offsets: &dyn Offsets) -> Timestamp {
        this.and_then(|quiet| quiet.end_after(at, offsets)).unwrap_or(at)
    }

    /// How long they are.
    #[must_use]
    pub fn length(&self) -> Duration {
        let minutes = (self.to.minutes() - self.from.minutes()).rem_euclid(DAY);
        Duration::from_secs(u64::try_from(minutes).unwrap_or(0) * 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Two hours before UTC in winter, one in summer, changed at one moment.
    struct Changing(i64);

    impl Offsets for Changing {
        fn minutes(&self, zone: &str, at: Timestamp) -> Option<i32> {
            (zone == "here").then_some(if at.millis() < self.0 { 120 } else { 60 })
        }
    }

    fn quiet(from: &str, to: &str) -> QuietHours {
        QuietHours { from: from.parse().unwrap(), to: to.parse().unwrap(), time_zone: "here".into() }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const NEVER: Changing = Changing(i64::MAX);

    #[test]
    fn a_night_ends_in_the_morning_on_whichever_side_of_midnight_it_is() {
        let night = quiet("22:00", "07:00");
        let morning = Some(at("2026-11-25T05:00:00Z"));
        assert_eq!(night.end_after(at("2026-11-24T20:00:00Z"), &NEVER), morning);
        assert_eq!(night.end_after(at("2026-11-25T01:30:12.345Z"), &NEVER), morning);
        assert_eq!(night.end_after(at("2026-11-25T05:00:00Z"), &NEVER), None);
        assert_eq!(night.end_after(at("2026-11-24T19:59:59.999Z"), &NEVER), None);
    }

    #[test]
    fn a_zone_that_nobody_knows_is_never_quiet() {
        let elsewhere = QuietHours { time_zone: "Mars/Base".into(), ..quiet("22:00", "07:00") };
        assert_eq!(elsewhere.end_after(at("2026-11-24T23:00:00Z"), &NEVER), None);
    }

    #[test]
    fn a_night_in_which_clocks_are_put_back_ends_when_they_show_its_end() {
        let change = at("2026-10-25T01:00:00Z");
        let end = quiet("22:00", "07:00").end_after(at("2026-10-24T21:00:00Z"), &Changing(change.millis()));
        assert_eq!(end, Some(at("2026-10-25T06:00:00Z")));
    }

    #[test]
    fn what_is_no_time_of_the_day_is_refused() {
        for text in ["", "7", "7:00", "24:00", "12:60", "12:0", "-1:00", "12:00:00", "+1:00"] {
            assert!(text.parse::<ClockTime>().is_err(), "{text}");
        }
        assert_eq!("07:05".parse::<ClockTime>().unwrap().to_string(), "07:05");
    }

    proptest! {
        #[test]
        fn the_end_is_later_and_no_more_than_their_length(from in 0u16..1440, to in 0u16..1440, millis in 0i64..4_000_000_000_000) {
            let quiet = QuietHours { from: ClockTime(from), to: ClockTime(to), time_zone: "here".into() };
            let at = Timestamp::from_millis(millis);
            if let Some(end) = quiet.end_after(at, &NEVER) {
                prop_assert!(end > at && at.until(end) <= quiet.length());
                prop_assert_eq!(quiet.end_after(end, &NEVER), None);
            }
        }
    }
}
