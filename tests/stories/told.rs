//! What stories of telling people begin with: a shop whose refunds and commands follow one flow.

use crate::given::{Shop, file, given_shop_on};
use serde_json::{Value, json};
use support::{Desk, Person, Upstream};

/// A shop with a flow named Ours, settings beside it, and two approvers besides Dana.
pub struct Told {
    pub shop: Shop,
    pub jon: Person,
}

pub async fn given_told_on(desk: Desk, flow: &str, settings: &str) -> Told {
    let upstream = Upstream::answering(r#"{"id":"re_1"}"#).await;
    let shop = given_shop_on(desk, upstream).await;
    let jon = shop.joined("jon@acme.test", "approver", "Jon Weber").await;
    shop.joined("kai@acme.test", "approver", "Kai Lund").await;
    let more = format!("flows: [{flow}]\nsettings: {{default_flow: Ours, {settings}}}\n");
    shop.apply_and_look(&format!("{}{more}", file(&shop.upstream.url))).await;
    Told { shop, jon }
}

pub async fn given_told(flow: &str, settings: &str) -> Told {
    given_told_on(Desk::fresh().await, flow, settings).await
}

impl Told {
    /// A command that somebody must decide on, with this note; its id.
    pub async fn command(&self, note: &str) -> String {
        let ask = json!({
            "connector": "shell", "tool": "run", "reason": note,
            "arguments": {"command": "<b>rm</b> -r \"/x\"", "password": "hunter2hunter2"},
        });
        self.shop.agent.ask(ask).await.expect(202)["approval_id"].as_str().unwrap().to_owned()
    }

    /// What was told, the newest first.
    pub async fn deliveries(&self) -> Vec<Value> {
        let page = self.shop.dana.get("/api/deliveries").await.expect(200);
        page["items"].as_array().unwrap().clone()
    }

    /// What was told, once this is true of it.
    pub async fn deliveries_when(&self, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        loop {
            let deliveries = self.deliveries().await;
            if holds(&deliveries) {
                return deliveries;
            }
            support::pause().await;
        }
    }

    /// Waits until nothing waits to be told: only then may time go on, since what is being told is told again after its
    /// lease.
    pub async fn settled(&self) {
        self.deliveries_when(|all| all.iter().all(|one| one["state"] != "waiting")).await;
    }

    /// The only message, once it failed in these words.
    pub async fn failed(&self, words: &str) -> Value {
        let failed = |one: &Value| one["error"].as_str().is_some_and(|error| error.contains(words));
        let deliveries = self.deliveries_when(|all| all.iter().any(failed)).await;
        assert_eq!(deliveries.len(), 1, "{deliveries:#?}");
        deliveries[0].clone()
    }

    /// The only message, once it was told; how often that was tried.
    pub async fn sent(&self) -> u64 {
        let deliveries = self.deliveries_when(|all| all.iter().any(|one| one["state"] == "sent")).await;
        assert_eq!(deliveries.len(), 1, "{deliveries:#?}");
        deliveries[0]["attempts"].as_u64().unwrap()
    }
}
