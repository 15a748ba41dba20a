//! A desk file that is applied again: what it no longer names, and secrets that changed or did not.

use crate::given::{KEY, SECRET, VARIABLES, file, look, refund};
use std::fs;
use std::path::Path;
use std::time::Duration;
use support::{Database, Process, Upstream, command};
use tempfile::TempDir;

const SECOND: &str = "csk_secondsecondsecondsecondsecondsecondsecondA";

/// The shop, and beside it one of each kind that a later file leaves out.
fn with_more(url: &str) -> String {
    let flows = "flows:
  - {name: Usual, confirmation: session, steps: [{order: 1, approvers: {users: [dana@acme.test]}}]}
  - {name: Odd, steps: [{order: 1, approvers: {users: [dana@acme.test]}}]}
settings: {default_flow: Usual}
";
    file(url)
        .replace(
            "users:\n",
            "users:\n  - {email: dana@acme.test, name: Dana Kim, role: admin}\n  - {email: odd@acme.test, name: Odd}\n",
        )
        .replace("agents:\n", "agents:\n  - {name: odd-bot, owner: mina@acme.test, key_env: ODD_KEY}\n")
        .replace("connectors:\n", "connectors:\n  - {slug: odd, kind: external, tools: [{name: run}]}\n")
        .replace(
            "policies:\n",
            "policies:\n  - {name: Odd looks, action: deny, agents: [odd-bot], tools: [charges_get]}\n",
        )
        + flows
}

fn without_more(url: &str) -> String {
    let all = with_more(url);
    let kept = all.lines().filter(|line| !line.to_lowercase().contains("odd")).map(|line| format!("{line}\n"));
    kept.collect()
}

fn variables() -> Vec<(&'static str, &'static str)> {
    [VARIABLES.as_slice(), &[("ODD_KEY", SECOND)]].concat()
}

async fn apply(folder: &Path, text: &str, flags: &[&str]) -> String {
    fs::write(folder.join("desk.yaml"), text).unwrap();
    command(folder, &[&["apply", "desk.yaml"], flags].concat(), &variables()).await
}

async fn given_folder(upstream: &Upstream) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = apply(folder.path(), &with_more(&upstream.url), &[]).await;
    for line in ["+ user odd@acme.test", "+ agent odd-bot", "+ connector odd", "+ flow Odd", "+ policy Odd looks"] {
        assert!(made.contains(line), "{made}");
    }
    folder
}

#[tokio::test]
async fn what_a_file_no_longer_names_stays_without_prune_and_is_switched_off_with_it() {
    let upstream = Upstream::answering("{}").await;
    let folder = given_folder(&upstream).await;
    let less = without_more(&upstream.url);
    assert_eq!(apply(folder.path(), &less, &[]).await, "No changes.\n");
    let dry = apply(folder.path(), &less, &["--prune", "--dry-run"]).await;
    let pruned = apply(folder.path(), &less, &["--prune"]).await;
    for line in ["- user odd@acme.test", "- agent odd-bot", "- connector odd", "- flow Odd", "- policy Odd looks"] {
        assert!(dry.contains(line) && pruned.contains(line), "{line}: {dry}{pruned}");
    }
    assert_eq!(pruned.lines().filter(|line| line.starts_with("- ")).count(), 5, "{pruned}");
    assert_eq!(apply(folder.path(), &less, &["--prune"]).await, "No changes.\n");

    // Nothing is deleted, and what is named again is back.
    let back = apply(folder.path(), &with_more(&upstream.url), &[]).await;
    for line in ["~ user odd@acme.test", "~ agent odd-bot", "~ connector odd", "~ flow Odd", "~ policy Odd looks"] {
        assert!(back.contains(line), "{line}: {back}");
    }
}

#[tokio::test]
async fn a_running_server_lets_go_of_what_was_pruned() {
    let upstream = Upstream::answering("{}").await;
    let folder = given_folder(&upstream).await;
    let process = Process::serve(folder.path()).await;
    let (agent, odd) = (process.agent(KEY), process.agent(SECOND));
    assert_eq!(odd.ask(look("a")).await.code(), "policy_denied");
    assert!(agent.get("/v1/agent/permissions").await.text.contains("\"odd\""));
    apply(folder.path(), &without_more(&upstream.url), &["--prune"]).await;
    let gone = async {
        while odd.get("/v1/agent/permissions").await.status == 200 {
            support::pause().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.expect("the server sees what was pruned");
    let refused = odd.ask(look("a")).await;
    assert_eq!((refused.status, refused.code()), (403, "agent_suspended"), "{}", refused.text);
    assert!(!agent.get("/v1/agent/permissions").await.text.contains("\"odd\""));
    agent.ask(look("a")).await.expect(200);
    agent.ask(refund(1)).await.expect(202);
    process.kill().await;
}

#[tokio::test]
async fn what_a_person_made_is_not_pruned() {
    let upstream = Upstream::answering("{}").await;
    let folder = given_folder(&upstream).await;
    let key = command(folder.path(), &["agent", "create", "by-hand", "--owner", "mina@acme.test"], &[]).await;
    let pruned = apply(folder.path(), &without_more(&upstream.url), &["--prune"]).await;
    assert!(!pruned.contains("by-hand"), "{pruned}");
    let key = key.split_whitespace().find(|word| word.starts_with("csk_")).unwrap().to_owned();
    let process = Process::serve(folder.path()).await;
    process.agent(&key).ask(look("a")).await.expect(200);
    process.kill().await;
}

/// The credential in use: its id and version, and the kept ones that are not.
async fn credentials(folder: &Path) -> (Vec<String>, Vec<i64>) {
    let database = Database::of(folder).await;
    let active = database.texts("SELECT id || ' ' || version FROM credentials WHERE active = 1").await;
    (active, database.numbers("SELECT COUNT(*) FROM credentials WHERE active = 0").await)
}

#[tokio::test]
async fn a_secret_that_did_not_change_keeps_its_credential_and_another_is_another() {
    let upstream = Upstream::answering("{}").await;
    let folder = given_folder(&upstream).await;
    let first = credentials(folder.path()).await;
    assert_eq!((first.0.len(), &first.1), (1, &vec![0]));
    let renamed = with_more(&upstream.url).replace("name: Shop", "name: The shop");
    assert!(apply(folder.path(), &renamed, &[]).await.contains("~ connector shop"));
    assert_eq!(credentials(folder.path()).await, first);

    let changed = [("BOT_KEY", KEY), ("SHOP_TOKEN", "another-credential"), ("ODD_KEY", SECOND)];
    let told = command(folder.path(), &["apply", "desk.yaml"], &changed).await;
    assert!(told.contains("~ connector shop") && !told.contains("another-credential"), "{told}");
    let second = credentials(folder.path()).await;
    assert_eq!((second.0.len(), &second.1), (1, &vec![1]));
    assert_ne!(second.0, first.0);

    let process = Process::serve(folder.path()).await;
    process.agent(KEY).ask(look("a")).await.expect(200);
    let sent = upstream.requests();
    assert!(
        sent[0].contains("authorization: Bearer another-credential\r\n") && !sent[0].contains(SECRET),
        "{}",
        sent[0]
    );
    process.kill().await;
}
