//! What an admin does at the command line, through the real binary.

use crate::given::{KEY, SECRET, VARIABLES, file, look, refund};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use support::{Agent, Database, Person, Process, Upstream, command, refused_command};
use tempfile::TempDir;

/// A folder with the shop's desk in it, where whoever has no passkey decides by their session.
async fn given_folder(upstream: &Upstream) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let people = "users:\n  - {email: dana@acme.test, name: Dana Kim, role: admin}\n";
    let flow =
        "flows: [{name: Default, confirmation: passkey_if_enrolled, steps: [{order: 1, approvers: {roles: [admin]}}]}]
settings: {default_flow: Default}\n";
    let agents = "agents:\n  - {name: a-second-bot, owner: dana@acme.test}\n";
    let desk = file(&upstream.url).replace("users:\n", people).replace("agents:\n", agents);
    std::fs::write(folder.path().join("desk.yaml"), desk + flow).unwrap();
    command(folder.path(), &["apply", "desk.yaml"], &VARIABLES).await;
    folder
}

async fn held(agent: &Agent) -> String {
    agent.ask(refund(4_900)).await.expect(202)["approval_id"].as_str().unwrap().to_owned()
}

/// Dana, by a link that the command line made.
async fn dana(folder: &Path, process: &Process) -> Person {
    let link = command(folder, &["user", "link", "dana@acme.test"], &[]).await;
    let (origin, token) = link.trim().split_once("/sign-in/link#").unwrap();
    assert_eq!(origin, process.origin);
    Person::by_link(origin, token).await
}

async fn approve(dana: &Person, id: &str) -> String {
    dana.post(&format!("/api/requests/{id}/decisions"), json!({"decision": "approve"})).await.expect(200);
    dana.end_of(id).await["state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn after_a_rotation_everything_opens_with_the_new_key_and_nothing_with_the_old_one() {
    let upstream = Upstream::answering(r#"{"id":"re_1"}"#).await;
    let folder = given_folder(&upstream).await;
    let process = Process::serve(folder.path()).await;
    let agent = process.agent(KEY);
    let done = agent.ask(look("a")).await.expect(200)["approval_id"].as_str().unwrap().to_owned();
    let waiting = held(&agent).await;
    process.kill().await;

    let key = folder.path().join("master.key");
    let old = std::fs::read(&key).unwrap();
    command(folder.path(), &["vault", "rotate"], &[]).await;
    assert_ne!(std::fs::read(&key).unwrap(), old);

    let process = Process::serve(folder.path()).await;
    let agent = process.agent(KEY);
    let dana = dana(folder.path(), &process).await;
    agent.end_of(&done).await;
    assert_eq!(agent.get(&format!("/v1/approvals/{done}")).await.expect(200)["result"]["data"]["id"], "re_1");
    assert_eq!(approve(&dana, &waiting).await, "succeeded");
    let sent = upstream.requests();
    assert_eq!(sent.len(), 2);
    assert!(sent[1].contains(&format!("authorization: Bearer {SECRET}\r\n")), "{}", sent[1]);
    assert!(sent[1].ends_with("{\"amount\":4900}"), "{}", sent[1]);
    process.kill().await;

    std::fs::write(&key, old).unwrap();
    let refused = support::refused_command(folder.path(), &["serve", "--listen", "127.0.0.1:0"]).await;
    assert!(refused.contains("restore the right key file"), "{refused}");
}

#[tokio::test]
async fn a_desk_whose_key_file_is_gone_does_not_start_under_a_new_one() {
    let upstream = Upstream::answering(r#"{"id":"re_1"}"#).await;
    let folder = given_folder(&upstream).await;
    let key = folder.path().join("master.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let refused = support::refused_command(folder.path(), &["serve", "--listen", "127.0.0.1:0"]).await;
    assert!(refused.contains("restore the file from your backup"), "{refused}");
    assert!(!key.exists(), "a new key would hide the loss");

    std::fs::write(&key, kept).unwrap();
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    let process = Process::serve(folder.path()).await;
    process.agent(KEY).ask(look("a")).await.expect(200);
    process.kill().await;
}

#[tokio::test]
async fn a_rotation_is_refused_while_the_server_runs() {
    let upstream = Upstream::answering("{}").await;
    let folder = given_folder(&upstream).await;
    let process = Process::serve(folder.path()).await;
    let key = std::fs::read(folder.path().join("master.key")).unwrap();
    let refused = support::refused_command(folder.path(), &["vault", "rotate"]).await;
    assert!(refused.contains("another Countersign server uses the data folder"), "{refused}");
    assert_eq!(std::fs::read(folder.path().join("master.key")).unwrap(), key);
    process.agent(KEY).ask(look("a")).await.expect(200);
    process.kill().await;
}

#[tokio::test]
async fn a_backup_taken_while_the_server_runs_is_a_desk_in_another_folder() {
    let upstream = Upstream::answering(r#"{"id":"re_1"}"#).await;
    let folder = given_folder(&upstream).await;
    let process = Process::serve(folder.path()).await;
    let agent = process.agent(KEY);
    let done = agent.ask(look("a")).await.expect(200)["approval_id"].as_str().unwrap().to_owned();
    agent.end_of(&done).await;
    let waiting = held(&agent).await;

    let restored = tempfile::tempdir().unwrap();
    let copy = restored.path().join("countersign.sqlite");
    command(folder.path(), &["backup", &copy.display().to_string()], &[]).await;
    std::fs::copy(folder.path().join("master.key"), restored.path().join("master.key")).unwrap();
    let later = held(&agent).await;
    process.kill().await;

    let process = Process::serve(restored.path()).await;
    let agent = process.agent(KEY);
    assert_eq!(agent.get(&format!("/v1/approvals/{done}")).await.expect(200)["result"]["data"]["id"], "re_1");
    assert_eq!(agent.get(&format!("/v1/approvals/{later}")).await.status, 404);
    let dana = dana(restored.path(), &process).await;
    assert_eq!(approve(&dana, &waiting).await, "succeeded");
    assert!(upstream.requests()[1].contains(&format!("authorization: Bearer {SECRET}\r\n")));
    process.kill().await;
}

#[tokio::test]
async fn a_desk_that_was_exported_and_applied_elsewhere_is_the_same_desk_without_its_secrets() {
    let upstream = Upstream::answering("{}").await;
    let folder = given_folder(&upstream).await;
    let exported = command(folder.path(), &["export"], &[]).await;
    for secret in [SECRET, KEY] {
        assert!(!exported.contains(secret), "{exported}");
    }

    let fresh = tempfile::tempdir().unwrap();
    for place in [folder.path(), fresh.path()] {
        std::fs::write(place.join("exported.yaml"), &exported).unwrap();
    }
    let made = command(fresh.path(), &["apply", "exported.yaml"], &VARIABLES).await;
    assert!(made.contains("+ connector shop") && made.contains("+ policy Refunds"), "{made}");
    assert_eq!(command(fresh.path(), &["export"], &[]).await, exported);
    for place in [folder.path(), fresh.path()] {
        assert_eq!(command(place, &["apply", "exported.yaml", "--prune"], &VARIABLES).await, "No changes.\n");
    }
}

#[tokio::test]
async fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let upstream = Upstream::answering("{}").await;
    let folder = given_folder(&upstream).await;
    let before = command(folder.path(), &["export"], &[]).await;
    let desk = std::fs::read_to_string(folder.path().join("desk.yaml")).unwrap();
    std::fs::write(folder.path().join("desk.yaml"), desk.replace("name: Never,", "name: Not ever,")).unwrap();
    let told = command(folder.path(), &["apply", "desk.yaml", "--dry-run"], &VARIABLES).await;
    assert!(told.starts_with("+ policy Not ever\n"), "{told}");
    assert_eq!(command(folder.path(), &["export"], &[]).await, before);
}

#[tokio::test]
async fn an_agent_is_made_with_the_wait_budget_that_its_client_stands() {
    let folder = given_folder(&Upstream::answering("{}").await).await;
    let create = ["agent", "create", "slow-bot", "--owner", "dana@acme.test", "--wait-budget"];
    for odd in ["0", "3601", "long"] {
        let refused = refused_command(folder.path(), &[&create[..], &[odd]].concat()).await;
        assert!(refused.contains("1 to 3600 seconds"), "{odd}: {refused}");
    }
    command(folder.path(), &[&create[..], &["120"]].concat(), &[]).await;
    let budget = "SELECT wait_budget_seconds FROM agents WHERE name = 'slow-bot'";
    assert_eq!(Database::of(folder.path()).await.numbers(budget).await, [120]);
}
