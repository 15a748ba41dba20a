//! The real binary as a process of its own, to be killed.

use crate::Agent;
use reqwest::Client;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// A `countersign serve` that runs.
pub struct Process {
    /// `http://localhost:<port>`.
    pub origin: String,
    child: Child,
}

impl Process {
    /// Starts the server on a folder and waits until it is ready.
    pub async fn serve(folder: &Path) -> Self {
        countersign_server::install_crypto();
        // Bound for a moment to learn of a free port; nothing else on this machine is after it.
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let child = Command::new(binary())
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"])
            .arg(folder)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let process = Self { origin: format!("http://localhost:{port}"), child };
        process.ready().await;
        process
    }

    async fn ready(&self) {
        let client = Client::new();
        loop {
            let answer = client.get(format!("{}/readyz", self.origin)).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// An agent with this key.
    #[must_use]
    pub fn agent(&self, key: &str) -> Agent {
        Agent::at(&self.origin, key)
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Ends it as a power cut would: SIGKILL, and waits until it is gone.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// The binary that `cargo xtask test` built, or the one beside this test.
fn binary() -> PathBuf {
    std::env::var_os("COUNTERSIGN_BIN").map_or_else(
        || std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("countersign"),
        PathBuf::from,
    )
}
