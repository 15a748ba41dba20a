//! The desktop app, for real: its window on a display that nobody sees, driven over WebDriver, with a session bus, a
//! notification daemon, a home of its own, and a browser opener that only writes down what it was to open.

use crate::page::Page;
use crate::{Manager, Notifications, Screen, Tray, awaited, free_port, pause, until};
use serde_json::{Value, json};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use thirtyfour::prelude::*;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The name on the bus by which a second app finds the first.
const SINGLE_INSTANCE: &str = "dev.countersign.desk.SingleInstance";

/// Its window's title.
pub const WINDOW: &str = "Countersign";

/// The keys that bring its queue up: Control, Alt and C, as X knows them.
pub const SHORTCUT: [u32; 3] = [0xffe3, 0xffe9, 0x63];

/// How long a driver may take to be ready, and then to have the window. A limit, not a wait.
const START: Duration = Duration::from_secs(30);

/// A computer that the app runs on: it stays while the app comes and goes.
pub struct Computer {
    /// What is notified on it.
    pub notifications: Notifications,
    /// Its tray.
    pub tray: Tray,
    /// Its display.
    pub screen: Screen,
    home: TempDir,
}

/// The app's window.
pub struct App<'a> {
    page: Page,
    driver: Child,
    computer: &'a Computer,
}

impl Deref for App<'_> {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

/// The binary that `cargo xtask test` built, or the one beside this test.
#[must_use]
pub fn app_binary() -> PathBuf {
    std::env::var_os("COUNTERSIGN_APP_BIN").map_or_else(
        || std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("countersign-app"),
        PathBuf::from,
    )
}

impl Computer {
    /// Turns it on.
    pub async fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let bin = home.path().join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        let opened = home.path().join("opened");
        let script = format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >> '{}'\n", opened.display());
        write_program(&bin.join("xdg-open"), &script);
        std::fs::write(&opened, "").unwrap();
        std::fs::create_dir_all(home.path().join("run")).unwrap();
        let notifications = Notifications::start().await;
        let tray = Tray::start(&notifications.bus).await;
        Self { notifications, tray, screen: Screen::start().await, home }
    }

    /// Whose computer it is: their home.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where the app keeps its data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.home.path().join(".local/share/dev.countersign.desk/desk")
    }

    /// Where it keeps its settings.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.home.path().join(".config/dev.countersign.desk")
    }

    /// What a program on this computer finds in its environment.
    fn at_home(&self, command: &mut Command) {
        let path = std::env::var("PATH").unwrap_or_default();
        for moved in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "WAYLAND_DISPLAY"] {
            command.env_remove(moved);
        }
        command
            .env("HOME", self.home.path())
            .env("XDG_RUNTIME_DIR", self.home.path().join("run"))
            .env("DISPLAY", &self.screen.name)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.notifications.bus)
            .env("PATH", format!("{}:{path}", self.home.path().join("bin").display()))
            // There is no graphics card here to speak to.
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .env("NO_AT_BRIDGE", "1")
            .env("GDK_BACKEND", "x11")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
    }

    /// Opens a keychain, as signing in at this computer would: one of the Secret Service, for real. It closes when what
    /// this answers is dropped.
    pub async fn open_keychain(&self) -> Child {
        let mut daemon = self.keychain(&["--unlock"]);
        daemon.stdin.take().unwrap().write_all(b"word").await.unwrap();
        self.notifications.has_service("org.freedesktop.secrets").await;
        daemon
    }

    /// One that was open once, and that nobody opens now.
    pub async fn locked_keychain(&self) -> Child {
        let mut opened = self.open_keychain().await;
        opened.kill().await.unwrap();
        self.notifications.has_no_service("org.freedesktop.secrets").await;
        let daemon = self.keychain(&[]);
        self.notifications.has_service("org.freedesktop.secrets").await;
        daemon
    }

    /// Has a window manager on its screen. Without one, windows have no frames and lie as they come.
    pub async fn manager(&self) -> Manager<'_> {
        let mut command = Command::new("openbox");
        self.at_home(&mut command);
        Manager::start(&self.screen, command).await
    }

    fn keychain(&self, more: &[&str]) -> Child {
        // A copy has lost the capability to lock memory that Debian gives it, and that not every machine grants.
        let daemon = self.home.path().join("bin/keychain");
        let installed = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|folder| folder.join("gnome-keyring-daemon"))
            .find(|path| path.is_file())
            .expect("gnome-keyring-daemon; `cargo xtask test` brings it");
        std::fs::copy(installed, &daemon).unwrap();
        let mut command = Command::new(daemon);
        command.args(["--foreground", "--components=secrets"]).args(more);
        self.at_home(&mut command);
        command.stdin(Stdio::piped()).spawn().unwrap()
    }

    /// Starts the app with these arguments, and takes its window.
    pub async fn app(&self, arguments: &[&str]) -> App<'_> {
        self.app_of(&app_binary(), arguments).await
    }

    /// The same with the app that is there.
    pub async fn app_of(&self, binary: &Path, arguments: &[&str]) -> App<'_> {
        countersign_server::install_crypto();
        for _ in 0..3 {
            let (mut driver, port) = self.driver().await;
            let mut capabilities = Capabilities::new();
            capabilities.set("browserName", json!("wry")).unwrap();
            capabilities.set("tauri:options", json!({"application": binary, "args": arguments})).unwrap();
            let taken = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities);
            if let Ok(session) = timeout(START, taken).await {
                let driven = session.expect("a window that can be driven");
                return App { page: Page { driver: driven }, driver, computer: self };
            }
            // The native driver looks for the app at a port that it had found free, and somebody else may have it by
            // now. A window that is not there is the app's own fault.
            assert!(self.screen.shows(WINDOW), "the app's window did not come");
            self.end_app().await;
            end(&mut driver).await;
        }
        panic!("the app's window is never handed to its driver")
    }

    /// A driver that is ready, and its port.
    async fn driver(&self) -> (Child, u16) {
        for _ in 0..3 {
            if let Some(driver) = self.try_driver().await {
                return driver;
            }
        }
        panic!("tauri-driver is never ready: is WebKitWebDriver here?")
    }

    /// None where somebody else took one of its two ports meanwhile: without the native driver's it would pass
    /// everything on to nobody, for ever.
    async fn try_driver(&self) -> Option<(Child, u16)> {
        let (port, native) = (free_port().await, free_port().await);
        let mut command = Command::new(tauri_driver());
        command.args(["--port", &port.to_string(), "--native-port", &native.to_string()]);
        self.at_home(&mut command);
        let mut driver = command.spawn().expect("tauri-driver; run this by `cargo xtask test`, which brings it");
        let ready = async {
            while driver.try_wait().unwrap().is_none() {
                if is_ready(port).await {
                    return true;
                }
                pause().await;
            }
            false
        };
        if timeout(START, ready).await.unwrap_or(false) {
            return Some((driver, port));
        }
        end(&mut driver).await;
        None
    }

    /// Starts the app without a driver: in the background, or once more.
    #[must_use]
    pub fn start_app(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(app_binary());
        command.args(arguments);
        self.at_home(&mut command);
        // Nobody answers there: what stays on this computer goes by no proxy.
        command.env("http_proxy", "http://127.0.0.1:9").spawn().unwrap()
    }

    /// Follows a link by an application's entry, whose program is in this folder, as the system's shell does.
    pub async fn launch(&self, entry: &Path, programs: &Path, link: &str) {
        let mut command = Command::new("gio");
        self.at_home(&mut command);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", programs.display())).arg("launch").arg(entry).arg(link);
        let ended = awaited("the end of gio launch", command.status()).await;
        assert!(ended.expect("gio; `cargo xtask test` brings it").success());
    }

    /// The process of the app that runs here.
    pub async fn app_process(&self) -> Option<u32> {
        self.notifications.process_of(SINGLE_INSTANCE).await
    }

    async fn end_app(&self) {
        if let Some(process) = self.app_process().await {
            terminate(process).await;
            self.ended(process).await;
        }
    }

    /// Waits until this process has ended: its name is given up before it has written down what it remembers.
    pub async fn ended(&self, process: u32) {
        // Between its end and its parent's look it is a zombie (proc(5), "stat").
        let stat = || std::fs::read_to_string(format!("/proc/{process}/stat"));
        until("the app's end", async || stat().map_or(true, |stat| stat.contains(") Z "))).await;
    }

    /// Waits until the app has opened so many pages in the browser; the last one.
    pub async fn opened(&self, number: usize) -> String {
        awaited(&format!("page {number} in the browser"), async {
            loop {
                let opened = std::fs::read_to_string(self.home.path().join("opened")).unwrap();
                if let Some(page) = opened.lines().nth(number - 1) {
                    return page.to_owned();
                }
                pause().await;
            }
        })
        .await
    }

    /// How many pages the app has opened in the browser.
    #[must_use]
    pub fn opened_so_far(&self) -> usize {
        std::fs::read_to_string(self.home.path().join("opened")).unwrap().lines().count()
    }

    /// The app's log.
    #[must_use]
    pub fn log(&self) -> String {
        let log = self.home.path().join(".local/share/dev.countersign.desk/logs/countersign.log");
        std::fs::read_to_string(log).unwrap_or_default()
    }
}

impl App<'_> {
    /// The computer that it runs on.
    #[must_use]
    pub const fn computer(&self) -> &Computer {
        self.computer
    }

    /// Ends the app. A driver that ends closes the window at most, and with its window closed the app goes on.
    pub async fn quit(mut self) {
        self.computer.end_app().await;
        let _ = awaited("the end of the session with the window", self.page.driver.quit()).await;
        end(&mut self.driver).await;
    }
}

/// Whether both drivers listen: this one passes the question on (WebDriver, section 8.3, "Status").
async fn is_ready(port: u16) -> bool {
    let Ok(answer) = reqwest::get(format!("http://127.0.0.1:{port}/status")).await else { return false };
    answer.json::<Value>().await.is_ok_and(|said| said["value"]["ready"] == json!(true))
}

/// Ends a driver. It passes SIGTERM on to the native one; killed, it would leave that behind.
async fn end(driver: &mut Child) {
    // One that has ended has no number.
    if let Some(process) = driver.id() {
        terminate(process).await;
    }
    let _ = awaited("the end of tauri-driver", driver.wait()).await;
}

async fn terminate(process: u32) {
    assert!(Command::new("kill").args(["-s", "TERM", &process.to_string()]).status().await.unwrap().success());
}

fn write_program(path: &Path, script: &str) {
    std::fs::write(path, script).unwrap();
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

fn tauri_driver() -> PathBuf {
    std::env::var_os("COUNTERSIGN_TAURI_DRIVER").map_or_else(|| PathBuf::from("tauri-driver"), PathBuf::from)
}
