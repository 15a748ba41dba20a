//! Power cuts while people decide: what was answered stands, and an approved call is made once or not known to be.

use crate::given::{KEY, VARIABLES, file, look, refund};
use countersign_server::clock::SystemClock;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Agent, Database, Disk, Person, Process, Upstream, apply_to, command};
use tempfile::TempDir;

const ROUNDS: u64 = 30;
const PAIRS: usize = 4;

/// The shop, and Dana, who decides by her session.
async fn given_folder(upstream: &Upstream) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let people = "users:\n  - {email: dana@acme.test, name: Dana Kim, role: admin}\n";
    let flow = "flows: [{name: Plain, confirmation: session, steps: [{order: 1, approvers: {roles: [admin]}}]}]
settings: {default_flow: Plain, max_pending_per_agent: 1000}\n";
    let desk = file(&upstream.url).replace("users:\n", people) + flow;
    apply_to(folder.path(), Arc::new(SystemClock), &desk, &VARIABLES).await;
    folder
}

async fn dana(folder: &Path, process: &Process) -> Person {
    let link = command(folder, &["user", "link", "dana@acme.test"], &[]).await;
    Person::by_link(&process.origin, link.trim().split_once('#').unwrap().1).await
}

async fn held(agent: &Agent) -> String {
    agent.ask(refund(4_900)).await.expect(202)["approval_id"].as_str().unwrap().to_owned()
}

async fn now(agent: &Agent, id: &str) -> Value {
    agent.get(&format!("/v1/approvals/{id}")).await.expect(200)
}

#[tokio::test]
async fn five_decisions_that_were_answered_stand_after_a_kill() {
    let upstream = Upstream::answering("{}").await;
    let folder = given_folder(&upstream).await;
    let process = Process::serve(folder.path()).await;
    let (agent, dana) = (process.agent(KEY), dana(folder.path(), &process).await);
    let (approved, denied, waiting) = (held(&agent).await, held(&agent).await, held(&agent).await);
    dana.deny(&denied, "Not today.").await.expect(200);
    dana.post(&format!("/api/requests/{approved}/decisions"), json!({"decision": "approve"})).await.expect(200);
    process.kill().await;

    let process = Process::serve(folder.path()).await;
    let agent = process.agent(KEY);
    let no = now(&agent, &denied).await;
    assert_eq!((no["state"].as_str(), no["reason"].as_str()), (Some("denied"), Some("Not today.")));
    let yes = agent.end_of(&approved).await;
    assert!(yes["state"] == "succeeded" || yes["state"] == "outcome_unknown", "{yes}");
    for decided in [yes, no] {
        assert_eq!(decided["decided_by"], json!({"kind": "user", "name": "Dana Kim"}));
    }
    assert_eq!(now(&agent, &waiting).await["state"], "pending");
    assert!(upstream.requests().len() <= 1);
    process.kill().await;
}

/// SQLite's WAL with synchronous=FULL: an answer waits for the disk, so a disk that confirms nothing gets no answer.
#[tokio::test]
async fn five_and_eleven_nothing_is_answered_or_sent_that_the_disk_did_not_confirm() {
    let upstream = Upstream::answering("{}").await;
    let folder = given_folder(&upstream).await;
    let disk = Disk::default();
    let process = Process::serve_on_disk(folder.path(), &disk).await;
    let (agent, dana) = (process.agent(KEY), dana(folder.path(), &process).await);
    let (approved, denied) = (held(&agent).await, held(&agent).await);
    let decisions = [(&approved, "approve"), (&denied, "deny")];
    assert_eq!(Database::of(folder.path()).await.texts("PRAGMA journal_mode").await, ["wal"]);

    disk.loses_what_it_takes();
    for (id, decision) in decisions {
        let path = format!("/api/requests/{id}/decisions");
        let unsure = dana.post(&path, json!({"decision": decision})).await;
        assert_eq!((unsure.status, unsure.code()), (503, "store_unavailable"), "{}", unsure.text);
    }
    let unsure = agent.ask(look("ch_1")).await;
    assert_eq!((unsure.status, unsure.code()), (503, "store_unavailable"), "{}", unsure.text);
    assert!(upstream.requests().is_empty());

    disk.is_well_again();
    for (id, decision) in decisions {
        assert!(dana.try_decide(id, decision).await, "{decision}");
    }
    assert_eq!(agent.end_of(&approved).await["state"], "succeeded");
    assert_eq!(now(&agent, &denied).await["state"], "denied");
    agent.ask(look("ch_1")).await.expect(200);
    assert_eq!(upstream.requests().len(), 2);
    process.kill().await;
}

/// What was approved in one life of the server, by the answers that came.
type Approved = Arc<Mutex<Vec<String>>>;

/// Invariants 3 and 4, for calls that a person approved.
#[tokio::test]
async fn three_and_four_an_approved_call_that_a_kill_interrupts_is_made_once_at_most() {
    let upstream = Upstream::answering("{}").await;
    let folder = given_folder(&upstream).await;
    let mut process = Process::serve(folder.path()).await;
    let dana = dana(folder.path(), &process).await;
    let (mut resumed, mut unknown, mut all) = (0, 0, 0);
    for round in 0..ROUNDS {
        let approved = Approved::default();
        let pairs = work_on(&process, &dana, &approved);
        // Moments spread over the life of an approved call: that is what is tested, not something that is waited for.
        tokio::time::sleep(Duration::from_micros(20_000 + round * 7_919 % 60_000)).await;
        process.kill().await;
        pairs.iter().for_each(tokio::task::JoinHandle::abort);
        let before = calls(&upstream);
        process = Process::serve(folder.path()).await;
        let agent = process.agent(KEY);
        let approved = std::mem::take(&mut *approved.lock().unwrap());
        for id in &approved {
            let end = agent.end_of(id).await["state"].as_str().unwrap().to_owned();
            let made = calls(&upstream).get(id).copied().unwrap_or(0);
            match end.as_str() {
                "succeeded" => assert_eq!(made, 1, "{id}"),
                "outcome_unknown" => assert!(made <= 1, "{id}"),
                other => panic!("an approved call ended as {other}"),
            }
            unknown += usize::from(end == "outcome_unknown");
            resumed += usize::from(end == "succeeded" && !before.contains_key(id));
        }
        all += approved.len();
        withdraw_the_rest(&agent, &upstream).await;
    }
    process.kill().await;
    assert!(calls(&upstream).values().all(|made| *made == 1), "a call was made twice");
    assert!(resumed + unknown > 0, "no kill hit an approved call: none of {all}");
}

/// Agents that ask and a person who approves at once, side by side.
fn work_on(process: &Process, dana: &Person, approved: &Approved) -> Vec<tokio::task::JoinHandle<()>> {
    let pairs = (0..PAIRS).map(|_| {
        let (agent, dana) = (process.agent(KEY), dana.in_another_window(&process.origin));
        let approved = Arc::clone(approved);
        tokio::spawn(async move {
            while let Some(answer) = agent.try_ask_for(&refund(4_900)).await {
                let id = answer["approval_id"].as_str().unwrap();
                if dana.try_decide(id, "approve").await {
                    approved.lock().unwrap().push(id.to_owned());
                }
            }
        })
    });
    pairs.collect()
}

/// What nobody decided still waits, and was not called.
async fn withdraw_the_rest(agent: &Agent, upstream: &Upstream) {
    let calls = calls(upstream);
    let open = agent.get("/v1/agents/me/pending-actions").await.expect(200);
    for item in open["items"].as_array().unwrap() {
        let id = item["approval_id"].as_str().unwrap();
        let taken_back = agent.send(Method::DELETE, &format!("/v1/approvals/{id}"), &[], String::new()).await;
        // Its approval may have been stored and never answered; then its call is made or under way by now.
        assert!([200, 409].contains(&taken_back.status), "{}", taken_back.text);
        assert!(taken_back.status != 200 || !calls.contains_key(id), "{id} was called and is pending");
    }
}

/// How often each request reached the upstream.
fn calls(upstream: &Upstream) -> HashMap<String, usize> {
    let mut calls = HashMap::new();
    for request in upstream.requests() {
        let line = request.lines().find(|line| line.to_ascii_lowercase().starts_with("idempotency-key:")).unwrap();
        *calls.entry(line.split_once(':').unwrap().1.trim().to_owned()).or_default() += 1;
    }
    calls
}
