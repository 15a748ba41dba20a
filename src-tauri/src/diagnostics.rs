//! What whoever helps wants to know: versions, where things stand, the end of the log. Nothing secret is in any of it.

use crate::shell::Shell;
use countersign_wire::app::AppStatus;
use std::fmt::Write as _;

/// How many of the log's last lines go along, and the most bytes of them.
const LINES: usize = 60;
const BYTES: u64 = 64 * 1024;

/// All of it as text.
#[must_use]
pub fn text(shell: &Shell) -> String {
    let preferences = shell.preferences();
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| "-".to_owned());
    let webview = tauri::webview_version().unwrap_or_else(|error| error.to_string());
    let mut text = String::new();
    // A String takes whatever is written.
    let _ = writeln!(
        text,
        "Countersign {}\nsystem: {} {}, desktop {}, session {}\nwebview: {webview}\ndesk: {}{}\nstands: {}\nsession \
         kept in: {:?}\nstart at login: {}, do not disturb: {}, shortcut: {}\nlog: {}",
        preferences.version,
        std::env::consts::OS,
        std::env::consts::ARCH,
        variable("XDG_CURRENT_DESKTOP"),
        variable("XDG_SESSION_TYPE"),
        preferences.address,
        if preferences.here { " (on this computer)" } else { "" },
        word(&shell.status()),
        preferences.kept_in,
        preferences.start_at_login,
        preferences.do_not_disturb,
        preferences.shortcut.as_deref().unwrap_or("-"),
        shell.folders().log.display(),
    );
    text.push_str(last_lines(&crate::log::end(&shell.folders().log, BYTES), LINES));
    text
}

const fn word(status: &AppStatus) -> &'static str {
    match status {
        AppStatus::Choose { .. } => "no desk chosen",
        AppStatus::Starting => "starting",
        AppStatus::Setup { .. } => "waits for the desk to be set up",
        AppStatus::SignedOut { .. } => "signed out",
        AppStatus::Ready { .. } => "signed in",
        AppStatus::Failed { .. } => "failed",
    }
}

fn last_lines(text: &str, most: usize) -> &str {
    let starts = text.trim_end().rmatch_indices('\n').nth(most - 1);
    starts.map_or(text, |(at, _)| &text[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn the_end_of_the_log_goes_along() {
        assert_eq!(last_lines("a\nb\nc\n", 2), "b\nc\n");
        assert_eq!(last_lines("a\nb", 2), "a\nb");
        assert_eq!(last_lines("", 2), "");
    }
}
