//! What is said by flag, environment and file, what stays as it was, and what is never said at all: the real binary.

use crate::given::{KEY, SECRET, VARIABLES, file, look, refund, settled};
use serde_json::json;
use std::fs;
use std::path::Path;
use support::{Agent, Person, Served, Upstream, call_at, command, free_port, run};
use tempfile::TempDir;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Starts a server with these, and stops it once it said where it answers and where its data is.
async fn started(home: &Path, flags: &[&str], variables: &[(&str, &str)]) -> (String, String) {
    let served = Served::start(home, flags, variables).await;
    let place = (served.origin.clone(), text(&served.data).to_owned());
    assert_eq!(served.stop().await.code, Some(0));
    place
}

/// Ports that nothing listens on, told apart.
async fn three_ports() -> [u16; 3] {
    loop {
        let ports = [free_port().await, free_port().await, free_port().await];
        if ports[0] != ports[1] && ports[1] != ports[2] && ports[0] != ports[2] {
            return ports;
        }
    }
}

#[tokio::test]
async fn a_flag_outweighs_a_variable_which_outweighs_the_file_which_outweighs_the_default() {
    let home = tempfile::tempdir().unwrap();
    let [in_file, in_variable, in_flag] = three_ports().await;
    let listen = |port: u16| format!("127.0.0.1:{port}");
    let origin = |port: u16| format!("http://localhost:{port}");
    let (variable, flag) = (listen(in_variable), listen(in_flag));
    let by_variable = [("COUNTERSIGN_LISTEN", variable.as_str()), ("COUNTERSIGN_DATA_DIR", "by-variable")];
    let by_flag = ["--listen", &flag, "--data-dir", "by-flag"];

    // With nothing said of it, the data is in the platform's folder, below the home.
    let (_, data) = started(home.path(), &["--listen", &flag], &[]).await;
    assert!(Path::new(&data).starts_with(home.path()) && data.ends_with("countersign"), "{data}");

    let toml = format!("listen = \"{}\"\ndata_dir = \"by-file\"\n", listen(in_file));
    fs::write(home.path().join("countersign.toml"), &toml).unwrap();
    assert_eq!(started(home.path(), &[], &[]).await, (origin(in_file), "by-file".to_owned()));
    assert_eq!(started(home.path(), &[], &by_variable).await, (origin(in_variable), "by-variable".to_owned()));
    assert_eq!(started(home.path(), &by_flag, &by_variable).await, (origin(in_flag), "by-flag".to_owned()));
    // One of them by flag, the other as it is written below.
    assert_eq!(
        started(home.path(), &by_flag[..2], &by_variable[1..]).await,
        (origin(in_flag), "by-variable".to_owned())
    );
}

#[tokio::test]
async fn a_file_that_was_named_must_be_there_and_say_what_is_known() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("desk.toml");
    let missing = run(&["serve", "--config", text(&config)], &[]).await;
    assert_eq!(missing.code, Some(1));
    assert!(missing.complained.contains("desk.toml"), "{}", missing.complained);
    fs::write(&config, "listne = \"127.0.0.1:1\"\n").unwrap();
    let misspelt = run(&["serve", "--config", text(&config)], &[]).await;
    assert_eq!(misspelt.code, Some(1));
    assert!(misspelt.complained.contains("listne"), "{}", misspelt.complained);
}

#[tokio::test]
async fn the_passkeys_name_may_not_change_and_the_port_may() {
    let home = tempfile::tempdir().unwrap();
    let [first, second, _] = three_ports().await;
    let flags = |port: u16| [format!("--listen=127.0.0.1:{port}"), "--data-dir=data".to_owned()];
    let start = async |port: u16| {
        let flags = flags(port);
        started(home.path(), &[&flags[0], &flags[1]], &[]).await.0
    };
    assert_eq!(start(first).await, format!("http://localhost:{first}"));
    let data = home.path().join("data");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", text(&data), "--public-url"];
    let moved = run(&[&serve[..], &["https://desk.acme.test"]].concat(), &[]).await;
    assert_eq!(moved.code, Some(1), "{}", moved.complained);
    for word in ["passkeys belong to \"localhost\"", "desk.acme.test", &format!("localhost:{first}"), "--data-dir"] {
        assert!(moved.complained.contains(word), "{word}: {}", moved.complained);
    }
    assert_eq!(start(second).await, format!("http://localhost:{second}"));
}

#[tokio::test]
async fn on_a_machine_without_a_display_the_way_in_by_ssh_is_said() {
    let port = free_port().await;
    let listen = format!("127.0.0.1:{port}");
    for (variables, told) in
        [(&[][..], true), (&[("DISPLAY", ":0")], false), (&[("WAYLAND_DISPLAY", "wayland-0")], false)]
    {
        let home = tempfile::tempdir().unwrap();
        let served = Served::start(home.path(), &["--listen", &listen], variables).await;
        served.setup_token().await;
        let said = served.stop().await.said;
        assert_eq!(said.contains(&format!("ssh -L {port}:localhost:{port} ")), told, "{variables:?}: {said}");
    }
}

#[tokio::test]
async fn a_desk_that_is_set_up_prints_no_setup_link() {
    let home = tempfile::tempdir().unwrap();
    let flags = ["--listen", &format!("127.0.0.1:{}", free_port().await), "--data-dir", "data"];
    let served = Served::start(home.path(), &flags, &[]).await;
    let token = served.setup_token().await;
    Person::set_up_at(&served.origin, &token, "Dana Kim", "dana@acme.test").await;
    served.stop().await;
    let said = Served::start(home.path(), &flags, &[]).await.stop().await.said;
    assert!(!said.contains("/setup#"), "{said}");
}

/// Everything that a desk does with a secret, with the log at its most talkative; all secrets, by what they are.
async fn full_day(home: &TempDir, served: &Served, upstream: &Upstream) -> Vec<(&'static str, String)> {
    let setup = served.setup_token().await;
    let dana = Person::set_up_at(&served.origin, &setup, "Dana Kim", "dana@acme.test").await;
    let agent = Agent::at(&served.origin, KEY);
    settled(&agent).await;
    agent.ask(look("ch_1")).await.expect(200);
    let id = agent.ask(refund(4_900)).await.expect(202)["approval_id"].as_str().unwrap().to_owned();
    dana.approve(&id).await.expect(200);
    agent.end_of(&id).await;
    let made =
        dana.post("/api/agents", json!({"name": "second"})).await.expect(201)["key"].as_str().unwrap().to_owned();
    Agent::at(&served.origin, &made).get("/v1/agent/permissions").await.expect(200);
    let invitation = dana.invite("jon@acme.test", "approver").await["url"].as_str().unwrap().to_owned();
    let link = command(&home.path().join("data"), &["user", "link", "mina@acme.test"], &[]).await;
    let link = link.trim().split_once('#').unwrap().1.to_owned();
    let mina = Person::by_link(&served.origin, &link).await;
    // Wrong ones are secrets too: a real one with a slip of the pen.
    let slipped = format!("{}{}", &KEY[..KEY.len() - 1], "B");
    assert_eq!(Agent::at(&served.origin, &slipped).get("/v1/agent/permissions").await.status, 401);
    assert_eq!(upstream.requests().len(), 2);
    let session = |person: &Person| person.cookie().split_once('=').unwrap().1.to_owned();
    let master = fs::read_to_string(home.path().join("data/master.key")).unwrap().trim().to_owned();
    vec![
        ("an agent's key", KEY.to_owned()),
        ("a new agent's key", made),
        ("a mistyped key", slipped),
        ("a credential", SECRET.to_owned()),
        ("a session", session(&dana)),
        ("another session", session(&mina)),
        ("a sign-in link", link),
        ("an invitation", invitation.split_once('#').unwrap().1.to_owned()),
        ("the master key", master),
        ("the setup link", setup),
    ]
}

#[tokio::test]
async fn no_secret_is_in_the_log_and_the_setup_token_only_in_the_terminals_link() {
    for format in ["pretty", "json"] {
        let upstream = Upstream::answering("{}").await;
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("desk.yaml"), file(&upstream.url)).unwrap();
        let listen = format!("127.0.0.1:{}", free_port().await);
        let flags = ["--listen", &listen, "--data-dir", "data", "--apply", "desk.yaml", "--log", format];
        let variables = [VARIABLES.as_slice(), &[("COUNTERSIGN_LOG_FILTER", "trace")]].concat();
        let served = Served::start(home.path(), &flags, &variables).await;
        let secrets = full_day(&home, &served, &upstream).await;
        assert_eq!(call_at(&served.origin, reqwest::Method::GET, "/healthz", None).await.status, 200);
        let ended = served.stop().await;
        assert!(ended.complained.contains("TRACE"), "it said too little for a check: {}", ended.complained);
        let said: String = ended.said.lines().filter(|line| !line.contains("/setup#")).collect();
        for (what, secret) in secrets {
            assert!(secret.len() >= 20, "{what} is too short to look for");
            for (place, words) in [("log", &ended.complained), ("terminal", &said)] {
                let line = words.lines().find(|line| line.contains(&secret));
                assert_eq!(line, None, "{what} is in the {format} {place}");
            }
        }
    }
}

#[tokio::test]
async fn the_json_log_is_one_object_a_line() {
    let home = tempfile::tempdir().unwrap();
    let listen = format!("127.0.0.1:{}", free_port().await);
    let flags = ["--listen", &listen, "--data-dir", "data", "--log", "json"];
    let logged = Served::start(home.path(), &flags, &[]).await.stop().await.complained;
    assert!(!logged.is_empty());
    for line in logged.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
    }
}

/// It has its credential in its environment, and may well say so when it fails.
#[tokio::test]
async fn what_an_mcp_server_complains_of_is_logged_without_its_credential() {
    let node =
        std::env::var("COUNTERSIGN_TEST_NODE").expect("run this by `cargo xtask test`, which brings the Node it needs");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/src/connectors/testdata/upstream.mjs");
    let home = tempfile::tempdir().unwrap();
    let command = json!([node, script, home.path().join("record"), "die"]);
    let credential = "{env: ODD_TOKEN, as: header, name: TOKEN}";
    let desk = format!("connectors: [{{slug: odd, kind: mcp, command: {command}, credential: {credential}}}]\n");
    fs::write(home.path().join("desk.yaml"), desk).unwrap();
    let listen = format!("127.0.0.1:{}", free_port().await);
    let flags = ["--listen", &listen, "--data-dir", "data", "--apply", "desk.yaml"];
    let variables = [("ODD_TOKEN", SECRET), ("COUNTERSIGN_LOG_FILTER", "trace")];
    let served = Served::start(home.path(), &flags, &variables).await;
    let dana = Person::set_up_at(&served.origin, &served.setup_token().await, "Dana Kim", "dana@acme.test").await;
    let listed = dana.get("/api/connectors").await.expect(200);
    let path = format!("/api/connectors/{}/check", listed["items"][0]["id"].as_str().unwrap());
    let checked = dana.post(&path, json!({})).await;
    assert_eq!(checked.json["status"], "error", "{}", checked.text);
    assert!(!checked.text.contains(SECRET), "{}", checked.text);
    let logged = served.stop().await.complained;
    assert!(logged.contains("no key"), "its words are not in the log, so this says nothing: {logged}");
    assert!(!logged.contains(SECRET), "{logged}");
}
