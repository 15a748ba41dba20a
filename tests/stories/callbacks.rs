//! An agent's callback: made with a secret that is told once, led outside only, told once per state.

use crate::given::{Shop, given_shop, refund};
use reqwest::Method;
use serde_json::{Value, json};
use support::Person;

/// An agent of Dana's whose callback leads inside by its name, which shows when it is called.
async fn given_called(shop: &Shop) -> (support::Agent, Value) {
    let body = json!({"name": "caller", "callback_url": "https://localhost:1/hook"});
    let made = shop.dana.post("/api/agents", body).await.expect(201);
    (shop.desk.agent(made["key"].as_str().unwrap()), made)
}

async fn callbacks(dana: &Person, many: usize) -> Vec<Value> {
    loop {
        let page = dana.get("/api/deliveries?channel=webhook&state=dead").await.expect(200);
        let items = page["items"].as_array().unwrap().clone();
        if items.len() >= many {
            return items;
        }
        support::pause().await;
    }
}

#[tokio::test]
async fn every_move_of_a_request_is_told_once_and_never_to_an_address_inside() {
    let shop = given_shop().await;
    let jon = shop.joined("jon@acme.test", "approver", "Jon Weber").await;
    let (agent, made) = given_called(&shop).await;
    assert!(made["callback_secret"].as_str().unwrap().starts_with("whsec_"), "{made}");
    let id = agent.ask(refund(10)).await.expect(202)["approval_id"].as_str().unwrap().to_owned();
    assert_eq!(shop.dana.get("/api/deliveries").await.expect(200)["items"], json!([]), "it knows that it asked");
    jon.approve(&id).await.expect(200);
    assert_eq!(agent.end_of(&id).await["state"], "succeeded");
    let told = callbacks(&shop.dana, 2).await;
    assert_eq!(told.len(), 2, "approved and succeeded: {told:#?}");
    for one in told {
        assert_eq!((&one["kind"], &one["request_id"]), (&json!("callback"), &json!(id)));
        assert_eq!(one["recipient"], json!({"name": "Callback of caller", "address": "localhost"}));
        assert!(one["error"].as_str().unwrap().contains("private or reserved"), "{one}");
    }
    let other = shop.held().await;
    jon.deny(&other, "").await.expect(200);
    assert_eq!(callbacks(&shop.dana, 2).await.len(), 2, "an agent without a callback is told nothing");
}

#[tokio::test]
async fn a_callback_is_set_with_a_new_secret_ended_and_refused_where_it_leads_inside() {
    let shop = given_shop().await;
    let (_, made) = given_called(&shop).await;
    let path = format!("/api/agents/{}/callback", made["agent"]["id"].as_str().unwrap());
    let put = async |url: Value| shop.dana.call(Method::PUT, &path, Some(json!({"callback_url": url}))).await;
    let set = put(json!("https://bot.acme.test/hook")).await.expect(200);
    assert_eq!((&set["agent"]["callback_url"], &set["key"]), (&json!("https://bot.acme.test/hook"), &json!(null)));
    assert_ne!(set["callback_secret"], made["callback_secret"]);
    for inside in ["http://bot.acme.test/", "https://127.0.0.1/", "https://[::1]/", "https://192.168.0.9/"] {
        let refused = put(json!(inside)).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid"), "{inside}: {}", refused.text);
    }
    let ended = put(json!(null)).await.expect(200);
    assert_eq!((&ended["agent"]["callback_url"], &ended["callback_secret"]), (&json!(null), &json!(null)));
    let listed = shop.dana.get("/api/agents").await.expect(200).to_string();
    assert!(!listed.contains("whsec_"), "{listed}");
}

#[tokio::test]
async fn a_callback_is_still_signed_after_the_master_key_was_rotated() {
    let shop = given_shop().await;
    let jon = shop.joined("jon@acme.test", "approver", "Jon Weber").await;
    let (agent, made) = given_called(&shop).await;
    let id = agent.ask(refund(10)).await.expect(202)["approval_id"].as_str().unwrap().to_owned();
    let stopped = shop.desk.stop().await;
    support::command(stopped.folder(), &["vault", "rotate"], &[]).await;

    let desk = stopped.start().await;
    let (dana, jon) = (shop.dana.at(&desk), jon.at(&desk));
    jon.deny(&id, "").await.expect(200);
    desk.agent(made["key"].as_str().unwrap()).end_of(&id).await;
    // Where it leads is looked at once the secret is at hand.
    assert!(callbacks(&dana, 1).await[0]["error"].as_str().unwrap().contains("private or reserved"));
}
