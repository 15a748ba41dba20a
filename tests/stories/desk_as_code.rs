//! The desk as code, through the real binary: who is written down, what stays switched off, what comes out again.

use crate::given::{KEY, VARIABLES, file};
use serde_json::json;
use std::process::Command;
use support::{Database, Process, command};
use tempfile::TempDir;

/// A folder with the shop's file in it, applied.
async fn given_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("desk.yaml"), file("http://127.0.0.1:9")).unwrap();
    command(folder.path(), &["apply", "desk.yaml"], &VARIABLES).await;
    folder
}

#[tokio::test]
async fn who_applies_is_the_systems_user_whatever_the_environment_says() {
    let folder = given_folder().await;
    let renamed = file("http://127.0.0.1:9").replace("Mina Sato", "Mina S.");
    std::fs::write(folder.path().join("desk.yaml"), renamed).unwrap();
    let forged = [&VARIABLES[..], &[("USER", "mallory"), ("LOGNAME", "mallory"), ("USERNAME", "mallory")]].concat();
    command(folder.path(), &["apply", "desk.yaml"], &forged).await;
    let me = Command::new("id").arg("-un").output().unwrap();
    let me = format!("cli:{}", String::from_utf8(me.stdout).unwrap().trim());
    let actors = "SELECT DISTINCT actor FROM audit WHERE action LIKE 'user.%'";
    assert_eq!(Database::of(folder.path()).await.texts(actors).await, [me]);
}

#[tokio::test]
async fn a_tool_that_the_file_drops_can_not_be_called_until_the_file_names_it_again() {
    let folder = given_folder().await;
    let whole = file("http://127.0.0.1:9");
    let (before, rest) = whole.split_once("      - name: refunds_create").unwrap();
    let (_, after) = rest.split_once("      - {name: shop_close").unwrap();
    std::fs::write(folder.path().join("less.yaml"), format!("{before}      - {{name: shop_close{after}")).unwrap();
    assert_eq!(command(folder.path(), &["apply", "less.yaml"], &VARIABLES).await, "No changes.\n");
    let pruned = command(folder.path(), &["apply", "less.yaml", "--prune"], &VARIABLES).await;
    assert_eq!(pruned, "- tool shop/refunds_create\n");
    let exported = command(folder.path(), &["export"], &[]).await;
    assert!(exported.contains("charges_get") && !exported.contains("\"name\": \"refunds_create"), "{exported}");
    assert_eq!(ask_for_a_refund(&folder).await, (404, "unknown_tool".to_owned()));

    let back = command(folder.path(), &["apply", "desk.yaml"], &VARIABLES).await;
    assert_eq!(back, "~ connector shop\n");
    assert_eq!(ask_for_a_refund(&folder).await, (202, String::new()));
}

async fn ask_for_a_refund(folder: &TempDir) -> (u16, String) {
    let process = Process::serve(folder.path()).await;
    let refund = json!({"connector": "shop", "tool": "refunds_create", "arguments": {"charge": "ch_1", "amount": 5}});
    let answer = process.agent(KEY).ask(refund).await;
    process.kill().await;
    (answer.status, answer.code().to_owned())
}

#[tokio::test]
async fn a_file_that_names_a_suspended_agent_says_that_it_stays_suspended() {
    let folder = given_folder().await;
    Database::of(folder.path()).await.run("UPDATE agents SET status = 'suspended'").await;
    let told = command(folder.path(), &["apply", "desk.yaml"], &VARIABLES).await;
    assert_eq!(told, "agent invoice-bot is suspended, and stays so: the file does not lift that\nNo changes.\n");
}
