//! The programs that the tasks need from outside the workspace: found, fetched where that is allowed, or named.
//! Nothing is skipped in silence: what is missing and can't be fetched stops the task with the line that installs it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::shell;
use crate::ui::content_hash;

/// What the desktop app is built against on Linux: pkg-config's name of it, and the Debian package that brings it.
const WEBVIEW: &[(&str, &str)] = &[
    ("webkit2gtk-4.1", "libwebkit2gtk-4.1-dev"),
    ("ayatana-appindicator3-0.1", "libayatana-appindicator3-dev"),
    ("librsvg-2.0", "librsvg2-dev"),
];

const TAURI_DRIVER: &str = "2.1.0";
const WASM: &str = "wasm32-unknown-unknown";
const NEXTEST: &str = "0.9.143";

/// A program, and the Debian package that brings it.
pub(crate) struct Tool(pub(crate) &'static str, pub(crate) &'static str);

/// A shared library, and the Debian package that brings it.
pub(crate) struct Library(pub(crate) &'static str, pub(crate) &'static str);

/// Checks for a C compiler: the SQLite library and the cryptography are partly C.
///
/// # Errors
/// When there is none, with its name and Debian package.
pub(crate) fn c_compiler() -> Result<PathBuf> {
    let wanted = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    shell::on_path(&wanted)
        .or_else(|| Some(PathBuf::from(&wanted)).filter(|path| path.is_file()))
        .with_context(|| format!("there is no C compiler: `{wanted}` is not on PATH. On Debian and Ubuntu: apt-get install gcc libc6-dev. On macOS: xcode-select --install"))
}

/// Gets the compilation target of the user interface, unless it is there. True if it had to be fetched.
///
/// # Errors
/// When it is missing and there is no rustup to fetch it, or the fetch fails.
pub(crate) fn wasm_target() -> Result<bool> {
    let libraries = shell::ask(Command::new("rustc").current_dir(shell::root()).args([
        "--print",
        "target-libdir",
        "--target",
        WASM,
    ]));
    if libraries.is_some_and(|folder| PathBuf::from(folder).is_dir()) {
        return Ok(false);
    }
    if shell::on_path("rustup").is_none() {
        bail!(
            "the Rust target {WASM} is missing, and there is no rustup to fetch it: get Rust from https://rustup.rs, or your system's package of that target (Debian: libstd-rust-dev-wasm32)"
        );
    }
    shell::run(Command::new("rustup").current_dir(shell::root()).args(["target", "add", WASM]))?;
    Ok(true)
}

/// Gets the libraries that the desktop app is built against; other systems have theirs.
///
/// # Errors
/// When some are missing and can't be installed from here, with the line that installs them.
pub(crate) fn webview() -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    debian(&[Tool("pkg-config", "pkg-config")])?;
    let is_missing =
        |library: &&(&str, &str)| shell::ask(Command::new("pkg-config").args(["--exists", library.0])).is_none();
    let missing: Vec<&(&str, &str)> = WEBVIEW.iter().filter(is_missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let libraries = missing.iter().map(|library| library.0).collect::<Vec<_>>().join(", ");
    let packages: Vec<&str> = missing.iter().map(|library| library.1).collect();
    install(&format!("libraries that the desktop app needs are not here: {libraries}"), &packages)
}

/// Where tauri-driver is: PATH's, or the tool cache's, where it is built once.
///
/// # Errors
/// When it is in neither and can't be built.
pub(crate) fn tauri_driver() -> Result<PathBuf> {
    built("tauri-driver", TAURI_DRIVER, "about 2 minutes")
}

/// Gets these programs by apt where that is allowed without asking anybody for a password.
///
/// # Errors
/// When some are missing and can't be installed from here, with the line that installs them.
pub(crate) fn debian(tools: &[Tool]) -> Result<()> {
    let missing: Vec<&Tool> = tools.iter().filter(|tool| shell::on_path(tool.0).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let programs = missing.iter().map(|tool| tool.0).collect::<Vec<_>>().join(", ");
    let packages: Vec<&str> = missing.iter().map(|tool| tool.1).collect();
    install(&format!("not found on PATH: {programs}"), &packages)?;
    match missing.iter().find(|tool| shell::on_path(tool.0).is_none()) {
        Some(tool) => bail!("apt-get installed {}, and still `{}` is not on PATH", tool.1, tool.0),
        None => Ok(()),
    }
}

/// Gets a library that programs load where they find it, by apt where that is allowed.
///
/// # Errors
/// When it is missing and can't be installed from here, with the line that installs it.
pub(crate) fn library(library: &Library) -> Result<()> {
    // Where a user's PATH has no place for it.
    let ldconfig = shell::on_path("ldconfig").unwrap_or_else(|| PathBuf::from("/sbin/ldconfig"));
    let known = shell::ask(Command::new(ldconfig).arg("-p")).unwrap_or_default();
    if known.contains(library.0) {
        return Ok(());
    }
    install(&format!("a library is not here: {}", library.0), &[library.1])
}

/// Installs Debian packages where that is allowed without asking anybody for a password.
fn install(missing: &str, packages: &[&str]) -> Result<()> {
    let Some(mut apt) = apt_get() else {
        bail!("{missing}. Install what brings it; on Debian and Ubuntu: sudo apt-get install {}", packages.join(" "));
    };
    eprintln!("      {missing}; installing {} with apt-get", packages.join(" "));
    shell::run(apt().arg("update"))?;
    shell::run(apt().args(["install", "-y", "--no-install-recommends"]).args(packages))
}

/// Gets the Python of an environment of its own in the tool cache, with the packages that this file pins. The file is
/// part of the environment's name: another one makes another environment.
///
/// # Errors
/// When there is no Python that makes environments and none can be installed, or its packages can't be.
pub(crate) fn python(requirements: &Path) -> Result<PathBuf> {
    let pinned = fs::read(requirements).with_context(|| format!("{} can't be read", requirements.display()))?;
    let name = requirements.file_stem().context("a file of requirements has a name")?.to_string_lossy();
    let folder = tool_cache()?.join("python").join(format!("{name}-{}", content_hash(&pinned)));
    let (python, stamp) = (folder.join("bin/python"), folder.join(".countersign-complete"));
    if stamp.is_file() && shell::ask(Command::new(&python).args(["-c", "import mcp"])).is_some() {
        return Ok(python);
    }
    // Debian's python3 has the module `venv` without what it needs.
    if shell::ask(Command::new("python3").args(["-c", "import ensurepip, venv"])).is_none() {
        install("no python3 that makes virtual environments", &["python3", "python3-venv"])?;
    }
    shell::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    shell::run(Command::new(&python).args(pip).arg(requirements))?;
    fs::write(&stamp, "").with_context(|| format!("{} can't be written", stamp.display()))?;
    Ok(python)
}

/// How to call apt-get as root from here, if at all.
fn apt_get() -> Option<impl FnMut() -> Command> {
    shell::on_path("apt-get")?;
    let root = shell::ask(Command::new("id").arg("-u")).is_some_and(|uid| uid == "0");
    if !root {
        shell::ask(Command::new("sudo").args(["-n", "true"]))?;
    }
    Some(move || {
        let mut command = Command::new(if root { "env" } else { "sudo" });
        if !root {
            command.args(["-n", "env"]);
        }
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        command
    })
}

/// The folder that nextest is in: PATH's, or the tool cache outside the clone, where it is built once.
///
/// # Errors
/// When it is in neither and can't be built.
pub(crate) fn nextest() -> Result<PathBuf> {
    built("cargo-nextest", NEXTEST, "about 5 minutes")
}

/// A cargo program: PATH's, or the tool cache's, where it is built once.
fn built(program: &str, version: &str, takes: &str) -> Result<PathBuf> {
    if let Some(found) = shell::on_path(program) {
        return Ok(found);
    }
    let cache = tool_cache()?;
    let cached = cache.join("bin").join(format!("{program}{}", env::consts::EXE_SUFFIX));
    if !cached.is_file() {
        eprintln!("      {program} is not here: building it into {} (once, {takes} on two cores)", cache.display());
        shell::run(
            shell::cargo()
                .current_dir(env::temp_dir())
                .args(["install", "--locked", program, "--version", version, "--root"])
                .arg(&cache),
        )?;
    }
    Ok(cached)
}

/// Where tools are kept between clones; `.ci/run` uses the same folder.
pub(crate) fn tool_cache() -> Result<PathBuf> {
    let home = env::home_dir().context("there is no home folder to keep built tools in: set HOME")?;
    Ok(home.join(".cache").join("countersign").join("tools"))
}
