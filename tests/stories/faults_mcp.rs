//! MCP servers that die, hang, print nonsense or say too much, over standard input and output.

use crate::given::{KEY, settled};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use support::{Agent, Desk};

/// A server that does as it is told by the tool that is called; its file names what each does.
const UPSTREAM: &str = "../server/src/connectors/testdata/upstream.mjs";

struct Odd {
    _desk: Desk,
    agent: Agent,
    record: tempfile::TempPath,
}

async fn given_odd_server(call_timeout: Duration) -> Odd {
    let node =
        std::env::var("COUNTERSIGN_TEST_NODE").expect("run this by `cargo xtask test`, which brings the Node it needs");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(UPSTREAM);
    let record = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    let command = json!([node, script, &*record]);
    let desk = Desk::impatient(call_timeout).await;
    let dana = desk.set_up("Dana Kim", "dana@acme.test").await;
    let file = format!(
        r#"
users: [{{email: mina@acme.test, name: Mina Sato}}]
agents: [{{name: bot, owner: mina@acme.test, key_env: BOT_KEY}}]
connectors:
  - {{slug: odd, kind: mcp, command: {command}, credential: {{env: ODD_TOKEN, as: header, name: TOKEN}}}}
policies: [{{name: All, action: allow}}]
"#
    );
    desk.apply(&file, &[("BOT_KEY", KEY), ("ODD_TOKEN", "odd-credential-for-stories")]).await;
    let agent = desk.agent(KEY);
    settled(&agent).await;
    let connectors = dana.get("/api/connectors").await.expect(200);
    let id = connectors["items"][0]["id"].as_str().unwrap();
    let checked = dana.post(&format!("/api/connectors/{id}/check"), json!({})).await.expect(200);
    assert_eq!(checked["status"], "connected", "{checked}");
    Odd { _desk: desk, agent, record }
}

impl Odd {
    fn ask(tool: &str) -> Value {
        json!({"connector": "odd", "tool": tool, "arguments": {"line": "here"}})
    }

    fn calls(&self) -> usize {
        std::fs::read_to_string(&self.record).unwrap().matches("tools/call").count()
    }

    async fn is_well(&self) {
        let answer = self.agent.ask(Self::ask("echo")).await.expect(200);
        let text = answer["result"]["data"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("here"), "{answer}");
    }
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_of_a_call_is_not_called_again_and_comes_back() {
    let odd = given_odd_server(Duration::from_secs(30)).await;
    let answer = odd.agent.ask(Odd::ask("crash")).await;
    assert_eq!((answer.status, answer.code()), (502, "outcome_unknown"), "{}", answer.text);
    let recorded = odd.agent.end_of(answer.json["approval_id"].as_str().unwrap()).await;
    assert_eq!(recorded["state"], "outcome_unknown");
    assert_eq!(odd.calls(), 1);
    odd.is_well().await;
}

#[tokio::test]
async fn a_server_that_hangs_ends_in_an_unknown_outcome_and_others_may_go_on() {
    let odd = given_odd_server(Duration::from_secs(3)).await;
    let (hanging, ()) = tokio::join!(odd.agent.ask(Odd::ask("hang")), odd.is_well());
    assert_eq!((hanging.status, hanging.code()), (502, "outcome_unknown"), "{}", hanging.text);
    odd.is_well().await;
    assert_eq!(odd.calls(), 3);
}

#[tokio::test]
async fn a_server_that_prints_nonsense_between_its_answers_is_understood_all_the_same() {
    let odd = given_odd_server(Duration::from_secs(30)).await;
    let answer = odd.agent.ask(Odd::ask("noise")).await.expect(200);
    assert_eq!(answer["result"]["data"]["content"][0]["text"], "after the noise");
    let first = odd.agent.ask(Odd::ask("twice")).await.expect(200);
    assert_eq!(first["result"]["data"]["content"][0]["text"], "first");
    odd.is_well().await;
}

#[tokio::test]
async fn what_is_no_result_of_a_tool_is_an_unknown_outcome() {
    let odd = given_odd_server(Duration::from_secs(30)).await;
    for tool in ["null_result", "text_result", "task"] {
        let answer = odd.agent.ask(Odd::ask(tool)).await;
        assert_eq!((answer.status, answer.code()), (502, "outcome_unknown"), "{tool}: {}", answer.text);
    }
    odd.is_well().await;
}

#[tokio::test]
async fn a_failure_that_the_server_tells_of_is_the_result() {
    let odd = given_odd_server(Duration::from_secs(30)).await;
    for tool in ["fail", "refuse"] {
        let answer = odd.agent.ask(Odd::ask(tool)).await.expect(200);
        assert_eq!(
            (answer["state"].as_str(), answer["result"]["status"].as_i64()),
            (Some("failed"), Some(502)),
            "{tool}"
        );
        assert_eq!(answer["result"]["data"]["isError"], true, "{tool}: {answer}");
    }
}

#[tokio::test]
async fn a_server_that_prints_its_environment_does_not_tell_the_agent_the_credential() {
    let odd = given_odd_server(Duration::from_secs(30)).await;
    let answer = odd.agent.ask(Odd::ask("env")).await;
    assert!(answer.text.contains("TOKEN") && !answer.text.contains("odd-credential"), "{}", answer.text);
    for ours in ["COUNTERSIGN", "CARGO"] {
        assert!(!answer.text.contains(ours), "the server sees {ours} of our environment: {}", answer.text);
    }
}

#[tokio::test]
async fn a_ten_megabyte_result_is_kept_to_its_first_megabyte_and_the_agent_is_told() {
    let odd = given_odd_server(Duration::from_secs(30)).await;
    let answer = odd.agent.ask(Odd::ask("big")).await.expect(200);
    assert_eq!(answer["state"], "succeeded");
    assert!(answer["result"]["data"].as_str().unwrap().len() <= 1 << 20);
    assert!(answer["result"]["truncated"].is_string());
    odd.is_well().await;
}
