//! Hooks that can't ask, or are told nonsense: always a deny, or the agent's own user where that was said.

use crate::given::KEY;
use crate::hooks::{SAID, Said, given_desk, verdict};
use serde_json::{Value, json};
use support::{run, run_on};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const NOBODY: &str = "http://localhost:1";

async fn alone(said: &Said, url: &str, key: Option<&str>, more: &[&str]) -> Value {
    let mut words = vec!["hook", "--agent", said.agent];
    words.extend(more);
    let mut variables = vec![("COUNTERSIGN_URL", url)];
    variables.extend(key.map(|key| ("COUNTERSIGN_AGENT_KEY", key)));
    let ended = run_on(&said.text(), &words, &variables).await;
    assert!(!ended.said.contains("csk_") && !ended.complained.contains("csk_"), "{ended:?}");
    verdict(&ended)
}

#[tokio::test]
async fn a_desk_that_is_not_there_is_a_deny() {
    for said in &SAID {
        let reason = said.reason_in(&alone(said, NOBODY, Some(KEY), &[]).await);
        let why =
            "Countersign: the desk can't be reached at http://localhost:1: connection refused, nothing listens there";
        assert_eq!(reason, why, "{}", said.file);
    }
}

#[tokio::test]
async fn no_key_and_a_wrong_one_are_denies() {
    let desk = given_desk("allow").await;
    for said in &SAID {
        let reason = said.reason_in(&alone(said, &desk.desk.origin, None, &[]).await);
        assert!(reason.contains("no key"), "{}: {reason}", said.file);
        let reason = said.reason_in(&alone(said, &desk.desk.origin, Some("csk_wrong"), &[]).await);
        assert!(reason.contains("opens nothing"), "{}: {reason}", said.file);
    }
}

#[tokio::test]
async fn the_agents_own_user_decides_where_that_is_said_and_can_be() {
    for said in &SAID {
        let words = ["--on-unreachable", "ask"];
        if ["codex", "gemini", "opencode"].contains(&said.agent) {
            let ended = run(&["hook", "--agent", said.agent, words[0], words[1]], &[]).await;
            assert_eq!((ended.code, ended.said.as_str()), (Some(2), ""), "{}", said.file);
            assert!(ended.complained.contains("can't ask its user"), "{}", ended.complained);
            continue;
        }
        let answer = alone(said, NOBODY, Some(KEY), &words).await;
        match said.file {
            "claude-code.json" => assert_eq!(answer["hookSpecificOutput"]["permissionDecision"], "ask"),
            "claude-code-permission.json" => assert_eq!(answer, json!({})),
            "copilot.json" => assert_eq!(answer["permissionDecision"], "ask"),
            _ => assert_eq!(answer["permission"], "ask"),
        }
    }
}

#[tokio::test]
async fn a_tool_that_the_desk_does_not_know_is_denied_with_what_to_add() {
    let desk = given_desk("allow").await;
    let mut said = SAID[0].json();
    said["tool_name"] = json!("mcp__git hub__push");
    let variables = [("COUNTERSIGN_URL", desk.desk.origin.as_str()), ("COUNTERSIGN_AGENT_KEY", KEY)];
    let hook = |more: &'static [&'static str]| {
        let (text, mut words) = (said.to_string(), vec!["hook", "--agent", "claude-code"]);
        words.extend(more);
        async move { verdict(&run_on(text.as_bytes(), &words, &variables).await) }
    };
    let reason = SAID[0].reason_in(&hook(&[]).await);
    let tool = r#"[{name: "mcp__git/20/hub__push", effect: destructive}]"#;
    assert!(reason.contains("slug: claude-code") && reason.contains(tool), "{reason}");
    assert_eq!(hook(&["--unknown-tools", "allow"]).await, json!({}));
    let reason = SAID[0].reason_in(&hook(&["--connector", "other"]).await);
    assert!(reason.contains("slug: other"), "{reason}");
}

#[tokio::test]
async fn tools_that_only_read_are_not_asked_about_where_a_matcher_can_not_say_so() {
    for (said, key, tool) in [(&SAID[4], "toolName", "view"), (&SAID[7], "tool", "read")] {
        let mut text = said.json();
        text[key] = json!(tool);
        let variables = [("COUNTERSIGN_URL", NOBODY), ("COUNTERSIGN_AGENT_KEY", KEY)];
        let ended = run_on(text.to_string().as_bytes(), &["hook", "--agent", said.agent], &variables).await;
        assert_eq!(verdict(&ended), said.no_opinion());
    }
}

/// What no agent should say.
fn nonsense(said: &Said) -> Vec<(Vec<u8>, &'static str)> {
    let without = |fields: &[&str]| {
        let mut said = said.json();
        fields.iter().for_each(|field| drop(said.as_object_mut().unwrap().remove(*field)));
        said.to_string().into_bytes()
    };
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes();
    let mut odd = vec![
        (Vec::new(), "is empty"),
        (b" \n".to_vec(), "is empty"),
        (b"rm -rf /".to_vec(), "the hook's input"),
        (b"{\"tool_name\":\"Bash\"".to_vec(), "the hook's input"),
        (b"[]".to_vec(), "no JSON object"),
        (b"{}".to_vec(), "has no text"),
        (b"{\"a\":1,\"a\":2}".to_vec(), "the hook's input"),
        (vec![0xff, 0xfe], "the hook's input"),
        (deep, "the hook's input"),
        (vec![b' '; 10 * 1024 * 1024 + 1], "over 10 MiB"),
        (without(&["tool_name", "toolName", "tool", "command"]), "has no text"),
        (without(&["tool_input", "toolArgs", "args", "command"]), "the hook's input has no"),
    ];
    if said.agent != "copilot" {
        let mut other = said.json();
        other[if said.agent == "opencode" { "event" } else { "hook_event_name" }] = json!("SessionStart");
        odd.push((other.to_string().into_bytes(), "not for the event \"SessionStart\""));
    }
    odd
}

#[tokio::test]
async fn nonsense_is_a_deny_that_blocks() {
    for said in &SAID {
        let code = if ["copilot", "opencode"].contains(&said.agent) { 0 } else { 2 };
        for (text, why) in nonsense(said) {
            let variables = [("COUNTERSIGN_URL", NOBODY), ("COUNTERSIGN_AGENT_KEY", KEY)];
            let ended = run_on(&text, &["hook", "--agent", said.agent], &variables).await;
            let start = String::from_utf8_lossy(&text[..text.len().min(60)]).into_owned();
            assert_eq!(ended.code, Some(code), "{} {start:?}: {ended:?}", said.file);
            assert!(ended.complained.contains(why), "{} {start:?}: {}", said.file, ended.complained);
            let answer: Value = serde_json::from_str(&ended.said).unwrap();
            assert!(answer.to_string().contains("deny"), "{answer}");
        }
    }
}

#[tokio::test]
async fn what_the_desk_can_not_store_is_a_deny() {
    let desk = given_desk("allow").await;
    let variables = [("COUNTERSIGN_URL", desk.desk.origin.as_str()), ("COUNTERSIGN_AGENT_KEY", KEY)];
    let mut said = SAID[0].json();
    said["tool_input"]["command"] = json!("x".repeat(2 * 1024 * 1024));
    let ended = run_on(said.to_string().as_bytes(), &["hook", "--agent", "claude-code"], &variables).await;
    let reason = SAID[0].reason_in(&verdict(&ended));
    assert!(reason.starts_with("Countersign: "), "{reason}");
}

/// Answers every call with this, and is no desk.
async fn no_desk(answer: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut heard = [0; 4096];
            let _ = stream.read(&mut heard).await;
            let head = format!("content-length: {}\r\nconnection: close\r\n\r\n", answer.len() - 3);
            let call = format!("HTTP/1.1 {} So\r\n{head}{}", &answer[..3], &answer[3..]);
            let _ = stream.write_all(call.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    format!("http://127.0.0.1:{port}")
}

#[tokio::test]
async fn an_address_that_is_no_desks_is_named_with_what_is_wrong_with_it() {
    let desk = given_desk("allow").await;
    let within = format!("{}/desk/", desk.desk.origin);
    let with_secret = within.replace("http://", "http://mina:hunter2@") + "?token=hunter2#hunter2";
    let by_tls = desk.desk.origin.replace("http://", "https://");
    let no_desk_at = |url: &str, why: &str| format!("{} is not a Countersign desk: {why}", url.trim_end_matches('/'));
    let page = no_desk("404<h1>Not found</h1>").await;
    let other = no_desk("404{\"detail\":\"Not Found\"}").await;
    let friendly = no_desk("200{\"hello\":\"world\"}").await;
    let greeting = no_desk("200<h1>It works!</h1>").await;
    for (url, why) in [
        (&within, no_desk_at(&within, "it answered with status 40")),
        (&with_secret, no_desk_at(&within, "it answered with status 40")),
        (&page, no_desk_at(&page, "it answered with status 404 Not Found")),
        (&other, no_desk_at(&other, "it answered with status 404 Not Found")),
        (&friendly, no_desk_at(&friendly, "it answered with something else")),
        (&greeting, no_desk_at(&greeting, "it answered with something else")),
        (&by_tls, format!("the desk can't be reached at {by_tls}: it does not speak https there")),
    ] {
        let reason = SAID[0].reason_in(&alone(&SAID[0], url, Some(KEY), &[]).await);
        assert!(reason.starts_with(&format!("Countersign: {why}")), "{url}: {reason}");
        assert!(!reason.contains("hunter2"), "{reason}");
        let ended = run(&["ask", "--", "true"], &[("COUNTERSIGN_URL", url), ("COUNTERSIGN_AGENT_KEY", KEY)]).await;
        assert!(ended.complained.contains(&why), "{url}: {}", ended.complained);
        assert_eq!(ended.code, Some(if *url == by_tls { 75 } else { 78 }), "{url}");
    }
}

#[tokio::test]
async fn a_session_that_the_desk_does_not_take_is_named() {
    let desk = given_desk("allow").await;
    let mut said = SAID[0].json();
    said["session_id"] = json!("a\nb");
    let variables = [("COUNTERSIGN_URL", desk.desk.origin.as_str()), ("COUNTERSIGN_AGENT_KEY", KEY)];
    let ended = run_on(said.to_string().as_bytes(), &["hook", "--agent", "claude-code"], &variables).await;
    let reason = SAID[0].reason_in(&verdict(&ended));
    assert!(reason.contains("`session_id`") && reason.contains("none of them a control character"), "{reason}");
}
