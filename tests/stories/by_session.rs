//! The whole job without a passkey or a browser: a desk file, the command line and plain HTTP.

use crate::given::{KEY, SECRET, VARIABLES, file, refund};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use support::{Agent, Process, Upstream, command};
use tempfile::TempDir;

const PEOPLE: &str = "users:\n  - {email: dana@acme.test, name: Dana Kim, role: approver}\n";
const FLOW: &str =
    "flows: [{name: Plain, confirmation: session, steps: [{order: 1, approvers: {users: [dana@acme.test]}}]}]
settings: {default_flow: Plain}\n";

/// A folder where only `apply` was ever run: nobody has set the desk up.
async fn given_folder(upstream: &Upstream, flow: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let desk = file(&upstream.url).replace("users:\n", PEOPLE) + flow;
    fs::write(folder.path().join("desk.yaml"), desk).unwrap();
    let told = command(folder.path(), &["apply", "desk.yaml"], &VARIABLES).await;
    for line in ["+ user dana@acme.test", "+ agent invoice-bot", "+ connector shop", "+ policy Refunds"] {
        assert!(told.contains(line), "{told}");
    }
    folder
}

/// Dana's cookie, by the link that the command line prints.
async fn dana(folder: &Path, process: &Process) -> String {
    let link = command(folder, &["user", "link", "dana@acme.test"], &[]).await;
    let (origin, token) = link.trim().split_once("/sign-in/link#").unwrap();
    assert_eq!(origin, process.origin);
    let post = Client::new().post(format!("{origin}/api/session/link")).header("origin", origin);
    let entered = post.json(&json!({"token": token})).send().await.unwrap();
    assert_eq!(entered.status(), StatusCode::OK);
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(entered.json::<Value>().await.unwrap()["user"]["email"], "dana@acme.test");
    cookie
}

async fn decide(process: &Process, cookie: &str, id: &str, body: Value) -> (StatusCode, Value) {
    let post = Client::new().post(format!("{}/api/requests/{id}/decisions", process.origin));
    let post = post.header("origin", &process.origin).header("cookie", cookie);
    let answer = post.json(&body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn held(agent: &Agent) -> String {
    agent.ask(refund(4_900)).await.expect(202)["approval_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_desk_that_nobody_set_up_does_the_whole_job_by_apply_and_plain_calls() {
    let upstream = Upstream::answering(r#"{"id":"re_1"}"#).await;
    let folder = given_folder(&upstream, FLOW).await;
    let process = Process::serve(folder.path()).await;
    let agent = process.agent(KEY);
    let (wanted, unwanted) = (held(&agent).await, held(&agent).await);
    let cookie = dana(folder.path(), &process).await;

    let (status, decided) = decide(&process, &cookie, &wanted, json!({"decision": "approve"})).await;
    assert_eq!((status, decided), (StatusCode::OK, json!({"id": wanted, "state": "approved"})));
    let no = json!({"decision": "deny", "comment": "Once is enough."});
    let (status, decided) = decide(&process, &cookie, &unwanted, no).await;
    assert_eq!((status, decided), (StatusCode::OK, json!({"id": unwanted, "state": "denied"})));

    let done = agent.end_of(&wanted).await;
    assert_eq!((&done["state"], &done["result"]["data"]), (&json!("succeeded"), &json!({"id": "re_1"})));
    assert_eq!(agent.end_of(&unwanted).await["reason"], "Once is enough.");
    let sent = upstream.requests();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].contains(&format!("authorization: Bearer {SECRET}\r\n")), "{}", sent[0]);
    process.kill().await;
}

#[tokio::test]
async fn a_session_is_not_enough_where_the_flow_asks_for_a_passkey() {
    let upstream = Upstream::answering("{}").await;
    let flow = FLOW.replace("confirmation: session, ", "");
    let folder = given_folder(&upstream, &flow).await;
    let process = Process::serve(folder.path()).await;
    let agent = process.agent(KEY);
    let id = held(&agent).await;
    let cookie = dana(folder.path(), &process).await;
    let (status, refused) = decide(&process, &cookie, &id, json!({"decision": "approve"})).await;
    assert_eq!((status, refused["code"].as_str()), (StatusCode::FORBIDDEN, Some("ceremony_required")));
    assert_eq!(agent.get(&format!("/v1/approvals/{id}")).await.expect(200)["state"], "pending");
    assert!(upstream.requests().is_empty());
    process.kill().await;
}
