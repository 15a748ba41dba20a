//! Invariant 14, when the data folder can no longer be written to while the server runs.

use crate::given::{KEY, VARIABLES, file, look, refund};
use countersign_server::clock::SystemClock;
use reqwest::{Client, Method};
use serde_json::json;
use std::sync::Arc;
use support::{Disk, Person, Process, Upstream, apply_to, command};

#[tokio::test]
async fn fourteen_a_folder_that_turns_read_only_runs_nothing_and_then_the_desk_goes_on() {
    let upstream = Upstream::answering("{}").await;
    let folder = tempfile::tempdir().unwrap();
    let people = "users:\n  - {email: dana@acme.test, name: Dana Kim, role: admin}\n";
    let flow = "flows: [{name: Plain, confirmation: session, steps: [{order: 1, approvers: {roles: [admin]}}]}]
settings: {default_flow: Plain}\n";
    let desk = file(&upstream.url).replace("users:\n", people) + flow;
    apply_to(folder.path(), Arc::new(SystemClock), &desk, &VARIABLES).await;
    let disk = Disk::default();
    let process = Process::serve_on_disk(folder.path(), &disk).await;
    let agent = process.agent(KEY);
    let links = [(); 2].map(|()| command(folder.path(), &["user", "link", "dana@acme.test"], &[]));
    let [used, kept] = futures::future::join_all(links).await.try_into().unwrap();
    let token = |link: &str| link.trim().split_once('#').unwrap().1.to_owned();
    let dana = Person::by_link(&process.origin, &token(&used)).await;
    let held = agent.ask(refund(1)).await.expect(202)["approval_id"].as_str().unwrap().to_owned();
    let path = format!("/api/requests/{held}/decisions");

    disk.turns_read_only();
    let get = |path: &str| Client::new().get(format!("{}{path}", process.origin)).send();
    assert_eq!(get("/readyz").await.unwrap().status(), 503);
    assert_eq!(get("/healthz").await.unwrap().status(), 200);
    let refusals = [
        agent.ask(look("ch_1")).await,
        agent.ask(refund(2)).await,
        agent.ask(json!({"connector": "shop", "tool": "shop_close"})).await,
        agent.send(Method::DELETE, &format!("/v1/approvals/{held}"), &[], String::new()).await,
        dana.post(&path, json!({"decision": "approve"})).await,
        dana.deny(&held, "").await,
        support::call_at(&process.origin, Method::POST, "/api/session/link", Some(&json!({"token": token(&kept)})))
            .await,
    ];
    for refusal in refusals {
        assert_eq!((refusal.status, refusal.code()), (503, "store_unavailable"), "{}", refusal.text);
        assert!(refusal.headers.contains_key("retry-after"));
    }
    assert_eq!(agent.get(&format!("/v1/approvals/{held}")).await.expect(200)["state"], "pending");
    assert!(upstream.requests().is_empty());

    disk.is_well_again();
    assert_eq!(get("/readyz").await.unwrap().status(), 200);
    Person::by_link(&process.origin, &token(&kept)).await;
    dana.post(&path, json!({"decision": "approve"})).await.expect(200);
    assert_eq!(agent.end_of(&held).await["state"], "succeeded");
    agent.ask(look("ch_1")).await.expect(200);
    assert_eq!(upstream.requests().len(), 2);
    process.kill().await;
}
