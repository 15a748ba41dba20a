//! The desk as code, through the real binary: who is written down, what stays switched off, what comes out again.

use crate::given::{VARIABLES, file};
use std::process::Command;
use support::{Database, command};
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
