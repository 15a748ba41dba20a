//! What a person switched off, and what `--prune` did.

use super::*;
use countersign_domain::agent::AgentStatus;
use countersign_domain::connector::ToolState;

const PRUNE: Options = Options { dry_run: false, prune: true };

/// Switches everything of the shop off, as an admin does at the desk.
async fn switch_off(desk: &Given) {
    desk.store
        .write(|connection| {
            Box::pin(async move {
                for mut user in store::users::all(connection).await? {
                    user.active = false;
                    store::users::update(connection, &user).await?;
                }
                for mut agent in store::agents::all(connection).await? {
                    agent.status = AgentStatus::Suspended;
                    store::agents::update(connection, &agent).await?;
                }
                for mut connector in store::connectors::all(connection).await? {
                    connector.active = false;
                    store::connectors::update(connection, &connector).await?;
                }
                for mut policy in store::policies::all(connection).await? {
                    policy.active = false;
                    store::policies::put(connection, &policy).await?;
                }
                Ok::<_, ApplyError>(())
            })
        })
        .await
        .unwrap();
}

/// Of user, agent, connector and policy, which are on.
async fn on(desk: &Given) -> [bool; 4] {
    let mut connection = desk.store.read().await.unwrap();
    [
        store::users::by_email(&mut connection, "dana@acme.test").await.unwrap().unwrap().active,
        store::agents::all(&mut connection).await.unwrap()[0].status == AgentStatus::Active,
        store::connectors::all(&mut connection).await.unwrap()[0].active,
        store::policies::all(&mut connection).await.unwrap()[0].active,
    ]
}

#[tokio::test]
async fn what_a_person_switched_off_stays_off_and_the_report_says_so() {
    let desk = given_desk().await;
    desk.apply(SHOP).await.unwrap();
    switch_off(&desk).await;
    let report = desk.apply(&SHOP.replace("Dana Kim", "Dana K.")).await.unwrap();
    assert_eq!(lines(&report), ["~ user dana@acme.test"], "what else the file says of them is done");
    let kept: Vec<_> = report.kept.iter().map(ToString::to_string).collect();
    assert_eq!(
        kept,
        [
            "user dana@acme.test is closed, and stays so: the file does not lift that",
            "connector shop is switched off, and stays so: the file does not lift that",
            "agent invoice-bot is suspended, and stays so: the file does not lift that",
            "policy Refunds is disabled, and stays so: the file does not lift that",
        ]
    );
    assert_eq!(on(&desk).await, [false; 4]);
    desk.apply_with("users: []\n", "first", PRUNE).await.unwrap();
    desk.apply(SHOP).await.unwrap();
    assert_eq!(on(&desk).await, [false; 4], "pruning found nothing to switch off, and so nothing comes back");
}

#[tokio::test]
async fn what_pruning_switched_off_comes_back_with_a_file_that_names_it() {
    let desk = given_desk().await;
    let keeper = "users:\n  - {email: lee@acme.test, name: Lee, role: admin}\n";
    desk.apply(&SHOP.replace("users:\n", keeper)).await.unwrap();
    let pruned = desk.apply_with(keeper, "first", PRUNE).await.unwrap();
    assert_eq!(
        lines(&pruned),
        ["- policy Refunds", "- agent invoice-bot", "- connector shop", "- user dana@acme.test"]
    );
    let back = desk.apply(SHOP).await.unwrap();
    assert_eq!(lines(&back), ["~ user dana@acme.test", "~ connector shop", "~ agent invoice-bot", "~ policy Refunds"]);
    assert_eq!((back.kept.len(), on(&desk).await), (0, [true; 4]));
    switch_off(&desk).await;
    assert_eq!(desk.apply(SHOP).await.unwrap().kept.len(), 4, "what came back once is a person's to switch off");
}

#[tokio::test]
async fn an_agent_that_was_suspended_before_any_file_named_it_stays_suspended() {
    let desk = given_desk().await;
    desk.apply(SHOP).await.unwrap();
    switch_off(&desk).await;
    desk.store
        .write(|connection| {
            Box::pin(async move {
                let mut agent = store::agents::all(connection).await?.remove(0);
                agent.from_file = false;
                Ok::<_, ApplyError>(store::agents::update(connection, &agent).await?)
            })
        })
        .await
        .unwrap();
    desk.apply(SHOP).await.unwrap();
    assert!(!on(&desk).await[1]);
}

#[tokio::test]
async fn a_pruned_connector_comes_back_with_the_tools_that_the_file_names_now() {
    let desk = given_desk().await;
    let tool = "      - {name: refunds_list, method: GET, path: /refunds}\n";
    desk.apply(&SHOP.replace("policies:\n", &format!("{tool}policies:\n"))).await.unwrap();
    let people = SHOP.split("agents:").next().unwrap();
    desk.apply_with(people, "first", PRUNE).await.unwrap();
    let back = desk.apply(SHOP).await.unwrap();
    assert!(lines(&back).contains(&"- tool shop/refunds_list".to_owned()), "{back:?}");
    let tools = store::connectors::all_tools(&mut desk.store.read().await.unwrap()).await.unwrap();
    let states: Vec<_> = tools.iter().map(|tool| (tool.name.as_str(), tool.state)).collect();
    assert_eq!(states, [("refunds_create", ToolState::Ready), ("refunds_list", ToolState::Gone)]);
}
