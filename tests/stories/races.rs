//! Invariant 6 under true concurrency: whoever wins, there is one end, and everybody else hears of that one.

use crate::given::{Shop, given_shop, look};
use reqwest::Method;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use support::Answer;
use tokio::sync::Barrier;

const ROUNDS: usize = 25;
/// What a request that was approved may have become by the time that a loser asks.
const APPROVED: [&str; 3] = ["approved", "executing", "succeeded"];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn six_of_approve_deny_withdraw_and_expire_one_wins_and_the_others_hear_which() {
    let shop = Arc::new(given_shop().await);
    let jon = Arc::new(shop.joined("jon@acme.test", "approver", "Jon Weber").await);
    let mut sent = 0;
    for round in 0..ROUNDS {
        let id: Arc<str> = shop.held().await.into();
        // Every second round the deadline is a rival too.
        let with_deadline = round % 2 == 0;
        if with_deadline {
            shop.desk.clock.forward(Duration::from_secs(10 * 60 - 1));
        }
        let signed = shop.dana.sign(&id, json!({"decision": "approve"})).await;
        let start = Arc::new(Barrier::new(4));
        let approve = {
            let (shop, id, start) = (Arc::clone(&shop), Arc::clone(&id), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                shop.dana.finish(&id, signed).await
            })
        };
        let deny = {
            let (jon, id, start) = (Arc::clone(&jon), Arc::clone(&id), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                jon.deny(&id, "").await
            })
        };
        let withdraw = {
            let (agent, id, start) = (shop.agent.clone(), Arc::clone(&id), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                agent.send(Method::DELETE, &format!("/v1/approvals/{id}"), &[], String::new()).await
            })
        };
        start.wait().await;
        if with_deadline {
            shop.desk.clock.forward(Duration::from_secs(1));
        }
        let rivals = [approve.await.unwrap(), deny.await.unwrap(), withdraw.await.unwrap()];
        let end = shop.agent.end_of(&id).await["state"].as_str().unwrap().to_owned();
        sent += usize::from(end == "succeeded");
        judge(&end, &rivals, with_deadline);
        assert_eq!(shop.upstream.requests().len(), sent, "round {round}, {end}");
    }
    assert_one_end_each(&shop).await;
}

/// The winner's answer is 200 and fits the end; the others' is 409 and names it.
fn judge(end: &str, rivals: &[Answer; 3], with_deadline: bool) {
    let winners: Vec<_> = rivals.iter().map(|answer| answer.status == 200).collect();
    let expected = match end {
        "succeeded" => [true, false, false],
        "denied" => [false, true, false],
        "withdrawn" => [false, false, true],
        "expired" if with_deadline => [false; 3],
        other => panic!("{other} is no end of this race"),
    };
    assert_eq!(winners, expected, "{end}: {rivals:#?}");
    for loser in rivals.iter().filter(|answer| answer.status != 200) {
        assert_eq!((loser.status, loser.code()), (409, "request_ended"), "{}", loser.text);
        let told = loser.json["state"].as_str().unwrap();
        assert!(told == end || end == "succeeded" && APPROVED.contains(&told), "{end}, but {}", loser.text);
    }
}

/// The record knows one end of every request.
async fn assert_one_end_each(shop: &Shop) {
    let database = shop.desk.database().await;
    let ends = "SELECT COUNT(*) FROM audit WHERE action IN
        ('approval.approved', 'approval.denied', 'approval.expired', 'approval.withdrawn') GROUP BY request_id";
    assert_eq!(database.numbers(ends).await, [1; ROUNDS]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn six_two_approvers_at_once_make_one_call_and_one_approval() {
    let shop = Arc::new(given_shop().await);
    let jon = Arc::new(shop.joined("jon@acme.test", "approver", "Jon Weber").await);
    for round in 1..=ROUNDS {
        let id: Arc<str> = shop.held().await.into();
        let approve = json!({"decision": "approve"});
        let (first, second) = tokio::join!(shop.dana.sign(&id, approve.clone()), jon.sign(&id, approve));
        let (danas, jons) = (Arc::clone(&shop), Arc::clone(&jon));
        let (one, other) = (Arc::clone(&id), Arc::clone(&id));
        let first = tokio::spawn(async move { danas.dana.finish(&one, first).await.status });
        let second = tokio::spawn(async move { jons.finish(&other, second).await.status });
        let mut statuses = [first.await.unwrap(), second.await.unwrap()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        assert_eq!(shop.agent.end_of(&id).await["state"], "succeeded");
        assert_eq!(shop.upstream.requests().len(), round);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn six_of_many_claims_at_once_one_is_won() {
    let shop = given_shop().await;
    for _ in 0..ROUNDS {
        let asked = shop.agent.ask(json!({"connector": "shell", "tool": "run"})).await.expect(202);
        let id = asked["approval_id"].as_str().unwrap();
        shop.dana.approve(id).await.expect(200);
        let claims = (0..8).map(|_| {
            let (agent, path) = (shop.agent.clone(), format!("/v1/approvals/{id}/claim"));
            tokio::spawn(async move { agent.send(Method::POST, &path, &[], String::new()).await })
        });
        let answers = futures::future::join_all(claims).await;
        let mut codes: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().code().to_owned()).collect();
        codes.sort_unstable();
        assert_eq!(codes[0], "", "nobody won");
        assert!(codes[1..].iter().all(|code| code == "already_claimed"), "{codes:?}");
    }
    shop.agent.ask(look("a")).await.expect(200);
    assert_eq!(shop.upstream.requests().len(), 1);
}
