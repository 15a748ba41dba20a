//! What the tray and the notifications say. Pure.

use countersign_domain::card::Segment;
use countersign_wire::app::AppStatus;
use countersign_wire::requests::RequestRow;

/// The most characters of a line in the tray's menu.
const MENU_LINE: usize = 60;

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

/// The tray's tooltip.
#[must_use]
pub fn tooltip(standing: Option<&str>, pending: u64) -> String {
    if let Some(standing) = standing {
        return format!("Countersign: {}", lower_first(standing));
    }
    match pending {
        0 => "Countersign: nothing waits".to_owned(),
        1 => "Countersign: 1 request waits".to_owned(),
        more => format!("Countersign: {more} requests wait"),
    }
}

/// The first line of the tray's menu.
#[must_use]
pub fn waiting(pending: u64) -> String {
    match pending {
        0 => "Nothing waits".to_owned(),
        1 => "1 request waits".to_owned(),
        more => format!("{more} requests wait"),
    }
}

/// The number beside the tray's icon; none where nothing waits.
#[must_use]
pub fn count(pending: u64) -> Option<String> {
    match pending {
        0 => None,
        1..100 => Some(pending.to_string()),
        _ => Some("99+".to_owned()),
    }
}

/// A request in the tray's menu. An ampersand there would underline a letter.
#[must_use]
pub fn menu_line(row: &RequestRow) -> String {
    cut(&format!("{}, for {}", asked(row), row.requester.name), MENU_LINE).replace('&', "&&")
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

fn asked(row: &RequestRow) -> String {
    let more = if row.more_tools > 0 { format!(" +{}", row.more_tools) } else { String::new() };
    format!("{} asks: {}{more}", row.agent, plain(&row.tool))
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// A text as a sentence begins.
#[must_use]
pub fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(most - 1).collect();
    format!("{beginning}…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(agent: &str, more_tools: u32) -> RequestRow {
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
    fn the_tray_says_how_many_wait() {
        assert_eq!((tooltip(None, 0).as_str(), count(0)), ("Countersign: nothing waits", None));
        assert_eq!((tooltip(None, 1).as_str(), count(1).as_deref()), ("Countersign: 1 request waits", Some("1")));
        assert_eq!(
            (tooltip(None, 250).as_str(), count(250).as_deref()),
            ("Countersign: 250 requests wait", Some("99+"))
        );
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
        assert_eq!(tooltip(standing(&over), 3), "Countersign: signed out");
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
    fn a_name_can_neither_fill_the_menu_nor_dress_a_notification() {
        let line = menu_line(&row(&"R&D-bot".repeat(30), 0));
        assert!(line.contains("R&&D") && line.ends_with('…') && line.replace("&&", "&").chars().count() <= MENU_LINE);
        if cfg!(target_os = "linux") {
            assert_eq!(without_markup("<b>Urgent</b> & now"), "&lt;b&gt;Urgent&lt;/b&gt; &amp; now");
        }
    }
}
