//! `countersign ask -- CMD`: a command that runs when somebody approved it, and else does not.

use crate::given::{KEY, Shop, VARIABLES, file, given_shop};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use support::{Ended, run};
use tokio::task::JoinHandle;

/// Asks for a command; its end can be awaited.
fn ask(shop: &Shop, command: &[&str]) -> JoinHandle<Ended> {
    let origin = shop.desk.origin.clone();
    let command: Vec<_> = command.iter().map(|word| (*word).to_owned()).collect();
    tokio::spawn(async move {
        let mut words = vec!["ask", "--reason", "The release needs it.", "--"];
        words.extend(command.iter().map(String::as_str));
        run(&words, &[("COUNTERSIGN_URL", &origin), ("COUNTERSIGN_AGENT_KEY", KEY)]).await
    })
}

/// The id of the question, once it waits.
async fn waiting(shop: &Shop) -> String {
    loop {
        let open = shop.agent.get("/v1/agents/me/pending-actions").await.expect(200);
        if let Some(id) = open["items"][0]["approval_id"].as_str() {
            return id.to_owned();
        }
        support::pause().await;
    }
}

fn touching(file: &Path, code: u8) -> [String; 3] {
    ["sh".to_owned(), "-c".to_owned(), format!("echo it ran; echo done > '{}'; exit {code}", file.display())]
}

#[tokio::test]
async fn an_approved_command_runs_and_its_exit_code_is_the_askers() {
    let (shop, folder) = (given_shop().await, tempfile::tempdir().unwrap());
    let mark = folder.path().join("mark");
    let command = touching(&mark, 3);
    let asking = ask(&shop, &command.each_ref().map(String::as_str));
    let id = waiting(&shop).await;
    let card = shop.dana.get(&format!("/api/requests/{id}")).await.expect(200);
    let shown = card["arguments"].to_string();
    assert!(shown.contains("sha256") && shown.contains("echo it ran"), "{shown}");
    assert!(!mark.exists(), "nothing runs before it is approved");
    shop.dana.approve(&id).await.expect(200);
    let ended = asking.await.unwrap();
    assert_eq!((ended.code, ended.said.as_str()), (Some(3), "it ran\n"), "{}", ended.complained);
    assert!(ended.complained.contains(&format!("{}/approve/{id}", shop.desk.origin)), "{}", ended.complained);
    assert!(mark.exists());
    let outcome = shop.dana.get(&format!("/api/requests/{id}")).await.expect(200)["outcome"].clone();
    assert_eq!(outcome["ok"], json!(false), "{outcome}");
}

#[tokio::test]
async fn a_denied_command_does_not_run() {
    let (shop, folder) = (given_shop().await, tempfile::tempdir().unwrap());
    let mark = folder.path().join("mark");
    let command = touching(&mark, 0);
    let asking = ask(&shop, &command.each_ref().map(String::as_str));
    let id = waiting(&shop).await;
    shop.dana.deny(&id, "Not on a Friday.").await.expect(200);
    let ended = asking.await.unwrap();
    assert_eq!((ended.code, mark.exists()), (Some(77), false), "{}", ended.complained);
    assert!(ended.complained.contains("denied: Not on a Friday."), "{}", ended.complained);
}

#[tokio::test]
async fn a_command_that_nobody_decides_does_not_run() {
    let shop = given_shop().await;
    let asking = ask(&shop, &["true"]);
    waiting(&shop).await;
    shop.desk.clock.forward(Duration::from_secs(10 * 60));
    let ended = asking.await.unwrap();
    assert_eq!(ended.code, Some(75), "{}", ended.complained);
    assert!(ended.complained.contains("nobody answered in time"), "{}", ended.complained);
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_that_was_replaced_while_it_was_decided_does_not_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let (shop, folder) = (given_shop().await, tempfile::tempdir().unwrap());
    let (tool, mark) = (folder.path().join("tool"), folder.path().join("mark"));
    std::fs::write(&tool, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    let asking = ask(&shop, &[tool.to_str().unwrap()]);
    let id = waiting(&shop).await;
    std::fs::write(&tool, format!("#!/bin/sh\necho x > '{}'\n", mark.display())).unwrap();
    shop.dana.approve(&id).await.expect(200);
    let ended = asking.await.unwrap();
    assert_eq!((ended.code, mark.exists()), (Some(77), false), "{}", ended.complained);
    assert!(ended.complained.contains("another program now"), "{}", ended.complained);
}

#[tokio::test]
async fn what_a_policy_allows_runs_at_once_and_what_it_denies_never() {
    let shop = given_shop().await;
    for (action, code) in [("allow", 0), ("deny", 77)] {
        let held = "{name: Shell, action: request_approval, connectors: [shell]}";
        let ruled =
            file(&shop.upstream.url).replace(held, &format!("{{name: Shell, action: {action}, connectors: [shell]}}"));
        shop.desk.apply(&ruled, &VARIABLES).await;
        needs(&shop, action).await;
        let ended = ask(&shop, &["true"]).await.unwrap();
        assert_eq!(ended.code, Some(code), "{action}: {}", ended.complained);
    }
}

/// Waits until the server has picked up what a call by the shell needs now.
async fn needs(shop: &Shop, action: &str) {
    let of_shell = |permissions: &Value| {
        let connectors = permissions["connectors"].as_array().unwrap();
        connectors.iter().any(|connector| connector["connector"] == "shell" && connector["tools"][0]["needs"] == action)
    };
    while !of_shell(&shop.agent.get("/v1/agent/permissions").await.expect(200)) {
        support::pause().await;
    }
}

#[tokio::test]
async fn what_can_not_be_asked_is_said_in_words() {
    let shop = given_shop().await;
    let origin = shop.desk.origin.as_str();
    let (url, key) = (("COUNTERSIGN_URL", origin), ("COUNTERSIGN_AGENT_KEY", KEY));
    for (arguments, variables, code, said) in [
        (&["ask", "--", "true"][..], &[url][..], 78, "no key"),
        (&["ask", "--", "true"], &[url, ("COUNTERSIGN_AGENT_KEY", "csk_wrong")], 78, "opens nothing"),
        (&["ask", "--", "no-such-program"], &[url, key], 127, "there is no program"),
        (&["ask", "--tool", "fly", "--", "true"], &[url, key], 78, "no such connector or tool"),
        (&["ask", "--", "true"], &[("COUNTERSIGN_URL", "http://localhost:1"), key], 75, "can't be reached"),
    ] {
        let ended = run(arguments, variables).await;
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.complained);
        assert!(ended.complained.contains(said), "{}", ended.complained);
        assert!(!ended.complained.contains("csk_"), "{}", ended.complained);
    }
}
