//! The one window: shown, hidden, and kept from going anywhere else.

#[cfg(desktop)]
mod login;

#[cfg(desktop)]
pub use login::{HIDDEN, by_the_system, start_at_login, starts_at_login};
use std::path::PathBuf;
use tauri::{AppHandle, Manager as _, WebviewWindow, WebviewWindowBuilder};
use url::Url;

/// Its name.
pub const LABEL: &str = "main";

/// Brings the window up. A page of the app's own, in whatever state it was left.
pub fn show(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else { return };
    let shown = window.show();
    #[cfg(desktop)]
    let shown = shown.and_then(|()| window.unminimize()).and_then(|()| window.set_focus());
    if let Err(error) = shown {
        tracing::warn!(%error, "the window can't be shown");
    }
}

/// Whether the window is open.
#[must_use]
pub fn is_shown(app: &AppHandle) -> bool {
    app.get_webview_window(LABEL).is_some_and(|window| window.is_visible().unwrap_or(false))
}

/// Makes the window as the configuration describes it. Where the app's folder can't be written to, the webview keeps
/// its things in one that nobody else has, and the window can say what is wrong.
///
/// # Errors
/// When the system has no window to give.
pub fn open(app: &AppHandle) -> tauri::Result<()> {
    let window = build(app, None).or_else(|error| {
        tracing::warn!(%error, "the webview has no folder of its own");
        build(app, Some(fresh_folder()?))
    })?;
    #[cfg(desktop)]
    go_on_when_closed(&window);
    #[cfg(mobile)]
    let _ = window;
    Ok(())
}

fn build(app: &AppHandle, folder: Option<PathBuf>) -> tauri::Result<WebviewWindow> {
    let config = app.config().app.windows.iter().find(|window| window.label == LABEL).cloned().unwrap_or_default();
    let mut window = WebviewWindowBuilder::from_config(app, &config)?.on_navigation(is_own);
    #[cfg(desktop)]
    {
        window = window.visible(!by_the_system(std::env::args()));
    }
    if let Some(folder) = folder {
        window = window.data_directory(folder);
    }
    window.build()
}

/// Closing it ends nothing: the app goes on in the tray.
#[cfg(desktop)]
fn go_on_when_closed(window: &WebviewWindow) {
    let shown = window.clone();
    window.on_window_event(move |event| {
        if let tauri::WindowEvent::CloseRequested { api, .. } = event {
            api.prevent_close();
            let _ = shown.hide();
        }
    });
}

fn fresh_folder() -> std::io::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("countersign-{}", std::process::id()));
    // One that is there already may be somebody else's.
    private().create(&folder)?;
    Ok(folder)
}

#[cfg(unix)]
fn private() -> std::fs::DirBuilder {
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// A folder of one's own is private there anyway.
#[cfg(not(unix))]
fn private() -> std::fs::DirBuilder {
    std::fs::DirBuilder::new()
}

/// The app's own pages are all that the window ever shows.
fn is_own(url: &Url) -> bool {
    let own = match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        // Windows and Android have no schemes of an app's own; elsewhere this would be some server.
        "http" | "https" => cfg!(any(windows, target_os = "android")) && url.host_str() == Some("tauri.localhost"),
        "about" => url.path() == "blank",
        _ => false,
    };
    if !own {
        tracing::warn!(scheme = url.scheme(), "the window was to go elsewhere, and stays");
    }
    own
}

/// Phones start nothing.
#[cfg(mobile)]
pub fn starts_at_login(_: &AppHandle) -> bool {
    false
}

/// Phones start nothing.
///
/// # Errors
/// Always.
#[cfg(mobile)]
pub fn start_at_login(_: &AppHandle, _: bool) -> Result<(), String> {
    Err("A phone starts no apps by itself.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_stays_with_the_apps_own_pages() {
        let is_own = |text: &str| is_own(&Url::parse(text).unwrap());
        for own in ["tauri://localhost/requests", "about:blank"] {
            assert!(is_own(own), "{own}");
        }
        for other in [
            "https://evil.test/",
            "https://desk.example.com/",
            "http://localhost:8787/",
            "tauri://evil/",
            #[cfg(not(windows))]
            "http://tauri.localhost/",
            "http://tauri.localhost.evil.test/",
            "file:///etc/passwd",
            "data:text/html,x",
            "javascript:alert(1)",
        ] {
            assert!(!is_own(other), "{other}");
        }
    }
}
