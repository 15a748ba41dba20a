//! What an agent hears while its call is held, how long it may wait on the line, and how many may wait.

use crate::given::{KEY, SECRET, Shop, VARIABLES, file, given_shop, look_by_endpoint, refund};
use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use support::Answer;
use tokio::task::JoinHandle;

#[track_caller]
fn is(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text);
}

fn withdraw<'a>(shop: &'a Shop, id: &str) -> impl Future<Output = Answer> + 'a {
    let path = format!("/v1/approvals/{id}");
    async move { shop.agent.send(Method::DELETE, &path, &[], String::new()).await }
}

#[tokio::test]
async fn a_held_call_says_where_to_ask_for_it_and_when() {
    let shop = given_shop().await;
    let held = shop.agent.ask(refund(4_900)).await;
    assert_eq!(held.status, 202);
    let id = held.json["approval_id"].as_str().unwrap();
    assert_eq!(held.json["status"], "pending");
    assert!(held.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    assert!(!held.headers.contains_key("preference-applied"));
    let location = held.headers["location"].to_str().unwrap();
    assert_eq!(location, format!("/v1/approvals/{id}"));
    let there = shop.agent.get(location).await.expect(200);
    for field in ["approval_id", "status", "expires_at", "created_at"] {
        assert_eq!(there[field], held.json[field], "{field}");
    }
}

/// An agent that stays on the line, and the request that it waits for.
async fn given_one_on_the_line(shop: &Shop) -> (JoinHandle<Answer>, String) {
    let mut screen = shop.dana.watch(None).await;
    let agent = shop.agent.clone();
    let line = tokio::spawn(async move { agent.ask_with(&[("prefer", "wait=55")], refund(4_900)).await });
    let event = screen.next().await.unwrap();
    assert_eq!(event.name, "request.created");
    (line, event.data["id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn whoever_stays_on_the_line_hears_of_any_end_with_200() {
    let shop = given_shop().await;
    for end in ["denied", "withdrawn", "expired", "succeeded"] {
        let (line, id) = given_one_on_the_line(&shop).await;
        match end {
            "denied" => _ = shop.dana.deny(&id, "No.").await.expect(200),
            "withdrawn" => _ = withdraw(&shop, &id).await.expect(200),
            "succeeded" => _ = shop.dana.approve(&id).await.expect(200),
            _ => shop.desk.clock.forward(Duration::from_secs(10 * 60)),
        }
        let answer = line.await.unwrap();
        assert_eq!(answer.headers["preference-applied"], "wait=55");
        let heard = answer.expect(200);
        assert_eq!((heard["approval_id"].as_str(), heard["state"].as_str()), (Some(id.as_str()), Some(end)));
    }
    assert_eq!(shop.upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_failed_call_is_an_end_too() {
    let shop = given_shop().await;
    let (line, id) = given_one_on_the_line(&shop).await;
    let database = shop.hold_executions().await;
    shop.dana.approve(&id).await.expect(200);
    shop.change("/api/connectors", "slug", "shop", json!({"active": false})).await;
    shop.go_on(&database).await;
    let heard = line.await.unwrap().expect(200);
    assert_eq!((&heard["state"], &heard["execution_error_code"]), (&json!("failed"), &json!("revoked")));
}

#[tokio::test]
async fn a_wait_that_is_over_answers_as_if_nobody_had_waited() {
    let shop = given_shop().await;
    let over = shop.agent.ask_with(&[("prefer", "wait=0")], refund(4_900)).await;
    assert_eq!((over.status, &over.json["status"]), (202, &json!("pending")));
    assert_eq!(over.headers["preference-applied"], "wait=0");
    assert!(over.headers.contains_key("location") && over.headers.contains_key("retry-after"));
    for nonsense in ["wait=soon", "wait", "respond-async", ""] {
        let held = shop.agent.ask_with(&[("prefer", nonsense)], refund(4_900)).await;
        assert_eq!(held.status, 202, "{nonsense}");
        assert!(!held.headers.contains_key("preference-applied"), "{nonsense}");
    }
}

#[tokio::test]
async fn twenty_of_an_agents_requests_may_wait_and_an_end_makes_room() {
    let shop = given_shop().await;
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(shop.held().await);
    }
    let over = shop.agent.ask(refund(4_900)).await;
    is(&over, 429, "too_many_pending");
    assert!(over.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    // Nothing of the refused one is left, and what needs nobody's leave goes on.
    assert_eq!(shop.dana.get("/api/requests?state=all").await.expect(200)["items"].as_array().unwrap().len(), 20);
    shop.agent.ask(crate::given::look("ch_1")).await.expect(200);
    let other = shop.dana.post("/api/agents", json!({"name": "other", "owner": "mina@acme.test"})).await.expect(201);
    shop.desk.agent(other["key"].as_str().unwrap()).ask(refund(4_900)).await.expect(202);

    withdraw(&shop, &held[0]).await.expect(200);
    shop.held().await;
    is(&shop.agent.ask(refund(4_900)).await, 429, "too_many_pending");
    shop.dana.deny(&held[1], "").await.expect(200);
    shop.held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_ask_at_once_no_more_than_twenty_are_held() {
    let shop = given_shop().await;
    let asks = (0..32).map(|_| {
        let agent = shop.agent.clone();
        tokio::spawn(async move { agent.ask(refund(4_900)).await.status })
    });
    let statuses: Vec<_> = join_all(asks).await.into_iter().map(Result::unwrap).collect();
    let count = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(202), count(429)), (20, 12), "{statuses:?}");
    assert_eq!(
        shop.agent.get("/v1/agents/me/pending-actions").await.expect(200)["items"].as_array().unwrap().len(),
        20
    );
}

#[tokio::test]
async fn how_many_may_wait_is_the_desk_files_word() {
    let shop = given_shop().await;
    let settings = "settings: {max_pending_per_agent: 2}\n";
    shop.apply_and_look(&(file(&shop.upstream.url) + settings)).await;
    shop.held().await;
    shop.held().await;
    is(&shop.agent.ask(refund(4_900)).await, 429, "too_many_pending");
    shop.apply_and_look(&(file(&shop.upstream.url) + "settings: {max_pending_per_agent: 3}\n")).await;
    shop.held().await;
    is(&shop.agent.ask(refund(4_900)).await, 429, "too_many_pending");
}

#[tokio::test]
async fn an_agent_may_name_the_credential_of_its_connector_and_no_other() {
    let shop = given_shop().await;
    let more = format!(
        "connectors:\n  - {{slug: other, kind: http, base_url: {}, allow_private: true, credential: {{env: OTHER, as: bearer}}}}\n",
        shop.upstream.url
    );
    let desk = file(&shop.upstream.url).replace("connectors:\n", &more);
    shop.desk.apply(&desk, &[VARIABLES.as_slice(), &[("OTHER", "another-credential")]].concat()).await;
    let database = shop.desk.database().await;
    let of = |slug: &str| {
        format!(
            "SELECT c.id FROM credentials c JOIN connectors n ON n.id = c.connector_id WHERE n.slug = '{slug}' AND c.active = 1"
        )
    };
    let (ours, theirs) = (database.texts(&of("shop")).await, database.texts(&of("other")).await);
    let ask = |connection: &str| {
        let mut body = look_by_endpoint("/charges/ch_1");
        body["connection_id"] = json!(connection);
        shop.agent.ask(body)
    };
    ask(&ours[0]).await.expect(200);
    for foreign in [theirs[0].as_str(), "01970000-0000-7000-8000-000000000000", "nothing", ""] {
        is(&ask(foreign).await, 422, "endpoint_not_in_scope");
    }
    assert_eq!(shop.upstream.requests().len(), 1);

    // Another secret is another credential, and the old one's id opens nothing.
    let renewed = [("BOT_KEY", KEY), ("SHOP_TOKEN", "renewed-credential"), ("OTHER", "another-credential")];
    shop.desk.apply(&desk, &renewed).await;
    shop.dana.get("/api/connectors").await.expect(200);
    is(&ask(&ours[0]).await, 422, "endpoint_not_in_scope");
    ask(&database.texts(&of("shop")).await[0]).await.expect(200);
    assert!(!shop.upstream.requests()[1].contains(SECRET));
}
