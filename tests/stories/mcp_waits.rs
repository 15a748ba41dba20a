//! A held call by MCP reaches its result, whatever its client's patience is: in its own answer, as a task, or by
//! `await_approval`.

use crate::given::{KEY, Shop, file, given_shop};
use countersign_server::clock::Clock as _;
use serde_json::{Value, json};
use std::time::Duration;
use support::{McpClient, pause, text};

fn at(shop: &Shop) -> McpClient {
    McpClient::new(&shop.desk.origin, KEY)
}

fn refund() -> Value {
    json!({"charge": "ch_1", "amount": 100})
}

/// The id of the one request that waits for approval.
pub async fn waiting(shop: &Shop) -> String {
    loop {
        let open = shop.agent.get("/v1/agents/me/pending-actions").await.expect(200);
        match open["items"].as_array().unwrap().as_slice() {
            [one] => return one["approval_id"].as_str().unwrap().to_owned(),
            [] => pause().await,
            many => panic!("{many:?}"),
        }
    }
}

/// A call's answer, with time passing until it comes.
async fn while_time_passes(shop: &Shop, call: impl Future<Output = Value>) -> Value {
    tokio::pin!(call);
    loop {
        tokio::select! {
            answer = &mut call => return answer,
            () = pause() => shop.desk.clock.forward(Duration::from_secs(1)),
        }
    }
}

/// The id that a client is told to come back with.
fn id_in(result: &Value) -> String {
    assert_eq!(result["isError"], true);
    let said = text(result);
    assert!(said.starts_with("Pending") && said.contains("not executed") && said.contains("await_approval"), "{said}");
    said.split("\"approval_id\": \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_call_that_is_approved_while_its_client_waits_gets_the_real_result() {
    let shop = given_shop().await;
    for client in [at(&shop), at(&shop).in_session().await, at(&shop).with_tasks()] {
        let call = client.call("shop_refunds_create", refund());
        let decide = async {
            let id = waiting(&shop).await;
            shop.dana.approve(&id).await.expect(200);
        };
        let (result, ()) = tokio::join!(call, decide);
        assert!(text(&result).contains("re_1"), "{result}");
    }
    assert_eq!(shop.upstream.requests().len(), 3);
}

#[tokio::test]
async fn a_call_is_held_for_all_of_its_fifty_seconds() {
    let shop = given_shop().await;
    let client = at(&shop);
    let call = client.call("shop_refunds_create", refund());
    let decide = async {
        let id = waiting(&shop).await;
        for _ in 0..4 {
            shop.desk.clock.forward(Duration::from_secs(12));
            // Whoever woke has had its turn by the time that this is answered.
            shop.agent.get("/v1/agent/permissions").await.expect(200);
        }
        shop.dana.approve(&id).await.expect(200);
    };
    let (result, ()) = tokio::join!(call, decide);
    assert!(text(&result).contains("re_1"), "after 48 seconds it still waited: {result}");
}

#[tokio::test]
async fn a_call_is_held_for_as_long_as_its_agents_wait_budget_says() {
    let shop = given_shop().await;
    let patient = file(&shop.upstream.url).replace("key_env: BOT_KEY}", "key_env: BOT_KEY, wait_budget_seconds: 300}");
    shop.apply_and_look(&patient).await;
    let client = at(&shop);
    let call = client.call("shop_refunds_create", refund());
    let decide = async {
        let id = waiting(&shop).await;
        for _ in 0..6 {
            shop.desk.clock.forward(Duration::from_secs(48));
            // Whoever woke has had its turn by the time that this is answered.
            shop.agent.get("/v1/agent/permissions").await.expect(200);
        }
        shop.dana.approve(&id).await.expect(200);
    };
    let (result, ()) = tokio::join!(call, decide);
    assert!(text(&result).contains("re_1"), "after 288 seconds it still waited: {result}");

    shop.change("/api/agents", "name", "invoice-bot", json!({"wait_budget_seconds": 20})).await;
    for (tool, arguments) in [("shop_refunds_create", None), ("await_approval", Some("approval_id"))] {
        let arguments = match arguments {
            Some(name) => json!({name: waiting(&shop).await}),
            None => refund(),
        };
        let began = shop.desk.clock.now().millis();
        while_time_passes(&shop, client.call(tool, arguments)).await;
        let waited = (shop.desk.clock.now().millis() - began) / 1_000;
        assert!((20..50).contains(&waited), "{tool} was held for {waited} seconds");
    }
}

#[tokio::test]
async fn a_wait_ends_when_the_agent_is_suspended() {
    let shop = given_shop().await;
    let held = json!({"connector": "shop", "tool": "refunds_create", "arguments": refund()});
    let id = shop.agent.ask(held).await.expect(202)["approval_id"].as_str().unwrap().to_owned();
    let (client, path) = (at(&shop), format!("/v1/approvals/{id}?wait=55"));
    let by_mcp = client.ask("tools/call", json!({"name": "await_approval", "arguments": {"approval_id": id}}));
    let by_http = shop.agent.get(&path);
    let suspend = async {
        // Given an id, and so about to wait.
        while shop.desk.database().await.numbers("SELECT COUNT(*) FROM requests WHERE handed_at > 0").await != [1] {
            pause().await;
        }
        shop.change("/api/agents", "name", "invoice-bot", json!({"status": "suspended"})).await;
    };
    let (by_mcp, by_http, ()) = tokio::join!(by_mcp, by_http, suspend);
    assert!(by_mcp["error"]["message"].as_str().unwrap().contains("opens nothing"), "{by_mcp}");
    assert!(by_http.status == 401 || by_http.status == 403, "{}", by_http.text);
}

#[tokio::test]
async fn a_client_that_is_told_to_come_back_gets_the_result_of_the_same_call() {
    let shop = given_shop().await;
    for client in [at(&shop), at(&shop).in_session().await] {
        let told = while_time_passes(&shop, client.call("shop_refunds_create", refund())).await;
        let id = id_in(&told);
        assert_eq!(id, waiting(&shop).await);
        let again = while_time_passes(&shop, client.call("await_approval", json!({"approval_id": id}))).await;
        assert_eq!(id_in(&again), id);
        shop.dana.approve(&id).await.expect(200);
        let result = client.call("await_approval", json!({"approval_id": id})).await;
        assert!(text(&result).contains("re_1"), "{result}");
    }
    assert_eq!(shop.upstream.requests().len(), 2);
}

#[tokio::test]
async fn a_client_that_knows_tasks_is_given_one_that_outlives_the_server() {
    let shop = given_shop().await;
    let client = at(&shop).with_tasks();
    let task = while_time_passes(&shop, client.call("shop_refunds_create", refund())).await;
    let id = waiting(&shop).await;
    assert_eq!((&task["resultType"], &task["status"]), (&json!("task"), &json!("working")), "{task}");
    assert_eq!((&task["taskId"], &task["pollIntervalMs"]), (&json!(id), &json!(2_000)));
    assert_eq!(task["ttlMs"], 600_000);

    let Shop { desk, upstream, dana, .. } = shop;
    let desk = desk.restart().await;
    let shop = Shop { agent: desk.agent(KEY), dana: dana.at(&desk), desk, upstream };
    let client = at(&shop).with_tasks();
    let get = || client.ask("tasks/get", json!({"taskId": id}));
    assert_eq!(get().await["result"]["status"], "working");
    shop.dana.approve(&id).await.expect(200);
    shop.agent.end_of(&id).await;
    let done = get().await["result"].clone();
    assert_eq!((&done["status"], &done["resultType"]), (&json!("completed"), &json!("complete")), "{done}");
    assert!(text(&done["result"]).contains("re_1"), "{done}");
    // A task may be read again.
    assert_eq!(get().await["result"]["result"], done["result"]);
    assert_eq!(shop.upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_task_that_is_denied_has_completed_with_a_plain_sentence() {
    let shop = given_shop().await;
    let client = at(&shop).with_tasks();
    while_time_passes(&shop, client.call("shop_refunds_create", refund())).await;
    let id = waiting(&shop).await;
    shop.dana.deny(&id, "Not this one.").await.expect(200);
    let done = client.ask("tasks/get", json!({"taskId": id})).await["result"].clone();
    assert_eq!((&done["status"], &done["result"]["isError"]), (&json!("completed"), &json!(true)));
    assert_eq!(text(&done["result"]), "Denied by Dana Kim: Not this one.\nIt was not executed.");
}

#[tokio::test]
async fn a_task_is_its_agents_alone_and_is_cancelled_while_it_waits() {
    let shop = given_shop().await;
    let client = at(&shop).with_tasks();
    while_time_passes(&shop, client.call("shop_refunds_create", refund())).await;
    let id = waiting(&shop).await;
    for stranger in ["not-an-id", "01a20fb1-db26-7727-86ea-8cee0dc1950f"] {
        for method in ["tasks/get", "tasks/cancel", "tasks/update"] {
            let mut params = json!({"taskId": stranger});
            if method == "tasks/update" {
                params["inputResponses"] = json!({});
            }
            let answer = client.ask(method, params).await;
            assert_eq!(answer["error"]["code"], -32602, "{method} {stranger}: {answer}");
        }
    }
    assert!(client.ask("tasks/cancel", json!({"taskId": id})).await["result"].is_object());
    assert_eq!(client.ask("tasks/get", json!({"taskId": id})).await["result"]["status"], "cancelled");
    assert_eq!(shop.dana.end_of(&id).await["state"], "withdrawn");
    let unaware = at(&shop).ask("tasks/get", json!({"taskId": id})).await;
    assert_eq!(unaware["error"]["code"], -32021, "{unaware}");
}

#[tokio::test]
async fn what_was_denied_or_ran_out_or_was_taken_back_says_so() {
    let shop = given_shop().await;
    let client = at(&shop);
    let id = id_in(&while_time_passes(&shop, client.call("shop_refunds_create", refund())).await);
    shop.desk.clock.forward(Duration::from_secs(600));
    let expired = client.call("await_approval", json!({"approval_id": id})).await;
    assert_eq!(text(&expired), "Expired: nobody decided in time. It was not executed.");

    let id = id_in(&while_time_passes(&shop, client.call("shop_refunds_create", refund())).await);
    let taken = client.call("cancel_approval", json!({"approval_id": id})).await;
    assert_eq!((text(&taken), &taken["isError"]), ("The call was taken back. It was not executed.", &json!(false)));
    let twice = client.call("cancel_approval", json!({"approval_id": id})).await;
    assert_eq!(twice["isError"], true);
    let withdrawn = client.call("await_approval", json!({"approval_id": id})).await;
    assert!(text(&withdrawn).starts_with("Withdrawn"), "{withdrawn}");

    for odd in [
        json!({}),
        json!({"approval_id": 7}),
        json!({"approval_id": "x"}),
        json!({"approval_id": "01a20fb1-db26-7727-86ea-8cee0dc1950f"}),
    ] {
        assert_eq!(client.call("await_approval", odd).await["isError"], true);
    }
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn two_equal_calls_at_once_are_one_card_and_one_effect_and_both_hear_of_it() {
    let shop = given_shop().await;
    let (one, other) = (at(&shop), at(&shop).in_session().await);
    let decide = async {
        let id = waiting(&shop).await;
        // Both have come before it is decided.
        while shop.desk.database().await.numbers("SELECT COUNT(*) FROM requests").await != [1] {
            pause().await;
        }
        shop.dana.approve(&id).await.expect(200);
    };
    let (first, second, ()) =
        tokio::join!(one.call("shop_refunds_create", refund()), other.call("shop_refunds_create", refund()), decide);
    assert!(text(&first).contains("re_1") && text(&second).contains("re_1"), "{first} {second}");
    assert_eq!(shop.upstream.requests().len(), 1);
    assert_eq!(shop.desk.database().await.numbers("SELECT COUNT(*) FROM requests").await, [1]);
}

#[tokio::test]
async fn a_client_that_asked_for_progress_hears_that_its_call_still_waits() {
    let shop = given_shop().await;
    let client = at(&shop).in_session().await;
    let params = json!({"name": "shop_refunds_create", "arguments": refund(), "_meta": {"progressToken": "p"}});
    let sent = async { json!(client.request("tools/call", params).send().await.unwrap().text().await.unwrap()) };
    let told = while_time_passes(&shop, sent).await;
    let told = told.as_str().unwrap();
    assert!(told.matches("notifications/progress").count() >= 2, "{told}");
    assert!(told.contains("Pending"), "{told}");
}

#[tokio::test]
async fn an_agent_with_too_many_pending_calls_is_told_so_by_the_tool() {
    let shop = given_shop().await;
    let client = at(&shop);
    for amount in 1..=20 {
        let body =
            json!({"connector": "shop", "tool": "refunds_create", "arguments": {"charge": "c", "amount": amount}});
        shop.agent.ask(body).await.expect(202);
    }
    let refused = client.call("shop_refunds_create", refund()).await;
    assert!(text(&refused).contains("20 requests of this agent wait"), "{refused}");
}

#[tokio::test]
async fn what_the_agent_does_itself_is_claimed_when_it_hears_of_the_approval() {
    let shop = given_shop().await;
    let client = at(&shop);
    let call = client.call("shell_run", json!({"command": "make deploy"}));
    let decide = async {
        let id = waiting(&shop).await;
        shop.dana.approve(&id).await.expect(200);
        id
    };
    let (result, id) = tokio::join!(call, decide);
    assert!(text(&result).contains("{\"command\":\"make deploy\"}"), "{result}");
    let twice = shop.agent.send(reqwest::Method::POST, &format!("/v1/approvals/{id}/claim"), &[], String::new()).await;
    assert_eq!((twice.status, twice.code()), (409, "already_claimed"));
}

#[tokio::test]
async fn all_who_wait_for_one_leave_by_mcp_hear_the_same_and_a_task_says_it_again() {
    let shop = given_shop().await;
    let ask = json!({"connector": "shell", "tool": "run", "arguments": {"command": "make deploy"}});
    let id = shop.agent.ask(ask).await.expect(202)["approval_id"].as_str().unwrap().to_owned();
    let (one, other) = (at(&shop), at(&shop));
    let wait = |client: McpClient| {
        let id = id.clone();
        async move { client.call("await_approval", json!({"approval_id": id})).await }
    };
    let decide = async { shop.dana.approve(&id).await.expect(200) };
    let (first, second, _) = tokio::join!(wait(one), wait(other), decide);
    assert_eq!(text(&first), text(&second));
    assert!(text(&first).contains(&id) && text(&first).contains("don't do it again"), "{first}");
    let task = at(&shop).with_tasks();
    for _ in 0..2 {
        let read = task.ask("tasks/get", json!({"taskId": id})).await;
        assert_eq!(text(&read["result"]["result"]), text(&first), "{read}");
    }
}

#[tokio::test]
async fn what_was_claimed_at_another_door_is_told_as_such() {
    let shop = given_shop().await;
    let ask = json!({"connector": "shell", "tool": "run", "arguments": {"command": "make deploy"}});
    let id = shop.agent.ask(ask).await.expect(202)["approval_id"].as_str().unwrap().to_owned();
    shop.dana.approve(&id).await.expect(200);
    shop.agent.send(reqwest::Method::POST, &format!("/v1/approvals/{id}/claim"), &[], String::new()).await.expect(200);
    let told = at(&shop).call("await_approval", json!({"approval_id": id})).await;
    assert!(told["isError"] == true && text(&told).contains("claimed before"), "{told}");
}
