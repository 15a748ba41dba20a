//! The desktop app's entry point. Everything is in the library, which the mobile entry point shares.

// No console window beside the app on Windows.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() {
    countersign_app::run();
}
