//! What the tray alone says. Pure.

use crate::words::asked;
use countersign_wire::requests::RequestRow;

/// The most characters of a line in the menu.
const MENU_LINE: usize = 60;

/// The tooltip.
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

/// The number beside the icon; none where nothing waits.
#[must_use]
pub fn count(pending: u64) -> Option<String> {
    match pending {
        0 => None,
        1..100 => Some(pending.to_string()),
        _ => Some("99+".to_owned()),
    }
}

/// A request in the menu. An ampersand there would underline a letter.
#[must_use]
pub fn menu_line(row: &RequestRow) -> String {
    cut(&format!("{}, for {}", asked(row), row.requester.name), MENU_LINE).replace('&', "&&")
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
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
    use crate::words::tests::row;

    #[test]
    fn the_tray_says_how_many_wait() {
        assert_eq!((tooltip(None, 0).as_str(), count(0)), ("Countersign: nothing waits", None));
        assert_eq!((tooltip(None, 1).as_str(), count(1).as_deref()), ("Countersign: 1 request waits", Some("1")));
        assert_eq!(tooltip(Some("Signed out"), 3), "Countersign: signed out");
        assert_eq!(
            (tooltip(None, 250).as_str(), count(250).as_deref()),
            ("Countersign: 250 requests wait", Some("99+"))
        );
    }

    #[test]
    fn a_name_can_not_fill_the_menu() {
        let line = menu_line(&row(&"R&D-bot".repeat(30), 0));
        assert!(line.contains("R&&D") && line.ends_with('…') && line.replace("&&", "&").chars().count() <= MENU_LINE);
    }
}
