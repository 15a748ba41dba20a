//! Real clients that nobody here wrote, with their default settings: what the desk's one address is to each of them.

use crate::given::settled;
use futures::future::join_all;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;
use support::{Agent, Desk, Person, node_script, program, python_script};
use tempfile::TempDir;
use tokio::process::Child;
use tokio::time::sleep;

/// A client, which settles the protocol's revision in its own way or as it is told.
struct Client {
    name: &'static str,
    line: Vec<String>,
    era: &'static str,
    key: String,
}

fn clients() -> Vec<Client> {
    let (sdk_1, client_2) = (node_script("clients/sdk-1.mjs"), node_script("clients/client-2.mjs"));
    let inspector = node_script("clients/inspector.mjs");
    let python = |sdk| python_script(sdk, &format!("clients/python/sdk_{sdk}.py"));
    let known = [
        ("typescript-1", sdk_1, ""),
        ("typescript-2-initialize", client_2.clone(), "legacy"),
        ("typescript-2-discover", client_2, "auto"),
        ("python-1", python(1), ""),
        ("python-2", python(2), ""),
        ("inspector-initialize", inspector.clone(), "legacy"),
        ("inspector-tasks", inspector, "modern"),
    ];
    let key = |number| format!("csk_storystorystorystorystorystorystorystory{number}AA");
    let numbered = known.into_iter().enumerate();
    numbered.map(|(number, (name, line, era))| Client { name, line, era, key: key(number) }).collect()
}

/// A desk with an agent for each client: everything is allowed but `put`, which is held and leaves a record.
struct Matrix {
    desk: Desk,
    dana: Person,
    clients: Vec<Client>,
    folder: TempDir,
}

async fn given_matrix() -> Matrix {
    let (clients, folder) = (clients(), tempfile::tempdir().unwrap());
    let (tools, record) = (folder.path().join("tools.json"), folder.path().join("calls"));
    let schema = json!({"type": "object", "required": ["book"], "properties": {"book": {"type": "string"}}});
    fs::write(&record, "").unwrap();
    fs::write(&tools, json!([{"name": "put", "description": "Puts it.", "inputSchema": schema}]).to_string()).unwrap();
    let file = |path: PathBuf| path.display().to_string();
    let shelf = [node_script("support/upstreams/shelf.mjs"), vec![file(tools), file(record)]].concat();
    let fixture = [node_script("support/upstreams/conformance.mjs"), vec!["test".into()]].concat();
    let everything = node_script("node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    let agent = |client: &Client| json!({"name": client.name, "owner": "mina@acme.test", "key_env": client.name});
    let desk_file = json!({
        "users": [{"email": "mina@acme.test", "name": "Mina Sato"}],
        "agents": clients.iter().map(agent).collect::<Vec<_>>(),
        "connectors": [
            {"slug": "everything", "kind": "mcp", "command": everything},
            {"slug": "shelf", "kind": "mcp", "command": shelf},
            {"slug": "test", "kind": "mcp", "command": fixture},
        ],
        "policies": [
            {"name": "All", "action": "allow"},
            {"name": "Put", "action": "request_approval", "tools": ["put"], "priority": 1},
        ],
    });
    // Clients and passkeys live by the machine's clock.
    let desk = Desk::of_today().await;
    let dana = desk.set_up("Dana Kim", "dana@acme.test").await;
    let keys: Vec<_> = clients.iter().map(|client| (client.name, client.key.as_str())).collect();
    desk.apply(&desk_file.to_string(), &keys).await;
    settled(&desk.agent(&clients[0].key)).await;
    let connectors = dana.get("/api/connectors").await.expect(200);
    for connector in connectors["items"].as_array().unwrap() {
        let path = format!("/api/connectors/{}/check", connector["id"].as_str().unwrap());
        let checked = dana.post(&path, json!({})).await.expect(200);
        assert_eq!(checked["status"], "connected", "{checked}");
    }
    Matrix { desk, dana, clients, folder }
}

impl Matrix {
    fn agent(&self, client: &Client) -> Agent {
        self.desk.agent(&client.key)
    }

    /// Starts a client on its task; what it is to do is said on its command line, the key is not.
    fn start(&self, client: &Client, task: &[&str]) -> Child {
        let mut command = program(&client.line);
        command.arg(format!("{}/mcp", self.desk.origin)).args(task);
        command.env("COUNTERSIGN_KEY", &client.key).env("COUNTERSIGN_ERA", client.era);
        // What a client that is ended early leaves behind goes with the story.
        command.env("TMPDIR", self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// What a client says until its end, a line for each result.
    async fn results(&self, client: &Client, task: &[&str]) -> Vec<Value> {
        results(client, &self.start(client, task).wait_with_output().await.unwrap())
    }

    /// The books that were put on the shelf, in the order of their names.
    fn books(&self) -> Vec<String> {
        let record = fs::read_to_string(self.folder.path().join("calls")).unwrap();
        let book = |line: &str| {
            let call: Value = serde_json::from_str(line).unwrap();
            call["arguments"]["book"].as_str().unwrap().to_owned()
        };
        let mut books: Vec<_> = record.lines().map(book).collect();
        books.sort_unstable();
        books
    }
}

fn results(client: &Client, output: &Output) -> Vec<Value> {
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}\n{complained}", client.name);
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn names(listed: &Value) -> Vec<&str> {
    listed.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_sees_the_tools_of_its_agent_under_their_connectors_names() {
    let matrix = given_matrix().await;
    let lists = join_all(matrix.clients.iter().map(|client| matrix.results(client, &["list", "tools"]))).await;
    for (client, listed) in matrix.clients.iter().zip(lists) {
        let tools = names(&listed[0]);
        for tool in ["everything_echo", "everything_get-tiny-image", "shelf_put", "await_approval", "cancel_approval"] {
            assert!(tools.contains(&tool), "{}: {tool} is not in {tools:?}", client.name);
        }
        let put = listed[0].as_array().unwrap().iter().find(|tool| tool["name"] == "shelf_put").unwrap();
        assert_eq!(put["inputSchema"]["required"], json!(["book"]), "{}", client.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_sees_the_prompts_and_resources_of_the_upstreams() {
    let matrix = given_matrix().await;
    let task = ["list", "prompts", "resources"];
    let lists = join_all(matrix.clients.iter().map(|client| matrix.results(client, &task))).await;
    for (client, listed) in matrix.clients.iter().zip(lists) {
        let prompts = names(&listed[0]);
        assert!(prompts.contains(&"everything_simple-prompt"), "{}: {prompts:?}", client.name);
        let mut resources = listed[1].as_array().unwrap().iter();
        assert!(resources.any(|resource| resource["uri"] == "test://static-text"), "{}: {}", client.name, listed[1]);
    }
}

/// Tools whose results are of every kind: text, structured content, an image, links to resources, and an error.
const KINDS: [(&str, &str, &str); 5] = [
    ("everything", "echo", r#"{"message":"here"}"#),
    ("everything", "get-structured-content", r#"{"location":"Chicago"}"#),
    ("everything", "get-tiny-image", "{}"),
    ("everything", "get-resource-links", r#"{"count":2}"#),
    ("test", "error_handling", "{}"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_allowed_call_brings_every_client_the_upstreams_whole_result() {
    let matrix = given_matrix().await;
    let mut wanted = Vec::new();
    for (connector, tool, arguments) in KINDS {
        let arguments: Value = serde_json::from_str(arguments).unwrap();
        let ask = json!({"connector": connector, "tool": tool, "arguments": arguments});
        wanted.push(matrix.agent(&matrix.clients[0]).ask(ask).await.expect(200)["result"]["data"].clone());
    }
    assert_eq!(wanted[1]["structuredContent"]["conditions"], "Light rain / drizzle");
    assert_eq!(wanted[2]["content"][1]["mimeType"], "image/png");
    assert_eq!(wanted[3]["content"][1]["type"], "resource_link");
    assert_eq!(wanted[4]["isError"], true);
    let tools: Vec<String> = KINDS.iter().map(|(connector, tool, _)| format!("{connector}_{tool}")).collect();
    let calls = KINDS.iter().zip(&tools).flat_map(|((_, _, arguments), tool)| [tool.as_str(), arguments]);
    let task: Vec<&str> = ["call"].into_iter().chain(calls).collect();
    let heard = join_all(matrix.clients.iter().map(|client| matrix.results(client, &task))).await;
    for (client, results) in matrix.clients.iter().zip(heard) {
        assert_eq!(results.len(), wanted.len(), "{}", client.name);
        for (result, wanted) in results.iter().zip(&wanted) {
            assert_eq!(result["content"], wanted["content"], "{}", client.name);
            assert_eq!(result["structuredContent"], wanted["structuredContent"], "{}", client.name);
            let failed = |result: &Value| result["isError"].as_bool().unwrap_or(false);
            assert_eq!(failed(result), failed(wanted), "{}", client.name);
        }
    }
}

/// How old a request is when somebody comes to decide it: older than most clients' patience of 60 seconds.
const AGE: Duration = Duration::from_secs(70);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_approved_after_70_seconds_brings_every_client_its_result_once() {
    let matrix = given_matrix().await;
    let mut screen = matrix.dana.watch(None).await;
    let books: Vec<String> = matrix.clients.iter().map(|client| json!({"book": client.name}).to_string()).collect();
    let started = matrix.clients.iter().zip(&books);
    let mut waiting: Vec<Child> =
        started.map(|(client, book)| matrix.start(client, &["call", "shelf_put", book])).collect();
    let mut cards = Vec::new();
    while cards.len() < waiting.len() {
        let event = screen.next().await.unwrap();
        if event.name == "request.created" {
            cards.push(event.data["id"].as_str().unwrap().to_owned());
        }
    }
    // The one story whose point is the time that passes: that of clients nobody here wrote can't be moved.
    sleep(AGE).await;
    for (client, child) in matrix.clients.iter().zip(&mut waiting) {
        assert_eq!(child.try_wait().unwrap(), None, "{} did not wait", client.name);
    }
    assert_eq!(matrix.books(), [""; 0]);
    for card in &cards {
        matrix.dana.approve(card).await.expect(200);
    }

    let ends = join_all(waiting.into_iter().map(Child::wait_with_output)).await;
    for (client, end) in matrix.clients.iter().zip(ends) {
        let results = results(client, &end.unwrap());
        let last = results.last().unwrap();
        assert_eq!(last["content"], json!([{"type": "text", "text": "done"}]), "{}: {results:?}", client.name);
        assert_ne!(last["isError"], true, "{}", client.name);
        // A task is waited for in one call. The others are told in time to wait by another.
        let in_one_call = client.name == "inspector-tasks";
        assert_eq!(results.len() == 1, in_one_call, "{}: {results:?}", client.name);
    }
    let requests = matrix.dana.get("/api/requests?state=all").await.expect(200);
    let states: Vec<_> = requests["items"].as_array().unwrap().iter().map(|request| &request["state"]).collect();
    assert_eq!(states, vec!["succeeded"; matrix.clients.len()]);
    let mut every: Vec<_> = matrix.clients.iter().map(|client| client.name).collect();
    every.sort_unstable();
    assert_eq!(matrix.books(), every);
}
