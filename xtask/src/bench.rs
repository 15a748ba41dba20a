//! `cargo xtask bench`: release builds of the server and of the bench, then the bench itself.
//! What is measured, and the table beside the budgets, is `tests/bench/`.

use std::process::Command;

use anyhow::Result;

use crate::{shell, tools, ui};

/// Builds and runs the bench; it finds the server by `COUNTERSIGN_BIN`.
///
/// # Errors
/// When a build or the bench fails.
pub(crate) fn bench(args: &[String]) -> Result<()> {
    eprintln!("[1/3] the user interface");
    tools::c_compiler()?;
    tools::wasm_target()?;
    ui::build()?;
    let (node, python) = crate::test::peers()?;
    eprintln!("[2/3] release builds of the server and the bench (15 minutes on two cores, the first time)");
    let packages = ["--release", "-p", "countersign-server", "-p", "countersign-tests"];
    let binaries = ["--bin", "countersign", "--bin", "bench"];
    let [server, bench] = shell::build_binaries(["countersign", "bench"], &[&packages[..], &binaries].concat())?;
    eprintln!("[3/3] the bench");
    shell::run(
        Command::new(bench)
            .current_dir(shell::root())
            .env("COUNTERSIGN_BIN", server)
            .env("COUNTERSIGN_TEST_NODE", node)
            .env("COUNTERSIGN_BENCH_PYTHON", python)
            .args(args),
    )
}
