//! `cargo xtask app`: from a bare Rust toolchain to the desktop app's window. `cargo xtask bench --app` measures it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::run::become_it;
use crate::{shell, tools, ui};

/// The desktop app as every task builds it.
pub(crate) const APP: &[&str] = &["--bin", "countersign-app"];

/// Builds what is missing and becomes the app.
///
/// # Errors
/// When a step fails; the message names what to do about it.
pub(crate) fn app(args: &[String]) -> Result<()> {
    eprintln!("[1/4] a C compiler, and the webview that the window is made of");
    tools::c_compiler()?;
    tools::webview()?;
    tools::wasm_target()?;
    eprintln!("[2/4] the user interface (about 2 minutes on two cores, the first time)");
    ui::build()?;
    eprintln!("[3/4] the app, with the server in it (about 8 minutes on two cores, the first time)");
    let app = shell::build_binary("countersign-app", &[&["--workspace"], APP].concat())?;
    eprintln!("[4/4] the app: quit it in its tray, or with Ctrl-C\n");
    become_it(Command::new(app).args(args))
}

/// Builds the app and the bench as they are released, and measures the app.
///
/// # Errors
/// When a build or the bench fails.
pub(crate) fn bench() -> Result<()> {
    eprintln!("[1/3] the user interface, and what the window is driven with");
    tools::c_compiler()?;
    tools::webview()?;
    tools::wasm_target()?;
    ui::build()?;
    let driver = tools::tauri_driver()?;
    eprintln!("[2/3] release builds of the app and the bench (20 minutes on two cores, the first time)");
    let packages = ["--release", "-p", "countersign-app", "-p", "countersign-tests"];
    let binaries = ["--bin", "countersign-app", "--bin", "bench"];
    let [app, bench] = shell::build_binaries(["countersign-app", "bench"], &[&packages[..], &binaries].concat())?;
    eprintln!("[3/3] the bench");
    shell::run(
        Command::new(bench)
            .current_dir(shell::root())
            .env("COUNTERSIGN_APP_BIN", app)
            .env("COUNTERSIGN_TAURI_DRIVER", driver)
            .arg("app"),
    )
}

/// The app as it is released.
///
/// # Errors
/// When the build fails.
pub(crate) fn release() -> Result<PathBuf> {
    shell::build_binary("countersign-app", &["--release", "-p", "countersign-app"]).context("the app was not built")
}
