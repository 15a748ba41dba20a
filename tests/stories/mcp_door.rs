//! What stands at `/mcp`: who is let in, which tools they see, and what a call that needs nobody answers.

use crate::given::{KEY, SECRET, Shop, VARIABLES, file, given_shop, given_shop_with, settled};
use crate::mcp_waits::waiting;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Answer, McpClient, Upstream, text};

/// Another agent's key.
const OTHER: &str = "csk_otherotherotherotherotherotherotherother0AA";

fn at(shop: &Shop) -> McpClient {
    McpClient::new(&shop.desk.origin, KEY)
}

/// The shop with a second agent, which may not use it.
async fn given_two_agents() -> Shop {
    let shop = given_shop().await;
    let more = "  - {name: invoice-bot, owner: mina@acme.test, key_env: BOT_KEY}
  - {name: other-bot, owner: mina@acme.test, key_env: OTHER_KEY, connectors: [shell]}
";
    let text =
        file(&shop.upstream.url).replace("  - {name: invoice-bot, owner: mina@acme.test, key_env: BOT_KEY}\n", more);
    let variables = [&VARIABLES[..], &[("OTHER_KEY", OTHER)]].concat();
    shop.desk.apply(&text, &variables).await;
    settled(&shop.desk.agent(OTHER)).await;
    shop
}

fn names(tools: &[(String, Value)]) -> Vec<&str> {
    tools.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn nobody_without_a_key_sees_even_an_empty_list() {
    let shop = given_shop().await;
    let refused = shop.desk.call(Method::POST, "/mcp", Some(&json!({}))).await;
    let challenge = refused.headers["www-authenticate"].to_str().unwrap().to_owned();
    assert_eq!(refused.code(), "unauthenticated");
    refused.expect(401);
    let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", shop.desk.origin);
    assert_eq!(challenge, format!("Bearer realm=\"countersign\", resource_metadata=\"{metadata}\""));
    let described = shop.desk.call(Method::GET, "/.well-known/oauth-protected-resource/mcp", None).await.expect(200);
    assert_eq!(described["resource"], format!("{}/mcp", shop.desk.origin));
    assert_eq!(described["bearer_methods_supported"], json!(["header"]));

    let wrong = at(&shop).with_key(OTHER).request("tools/list", json!({})).send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    assert!(wrong.headers()["www-authenticate"].to_str().unwrap().contains("error=\"invalid_token\""));
}

#[tokio::test]
async fn an_agent_sees_the_tools_that_it_may_use_and_what_they_need() {
    let shop = given_two_agents().await;
    let tools = at(&shop).tools().await;
    let seen = ["await_approval", "cancel_approval", "shell_run", "shop_charges_get", "shop_refunds_create"];
    assert_eq!(names(&tools), seen, "a tool that is always denied is not offered");
    let refund = &tools[4].1;
    assert!(refund["description"].as_str().unwrap().contains("Needs approval"), "{refund}");
    assert_eq!(refund["inputSchema"]["required"], json!(["charge", "amount"]));
    assert_eq!(refund["annotations"], json!({"readOnlyHint": false, "destructiveHint": true}));
    assert_eq!(tools[3].1["annotations"]["readOnlyHint"], true);

    let other = at(&shop).with_key(OTHER);
    assert_eq!(names(&other.tools().await), ["await_approval", "cancel_approval", "shell_run"]);
    let invisible = other.ask("tools/call", json!({"name": "shop_charges_get", "arguments": {"charge": "a"}})).await;
    let unknown = other.ask("tools/call", json!({"name": "shop_nothing", "arguments": {}})).await;
    assert_eq!(invisible["error"]["code"], -32602);
    let said = |answer: &Value| {
        answer["error"]["message"].as_str().unwrap().replace("shop_charges_get", "X").replace("shop_nothing", "X")
    };
    assert_eq!(said(&invisible), said(&unknown));
}

#[tokio::test]
async fn both_eras_are_offered_the_same() {
    let shop = given_shop().await;
    let stateless = at(&shop).tools().await;
    let session = at(&shop).in_session().await.tools().await;
    assert_eq!(names(&stateless), names(&session));
    let discovered = at(&shop).ask("server/discover", json!({})).await;
    let versions = discovered["result"]["supportedVersions"].as_array().unwrap();
    assert!(versions.contains(&json!("2026-07-28")) && versions.contains(&json!("2025-06-18")), "{discovered}");
    let listed = at(&shop).ask("tools/list", json!({})).await;
    assert_eq!(
        (&listed["result"]["cacheScope"], &listed["result"]["resultType"]),
        (&json!("private"), &json!("complete"))
    );
    assert!(listed["result"]["ttlMs"].as_i64().unwrap() > 0);
}

#[tokio::test]
async fn an_allowed_call_answers_with_the_body_as_it_came() {
    let shop = given_shop_with(Upstream::answering("{ \"id\": \"re_1\" }").await).await;
    for client in [at(&shop), at(&shop).in_session().await] {
        let result = client.call("shop_charges_get", json!({"charge": "ch_1"})).await;
        let body: Value = serde_json::from_str(text(&result)).unwrap();
        assert_eq!((body, &result["isError"]), (json!({"id": "re_1"}), &json!(false)));
    }
    let sent = shop.upstream.requests();
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|request| request.contains(SECRET)));
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_said_where_the_model_reads_it() {
    let shop = given_shop().await;
    let client = at(&shop);
    let wrong = client.call("shop_refunds_create", json!({"charge": "ch_1", "amount": "all"})).await;
    assert_eq!(wrong["isError"], true);
    assert_eq!(text(&wrong).matches("arguments/amount").count(), 1, "{wrong}");
    let denied = client.call("shop_shop_close", json!({})).await;
    assert_eq!(text(&denied), "Denied by the policy \"Never\". It was not executed.");
    let large = json!({"name": "shop_charges_get", "arguments": {"charge": "a", "n": 9_007_199_254_740_993_i64}});
    let refused = client.ask("tools/call", large).await;
    assert_eq!((&refused["error"]["code"], &refused["id"]), (&json!(-32600), &json!(1)));
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn what_is_no_message_is_told_so_as_json_rpc_says_it() {
    let shop = given_shop().await;
    let client = at(&shop);
    let deep = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let unread = [deep.as_str(), "{\"jsonrpc\":", "hello", ""].map(|message| (message, -32700));
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let batch = format!("[{list},{list}]");
    let odd = r#"{"jsonrpc":"2.0","id":{},"method":"tools/list"}"#;
    let old = r#"{"jsonrpc":"1.0","id":1,"method":"tools/list"}"#;
    let none = ["[]", "null", &batch, odd, old].map(|message| (message, -32600));
    for (message, code) in unread.into_iter().chain(none) {
        let sent = client.post(&json!({})).header("mcp-protocol-version", "2025-06-18").body(message.to_owned());
        let answer = Answer::read(sent.send().await.unwrap()).await;
        let error: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!((answer.status, &error["error"]["code"]), (400, &json!(code)), "{message}: {}", answer.text);
    }
}

#[tokio::test]
async fn of_two_keys_none_is_believed() {
    let shop = given_two_agents().await;
    let list = at(&shop).request("tools/list", json!({})).header("authorization", format!("Bearer {OTHER}"));
    let refused = Answer::read(list.send().await.unwrap()).await;
    assert_eq!((refused.status, refused.code()), (400, "bad_request"), "{}", refused.text);
}

#[tokio::test]
async fn a_second_request_of_the_same_id_in_a_session_is_refused_while_the_first_is_under_way() {
    let shop = given_shop().await;
    let session = at(&shop).in_session().await;
    let refund = json!({"charge": "ch_1", "amount": 5});
    let first = session.call("shop_refunds_create", refund.clone());
    let second = async {
        let id = waiting(&shop).await;
        let again = session.request("tools/list", json!({})).send().await.unwrap();
        assert_eq!(again.status(), 400);
        let again: Value = again.json().await.unwrap();
        assert_eq!(again["error"]["code"], -32600, "{again}");
        shop.dana.approve(&id).await.expect(200);
    };
    let (first, ()) = tokio::join!(first, second);
    assert!(first["isError"] != true, "{first}");
    assert_eq!(session.tools().await.len(), 5, "the id is free again");
}

#[tokio::test]
async fn the_desks_own_tools_take_nothing_but_an_id() {
    let shop = given_shop().await;
    let told = at(&shop).call("await_approval", json!({"approval_id": "x", "force": true})).await;
    assert!(text(&told).contains("\"force\" is no argument"), "{told}");
}

#[tokio::test]
async fn a_message_that_can_be_read_in_two_ways_is_not_read() {
    let shop = given_shop().await;
    let client = at(&shop);
    let twice = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"shop_charges_get","arguments":{"charge":"a","charge":"b"}}}"#;
    let sent = client.post(&json!({})).header("mcp-protocol-version", "2025-06-18").body(twice).send().await.unwrap();
    assert_eq!(sent.status(), 400);
    let answer: Value = sent.json().await.unwrap();
    assert_eq!(answer["error"]["code"], -32600);

    let call = json!({"name": "shop_charges_get", "arguments": {"charge": "a"}});
    for (header, value) in
        [("mcp-name", "shop_refunds_create"), ("mcp-method", "tools/list"), ("mcp-protocol-version", "2025-06-18")]
    {
        let mut request = client.request("tools/call", call.clone()).build().unwrap();
        request.headers_mut().insert(header, value.parse().unwrap());
        let refused = reqwest::Client::new().execute(request).await.unwrap();
        assert_eq!(refused.status(), 400, "{header}");
    }
    let mut nameless = client.request("tools/call", call).build().unwrap();
    nameless.headers_mut().remove("mcp-name");
    assert_eq!(reqwest::Client::new().execute(nameless).await.unwrap().status(), 400);
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn an_argument_that_a_header_repeats_must_be_the_same_in_both() {
    let shop = given_shop().await;
    let schema = "{type: object, properties: {charge: {type: string, x-mcp-header: Charge}}}";
    let marked = file(&shop.upstream.url).replace(
        r#""/charges/{charge}", effect: read}"#,
        &format!(r#""/charges/{{charge}}", effect: read, input_schema: {schema}}}"#),
    );
    shop.apply_and_look(&marked).await;
    let client = at(&shop);
    let call = || client.request("tools/call", json!({"name": "shop_charges_get", "arguments": {"charge": "ch_1"}}));
    for other in ["ch_2", "", "=?base64?Y2hfMg==?="] {
        let refused = call().header("mcp-param-charge", other).send().await.unwrap();
        assert_eq!(refused.status(), 400, "{other:?}");
        assert_eq!(refused.json::<Value>().await.unwrap()["error"]["code"], -32020);
    }
    assert!(shop.upstream.requests().is_empty());
    for same in ["ch_1", "=?base64?Y2hfMQ==?="] {
        assert_eq!(call().header("mcp-param-charge", same).send().await.unwrap().status(), 200, "{same:?}");
    }
    assert_eq!(shop.upstream.requests().len(), 2);
    // Only of a tool that the agent may use is it known what its headers say.
    let unseen = client.request("tools/call", json!({"name": "shop_nothing", "arguments": {"charge": "a"}}));
    let unknown: Value = unseen.header("mcp-param-charge", "b").send().await.unwrap().json().await.unwrap();
    assert_eq!(unknown["error"]["code"], -32602);
}

#[tokio::test]
async fn parameters_that_a_method_does_not_take_are_told_apart_from_a_method_that_there_is_not() {
    let shop = given_shop().await;
    let session = at(&shop).in_session().await;
    let odd = [
        ("tools/call", json!({"arguments": {}}), "name"),
        ("tools/call", json!({"name": 7}), "string"),
        ("tools/call", json!({"name": "shop_charges_get", "arguments": ["ch_1"]}), "map"),
        ("prompts/get", json!({}), "name"),
        ("resources/read", json!({"uri": ["a:b"]}), "string"),
        ("completion/complete", json!({"ref": {"type": "ref/prompt", "name": "x"}}), "argument"),
    ];
    for client in [at(&shop), session.clone()] {
        for (method, params, why) in &odd {
            let error = client.ask(method, params.clone()).await["error"].clone();
            let said = error["message"].as_str().unwrap_or_else(|| panic!("{method} {params}: no error"));
            assert!(error["code"] == -32602 && said.contains(&format!("`{method}`")), "{params}: {error}");
            assert!(said.contains(why) && !said.contains("struct"), "{params}: {error}");
        }
        assert_eq!(client.ask("tools/juggle", json!({})).await["error"]["code"], -32601);
    }
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": ["shop_charges_get"]});
    let nobody = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}});
    for (client, message) in [(&session, list), (&at(&shop), nobody)] {
        let answer: Value = client.post(&message).send().await.unwrap().json().await.unwrap();
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32602), &json!(1)), "{answer}");
    }
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn a_page_of_another_site_gets_nothing() {
    let shop = given_shop().await;
    let list = || at(&shop).request("tools/list", json!({}));
    assert_eq!(list().header("origin", "https://evil.test").send().await.unwrap().status(), 403);
    assert_eq!(list().header("host", "evil.test").send().await.unwrap().status(), 403);
    assert_eq!(list().header("origin", &shop.desk.origin).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_session_is_its_agents_alone() {
    let shop = given_two_agents().await;
    let session = at(&shop).in_session().await;
    let stolen = session.clone().with_key(OTHER);
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(stolen.send(method).await.status, 404);
    }
    assert_eq!(stolen.request("tools/list", json!({})).send().await.unwrap().status(), 404);
    assert_eq!(session.tools().await.len(), 5);
    assert!((200..300).contains(&session.send(Method::DELETE).await.status));
    assert_eq!(session.request("tools/list", json!({})).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn of_too_many_sessions_the_one_ends_that_was_used_the_longest_ago() {
    let shop = given_shop().await;
    let (used, unused) = (at(&shop).in_session().await, at(&shop).in_session().await);
    for _ in 0..98 {
        at(&shop).in_session().await;
    }
    assert_eq!(used.tools().await.len(), 5);
    at(&shop).in_session().await;
    assert_eq!(used.tools().await.len(), 5);
    assert_eq!(unused.request("tools/list", json!({})).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_session_outlives_a_restart_and_stays_its_agents() {
    let shop = given_two_agents().await;
    let session = at(&shop).in_session().await;
    let desk = shop.desk.restart().await;
    let moved = session.clone().at(&desk.origin);
    let stolen = moved.clone().with_key(OTHER);
    for method in [Method::GET, Method::DELETE] {
        stolen.send(method).await;
    }
    let second = moved.clone().numbered(2);
    let (one, other) = tokio::join!(moved.tools(), second.tools());
    assert_eq!((names(&one), one.len()), (names(&other), 5));
    let mut stream = moved.listen().await;
    let file = file(&shop.upstream.url)
        .replace("name: Never, action: deny, tools: [shop_close]", "name: Never, action: allow");
    desk.apply(&file, &VARIABLES).await;
    assert_eq!(stream.next().await.unwrap()["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn clients_hear_that_their_tools_are_others_now_and_only_then() {
    let shop = given_shop().await;
    let session = at(&shop).in_session().await;
    let mut streams = [at(&shop).subscribe().await, session.listen().await];
    // A change that shows to no agent, and then one that does.
    shop.dana.post("/api/agents", json!({"name": "quiet"})).await.expect(201);
    shop.apply_and_look(&file(&shop.upstream.url).replace("name: shop_close", "name: shop_shut")).await;
    shop.apply_and_look(
        &file(&shop.upstream.url)
            .replace("name: Never, action: deny, tools: [shop_close]", "name: Never, action: allow"),
    )
    .await;
    for stream in &mut streams {
        let told = stream.next().await.unwrap();
        assert_eq!(told["method"], "notifications/tools/list_changed", "{told}");
    }
}

#[tokio::test]
async fn the_streams_of_a_key_that_opens_nothing_any_more_end() {
    let shop = given_shop().await;
    let session = at(&shop).in_session().await;
    let mut streams = [at(&shop).subscribe().await, session.listen().await];
    shop.change("/api/agents", "name", "invoice-bot", json!({"status": "suspended"})).await;
    for stream in &mut streams {
        while stream.next().await.is_some() {}
    }
    assert_eq!(session.request("tools/list", json!({})).send().await.unwrap().status(), 403);
}
