//! Instants as RFC 3339 and back, in UTC. A library for this knows time zones, spans and rounding; the user interface,
//! which carries every byte of it to every browser, needs none of them.

use std::fmt;

const DAY: i64 = 86_400_000;

/// Milliseconds since the Unix epoch, from RFC 3339 (section 5.6) with any offset. What is finer than a millisecond is
/// cut; a leap second is the one before it.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (fixed, rest) = text.as_bytes().split_at_checked(19)?;
    let apart = [(4, "-"), (7, "-"), (10, "Tt "), (13, ":"), (16, ":")];
    if apart.iter().any(|(at, any_of)| !any_of.as_bytes().contains(&fixed[*at])) {
        return None;
    }
    let date = (number(&fixed[..4])?, number(&fixed[5..7])?, number(&fixed[8..10])?);
    let (hour, minute, second) = (number(&fixed[11..13])?, number(&fixed[14..16])?, number(&fixed[17..])?);
    let days = days_to(date);
    if date_after(days) != date || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (millis, rest) = fraction(rest)?;
    let seconds = hour * 3_600 + (minute - offset(rest)?) * 60 + second.min(59);
    Some(days * DAY + seconds * 1_000 + millis)
}

/// Writes it with milliseconds and `Z`.
///
/// # Errors
/// When the year doesn't have four digits.
pub(crate) fn write(millis: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (days, rest) = (millis.div_euclid(DAY), millis.rem_euclid(DAY));
    let (year, month, day) = date_after(days);
    if !(0..=9_999).contains(&year) {
        return Err(fmt::Error);
    }
    let (hour, minute, second, milli) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60, rest % 1_000);
    write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

/// `.123`, if it is there, as milliseconds; and what comes after.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else { return Some((0, text)) };
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(length);
    let milli = |at: usize| digits.get(at).map_or(0, |digit| i64::from(digit - b'0'));
    (length > 0).then(|| (milli(0) * 100 + milli(1) * 10 + milli(2), rest))
}

/// `Z` or `+01:00`, in minutes.
fn offset(text: &[u8]) -> Option<i64> {
    match text {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            let sign = if *sign == b'-' { -1 } else { 1 };
            (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
        }
        _ => None,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Here and below: Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms" (`days_from_civil`, `civil_from_days`); years begin in March, so that leap days come last.
fn days_to((year, month, day): (i64, i64, i64)) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468
}

/// The date so many days after 1970-01-01.
fn date_after(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::Timestamp;
    use proptest::prelude::*;

    /// The years 0000 to 9999.
    const ALL: std::ops::Range<i64> = -62_167_219_200_000..253_402_300_800_000;

    proptest! {
        #[test]
        fn it_is_written_and_read_as_the_library_for_it_does(millis in ALL) {
            let known = jiff::Timestamp::from_millisecond(millis);
            prop_assume!(known.is_ok());
            let text = Timestamp::from_millis(millis).to_string();
            prop_assert_eq!(&text, &format!("{:.3}", known.unwrap()));
            prop_assert_eq!(parse(&text), Some(millis));
        }

        #[test]
        fn whatever_is_read_is_read_alike(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[012][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,9})?(Z|[+-][01][0-9]:[0-6][0-9])") {
            if let Some(millis) = parse(&text).filter(|millis| *millis > 0) {
                let known: jiff::Timestamp = text.parse().unwrap();
                prop_assert_eq!(millis, known.as_millisecond());
            } else if let Ok(known) = text.parse::<jiff::Timestamp>() {
                prop_assert!(known.as_millisecond() <= 0, "{} is refused", text);
            }
        }

        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,40}") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "2026-11-23",
            "2026-11-23T10:40:00",
            "2026-11-23T10:40:00.Z",
            "2026-11-23T10:40:00+01",
            "2026-02-29T10:40:00Z",
            "2026-13-01T10:40:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T10:40:00Zulu",
            "+026-11-23T10:40:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("2024-02-29t00:00:00z"), Some(1_709_164_800_000));
        assert_eq!(parse("2016-12-31T23:59:60Z"), parse("2016-12-31T23:59:59Z"));
    }
}
