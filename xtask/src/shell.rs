//! Running other programs: cargo with a clean environment, and whatever is found on PATH.
//! Their output goes straight to the terminal; a failure becomes one sentence that names the command.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The workspace's root, also where the clone was moved since this program was built.
pub(crate) fn root() -> PathBuf {
    let here =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
}

/// A cargo in the workspace's root.
pub(crate) fn cargo() -> Command {
    without_package(Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into())))
}

/// This command in the workspace's root, not knowing what the outer `cargo run` says about xtask's own package: build
/// scripts that watch those variables (ring's does) would run again at every switch between cargo and xtask.
pub(crate) fn without_package(mut command: Command) -> Command {
    command.current_dir(root());
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(describes_package) {
            command.env_remove(name);
        }
    }
    command
}

fn describes_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_")
        || matches!(
            name,
            "CARGO_MANIFEST_DIR"
                | "CARGO_MANIFEST_PATH"
                | "CARGO_BIN_NAME"
                | "CARGO_CRATE_NAME"
                | "CARGO_PRIMARY_PACKAGE"
        )
}

/// Runs it on this terminal and waits.
///
/// # Errors
/// When it can't be started or doesn't end with 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("`{}` could not be started", words(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", words(command));
    }
    Ok(())
}

/// What it prints on stdout, if it runs and ends with 0. Quiet: for questions, not for work.
pub(crate) fn ask(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs `cargo build` with these arguments and answers where the binary `name` was put: cargo's own word, so that
/// `CARGO_TARGET_DIR`, `build.target-dir` and the target's file ending are all honoured.
///
/// # Errors
/// When the build fails, or built no such binary.
pub(crate) fn build_binary(name: &str, args: &[&str]) -> Result<PathBuf> {
    build_binaries([name], args).map(|[binary]| binary)
}

/// As [`build_binary`], several in one build, so that what they have in common is built once.
///
/// # Errors
/// When the build fails, or built not all of them.
pub(crate) fn build_binaries<const N: usize>(names: [&str; N], args: &[&str]) -> Result<[PathBuf; N]> {
    let mut cargo = cargo();
    cargo.arg("build").args(args);
    let shown = words(&cargo);
    cargo.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    let mut child = cargo.spawn().with_context(|| format!("`{shown}` could not be started"))?;
    let stdout = child.stdout.take().context("cargo has no output to read")?;
    let mut found = [const { None }; N];
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        for (found, name) in found.iter_mut().zip(names) {
            *found = binary_in(&line, name).or(found.take());
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    if let Some((_, missing)) = found.iter().zip(names).find(|(found, _)| found.is_none()) {
        bail!("`{shown}` built no binary named {missing}");
    }
    Ok(found.map(Option::unwrap_or_default))
}

fn binary_in(message: &str, name: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_test = message["profile"]["test"].as_bool().unwrap_or(false);
    (message["target"]["name"] == name && !is_test).then(|| message["executable"].as_str().map(PathBuf::from))?
}

/// Where PATH has this program.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(&file)).find(|path| path.is_file())
}

fn words(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut words = vec![program.to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_is_found_in_cargos_messages_and_its_test_harness_is_not() {
        let binary = r#"{"reason":"compiler-artifact","target":{"name":"countersign"},"profile":{"test":false},"executable":"/t/debug/countersign"}"#;
        let harness = r#"{"reason":"compiler-artifact","target":{"name":"countersign"},"profile":{"test":true},"executable":"/t/debug/deps/countersign-1"}"#;
        assert_eq!(binary_in(binary, "countersign"), Some(PathBuf::from("/t/debug/countersign")));
        assert_eq!(binary_in(harness, "countersign"), None);
        assert_eq!(binary_in(binary, "bench"), None);
        assert_eq!(binary_in("warning: not json", "countersign"), None);
    }

    #[test]
    fn the_outer_packages_variables_are_told_from_cargos_settings() {
        assert!(describes_package("CARGO_PKG_VERSION"));
        assert!(describes_package("CARGO_MANIFEST_DIR"));
        assert!(!describes_package("CARGO_TARGET_DIR"));
        assert!(!describes_package("CARGO_HOME"));
    }
}
