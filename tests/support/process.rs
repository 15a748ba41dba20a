//! The real binary as a process of its own: a server to be killed, the demo, and commands that come back.

use crate::{Agent, Disk, pause};
use reqwest::Client;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// A `countersign serve` that runs.
pub struct Process {
    /// `http://localhost:<port>`.
    pub origin: String,
    child: Child,
}

/// What a command that ended has said.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: Option<i32>,
    /// Its standard output.
    pub said: String,
    /// Its standard error.
    pub complained: String,
}

/// How long a command may take. A limit, not a wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `countersign` with these arguments and variables to its end.
pub async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = Command::new(binary());
    command.args(arguments).envs(variables.iter().copied()).stdin(Stdio::null());
    ended(command, &[]).await
}

/// The same, with something on its standard input.
pub async fn run_on(input: &[u8], arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = Command::new(binary());
    command.args(arguments).envs(variables.iter().copied()).stdin(Stdio::piped());
    ended(command, input).await
}

/// The same in a folder, which is the home too.
pub async fn run_at_home(home: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new(binary());
    for moved in ["CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME"] {
        command.env_remove(moved);
    }
    command.args(arguments).env("HOME", home).current_dir(home).stdin(Stdio::null());
    ended(command, &[]).await
}

async fn ended(mut command: Command, input: &[u8]) -> Ended {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    if let Some(mut stdin) = child.stdin.take() {
        // Who has heard enough closes its side.
        let _ = stdin.write_all(input).await;
    }
    let output = timeout(PATIENCE, child.wait_with_output()).await.expect("a command that ends by itself").unwrap();
    Ended {
        code: output.status.code(),
        said: String::from_utf8(output.stdout).unwrap(),
        complained: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Process {
    /// Starts the server on a folder and waits until it is ready.
    pub async fn serve(folder: &Path) -> Self {
        Self::start(Command::new(binary()), folder).await
    }

    /// Starts a server whose disk can be filled by [`Process::fill_disk`]: a write past a limit is an error to it
    /// and not its end. Its log is on that disk too.
    pub async fn serve_on_small_disk(folder: &Path) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"trap "" XFSZ; exec "$0" "$@" >log 2>&1"#]).arg(binary());
        Self::start(shell, folder).await
    }

    /// Starts a server whose disk can fail.
    pub async fn serve_on_disk(folder: &Path, disk: &Disk) -> Self {
        let mut command = Command::new(binary());
        command.envs(disk.variables());
        Self::start(command, folder).await
    }

    async fn start(mut command: Command, folder: &Path) -> Self {
        countersign_server::install_crypto();
        let port = free_port().await;
        let child = command
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"])
            .arg(folder)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut process = Self { origin: format!("http://localhost:{port}"), child };
        process.ready().await;
        process
    }

    async fn ready(&mut self) {
        let client = Client::new();
        loop {
            assert_eq!(self.child.try_wait().unwrap(), None, "the server ended at its start");
            let answer = client.get(format!("{}/readyz", self.origin)).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            pause().await;
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

    /// From now on no file of the server's takes another byte.
    pub async fn fill_disk(&self) {
        self.limit_files("0:").await;
    }

    /// The disk has room again.
    pub async fn empty_disk(&self) {
        self.limit_files("unlimited:").await;
    }

    /// Sets the soft limit of `RLIMIT_FSIZE`, which whoever started the process may also lift.
    async fn limit_files(&self, limit: &str) {
        let pid = self.child.id().unwrap().to_string();
        let limit = format!("--fsize={limit}");
        let done = Command::new("prlimit").args(["--pid", &pid, &limit]).status().await.unwrap();
        assert!(done.success());
    }

    /// Asks it to stop, and waits until it has; its exit code.
    pub async fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().await.unwrap().success());
        self.child.wait().await.unwrap().code()
    }

    /// Ends it as a power cut would: SIGKILL, and waits until it is gone.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// A port that was free a moment ago, below those that systems hand out by themselves (Linux from 32768 on, others from
/// 49152: RFC 6335, section 6), so that no socket of a story beside this one takes it meanwhile.
pub async fn free_port() -> u16 {
    loop {
        let mut random = [0; 2];
        getrandom::fill(&mut random).unwrap();
        let port = 20_000 + u16::from_be_bytes(random) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).await.is_ok() {
            return port;
        }
    }
}

/// Runs a command on the desk in a folder; what it said on standard output.
pub async fn command(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let ran = output(folder, arguments, variables).await;
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// Runs a command that must fail; why it did.
pub async fn refused_command(folder: &Path, arguments: &[&str]) -> String {
    let ran = output(folder, arguments, &[]).await;
    assert!(!ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stdout));
    String::from_utf8(ran.stderr).unwrap()
}

async fn output(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(binary())
        .args(arguments)
        .arg("--data-dir")
        .arg(folder)
        .current_dir(folder)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap()
}

/// A `countersign demo` that runs, with a home and a folder for temporary files of its own.
pub struct Demo {
    /// `http://localhost:<port>`.
    pub origin: String,
    /// The token of the link that it printed.
    pub token: String,
    /// Where what is approved happens.
    pub notes: PathBuf,
    child: Child,
    _said: Lines<BufReader<ChildStdout>>,
    home: TempDir,
}

impl Demo {
    /// Starts it; `port` is the first that it tries.
    pub async fn start(port: u16) -> Self {
        countersign_server::install_crypto();
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new(binary())
            .args(["demo", "--port", &port.to_string()])
            .current_dir(home.path())
            .envs([("HOME", home.path()), ("TMPDIR", home.path()), ("TEMP", home.path()), ("TMP", home.path())])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut link, mut notes) = (None, None);
        while link.is_none() || notes.is_none() {
            let line = said.next_line().await.unwrap().expect("the demo says where it is");
            if let Some((origin, token)) = line.trim().split_once("/sign-in/link#") {
                link = Some((origin.to_owned(), token.to_owned()));
            }
            if let Some((_, folder)) = line.split_once("What you approve happens in ") {
                notes = Some(PathBuf::from(folder.trim_end_matches('.')));
            }
        }
        let (origin, token) = link.unwrap();
        Self { origin, token, notes: notes.unwrap(), child, _said: said, home }
    }

    /// Ends it as Ctrl-C does; what it left behind in its folder for temporary files.
    pub async fn interrupt(mut self) -> Vec<PathBuf> {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
        assert!(self.child.wait().await.unwrap().success());
        std::fs::read_dir(self.home.path()).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

/// The binary that `cargo xtask test` built, or the one beside this test.
#[must_use]
pub fn binary() -> PathBuf {
    std::env::var_os("COUNTERSIGN_BIN").map_or_else(
        || std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("countersign"),
        PathBuf::from,
    )
}

/// Starts a program that says on standard output where it is; it, and its lines.
pub(crate) fn speaking(program: &str, arguments: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().unwrap_or_else(|error| {
        panic!("{program}: {error}; run this by `cargo xtask test`, which brings or names what is missing")
    });
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}
