//! What the notifications say, and what the tray says in the same words. Pure.

use countersign_domain::card::Segment;
use countersign_wire::app::AppStatus;
use countersign_wire::requests::RequestRow;

/// Segments as plain text: what the card flags is named in brackets.
fn plain(segments: &[Segment]) -> String {
    let piece = |segment: &Segment| match segment {
        Segment::Text { text } => text.clone(),
        Segment::LineBreak | Segment::Tab => " ".to_owned(),
        Segment::Escaped { text, .. } => format!("[{text}]"),
        Segment::Flagged { text, why } => format!("{text} [{why}]"),
        Segment::Redacted { note } => format!("[{note}]"),
    };
    segments.iter().map(piece).collect()
}

/// What stands in the way of any request's being told; none where somebody is signed in, or nothing is to be told yet.
#[must_use]
pub const fn standing(status: &AppStatus) -> Option<&'static str> {
    match status {
        AppStatus::SignedOut { .. } => Some("Signed out"),
        AppStatus::Failed { .. } => Some("No desk"),
        AppStatus::Choose { .. } | AppStatus::Setup { .. } | AppStatus::Starting | AppStatus::Ready { .. } => None,
    }
}

/// What is told, title and text, where nobody looks at the window: from now on nothing else is.
#[must_use]
pub fn trouble(status: &AppStatus) -> Option<(String, String)> {
    match status {
        AppStatus::SignedOut { note: Some(note), waiting: false, .. } => Some(("Signed out".to_owned(), note.clone())),
        AppStatus::Failed { title, words } => Some((title.clone(), words.clone())),
        _ => None,
    }
}

/// How many wait.
#[must_use]
pub fn waiting(pending: u64) -> String {
    match pending {
        0 => "Nothing waits".to_owned(),
        1 => "1 request waits".to_owned(),
        more => format!("{more} requests wait"),
    }
}

/// A notification's title and text.
#[must_use]
pub fn notice(row: &RequestRow) -> (String, String) {
    (asked(row), format!("{}, for {}", row.connector.name, row.requester.name))
}

/// The notification of many.
#[must_use]
pub fn many(waiting: u64) -> (String, String) {
    (self::waiting(waiting), "Open the queue to review them.".to_owned())
}

/// Some notification servers read a text as markup (Desktop Notifications Specification, "Markup").
#[must_use]
pub fn without_markup(text: &str) -> String {
    if !cfg!(target_os = "linux") {
        return text.to_owned();
    }
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Who asks for what.
#[must_use]
pub fn asked(row: &RequestRow) -> String {
    let more = if row.more_tools > 0 { format!(" +{}", row.more_tools) } else { String::new() };
    format!("{} asks: {}{more}", row.agent, plain(&row.tool))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use serde_json::json;

    /// A request of this agent.
    #[must_use]
    pub fn row(agent: &str, more_tools: u32) -> RequestRow {
        let id = "00000000-0000-0000-0000-000000000001";
        serde_json::from_value(json!({
            "id": id, "kind": "call", "state": "pending", "agent": agent,
            "requester": {"id": id, "name": "Mina Sato", "email": "mina@acme.test", "groups": []},
            "connector": {"id": id, "slug": "shop", "name": "Shop", "kind": "http", "status": "connected"},
            "tool": [{"kind": "text", "text": "refunds_create"}], "more_tools": more_tools, "effect": "write",
            "note": [], "created_at": "2026-11-23T10:40:00.000Z", "expires_at": "2026-11-23T10:50:00.000Z",
            "ended_at": null, "approvals": 0, "needed": 1, "your_turn": true,
        }))
        .unwrap()
    }

    #[test]
    fn who_hears_nothing_any_more_is_told_so() {
        let note = Some("Your session is over.".to_owned());
        let signed_out = |note, waiting| {
            let (address, desk) = ("https://desk.example.com".to_owned(), "Acme".to_owned());
            AppStatus::SignedOut { address, desk, here: false, waiting, note }
        };
        let over = signed_out(note.clone(), false);
        assert_eq!(trouble(&over), Some(("Signed out".to_owned(), "Your session is over.".to_owned())));
        assert_eq!(standing(&over), Some("Signed out"));
        for known in [signed_out(None, false), signed_out(note, true), AppStatus::Starting] {
            assert_eq!(trouble(&known), None, "whoever did it knows");
        }
        let failed = AppStatus::Failed { title: "No desk".into(), words: "Its port is taken.".into() };
        assert_eq!(trouble(&failed), Some(("No desk".to_owned(), "Its port is taken.".to_owned())));
    }

    #[test]
    fn a_notification_says_who_asks_for_what_and_for_whom() {
        let (title, text) = notice(&row("invoice-bot", 0));
        assert_eq!((title.as_str(), text.as_str()), ("invoice-bot asks: refunds_create", "Shop, for Mina Sato"));
        assert_eq!(notice(&row("invoice-bot", 2)).0, "invoice-bot asks: refunds_create +2");
    }

    #[test]
    fn a_name_can_not_dress_a_notification() {
        if cfg!(target_os = "linux") {
            assert_eq!(without_markup("<b>Urgent</b> & now"), "&lt;b&gt;Urgent&lt;/b&gt; &amp; now");
        }
    }
}
