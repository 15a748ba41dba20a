//! What most stories begin with.

use std::time::Duration;
use support::{Agent, Database, Desk, Person, Upstream};

/// The agent's key; made for these stories and good for nothing else.
pub const KEY: &str = "csk_storystorystorystorystorystorystorystory0AA";
/// The credential that the agent must never see.
pub const SECRET: &str = "shop-credential-for-stories";

/// A shop behind an `http` connector: looking is allowed, refunds are held, closing the shop is denied.
pub struct Shop {
    pub desk: Desk,
    pub upstream: Upstream,
    pub agent: Agent,
    pub dana: Person,
}

pub fn file(url: &str) -> String {
    format!(
        r#"
users:
  - {{email: mina@acme.test, name: Mina Sato, role: member, groups: [Sales]}}
agents:
  - {{name: invoice-bot, owner: mina@acme.test, key_env: BOT_KEY}}
connectors:
  - slug: shop
    kind: http
    name: Shop
    base_url: {url}
    allow_private: true
    credential: {{env: SHOP_TOKEN, as: bearer}}
    tools:
      - {{name: charges_get, method: GET, path: "/charges/{{charge}}", effect: read}}
      - name: refunds_create
        method: POST
        path: /charges/{{charge}}/refunds
        effect: destructive
        input_schema: {{type: object, required: [charge, amount], properties: {{charge: {{type: string}}, amount: {{type: integer}}}}, additionalProperties: false}}
      - {{name: shop_close, method: DELETE, path: /shop, effect: destructive}}
  - slug: shell
    kind: external
    name: Shell
    tools: [{{name: run, effect: destructive}}]
policies:
  - {{name: Looking, action: allow, connectors: [shop], tools: [charges_get]}}
  - {{name: Refunds, action: request_approval, connectors: [shop], tools: [refunds_create]}}
  - {{name: Never, action: deny, tools: [shop_close]}}
  - {{name: Shell, action: request_approval, connectors: [shell]}}
"#
    )
}

pub async fn given_shop() -> Shop {
    given_shop_with(Upstream::answering(r#"{"id":"re_1","status":"done"}"#).await).await
}

pub async fn given_shop_with(upstream: Upstream) -> Shop {
    given_shop_on(Desk::fresh().await, upstream).await
}

pub async fn given_shop_on(desk: Desk, upstream: Upstream) -> Shop {
    let dana = desk.set_up("Dana Kim", "dana@acme.test").await;
    desk.apply(&file(&upstream.url), &[("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)]).await;
    let agent = desk.agent(KEY);
    settled(&agent).await;
    Shop { desk, upstream, agent, dana }
}

/// An allowed call.
pub fn look(charge: &str) -> serde_json::Value {
    serde_json::json!({"connector": "shop", "tool": "charges_get", "arguments": {"charge": charge}})
}

/// What the stories' desk file takes from the environment.
pub const VARIABLES: [(&str, &str); 2] = [("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)];

/// Waits until the running server has picked up what was applied beside it: until the key opens the door.
pub async fn settled(agent: &Agent) {
    while agent.get("/v1/agent/permissions").await.status != 200 {
        support::pause().await;
    }
}

pub fn refund(amount: i64) -> serde_json::Value {
    serde_json::json!({
        "connector": "shop", "tool": "refunds_create",
        "arguments": {"charge": "ch_1", "amount": amount},
        "reason": "Charged twice.",
    })
}

/// The same in AgentValet's words.
pub fn look_by_endpoint(endpoint: &str) -> serde_json::Value {
    serde_json::json!({"platform": "shop", "scope": "charges_get", "endpoint": endpoint, "method": "GET"})
}

impl Shop {
    /// The shop moves to another address: from now on its connector leads there.
    pub async fn move_to(&mut self, upstream: Upstream) {
        self.desk.apply(&file(&upstream.url), &[("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)]).await;
        self.upstream = upstream;
    }

    /// What became of a request that was approved.
    pub async fn approved(&self) -> serde_json::Value {
        let id = self.held().await;
        self.dana.approve(&id).await.expect(200);
        self.agent.end_of(&id).await
    }

    /// A refund that waits for approval; its id.
    pub async fn held(&self) -> String {
        let answer = self.agent.ask(refund(4_900)).await.expect(202);
        answer["approval_id"].as_str().unwrap().to_owned()
    }

    /// From now on approved calls don't begin: their audit row can't be written. [`Self::go_on`] ends that.
    pub async fn hold_executions(&self) -> Database {
        let database = self.desk.database().await;
        database.refuse_audit("execution.started").await;
        database
    }

    /// Lets approved calls begin, and makes it their time.
    pub async fn go_on(&self, held_by: &Database) {
        held_by.allow_audit().await;
        self.desk.clock.forward(Duration::from_secs(30));
    }

    /// The id of an agent, a connector or a person in a list of theirs, by a field.
    pub async fn id_of(&self, list: &str, field: &str, value: &str) -> String {
        let items = self.dana.get(list).await.expect(200);
        let found = items["items"].as_array().unwrap().iter().find(|item| item[field] == value);
        found.unwrap_or_else(|| panic!("no {value} in {items}"))["id"].as_str().unwrap().to_owned()
    }

    /// Changes an agent, a connector or a person.
    pub async fn change(&self, list: &str, field: &str, value: &str, change: serde_json::Value) {
        let path = format!("{list}/{}", self.id_of(list, field, value).await);
        self.dana.call(reqwest::Method::PATCH, &path, Some(change)).await.expect(200);
    }

    /// Applies a changed desk file, with the variables of the stories.
    pub async fn apply(&self, file: &str) {
        self.desk.apply(file, &VARIABLES).await;
    }

    /// Applies a changed desk file and lets the server see it at once: whoever lists the connectors makes it look.
    pub async fn apply_and_look(&self, file: &str) {
        self.apply(file).await;
        self.dana.get("/api/connectors").await.expect(200);
    }

    /// Somebody who was invited and came.
    pub async fn joined(&self, email: &str, role: &str, name: &str) -> Person {
        Person::join(&self.desk, &self.dana.invite(email, role).await, name).await
    }
}
