//! A `countersign serve` as somebody types it, with nothing said that they did not say, whose words are kept.

use crate::process::binary;
use crate::{Ended, pause};
use reqwest::Client;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// What would lead the server elsewhere, or tell it of a screen, were it taken over from whoever runs the stories.
const OURS: [&str; 4] = ["DISPLAY", "WAYLAND_DISPLAY", "XDG_DATA_HOME", "COUNTERSIGN_MASTER_KEY"];

/// A server that runs.
pub struct Served {
    /// The address that it says it answers at.
    pub origin: String,
    /// The folder that it says its data is in.
    pub data: PathBuf,
    child: Child,
    words: TempDir,
}

impl Served {
    /// Starts a server in a folder, which is its home too, and waits until it says where it answers, and does.
    pub async fn start(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        countersign_server::install_crypto();
        let words = tempfile::tempdir().unwrap();
        let file = |name: &str| Stdio::from(File::create(words.path().join(name)).unwrap());
        let mut command = Command::new(binary());
        command.arg("serve").args(arguments).current_dir(folder).env("HOME", folder);
        OURS.iter().for_each(|name| _ = command.env_remove(name));
        command.envs(variables.iter().copied()).stdin(Stdio::null()).stdout(file("said")).stderr(file("logged"));
        let child = command.kill_on_drop(true).spawn().unwrap();
        let mut served = Self { origin: String::new(), data: PathBuf::new(), child, words };
        served.place().await;
        served.ready().await;
        served
    }

    /// What stands behind https is reached by whatever ends TLS, and so not by its name.
    async fn ready(&self) {
        let ask = || Client::new().get(format!("{}/readyz", self.origin)).send();
        while self.origin.starts_with("http://") && !ask().await.is_ok_and(|answer| answer.status() == 200) {
            pause().await;
        }
    }

    async fn place(&mut self) {
        loop {
            let said = self.read("said");
            let place = said.lines().find_map(|line| line.strip_prefix("Countersign answers at ")?.strip_suffix(')'));
            if let Some((origin, data)) = place.and_then(|place| place.split_once(" (data in ")) {
                (self.origin, self.data) = (origin.to_owned(), data.into());
                return;
            }
            assert_eq!(self.child.try_wait().unwrap(), None, "it ended at its start: {}", self.read("logged"));
            pause().await;
        }
    }

    /// The token of the setup link, once it was said.
    pub async fn setup_token(&self) -> String {
        loop {
            if let Some((_, token)) = self.read("said").split_once("/setup#").filter(|(_, rest)| rest.contains('\n')) {
                return token.lines().next().unwrap().to_owned();
            }
            pause().await;
        }
    }

    /// Stops it as SIGTERM does; everything that it said and logged.
    pub async fn stop(mut self) -> Ended {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &id]).status().await.unwrap().success());
        let code = self.child.wait().await.unwrap().code();
        Ended { code, said: self.read("said"), complained: self.read("logged") }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.words.path().join(name)).unwrap()
    }
}
