//! What the server holds in memory: at rest, and for each caller that waits.

use crate::figures::{Line, kib};
use crate::{upstream, world};
use serde_json::json;
use std::fs;
use support::Process;

const WAITING: usize = 2_000;

pub(crate) async fn measure() -> Vec<Line> {
    let folder = tempfile::tempdir().unwrap();
    world::furnish(folder.path(), &upstream::start().await).await;
    let server = Process::serve(folder.path()).await;
    let idle = resident(&server);
    let held = hold(&server).await;
    server.kill().await;
    let each = held.saturating_sub(idle) / WAITING as u64;
    vec![
        Line::budgeted("server idle, resident", kib(idle), "<= 20 MB", idle <= 20_000_000),
        Line::budgeted(format!("each of {WAITING} held calls that wait"), kib(each), "<= 20 KiB", each <= 20 * 1_024),
    ]
}

/// Asks and waits, so many at once; what the server holds then.
async fn hold(server: &Process) -> u64 {
    let waiting: Vec<_> = (0..WAITING)
        .map(|number| {
            let agent = server.agent(&world::key(number % world::AGENTS));
            tokio::spawn(async move {
                let body = json!({"connector": "shell", "tool": "run", "arguments": {"program": "/usr/bin/make"}});
                agent.ask_with(&[("prefer", "wait=55")], body).await
            })
        })
        .collect();
    let agents: Vec<_> = (0..world::AGENTS).map(|number| server.agent(&world::key(number))).collect();
    for agent in &agents {
        while pending(agent).await < WAITING / world::AGENTS {
            support::pause().await;
        }
    }
    let held = resident(server);
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    held
}

async fn pending(agent: &support::Agent) -> usize {
    agent.get("/v1/agents/me/pending-actions").await.expect(200)["items"].as_array().unwrap().len()
}

/// Linux's own count of the process's resident memory, in bytes (proc(5), `VmRSS`).
pub(crate) fn resident(server: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1_024
}
