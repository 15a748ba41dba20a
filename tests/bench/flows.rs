//! What waits: a hundred thousand deadlines, a thousand open screens, and messages that leave.

use crate::figures::{Line, Sample, time};
use crate::{upstream, world};
use axum::Router;
use axum::routing::post;
use futures::StreamExt as _;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Database, Process, apply_to};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// How many deadlines.
const TIMERS: usize = 100_000;
/// How many screens.
const SCREENS: usize = 1_000;
/// How many requests each screen hears of.
const HEARD: usize = 20;
/// How many messages leave.
const MESSAGES: usize = 2_000;
/// How many ask at once.
const AT_ONCE: usize = 64;

pub(crate) async fn measure() -> Vec<Line> {
    let mut lines = screens().await;
    lines.extend(messages().await);
    lines.extend(deadlines().await);
    lines
}

/// A desk whose external tool `brief` waits for three minutes and whose `told` calls a webhook.
async fn given_server(folder: &Path, webhook: &str) -> Process {
    world::furnish(folder, &upstream::start().await).await;
    let file = format!(
        r#"
connectors:
  - {{slug: ops, kind: external, name: Ops, tools: [{{name: brief, effect: write}}, {{name: told, effect: write}}]}}
flows:
  - {{name: Brief, timeout_minutes: 3, steps: [{{order: 1, approvers: {{users: [{dana}]}}}}]}}
  - name: Told
    timeout_minutes: 600
    channels: {{webhook: true}}
    webhook_url: "{webhook}"
    steps: [{{order: 1, approvers: {{users: [{dana}]}}}}]
policies:
  - {{name: Brief, action: request_approval, connectors: [ops], tools: [brief], flow: Brief}}
  - {{name: Told, action: request_approval, connectors: [ops], tools: [told], flow: Told}}
"#,
        dana = world::DANA
    );
    apply_to(folder, Arc::new(countersign_server::clock::SystemClock), &file, &[]).await;
    Process::serve(folder).await
}

/// Asks so often, many at once.
async fn ask(server: &Process, tool: &str, times: usize) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut asks = Vec::with_capacity(times);
    let agents: Vec<_> = (0..world::AGENTS).map(|number| Arc::new(server.agent(&world::key(number)))).collect();
    for number in 0..times {
        let (room, agent) = (Arc::clone(&room), Arc::clone(&agents[number % world::AGENTS]));
        let body = json!({"connector": "ops", "tool": tool, "arguments": {"number": number}});
        asks.push(tokio::spawn(async move {
            let _turn = room.acquire_owned().await.unwrap();
            agent.ask(body).await.expect(202);
        }));
    }
    for ask in asks {
        ask.await.unwrap();
    }
}

async fn deadlines() -> Vec<Line> {
    let folder = tempfile::tempdir().unwrap();
    let server = given_server(folder.path(), "http://localhost:9/").await;
    let asked = Instant::now();
    ask(&server, "brief", TIMERS).await;
    let asked = asked.elapsed();
    assert!(asked < Duration::from_secs(160), "the first deadline is over before the last ask: {asked:?}");
    // All of them wait for a moment: what the server does meanwhile is what waiting costs.
    let (before, began) = (processor_time(&server), Instant::now());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let idle = (processor_time(&server) - before).as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
    let database = Database::of(folder.path()).await;
    while database.numbers("SELECT COUNT(*) FROM requests WHERE state = 'pending'").await[0] > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let late = database.numbers("SELECT ended_at - expires_at FROM requests WHERE state = 'expired'").await;
    server.kill().await;
    assert!(late.iter().all(|late| *late >= 0), "no deadline acts early");
    let late = Sample::of(late.iter().map(|late| Duration::from_millis(late.unsigned_abs())).collect());
    vec![
        Line::plain(format!("{TIMERS} deadlines, asked within {}, lateness", time(asked)), late.words()),
        Line::at_most(format!("{TIMERS} deadlines, lateness p99"), late.quantile(0.99), Duration::from_secs(1)),
        Line::plain(format!("processor time while {TIMERS} deadlines wait"), format!("{idle:.1} % of one")),
    ]
}

async fn screens() -> Vec<Line> {
    let world = world::World::start(&upstream::start().await).await;
    let (_, session) = world.signed_in(world::DANA).await;
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let opened = Arc::new(Semaphore::new(0));
    for _ in 0..SCREENS {
        let (url, session, heard, opened) =
            (format!("{}/api/events", world.origin), session.clone(), heard.clone(), Arc::clone(&opened));
        tokio::spawn(async move {
            let answer = reqwest::Client::new().get(url).bearer_auth(session).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            opened.add_permits(1);
            let mut pieces = answer.bytes_stream();
            while let Some(Ok(piece)) = pieces.next().await {
                if String::from_utf8_lossy(&piece).contains("request.created") {
                    let _ = heard.send(Instant::now());
                }
            }
        });
    }
    let _all = opened.acquire_many(u32::try_from(SCREENS).unwrap()).await.unwrap();
    let caller = world.caller(0).await;
    let mut times = Vec::new();
    for _ in 0..HEARD {
        let began = Instant::now();
        world.desk.submit(&caller, world::held()).await.unwrap();
        for _ in 0..SCREENS {
            times.push(hears.recv().await.unwrap() - began);
        }
    }
    let times = Sample::of(times);
    vec![
        Line::plain(format!("a request on {SCREENS} open screens"), times.words()),
        Line::at_most(
            format!("a request on {SCREENS} open screens, p99"),
            times.quantile(0.99),
            Duration::from_millis(150),
        ),
    ]
}

async fn messages() -> Vec<Line> {
    let (told, mut arrives) = tokio::sync::mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let webhook = format!("http://{}/", listener.local_addr().unwrap());
    let sink = post(move |axum::Json(_): axum::Json<Value>| {
        let told = told.clone();
        async move {
            let _ = told.send(Instant::now());
        }
    });
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", sink)).await.unwrap() });
    let folder = tempfile::tempdir().unwrap();
    let server = given_server(folder.path(), &webhook).await;
    let began = Instant::now();
    ask(&server, "told", MESSAGES).await;
    let asked = began.elapsed();
    let mut last = began;
    for _ in 0..MESSAGES {
        last = arrives.recv().await.unwrap();
    }
    server.kill().await;
    #[expect(clippy::cast_precision_loss)]
    let rate = MESSAGES as f64 / (last - began).as_secs_f64();
    let words = format!("{rate:.0}/s ({} for {MESSAGES}, asked within {})", time(last - began), time(asked));
    vec![Line::plain("messages that leave, 4 workers", words)]
}

/// Linux's own count of the processor time that a process has used (proc(5), `stat`), in ticks of 10 ms.
fn processor_time(server: &Process) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", server.id())).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}
