//! Countersign on the desktop and, one day, on the phone: a thin shell over the same interface that browsers show. It
//! holds the session, speaks to the desk, tells of requests natively, and hands the passkey's ceremony to the browser.
//!
//! It decides nothing. A desk on this computer is the same server as anywhere, started within this process.

mod address;
mod board;
#[cfg(desktop)]
mod bundled;
mod clock;
mod commands;
mod deep_link;
mod desk;
mod diagnostics;
mod keychain;
mod log;
mod loopback;
mod notices;
mod path;
mod pkce;
mod settings;
mod shell;
mod sse;
mod stream;
mod tray;
mod window;
mod words;

use deep_link::DeepLink;
use shell::{Folders, Shell};
use std::error::Error;
use std::sync::Arc;
use tauri::{App, AppHandle, Manager as _, RunEvent};
use tauri_plugin_deep_link::DeepLinkExt as _;
use url::Url;

/// Which links the app follows.
const FOLLOWED: &str = "The app follows links to a request, and to a desk at an address that begins with https.";

/// The keys that bring the queue up from anywhere.
#[cfg(desktop)]
const SHORTCUT: &str = "Ctrl+Alt+C";

/// Runs the app until it is quit.
#[cfg_attr(mobile, tauri::mobile_entry_point)]
pub fn run() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    // What the tray and whoever reads a screen aloud call it; else it is the binary's name.
    #[cfg(target_os = "linux")]
    glib::set_application_name("Countersign");
    let builder = tauri::Builder::default();
    #[cfg(desktop)]
    let builder = builder
        // First of all: a second start hands its link over and ends before it opens anything.
        .plugin(tauri_plugin_single_instance::init(|app, arguments, _| {
            // A login that starts it though it runs already brings nothing up.
            if !window::by_the_system(arguments.into_iter()) {
                window::show(app);
            }
        }))
        .plugin(tauri_plugin_autostart::Builder::new().app_name("Countersign").arg(window::HIDDEN).build())
        .plugin(window_state());
    let built = builder
        .plugin(tauri_plugin_deep_link::init())
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_opener::Builder::new().open_js_links_on_click(false).build())
        .invoke_handler(tauri::generate_handler![
            commands::api,
            commands::status,
            commands::take_place,
            commands::hello,
            commands::run_here,
            commands::connect,
            commands::sign_in,
            commands::leave_desk,
            commands::try_again,
            commands::open_in_browser,
            commands::preferences,
            commands::set_start_at_login,
            commands::set_do_not_disturb,
            commands::diagnostics,
            commands::quit,
        ])
        .setup(|app| set_up(app))
        .build(tauri::generate_context!());
    match built {
        Ok(app) => app.run(|app, event| match event {
            RunEvent::Exit => stop(app),
            // A click on the app's icon in the Dock, where closing has hidden the window.
            #[cfg(target_os = "macos")]
            RunEvent::Reopen { .. } => window::show(app),
            _ => {}
        }),
        Err(error) => complain(&error),
    }
}

#[allow(clippy::print_stderr, reason = "there is no window to say it in")]
fn complain(error: &tauri::Error) {
    tracing::error!(%error, "the app does not start");
    eprintln!("countersign-app: the app does not start: {error}");
}

/// Where the window was. Whether it was shown is not kept: who starts the app wants to see it.
#[cfg(desktop)]
fn window_state() -> tauri::plugin::TauriPlugin<tauri::Wry> {
    use tauri_plugin_window_state::StateFlags;
    let kept = StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED;
    tauri_plugin_window_state::Builder::new().with_state_flags(kept).build()
}

fn set_up(app: &App) -> Result<(), Box<dyn Error>> {
    let paths = app.path();
    let folders = Folders {
        config: paths.app_config_dir()?,
        #[cfg(desktop)]
        data: paths.app_local_data_dir()?,
        log: paths.app_log_dir()?,
    };
    log::start(&folders.log);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "the app starts");
    let handle = app.handle();
    let shell = Arc::new(Shell::new(handle.clone(), folders));
    app.manage(shell.clone());
    app.manage(notices::start(handle)?);
    if let Err(error) = notices::prepare(handle, shell.clone()) {
        tracing::warn!(%error, "notifications have no buttons here");
    }
    window::open(handle)?;
    #[cfg(desktop)]
    set_up_desktop(handle, &shell);
    listen_to_links(app, &shell);
    tauri::async_runtime::spawn(shell.open());
    Ok(())
}

/// The tray and the shortcut. Without them the app works all the same.
#[cfg(desktop)]
fn set_up_desktop(app: &AppHandle, shell: &Arc<Shell>) {
    if let Err(error) = tray::prepare(app, shell.clone()) {
        tracing::warn!(%error, "there is no tray here");
    }
    if let Err(error) = listen_to_shortcut(app, shell) {
        tracing::warn!(%error, "there is no global shortcut here");
    }
    #[cfg(unix)]
    stop_when_told(app);
}

#[cfg(desktop)]
fn listen_to_shortcut(app: &AppHandle, shell: &Arc<Shell>) -> Result<(), Box<dyn Error>> {
    use tauri_plugin_global_shortcut::{Builder, ShortcutState};
    let pressed = shell.clone();
    let plugin = Builder::new().with_shortcut(SHORTCUT)?.with_handler(move |_, _, event| {
        if event.state() == ShortcutState::Pressed {
            pressed.go("/requests");
        }
    });
    app.plugin(plugin.build())?;
    shell.note_shortcut(SHORTCUT);
    Ok(())
}

/// The system's wish to end is one to end well: the desk in the box finishes what it does.
#[cfg(all(desktop, unix))]
fn stop_when_told(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        match told_to_end().await {
            Ok(()) => app.exit(0),
            Err(error) => tracing::warn!(%error, "signals can't be heard"),
        }
    });
}

/// Comes back when the system, a terminal that closes, or somebody at one wants the app to end.
#[cfg(all(desktop, unix))]
async fn told_to_end() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut ended, mut closed) = (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    let mut interrupted = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = ended.recv() => {}
        _ = closed.recv() => {}
        _ = interrupted.recv() => {}
    }
    Ok(())
}

fn listen_to_links(app: &App, shell: &Arc<Shell>) {
    // What is installed by hand (an AppImage) is known to the system by nobody else.
    #[cfg(target_os = "linux")]
    if std::env::var_os("APPIMAGE").is_some()
        && let Err(error) = app.deep_link().register_all()
    {
        tracing::warn!(%error, "countersign:// links can't be registered");
    }
    let follow = {
        let shell = shell.clone();
        move |urls: Vec<Url>| {
            for url in urls {
                match DeepLink::read(url.as_str()) {
                    Some(link) => {
                        tauri::async_runtime::spawn(shell.clone().follow(link));
                    }
                    None => {
                        tracing::warn!("a link asked for something that the app does not know");
                        notices::say(shell.app(), "This link can't be followed", FOLLOWED);
                    }
                }
            }
        }
    };
    if let Ok(Some(urls)) = app.deep_link().get_current() {
        follow(urls);
    }
    app.deep_link().on_open_url(move |event| follow(event.urls()));
}

/// Ends what runs within the app.
fn stop(app: &AppHandle) {
    tracing::info!("the app ends");
    if let Some(shell) = app.try_state::<Arc<Shell>>() {
        tauri::async_runtime::block_on(shell.stop_bundled());
    }
}
