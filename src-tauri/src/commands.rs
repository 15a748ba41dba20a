//! What the window may ask of the shell: each a few lines, and nothing that would hand it the session.

#![allow(clippy::needless_pass_by_value, reason = "Tauri hands arguments over")]

use crate::diagnostics;
use crate::shell::{Shell, Told};
use crate::window;
use countersign_wire::app::{AppAnswer, AppCall, AppPreferences, AppStatus};
use std::sync::Arc;
use tauri::State;

type Held<'a> = State<'a, Arc<Shell>>;

#[tauri::command]
pub async fn api(shell: Held<'_>, call: AppCall) -> Told<AppAnswer> {
    shell.call(call).await
}

#[tauri::command]
pub fn status(shell: Held<'_>) -> AppStatus {
    shell.status()
}

#[tauri::command]
pub fn take_place(shell: Held<'_>) -> Option<String> {
    shell.take_place()
}

#[tauri::command]
pub fn hello(shell: Held<'_>) {
    shell.hello();
}

#[tauri::command]
pub async fn run_here(shell: Held<'_>) -> Told<()> {
    shell.run_here().await
}

#[tauri::command]
pub async fn connect(shell: Held<'_>, address: String) -> Told<()> {
    shell.connect(&address).await
}

#[tauri::command]
pub async fn sign_in(shell: Held<'_>) -> Told<()> {
    shell.sign_in().await
}

#[tauri::command]
pub async fn leave_desk(shell: Held<'_>) -> Told<()> {
    shell.leave_desk().await
}

#[tauri::command]
pub async fn try_again(shell: Held<'_>) -> Told<()> {
    shell.inner().clone().open().await;
    Ok(())
}

#[tauri::command]
pub async fn open_in_browser(shell: Held<'_>, path: String) -> Told<()> {
    shell.open_in_browser(&path).await
}

#[tauri::command]
pub fn preferences(shell: Held<'_>) -> AppPreferences {
    shell.preferences()
}

#[tauri::command]
pub fn set_start_at_login(shell: Held<'_>, on: bool) -> Told<AppPreferences> {
    window::start_at_login(shell.app(), on)?;
    shell.show_board();
    Ok(shell.preferences())
}

#[tauri::command]
pub fn set_do_not_disturb(shell: Held<'_>, on: bool) -> Told<AppPreferences> {
    shell.set_do_not_disturb(on)?;
    Ok(shell.preferences())
}

/// Where there is no tray, this is the way out.
#[tauri::command]
pub fn quit(shell: Held<'_>) {
    shell.app().exit(0);
}

#[tauri::command]
pub fn diagnostics(shell: Held<'_>) -> String {
    diagnostics::text(&shell)
}
