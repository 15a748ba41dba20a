//! A client that goes away: the same ask joins what is open, nothing runs for an absent caller, and one that does not
//! come back has asked for nothing.

use crate::given::{KEY, Shop, given_shop};
use crate::mcp_waits::waiting;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use support::{McpClient, pause, text};

const TWO_MINUTES: Duration = Duration::from_secs(120);

fn at(shop: &Shop) -> McpClient {
    McpClient::new(&shop.desk.origin, KEY)
}

fn refund() -> Value {
    json!({"charge": "ch_1", "amount": 100})
}

async fn count(shop: &Shop, condition: &str) -> i64 {
    let query = format!("SELECT COUNT(*) FROM requests WHERE {condition}");
    shop.desk.database().await.numbers(&query).await[0]
}

/// A client that asked and hung up before it heard anything; its request's id.
async fn hung_up(shop: &Shop, client: &McpClient) -> String {
    let id = {
        let call = client.call("shop_refunds_create", refund());
        tokio::pin!(call);
        tokio::select! {
            answer = &mut call => panic!("{answer}"),
            id = waiting(shop) => id,
        }
    };
    while count(shop, "away_at IS NOT NULL").await == 0 {
        pause().await;
    }
    id
}

#[tokio::test]
async fn the_same_call_joins_the_request_of_a_client_that_hung_up() {
    let shop = given_shop().await;
    for client in [at(&shop), at(&shop).in_session().await] {
        let id = hung_up(&shop, &client).await;
        let again = client.call("shop_refunds_create", refund());
        let decide = async {
            while count(&shop, "away_at IS NOT NULL").await == 1 {
                pause().await;
            }
            shop.dana.approve(&id).await.expect(200);
        };
        let (result, ()) = tokio::join!(again, decide);
        assert!(text(&result).contains("re_1"), "{result}");
    }
    assert_eq!((count(&shop, "1 = 1").await, shop.upstream.requests().len()), (2, 2));
}

#[tokio::test]
async fn what_is_approved_while_the_client_is_away_runs_when_it_comes_back() {
    let shop = given_shop().await;
    let client = at(&shop);
    let id = hung_up(&shop, &client).await;
    assert_eq!(shop.dana.approve(&id).await.expect(200)["state"], "approved");
    // Whatever is due is done: the lease of an execution is half a minute.
    shop.desk.clock.forward(Duration::from_secs(60));
    shop.agent.get(&format!("/v1/approvals/{id}")).await.expect(200);
    assert!(shop.upstream.requests().is_empty());
    let result = client.call("shop_refunds_create", refund()).await;
    assert!(text(&result).contains("re_1"), "{result}");
    assert_eq!((count(&shop, "1 = 1").await, shop.upstream.requests().len()), (1, 1));
}

#[tokio::test]
async fn a_client_that_does_not_come_back_has_asked_for_nothing() {
    let shop = given_shop().await;
    let client = at(&shop);
    let waits = hung_up(&shop, &client).await;
    shop.desk.clock.forward(TWO_MINUTES);
    assert_eq!(shop.dana.end_of(&waits).await["state"], "withdrawn");
    let approved = hung_up(&shop, &client).await;
    assert_ne!(approved, waits, "what was withdrawn is not joined");
    shop.dana.approve(&approved).await.expect(200);
    shop.desk.clock.forward(TWO_MINUTES);
    let card = shop.dana.end_of(&approved).await;
    assert_eq!(card["state"], "failed");
    let heard = shop.agent.get(&format!("/v1/approvals/{approved}")).await.expect(200);
    assert_eq!(heard["execution_error_code"], "not_sent");
    assert!(shop.upstream.requests().is_empty());
}

#[tokio::test]
async fn a_client_with_an_id_may_be_away_and_whoever_asks_next_gets_the_result() {
    let shop = given_shop().await;
    let client = at(&shop);
    let id = hung_up(&shop, &client).await;
    {
        // It comes back with the id, and hangs up again.
        let wait = client.call("await_approval", json!({"approval_id": id}));
        tokio::pin!(wait);
        tokio::select! {
            answer = &mut wait => panic!("{answer}"),
            () = async { while count(&shop, "handed_at IS NOT NULL").await == 0 { pause().await } } => {}
        }
    }
    shop.desk.clock.forward(TWO_MINUTES * 2);
    shop.dana.approve(&id).await.expect(200);
    assert_eq!(shop.dana.end_of(&id).await["state"], "succeeded");
    assert_eq!(shop.upstream.requests().len(), 1);
    let result = client.call("shop_refunds_create", refund()).await;
    assert!(text(&result).contains("re_1"), "the same call hears what nobody heard: {result}");
    assert_eq!((count(&shop, "1 = 1").await, shop.upstream.requests().len()), (1, 1));
}

#[tokio::test]
async fn an_end_that_was_heard_or_is_long_past_is_no_answer_to_a_new_call() {
    let shop = given_shop().await;
    let client = at(&shop);
    let id = hung_up(&shop, &client).await;
    shop.dana.deny(&id, "").await.expect(200);
    let heard = client.call("shop_refunds_create", refund()).await;
    assert_eq!(text(&heard), "Denied by Dana Kim. It was not executed.");
    let asked_anew = hung_up(&shop, &client).await;
    assert_ne!(asked_anew, id);
    shop.dana.deny(&asked_anew, "").await.expect(200);
    shop.desk.clock.forward(Duration::from_secs(601));
    let third = hung_up(&shop, &client).await;
    assert_ne!(third, asked_anew);
}

#[tokio::test]
async fn what_differs_in_anything_is_another_request() {
    let shop = given_shop().await;
    let client = at(&shop);
    let id = hung_up(&shop, &client).await;
    {
        let other = client.call("shop_refunds_create", json!({"charge": "ch_1", "amount": 101}));
        tokio::pin!(other);
        tokio::select! {
            answer = &mut other => panic!("{answer}"),
            () = async { while count(&shop, "1 = 1").await == 1 { pause().await } } => {}
        }
    }
    // By HTTP nothing is joined but by an Idempotency-Key.
    let body = json!({"connector": "shop", "tool": "refunds_create", "arguments": refund()});
    let by_http = shop.agent.ask(body).await.expect(202);
    assert_ne!(by_http["approval_id"], json!(id));
    assert_eq!(count(&shop, "1 = 1").await, 3);
}

#[tokio::test]
async fn after_a_restart_a_client_that_left_without_an_id_still_has_its_two_minutes() {
    let shop = given_shop().await;
    let client = at(&shop);
    let id = hung_up(&shop, &client).await;
    let shop = restarted(shop).await;
    shop.dana.approve(&id).await.expect(200);
    assert_eq!(shop.agent.get(&format!("/v1/approvals/{id}")).await.expect(200)["state"], "approved");
    let result = at(&shop).call("shop_refunds_create", refund()).await;
    assert!(text(&result).contains("re_1"), "{result}");
    assert_eq!(shop.upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_server_that_stops_tells_who_waits_the_id_and_the_call_goes_on_without_them() {
    let shop = given_shop().await;
    let client = at(&shop);
    let call = tokio::spawn(async move { client.call("shop_refunds_create", refund()).await });
    let id = waiting(&shop).await;
    let shop = restarted(shop).await;
    let told = call.await.unwrap();
    assert!(text(&told).contains("await_approval") && text(&told).contains(&id), "{told}");
    shop.dana.approve(&id).await.expect(200);
    while shop.upstream.requests().is_empty() {
        pause().await;
    }
    let result = at(&shop).call("await_approval", json!({"approval_id": id})).await;
    assert!(text(&result).contains("re_1"), "{result}");
    assert_eq!(shop.upstream.requests().len(), 1);
}

/// The shop after its desk was stopped and started again.
async fn restarted(shop: Shop) -> Shop {
    let Shop { desk, upstream, dana, .. } = shop;
    let desk = desk.restart().await;
    Shop { agent: desk.agent(KEY), dana: dana.at(&desk), desk, upstream }
}

#[tokio::test]
async fn a_coding_agents_hook_joins_like_a_client_by_mcp() {
    let shop = given_shop().await;
    let body = json!({"connector": "shell", "tool": "run", "arguments": {"command": "ls"}, "session_id": "s1"});
    let first = shop.agent.ask(body.clone()).await.expect(202);
    let second = shop.agent.ask(body.clone()).await.expect(202);
    assert_eq!(first["approval_id"], second["approval_id"]);
    let id = first["approval_id"].as_str().unwrap();
    shop.dana.approve(id).await.expect(200);
    let heard = shop.agent.ask_with(&[("prefer", "wait=5")], body.clone()).await.expect(200);
    assert_eq!((&heard["approval_id"], &heard["state"]), (&json!(id), &json!("approved")));
    shop.agent.send(Method::POST, &format!("/v1/approvals/{id}/claim"), &[], String::new()).await.expect(200);
    let anew = shop.agent.ask(body.clone()).await.expect(202);
    assert_ne!(anew["approval_id"], json!(id), "a claim is the answer's delivery");
    // What it runs itself is claimed once, so another session asks for itself.
    let mut elsewhere = body.clone();
    elsewhere["session_id"] = json!("s2");
    assert_ne!(shop.agent.ask(elsewhere).await.expect(202)["approval_id"], anew["approval_id"]);
    let mut long = body;
    long["session_id"] = json!("s".repeat(201));
    assert_eq!(shop.agent.ask(long).await.code(), "bad_request");
}
