//! `cargo xtask dist`: the desktop app's packages, by the Tauri CLI that npm has prebuilt. What this system's tools can't
//! make is said, and the rest is made.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::tools::Tool;
use crate::{shell, tools, ui};

/// The Tauri CLI, as npm has it.
const CLI: &str = "@tauri-apps/cli@2.12.5";

/// Builds the app as it is released, and packs it.
///
/// # Errors
/// When the build fails, or no package could be made.
pub(crate) fn dist() -> Result<()> {
    eprintln!("[1/3] the webview, the user interface, and the Tauri CLI");
    tools::c_compiler()?;
    tools::webview()?;
    tools::wasm_target()?;
    tools::debian(&[Tool("npm", "npm")])?;
    ui::build()?;
    let cli = cli()?;
    eprintln!("[2/3] the app (15 minutes on two cores, the first time)");
    let app = crate::app::release()?;
    eprintln!("[3/3] the packages");
    let (mut made, mut missed) = (Vec::new(), Vec::new());
    for (bundle, needs) in bundles() {
        match needs.iter().find(|program| shell::on_path(program).is_none()) {
            Some(program) => missed.push(format!("{bundle}: there is no {program} here")),
            None => match pack(&cli, &app, bundle).and_then(|()| tighten(&app, bundle, "-z9")) {
                Ok(()) => made.push(*bundle),
                Err(error) => missed.push(format!("{bundle}: {error:#}")),
            },
        }
    }
    report(&app, &missed)?;
    if made.is_empty() {
        bail!("no package could be made");
    }
    Ok(())
}

/// What this system can be packed as, and the programs that it takes beside the CLI.
const fn bundles() -> &'static [(&'static str, &'static [&'static str])] {
    if cfg!(target_os = "macos") {
        &[("app", &[]), ("dmg", &["hdiutil"])]
    } else if cfg!(windows) {
        &[("nsis", &[]), ("msi", &[])]
    } else {
        &[("deb", &[]), ("rpm", &[]), ("appimage", &["file", "desktop-file-validate"])]
    }
}

fn pack(cli: &Path, app: &Path, bundle: &str) -> Result<()> {
    empty(&app.with_file_name("bundle").join(bundle))?;
    shell::run(&mut bundling(cli, bundle))
}

fn bundling(cli: &Path, bundle: &str) -> Command {
    let mut command = shell::without_package(Command::new(cli));
    command.current_dir(shell::root().join("src-tauri")).args(["bundle", "--bundles", bundle]);
    command
}

/// The CLI packs a `.deb` by gzip, and has no setting for it; by xz it is a third smaller.
fn tighten(app: &Path, bundle: &str, level: &str) -> Result<()> {
    if bundle != "deb" {
        return Ok(());
    }
    if shell::on_path("dpkg-deb").is_none() {
        eprintln!("      the .deb stays as large as gzip makes it: there is no dpkg-deb here");
        return Ok(());
    }
    let deb = the_deb(app)?;
    let folder = deb.with_extension("unpacked");
    empty(&folder)?;
    shell::run(Command::new("dpkg-deb").arg("--raw-extract").args([&deb, &folder]))?;
    let part = deb.with_extension("part");
    shell::run(Command::new("dpkg-deb").args(["-Zxz", level, "--root-owner-group", "--build"]).args([&folder, &part]))?;
    // Whole or not at all.
    fs::rename(&part, &deb).with_context(|| format!("{} can't be written", deb.display()))?;
    empty(&folder)
}

/// Removes what is left there of another time.
fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{} can't be removed", folder.display()))?;
    }
    Ok(())
}

/// The package beside this binary.
fn the_deb(app: &Path) -> Result<PathBuf> {
    let folder = app.with_file_name("bundle").join("deb");
    let files = fs::read_dir(&folder).with_context(|| format!("{} can't be read", folder.display()))?;
    let mut files = files.filter_map(|file| Some(file.ok()?.path()));
    let deb = files.find(|file| file.extension().is_some_and(|ending| ending == "deb"));
    deb.with_context(|| format!("the Tauri CLI left no .deb in {}", folder.display()))
}

/// A `.deb` of the app as the tests have it, for the story that installs it; made anew when the app was.
///
/// # Errors
/// When the Tauri CLI can't be had, or makes none.
pub(crate) fn deb_for_tests(app: &Path) -> Result<PathBuf> {
    let target = app.with_file_name("packaged");
    let profile = target.join("debug");
    let copy = profile.join("countersign-app");
    if let Ok(deb) = the_deb(&copy)
        && is_newer(&deb, app)?
    {
        return Ok(deb);
    }
    let cli = cli()?;
    empty(&profile)?;
    fs::create_dir_all(&profile).with_context(|| format!("{} can't be made", profile.display()))?;
    // Symbols are nearly half of it.
    shell::run(Command::new("strip").arg("-o").args([&copy, app]))?;
    shell::run(bundling(&cli, "deb").arg("--debug").env("CARGO_TARGET_DIR", &target))?;
    tighten(&copy, "deb", "-z1")?;
    the_deb(&copy)
}

/// The CLI in the tool cache.
fn cli() -> Result<PathBuf> {
    let folder = tools::tool_cache()?.join(format!("npm/{}", CLI.replace(['/', '@'], "-")));
    let cli = folder.join("node_modules/.bin").join(script("tauri"));
    if !cli.is_file() {
        fs::create_dir_all(&folder).with_context(|| format!("{} can't be made", folder.display()))?;
        let npm = ["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"];
        shell::run(Command::new(script("npm")).args(npm).arg(&folder).arg(CLI))?;
    }
    Ok(cli)
}

/// What starts a program of npm's here.
fn script(name: &str) -> String {
    if cfg!(windows) { format!("{name}.cmd") } else { name.to_owned() }
}

/// Whether it was made after the app, and after what describes the package.
fn is_newer(deb: &Path, app: &Path) -> Result<bool> {
    let made = fs::metadata(deb)?.modified()?;
    let described = ["tauri.conf.json", "src-tauri/countersign.desktop"].map(|file| shell::root().join(file));
    for source in described.iter().map(PathBuf::as_path).chain([app]) {
        if fs::metadata(source)?.modified()? >= made {
            return Ok(false);
        }
    }
    Ok(true)
}

fn report(app: &Path, missed: &[String]) -> Result<()> {
    eprintln!("      {:<60} {:>9}", app.display(), megabytes(app)?);
    let folder = app.with_file_name("bundle");
    for kind in fs::read_dir(&folder).with_context(|| format!("{} can't be read", folder.display()))? {
        for file in fs::read_dir(kind?.path())? {
            let file = file?.path();
            if file.is_file() && file.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known)) {
                eprintln!("      {:<60} {:>9}", file.display(), megabytes(&file)?);
            }
        }
    }
    for why in missed {
        eprintln!("      NOT MADE: {why}");
    }
    if env::consts::OS == "linux" {
        eprintln!("      Packages for Windows and macOS are made there, by the same command.");
    }
    Ok(())
}

const ENDINGS: [&str; 6] = ["deb", "rpm", "AppImage", "dmg", "msi", "exe"];

fn megabytes(file: &Path) -> Result<String> {
    let bytes = fs::metadata(file).with_context(|| format!("{} can't be read", file.display()))?.len();
    Ok(format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000))
}
