//! The session's cookie, as each kind of address needs it.

use crate::given::given_shop;
use reqwest::Client;
use serde_json::json;
use std::fs;
use support::{Answer, Served, command, free_port};

const PEOPLE: &str = "users: [{email: dana@acme.test, name: Dana Kim, role: admin}]\n";

/// What `Set-Cookie` says after the name and value, in order.
fn attributes(cookie: &str) -> Vec<&str> {
    let mut attributes: Vec<_> = cookie.split("; ").skip(1).collect();
    attributes.sort_unstable();
    attributes
}

#[tokio::test]
async fn behind_https_the_cookie_belongs_to_one_host_and_travels_by_https_only() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("desk.yaml"), PEOPLE).unwrap();
    let port = free_port().await;
    let listen = format!("127.0.0.1:{port}");
    let url = "https://desk.acme.test";
    let flags = ["--listen", &listen, "--public-url", url, "--data-dir", "data", "--apply", "desk.yaml"];
    let served = Served::start(home.path(), &flags, &[]).await;
    assert_eq!(served.origin, url);
    let link = command(&home.path().join("data"), &["user", "link", "dana@acme.test"], &[]).await;
    let (origin, token) = link.trim().split_once("/sign-in/link#").unwrap();
    assert_eq!(origin, url);

    // What ends TLS stands before the server and passes the name on.
    let at = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let post = Client::new().post(at("/api/session/link")).header("host", "desk.acme.test").header("origin", url);
    let entered = Answer::read(post.json(&json!({"token": token})).send().await.unwrap()).await;
    assert_eq!(entered.status, 200, "{}", entered.text);
    let cookie = entered.headers["set-cookie"].to_str().unwrap();
    let (name, token) = cookie.split(';').next().unwrap().split_once('=').unwrap();
    assert_eq!(name, "__Host-countersign");
    assert_eq!(attributes(cookie), ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);

    for (name, status) in [("__Host-countersign", 200), ("countersign", 401), ("__Host-countersign2", 401)] {
        let get = Client::new().get(at("/api/session")).header("host", "desk.acme.test");
        let answer = get.header("cookie", format!("{name}={token}")).send().await.unwrap();
        assert_eq!(answer.status(), status, "{name}");
    }
    served.stop().await;
}

#[tokio::test]
async fn on_loopback_the_cookie_is_the_desks_own_and_not_secure() {
    let shop = given_shop().await;
    let token = shop.desk.sign_in_token("dana@acme.test").await;
    let post = Client::new().post(format!("{}/api/session/link", shop.desk.origin)).header("origin", &shop.desk.origin);
    let entered = post.json(&json!({"token": token})).send().await.unwrap();
    let cookie = entered.headers()["set-cookie"].to_str().unwrap();
    let id = shop.desk.database().await.texts("SELECT id FROM desk").await.remove(0).replace('-', "");
    assert!(cookie.starts_with(&format!("countersign_{}=", &id[..8])), "{cookie}");
    assert_eq!(attributes(cookie), ["HttpOnly", "Path=/", "SameSite=Lax"]);
}

#[tokio::test]
async fn two_desks_on_one_machine_do_not_sign_each_other_out() {
    let (one, other) = (given_shop().await, given_shop().await);
    let name = |cookie: &str| cookie.split_once('=').unwrap().0.to_owned();
    assert_ne!(name(one.dana.cookie()), name(other.dana.cookie()));
    let both = format!("{}; {}", one.dana.cookie(), other.dana.cookie());
    for desk in [&one.desk, &other.desk] {
        let get = Client::new().get(format!("{}/api/session", desk.origin)).header("cookie", &both);
        assert_eq!(get.send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn signing_out_takes_the_cookie_away() {
    let shop = given_shop().await;
    let gone = shop.dana.call(reqwest::Method::DELETE, "/api/session", None).await;
    assert_eq!(gone.status, 204);
    let cookie = gone.headers["set-cookie"].to_str().unwrap();
    let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
    assert_eq!((shop.dana.cookie().starts_with(&format!("{name}=")), value), (true, ""));
    assert!(attributes(cookie).contains(&"Max-Age=0"), "{cookie}");
}
