//! Real MCP servers as upstreams, spoken to over standard input and output.

use crate::given::{KEY, settled};
use serde_json::{Value, json};
use std::path::PathBuf;
use support::{Agent, Desk, Person, node_script};

/// A program of the tests' own packages.
fn server(package: &str) -> Vec<String> {
    node_script(&format!("node_modules/@modelcontextprotocol/{package}/dist/index.js"))
}

async fn given_desk(command: &[String], policies: &str) -> (Desk, Person, Agent) {
    let desk = Desk::fresh().await;
    let dana = desk.set_up("Dana Kim", "dana@acme.test").await;
    let command = json!(command);
    let file = format!(
        r#"
users: [{{email: mina@acme.test, name: Mina Sato}}]
agents: [{{name: bot, owner: mina@acme.test, key_env: BOT_KEY}}]
connectors: [{{slug: up, kind: mcp, name: Upstream, command: {command}}}]
policies: {policies}
"#
    );
    desk.apply(&file, &[("BOT_KEY", KEY)]).await;
    let agent = desk.agent(KEY);
    settled(&agent).await;
    let connectors = dana.get("/api/connectors").await.expect(200);
    let id = connectors["items"][0]["id"].as_str().unwrap().to_owned();
    let checked = dana.post(&format!("/api/connectors/{id}/check"), json!({})).await.expect(200);
    assert_eq!(checked["status"], "connected", "{checked}");
    (desk, dana, agent)
}

fn ask(tool: &str, arguments: &Value) -> Value {
    json!({"connector": "up", "tool": tool, "arguments": arguments})
}

#[tokio::test]
async fn the_filesystem_server_reads_when_allowed_and_writes_when_approved() {
    let folder = tempfile::tempdir().unwrap();
    let root: PathBuf = folder.path().canonicalize().unwrap();
    std::fs::write(root.join("a.txt"), "hello").unwrap();
    let mut command = server("server-filesystem");
    command.push(root.display().to_string());
    let policies = r#"[{name: Read, action: allow, when: "call.effect == 'read'"}, {name: Write, action: request_approval, tools: [write_file]}]"#;
    let (_desk, dana, agent) = given_desk(&command, policies).await;

    let read = agent.ask(ask("read_text_file", &json!({"path": root.join("a.txt")}))).await.expect(200);
    assert_eq!(read["result"]["data"]["content"][0]["text"], "hello");

    let target = root.join("b.txt");
    let held = agent.ask(ask("write_file", &json!({"path": target, "content": "countersigned"}))).await.expect(202);
    let id = held["approval_id"].as_str().unwrap();
    assert!(!target.exists());
    dana.approve(id).await.expect(200);
    assert_eq!(agent.end_of(id).await["state"], "succeeded");
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "countersigned");

    let outside = agent.ask(ask("read_text_file", &json!({"path": "/etc/hostname"}))).await.expect(200);
    assert_eq!((outside["state"].as_str(), outside["result"]["status"].as_i64()), (Some("failed"), Some(502)));
    assert_eq!(outside["result"]["data"]["isError"], true);
}

#[tokio::test]
async fn the_everything_server_answers_and_its_arguments_are_checked_by_its_own_schema() {
    let policies = "[{name: All, action: allow}]";
    let (_desk, _dana, agent) = given_desk(&server("server-everything"), policies).await;
    let echo = agent.ask(ask("echo", &json!({"message": "here"}))).await.expect(200);
    assert_eq!(echo["state"], "succeeded");
    assert!(echo["result"]["data"]["content"][0]["text"].as_str().unwrap().contains("here"));
    let wrong = agent.ask(ask("echo", &json!({"message": 1}))).await;
    assert_eq!((wrong.status, wrong.code()), (422, "invalid_arguments"));
}
