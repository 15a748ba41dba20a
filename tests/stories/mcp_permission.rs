//! `countersign mcp-permission`: the tool that Claude Code asks instead of its user, by a real MCP client.

use crate::given::KEY;
use crate::hooks::{Desked, given_desk};
use rmcp::RoleClient;
use rmcp::ServiceExt as _;
use rmcp::model::CallToolRequestParams;
use rmcp::service::RunningService;
use rmcp::transport::TokioChildProcess;
use serde_json::{Value, json};
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;

type Client = RunningService<RoleClient, ()>;

async fn client(url: &str, more: &[&str]) -> Arc<Client> {
    let mut command = tokio::process::Command::new(support::binary());
    command.arg("mcp-permission").args(more).env("COUNTERSIGN_URL", url).env("COUNTERSIGN_AGENT_KEY", KEY);
    Arc::new(().serve(TokioChildProcess::new(command).unwrap()).await.unwrap())
}

fn input() -> Value {
    json!({"command": "make deploy"})
}

/// The decision, which is the one text of the answer.
async fn decision(client: Arc<Client>, arguments: Value) -> Value {
    let arguments = arguments.as_object().cloned().unwrap();
    let asked = CallToolRequestParams::new("approve").with_arguments(arguments);
    let answer = serde_json::to_value(client.call_tool(asked).await.unwrap()).unwrap();
    assert!(answer.get("structuredContent").is_none(), "{answer}");
    let content = answer["content"].as_array().unwrap();
    assert_eq!((content.len(), &content[0]["type"]), (1, &json!("text")), "{answer}");
    serde_json::from_str(content[0]["text"].as_str().unwrap()).unwrap()
}

fn asked() -> Value {
    call("toolu_1")
}

/// The same words in a call of this name.
fn call(id: &str) -> Value {
    json!({"tool_name": "Bash", "input": input(), "tool_use_id": id})
}

async fn while_it_waits(desk: &Desked, client: &Arc<Client>, id: &str) -> (tokio::task::JoinHandle<Value>, String) {
    let asking = tokio::spawn(decision(Arc::clone(client), call(id)));
    (asking, desk.waiting().await)
}

#[tokio::test]
async fn what_is_approved_is_allowed_with_its_input_and_what_is_denied_says_why() {
    let desk = given_desk("request_approval").await;
    let client = client(&desk.desk.origin, &[]).await;
    let tools = client.list_all_tools().await.unwrap();
    assert_eq!(tools.iter().map(|tool| tool.name.as_ref()).collect::<Vec<_>>(), ["approve"]);
    let (asking, id) = while_it_waits(&desk, &client, "toolu_1").await;
    desk.dana.approve(&id).await.expect(200);
    assert_eq!(asking.await.unwrap(), json!({"behavior": "allow", "updatedInput": input()}));
    assert!(!desk.card(&id).await["claimed_at"].is_null());
    let (asking, id) = while_it_waits(&desk, &client, "toolu_2").await;
    desk.dana.deny(&id, "Not on a Friday.").await.expect(200);
    assert_eq!(asking.await.unwrap(), json!({"behavior": "deny", "message": "Countersign: denied: Not on a Friday."}));
}

#[tokio::test]
async fn a_question_that_nobody_waits_for_any_more_is_taken_back() {
    let desk = given_desk("request_approval").await;
    let mut command = tokio::process::Command::new(support::binary());
    command.arg("mcp-permission").env("COUNTERSIGN_URL", &desk.desk.origin).env("COUNTERSIGN_AGENT_KEY", KEY);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let hello =
        json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let messages = [
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "approve", "arguments": asked()}}),
    ];
    let mut input = child.stdin.take().unwrap();
    for message in messages {
        input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }
    let id = desk.waiting().await;
    drop(input);
    assert!(child.wait().await.unwrap().success());
    assert_eq!(desk.card(&id).await["state"], "withdrawn");
}

#[tokio::test]
async fn a_policys_allow_is_an_allow_since_there_is_no_other_prompt() {
    let desk = given_desk("allow").await;
    let client = client(&desk.desk.origin, &[]).await;
    assert_eq!(decision(client, asked()).await, json!({"behavior": "allow", "updatedInput": input()}));
}

#[tokio::test]
async fn what_can_not_be_asked_or_is_not_decided_is_a_deny() {
    let desk = given_desk("request_approval").await;
    let slow = client(&desk.desk.origin, &["--timeout-seconds", "2"]).await;
    let nowhere = client("http://localhost:1", &[]).await;
    for (client, arguments, why) in [
        (&slow, asked(), "nobody has decided yet"),
        (&nowhere, asked(), "can't be reached"),
        (&nowhere, json!({"tool_name": "Bash"}), "an object \"input\""),
        (&nowhere, json!({"tool_name": 1, "input": {}}), "a text \"tool_name\""),
        (&slow, json!({"tool_name": "Fly", "input": {}}), "no tool \"Fly\""),
    ] {
        let decision = decision(Arc::clone(client), arguments).await;
        assert_eq!(decision["behavior"], "deny", "{decision}");
        assert!(decision["message"].as_str().unwrap().contains(why), "{decision}");
    }
}
