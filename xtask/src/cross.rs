//! `cargo xtask check-cross`: whether the desktop app compiles for Windows, checked on Linux. Not in CI: it says what it
//! did not show.

use std::process::Command;

use anyhow::Result;

use crate::tools::Tool;
use crate::{shell, tools};

const TARGET: &str = "x86_64-pc-windows-gnu";

/// Checks.
///
/// # Errors
/// When a tool is missing, or the app does not compile.
pub(crate) fn check() -> Result<()> {
    eprintln!("[1/2] Debian's mingw-w64, and Rust's target for it");
    tools::debian(&[Tool("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64"), Tool("rustup", "rustup")])?;
    shell::run(Command::new("rustup").current_dir(shell::root()).args(["target", "add", TARGET]))?;
    eprintln!("[2/2] cargo check for {TARGET}");
    shell::run(shell::cargo().args(["check", "-p", "countersign-app", "--target", TARGET]))?;
    eprintln!(
        "\nIt compiles for Windows. Not shown by this: that it links (mingw-w64 is not what Windows builds use, which is \
         x86_64-pc-windows-msvc), that it starts, that toasts, the tray and the credential store work, or anything of \
         macOS."
    );
    Ok(())
}
