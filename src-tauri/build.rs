//! Builds what Tauri wants before the app, and explains what a checkout may lack.

use std::error::Error;
use std::fs;
use std::path::Path;
use tauri_build::{AppManifest, Attributes};

/// The commands that the window may be given: `capabilities/main.json` gives them.
const COMMANDS: &[&str] = &[
    "api",
    "status",
    "take_place",
    "hello",
    "run_here",
    "connect",
    "sign_in",
    "leave_desk",
    "try_again",
    "open_in_browser",
    "preferences",
    "set_start_at_login",
    "set_do_not_disturb",
    "diagnostics",
    "quit",
];

fn main() -> Result<(), Box<dyn Error>> {
    let config = fs::read_to_string("tauri.conf.json")?;
    if !config.trim_start().starts_with('{') {
        return Err("src-tauri/tauri.conf.json is a symbolic link to ../tauri.conf.json, and this checkout has it as \
                    text. Turn links on and check out again: `git config core.symlinks true`, then `git checkout -- \
                    src-tauri/tauri.conf.json` (on Windows with developer mode, or as administrator)."
            .into());
    }
    // Without a built interface the app builds all the same; `cargo xtask app` builds it first.
    if !Path::new("../ui/dist").exists() {
        fs::create_dir_all("../ui/dist")?;
    }
    println!("cargo:rerun-if-changed=../ui/dist");
    tauri_build::try_build(Attributes::new().app_manifest(AppManifest::new().commands(COMMANDS)))?;
    Ok(())
}
