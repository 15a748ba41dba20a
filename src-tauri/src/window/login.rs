//! The app's start when somebody logs in to this computer.

use tauri::AppHandle;
use tauri_plugin_autostart::ManagerExt as _;

/// Said by the system when it starts the app, which nobody looks at then.
pub const HIDDEN: &str = "--hidden";

/// Whether the system started the app, by what it was started with.
pub fn by_the_system(mut arguments: impl Iterator<Item = String>) -> bool {
    arguments.any(|argument| argument == HIDDEN)
}

/// Whether the app starts when somebody logs in to this computer.
#[must_use]
pub fn starts_at_login(app: &AppHandle) -> bool {
    app.autolaunch().is_enabled().unwrap_or(false)
}

/// Has the app start when somebody logs in, or not.
///
/// # Errors
/// When the system doesn't take it.
pub fn start_at_login(app: &AppHandle, on: bool) -> Result<(), String> {
    let launch = app.autolaunch();
    let done = if on { launch.enable() } else { launch.disable() };
    done.map_err(|error| {
        tracing::error!(%error, "start at login can't be changed");
        "This system did not take that.".to_owned()
    })
}
