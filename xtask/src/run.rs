//! `cargo xtask run`: from a bare Rust toolchain to a running demo. Each step says what it does and what it takes
//! the first time; later runs take seconds.

use std::process::Command;

use anyhow::Result;

use crate::{shell, tools, ui};

/// The server as `run` and `test` build it: features are unified over the whole workspace, so that one build of each
/// dependency serves both.
pub(crate) const SERVER: &[&str] = &["--workspace", "--bin", "countersign"];

/// Builds what is missing and becomes the demo.
///
/// # Errors
/// When a step fails; the message names what to do about it.
pub(crate) fn run(args: &[String]) -> Result<()> {
    eprintln!("[1/5] a C compiler");
    let compiler = tools::c_compiler()?;
    eprintln!("      {}", compiler.display());
    eprintln!("[2/5] Rust's target for the browser (a download of 20 MB, the first time)");
    tools::wasm_target()?;
    eprintln!("[3/5] the user interface (about 2 minutes on two cores, the first time)");
    ui::build()?;
    eprintln!("[4/5] the server (about 5 minutes on two cores, the first time)");
    let server = shell::build_binary("countersign", SERVER)?;
    eprintln!("[5/5] the demo: a throw-away desk, gone when you stop it with Ctrl-C\n");
    become_it(Command::new(server).arg("demo").args(args))
}

/// Replaces this process, so that Ctrl-C and the exit code are the demo's own.
#[cfg(unix)]
pub(crate) fn become_it(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(anyhow::Error::from(command.exec()).context("the demo could not be started"))
}

#[cfg(not(unix))]
pub(crate) fn become_it(command: &mut Command) -> Result<()> {
    shell::run(command)
}
