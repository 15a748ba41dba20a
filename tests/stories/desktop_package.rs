//! The desktop app's package: what it needs, what it brings, and that the app starts from it where nobody ever ran it.

use std::path::{Path, PathBuf};
use std::process::Command;
use support::Computer;

/// The package that `cargo xtask test` made.
fn package() -> PathBuf {
    std::env::var_os("COUNTERSIGN_DEB").expect("COUNTERSIGN_DEB; `cargo xtask test` makes it").into()
}

/// Installs it as `dpkg -i` does, into a folder that is a system's root to it.
fn install(package: &Path, root: &Path) {
    let database = root.join("var/lib/dpkg");
    for folder in ["info", "updates"] {
        std::fs::create_dir_all(database.join(folder)).unwrap();
    }
    std::fs::write(database.join("status"), "").unwrap();
    // What it depends on is on the real system; this one has nothing.
    let forced = ["--force-not-root", "--force-depends", "--force-bad-path"];
    let done =
        Command::new("dpkg").arg("--root").arg(root).args(forced).arg("--install").arg(package).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn field(package: &Path, name: &str) -> String {
    let asked = Command::new("dpkg-deb").arg("--field").arg(package).arg(name).output().unwrap();
    String::from_utf8(asked.stdout).unwrap()
}

#[tokio::test]
async fn it_installs_and_the_app_starts_from_it_in_a_clean_home() {
    let root = tempfile::tempdir().unwrap();
    install(&package(), root.path());
    let computer = Computer::start().await;
    let app = computer.app_of(&root.path().join("usr/bin/countersign-app"), &[]).await;
    app.click("app-run-here").await;
    app.shows("Finish in your browser").await;
    assert!(computer.opened(1).await.contains("/setup#"));
    app.quit().await;
}

#[tokio::test]
async fn a_link_that_the_system_hands_to_the_installed_app_arrives() {
    let root = tempfile::tempdir().unwrap();
    install(&package(), root.path());
    let usr = root.path().join("usr");
    let entry = usr.join("share/applications/Countersign.desktop");
    let said = std::fs::read_to_string(&entry).unwrap();
    for line in ["Name=Countersign\n", "Icon=countersign-app\n", "MimeType=x-scheme-handler/countersign;\n"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(usr.join("share/icons/hicolor/128x128/apps/countersign-app.png").is_file());

    let computer = Computer::start().await;
    let app = computer.app_of(&usr.join("bin/countersign-app"), &[]).await;
    app.shows("Where is your desk?").await;
    computer.launch(&entry, &usr.join("bin"), "countersign://connect?server=https://desk.example.com").await;
    app.has_in("app-address", "https://desk.example.com").await;
    app.quit().await;
}

#[test]
fn what_it_depends_on_is_what_the_app_runs_with() {
    let depends = field(&package(), "Depends");
    assert_eq!(field(&package(), "Recommends").trim(), "libunity9");
    for needed in ["libwebkit2gtk-4.1-0", "libgtk-3-0", "libayatana-appindicator3-1"] {
        assert!(depends.contains(needed), "{needed}: {depends}");
    }
    for needed in depends.split(',').map(|one| one.split_whitespace().next().unwrap_or_default()) {
        let mut known = Command::new("dpkg-query");
        known.args(["--showformat=${db:Status-Status}", "--show", needed]);
        assert_eq!(
            String::from_utf8(known.output().unwrap().stdout).unwrap(),
            "installed",
            "{needed} is not on the system that the stories ran on"
        );
    }
}
