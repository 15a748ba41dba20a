//! Power cuts: the server killed at any moment, again and again.

use crate::given::{KEY, SECRET, file};
use countersign_server::clock::SystemClock;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use support::{Process, Upstream, apply_to, pause};

const ROUNDS: u64 = 100;
const CALLERS: usize = 4;

/// Invariants 3 and 4: what was under way ends as `outcome_unknown`, and the upstream has seen it at most once.
#[tokio::test]
async fn a_call_that_a_kill_interrupts_is_never_made_twice_and_never_pending_again() {
    let upstream = Upstream::answering("{}").await;
    let folder = tempfile::tempdir().unwrap();
    apply_to(folder.path(), Arc::new(SystemClock), &file(&upstream.url), &[("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)])
        .await;
    let mut process = Process::serve(folder.path()).await;
    let mut unknown = 0;
    let mut checked = 0;
    for round in 0..ROUNDS {
        let callers = call_on(&process);
        // On a busy machine a call begins late: every other kill waits for one.
        while round % 2 == 1 && upstream.requests().len() == checked {
            pause().await;
        }
        // Moments spread over a call's life: that is what is tested, not something that is waited for.
        tokio::time::sleep(Duration::from_micros(round * 7_919 % 40_000)).await;
        process.kill().await;
        callers.iter().for_each(tokio::task::JoinHandle::abort);
        process = Process::serve(folder.path()).await;
        let agent = process.agent(KEY);
        let seen = upstream.requests();
        for request in &seen[checked..] {
            let state = agent.get(&format!("/v1/approvals/{}", id_in(request))).await.expect(200)["state"].clone();
            assert!(state == "succeeded" || state == "outcome_unknown", "{state}");
            unknown += usize::from(state == "outcome_unknown");
        }
        checked = seen.len();
        assert_eq!(agent.get("/v1/agents/me/pending-actions").await.expect(200)["items"], json!([]));
    }
    process.kill().await;
    let mut times: HashMap<String, usize> = HashMap::new();
    upstream.requests().iter().for_each(|request| *times.entry(id_in(request)).or_default() += 1);
    assert!(times.values().all(|times| *times == 1), "a call was made twice");
    assert!(unknown > 0, "no kill hit a call: none of {}", times.len());
}

fn call_on(process: &Process) -> Vec<tokio::task::JoinHandle<()>> {
    let callers = (0..CALLERS).map(|_| {
        let agent = process.agent(KEY);
        tokio::spawn(async move {
            let body = json!({"connector": "shop", "tool": "charges_get", "arguments": {"charge": "a"}});
            loop {
                agent.try_ask(&body).await;
                tokio::task::yield_now().await;
            }
        })
    });
    callers.collect()
}

fn id_in(request: &str) -> String {
    let line = request.lines().find(|line| line.to_ascii_lowercase().starts_with("idempotency-key:")).unwrap();
    line.split_once(':').unwrap().1.trim().to_owned()
}
