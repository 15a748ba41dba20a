//! What waits for approval ends with its agent's leave to ask: nobody is asked any more about what could not run.

use crate::given::{Shop, VARIABLES, file, given_shop};
use serde_json::{Value, json};

/// What the record says of each request that was taken back: by whom, and why.
async fn taken_back(shop: &Shop) -> Vec<(String, Value)> {
    let sql = "SELECT actor || ' ' || metadata FROM audit WHERE action = 'approval.withdrawn' ORDER BY seq";
    let rows = shop.desk.database().await.texts(sql).await;
    let split = |row: &String| row.split_once(' ').map(|(actor, why)| (actor.to_owned(), serde_json::from_str(why)));
    rows.iter().filter_map(split).map(|(actor, why)| (actor, why.unwrap())).collect()
}

async fn actor(shop: &Shop) -> String {
    format!("user:{}", shop.id_of("/api/users", "email", "dana@acme.test").await)
}

#[tokio::test]
async fn what_a_suspended_agent_asked_for_leaves_the_queue_and_can_be_asked_for_again() {
    let shop = given_shop().await;
    let both = [shop.held().await, shop.held().await];
    let mut screen = shop.dana.watch(None).await;
    shop.change("/api/agents", "name", "invoice-bot", json!({"status": "suspended"})).await;
    for _ in &both {
        let event = screen.next().await.unwrap();
        assert_eq!((event.name.as_str(), &event.data["state"]), ("request.ended", &json!("withdrawn")));
        assert!(both.iter().any(|id| event.data["id"] == *id), "{event:?}");
    }
    assert_eq!(shop.dana.get("/api/requests").await.expect(200)["items"], json!([]));
    let path = format!("/api/requests/{}/decisions/start", both[0]);
    let late = shop.dana.post(&path, json!({"decision": "approve"})).await;
    assert_eq!((late.status, late.code()), (409, "request_ended"), "{}", late.text);
    let why = (actor(&shop).await, json!({"reason": "agent_suspended"}));
    assert_eq!(taken_back(&shop).await, [why.clone(), why]);

    shop.change("/api/agents", "name", "invoice-bot", json!({"status": "active"})).await;
    assert_eq!(shop.agent.end_of(&both[0]).await["state"], "withdrawn");
    assert_eq!(shop.approved().await["state"], "succeeded");
    assert_eq!(shop.upstream.requests().len(), 1);
}

#[tokio::test]
async fn it_ends_too_when_the_agents_owner_is_closed_or_a_file_no_longer_names_the_agent() {
    let shop = given_shop().await;
    let id = shop.held().await;
    shop.change("/api/users", "email", "mina@acme.test", json!({"active": false})).await;
    assert_eq!(shop.dana.end_of(&id).await["state"], "withdrawn");
    assert_eq!(taken_back(&shop).await, [(actor(&shop).await, json!({"reason": "owner_closed"}))]);

    let shop = given_shop().await;
    let id = shop.held().await;
    let left_out = "  - {name: invoice-bot, owner: mina@acme.test, key_env: BOT_KEY}\n";
    let file = file(&shop.upstream.url).replace(left_out, "").replace("agents:\n", "");
    shop.desk.apply_and_prune(&file, &VARIABLES).await;
    assert_eq!(shop.dana.end_of(&id).await["state"], "withdrawn");
    assert_eq!(taken_back(&shop).await, [("cli:story".to_owned(), json!({"reason": "agent_suspended"}))]);
}
