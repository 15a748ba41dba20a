//! What the desktop app costs: its start, its memory with requests that wait, its processor while nothing happens, its
//! size.

use crate::figures::{Line, Sample, kib, time};
use crate::{upstream, world};
use serde_json::json;
use std::collections::HashSet;
use std::fs;
use std::time::{Duration, Instant};
use support::{Agent, App, Computer, Person, app_binary, pause};

const WAITING: usize = 100;
/// How many of them are decided in a browser while the window is watched.
const DECIDED: usize = 20;
/// How soon the window shows such a decision.
const SHOWN: Duration = Duration::from_millis(200);
/// While nothing happens, so long.
const IDLE: Duration = Duration::from_secs(60);
/// How many of the kernel's ticks make a second, on every Linux that there is (proc(5), `_SC_CLK_TCK`).
const TICKS: u64 = 100;

pub(crate) async fn measure() -> Vec<Line> {
    let computer = Computer::start().await;
    let app = computer.app(&[]).await;
    app.click("app-run-here").await;
    let setup = computer.opened(1).await;
    let (origin, token) = setup.split_once("/setup#").unwrap();
    let dana = Person::set_up_at(origin, token, "Dana Kim", world::DANA).await;
    app.shows("No pending approvals").await;
    world::furnish(&computer.data(), &upstream::start().await).await;
    let waiting = fill(origin).await;
    app.says("pending-badge", &WAITING.to_string()).await;
    app.quit().await;

    let begun = Instant::now();
    let app = computer.app(&[]).await;
    app.find("request-row").await;
    let usable = begun.elapsed();
    let (memory, processor) = hold_still(&app).await;
    let shown = decisions_shown(&app, &dana, &waiting).await;
    app.quit().await;
    let bytes = fs::metadata(app_binary()).unwrap().len();
    vec![
        Line::plain("app: from its start to a queue that can be used, with its driver's own start", time(usable)),
        Line::plain(format!("app: memory of shell, server and webview with {WAITING} requests"), kib(memory)),
        Line::plain("app: processor while nothing happens for a minute", format!("{processor:.2} %")),
        Line::plain("app: from a decision in a browser to the window", shown.words()),
        Line::at_most("app: from a decision in a browser to the window, p99", shown.quantile(0.99), SHOWN),
        Line::plain("app: the binary with the server and the interface in it", kib(bytes)),
    ]
}

/// From the browser's answer to the window's number.
async fn decisions_shown(app: &App<'_>, dana: &Person, waiting: &[String]) -> Sample {
    let mut times = Vec::with_capacity(DECIDED);
    for (decided, id) in waiting.iter().take(DECIDED).enumerate() {
        // Nobody decides as fast as a program: the window gathers what comes within a moment of the last.
        tokio::time::sleep(Duration::from_millis(300)).await;
        dana.approve(id).await.expect(200);
        let began = Instant::now();
        app.says("pending-badge", &(waiting.len() - decided - 1).to_string()).await;
        times.push(began.elapsed());
    }
    Sample::of(times)
}

/// Asks for what then waits; the ids.
async fn fill(origin: &str) -> Vec<String> {
    let agents: Vec<Agent> = (0..world::AGENTS).map(|number| Agent::at(origin, &world::key(number))).collect();
    for agent in &agents {
        while agent.get("/v1/agent/permissions").await.status != 200 {
            pause().await;
        }
    }
    let mut waiting = Vec::with_capacity(WAITING);
    for number in 0..WAITING {
        let body =
            json!({"connector": "shell", "tool": "run", "arguments": {"program": "/usr/bin/make", "number": number}});
        let held = agents[number % agents.len()].ask(body).await.expect(202);
        waiting.push(held["approval_id"].as_str().unwrap().to_owned());
    }
    waiting
}

/// The proportional memory of the app's processes, in bytes, and the share of a processor that they took.
async fn hold_still(app: &App<'_>) -> (u64, f64) {
    app.says("live", "Live").await;
    let before = ticks();
    tokio::time::sleep(IDLE).await;
    let spent = ticks() - before;
    let memory = family().iter().map(|process| memory(*process)).sum();
    #[expect(clippy::cast_precision_loss)]
    let share = spent as f64 / (TICKS * IDLE.as_secs()) as f64 * 100.0;
    (memory, share)
}

/// The app's process and all that it began.
fn family() -> HashSet<u32> {
    let binary = app_binary().canonicalize().unwrap();
    let processes =
        || fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let mut family: HashSet<u32> = processes()
        .filter(|process: &u32| fs::read_link(format!("/proc/{process}/exe")).is_ok_and(|exe| exe == binary))
        .collect();
    loop {
        let more: Vec<u32> = processes()
            .filter(|process| !family.contains(process) && parent(*process).is_some_and(|of| family.contains(&of)))
            .collect();
        if more.is_empty() {
            return family;
        }
        family.extend(more);
    }
}

/// The fields of `/proc/<pid>/stat` after the name, which may hold anything (proc(5)).
fn stat(process: u32) -> Vec<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    fields.split(' ').skip(1).map(|field| field.trim().parse().unwrap_or_default()).collect()
}

fn parent(process: u32) -> Option<u32> {
    u32::try_from(*stat(process).first()?).ok()
}

fn ticks() -> u64 {
    let of = |process: u32| stat(process).iter().skip(10).take(2).sum::<u64>();
    family().into_iter().map(of).sum()
}

fn memory(process: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find(|line| line.starts_with("Pss:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() * 1_024
}
