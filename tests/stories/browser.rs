//! The product through its own door: a browser, a passkey, and an agent that waits.

use crate::given::{KEY, SECRET, file, refund, settled};
use support::{Browser, Desk, Upstream};

#[tokio::test]
async fn somebody_sets_up_the_desk_signs_out_and_in_reviews_approves_and_denies() {
    let upstream = Upstream::answering(r#"{"id":"re_1"}"#).await;
    let desk = Desk::of_today().await;
    let dana = Browser::start().await;

    dana.open(&format!("{}/setup#{}", desk.origin, desk.setup_token())).await;
    dana.fill("desk_name", "Acme").await;
    dana.fill("name", "Dana Kim").await;
    dana.fill("email", "dana@acme.test").await;
    dana.click("setup-finish").await;
    dana.shows("No pending approvals").await;

    dana.click("nav-account").await;
    dana.click("sign-out").await;
    dana.click("sign-in").await;
    dana.shows("Dana Kim").await;

    desk.apply(&file(&upstream.url), &[("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)]).await;
    let agent = desk.agent(KEY);
    settled(&agent).await;
    dana.open(&format!("{}/requests", desk.origin)).await;
    dana.says("live", "Live").await;
    let waiting = {
        let agent = agent.clone();
        tokio::spawn(async move { agent.ask_with(&[("prefer", "wait=50")], refund(4_900)).await })
    };
    dana.says("pending-badge", "1").await;
    dana.click("request-row").await;
    dana.says("card-arguments", "4900").await;
    dana.says("card-note", "Charged twice.").await;
    dana.click("approve").await;
    let answer = waiting.await.unwrap().expect(200);
    assert_eq!((answer["state"].as_str(), answer["result"]["data"]["id"].as_str()), (Some("succeeded"), Some("re_1")));

    let held = agent.ask(refund(1)).await.expect(202);
    let id = held["approval_id"].as_str().unwrap();
    dana.open(&format!("{}/requests/{id}", desk.origin)).await;
    dana.click("deny").await;
    dana.fill("deny-reason", "Not this one.").await;
    dana.click("deny-confirm").await;
    let ended = agent.end_of(id).await;
    assert_eq!((ended["state"].as_str(), ended["reason"].as_str()), (Some("denied"), Some("Not this one.")));
    assert_eq!(upstream.requests().len(), 1);
    dana.quit().await;
}
