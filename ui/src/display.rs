//! How things are put into words: times, people, states, segments as plain text. Pure, save for the calendar, which is
//! the browser's.

use countersign_domain::card::{CardValue, Segment};
use countersign_domain::connector::ConnectorStatus;
use countersign_domain::flow::Approvers;
use countersign_domain::policy::Action;
use countersign_domain::request::{Decider, RequestState};
use countersign_domain::user::Role;
use countersign_domain::{Effect, Timestamp};
use countersign_wire::requests::Card;
use js_sys::{Date, Object, Reflect};
use wasm_bindgen::JsValue;

/// `23 November 2026`, where the reader is.
pub(crate) fn date(at: Timestamp) -> String {
    in_words(at, &[("day", "numeric"), ("month", "long"), ("year", "numeric")])
}

/// `14:03`, where the reader is; with the day when it was not today.
pub(crate) fn time(at: Timestamp, now: Timestamp) -> String {
    let day = date(at);
    let clock = in_words(at, &[("hour", "2-digit"), ("minute", "2-digit"), ("hourCycle", "h23")]);
    if day == date(now) { clock } else { format!("{clock} on {day}") }
}

/// Date and time to the second, for titles.
pub(crate) fn exact(at: Timestamp) -> String {
    in_words(
        at,
        &[
            ("day", "numeric"),
            ("month", "long"),
            ("year", "numeric"),
            ("hour", "2-digit"),
            ("minute", "2-digit"),
            ("second", "2-digit"),
            ("hourCycle", "h23"),
        ],
    )
}

fn in_words(at: Timestamp, options: &[(&str, &str)]) -> String {
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of a calendar fit a double")]
    let date = Date::new(&JsValue::from_f64(at.millis() as f64));
    let wanted = Object::new();
    for (key, value) in options {
        let _ = Reflect::set(&wanted, &JsValue::from_str(key), &JsValue::from_str(value));
    }
    date.to_locale_string("en-GB", &wanted).into()
}

/// `just now`, `2 min ago`, `18 h ago`, `3 days ago`.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.until(now).as_secs();
    match seconds {
        0..10 => "just now".to_owned(),
        10..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..172_800 => "1 day ago".to_owned(),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// `2 minutes ago`, for running text.
pub(crate) fn ago_in_full(at: Timestamp, now: Timestamp) -> String {
    let plural = |count: u64, unit: &str| format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" });
    match at.until(now).as_secs() {
        0..10 => "just now".to_owned(),
        seconds @ 10..60 => plural(seconds, "second"),
        seconds @ 60..3_600 => plural(seconds / 60, "minute"),
        seconds @ 3_600..86_400 => plural(seconds / 3_600, "hour"),
        seconds => plural(seconds / 86_400, "day"),
    }
}

/// `7:41` below an hour, `51 min`, `6 h`, `3 days`; empty when nothing is left.
pub(crate) fn left(expires: Timestamp, now: Timestamp) -> String {
    let seconds = now.until(expires).as_millis().div_ceil(1_000);
    match seconds {
        0 => String::new(),
        1..1_200 => format!("{}:{:02}", seconds / 60, seconds % 60),
        1_200..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// How much of a span is left, 0 to 100.
pub(crate) fn percent_left(from: Timestamp, until: Timestamp, now: Timestamp) -> u32 {
    let whole = from.until(until).as_millis();
    let rest = now.until(until).as_millis();
    if whole == 0 { 0 } else { u32::try_from((rest * 100).div_ceil(whole)).unwrap_or(100).min(100) }
}

/// Up to two letters for a person's picture; the styles make them capitals.
pub(crate) fn initials(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    let first = |word: &&str| word.chars().next();
    let last = words.get(1..).and_then(<[&str]>::last);
    words.first().and_then(first).into_iter().chain(last.and_then(first)).collect()
}

/// One of eight colours, always the same for the same slug.
pub(crate) fn hue(slug: &str) -> u32 {
    slug.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % 8
}

/// A state as a person says it.
pub(crate) const fn state(state: RequestState) -> &'static str {
    match state {
        RequestState::Pending => "Pending",
        RequestState::Approved => "Approved",
        RequestState::Executing => "Executing",
        RequestState::Succeeded => "Succeeded",
        RequestState::Failed => "Failed",
        RequestState::OutcomeUnknown => "Outcome unknown",
        RequestState::Denied => "Denied",
        RequestState::Expired => "Expired",
        RequestState::Withdrawn => "Withdrawn",
    }
}

/// The badge's class for a state.
pub(crate) const fn state_tone(state: RequestState) -> &'static str {
    match state {
        RequestState::Pending | RequestState::Executing => "wait",
        RequestState::Approved | RequestState::Succeeded => "ok",
        RequestState::Failed | RequestState::OutcomeUnknown | RequestState::Denied => "no",
        RequestState::Expired | RequestState::Withdrawn => "plain",
    }
}

/// The badge's class for an effect.
pub(crate) const fn effect_tone(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "plain",
        Effect::Write => "wait",
        Effect::Destructive => "no",
    }
}

pub(crate) const fn status(status: ConnectorStatus) -> (&'static str, &'static str) {
    match status {
        ConnectorStatus::Connected => ("Connected", "ok"),
        ConnectorStatus::Error => ("Error", "no"),
        ConnectorStatus::Checking => ("Checking", "wait"),
    }
}

pub(crate) const fn role(role: Role) -> &'static str {
    match role {
        Role::Member => "Member",
        Role::Approver => "Approver",
        Role::Admin => "Admin",
    }
}

pub(crate) const fn action(action: Action) -> (&'static str, &'static str) {
    match action {
        Action::Allow => ("Allow", "ok"),
        Action::StepUp => ("Step up", "wait"),
        Action::RequestApproval => ("Ask for approval", "wait"),
        Action::Deny => ("Deny", "no"),
    }
}

/// Segments as plain text, for titles, notices and screen readers.
pub(crate) fn plain(segments: &[Segment]) -> String {
    segments.iter().map(segment_text).collect()
}

fn segment_text(segment: &Segment) -> String {
    match segment {
        Segment::Text { text } => text.clone(),
        Segment::Flagged { text, .. } => text.chars().map(undisguised).collect(),
        Segment::Escaped { text, times, .. } if *times > 1 => format!("{text}×{times}"),
        Segment::Escaped { text, .. } => text.clone(),
        Segment::LineBreak => "\n".to_owned(),
        Segment::Tab => "\t".to_owned(),
        Segment::Redacted { note } => format!("[{note}]"),
    }
}

fn undisguised(letter: char) -> String {
    if letter.is_ascii() { letter.to_string() } else { code_point(letter) }
}

/// `U+0430`.
pub(crate) fn code_point(letter: char) -> String {
    format!("U+{:04X}", u32::from(letter))
}

/// Whether something in it is hidden.
pub(crate) fn is_redacted(value: &CardValue) -> bool {
    let hides = |segments: &[Segment]| segments.iter().any(|segment| matches!(segment, Segment::Redacted { .. }));
    match value {
        CardValue::Object { entries } => entries.iter().any(|entry| hides(&entry.key) || is_redacted(&entry.value)),
        CardValue::List { items } => items.iter().any(is_redacted),
        CardValue::Text { segments, .. } => hides(segments),
        CardValue::Number { .. } | CardValue::Bool { .. } | CardValue::Null => false,
    }
}

/// How a request ended, by whom and when; none while it is open. `when` is the time in words.
pub(crate) fn ending(card: &Card, already: bool, when: &str) -> Option<String> {
    let (verb, already_verb) = match card.state {
        RequestState::Pending => return None,
        RequestState::Denied => ("Denied", "Already denied"),
        RequestState::Expired => ("Expired", "Already expired"),
        RequestState::Withdrawn => ("Withdrawn", "Already withdrawn"),
        _ => ("Approved", "Already approved"),
    };
    let verb = if already { already_verb } else { verb };
    let by = match (&card.decided_by, card.state) {
        (_, RequestState::Expired) => " without an answer".to_owned(),
        (_, RequestState::Withdrawn) => String::new(),
        (Some(Decider::User { name, .. } | Decider::External { name }), _) => format!(" by {name}"),
        (Some(Decider::Auto {}), _) => " by itself, as its flow says,".to_owned(),
        (Some(Decider::Grant { name }), _) => format!(" under a grant of {name}"),
        (Some(Decider::Policy { name: Some(name) }), _) => format!(" by policy “{name}”"),
        (Some(Decider::Policy { name: None }), _) => ": no policy allows it".to_owned(),
        (None, _) => String::new(),
    };
    Some(format!("{verb}{by} at {when}"))
}

/// Whom a flow asks, in words, the widest first: `admins, Finance, jon@acme.test`.
pub(crate) fn approvers(named: &Approvers) -> String {
    let role = |role: &Role| match role {
        Role::Member => "members",
        Role::Approver => "approvers",
        Role::Admin => "admins",
    };
    let lists = [&named.groups, &named.users, &named.emails, &named.phones].into_iter().flatten();
    named.roles.iter().map(role).chain(lists.map(String::as_str)).collect::<Vec<_>>().join(", ")
}

/// Whether one of the texts has what is looked for, in capitals or not. ASCII's capitals only: the tables for all others
/// are ten kilobytes.
pub(crate) fn found(sought: &str, texts: &[&str]) -> bool {
    let sought = sought.trim().to_ascii_lowercase();
    texts.iter().any(|text| text.to_ascii_lowercase().contains(&sought))
}

/// `1 step`, `2 steps`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn ages_read_as_people_say_them() {
        let now = at(1_000_000);
        for (seconds, words) in [
            (0, "just now"),
            (42, "42 s ago"),
            (125, "2 min ago"),
            (64_800, "18 h ago"),
            (100_000, "1 day ago"),
            (260_000, "3 days ago"),
        ] {
            assert_eq!(ago(at(1_000_000 - seconds), now), words);
        }
        assert_eq!(ago(at(1_000_100), now), "just now", "a clock that runs ahead");
        assert_eq!(ago_in_full(at(1_000_000 - 60), now), "1 minute ago");
        assert_eq!(ago_in_full(at(1_000_000 - 7_300), now), "2 hours ago");
    }

    #[test]
    fn what_is_left_counts_down_to_nothing() {
        let now = at(0);
        for (seconds, words) in
            [(461, "7:41"), (1, "0:01"), (0, ""), (-5, ""), (3_060, "51 min"), (21_600, "6 h"), (259_200, "3 days")]
        {
            assert_eq!(left(at(seconds), now), words);
        }
        assert_eq!(percent_left(at(0), at(600), at(150)), 75);
        assert_eq!(percent_left(at(0), at(600), at(700)), 0);
        assert_eq!(percent_left(at(0), at(0), at(0)), 0);
    }

    #[test]
    fn letters_in_disguise_are_told_by_their_codes() {
        let flagged = Segment::Flagged { text: "p\u{430}ypal".into(), why: String::new() };
        assert_eq!(plain(&[flagged]), "pU+0430ypal");
    }

    #[test]
    fn an_answer_hides_something_however_deep_it_lies() {
        let text = |segment| CardValue::Text { segments: vec![segment], characters: 1 };
        let in_list = |value| CardValue::List { items: vec![CardValue::Null, value] };
        assert!(is_redacted(&in_list(in_list(text(Segment::Redacted { note: "redacted".into() })))));
        assert!(!is_redacted(&in_list(text(Segment::Text { text: "x".into() }))));
    }

    #[test]
    fn a_picture_has_two_letters_at_most() {
        assert_eq!(initials("Mina Sato"), "MS");
        assert_eq!(initials("Ana María de la Cruz"), "AC");
        assert_eq!(initials("élan"), "é");
        assert_eq!(initials(""), "");
    }
}
