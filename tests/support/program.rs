//! Programs that nobody here wrote: the Node and the Pythons of the tests' own packages, and what they run.

use std::path::{Path, PathBuf};
use tokio::process::Command;

fn brought(variable: &str) -> String {
    std::env::var(variable).expect("run this by `cargo xtask test`, which brings what it needs")
}

/// A file of the package of tests.
#[must_use]
pub fn test_file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The command line that runs a script of the package of tests with its Node.
#[must_use]
pub fn node_script(path: &str) -> Vec<String> {
    vec![brought("COUNTERSIGN_TEST_NODE"), test_file(path).display().to_string()]
}

/// The command line that runs one with the Python that has this major version of the SDK.
#[must_use]
pub fn python_script(sdk: u8, path: &str) -> Vec<String> {
    vec![brought(&format!("COUNTERSIGN_TEST_PYTHON_{sdk}")), test_file(path).display().to_string()]
}

/// The command of a command line, which ends with the story.
#[must_use]
pub fn program(line: &[String]) -> Command {
    let mut command = Command::new(&line[0]);
    command.args(&line[1..]).kill_on_drop(true);
    command
}
