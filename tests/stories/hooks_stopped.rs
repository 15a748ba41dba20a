//! Hooks whose agent stops them, and the plugin that `OpenCode` loads.

use crate::given::KEY;
use crate::hooks::{Desked, SAID, given_desk};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{ChildStderr, Command};

/// A hook that runs, whose question waits.
#[cfg(unix)]
pub struct Hook {
    child: tokio::process::Child,
    _complains: Lines<BufReader<ChildStderr>>,
    pub id: String,
}

#[cfg(unix)]
impl Hook {
    pub async fn that_waits(desk: &Desked) -> Self {
        Self::of(desk, &SAID[0].json()).await
    }

    pub async fn of(desk: &Desked, said: &Value) -> Self {
        let mut hook = Command::new(support::binary());
        hook.args(["hook", "--agent", "claude-code"]);
        hook.envs([("COUNTERSIGN_URL", desk.desk.origin.as_str()), ("COUNTERSIGN_AGENT_KEY", KEY)]);
        hook.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = hook.spawn().unwrap();
        child.stdin.take().unwrap().write_all(said.to_string().as_bytes()).await.unwrap();
        let mut complains = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = complains.next_line().await.unwrap().expect("a hook that waits says where");
        let (_, id) = line.split_once("/approve/").unwrap_or_else(|| panic!("{line}"));
        Self { child, id: id.to_owned(), _complains: complains }
    }

    pub async fn send(&self, signal: &str) {
        let process = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &process]).status().await.unwrap().success());
    }

    pub async fn verdict(self) -> Value {
        let ended = self.child.wait_with_output().await.unwrap();
        serde_json::from_slice(&ended.stdout).unwrap()
    }

    pub async fn reason(self) -> String {
        SAID[0].reason_in(&self.verdict().await)
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_hook_that_its_agent_stops_takes_its_question_back() {
    let desk = given_desk("request_approval").await;
    let hook = Hook::that_waits(&desk).await;
    let id = hook.id.clone();
    hook.send("-TERM").await;
    let reason = hook.reason().await;
    assert!(reason.contains("stopped waiting"), "{reason}");
    assert_eq!(desk.card(&id).await["state"], "withdrawn");
}

#[cfg(unix)]
#[tokio::test]
async fn a_claim_that_somebody_else_won_is_a_deny() {
    let desk = given_desk("request_approval").await;
    let hook = Hook::that_waits(&desk).await;
    hook.send("-STOP").await;
    desk.dana.approve(&hook.id).await.expect(200);
    let path = format!("/v1/approvals/{}/claim", hook.id);
    desk.agent.send(reqwest::Method::POST, &path, &[], String::new()).await.expect(200);
    hook.send("-CONT").await;
    let reason = hook.reason().await;
    assert!(reason.contains("claim"), "{reason}");
}

/// Runs the plugin as `OpenCode` does; what became of the call's arguments, or why it was not made.
async fn before_a_tool(desk: &Desked, home: &Path) -> Result<Value, String> {
    let script = "const { Countersign } = await import(process.argv[1]);\
        const hooks = await Countersign({ directory: '/srv/shop' });\
        const output = { args: { filePath: '/srv/shop/README.md', content: '# Shop\\n' } };\
        try { await hooks['tool.execute.before']({ tool: 'write', sessionID: 'ses_1', callID: 'c1' }, output);\
          console.log(JSON.stringify({ args: output.args })); }\
        catch (error) { console.log(JSON.stringify({ error: error.message })); }";
    let plugin = home.join(".config/opencode/plugins/countersign.js");
    let module = home.join("plugin.mjs");
    std::fs::copy(plugin, &module).unwrap();
    let node =
        std::env::var("COUNTERSIGN_TEST_NODE").expect("run this by `cargo xtask test`, which brings the Node it needs");
    let ran = Command::new(node)
        .args(["--input-type=module", "-e", script, &format!("file://{}", module.display())])
        .envs([("COUNTERSIGN_URL", desk.desk.origin.as_str()), ("COUNTERSIGN_AGENT_KEY", KEY)])
        .output()
        .await
        .unwrap();
    let said: Value = serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    match said["error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None => Ok(said["args"].clone()),
    }
}

#[tokio::test]
async fn the_plugin_lets_a_call_be_made_or_throws() {
    let home = tempfile::tempdir().unwrap();
    let installed = support::run_at_home(home.path(), &["hook", "install", "--agent", "opencode", "--yes"]).await;
    assert_eq!(installed.code, Some(0), "{}", installed.complained);
    let arguments = json!({"filePath": "/srv/shop/README.md", "content": "# Shop\n"});
    let allowing = given_desk("allow").await;
    assert_eq!(before_a_tool(&allowing, home.path()).await, Ok(arguments.clone()));
    let denying = given_desk("deny").await;
    let why = before_a_tool(&denying, home.path()).await.unwrap_err();
    assert_eq!(why, "Countersign: The policy \"Coding\" denies this.");
    let holding = given_desk("request_approval").await;
    let (made, ()) = tokio::join!(before_a_tool(&holding, home.path()), async {
        let id = holding.waiting().await;
        holding.dana.approve(&id).await.expect(200);
    });
    assert_eq!(made, Ok(arguments));
    let file = home.path().join(".config/opencode/plugins/countersign.js");
    let gone = std::fs::read_to_string(&file).unwrap().replace("const command = [\"", "const command = [\"/gone");
    std::fs::write(&file, gone).unwrap();
    let why = before_a_tool(&allowing, home.path()).await.unwrap_err();
    assert!(why.starts_with("Countersign: the hook can't start"), "{why}");
}
