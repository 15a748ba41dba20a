//! What a push says: the declarative shape (W3C Push API, "Declarative push message"), which a browser can show without
//! our service worker, and what our service worker needs beside it.

use super::super::words::{cut, sentence, title};
use super::super::{Content, Message};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::delivery::DeliveryKind;
use serde_json::{Value, json};

/// The most plain bytes of one message: 4096 go over the wire (RFC 8030, section 7.2), of which 103 are not ours
/// (RFC 8188, section 2: 86 of header, 16 of tag, 1 of padding).
const MOST: usize = 3_993;
/// The most characters of a title; phones show far less.
const LONGEST_TITLE: usize = 160;
/// The most characters of a body.
const LONGEST_BODY: usize = 600;

/// The message, in at most [`MOST`] bytes.
pub(super) fn of(message: &Message) -> Vec<u8> {
    let (title, body) = words(message);
    let title = cut(&title, LONGEST_TITLE);
    let mut most = LONGEST_BODY;
    loop {
        let written = shape(message, &title, &cut(&body, most)).to_string().into_bytes();
        if written.len() <= MOST || most == 0 {
            return written;
        }
        most /= 2;
    }
}

/// What names a notification, so that a later one about the same takes its place: on the screen (`tag`) and with the
/// push service (`Topic`, RFC 8030, section 5.4: at most 32 characters of base64url).
pub(super) fn tag(message: &Message) -> String {
    let same = message.kind.asks() || message.kind == DeliveryKind::Ended;
    match message.about.as_deref().filter(|_| same) {
        Some(about) => URL_SAFE_NO_PAD.encode(about.id.0.as_bytes()),
        None if message.kind == DeliveryKind::Digest => "waiting".to_owned(),
        None => URL_SAFE_NO_PAD.encode(message.id.0.as_bytes()),
    }
}

fn shape(message: &Message, title: &str, body: &str) -> Value {
    let (kind, asks) = (message.kind, message.kind.asks());
    let mut notification = json!({
        "title": title,
        "body": body,
        "lang": "en",
        "navigate": message.link,
        "tag": tag(message),
        "silent": kind == DeliveryKind::Ended,
        "renotify": asks && kind != DeliveryKind::Asked,
        "timestamp": message.created_at.millis(),
        "data": {"kind": kind, "request": message.about.as_deref().map(|about| about.id)},
    });
    if asks {
        // Never "Approve", and "Review" first: one platform takes the first action when its menu is merely opened.
        notification["actions"] = json!([
            {"action": "review", "title": "Review", "navigate": message.link},
            {"action": "deny", "title": "Deny", "navigate": format!("{}?deny", message.link)},
        ]);
    }
    json!({"web_push": 8030, "mutable": true, "notification": notification})
}

/// Title and body, with as much in them as the desk allows on locked screens.
fn words(message: &Message) -> (String, String) {
    let open = "Open Countersign to see it.";
    let (title, body) = match (message.content, message.kind) {
        (Content::Full, _) | (_, DeliveryKind::Digest | DeliveryKind::PasskeyAdded | DeliveryKind::Test) => {
            return (title(message), sentence(message));
        }
        (Content::Minimal, DeliveryKind::Asked | DeliveryKind::SentOn) => ("A request waits for you", open),
        (Content::Minimal, DeliveryKind::Escalated) => ("A request was escalated to you", open),
        (Content::Minimal, DeliveryKind::Reminder) => ("Reminder: a request waits for you", open),
        (Content::Minimal, DeliveryKind::Warning) => ("A request expires soon", open),
        (Content::Minimal, DeliveryKind::Ended) => ("A request is decided", "It no longer waits for you."),
        (Content::Minimal, DeliveryKind::Decided) => ("A request of yours is decided", open),
        (Content::Minimal, DeliveryKind::Reported) => ("An agent was reported", open),
        (Content::Minimal, DeliveryKind::Callback) => ("A request moved", open),
    };
    (title.to_owned(), body.to_owned())
}
