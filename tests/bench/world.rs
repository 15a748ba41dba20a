//! A desk with enough agents and people to load it.

use countersign_domain::request::Door;
use countersign_server::audit::Actor;
use countersign_server::clock::SystemClock;
use countersign_server::config::{Config, DataFolder, Environment, PublicUrl};
use countersign_server::connectors::DEFAULT_TIMEOUT;
use countersign_server::desk::house::sign_in_link;
use countersign_server::desk::{AgentCaller, Ask, AskedArguments, Desk, SignedIn};
use countersign_server::notify::LONGEST_TRY;
use countersign_server::start;
use countersign_server::store::Store;
use secrecy::ExposeSecret as _;
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use support::{Agent, Database, apply_to};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// How many agents there are, each with a key of its own.
pub(crate) const AGENTS: usize = 10;
/// The admin, who decides.
pub(crate) const DANA: &str = "dana@acme.test";
/// An approver who is no admin.
pub(crate) const ANAND: &str = "anand@acme.test";
/// Who owns the agents.
pub(crate) const MINA: &str = "mina@acme.test";

/// An agent's key; made for the bench and good for nothing else.
pub(crate) fn key(agent: usize) -> String {
    format!("csk_benchbenchbenchbenchbenchbenchbenchbench{agent:02}A")
}

/// Writes the world into a data folder.
pub(crate) async fn furnish(folder: &Path, upstream: &str) {
    furnish_with(folder, upstream, None).await;
}

/// The same, with an MCP server at an address.
pub(crate) async fn furnish_with(folder: &Path, upstream: &str, echo: Option<&str>) {
    let keys: Vec<(String, String)> = (0..AGENTS).map(|agent| (format!("KEY_{agent}"), key(agent))).collect();
    let mut variables: Vec<(&str, &str)> = keys.iter().map(|(name, key)| (name.as_str(), key.as_str())).collect();
    variables.push(("SHOP_TOKEN", "shop-credential-for-the-bench"));
    apply_to(folder, Arc::new(SystemClock), &file(upstream, echo), &variables).await;
}

/// How many requests a desk holds.
pub(crate) async fn requests(folder: &Path) -> i64 {
    Database::of(folder).await.numbers("SELECT COUNT(*) FROM requests").await[0]
}

fn file(upstream: &str, echo: Option<&str>) -> String {
    let echo = echo.map_or_else(String::new, |url| {
        format!("  - {{slug: echo, kind: mcp, name: Echo, url: \"{url}\", allow_private: true}}\n")
    });
    let mut agents = String::new();
    for agent in 0..AGENTS {
        let _ = writeln!(agents, "  - {{name: bot-{agent}, owner: {MINA}, key_env: KEY_{agent}}}");
    }
    format!(
        r#"
users:
  - {{email: {DANA}, name: Dana Kim, role: admin}}
  - {{email: {ANAND}, name: Anand Rao, role: approver}}
  - {{email: {MINA}, name: Mina Sato, role: member, groups: [Sales]}}
agents:
{agents}
connectors:
  - slug: shop
    kind: http
    name: Shop
    base_url: {upstream}
    allow_private: true
    credential: {{env: SHOP_TOKEN, as: bearer}}
    tools:
      - {{name: charges_get, method: GET, path: "/charges/{{charge}}", effect: read}}
      - {{name: refunds_create, method: POST, path: "/charges/{{charge}}/refunds", effect: destructive}}
      - {{name: shop_close, method: DELETE, path: /shop, effect: destructive}}
  - slug: shell
    kind: external
    name: Shell
    tools: [{{name: run, effect: destructive}}]
{echo}flows:
  - {{name: Quick, description: "Decided by the session", confirmation: session, timeout_minutes: 600, steps: [{{order: 1, approvers: {{users: [{DANA}, {ANAND}]}}}}]}}
policies:
  - {{name: Looking, action: allow, connectors: [shop], tools: [charges_get]}}
  - {{name: Echo, action: allow, tools: [echo]}}
  - {{name: Refunds, action: request_approval, connectors: [shop], tools: [refunds_create], flow: Quick}}
  - {{name: Never, action: deny, tools: [shop_close]}}
  - {{name: Shell, action: request_approval, connectors: [shell], flow: Quick}}
settings: {{max_pending_per_agent: 10000, max_asks_per_minute: 10000}}
"#
    )
}

/// A desk in this process, behind a real port, on a real disk.
pub(crate) struct World {
    pub(crate) desk: Desk,
    pub(crate) origin: String,
    pub(crate) folder: TempDir,
}

impl World {
    pub(crate) async fn start(upstream: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        furnish(folder.path(), upstream).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public_url = PublicUrl::localhost(listener.local_addr().unwrap().port()).unwrap();
        let data = DataFolder::prepare(folder.path()).unwrap();
        let config = Config {
            public_url: public_url.clone(),
            data,
            master_key_file: None,
            demo: false,
            call_timeout: DEFAULT_TIMEOUT,
            message_timeout: LONGEST_TRY,
            environment: Environment::default(),
        };
        let started = start(config, vec![listener]).await.unwrap();
        let desk = started.desk().clone();
        tokio::spawn(async move { started.run(std::future::pending()).await.unwrap() });
        Self { desk, origin: public_url.origin(), folder }
    }

    /// An agent as the desk knows it, for calls that need no door.
    pub(crate) async fn caller(&self, agent: usize) -> AgentCaller {
        self.desk.authenticate_agent(&key(agent), None).await.unwrap()
    }

    /// An agent at the door.
    pub(crate) fn agent(&self, agent: usize) -> Agent {
        Agent::at(&self.origin, &key(agent))
    }

    /// Somebody who has signed in by a link: who, and their session's token.
    pub(crate) async fn signed_in(&self, email: &str) -> (SignedIn, String) {
        let data = DataFolder::prepare(self.folder.path()).unwrap();
        let store = Store::open(&data).await.unwrap();
        let actor = Actor::Cli("bench".into());
        let link = sign_in_link(&store, self.desk.clock(), &self.origin, email, actor, false).await.unwrap();
        let token = link.expose_secret().split('#').nth(1).unwrap().to_owned();
        let (who, session) = self.desk.sign_in_by_link(&token).await.unwrap();
        (who, session.expose_secret().to_owned())
    }
}

/// An ask for a tool.
pub(crate) fn ask(connector: &str, tool: &str, arguments: serde_json::Value) -> Ask {
    Ask {
        connector: connector.into(),
        tool: tool.into(),
        arguments: AskedArguments::Given(arguments),
        reason: Some("For the bench.".into()),
        on_behalf_of: None,
        idempotency: None,
        door: Door::Http,
        session_id: None,
    }
}

/// An ask that is held.
pub(crate) fn held() -> Ask {
    ask("shell", "run", json!({"program": "/usr/bin/make", "arguments": ["deploy"], "folder": "/srv/shop"}))
}
