//! The icon and its menu.

use super::{View, words};
use crate::shell::Shell;
use crate::window;
use crate::words::waiting;
use std::sync::Arc;
use tauri::image::Image;
use tauri::menu::{CheckMenuItem, IsMenuItem, Menu, MenuEvent, MenuItem, PredefinedMenuItem};
use tauri::tray::{MouseButton, MouseButtonState, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager as _, Wry};

const ID: &str = "tray";
const WAITS: &str = "waits";
const OPEN: &str = "open";
const REQUEST: &str = "request:";
const DO_NOT_DISTURB: &str = "do-not-disturb";
const START_AT_LOGIN: &str = "start-at-login";
const ANOTHER_DESK: &str = "another-desk";
const DIAGNOSTICS: &str = "diagnostics";
const QUIT: &str = "quit";

const IDLE: &[u8] = include_bytes!("../../../icons/tray.png");
const WAITING: &[u8] = include_bytes!("../../../icons/tray-waiting.png");

/// Puts the icon there.
///
/// # Errors
/// When this system has no tray.
pub fn prepare(app: &AppHandle, shell: Arc<Shell>) -> tauri::Result<()> {
    let view = shell.tray_view();
    let menu = menu(app, &view)?;
    TrayIconBuilder::with_id(ID)
        .icon(Image::from_bytes(IDLE)?)
        .tooltip(words::tooltip(view.standing, view.pending))
        .temp_dir_path(icons(app)?)
        .menu(&menu)
        .show_menu_on_left_click(cfg!(target_os = "macos"))
        .on_menu_event(move |_, event| chosen(&shell, &event))
        .on_tray_icon_event(|tray, event| {
            if let TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. } = event {
                window::show(tray.app_handle());
            }
        })
        .build(app)?;
    Ok(())
}

/// Where Linux reads the icon from: other apps put theirs into the folder that all share.
fn icons(app: &AppHandle) -> tauri::Result<std::path::PathBuf> {
    Ok(app.path().app_cache_dir()?.join("tray"))
}

/// Draws it anew.
pub fn draw(app: &AppHandle, view: &View) {
    if let Err(error) = redraw(app, view) {
        tracing::warn!(%error, "the tray can't be drawn");
    }
}

fn redraw(app: &AppHandle, view: &View) -> tauri::Result<()> {
    if let Some(tray) = app.tray_by_id(ID) {
        tray.set_menu(Some(menu(app, view)?))?;
        tray.set_tooltip(Some(words::tooltip(view.standing, view.pending)))?;
        tray.set_title(words::count(view.pending))?;
        tray.set_icon(Some(Image::from_bytes(if view.pending > 0 { WAITING } else { IDLE })?))?;
    }
    let Some(window) = app.get_webview_window(window::LABEL) else { return Ok(()) };
    #[cfg(windows)]
    window.set_overlay_icon(if view.pending > 0 { Some(Image::from_bytes(WAITING)?) } else { None })?;
    #[cfg(not(windows))]
    window.set_badge_count(i64::try_from(view.pending).ok().filter(|pending| *pending > 0))?;
    Ok(())
}

fn menu(app: &AppHandle, view: &View) -> tauri::Result<Menu<Wry>> {
    let menu = Menu::new(app)?;
    let item = |id: String, words: &str| MenuItem::with_id(app, id, words, true, None::<&str>);
    let check = |id: &str, words: &str, on: bool| CheckMenuItem::with_id(app, id, words, true, on, None::<&str>);
    let line = || PredefinedMenuItem::separator(app);
    let first = view.standing.map_or_else(|| waiting(view.pending), ToOwned::to_owned);
    menu.append(&MenuItem::with_id(app, WAITS, first, false, None::<&str>)?)?;
    for row in &view.newest {
        menu.append(&item(format!("{REQUEST}{}", row.id), &words::menu_line(row))?)?;
    }
    let rest: [&dyn IsMenuItem<Wry>; 9] = [
        &line()?,
        &item(OPEN.to_owned(), "Open Countersign")?,
        &check(DO_NOT_DISTURB, "Do not disturb", view.do_not_disturb)?,
        &check(START_AT_LOGIN, "Start at login", view.start_at_login)?,
        &line()?,
        &item(ANOTHER_DESK.to_owned(), "Use another desk…")?,
        &item(DIAGNOSTICS.to_owned(), "Copy diagnostics…")?,
        &line()?,
        &item(QUIT.to_owned(), "Quit Countersign")?,
    ];
    menu.append_items(&rest)?;
    Ok(menu)
}

fn chosen(shell: &Arc<Shell>, event: &MenuEvent) {
    let shell = shell.clone();
    match event.id().as_ref() {
        OPEN => window::show(shell.app()),
        QUIT => shell.app().exit(0),
        DO_NOT_DISTURB => {
            let on = !shell.tray_view().do_not_disturb;
            complain(shell.set_do_not_disturb(on));
            shell.draw_board();
        }
        START_AT_LOGIN => {
            let on = !shell.tray_view().start_at_login;
            complain(window::start_at_login(shell.app(), on));
            shell.draw_board();
        }
        // Both have their button on that page, and on every page that is shown before somebody is signed in.
        ANOTHER_DESK | DIAGNOSTICS if shell.is_signed_in() => shell.go("/account#app"),
        ANOTHER_DESK | DIAGNOSTICS => window::show(shell.app()),
        other => {
            if let Some(id) = other.strip_prefix(REQUEST) {
                shell.go(&format!("/requests/{id}"));
            }
        }
    }
}

fn complain(done: Result<(), String>) {
    if let Err(words) = done {
        tracing::error!(words, "the tray's switch did not work");
    }
}
