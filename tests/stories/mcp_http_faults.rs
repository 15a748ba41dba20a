//! MCP servers at a URL that are down, cut off, move, forget or change.

use crate::given::{KEY, SECRET};
use crate::mcp_http_upstreams::{Distant, file};
use countersign_server::desk_file::DeskFile;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use support::{Desk, Era, Heard, Remote, pause};

const BOTH: [Era; 2] = [Era::Stateless, Era::Sessions];

#[tokio::test]
async fn a_call_of_a_server_that_is_down_is_not_sent_and_works_once_it_is_back() {
    for era in BOTH {
        let mut remote = Remote::start(era).await;
        let distant = Distant::well(&remote.url).await;
        remote.goes_down().await;
        let down = distant.call("stream").await;
        assert_eq!((down.status, down.code()), (502, "not_sent"), "{era:?}: {}", down.text);
        while distant.connector().await["status"] != "error" {
            pause().await;
        }
        remote.comes_back().await;
        assert_eq!(distant.check().await["status"], "connected");
        distant.call("stream").await.expect(200);
        assert_eq!(remote.calls("stream").len(), 1);
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_leaves_an_unknown_outcome_and_one_effect() {
    for era in BOTH {
        let remote = Remote::start(era).await;
        let distant = Distant::well(&remote.url).await;
        for tool in ["cut", "cut_stream"] {
            let cut = distant.call(tool).await;
            assert_eq!((cut.status, cut.code()), (502, "outcome_unknown"), "{era:?} {tool}: {}", cut.text);
            assert_eq!(remote.calls(tool).len(), 1, "{era:?} {tool}");
        }
        distant.call("stream").await.expect(200);
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_leaves_an_unknown_outcome_and_others_may_go_on() {
    for era in BOTH {
        let remote = Remote::start(era).await;
        let desk = Desk::impatient(Duration::from_secs(2)).await;
        let distant = Distant::at(desk, &remote.url, ", allow_private: true").await;
        assert_eq!(distant.check().await["status"], "connected");
        let hanging = distant.call("hang").await;
        assert_eq!((hanging.status, hanging.code()), (502, "outcome_unknown"), "{era:?}: {}", hanging.text);
        distant.call("stream").await.expect(200);
        assert_eq!(remote.calls("hang").len(), 1);
        // In the older era the server is told; in the newer one the end of the connection says so.
        let told = |heard: &Heard| heard.method == "notifications/cancelled";
        while era == Era::Sessions && !remote.heard().iter().any(told) {
            pause().await;
        }
        assert_eq!(remote.heard().iter().any(told), era == Era::Sessions);
    }
}

#[tokio::test]
async fn a_session_that_was_forgotten_is_begun_anew_and_the_call_made_once() {
    let remote = Remote::start(Era::Sessions).await;
    let distant = Distant::well(&remote.url).await;
    for _ in 0..3 {
        remote.forgets_sessions();
        let answer = distant.call("stream").await.expect(200);
        assert_eq!(answer["state"], "succeeded", "{answer}");
    }
    let known: Vec<_> = remote.calls("stream").iter().map(|call| call.headers["mcp-session-id"].clone()).collect();
    let mut sessions = known.clone();
    sessions.dedup();
    assert!((3..=6).contains(&known.len()) && sessions.len() >= 3, "{known:?}");
}

#[tokio::test]
async fn a_first_greeting_leaves_one_session_at_the_server_and_that_one_is_used() {
    let remote = Remote::start(Era::Sessions).await;
    let distant = Distant::well(&remote.url).await;
    distant.call("stream").await.expect(200);
    let begun = remote.heard().iter().filter(|heard| heard.method == "initialize").count();
    assert_eq!((begun, remote.sessions()), (1, 1));
}

#[tokio::test]
async fn a_server_that_forgets_every_session_is_not_greeted_again_and_again() {
    let remote = Remote::start(Era::Sessions).await;
    remote.remembers_no_session();
    let distant = Distant::given(&remote.url, ", allow_private: true").await;
    let checked = distant.check().await;
    assert_eq!(checked["status"], "error", "{checked}");
    assert!(checked["status_reason"].as_str().unwrap().contains("forgot the session"), "{checked}");
    let greeted = || remote.heard().iter().filter(|heard| heard.method == "initialize").count();
    let before = greeted();
    // Time enough for a hundred greetings.
    for _ in 0..100 {
        distant.agent.get("/v1/agent/permissions").await.expect(200);
    }
    assert!(greeted() <= before + 2, "greeted {} times more", greeted() - before);
}

#[tokio::test]
async fn an_answer_with_404_is_the_answer_and_no_lost_session() {
    for era in BOTH {
        let remote = Remote::start(era).await;
        let distant = Distant::well(&remote.url).await;
        let missing = distant.call("missing").await.expect(200);
        assert_eq!(missing["state"], "failed", "{missing}");
        assert!(missing["result"]["data"].to_string().contains("There is no such item."), "{missing}");
        assert_eq!(remote.calls("missing").len(), 1, "what may have happened is not done again");
    }
}

#[tokio::test]
async fn a_server_without_a_stream_of_its_own_is_left_alone() {
    let remote = Remote::start(Era::Sessions).await;
    remote.has_no_stream();
    let distant = Distant::well(&remote.url).await;
    for _ in 0..3 {
        assert_eq!(distant.call("stream").await.expect(200)["state"], "succeeded");
    }
    let listened = remote.heard().iter().filter(|heard| heard.http == Method::GET).count();
    assert_eq!(listened, 1, "it is believed, and its session kept");
}

#[tokio::test]
async fn a_server_that_was_down_when_it_was_set_up_offers_its_tools_once_it_is_back() {
    let mut remote = Remote::start(Era::Sessions).await;
    remote.goes_down().await;
    let distant = Distant::given(&remote.url, ", allow_private: true").await;
    assert_eq!(distant.check().await["status"], "error");
    remote.comes_back().await;
    // Nobody checks it: it is tried again by itself.
    while distant.agent.get("/v1/agent/permissions").await.expect(200)["connectors"][0]["tools"] == json!([]) {
        pause().await;
    }
}

#[tokio::test]
async fn an_http_error_is_the_answer_with_its_status_and_a_tools_own_error_says_so() {
    for era in BOTH {
        let remote = Remote::start(era).await;
        let distant = Distant::well(&remote.url).await;
        let busy = distant.call("busy").await.expect(200);
        assert_eq!((&busy["state"], &busy["result"]["status"]), (&json!("failed"), &json!(503)), "{busy}");
        assert_eq!(busy["execution_error"], "The upstream answered with status 503.");
        assert_eq!(busy["result"]["data"], "too busy");
        let failed = distant.call("fail").await.expect(200);
        assert_eq!((&failed["state"], &failed["result"]["status"]), (&json!("failed"), &json!(502)));
        assert_eq!(failed["execution_error"], "The tool reported an error.");
        assert_eq!((remote.calls("busy").len(), remote.calls("fail").len()), (1, 1));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_credential_stays_here() {
    for era in BOTH {
        let (remote, elsewhere) = (Remote::start(era).await, Remote::start(era).await);
        let distant = Distant::well(&remote.url).await;
        remote.moves_to(&elsewhere.url);
        let moved = distant.call("moved").await;
        assert_eq!((moved.status, moved.code()), (502, "outcome_unknown"), "{}", moved.text);
        assert!(moved.text.contains("redirect"), "{}", moved.text);
        assert_eq!((remote.calls("moved").len(), elsewhere.heard().len()), (1, 0));
    }
}

#[tokio::test]
async fn a_private_address_is_refused_where_the_connector_does_not_allow_it() {
    let remote = Remote::start(Era::Stateless).await;
    let by_name = remote.url.replace("127.0.0.1", "localhost");
    for url in [&remote.url, &by_name] {
        let distant = Distant::given(url, "").await;
        let checked = distant.check().await;
        assert_eq!(checked["status"], "error", "{checked}");
        assert!(checked["status_reason"].as_str().unwrap().contains("allow_private"), "{checked}");
    }
    assert!(remote.heard().is_empty());
}

#[tokio::test]
async fn a_tool_that_changed_in_silence_is_not_called() {
    for era in BOTH {
        let mut remote = Remote::start(era).await;
        let distant = Distant::well(&remote.url).await;
        let held = distant.ask("echo", &json!({})).await.expect(202);
        let id = held["approval_id"].as_str().unwrap();
        // The server is another one by now, and says so to nobody.
        remote.goes_down().await;
        remote.changes_tool("echo", false);
        remote.comes_back().await;
        distant.dana.approve(id).await.expect(200);
        let ended = distant.agent.end_of(id).await;
        assert_eq!((&ended["state"], remote.calls("echo").len()), (&json!("failed"), 0), "{ended}");
    }
}

#[tokio::test]
async fn another_credential_is_used_from_the_next_call_on() {
    let remote = Remote::start(Era::Sessions).await;
    let distant = Distant::well(&remote.url).await;
    distant.call("stream").await.expect(200);
    let with_credential = file(&remote.url, ", allow_private: true, credential: {env: UP_TOKEN, as: bearer}");
    distant.desk.apply(&with_credential, &[("BOT_KEY", KEY), ("UP_TOKEN", "another-credential-for-stories")]).await;
    let bearer = "Bearer another-credential-for-stories";
    while remote.calls("stream").last().unwrap().headers["authorization"] != bearer {
        distant.call("stream").await.expect(200);
    }
    let sent = remote.calls("stream").into_iter().map(|call| call.headers["authorization"].clone());
    let first = sent.clone().take_while(|value| *value == format!("Bearer {SECRET}")).count();
    assert!(sent.skip(first).all(|value| value == bearer));
}

#[test]
fn a_desk_file_says_how_one_server_is_reached_and_how_its_credential_goes() {
    let told = |url: &str, more: &str| -> String {
        let file = DeskFile::read(&file(url, more));
        file.problems().iter().map(|problem| format!("{} {}\n", problem.path, problem.message)).collect()
    };
    let url = "https://mcp.acme.test/mcp";
    assert_eq!(told(url, ", credential: {env: UP_TOKEN, as: bearer}"), "");
    assert!(told(url, ", command: [run]").contains("does not go with a command"));
    assert!(told(url, ", base_url: 'https://x.test'").contains("does not go with kind mcp"));
    assert!(told("ftp://mcp.acme.test", "").contains("must begin with http:// or https://"));
    assert!(told("https://me:pw@mcp.acme.test/", "").contains("use the connector's credential"));
    assert!(told(url, ", credential: {env: UP_TOKEN, as: header}").contains("header needs one"));
}
