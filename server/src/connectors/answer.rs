//! An upstream's answer as it is kept: JSON where it is JSON, else text, else base64; never more than 1 MiB of it.

use super::scrub::Scrubber;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_domain::execution::BINARY_NOTE;
use serde_json::{Value, json};

/// How much of an answer is kept.
pub(super) const KEPT: usize = 1024 * 1024;

/// A body, and what is to be said about it.
pub(super) struct Kept {
    pub(super) data: Value,
    pub(super) truncated: Option<String>,
}

/// What came of an HTTP body: its beginning, and whether there was more.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    pub(super) more: Option<More>,
}

/// How much more there was.
pub(super) enum More {
    /// So many bytes in all.
    Of(u64),
    /// The upstream didn't say.
    Unknown,
}

impl Body {
    /// As it is kept.
    pub(super) fn keep(self, content_type: Option<&str>, scrubber: &Scrubber) -> Kept {
        let truncated = self.more.as_ref().map(More::note);
        let bytes = if truncated.is_some() { scrubber.cut(self.bytes) } else { self.bytes };
        let data = match into_text(bytes, truncated.is_some()) {
            Ok(text) if text.is_empty() => Value::Null,
            Ok(text) if truncated.is_none() && may_be_json(content_type, &text) => json_or_text(text),
            Ok(text) => Value::String(text),
            Err(bytes) => json!({"base64": STANDARD.encode(scrubber.bytes(bytes)), "note": BINARY_NOTE}),
        };
        Kept { data: scrubber.value(data), truncated }
    }
}

impl More {
    fn note(&self) -> String {
        match self {
            Self::Of(all) => format!("The answer was {all} bytes long; the first {KEPT} are kept."),
            Self::Unknown => format!("The answer was longer than {KEPT} bytes; the first {KEPT} are kept."),
        }
    }
}

/// A JSON text as it is kept; what is too long is kept as the beginning of its text.
pub(super) fn keep_json(mut text: String, scrubber: &Scrubber) -> Kept {
    let truncated = (text.len() > KEPT).then(|| More::Of(text.len() as u64).note());
    if truncated.is_some() {
        text.truncate(text.floor_char_boundary(KEPT));
        text.truncate(text.floor_char_boundary(scrubber.whole(text.as_bytes())));
    }
    let data = if truncated.is_some() { Value::String(text) } else { json_or_text(text) };
    Kept { data: scrubber.value(data), truncated }
}

/// How deep JSON may nest that is kept as JSON: it is read back inside of other JSON, and a parser goes 128 deep.
const DEEPEST: usize = 100;

fn json_or_text(text: String) -> Value {
    match serde_json::from_str(&text) {
        Ok(value) if !is_deeper(&value, DEEPEST) => value,
        _ => Value::String(text),
    }
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    let within = |inner: &Value| levels == 0 || is_deeper(inner, levels - 1);
    match value {
        Value::Array(items) => items.iter().any(within),
        Value::Object(entries) => entries.values().any(within),
        _ => false,
    }
}

/// A cut may go through the middle of a character.
fn into_text(bytes: Vec<u8>, cut: bool) -> Result<String, Vec<u8>> {
    String::from_utf8(bytes).or_else(|error| {
        let broken = error.utf8_error();
        let mut bytes = error.into_bytes();
        if cut && broken.error_len().is_none() {
            bytes.truncate(broken.valid_up_to());
        }
        String::from_utf8(bytes).map_err(std::string::FromUtf8Error::into_bytes)
    })
}

/// By its media type; where that says nothing, by its first character.
fn may_be_json(content_type: Option<&str>, text: &str) -> bool {
    let essence = content_type.and_then(|value| value.split(';').next()).map(|value| value.trim().to_ascii_lowercase());
    match essence.as_deref() {
        Some(json) if json == "application/json" || json == "text/json" || json.ends_with("+json") => true,
        None | Some("" | "text/plain" | "application/octet-stream") => text.trim_start().starts_with(['{', '[']),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(bytes: &[u8], content_type: Option<&str>) -> Value {
        Body { bytes: bytes.to_vec(), more: None }.keep(content_type, &Scrubber::default()).data
    }

    #[test]
    fn json_is_told_by_its_type_or_its_look() {
        assert_eq!(keep(b"{\"a\":1}", Some("application/json; charset=utf-8")), json!({"a": 1}));
        assert_eq!(keep(b"7", Some("application/problem+json")), json!(7));
        assert_eq!(keep(b" [1]", None), json!([1]));
        assert_eq!(keep(b"7", None), json!("7"));
        assert_eq!(keep(b"{\"a\":1}", Some("text/html")), json!("{\"a\":1}"));
    }

    #[test]
    fn what_calls_itself_json_and_is_not_is_kept_as_it_came() {
        assert_eq!(keep(b"{\"a\":", Some("application/json")), json!("{\"a\":"));
        for (levels, is_json) in [(90, true), (120, false)] {
            let nested = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            assert_eq!(keep(nested.as_bytes(), Some("application/json")).is_array(), is_json, "{levels}");
        }
        let deep = "[".repeat(10_000);
        assert_eq!(keep(deep.as_bytes(), Some("application/json")), json!(deep));
    }

    #[test]
    fn nothing_is_null_and_bytes_are_base64() {
        assert_eq!(keep(b"", Some("application/json")), Value::Null);
        assert_eq!(keep(&[0xff, 0xfe, 0x00], Some("image/png"))["base64"], "//4A");
    }

    #[test]
    fn a_cut_through_a_character_leaves_text() {
        let kept =
            Body { bytes: "aé".as_bytes()[..2].to_vec(), more: Some(More::Unknown) }.keep(None, &Scrubber::default());
        assert_eq!(kept.data, json!("a"));
        assert!(kept.truncated.is_some());
    }
}
