//! An allowed call through the desk, beside the same call to the upstream alone. In turns, so that both see the same
//! machine.

use crate::figures::{Line, Sample, time};
use crate::{upstream, world};
use reqwest::Client;
use serde_json::json;
use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};
use support::Process;

/// How often the two are measured in turn.
const TURNS: usize = 10;
/// The most that the desk may add for one caller, at the median.
const ALONE: Duration = Duration::from_micros(700);
/// The most that it may add among 32, at the 99th percentile.
const AMONG_32: Duration = Duration::from_millis(8);

pub(crate) async fn measure() -> Vec<Line> {
    let upstream = upstream::start().await;
    let folder = tempfile::tempdir().unwrap();
    world::furnish(folder.path(), &upstream).await;
    let server = Process::serve(folder.path()).await;
    let mut lines = vec![Line::plain("the disk's own fdatasync of a page", fsync(folder.path()).words())];
    for callers in [1, 32] {
        let (direct, desk) = in_turns(&server, &upstream, callers).await;
        let rate = rate(&desk, callers);
        lines.push(Line::plain(format!("upstream alone, {callers} callers"), direct.words()));
        lines.push(Line::plain(format!("through the desk, {callers} callers"), format!("{}, {rate}", desk.words())));
        let added = |share| desk.quantile(share).saturating_sub(direct.quantile(share));
        let (p50, p99) = (added(0.5), added(0.99));
        let what = |share: &str| format!("added to an allowed call, {callers} callers, {share}");
        if callers == 1 {
            lines.push(Line::at_most(what("p50"), p50, ALONE));
        } else {
            lines.push(Line::at_most(what("p99"), p99, AMONG_32));
            lines.push(Line::plain(what("p50"), time(p50)));
        }
    }
    server.kill().await;
    lines
}

pub(crate) fn rate(sample: &Sample, callers: usize) -> String {
    #[expect(clippy::cast_precision_loss)]
    let rate = callers as f64 / sample.quantile(0.5).as_secs_f64();
    format!("about {rate:.0} calls/s")
}

async fn in_turns(server: &Process, upstream: &str, callers: usize) -> (Sample, Sample) {
    let each = if callers == 1 { 200 } else { 100 };
    let charge = format!("{upstream}/charges/ch_1");
    let actions = format!("{}/v1/actions", server.origin);
    let body = json!({"connector": "shop", "tool": "charges_get", "arguments": {"charge": "ch_1"}}).to_string();
    let (mut direct, mut desk) = (Vec::new(), Vec::new());
    for turn in 0..=TURNS {
        let alone = all(callers, each, |client| client.get(&charge)).await;
        let through = all(callers, each, |client| {
            let request = client.post(&actions).bearer_auth(world::key(0));
            request.header("content-type", "application/json").body(body.clone())
        })
        .await;
        // The first turn warms everything up.
        if turn > 0 {
            direct.extend(alone);
            desk.extend(through);
        }
    }
    (Sample::of(direct), Sample::of(desk))
}

/// So many callers at once, each so many calls, one after the other.
pub(crate) async fn all(
    callers: usize,
    each: usize,
    request: impl Fn(&Client) -> reqwest::RequestBuilder,
) -> Vec<Duration> {
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let client = Client::new();
            let requests: Vec<_> = (0..each).map(|_| request(&client)).collect();
            tokio::spawn(async move {
                let mut times = Vec::with_capacity(requests.len());
                for request in requests {
                    let began = Instant::now();
                    let answer = request.send().await.unwrap();
                    assert_eq!(answer.status(), 200);
                    answer.bytes().await.unwrap();
                    times.push(began.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    times
}

/// What a durable write costs on this disk at the least.
fn fsync(folder: &Path) -> Sample {
    let mut file = File::create(folder.join("fsync")).unwrap();
    let times = (0..300).map(|_| {
        file.rewind().unwrap();
        file.write_all(&[7; 4_096]).unwrap();
        let began = Instant::now();
        file.sync_data().unwrap();
        began.elapsed()
    });
    Sample::of(times.collect())
}
