//! The protocol's own conformance suite against the desk, with a fixture behind it that does what the scenarios ask.

use crate::given::{KEY, settled};
use serde_json::{Value, json};
use std::process::Stdio;
use support::{Bearer, Desk, Person, node_script, program, test_file};

const SUITE: &str = "node_modules/@modelcontextprotocol/conformance/dist/index.js";

async fn given_fixture() -> (Desk, Person) {
    let fixture = |slug: &str| {
        let command = [node_script("support/upstreams/conformance.mjs"), vec![slug.to_owned()]].concat();
        json!({"slug": slug, "kind": "mcp", "command": command})
    };
    let file = json!({
        "users": [{"email": "mina@acme.test", "name": "Mina Sato"}],
        "agents": [{"name": "bot", "owner": "mina@acme.test", "key_env": "BOT_KEY"}],
        "connectors": [fixture("test"), fixture("json")],
        "policies": [{"name": "All", "action": "allow"}],
    });
    let desk = Desk::of_today().await;
    let dana = desk.set_up("Dana Kim", "dana@acme.test").await;
    desk.apply(&file.to_string(), &[("BOT_KEY", KEY)]).await;
    settled(&desk.agent(KEY)).await;
    let connectors = dana.get("/api/connectors").await.expect(200);
    for connector in connectors["items"].as_array().unwrap() {
        let path = format!("/api/connectors/{}/check", connector["id"].as_str().unwrap());
        let checked: Value = dana.post(&path, json!({})).await.expect(200);
        assert_eq!(checked["status"], "connected", "{checked}");
    }
    (desk, dana)
}

/// The suite fails on what it did not expect, and on what it did and that passes now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_conformance_suite_finds_what_is_known_and_nothing_else() {
    let (desk, _dana) = given_fixture().await;
    // The suite can't show a key.
    let door = Bearer::to(&desk.origin, KEY).await;
    let folder = tempfile::tempdir().unwrap();
    let mut suite = program(&node_script(SUITE));
    suite.args(["server", "--url", &format!("{}/mcp", door.origin), "--requirements", "2026-07-28"]);
    suite.arg("--expected-failures").arg(test_file("support/upstreams/conformance.yaml"));
    suite.arg("--output-dir").arg(folder.path()).current_dir(folder.path());
    let ran = suite.stdin(Stdio::null()).output().await.unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let summary = said.split_once("=== SUMMARY ===").map_or(&*said, |(_, summary)| summary);
    assert!(ran.status.success(), "{summary}\n{}", String::from_utf8_lossy(&ran.stderr));
}
