//! The desk's house: setting it up after a file was applied, its lists, what a later version brings, and its files.

use crate::given::{KEY, VARIABLES, file, given_shop, refund};
use reqwest::Method;
use serde_json::{Value, json};
use support::{Desk, Upstream};

#[tokio::test]
async fn a_desk_of_one_person_is_set_up_after_its_file_was_applied() {
    let upstream = Upstream::answering("{}").await;
    let text = file(&upstream.url).replace("mina@acme.test", "dana@acme.test");
    let desk = Desk::with(&text, &VARIABLES).await;
    let dana = desk.set_up_alone("Dana Kim", "dana@acme.test").await;
    let me = dana.get("/api/users?q=dana").await.expect(200)["items"][0].clone();
    assert_eq!((&me["groups"], &me["role"]), (&json!(["Sales"]), &json!("admin")));

    let agent = desk.agent(KEY);
    let held = agent.ask(refund(1)).await.expect(202)["approval_id"].as_str().unwrap().to_owned();
    dana.approve(&held).await.expect(200);
    assert_eq!(agent.end_of(&held).await["state"], "succeeded");
}

#[tokio::test]
async fn an_owner_stops_their_agent_and_only_an_admin_lets_it_go_on() {
    let shop = given_shop().await;
    let mina = shop.joined("mina@acme.test", "member", "Mina Sato").await;
    let path = format!("/api/agents/{}", shop.id_of("/api/agents", "name", "invoice-bot").await);
    mina.call(Method::PATCH, &path, Some(json!({"status": "suspended"}))).await.expect(200);
    let lifted = mina.call(Method::PATCH, &path, Some(json!({"status": "active"}))).await;
    assert_eq!((lifted.status, lifted.code()), (403, "forbidden"));
    shop.dana.call(Method::PATCH, &path, Some(json!({"status": "active"}))).await.expect(200);
}

#[tokio::test]
async fn every_list_has_pages_an_order_and_a_filter() {
    let shop = given_shop().await;
    for name in ["b-bot", "a-bot", "c-bot"] {
        shop.dana.post("/api/agents", json!({"name": name})).await.expect(201);
    }
    let first = shop.dana.get("/api/agents?limit=2&sort=-name").await.expect(200);
    assert_eq!(names(&first), ["invoice-bot", "c-bot"]);
    let next = format!("/api/agents?limit=2&sort=-name&after={}", first["next"].as_str().unwrap());
    let second = shop.dana.get(&next).await.expect(200);
    assert_eq!((names(&second), &second["next"]), (vec!["b-bot", "a-bot"], &Value::Null));
    assert_eq!(names(&shop.dana.get("/api/agents?q=INVOICE").await.expect(200)), ["invoice-bot"]);
    for list in ["agents", "connectors", "users", "policies", "flows"] {
        for (wrong, code) in
            [("limit=201", "invalid"), ("sort=age", "invalid"), ("after=x", "invalid"), ("x=1", "bad_request")]
        {
            let refused = shop.dana.get(&format!("/api/{list}?{wrong}")).await;
            assert_eq!(refused.code(), code, "{list}?{wrong}: {}", refused.text);
        }
        assert_eq!(
            shop.dana.get(&format!("/api/{list}?limit=1")).await.expect(200)["items"].as_array().unwrap().len(),
            1
        );
    }
}

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_a_later_version_brings_is_refused_by_that_name() {
    let shop = given_shop().await;
    let mask = json!({"name": "Mask", "action": "allow", "mask": ["email"]});
    let answer = shop.dana.post("/api/policies", mask).await;
    assert_eq!((answer.status, answer.code()), (422, "not_available"), "{}", answer.text);
}

#[tokio::test]
async fn a_stopped_desks_database_file_holds_everything_and_is_its_owners_alone() {
    let shop = given_shop().await;
    shop.held().await;
    let stopped = shop.desk.stop().await;
    let file = stopped.folder().join("countersign.sqlite");
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(&file, copy.path().join("countersign.sqlite")).unwrap();
    let copied = support::Database::of(copy.path()).await;
    assert_eq!(copied.numbers("SELECT COUNT(*) FROM requests").await, [1]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_member_gives_no_agent_leave_to_act_for_others() {
    let shop = given_shop().await;
    let mina = shop.joined("mina@acme.test", "member", "Mina Sato").await;
    let body = json!({"name": "climber", "may_act_for": {"users": ["dana@acme.test"]}});
    let refused = mina.post("/api/agents", body.clone()).await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"));
    shop.dana.post("/api/agents", body).await.expect(201);
}

#[tokio::test]
async fn nobody_takes_a_name_that_hides_something() {
    let shop = given_shop().await;
    let invitation = shop.dana.invite("jon@acme.test", "member").await;
    let token = invitation["url"].as_str().unwrap().split('#').nth(1).unwrap();
    for name in ["Dana\u{202e}miK", "Dana\u{200b} Kim", "\u{0}"] {
        let start = json!({"token": token, "name": name});
        let refused = shop.desk.call(Method::POST, "/api/invitations/accept/start", Some(&start)).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid"), "{name:?}");
    }
}

#[tokio::test]
async fn two_a_number_in_an_address_is_the_one_that_is_stored_and_signed() {
    let shop = given_shop().await;
    let held = "{name: Looking, action: request_approval, connectors: [shop], tools: [charges_get]}";
    let allowed = "{name: Looking, action: allow, connectors: [shop], tools: [charges_get]}";
    let body = r#"{"connector":"shop","tool":"charges_get","arguments":{"charge":"a","v":1.0,"w":1e2}}"#;
    let first = shop.agent.send(Method::POST, "/v1/actions", &[], body.to_owned()).await;
    assert_eq!(first.expect(200)["state"], "succeeded");
    shop.apply(&file(&shop.upstream.url).replace(allowed, held)).await;
    let second = shop.agent.send(Method::POST, "/v1/actions", &[], body.to_owned()).await.expect(202);
    let id = second["approval_id"].as_str().unwrap();
    shop.dana.approve(id).await.expect(200);
    assert_eq!(shop.agent.end_of(id).await["state"], "succeeded");
    let sent = shop.upstream.requests();
    assert!(sent.iter().all(|request| request.starts_with("GET /charges/a?v=1&w=100 ")), "{sent:?}");
}

#[tokio::test]
async fn a_command_about_a_desk_that_is_not_there_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let copy = folder.path().join("copy.sqlite");
    let (data, copy) = (nowhere.to_str().unwrap(), copy.to_str().unwrap());
    for command in [&["backup", copy][..], &["export"], &["vault", "rotate"], &["user", "link", "dana@acme.test"]] {
        let ended = support::run(&[command, &["--data-dir", data]].concat(), &[]).await;
        assert_eq!(ended.code, Some(1), "{command:?}");
        assert!(ended.complained.contains("there is no desk in"), "{}", ended.complained);
        assert!(!nowhere.exists() && !std::path::Path::new(copy).exists(), "{command:?}");
    }
}

#[tokio::test]
async fn an_agents_wait_budget_is_shown_and_changed_within_its_bounds() {
    let shop = given_shop().await;
    let row = async || shop.dana.get("/api/agents?q=invoice-bot").await.expect(200)["items"][0].clone();
    assert_eq!(row().await["wait_budget_seconds"], 50);
    shop.change("/api/agents", "name", "invoice-bot", json!({"wait_budget_seconds": 120})).await;
    assert_eq!(row().await["wait_budget_seconds"], 120);
    let path = format!("/api/agents/{}", row().await["id"].as_str().unwrap());
    for odd in [json!(0), json!(3_601), json!(-5), json!("long")] {
        let refused = shop.dana.call(Method::PATCH, &path, Some(json!({"wait_budget_seconds": odd}))).await;
        assert!(refused.status == 422 || refused.status == 400, "{odd}: {}", refused.text);
    }
    let made = shop.dana.post("/api/agents", json!({"name": "slow", "wait_budget_seconds": 600})).await.expect(201);
    assert_eq!(made["agent"]["wait_budget_seconds"], 600);
}
