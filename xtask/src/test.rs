//! `cargo xtask test`: the README's test command. Gets what the tests need (or names it and fails), builds, and runs
//! every test of the workspace once. Nothing is skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::app::APP;
use crate::run::SERVER;
use crate::tools::{Library, Tool};
use crate::ui::content_hash;
use crate::{dist, shell, tools, ui};

const TOOLS: &[Tool] = &[
    Tool("chromium", "chromium"),
    Tool("chromedriver", "chromium-driver"),
    Tool("node", "nodejs"),
    Tool("npm", "npm"),
];

/// What the stories of the desktop app need more, on Linux.
const DISPLAY: &[Tool] = &[
    Tool("WebKitWebDriver", "webkit2gtk-driver"),
    Tool("Xvfb", "xvfb"),
    Tool("openbox", "openbox"),
    Tool("dbus-daemon", "dbus-daemon"),
    Tool("curl", "curl"),
    Tool("gnome-keyring-daemon", "gnome-keyring"),
    Tool("gio", "libglib2.0-bin"),
    Tool("dpkg-deb", "dpkg"),
];

/// The library by which the app's badge reaches a dock, and the Debian package that brings it.
const DOCK: Library = Library("libunity.so.9", "libunity9");

/// Gets what builds and tests need of this system: compilers, libraries, browsers and their drivers.
///
/// # Errors
/// When something is missing and can't be installed from here, with the line that installs it.
pub(crate) fn system() -> Result<()> {
    tools::c_compiler()?;
    tools::wasm_target()?;
    tools::debian(TOOLS)?;
    tools::webview()?;
    if cfg!(target_os = "linux") {
        tools::debian(DISPLAY)?;
        tools::library(&DOCK)?;
    }
    Ok(())
}

/// Runs the tests; `args` go to nextest.
///
/// # Errors
/// When a tool is missing, a build fails or a test does.
pub(crate) fn test(args: &[String]) -> Result<()> {
    eprintln!("[1/5] tools: a C compiler, Chromium, Node and npm, Python, nextest, the webview and its driver");
    system()?;
    let (nextest, tauri_driver) = (tools::nextest()?, tools::tauri_driver()?);
    eprintln!("[2/5] real MCP servers and clients for the stories, and what runs them");
    let node = node_packages(&shell::root().join("tests"))?;
    let clients = shell::root().join("tests/clients/python");
    let (python_1, python_2) = (tools::python(&clients.join("sdk-1.txt"))?, tools::python(&clients.join("sdk-2.txt"))?);
    eprintln!("[3/5] the user interface");
    ui::build()?;
    eprintln!("[4/5] the server, the desktop app and its package");
    // With `--tests`, so that it is built against the very dependencies that nextest will ask for next.
    let server = shell::build_binary("countersign", &[SERVER, APP, &["--tests"]].concat())?;
    let app = server.with_file_name(format!("countersign-app{}", std::env::consts::EXE_SUFFIX));
    let deb = if cfg!(target_os = "linux") { Some(dist::deb_for_tests(&app)?) } else { None };
    eprintln!("[5/5] every test");
    let mut tests = shell::without_package(Command::new(nextest));
    tests.args(["nextest", "run", "--workspace"]).args(args);
    tests.env("COUNTERSIGN_TEST_NODE", node).env("COUNTERSIGN_BIN", server);
    tests.env("COUNTERSIGN_APP_BIN", app).env("COUNTERSIGN_TAURI_DRIVER", tauri_driver);
    tests.envs(deb.map(|deb| ("COUNTERSIGN_DEB", deb)));
    shell::run(tests.env("COUNTERSIGN_TEST_PYTHON_1", python_1).env("COUNTERSIGN_TEST_PYTHON_2", python_2))?;
    if args.is_empty() {
        shell::run(shell::cargo().args(["test", "--quiet", "--workspace", "--doc"]))?;
    }
    Ok(())
}

/// Gets what the bench measures beside the desk: a Node with a real MCP server, and a Python with a peer.
///
/// # Errors
/// When npm or Python is not there and can't be installed, or the packages can't be.
pub(crate) fn peers() -> Result<(PathBuf, PathBuf)> {
    tools::debian(TOOLS)?;
    let tests = shell::root().join("tests");
    Ok((node_packages(&tests)?, tools::python(&tests.join("bench/fastmcp.txt"))?))
}

/// Installs the npm packages that `tests/package-lock.json` pins, unless these very ones are there. Answers where
/// their Node is: they want 22, whichever the machine has.
fn node_packages(tests: &Path) -> Result<PathBuf> {
    let node = tests.join("node_modules/node/bin/node");
    let stamp = tests.join("node_modules/.countersign-lock");
    let lock = fs::read(tests.join("package-lock.json")).context("tests/package-lock.json can't be read")?;
    let wanted = content_hash(&lock);
    if node.is_file() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(node);
    }
    shell::run(Command::new("npm").current_dir(tests).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    if !node.is_file() {
        bail!("`npm ci` in tests/ brought no Node: the install script of the package `node` must be allowed to run");
    }
    fs::write(&stamp, wanted).with_context(|| format!("{} can't be written", stamp.display()))?;
    Ok(node)
}
