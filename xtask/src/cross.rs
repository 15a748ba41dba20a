//! `cargo xtask check-cross`: whether the desktop app compiles for Windows, and its mobile entry point for Android, both
//! checked on Linux. Not in CI: it says what it did not show.

use std::process::Command;

use anyhow::Result;

use crate::tools::Tool;
use crate::{shell, tools};

const WINDOWS: &str = "x86_64-pc-windows-gnu";
const ANDROID: &str = "aarch64-linux-android";

/// What compiles the little C that each of them has, by Debian's packages. For Android that is the C of the same
/// processor: nothing is linked, so whose C library it is does not matter.
const COMPILERS: &[Tool] = &[
    Tool("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64"),
    Tool("aarch64-linux-gnu-gcc", "crossbuild-essential-arm64"),
    Tool("rustup", "rustup"),
];

/// Checks.
///
/// # Errors
/// When a tool is missing, or the app does not compile.
pub(crate) fn check() -> Result<()> {
    eprintln!("[1/3] compilers for Windows and for 64-bit ARM, and Rust's targets");
    tools::debian(COMPILERS)?;
    shell::run(Command::new("rustup").current_dir(shell::root()).args(["target", "add", WINDOWS, ANDROID]))?;
    eprintln!("[2/3] cargo check for {WINDOWS}");
    shell::run(shell::cargo().args(["check", "-p", "countersign-app", "--target", WINDOWS]))?;
    eprintln!("[3/3] cargo check for {ANDROID}");
    shell::run(
        shell::cargo()
            .args(["check", "-p", "countersign-app", "--lib", "--target", ANDROID])
            .env("CC_aarch64_linux_android", "aarch64-linux-gnu-gcc")
            .env("AR_aarch64_linux_android", "aarch64-linux-gnu-ar"),
    )?;
    eprintln!(
        "\nThe app compiles for Windows, and its mobile entry point for Android. Not shown by this: that either links \
         (Windows builds use x86_64-pc-windows-msvc, Android's its NDK), that it starts, that toasts, the tray and the \
         credential store work, or anything of macOS and iOS."
    );
    Ok(())
}
