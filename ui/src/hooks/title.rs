//! The tab's title: how many wait, which page, whose product.

use yew::prelude::*;

/// `(3) Requests · Countersign`.
pub(crate) fn tab_title(page: &str, pending: Option<u64>) -> String {
    let count = pending.filter(|count| *count > 0).map(|count| format!("({count}) ")).unwrap_or_default();
    format!("{count}{page} · Countersign")
}

/// Sets the tab's title.
#[hook]
pub(crate) fn use_title(page: &'static str, pending: Option<u64>) {
    use_effect_with((page, pending), |(page, pending)| {
        if let Some(document) = web_sys::window().and_then(|window| window.document()) {
            document.set_title(&tab_title(page, *pending));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::tab_title;

    #[test]
    fn the_title_counts_only_what_waits() {
        assert_eq!(tab_title("Requests", Some(3)), "(3) Requests · Countersign");
        assert_eq!(tab_title("Requests", Some(0)), "Requests · Countersign");
        assert_eq!(tab_title("Agents", None), "Agents · Countersign");
    }
}
