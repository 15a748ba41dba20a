//! Local clocks in any time zone, from the browser's own database: with them a flow's moments are computed here as the
//! server computes them.

use countersign_domain::Timestamp;
use countersign_domain::flow::Offsets;
use js_sys::{Array, Function, Object, Reflect};
use std::cell::RefCell;
use wasm_bindgen::{JsCast, JsValue};

/// The zones of the IANA database that the browser has.
pub(crate) struct Zones;

thread_local! {
    /// The last zone that was asked for, and its clock: a flow has one, and asks it for every reminder.
    static KEPT: RefCell<Option<(String, Option<Function>)>> = const { RefCell::new(None) };
}

impl Offsets for Zones {
    fn minutes(&self, zone: &str, at: Timestamp) -> Option<i32> {
        KEPT.with_borrow_mut(|kept| {
            if kept.as_ref().is_none_or(|(name, _)| name != zone) {
                *kept = Some((zone.to_owned(), clock_in(zone)));
            }
            let clock = kept.as_ref()?.1.as_ref()?;
            #[allow(clippy::cast_precision_loss, reason = "milliseconds of a calendar fit a double")]
            let at = JsValue::from_f64(at.millis() as f64);
            offset_in(&clock.call1(&JsValue::NULL, &at).ok()?.as_string()?)
        })
    }
}

/// A function that writes a moment with a zone's distance from UTC; none where there is no such zone. Everything by
/// `Reflect`, since an unknown zone is an exception.
fn clock_in(zone: &str) -> Option<Function> {
    let options = Object::new();
    for (key, value) in [("timeZone", zone), ("timeZoneName", "longOffset")] {
        Reflect::set(&options, &key.into(), &value.into()).ok()?;
    }
    let intl = Reflect::get(&js_sys::global(), &"Intl".into()).ok()?;
    let kind: Function = Reflect::get(&intl, &"DateTimeFormat".into()).ok()?.dyn_into().ok()?;
    let clock = Reflect::construct(&kind, &Array::of2(&"en-US".into(), &options)).ok()?;
    Reflect::get(&clock, &"format".into()).ok()?.dyn_into().ok()
}

/// The minutes in `11/30/2026, GMT+05:30`.
fn offset_in(text: &str) -> Option<i32> {
    let offset = text.rsplit_once("GMT")?.1;
    if offset.is_empty() {
        return Some(0);
    }
    let sign = if offset.starts_with('+') { 1 } else { -1 };
    let mut parts = offset.trim_start_matches(|letter: char| !letter.is_ascii_digit()).split(':');
    let mut number = || parts.next()?.parse::<i32>().ok();
    Some(sign * (number()? * 60 + number().unwrap_or(0)))
}

/// The browser's own time zone, as in `Europe/Zurich`.
pub(crate) fn zone_here() -> String {
    let options = js_sys::Intl::DateTimeFormat::default().resolved_options();
    let zone = Reflect::get(&options, &"timeZone".into()).ok();
    zone.and_then(|zone| zone.as_string()).unwrap_or_else(|| "UTC".to_owned())
}

#[cfg(test)]
mod tests {
    use super::offset_in;

    #[test]
    fn a_browsers_words_for_an_offset_are_read() {
        for (text, minutes) in [
            ("11/30/2026, GMT+01:00", Some(60)),
            ("11/30/2026, GMT+05:30", Some(330)),
            ("1/1/1970, GMT-00:44:30", Some(-44)),
            ("11/30/2026, GMT\u{2212}03:30", Some(-210)),
            ("11/30/2026, GMT", Some(0)),
            ("11/30/2026, CET", None),
        ] {
            assert_eq!(offset_in(text), minutes, "{text}");
        }
    }
}
