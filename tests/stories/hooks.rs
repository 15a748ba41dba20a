//! Coding agents that ask the desk by their hooks: the real binary, what each agent says recorded from its documentation,
//! and what each has to hear.

use crate::given::KEY;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use support::{Agent, Desk, Ended, Person, run_on};
use tokio::task::JoinHandle;

/// A desk whose coding agents ask by connectors of their names.
pub struct Desked {
    pub desk: Desk,
    pub dana: Person,
    pub agent: Agent,
}

/// An agent, what it says before it acts, and its tool by the desk's name.
pub struct Said {
    pub agent: &'static str,
    pub file: &'static str,
    pub tool: &'static str,
}

pub const SAID: [Said; 8] = [
    Said { agent: "claude-code", file: "claude-code.json", tool: "Bash" },
    Said { agent: "claude-code", file: "claude-code-permission.json", tool: "Edit" },
    Said { agent: "codex", file: "codex.json", tool: "apply_patch" },
    Said { agent: "gemini", file: "gemini.json", tool: "run_shell_command" },
    Said { agent: "copilot", file: "copilot.json", tool: "bash" },
    Said { agent: "cursor", file: "cursor.json", tool: "Shell" },
    Said { agent: "cursor", file: "cursor-mcp.json", tool: "mcp__create_issue" },
    Said { agent: "opencode", file: "opencode.json", tool: "write" },
];

impl Said {
    pub fn text(&self) -> Vec<u8> {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hooks").join(self.file)).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.text()).unwrap()
    }

    /// What the tool would get.
    fn input(&self) -> Value {
        let said = self.json();
        match self.file {
            "copilot.json" => serde_json::from_str(said["toolArgs"].as_str().unwrap()).unwrap(),
            "cursor.json" => json!({"command": said["command"]}),
            "cursor-mcp.json" => serde_json::from_str(said["tool_input"].as_str().unwrap()).unwrap(),
            "opencode.json" => said["args"].clone(),
            _ => said["tool_input"].clone(),
        }
    }

    /// Nothing that decides.
    pub fn no_opinion(&self) -> Value {
        if self.agent == "opencode" { json!({"decision": "none"}) } else { json!({}) }
    }

    pub fn allowed(&self) -> Value {
        let (input, approved) = (self.input(), "approved at the desk");
        match self.file {
            "claude-code.json" => json!({"hookSpecificOutput": {
                "hookEventName": "PreToolUse", "permissionDecision": "allow",
                "permissionDecisionReason": approved, "updatedInput": input,
            }}),
            "claude-code-permission.json" => json!({"hookSpecificOutput": {
                "hookEventName": "PermissionRequest", "decision": {"behavior": "allow", "updatedInput": input},
            }}),
            "codex.json" => json!({}),
            "gemini.json" => json!({
                "decision": "allow", "hookSpecificOutput": {"hookEventName": "BeforeTool", "tool_input": input},
            }),
            "copilot.json" => {
                json!({"permissionDecision": "allow", "permissionDecisionReason": approved, "modifiedArgs": input})
            }
            "opencode.json" => json!({"decision": "allow", "args": input}),
            _ => json!({"permission": "allow"}),
        }
    }

    pub fn denied(&self, why: &str) -> Value {
        match self.file {
            "claude-code.json" | "codex.json" => json!({"hookSpecificOutput": {
                "hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": why,
            }}),
            "claude-code-permission.json" => json!({"hookSpecificOutput": {
                "hookEventName": "PermissionRequest", "decision": {"behavior": "deny", "message": why},
            }}),
            "copilot.json" => json!({"permissionDecision": "deny", "permissionDecisionReason": why}),
            "gemini.json" | "opencode.json" => json!({"decision": "deny", "reason": why}),
            _ => json!({"permission": "deny", "user_message": why, "agent_message": why}),
        }
    }

    /// The reason in a deny of this agent.
    pub fn reason_in(&self, answer: &Value) -> String {
        let mark = "a reason that nobody gives";
        let shape = self.denied(mark);
        let place = pointer(&shape, mark).expect("a deny has a reason");
        answer.pointer(&place).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

fn pointer(value: &Value, mark: &str) -> Option<String> {
    match value {
        Value::String(text) if text == mark => Some(String::new()),
        Value::Object(entries) => {
            entries.iter().find_map(|(key, value)| Some(format!("/{key}{}", pointer(value, mark)?)))
        }
        _ => None,
    }
}

/// The verdict of a hook that ended as it should.
#[track_caller]
pub fn verdict(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{}", ended.complained);
    serde_json::from_str(&ended.said).unwrap_or_else(|_| panic!("one JSON object: {:?}", ended.said))
}

fn file(action: &str) -> String {
    let connectors: String = SAID
        .iter()
        .filter(|said| !["claude-code-permission.json", "cursor-mcp.json"].contains(&said.file))
        .map(|said| {
            let tools = SAID.iter().filter(|other| other.agent == said.agent);
            let tools: Vec<_> = tools.map(|said| format!("{{name: {}, effect: write}}", said.tool)).collect();
            let agent = said.agent;
            format!("  - {{slug: {agent}, kind: external, name: {agent}, tools: [{}]}}\n", tools.join(", "))
        })
        .collect();
    format!(
        "users:\n  - {{email: mina@acme.test, name: Mina Sato}}\nagents:\n  - {{name: coder, owner: mina@acme.test, \
         key_env: BOT_KEY}}\nconnectors:\n{connectors}policies:\n  - {{name: Coding, action: {action}}}\n"
    )
}

/// A desk whose policy is this for whatever coding agents do.
pub async fn given_desk(action: &str) -> Desked {
    let desk = Desk::fresh().await;
    let dana = desk.set_up("Dana Kim", "dana@acme.test").await;
    desk.apply(&file(action), &[("BOT_KEY", KEY)]).await;
    let agent = desk.agent(KEY);
    crate::given::settled(&agent).await;
    Desked { desk, dana, agent }
}

impl Desked {
    /// Several denials in a row make an agent wait; an approver lifts that.
    async fn let_ask_again(&self) {
        let agents = self.dana.get("/api/agents").await.expect(200);
        for agent in agents["items"].as_array().unwrap() {
            let path = format!("/api/agents/{}/cool-down", agent["id"].as_str().unwrap());
            // One that does not wait is left as it is.
            self.dana.call(reqwest::Method::DELETE, &path, None).await;
        }
    }

    pub fn hook(&self, said: &Said, more: &[&str]) -> JoinHandle<Ended> {
        let (origin, text, agent) = (self.desk.origin.clone(), said.text(), said.agent);
        let more: Vec<_> = more.iter().map(|word| (*word).to_owned()).collect();
        tokio::spawn(async move {
            let mut words = vec!["hook", "--agent", agent];
            words.extend(more.iter().map(String::as_str));
            run_on(&text, &words, &[("COUNTERSIGN_URL", &origin), ("COUNTERSIGN_AGENT_KEY", KEY)]).await
        })
    }

    pub async fn waiting(&self) -> String {
        loop {
            let open = self.agent.get("/v1/agents/me/pending-actions").await.expect(200);
            if let Some(id) = open["items"][0]["approval_id"].as_str() {
                return id.to_owned();
            }
            support::pause().await;
        }
    }

    pub async fn card(&self, id: &str) -> Value {
        self.dana.get(&format!("/api/requests/{id}")).await.expect(200)
    }
}

#[tokio::test]
async fn what_a_policy_allows_is_no_opinion_so_that_the_agents_own_prompt_stays() {
    let desk = given_desk("allow").await;
    for said in &SAID {
        let ended = desk.hook(said, &[]).await.unwrap();
        assert_eq!(verdict(&ended), said.no_opinion(), "{}", said.file);
    }
    let claims = "SELECT action FROM audit WHERE action = 'execution.started'";
    assert_eq!(desk.desk.database().await.texts(claims).await.len(), SAID.len(), "each ran on a won claim");
}

#[tokio::test]
async fn an_approved_call_is_claimed_and_allowed_with_the_input_that_was_approved() {
    let desk = given_desk("request_approval").await;
    for said in &SAID {
        let asking = desk.hook(said, &[]);
        let id = desk.waiting().await;
        assert_eq!(desk.card(&id).await["tool_name"], said.tool, "{}", said.file);
        desk.dana.approve(&id).await.expect(200);
        let ended = asking.await.unwrap();
        assert_eq!(verdict(&ended), said.allowed(), "{}", said.file);
        assert!(!desk.card(&id).await["claimed_at"].is_null(), "{}", said.file);
        assert!(ended.complained.contains(&format!("{}/approve/{id}", desk.desk.origin)), "{}", ended.complained);
    }
}

#[tokio::test]
async fn a_denied_call_is_denied_with_what_the_approver_said() {
    let desk = given_desk("request_approval").await;
    for said in &SAID {
        let asking = desk.hook(said, &[]);
        let id = desk.waiting().await;
        desk.dana.deny(&id, "Not on a Friday.").await.expect(200);
        desk.let_ask_again().await;
        let denied = said.denied("Countersign: denied: Not on a Friday.");
        assert_eq!(verdict(&asking.await.unwrap()), denied, "{}", said.file);
    }
}

#[tokio::test]
async fn what_a_policy_denies_is_denied() {
    let desk = given_desk("deny").await;
    for said in &SAID {
        let ended = desk.hook(said, &[]).await.unwrap();
        let denied = said.denied("Countersign: The policy \"Coding\" denies this.");
        assert_eq!(verdict(&ended), denied, "{}", said.file);
    }
}

#[tokio::test]
async fn a_call_that_nobody_decides_is_denied_and_says_where_it_was_asked() {
    let desk = given_desk("request_approval").await;
    for said in &SAID {
        let asking = desk.hook(said, &[]);
        let id = desk.waiting().await;
        desk.desk.clock.forward(Duration::from_secs(10 * 60));
        let link = format!("{}/approve/{id}", desk.desk.origin);
        let denied = said.denied(&format!("Countersign: nobody answered in time ({link})"));
        assert_eq!(verdict(&asking.await.unwrap()), denied, "{}", said.file);
    }
}

#[tokio::test]
async fn a_slow_decision_is_a_deny_before_the_agent_gives_up_on_its_hook() {
    let desk = given_desk("request_approval").await;
    let asking: Vec<_> = SAID.iter().map(|said| desk.hook(said, &["--timeout-seconds", "2"])).collect();
    for (said, asking) in SAID.iter().zip(asking) {
        let reason = said.reason_in(&verdict(&asking.await.unwrap()));
        assert!(reason.starts_with("Countersign: nobody has decided yet. It still waits at "), "{reason}");
    }
    let open = desk.agent.get("/v1/agents/me/pending-actions").await.expect(200);
    assert_eq!(open["items"].as_array().unwrap().len(), SAID.len(), "what was asked stays, to be picked up");
}

#[tokio::test]
async fn the_card_shows_a_command_as_a_command_and_an_edit_as_a_diff() {
    let desk = given_desk("request_approval").await;
    let text = |text: &str| json!([{"kind": "text", "text": text}]);
    let line = |sign: &str, words: &str| json!({"sign": sign, "text": text(words)});
    for (said, deed) in [
        (
            &SAID[0],
            json!({"kind": "command", "program": text("git"), "folder": text("/srv/shop"),
            "arguments": [text("push"), text("origin"), text("main")]}),
        ),
        (
            &SAID[1],
            json!({"kind": "edits", "files": [{
                "path": text("/srv/shop/price.rs"), "change": "edit", "moved_to": null,
                "lines": [line("removed", "let price = 10;"), line("added", "let price = 12;")],
            }]}),
        ),
        (
            &SAID[2],
            json!({"kind": "edits", "files": [{
                "path": text("price.rs"), "change": "edit", "moved_to": null,
                "lines": [{"sign": "gap", "text": []}, line("removed", "let price = 10;"), line("added", "let price = 12;")],
            }]}),
        ),
        (
            &SAID[3],
            json!({"kind": "command", "program": text("npm"), "folder": text("/srv/shop/web"),
            "arguments": [text("publish")]}),
        ),
        (&SAID[6], Value::Null),
        (
            &SAID[7],
            json!({"kind": "edits", "files": [{
                "path": text("/srv/shop/README.md"), "change": "write", "moved_to": null,
                "lines": [line("added", "# Shop")],
            }]}),
        ),
    ] {
        let asking = desk.hook(said, &[]);
        let id = desk.waiting().await;
        let card = desk.card(&id).await;
        assert_eq!(card["deed"], deed, "{}", said.file);
        assert!(card["arguments"].to_string().contains("/srv/shop"), "the arguments are there whole, too");
        desk.dana.approve(&id).await.expect(200);
        asking.await.unwrap();
    }
}

#[tokio::test]
async fn what_the_agent_says_of_a_call_is_its_note() {
    let desk = given_desk("request_approval").await;
    let asking = desk.hook(&SAID[0], &[]);
    let id = desk.waiting().await;
    assert_eq!(desk.card(&id).await["note"], json!([{"kind": "text", "text": "Push the release"}]));
    desk.dana.deny(&id, "").await.expect(200);
    asking.await.unwrap();
}
