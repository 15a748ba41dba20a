//! An MCP server whose tools change under the desk: what no admin has looked at is not called.

use crate::given::{KEY, settled};
use reqwest::Method;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::{Agent, Answer, Database, Desk, Person};
use tempfile::TempDir;

/// A desk whose one connector offers `put`, which is held, and others that are allowed.
struct Shelf {
    desk: Desk,
    dana: Person,
    agent: Agent,
    connector: String,
    folder: TempDir,
}

fn tool(name: &str, schema: &Value) -> Value {
    json!({"name": name, "description": "Does it.", "inputSchema": schema})
}

fn book() -> Value {
    json!({"type": "object", "required": ["book"], "properties": {"book": {"type": "string"}}})
}

fn at_first() -> Vec<Value> {
    ["put", "take", "announce", "quit"].iter().map(|name| tool(name, &book())).collect()
}

async fn given_shelf() -> Shelf {
    let node =
        std::env::var("COUNTERSIGN_TEST_NODE").expect("run this by `cargo xtask test`, which brings the Node it needs");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("support/upstreams/shelf.mjs");
    let folder = tempfile::tempdir().unwrap();
    let (tools, record) = (folder.path().join("tools.json"), folder.path().join("calls"));
    fs::write(&record, "").unwrap();
    fs::write(&tools, json!(at_first()).to_string()).unwrap();
    let command = json!([node, script, tools, record]);
    let desk = Desk::fresh().await;
    let dana = desk.set_up("Dana Kim", "dana@acme.test").await;
    let file = format!(
        "users: [{{email: mina@acme.test, name: Mina Sato}}]
agents: [{{name: bot, owner: mina@acme.test, key_env: BOT_KEY}}]
connectors: [{{slug: shelf, kind: mcp, command: {command}}}]
policies:
  - {{name: All, action: allow}}
  - {{name: Put, action: request_approval, tools: [put], priority: 1}}
"
    );
    desk.apply(&file, &[("BOT_KEY", KEY)]).await;
    let agent = desk.agent(KEY);
    settled(&agent).await;
    let connectors = dana.get("/api/connectors").await.expect(200);
    let connector = connectors["items"][0]["id"].as_str().unwrap().to_owned();
    let shelf = Shelf { desk, dana, agent, connector, folder };
    shelf.check().await;
    shelf
}

impl Shelf {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn calls(&self) -> usize {
        fs::read_to_string(self.file("calls")).unwrap().lines().count()
    }

    fn offers(&self, tools: &[Value]) {
        fs::write(self.file("tools.json"), json!(tools).to_string()).unwrap();
    }

    async fn check(&self) {
        let path = format!("/api/connectors/{}/check", self.connector);
        let checked = self.dana.post(&path, json!({})).await.expect(200);
        assert_eq!(checked["status"], "connected", "{checked}");
    }

    /// The server offers other tools, and the desk has looked.
    async fn offers_and_is_seen(&self, tools: &[Value]) {
        self.offers(tools);
        self.check().await;
    }

    async fn tool(&self, name: &str) -> Value {
        let row = self.dana.get(&format!("/api/connectors/{}", self.connector)).await.expect(200);
        let tools = row["tools"].as_array().unwrap();
        tools.iter().find(|tool| tool["name"] == name).unwrap_or_else(|| panic!("no {name} in {row}")).clone()
    }

    /// The admin's nod, to what has this hash.
    async fn nod(&self, name: &str, hash: &Value) -> Answer {
        let body = json!({"tool": name, "ready": true, "schema_hash": hash});
        self.dana.call(Method::PATCH, &format!("/api/connectors/{}/tools", self.connector), Some(body)).await
    }

    async fn ask(&self, tool: &str) -> Answer {
        self.agent.ask(json!({"connector": "shelf", "tool": tool, "arguments": {"book": "Emma"}})).await
    }

    async fn is_not_callable(&self, tool: &str) {
        let refused = self.ask(tool).await;
        assert_eq!((refused.status, refused.code()), (404, "unknown_tool"), "{tool}: {}", refused.text);
        let seen = self.agent.get("/v1/agent/permissions").await.expect(200).to_string();
        assert!(!seen.contains(&format!("\"{tool}\"")), "{seen}");
    }

    async fn held(&self) -> String {
        self.ask("put").await.expect(202)["approval_id"].as_str().unwrap().to_owned()
    }

    async fn hold_executions(&self) -> Database {
        let database = self.desk.database().await;
        database.refuse_audit("execution.started").await;
        database
    }

    /// Approved, and about to be called while the server's tools change.
    async fn ends_revoked(&self, id: &str, held_by: &Database) {
        held_by.allow_audit().await;
        self.desk.clock.forward(Duration::from_secs(30));
        let ended = self.agent.end_of(id).await;
        assert_eq!((&ended["state"], &ended["execution_error_code"]), (&json!("failed"), &json!("revoked")));
        assert_eq!(self.calls(), 0, "it was called");
    }
}

#[tokio::test]
async fn a_tool_that_was_there_at_first_is_callable_and_one_that_came_later_waits_for_a_nod() {
    let shelf = given_shelf().await;
    shelf.ask("take").await.expect(200);
    shelf.offers_and_is_seen(&[at_first(), vec![tool("burn", &book())]].concat()).await;
    let burn = shelf.tool("burn").await;
    assert_eq!(burn["state"], "new");
    shelf.is_not_callable("burn").await;
    shelf.ask("take").await.expect(200);
    assert_eq!(shelf.nod("burn", &burn["schema_hash"]).await.expect(200)["id"], shelf.connector.as_str());
    assert_eq!(shelf.tool("burn").await["state"], "ready");
    shelf.ask("burn").await.expect(200);
    assert_eq!(shelf.calls(), 3);
}

#[tokio::test]
async fn a_tool_that_changed_is_not_callable_until_somebody_nods_to_what_it_is_now() {
    let shelf = given_shelf().await;
    let before = shelf.tool("take").await;
    let more = json!({"type": "object", "properties": {"book": {"type": "string"}, "all": {"type": "boolean"}}});
    shelf.offers_and_is_seen(&[tool("put", &book()), tool("take", &more), tool("announce", &book())]).await;
    let after = shelf.tool("take").await;
    assert_eq!(after["state"], "changed");
    assert_ne!(after["schema_hash"], before["schema_hash"]);
    shelf.is_not_callable("take").await;

    for hash in [&before["schema_hash"], &Value::Null, &json!("ffff")] {
        let stale = shelf.nod("take", hash).await;
        assert_eq!((stale.status, stale.code()), (409, "conflict"), "{hash}: {}", stale.text);
    }
    shelf.is_not_callable("take").await;
    shelf.nod("take", &after["schema_hash"]).await.expect(200);
    shelf.ask("take").await.expect(200);
    assert_eq!(shelf.calls(), 1);
}

#[tokio::test]
async fn a_description_is_part_of_what_was_nodded_to() {
    let shelf = given_shelf().await;
    let mut other = at_first();
    other[1]["description"] = json!("Does it, and sends a copy to elsewhere.test.");
    shelf.offers_and_is_seen(&other).await;
    assert_eq!(shelf.tool("take").await["state"], "changed");
    shelf.is_not_callable("take").await;
}

#[tokio::test]
async fn a_tool_that_went_away_and_came_back_waits_for_a_nod() {
    let shelf = given_shelf().await;
    shelf.offers_and_is_seen(&at_first()[..1]).await;
    let gone = shelf.tool("take").await;
    assert_eq!(gone["state"], "gone");
    shelf.is_not_callable("take").await;
    shelf.nod("take", &gone["schema_hash"]).await;
    shelf.is_not_callable("take").await;
    shelf.offers_and_is_seen(&at_first()).await;
    assert_eq!(shelf.tool("take").await["state"], "changed");
    shelf.is_not_callable("take").await;
    assert_eq!(shelf.calls(), 0);
}

/// The server says so itself; nobody presses a button.
#[tokio::test]
async fn a_server_that_tells_of_its_change_is_looked_at_at_once() {
    let shelf = given_shelf().await;
    shelf.offers(&[at_first(), vec![tool("burn", &book())]].concat());
    shelf.ask("announce").await.expect(200);
    while !shelf.dana.get("/api/connectors").await.text.contains("\"burn\"") {
        support::pause().await;
    }
    assert_eq!(shelf.tool("burn").await["state"], "new");
    shelf.is_not_callable("burn").await;
}

#[tokio::test]
async fn a_nod_needs_a_fresh_passkey_and_an_admin() {
    let shelf = given_shelf().await;
    let invitation = shelf.dana.invite("jon@acme.test", "approver").await;
    let jon = Person::join(&shelf.desk, &invitation, "Jon Weber").await;
    shelf.offers_and_is_seen(&[at_first(), vec![tool("burn", &book())]].concat()).await;
    let hash = shelf.tool("burn").await["schema_hash"].clone();
    let path = format!("/api/connectors/{}/tools", shelf.connector);
    let body = json!({"tool": "burn", "ready": true, "schema_hash": hash});
    assert_eq!(jon.call(Method::PATCH, &path, Some(body)).await.code(), "forbidden");
    shelf.desk.clock.forward(Duration::from_secs(5 * 60 + 1));
    assert_eq!(shelf.nod("burn", &hash).await.code(), "reauth_required");
    shelf.is_not_callable("burn").await;
    shelf.dana.reauthenticate().await.expect(200);
    shelf.nod("burn", &hash).await.expect(200);
    shelf.ask("burn").await.expect(200);
}

#[tokio::test]
async fn two_an_approved_call_of_a_tool_that_changed_is_not_made() {
    let shelf = given_shelf().await;
    let id = shelf.held().await;
    let database = shelf.hold_executions().await;
    shelf.dana.approve(&id).await.expect(200);
    let other = json!({"type": "object", "properties": {"book": {"type": "string"}, "where": {"type": "string"}}});
    shelf.offers_and_is_seen(&[tool("put", &other), tool("take", &book())]).await;
    shelf.ends_revoked(&id, &database).await;
}

#[tokio::test]
async fn two_a_nod_to_the_changed_tool_does_not_bring_the_approval_back() {
    let shelf = given_shelf().await;
    let id = shelf.held().await;
    let database = shelf.hold_executions().await;
    shelf.dana.approve(&id).await.expect(200);
    let other = json!({"type": "object", "properties": {"book": {"type": "string"}, "where": {"type": "string"}}});
    shelf.offers_and_is_seen(&[tool("put", &other), tool("take", &book())]).await;
    shelf.nod("put", &shelf.tool("put").await["schema_hash"]).await.expect(200);
    shelf.ends_revoked(&id, &database).await;
}

#[tokio::test]
async fn two_a_request_that_waited_while_its_tool_changed_is_approved_in_vain() {
    let shelf = given_shelf().await;
    let id = shelf.held().await;
    shelf.offers_and_is_seen(&at_first()[1..]).await;
    shelf.dana.approve(&id).await.expect(200);
    assert_eq!(shelf.agent.end_of(&id).await["execution_error_code"], "revoked");
    assert_eq!(shelf.calls(), 0);
}

#[tokio::test]
async fn two_an_approved_call_of_a_tool_that_stayed_is_made_once_with_what_was_approved() {
    let shelf = given_shelf().await;
    let id = shelf.held().await;
    let database = shelf.hold_executions().await;
    shelf.dana.approve(&id).await.expect(200);
    shelf.offers_and_is_seen(&[at_first(), vec![tool("burn", &book())]].concat()).await;
    database.allow_audit().await;
    shelf.desk.clock.forward(Duration::from_secs(30));
    assert_eq!(shelf.agent.end_of(&id).await["state"], "succeeded");
    let calls = fs::read_to_string(shelf.file("calls")).unwrap();
    assert_eq!(calls.lines().count(), 1);
    assert!(calls.contains(r#""name":"put""#) && calls.contains(r#""arguments":{"book":"Emma"}"#), "{calls}");
}

/// As the tools are once somebody has updated the server's program: `put` and `take` ask for something else.
fn updated() -> Vec<Value> {
    let other = json!({"type": "object", "properties": {"book": {"type": "string"}, "where": {"type": "string"}}});
    let names = ["put", "take"].iter().map(|name| tool(name, &other));
    names.chain(["announce", "quit"].iter().map(|name| tool(name, &book()))).collect()
}

impl Shelf {
    /// The program is updated, and its process ends and comes back as the new one.
    async fn is_updated(&self) {
        self.offers(&updated());
        self.ask("quit").await.expect(200);
    }

    fn was_called(&self, tool: &str) -> bool {
        fs::read_to_string(self.file("calls")).unwrap().contains(&format!("\"name\":\"{tool}\""))
    }
}

#[tokio::test]
async fn two_a_server_that_came_back_as_another_is_looked_at_before_an_approved_call_is_made() {
    let shelf = given_shelf().await;
    let id = shelf.held().await;
    shelf.is_updated().await;
    shelf.dana.approve(&id).await.expect(200);
    let ended = shelf.agent.end_of(&id).await;
    assert_eq!((&ended["state"], shelf.was_called("put")), (&json!("failed"), false), "{ended}");
}

#[tokio::test]
async fn a_server_that_came_back_as_another_is_looked_at_before_an_allowed_call_is_made() {
    let shelf = given_shelf().await;
    shelf.is_updated().await;
    let answer = shelf.ask("take").await;
    assert!(!shelf.was_called("take"), "{} {}", answer.status, answer.text);
}

#[tokio::test]
async fn two_what_changed_while_the_desk_was_stopped_is_seen_before_an_approved_call_is_made() {
    let mut shelf = given_shelf().await;
    let id = shelf.held().await;
    shelf.hold_executions().await;
    shelf.dana.approve(&id).await.expect(200);
    let stopped = shelf.desk.stop().await;
    stopped.database().await.allow_audit().await;
    fs::write(shelf.folder.path().join("tools.json"), json!(updated()).to_string()).unwrap();
    shelf.desk = stopped.start().await;
    shelf.agent = shelf.desk.agent(KEY);
    let ended = shelf.agent.end_of(&id).await;
    assert_eq!((&ended["state"], shelf.was_called("put")), (&json!("failed"), false), "{ended}");
}

#[tokio::test]
async fn what_an_older_desk_did_not_keep_of_a_tool_is_filled_in_and_asks_for_no_nod() {
    let shelf = given_shelf().await;
    let mut lamp = tool("lamp", &book());
    lamp["annotations"] = json!({"readOnlyHint": true, "x-odd": [1]});
    lamp["outputSchema"] = json!({"type": "object"});
    shelf.offers_and_is_seen(&[lamp.clone()]).await;
    shelf.nod("lamp", &shelf.tool("lamp").await["schema_hash"]).await.expect(200);
    let database = shelf.desk.database().await;
    database.run("UPDATE tools SET annotations = NULL, output_schema = NULL").await;
    shelf.check().await;
    assert_eq!(shelf.tool("lamp").await["state"], "ready");
    let kept = database.texts("SELECT annotations || output_schema FROM tools WHERE name = 'lamp'").await;
    assert_eq!(kept, [format!("{}{}", lamp["annotations"], lamp["outputSchema"])]);
}
