//! Stories of `http` connectors.

use super::upstream::{Then, Upstream, response};
use super::*;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

fn spec(base_url: &str, allow_private: bool, timeout: Duration) -> Arc<ConnectorSpec> {
    let settings =
        Settings::Http { base_url: check_base_url(base_url).unwrap(), allow_private, health_path: None, timeout };
    Arc::new(ConnectorSpec { id: CONNECTOR, slug: "api".into(), settings })
}

/// A call of a whole URL on a connector whose base is the URL's origin.
fn a_call(method: &str, url: &str) -> Outgoing {
    let origin = Url::parse(url).unwrap().origin().ascii_serialization();
    Outgoing {
        request_id: REQUEST,
        connector: spec(&origin, true, DEFAULT_TIMEOUT),
        schema_hash: None,
        tool: "tool".into(),
        target: Target::Http { method: method.into(), url: url.into() },
        arguments: Canonical::of(&json!({})).unwrap(),
        body: None,
        credential: None,
        progress: None,
    }
}

fn with_timeout(mut call: Outgoing, millis: u64) -> Outgoing {
    let Settings::Http { base_url, allow_private, .. } = &call.connector.settings else { unreachable!() };
    call.connector = spec(base_url.as_str(), *allow_private, Duration::from_millis(millis));
    call
}

fn without_leave_for_private(mut call: Outgoing) -> Outgoing {
    let Settings::Http { base_url, .. } = &call.connector.settings else { unreachable!() };
    call.connector = spec(base_url.as_str(), false, DEFAULT_TIMEOUT);
    call
}

fn with_credential(mut call: Outgoing, placement: CredentialPlacement, name: Option<&str>, secret: &str) -> Outgoing {
    call.credential = Some(Credential { placement, name: name.map(str::to_owned), secret: secret.into() });
    call
}

async fn get(upstream: &Upstream) -> Attempt {
    Connectors::new().call(a_call("GET", &upstream.url("/x"))).await
}

#[tokio::test]
async fn a_call_arrives_once_and_byte_for_byte() {
    let upstream =
        Upstream::answering(&[&response("200 OK", "application/json", "{\"ok\":true}")], Then::KeepOpen).await;
    let mut call = a_call("POST", &upstream.url("/v1/charges/a%2Fb?x=%20y"));
    call.body = Some(br#"{"amount":1.5,"to":"x"}"#.to_vec());
    let answer = answered(Connectors::new().call(call).await);
    assert_eq!((answer.status, answer.data), (200, json!({"ok": true})));
    assert_eq!(answer.content_type.as_deref(), Some("application/json"));
    let expected = format!(
        "POST /v1/charges/a%2Fb?x=%20y HTTP/1.1\r\nidempotency-key: {REQUEST}\r\naccept: application/json, */*\r\n\
         content-type: application/json\r\nuser-agent: countersign/{}\r\nhost: {}\r\ncontent-length: 23\r\n\r\n\
         {{\"amount\":1.5,\"to\":\"x\"}}",
        env!("CARGO_PKG_VERSION"),
        upstream.address,
    );
    assert_eq!(upstream.request(), expected);
}

#[tokio::test]
async fn each_placement_puts_the_credential_where_it_belongs() {
    let upstream = Upstream::answering(&[&response("204 No Content", "", "")], Then::Close).await;
    let call = || a_call("GET", &upstream.url("/x?a=1"));
    let connectors = Connectors::new();
    for call in [
        with_credential(call(), CredentialPlacement::Bearer, None, "s3cr3t token"),
        with_credential(call(), CredentialPlacement::Header, Some("X-Api-Key"), "s3cr3t"),
        with_credential(call(), CredentialPlacement::Basic, None, "user:pass word"),
        with_credential(call(), CredentialPlacement::Query, Some("key"), "s3cr3t&b c"),
    ] {
        answered(connectors.call(call).await);
    }
    let sent = upstream.requests();
    assert!(sent[0].contains("\r\nauthorization: Bearer s3cr3t token\r\n"), "{}", sent[0]);
    assert!(sent[1].contains("\r\nx-api-key: s3cr3t\r\n"), "{}", sent[1]);
    assert!(sent[2].contains("\r\nauthorization: Basic dXNlcjpwYXNzIHdvcmQ=\r\n"), "{}", sent[2]);
    assert!(sent[3].starts_with("GET /x?a=1&key=s3cr3t%26b+c HTTP/1.1\r\n"), "{}", sent[3]);
    assert!(sent[1..].iter().all(|request| !request.contains("Bearer")));
}

#[tokio::test]
async fn a_credential_that_would_break_the_request_is_refused() {
    let upstream = Upstream::answering(&[""], Then::Close).await;
    let call = || a_call("GET", &upstream.url("/x"));
    let connectors = Connectors::new();
    for call in [
        with_credential(call(), CredentialPlacement::Bearer, None, "secret\r\nHost: evil"),
        with_credential(call(), CredentialPlacement::Header, Some("Host"), "secret"),
        with_credential(call(), CredentialPlacement::Header, Some("content-length"), "secret"),
        with_credential(call(), CredentialPlacement::Header, Some("not a name"), "secret"),
        with_credential(call(), CredentialPlacement::Header, None, "secret"),
        with_credential(call(), CredentialPlacement::Query, None, "secret"),
    ] {
        assert!(!not_sent(connectors.call(call).await).contains("secret"));
    }
    assert_eq!(upstream.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn an_upstream_that_echoes_the_credential_does_not_give_it_away() {
    let body = json!({"url": "/?key=s3cr3t-token", "you": ["Bearer s3cr3t-token"]}).to_string();
    let upstream = Upstream::answering(&[&response("200 OK", "application/json", &body)], Then::Close).await;
    let call = with_credential(a_call("GET", &upstream.url("/x")), CredentialPlacement::Bearer, None, "s3cr3t-token");
    let answer = answered(Connectors::new().call(call).await);
    assert!(!answer.data.to_string().contains("s3cr3t"), "{}", answer.data);
}

#[tokio::test]
async fn a_port_where_nobody_listens_means_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    drop(listener);
    assert!(not_sent(Connectors::new().call(a_call("GET", &url)).await).contains("refused"));
}

#[tokio::test]
async fn a_name_that_nobody_has_means_not_sent() {
    // A label this long can't exist; the resolver says so without asking the network.
    let url = format!("http://{}.invalid/x", "x".repeat(64));
    let call = with_credential(a_call("GET", &url), CredentialPlacement::Query, Some("k"), "s3cr3t");
    let sentence = not_sent(Connectors::new().call(call).await);
    assert!(sentence.contains("could not be resolved"), "{sentence}");
}

#[tokio::test]
async fn a_failed_tls_handshake_means_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/secret-path", listener.local_addr().unwrap());
    let calling = tokio::spawn(async move { Connectors::new().call(a_call("GET", &url)).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.write_all(b"this is not TLS\r\n").await.unwrap();
    let sentence = not_sent(calling.await.unwrap());
    assert!(sentence.contains("TLS"), "{sentence}");
    let mut sent = Vec::new();
    let _closed = stream.read_to_end(&mut sent).await;
    assert!(!String::from_utf8_lossy(&sent).contains("secret-path"));
}

#[tokio::test]
async fn a_redirect_is_the_result_and_is_not_followed() {
    let elsewhere = Upstream::answering(&[&response("200 OK", "text/plain", "reached")], Then::Close).await;
    for status in
        ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let redirect = format!("HTTP/1.1 {status}\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", elsewhere.url("/"));
        let upstream = Upstream::answering(&[&redirect], Then::Close).await;
        assert_eq!(answered(get(&upstream).await).status.to_string(), status[..3]);
        upstream.request();
    }
    assert_eq!(elsewhere.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn an_error_of_the_upstream_is_kept_as_its_answer() {
    let body = r#"{"error":"no funds"}"#;
    for status in
        ["402 Payment Required", "429 Too Many Requests", "500 Internal Server Error", "503 Service Unavailable"]
    {
        let upstream = Upstream::answering(&[&response(status, "application/json", body)], Then::Close).await;
        let answer = answered(get(&upstream).await);
        assert_eq!((answer.status.to_string().as_str(), &answer.data["error"]), (&status[..3], &json!("no funds")));
        upstream.request();
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_means_unknown() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"ok\":";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    for answer in [cut, chunked] {
        let upstream = Upstream::answering(&[answer], Then::Close).await;
        unknown(get(&upstream).await);
        upstream.request();
    }
}

#[tokio::test]
async fn no_answer_or_a_broken_one_means_unknown() {
    for answer in ["", "HTTP/1.1 200", "SSH-2.0-OpenSSH_9.6\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"] {
        let upstream = Upstream::answering(&[answer], Then::Close).await;
        unknown(get(&upstream).await);
        upstream.request();
    }
}

#[tokio::test]
async fn a_slow_upstream_means_unknown() {
    let begun = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{";
    for answer in ["", begun] {
        let upstream = Upstream::answering(&[answer], Then::KeepOpen).await;
        let call = with_timeout(a_call("GET", &upstream.url("/x")), 200);
        unknown(Connectors::new().call(call).await);
        upstream.request();
    }
}

#[tokio::test]
async fn a_query_credential_is_in_no_sentence() {
    for answer in ["", "nonsense", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"] {
        let upstream = Upstream::answering(&[answer], Then::Close).await;
        let call =
            with_credential(a_call("GET", &upstream.url("/x")), CredentialPlacement::Query, Some("key"), "s3cr3t");
        assert!(!unknown(Connectors::new().call(call).await).contains("s3cr3t"));
    }
}

#[tokio::test]
async fn a_ten_megabyte_answer_is_kept_to_its_first_megabyte() {
    let long = "x".repeat(10 << 20);
    let told = response("200 OK", "text/plain", &long);
    let untold = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n{long}");
    for (answer, note) in [(told, "10485760"), (untold, "longer than 1048576")] {
        let upstream = Upstream::answering(&[&answer], Then::Close).await;
        let answer = answered(get(&upstream).await);
        assert_eq!(answer.data.as_str().unwrap().len(), 1 << 20);
        assert!(answer.truncated.unwrap().contains(note));
    }
}

#[tokio::test]
async fn an_answer_of_just_a_megabyte_is_whole() {
    let upstream = Upstream::answering(&[&response("200 OK", "text/plain", &"x".repeat(1 << 20))], Then::Close).await;
    assert_eq!(answered(get(&upstream).await).truncated, None);
}

#[tokio::test]
async fn json_that_is_none_is_kept_as_it_came() {
    let upstream = Upstream::answering(&[&response("200 OK", "application/json", "{\"a\":1,}")], Then::Close).await;
    assert_eq!(answered(get(&upstream).await).data, json!("{\"a\":1,}"));
}

#[tokio::test]
async fn an_empty_answer_is_null() {
    let upstream = Upstream::answering(&["HTTP/1.1 204 No Content\r\n\r\n"], Then::Close).await;
    let answer = answered(get(&upstream).await);
    assert_eq!((answer.status, answer.data), (204, Value::Null));
}

#[tokio::test]
async fn a_head_request_ends_with_the_head() {
    let upstream = Upstream::answering(&["HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"], Then::KeepOpen).await;
    assert_eq!(answered(Connectors::new().call(a_call("HEAD", &upstream.url("/x"))).await).data, Value::Null);
}

#[tokio::test]
async fn a_private_address_is_refused_without_leave() {
    let upstream = Upstream::answering(&[&response("200 OK", "text/plain", "inside")], Then::Close).await;
    let port = upstream.address.port();
    let connectors = Connectors::new();
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "0.0.0.0",
        "localhost",
        "LOCALHOST",
    ] {
        let url = Url::parse(&format!("http://{host}:{port}/x")).unwrap();
        let sentence = not_sent(connectors.call(without_leave_for_private(a_call("GET", url.as_str()))).await);
        assert!(sentence.contains("private"), "{host}: {sentence}");
        let Settings::Http { base_url, .. } = &a_call("GET", url.as_str()).connector.settings else { unreachable!() };
        let check = connectors.check(&spec(base_url.as_str(), false, DEFAULT_TIMEOUT), None).await;
        assert!(check.unwrap_err().contains("private"), "{host}");
    }
    assert_eq!(upstream.requests(), Vec::<String>::new());
    let allowed = format!("http://localhost:{port}/x");
    assert_eq!(answered(connectors.call(a_call("GET", &allowed)).await).data, json!("inside"));
    // A connection that is open for one connector is none for another that may not go there.
    not_sent(connectors.call(without_leave_for_private(a_call("GET", &allowed))).await);
}

#[tokio::test]
async fn what_was_not_approved_is_not_sent() {
    let upstream = Upstream::answering(&[&response("200 OK", "text/plain", "x")], Then::Close).await;
    let connectors = Connectors::new();
    let mut outside = a_call("GET", "http://127.0.0.1:1/x");
    outside.connector = spec(&upstream.url("/"), true, DEFAULT_TIMEOUT);
    let mut beside = a_call("GET", &upstream.url("/v10/x"));
    beside.connector = spec(&upstream.url("/v1"), true, DEFAULT_TIMEOUT);
    let mut otherwise_spelled = a_call("GET", &upstream.url("/x"));
    otherwise_spelled.target = Target::Http { method: "GET".into(), url: upstream.url("/a/../x") };
    let mut stdio = a_call("GET", &upstream.url("/x"));
    stdio.target = Target::External {};
    let odd_method = a_call("CONNECT", &upstream.url("/x"));
    for call in [outside, beside, otherwise_spelled, stdio, odd_method] {
        not_sent(connectors.call(call).await);
    }
    assert_eq!(upstream.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_costs_no_call() {
    let keep = response("200 OK", "text/plain", "x");
    let upstream = Upstream::answering(&[&keep], Then::CloseWhenIdle).await;
    let connectors = Connectors::new();
    for _ in 0..20 {
        // Whether the client has seen the close yet is a race; a request must never go out twice for it.
        let _either = connectors.call(a_call("POST", &upstream.url("/x"))).await;
    }
    assert!(upstream.requests().len() <= 20, "{}", upstream.requests().len());
}

#[tokio::test]
async fn a_request_that_reached_a_reused_connection_is_never_sent_again() {
    let keep = response("200 OK", "text/plain", "x");
    let upstream = Upstream::answering(&[&keep, "HTTP/1.1 broken"], Then::KeepOpen).await;
    let connectors = Connectors::new();
    answered(connectors.call(a_call("POST", &upstream.url("/x"))).await);
    unknown(connectors.call(with_timeout(a_call("POST", &upstream.url("/x")), 500)).await);
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test]
async fn many_calls_at_once_arrive_once_each() {
    let upstream = Upstream::answering(&[&response("200 OK", "text/plain", "x")], Then::KeepOpen).await;
    let connectors = Connectors::new();
    let calls = (0..64).map(|_| connectors.call(a_call("POST", &upstream.url("/x"))));
    for attempt in futures::future::join_all(calls).await {
        answered(attempt);
    }
    assert_eq!(upstream.requests().len(), 64);
}

#[tokio::test]
async fn a_check_without_a_health_path_only_connects() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let checking =
        tokio::spawn(async move { Connectors::new().check(&spec(&base, true, DEFAULT_TIMEOUT), None).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut sent = Vec::new();
    stream.read_to_end(&mut sent).await.unwrap();
    assert_eq!(sent, b"");
    assert_eq!(checking.await.unwrap(), Ok(Vec::new()));
}

#[tokio::test]
async fn a_check_asks_for_the_health_path_with_the_credential() {
    let (well, ill) = (response("200 OK", "text/plain", "fine"), response("401 Unauthorized", "text/plain", "who?"));
    let upstream = Upstream::answering(&[&well, &ill], Then::Close).await;
    let settings = Settings::Http {
        base_url: check_base_url(&upstream.url("/v1")).unwrap(),
        allow_private: true,
        health_path: Some("/health".into()),
        timeout: DEFAULT_TIMEOUT,
    };
    let spec = Arc::new(ConnectorSpec { id: CONNECTOR, slug: "api".into(), settings });
    let credential = Credential { placement: CredentialPlacement::Bearer, name: None, secret: "s3cr3t".into() };
    let connectors = Connectors::new();
    assert_eq!(connectors.check(&spec, Some(&credential)).await, Ok(Vec::new()));
    assert!(connectors.check(&spec, Some(&credential)).await.unwrap_err().contains("401"));
    let asked = &upstream.requests()[0];
    assert!(
        asked.starts_with("GET /v1/health HTTP/1.1\r\n") && asked.contains("authorization: Bearer s3cr3t"),
        "{asked}"
    );
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let credential = Credential { placement: CredentialPlacement::Bearer, name: None, secret: "s3cr3t".into() };
    assert!(!format!("{credential:?}").contains("s3cr3t"));
    let settings =
        Settings::Mcp { command: vec![], env: vec![("KEY".into(), "s3cr3t".into())], timeout: DEFAULT_TIMEOUT };
    assert!(!format!("{settings:?}").contains("s3cr3t"));
}
