//! Invariant 15: a stream that was cut goes on with nothing missed and nothing twice, and it ends with the session or
//! the key that it hangs on.

use crate::given::{Shop, given_shop, refund};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use support::{Agent, Event, Events};

/// How long a stream may outlive its session or key: the contract's number, as a limit.
const LIMIT: Duration = Duration::from_secs(5);

async fn next(stream: &mut Events) -> (String, String, String) {
    let Event { name, data, .. } = stream.next().await.expect("the stream goes on");
    let word = |field: &str| data[field].as_str().unwrap_or_default().to_owned();
    (name, word("id"), word("state"))
}

fn event(name: &str, id: &str, state: &str) -> (String, String, String) {
    (name.to_owned(), id.to_owned(), state.to_owned())
}

async fn withdraw(agent: &Agent, id: &str) {
    agent.send(Method::DELETE, &format!("/v1/approvals/{id}"), &[], String::new()).await.expect(200);
}

#[tokio::test]
async fn fifteen_a_screen_that_was_cut_off_hears_what_it_missed_once() {
    let shop = given_shop().await;
    let mut screen = shop.dana.watch(None).await;
    let first = shop.held().await;
    assert_eq!(next(&mut screen).await, event("request.created", &first, "pending"));
    let last = screen.last();
    drop(screen);

    let second = shop.held().await;
    shop.dana.deny(&first, "").await.expect(200);
    withdraw(&shop.agent, &second).await;
    let mut screen = shop.dana.watch(last).await;
    let third = shop.held().await;

    assert_eq!(next(&mut screen).await, event("request.created", &second, "pending"));
    assert_eq!(next(&mut screen).await, event("request.ended", &first, "denied"));
    assert_eq!(next(&mut screen).await, event("request.ended", &second, "withdrawn"));
    assert_eq!(next(&mut screen).await, event("request.created", &third, "pending"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifteen_a_screen_that_comes_and_goes_in_the_middle_of_it_all_hears_each_event_once() {
    const ROUNDS: usize = 40;
    let shop = given_shop().await;
    let mut screen = shop.dana.watch(None).await;
    let began = screen.last().unwrap();
    let agent = shop.agent.clone();
    let asking = tokio::spawn(async move {
        for _ in 0..ROUNDS {
            let held = agent.ask(refund(1)).await.expect(202);
            withdraw(&agent, held["approval_id"].as_str().unwrap()).await;
        }
    });
    let mut heard = Vec::new();
    while heard.len() < 2 * ROUNDS {
        heard.push(screen.next().await.unwrap().id.unwrap());
        if heard.len() % 3 == 0 {
            let last = screen.last();
            drop(screen);
            screen = shop.dana.watch(last).await;
        }
    }
    asking.await.unwrap();
    let stored = shop.desk.database().await.numbers(&format!("SELECT seq FROM events WHERE seq > {began}")).await;
    assert_eq!(heard, stored);
}

#[tokio::test]
async fn fifteen_a_screen_goes_on_across_a_restart() {
    let shop = given_shop().await;
    let mut screen = shop.dana.watch(None).await;
    let first = shop.held().await;
    next(&mut screen).await;
    let last = screen.last();
    let second = shop.held().await;
    let desk = shop.desk.restart().await;
    screen.ends_within(LIMIT).await;
    let dana = shop.dana.at(&desk);
    dana.deny(&first, "").await.expect(200);
    let mut screen = dana.watch(last).await;
    assert_eq!(next(&mut screen).await, event("request.created", &second, "pending"));
    assert_eq!(next(&mut screen).await, event("request.ended", &first, "denied"));
}

#[tokio::test]
async fn fifteen_an_agent_that_was_cut_off_hears_the_rest_of_its_request_and_the_end() {
    let shop = given_shop().await;
    let id = shop.held().await;
    let mut stream = shop.agent.follow(&id, None).await;
    assert_eq!(next(&mut stream).await.2, "pending");
    let last = stream.last();
    drop(stream);
    let other = shop.held().await;
    withdraw(&shop.agent, &other).await;
    shop.dana.approve(&id).await.expect(200);
    let mut stream = shop.agent.follow(&id, last).await;
    for state in ["approved", "executing", "succeeded"] {
        assert_eq!(next(&mut stream).await.2, state);
    }
    let last = stream.last();
    assert_eq!(stream.next().await, None);
    // A client that comes back as browsers do is told that there is no more, or it would wait for ever.
    shop.agent.follow(&id, last).await.ends_within(LIMIT).await;
}

#[tokio::test]
async fn fifteen_a_number_from_another_time_does_not_silence_a_stream() {
    let shop = given_shop().await;
    // A desk that was restored from a backup counts on from where the backup was.
    let mut screen = shop.dana.watch(Some(1_000_000)).await;
    let id = shop.held().await;
    assert_eq!(next(&mut screen).await, event("request.created", &id, "pending"));
}

#[tokio::test]
async fn fifteen_nobody_hears_of_requests_that_are_not_theirs_to_see() {
    let shop = given_shop().await;
    let ines = shop.joined("ines@acme.test", "member", "Ines").await;
    let own = ines.post("/api/agents", json!({"name": "ines-bot"})).await.expect(201);
    let own = shop.desk.agent(own["key"].as_str().unwrap());
    let mut screen = ines.watch(None).await;
    shop.held().await;
    let hers = own.ask(refund(1)).await.expect(202);
    assert_eq!(next(&mut screen).await.1, hers["approval_id"]);
}

#[tokio::test]
async fn fifteen_a_screen_ends_with_its_session() {
    let shop = given_shop().await;
    let screen = shop.dana.watch(None).await;
    assert_eq!(shop.dana.call(Method::DELETE, "/api/session", None).await.status, 204);
    screen.ends_within(LIMIT).await;

    let shop = given_shop().await;
    let screen = shop.dana.watch(None).await;
    shop.desk.clock.forward(Duration::from_secs(12 * 60 * 60));
    screen.ends_within(LIMIT).await;
}

#[tokio::test]
async fn fifteen_a_screen_ends_when_its_persons_account_is_closed_even_for_a_moment() {
    let shop = given_shop().await;
    let jon = shop.joined("jon@acme.test", "approver", "Jon Weber").await;
    let screen = jon.watch(None).await;
    for active in [false, true] {
        shop.change("/api/users", "email", "jon@acme.test", json!({"active": active})).await;
    }
    screen.ends_within(LIMIT).await;
    assert_eq!(jon.get("/api/session").await.status, 401);
}

async fn agents_stream(shop: &Shop) -> Events {
    let id = shop.held().await;
    let mut stream = shop.agent.follow(&id, None).await;
    next(&mut stream).await;
    stream
}

#[tokio::test]
async fn fifteen_an_agents_stream_ends_when_it_is_suspended_its_key_renewed_or_its_owner_gone() {
    let shop = given_shop().await;
    let stream = agents_stream(&shop).await;
    let id = shop.id_of("/api/agents", "name", "invoice-bot").await;
    shop.dana.post(&format!("/api/agents/{id}/key"), json!({})).await.expect(200);
    stream.ends_within(LIMIT).await;

    let shop = given_shop().await;
    let stream = agents_stream(&shop).await;
    shop.change("/api/agents", "name", "invoice-bot", json!({"status": "suspended"})).await;
    stream.ends_within(LIMIT).await;

    let shop = given_shop().await;
    let stream = agents_stream(&shop).await;
    shop.change("/api/users", "email", "mina@acme.test", json!({"active": false})).await;
    stream.ends_within(LIMIT).await;
}

#[tokio::test]
async fn fifteen_a_key_that_was_replaced_hears_nothing_more_of_what_it_waits_for() {
    let shop = given_shop().await;
    let agent = shop.agent.clone();
    let waiting = tokio::spawn(async move { agent.ask_with(&[("prefer", "wait=50")], refund(1)).await });
    let id = loop {
        let page = shop.dana.get("/api/requests").await.expect(200);
        if let Some(id) = page["items"][0]["id"].as_str() {
            break id.to_owned();
        }
    };
    let bot = shop.id_of("/api/agents", "name", "invoice-bot").await;
    shop.dana.post(&format!("/api/agents/{bot}/key"), json!({})).await.expect(200);
    shop.dana.approve(&id).await.expect(200);
    shop.dana.end_of(&id).await;
    let answer = tokio::time::timeout(LIMIT, waiting).await.unwrap().unwrap();
    assert_eq!((answer.status, answer.code()), (401, "unauthenticated"), "{}", answer.text);
}
