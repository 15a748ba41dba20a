//! What is exported, and what it makes of an empty desk.

use super::*;
use countersign_domain::agent::AgentStatus;
use secrecy::ExposeSecret as _;

/// A desk on which something of everything will be switched off.
const HALF: &str = r#"
users:
  - {email: dana@acme.test, name: Dana Kim, role: admin}
  - {email: jon@acme.test, name: Jon Weber, role: approver}
  - {email: gone@acme.test, name: Gone, role: approver}
agents:
  - name: bot
    owner: dana@acme.test
    connectors: [shop, off]
    may_act_for: {users: [gone@acme.test], groups: [Sales]}
    wait_budget_seconds: 120
  - {name: narrow, owner: dana@acme.test, connectors: [off]}
  - {name: suspended, owner: dana@acme.test}
  - {name: orphan, owner: gone@acme.test}
connectors:
  - {slug: shop, kind: external, tools: [{name: run}]}
  - {slug: off, kind: external, tools: [{name: run}]}
flows:
  - {name: Off, active: false, steps: [{order: 1, approvers: {roles: [admin]}}]}
  - {name: Nobody, steps: [{order: 1, approvers: {users: [gone@acme.test]}}]}
  - {name: Somebody, steps: [{order: 1, approvers: {users: [Gone@acme.test, dana@acme.test, jon@acme.test]}, min_approvals: 2}]}
policies:
  - {name: Disabled, action: allow}
  - {name: Only what is off, action: allow, connectors: [off]}
  - {name: Suspended ones, action: deny, agents: [suspended, orphan]}
  - {name: Some, action: allow, connectors: [shop, off], agents: [bot, suspended], users: [gone@acme.test, dana@acme.test]}
  - {name: Asks nobody, action: request_approval, flow: Nobody}
  - {name: Asks nobody any more, action: request_approval, flow: Off, priority: 5}
settings: {default_flow: Somebody}
"#;

async fn given_half_a_desk() -> Given {
    let desk = given_desk().await;
    desk.apply(HALF).await.unwrap();
    desk.store
        .write(|connection| {
            Box::pin(async move {
                let mut user = store::users::by_email(connection, "gone@acme.test").await?.unwrap();
                user.active = false;
                store::users::update(connection, &user).await?;
                let mut agents = store::agents::all(connection).await?;
                let agent = agents.iter_mut().find(|agent| agent.name == "suspended").unwrap();
                agent.status = AgentStatus::Suspended;
                store::agents::update(connection, agent).await?;
                let mut connectors = store::connectors::all(connection).await?;
                let connector = connectors.iter_mut().find(|connector| connector.slug == "off").unwrap();
                connector.active = false;
                store::connectors::update(connection, connector).await?;
                let mut policies = store::policies::all(connection).await?;
                let policy = policies.iter_mut().find(|policy| policy.body.name == "Disabled").unwrap();
                policy.active = false;
                store::policies::put(connection, policy).await?;
                // At the desk a policy may name people and agents that are still to come.
                let some = policies.iter_mut().find(|policy| policy.body.name == "Some").unwrap();
                some.body.scope.agents.as_mut().unwrap().push("to-come\nusers: []".into());
                store::policies::put(connection, some).await?;
                Ok::<_, ApplyError>(())
            })
        })
        .await
        .unwrap();
    desk
}

async fn exported(desk: &Given) -> String {
    export(&mut desk.store.read().await.unwrap()).await.unwrap()
}

fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_is_exported_makes_the_same_desk() {
    let desk = given_desk().await;
    desk.apply(SHOP).await.unwrap();
    let text = exported(&desk).await;
    assert!(!text.contains("first"), "no secret leaves");
    let other = given_desk().await;
    other.apply(&text).await.unwrap();
    let again = other.apply(&text).await.unwrap();
    assert_eq!(lines(&again), Vec::<String>::new());
    assert_eq!(exported(&other).await, text);
}

#[tokio::test]
async fn an_mcp_server_at_a_url_is_exported_by_its_url_and_makes_the_same_connector() {
    let desk = given_desk().await;
    let server = "{slug: up, kind: mcp, url: 'https://mcp.test/mcp', allow_private: true}";
    desk.apply(&format!("connectors: [{server}]")).await.unwrap();
    let text = exported(&desk).await;
    assert!(text.contains("https://mcp.test/mcp") && !text.contains("command"), "{text}");
    let other = given_desk().await;
    other.apply(&text).await.unwrap();
    assert_eq!(exported(&other).await, text);
}

const CHANNELS: &str = r#"
users: [{email: dana@acme.test, name: Dana Kim, role: admin}]
agents: [{name: bot, owner: dana@acme.test, callback_url: "https://bot.acme.test/hook"}]
settings:
  push_content: minimal
  smtp: {host: mail.acme.test, port: 2525, tls: tls, username: desk, password_env: MAIL_PASSWORD, from: desk@acme.test}
  sms: {account_sid: AC1, token_env: SMS_TOKEN, from: "+41790000000"}
"#;

#[tokio::test]
async fn channels_are_exported_by_where_their_secrets_come_from() {
    let desk = given_desk().await;
    let made = desk.apply(CHANNELS).await.unwrap();
    assert_eq!(made.callbacks.len(), 1, "a new callback's secret is told once");
    let secret = made.callbacks[0].1.expose_secret().to_owned();
    assert!(desk.apply(CHANNELS).await.unwrap().changes.is_empty(), "the same address keeps its secret");
    let text = exported(&desk).await;
    assert!(text.contains("MAIL_PASSWORD") && !text.contains(&secret), "{text}");
    let other = given_desk().await;
    other.apply(&text).await.unwrap();
    assert_eq!(exported(&other).await, text);
}

#[tokio::test]
async fn a_desk_with_something_of_everything_switched_off_makes_one_of_what_is_on() {
    let desk = given_half_a_desk().await;
    let text = exported(&desk).await;
    let other = given_desk().await;
    other.apply(&text).await.unwrap_or_else(|error| panic!("{error:#?}\n{text}"));
    assert_eq!(without_comments(&exported(&other).await), without_comments(&text));
}

#[tokio::test]
async fn nothing_that_is_exported_is_wider_than_here() {
    let text = exported(&given_half_a_desk().await).await;
    let other = given_desk().await;
    other.apply(&text).await.unwrap();
    let mut connection = other.store.read().await.unwrap();
    let agents = store::agents::all(&mut connection).await.unwrap();
    let narrow = agents.iter().find(|agent| agent.name == "narrow").unwrap();
    assert_eq!(narrow.connectors, Some(Vec::new()), "none is not all");
    let budget = |name: &str| agents.iter().find(|agent| agent.name == name).unwrap().wait_budget_seconds;
    assert_eq!((budget("bot"), budget("narrow")), (Some(120), None));
    assert_eq!(agents.len(), 2, "neither the suspended one nor that of a closed account: {agents:?}");
    let policies = store::policies::all(&mut connection).await.unwrap();
    let names: Vec<_> = policies.iter().map(|policy| policy.body.name.as_str()).collect();
    assert_eq!(names, ["Asks nobody", "Asks nobody any more", "Some"]);
    let scope = &policies[2].body.scope;
    assert_eq!(scope.connectors.as_deref(), Some(&["shop".to_owned()][..]));
    assert_eq!(scope.agents.as_deref(), Some(&["bot".to_owned()][..]));
    assert_eq!(scope.users.as_deref(), Some(&["dana@acme.test".to_owned()][..]));
    let flows = store::policies::all_flows(&mut connection).await.unwrap();
    let on: Vec<_> = flows.iter().filter(|flow| flow.body.active).map(|flow| flow.body.name.as_str()).collect();
    assert_eq!(on, ["Somebody"], "what asks nobody is off, and a policy that names it denies");
    assert_eq!(flows.iter().find(|flow| flow.body.name == "Somebody").unwrap().body.steps[0].min_approvals, 2);
}

#[tokio::test]
async fn the_file_says_what_is_switched_off() {
    let text = exported(&given_half_a_desk().await).await;
    for line in [
        r#"#   user "gone@acme.test" is closed"#,
        r#"#   agent "suspended" is suspended"#,
        r#"#   agent "orphan" belongs to somebody whose account is closed"#,
        r#"#   agent "narrow" has "off" among its connectors"#,
        r#"#   connector "off" is switched off"#,
        r#"#   flow "Nobody" asks nobody who is left; it is switched off and names admins instead"#,
        r#"#   policy "Disabled" is disabled"#,
        r#"#   policy "Only what is off" is about nothing that is left, and is left out"#,
        r#"#   policy "Some" has "suspended", "to-come\nusers: []" among its agents"#,
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
}
