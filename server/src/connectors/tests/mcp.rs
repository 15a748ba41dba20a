//! Stories of `mcp` connectors, against a small server in a process of its own.

use super::*;
use countersign_domain::Effect;
use countersign_domain::request::StdioTransport;
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

/// Back-off in no time, so that no test waits for it.
const HASTE: Pace = Pace {
    first: Duration::from_millis(5),
    longest: Duration::from_millis(50),
    settled: Duration::from_secs(60),
    grace: Duration::from_secs(10),
    quiet: Duration::from_secs(60),
};

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(300);

/// A server, a connector for it, and what reached it.
struct Story {
    folder: TempDir,
    connectors: Connectors,
    spec: Arc<ConnectorSpec>,
}

impl Story {
    fn with(flags: &[&str]) -> Self {
        Self::paced(HASTE, flags, LONG)
    }

    fn paced(pace: Pace, flags: &[&str], timeout: Duration) -> Self {
        let folder = TempDir::new().unwrap();
        let script = folder.path().join("upstream.mjs");
        fs::write(&script, include_str!("../testdata/upstream.mjs")).unwrap();
        let record = folder.path().join("record");
        let paths = [script, record].map(|path| path.to_str().unwrap().to_owned());
        let flags = flags.iter().map(|flag| (*flag).to_owned());
        let command = std::iter::once("node".to_owned()).chain(paths).chain(flags).collect();
        let env = vec![("TOKEN".to_owned(), SecretString::from("s3cr3t-token"))];
        let spec = Self::spec(Settings::Mcp { command, env, timeout });
        Self { folder, connectors: Connectors::paced(pace), spec }
    }

    fn spec(settings: Settings) -> Arc<ConnectorSpec> {
        Arc::new(ConnectorSpec { id: CONNECTOR, slug: "notes".into(), settings })
    }

    /// The same connector, from now on with another patience.
    fn within(mut self, patience: Duration) -> Self {
        let Settings::Mcp { command, env, .. } = self.spec.settings.clone() else { unreachable!() };
        self.spec = Self::spec(Settings::Mcp { command, env, timeout: patience });
        self
    }

    fn outgoing(&self, tool: &str, arguments: &Value) -> Outgoing {
        let Settings::Mcp { command, .. } = &self.spec.settings else { unreachable!() };
        Outgoing {
            request_id: REQUEST,
            connector: self.spec.clone(),
            tool: tool.into(),
            schema_hash: None,
            target: Target::Stdio { transport: StdioTransport::Stdio, command: command.clone() },
            arguments: Canonical::of(arguments).unwrap(),
            body: None,
            credential: None,
            progress: None,
        }
    }

    async fn call(&self, tool: &str) -> Attempt {
        self.connectors.call(self.outgoing(tool, &json!({}))).await
    }

    async fn read(&self, what: ReadOnly) -> Result<Value, AskError> {
        self.connectors.ask(&self.spec, what).await
    }

    async fn check(&self) -> Result<Vec<DiscoveredTool>, String> {
        self.connectors.check(&self.spec, None).await
    }

    /// How often a message reached the server.
    fn reached(&self, message: &str) -> usize {
        let record = fs::read_to_string(self.folder.path().join("record")).unwrap_or_default();
        record.lines().filter(|line| *line == message).count()
    }
}

fn text_of(answer: &Answer) -> &str {
    answer.data["content"][0]["text"].as_str().unwrap()
}

#[tokio::test]
async fn tools_are_listed() {
    let story = Story::with(&["odd-tools"]);
    let tools = story.check().await.unwrap();
    let effect = |name: &str| tools.iter().find(|tool| tool.name == name).unwrap().effect;
    assert_eq!((effect("echo"), effect("fail")), (Effect::Read, Effect::Destructive));
    assert!(tools.iter().all(|tool| tool.name != "bad name"));
}

#[tokio::test]
async fn a_list_is_read_anew_each_time_whatever_the_server_says_of_caching() {
    let story = Story::with(&[]);
    story.check().await.unwrap();
    story.check().await.unwrap();
    assert_eq!(story.reached("tools/list"), 2);
}

#[tokio::test]
async fn a_thousand_tools_on_ten_pages_are_listed() {
    assert_eq!(Story::with(&["thousand"]).check().await.unwrap().len(), 1_000);
}

#[tokio::test]
async fn a_list_without_an_end_is_refused() {
    assert!(Story::with(&["endless"]).check().await.unwrap_err().contains("does not end"));
}

#[tokio::test]
async fn a_server_without_tools_has_none() {
    assert_eq!(Story::with(&["no-tools"]).check().await, Ok(Vec::new()));
}

#[tokio::test]
async fn arguments_go_up_as_the_approved_bytes() {
    let story = Story::with(&[]);
    let arguments = json!({"z": 1.50, "a": {"\u{fb33}": 1, "\u{1f600}": [true, null, 1e-7, "é\n"]}});
    let outgoing = story.outgoing("echo", &arguments);
    let approved = String::from_utf8(outgoing.arguments.bytes().to_vec()).unwrap();
    let answer = answered(story.connectors.call(outgoing).await);
    assert!(text_of(&answer).contains(&format!("\"arguments\":{approved}")), "{}", text_of(&answer));
    assert_eq!((answer.status, story.reached("tools/call echo")), (200, 1));
}

#[tokio::test]
async fn both_eras_are_spoken() {
    for (flags, begun_by) in [(&["modern"][..], "server/discover"), (&[][..], "notifications/initialized")] {
        let story = Story::with(flags);
        assert_eq!(answered(story.call("echo").await).status, 200);
        assert!(story.reached(begun_by) == 1, "{begun_by}");
    }
}

#[tokio::test]
async fn a_server_that_dies_of_the_newer_greeting_is_greeted_the_older_way() {
    let story = Story::with(&["old"]);
    assert_eq!(answered(story.call("echo").await).status, 200);
}

#[tokio::test]
async fn an_error_of_the_tool_is_its_answer() {
    let story = Story::with(&[]);
    let answer = answered(story.call("fail").await);
    assert_eq!((answer.status, text_of(&answer)), (502, "it broke"));
}

#[tokio::test]
async fn a_json_rpc_error_is_an_answer() {
    let story = Story::with(&[]);
    let answer = answered(story.call("refuse").await);
    assert_eq!(answer.status, 502);
    assert_eq!(
        answer.data,
        json!({"isError": true, "content": [{"type": "text", "text": "unknown tool: \u{202e}txt"}]})
    );
    assert_eq!(answered(story.call("odd_error").await).status, 502);
}

#[tokio::test]
async fn a_result_is_kept_as_it_came() {
    let story = Story::with(&[]);
    let answer = answered(story.call("odd_result").await);
    let sent = json!({"content": [{"type": "hologram", "beam": 7}], "structuredContent": {"a": [1.5]}, "extra": true});
    assert_eq!((answer.status, answer.data), (200, sent));
    assert_eq!(answered(story.call("no_content").await).data, json!({}));
    assert_eq!(text_of(&answered(story.call("string_id").await)), "as text");
    assert_eq!(text_of(&answered(story.call("twice").await)), "first");
    assert_eq!(text_of(&answered(story.call("noise").await)), "after the noise");
}

#[tokio::test]
async fn a_result_that_is_none_means_unknown() {
    let story = Story::with(&[]);
    for tool in ["null_result", "text_result", "task"] {
        unknown(story.call(tool).await);
    }
}

#[tokio::test]
async fn a_ten_megabyte_result_is_kept_to_its_first_megabyte() {
    let story = Story::with(&[]);
    let answer = answered(story.call("big").await);
    assert!(answer.data.as_str().unwrap().len() <= 1 << 20);
    assert!(answer.truncated.unwrap().contains("1048576"));
}

#[tokio::test]
async fn a_result_too_long_to_read_means_unknown_and_harms_no_other() {
    let mut story = Story::with(&[]);
    answered(story.call("echo").await);
    story = story.within(Duration::from_secs(3));
    let (long, short) = tokio::join!(story.call("too_big"), story.call("echo"));
    unknown(long);
    answered(short);
    answered(story.call("echo").await);
}

#[tokio::test]
async fn a_server_that_wants_something_of_us_is_refused() {
    let story = Story::with(&[]);
    let answer = answered(story.call("ask").await);
    assert!(text_of(&answer).contains("\"error\""), "{}", text_of(&answer));
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_call_means_unknown_and_the_server_comes_back() {
    let story = Story::with(&[]);
    assert!(unknown(story.call("crash").await).contains("ended"));
    assert_eq!(answered(story.call("echo").await).status, 200);
    assert_eq!((story.reached("tools/call crash"), story.reached("tools/call echo")), (1, 1));
}

#[tokio::test]
async fn last_words_are_heard() {
    let story = Story::with(&[]);
    let mut events = story.connectors.subscribe();
    for _ in 0..5 {
        assert_eq!(text_of(&answered(story.call("answer_and_crash").await)), "last words");
        while !matches!(events.recv().await.unwrap().change, ConnectorChange::Failed(_)) {}
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_means_unknown_and_the_server_is_told() {
    let mut story = Story::with(&[]);
    story.check().await.unwrap();
    story = story.within(SHORT);
    assert!(unknown(story.call("hang").await).contains("300ms"));
    story = story.within(LONG);
    for _ in 0..100 {
        answered(story.call("echo").await);
    }
    assert_eq!((story.reached("notifications/cancelled"), story.reached("initialize")), (1, 1));
}

#[tokio::test]
async fn what_a_deaf_server_was_never_given_is_known_not_to_have_been_sent() {
    let mut story = Story::with(&[]);
    answered(story.call("deaf").await);
    story = story.within(SHORT);
    // More than a pipe holds: the first call is stuck half-way, the second waits behind it.
    let long = story.outgoing("echo", &json!({"x": "x".repeat(1 << 20)}));
    let (stuck, waiting) = tokio::join!(story.connectors.call(long), story.call("echo"));
    unknown(stuck);
    // A server that doesn't read is ended and started again; whether the second call's patience lasts that long is a
    // race, but it is no mystery what became of it.
    let arrived = usize::from(matches!(&waiting, Attempt::Answered(_)));
    assert!(!matches!(waiting, Attempt::Unknown(_)), "{waiting:?}");
    story = story.within(LONG);
    answered(story.call("echo").await);
    assert_eq!(story.reached("tools/call echo"), arrived + 1);
}

#[tokio::test]
async fn a_program_that_is_not_there_means_not_sent() {
    let mut story = Story::paced(Pace { grace: SHORT, ..HASTE }, &[], LONG);
    story.spec = Story::spec(Settings::Mcp { command: vec!["no-such-program".into()], env: vec![], timeout: LONG });
    assert!(not_sent(story.call("echo").await).contains("\"no-such-program\" was not found"));
    assert!(story.check().await.unwrap_err().contains("not found"));
}

#[tokio::test]
async fn a_server_that_does_not_start_means_not_sent_and_says_no_secret() {
    for (flag, said) in [("die", "exit code 3"), ("refuse-all", "refused to begin: bad token [credential removed]")] {
        let story = Story::paced(Pace { grace: SHORT, ..HASTE }, &[flag], LONG);
        let sentence = story.check().await.unwrap_err();
        assert!(sentence.contains(said), "{sentence}");
        not_sent(story.call("echo").await);
        assert_eq!(story.reached("tools/call echo"), 0);
    }
}

#[tokio::test]
async fn a_server_that_never_speaks_means_not_sent() {
    let story = Story::paced(Pace { grace: SHORT, ..HASTE }, &["silent"], Duration::from_secs(1));
    assert!(not_sent(story.call("echo").await).contains("did not begin to speak MCP"));
}

#[tokio::test]
async fn a_check_does_not_wait_for_the_back_off() {
    let slow = Duration::from_secs(3_600);
    let story = Story::paced(Pace { first: slow, longest: slow, grace: SHORT, ..HASTE }, &[], LONG);
    let mut events = story.connectors.subscribe();
    unknown(story.call("crash").await);
    while !matches!(events.recv().await.unwrap().change, ConnectorChange::Failed(_)) {}
    assert!(not_sent(story.call("echo").await).contains("exit code 7"));
    story.check().await.unwrap();
    answered(story.call("echo").await);
}

#[tokio::test]
async fn the_desk_hears_how_a_server_fares() {
    let story = Story::with(&[]);
    let mut events = story.connectors.subscribe();
    unknown(story.call("crash").await);
    answered(story.call("change").await);
    let mut changes = Vec::new();
    while changes.len() < 4 {
        changes.push(events.recv().await.unwrap().change);
    }
    assert_eq!(changes[0], ConnectorChange::Connected);
    assert!(matches!(&changes[1], ConnectorChange::Failed(why) if why.contains("exit code 7")), "{changes:?}");
    assert_eq!(changes[2..], [ConnectorChange::Connected, ConnectorChange::ToolsChanged]);
    // Told fifty times, it says so once for a while.
    assert!(events.try_recv().is_err());
}

#[tokio::test]
async fn in_the_newer_era_changed_tools_are_heard_of_too() {
    let story = Story::with(&["modern"]);
    let mut events = story.connectors.subscribe();
    story.check().await.unwrap();
    assert_eq!(events.recv().await.unwrap().change, ConnectorChange::Connected);
    // The subscription is made beside the first calls; once it is there, the next change is told.
    while story.reached("subscriptions/listen") == 0 {
        answered(story.call("echo").await);
    }
    answered(story.call("change").await);
    assert_eq!(events.recv().await.unwrap().change, ConnectorChange::ToolsChanged);
}

#[tokio::test]
async fn prompts_resources_and_completions_are_read_as_the_server_gives_them() {
    for flags in [&["reads"][..], &["reads", "modern"]] {
        let story = Story::with(flags);
        let page = story.read(ReadOnly::ListPrompts { cursor: Some("second".into()) }).await.unwrap();
        let prompt = json!({"name": "second", "title": "[credential removed]"});
        assert_eq!(page, json!({"prompts": [prompt], "nextCursor": "more", "odd": 1}));
        let arguments = json!({"who": "Emma"}).as_object().cloned();
        let filled = story.read(ReadOnly::GetPrompt { name: "greet".into(), arguments }).await.unwrap();
        assert_eq!(filled["messages"][0]["content"]["text"], "Emma");
        let listed = story.read(ReadOnly::ListResources { cursor: None }).await.unwrap();
        assert_eq!(listed["resources"][0]["uri"], "a:b");
        let params = json!({"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "who", "value": "E"}});
        let completed = story.read(ReadOnly::Complete { params }).await.unwrap();
        assert_eq!(completed["completion"]["values"], json!(["E!"]));
    }
}

#[tokio::test]
async fn a_server_that_offers_nothing_to_read_has_empty_lists() {
    for flags in [&[][..], &["modern"]] {
        let story = Story::with(flags);
        assert_eq!(story.read(ReadOnly::ListPrompts { cursor: None }).await, Ok(json!({"prompts": []})));
        assert_eq!(story.read(ReadOnly::ListResources { cursor: None }).await, Ok(json!({"resources": []})));
        assert_eq!(story.reached("prompts/list"), 0);
        let none = story.read(ReadOnly::GetPrompt { name: "greet".into(), arguments: None }).await.unwrap_err();
        assert!(matches!(none, AskError::Refused { code: -32602, .. }), "{none:?}");
    }
    // This one says that it has resources, and knows nothing of their templates.
    let templates = Story::with(&["reads"]).read(ReadOnly::ListResourceTemplates { cursor: None }).await;
    assert_eq!(templates, Ok(json!({"resourceTemplates": []})));
}

#[tokio::test]
async fn a_refusal_to_read_keeps_its_code_and_gives_no_secret_away() {
    let story = Story::with(&["reads"]);
    let refused = story.read(ReadOnly::GetPrompt { name: "x".into(), arguments: None }).await.unwrap_err();
    let message = "no such prompt, [credential removed]".to_owned();
    let data = Some(json!({"name": "x", "token": "[credential removed]"}));
    assert_eq!(refused, AskError::Refused { code: -32602, message, data });
    let unknown = story.read(ReadOnly::ReadResource { uri: "a:c".into() }).await.unwrap_err();
    assert!(matches!(unknown, AskError::Refused { code: -32002, .. }), "{unknown:?}");
    let wrong = story.read(ReadOnly::Complete { params: json!({"ref": 7}) }).await.unwrap_err();
    assert!(matches!(wrong, AskError::Refused { code: -32602, .. }), "{wrong:?}");
}

#[tokio::test]
async fn what_is_too_long_to_pass_on_or_cannot_be_asked_for_is_unavailable() {
    let story = Story::with(&["reads"]);
    let long = story.read(ReadOnly::ReadResource { uri: "a:big".into() }).await.unwrap_err();
    assert_eq!(long, AskError::Unavailable("The server's answer is longer than 1048576 bytes.".into()));
    let story = Story::paced(Pace { grace: SHORT, ..HASTE }, &["die"], LONG);
    let down = story.read(ReadOnly::ListPrompts { cursor: None }).await.unwrap_err();
    assert!(matches!(&down, AskError::Unavailable(why) if why.contains("exit code 3")), "{down:?}");
}

#[tokio::test]
async fn changed_prompts_and_resources_are_heard_of_in_both_eras() {
    for (flags, begun_by) in [(&["reads"][..], "tools/call echo"), (&["reads", "modern"], "subscriptions/listen")] {
        let story = Story::paced(Pace { quiet: Duration::from_millis(1), ..HASTE }, flags, LONG);
        let mut events = story.connectors.subscribe();
        answered(story.call("echo").await);
        while story.reached(begun_by) == 0 {
            answered(story.call("echo").await);
        }
        answered(story.call("change").await);
        for change in [ConnectorChange::PromptsChanged, ConnectorChange::ResourcesChanged] {
            while events.recv().await.unwrap().change != change {}
        }
    }
}

#[tokio::test]
async fn the_child_sees_a_clean_environment_and_gives_no_secret_away() {
    let story = Story::with(&[]);
    let answer = answered(story.call("env").await);
    let env: Value = serde_json::from_str(text_of(&answer)).unwrap();
    let mut names: Vec<_> = env.as_object().unwrap().keys().map(String::as_str).collect();
    // Some systems add one of their own to every process.
    names.retain(|name| !["HOME", "LANG", "PATH", "__CF_USER_TEXT_ENCODING"].contains(name));
    assert_eq!(names, ["TOKEN"]);
    assert_eq!(env["TOKEN"], "[credential removed]");
}

#[tokio::test]
async fn calls_run_side_by_side() {
    let story = Story::with(&[]);
    let calls = (0..200).map(|n| story.connectors.call(story.outgoing("echo", &json!({"n": n}))));
    for (n, attempt) in futures::future::join_all(calls).await.into_iter().enumerate() {
        assert!(text_of(&answered(attempt)).contains(&format!("{{\"n\":{n}}}")));
    }
    assert_eq!((story.reached("tools/call echo"), story.reached("initialize")), (200, 1));
}

#[tokio::test]
async fn another_command_than_the_approved_one_is_not_run() {
    let story = Story::with(&[]);
    let mut outgoing = story.outgoing("echo", &json!({}));
    outgoing.target = Target::Stdio { transport: StdioTransport::Stdio, command: vec!["rm".into()] };
    not_sent(story.connectors.call(outgoing).await);
    assert_eq!(story.reached("initialize"), 0);
}

#[tokio::test]
async fn a_changed_secret_starts_the_server_anew() {
    let mut story = Story::with(&[]);
    answered(story.call("echo").await);
    let Settings::Mcp { command, timeout, .. } = story.spec.settings.clone() else { unreachable!() };
    let env = vec![("TOKEN".to_owned(), SecretString::from("another-token"))];
    story.spec = Story::spec(Settings::Mcp { command, env, timeout });
    answered(story.call("echo").await);
    assert_eq!(story.reached("initialize"), 2);
}

#[tokio::test]
async fn a_retired_server_ends_once_its_calls_are_done() {
    let story = Story::with(&[]);
    answered(story.call("echo").await);
    story.connectors.retire(CONNECTOR);
    answered(story.call("echo").await);
    assert_eq!(story.reached("initialize"), 2);
    story.connectors.stop().await;
}

#[tokio::test]
async fn a_stopped_desk_makes_no_more_calls_and_leaves_no_process() {
    let story = Story::with(&[]);
    answered(story.call("echo").await);
    story.connectors.stop().await;
    assert_eq!(story.reached("end"), 1);
    assert!(not_sent(story.call("echo").await).contains("stopped"));
    assert_eq!(story.reached("initialize"), 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_stubborn_server_is_killed_with_all_that_it_started() {
    let mut story = Story::with(&["stubborn"]);
    let Settings::Mcp { mut command, env, timeout } = story.spec.settings.clone() else { unreachable!() };
    let script = command[1].clone();
    // Behind a wrapper, as `npx` is one.
    command.splice(0..0, ["sh", "-c", "\"$@\"; true", "sh"].map(str::to_owned));
    story.spec = Story::spec(Settings::Mcp { command, env, timeout });
    answered(story.call("echo").await);
    story.connectors.stop().await;
    let lives = || {
        fs::read_dir("/proc").unwrap().flatten().any(|process| {
            fs::read(process.path().join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(&script))
        })
    };
    // The signal is sent; the system takes a moment to end an orphan.
    let gone = async {
        while lives() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, gone).await.unwrap();
}
