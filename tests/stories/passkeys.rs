//! A passkey that nothing older vouches for: whoever has somebody's session could add one, so it waits and is told of.

use crate::given::{Shop, file, given_shop, refund};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use support::Person;

const HOLD: Duration = Duration::from_secs(15 * 60);

/// Ines is an admin whom a desk file made: she comes by a link and has no passkey yet.
async fn given_ines() -> (Shop, Person) {
    let shop = given_shop().await;
    let people = "users:\n  - {email: ines@acme.test, name: Ines Roth, role: admin}\n";
    shop.apply(&file(&shop.upstream.url).replace("users:\n", people)).await;
    let ines = Person::by_link(&shop.desk.origin, &shop.desk.sign_in_token("ines@acme.test").await).await;
    (shop, ines)
}

async fn tries_to_widen(person: &Person) -> (u16, String) {
    let answer = person.post("/api/policies", json!({"name": "All", "action": "allow"})).await;
    (answer.status, answer.code().to_owned())
}

fn reauth_required() -> (u16, String) {
    (403, "reauth_required".to_owned())
}

async fn row_of_ines(shop: &Shop) -> Value {
    let people = shop.dana.get("/api/users").await.expect(200);
    people["items"].as_array().unwrap().iter().find(|user| user["email"] == "ines@acme.test").unwrap().clone()
}

#[tokio::test]
async fn a_passkey_added_without_an_older_one_neither_approves_nor_widens_for_fifteen_minutes() {
    let (shop, ines) = given_ines().await;
    assert_eq!(tries_to_widen(&ines).await, reauth_required());
    ines.add_passkey("Phone").await.expect(200);

    let id = shop.held().await;
    let start = ines.post(&format!("/api/requests/{id}/decisions/start"), json!({"decision": "approve"})).await;
    assert_eq!((start.status, start.code()), (403, "passkey_too_new"));
    let touched = ines.reauthenticate().await;
    assert_eq!((touched.status, touched.code()), (403, "passkey_too_new"));
    let second = ines.post("/api/passkeys/start", json!({"name": "Another"})).await;
    assert_eq!((second.status, second.code()), (403, "reauth_required"), "it vouches for no other passkey either");
    let ines = ines.sign_in_again("ines@acme.test").await;
    assert_eq!(tries_to_widen(&ines).await, reauth_required());

    shop.desk.clock.forward(HOLD - Duration::from_secs(1));
    assert_eq!(ines.reauthenticate().await.code(), "passkey_too_new");
    shop.desk.clock.forward(Duration::from_secs(1));
    let id = shop.held().await;
    ines.approve(&id).await.expect(200);
    assert_eq!(shop.agent.end_of(&id).await["state"], "succeeded");
    ines.reauthenticate().await.expect(200);
    assert_eq!(tries_to_widen(&ines).await.0, 201);
}

#[tokio::test]
async fn the_admins_are_told_of_a_passkey_that_was_added_without_an_older_one() {
    let (shop, ines) = given_ines().await;
    let mina = shop.joined("mina@acme.test", "member", "Mina Sato").await;
    let mut screen = shop.dana.watch(None).await;
    let mut minas = mina.watch(None).await;
    assert_eq!(shop.dana.get("/api/session").await.expect(200)["notices"], json!([]));
    assert!(row_of_ines(&shop).await["fresh_passkey_until"].is_null());

    let added = ines.add_passkey("Phone").await.expect(200);

    let event = screen.next().await.unwrap();
    assert_eq!(event.name, "desk.notice");
    let notices = shop.dana.get("/api/session").await.expect(200)["notices"].clone();
    assert_eq!(notices.as_array().unwrap().len(), 1);
    let told = |field: &str| notices[0][field].clone();
    assert_eq!(
        (told("kind"), told("email"), told("passkey")),
        (json!("passkey_added"), json!("ines@acme.test"), json!("Phone"))
    );
    assert_eq!((told("at"), told("usable_from")), (added["created_at"].clone(), added["usable_from"].clone()));
    assert_eq!(row_of_ines(&shop).await["fresh_passkey_until"], added["usable_from"]);
    // Only admins are told: the next that a member hears is something else.
    assert_eq!(mina.get("/api/session").await.expect(200)["notices"], json!([]));
    shop.held().await;
    assert_eq!(minas.next().await.unwrap().name, "request.created");

    // When the passkey may approve, the notice stays for whoever was not here, and says since when.
    shop.desk.clock.forward(HOLD);
    assert_eq!(shop.dana.get("/api/session").await.expect(200)["notices"], notices);
    assert!(row_of_ines(&shop).await["fresh_passkey_until"].is_null());
}

#[tokio::test]
async fn a_closed_account_opens_nothing_with_a_passkey_it_added() {
    let (shop, ines) = given_ines().await;
    ines.add_passkey("Phone").await.expect(200);
    shop.change("/api/users", "email", "ines@acme.test", json!({"active": false})).await;
    let begun = shop.desk.call(Method::POST, "/api/session/passkey/start", Some(&json!({}))).await.expect(200);
    assert_eq!(begun["publicKey"]["allowCredentials"], json!([]));
    assert_eq!(ines.get("/api/session").await.status, 401);
}

#[tokio::test]
async fn a_passkey_that_an_older_one_vouches_for_may_decide_at_once_and_needs_no_notice() {
    let shop = given_shop().await;
    let added = shop.dana.add_passkey("Second").await.expect(200);
    assert_eq!(added["usable_from"], Value::Null);
    assert_eq!(shop.dana.get("/api/session").await.expect(200)["notices"], json!([]));
    shop.desk.clock.forward(Duration::from_secs(5 * 60 + 1));
    let late = shop.dana.post("/api/passkeys/start", json!({"name": "Third"})).await;
    assert_eq!((late.status, late.code()), (403, "reauth_required"));
}

#[tokio::test]
async fn whoever_tries_too_often_at_the_door_waits_and_those_inside_do_not() {
    let shop = given_shop().await;
    let body = json!({"token": "no-such-link"});
    let mut refused = None;
    for _ in 0..400 {
        let answer = shop.desk.call(Method::POST, "/api/session/link", Some(&body)).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.code(), "link_spent");
    }
    let refused = refused.expect("tries are counted out");
    assert_eq!(refused.code(), "too_many_tries");
    assert_eq!(refused.headers["retry-after"], "1");
    let mut begun = Vec::new();
    for _ in 0..60 {
        begun.push(shop.desk.call(Method::POST, "/api/session/passkey/start", Some(&json!({}))).await.status);
    }
    assert!(begun.contains(&429), "all doors count together: {begun:?}");
    shop.dana.get("/api/requests").await.expect(200);
    shop.agent.ask(refund(4_900)).await.expect(202);
}
