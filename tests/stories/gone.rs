//! Callers who go away in the middle: what was committed for them is followed by what it makes necessary.

use crate::given::{KEY, given_shop, look};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

#[tokio::test]
async fn an_allowed_call_is_made_though_its_caller_left_before_the_commit() {
    let shop = given_shop().await;
    let database = shop.desk.database().await;
    database.run("BEGIN IMMEDIATE").await;
    let body = look("a").to_string();
    let address = shop.desk.origin.strip_prefix("http://").unwrap();
    let mut caller = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/actions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {KEY}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    caller.write_all(head.as_bytes()).await.unwrap();
    // Whoever is answered now was taken in after the caller had asked, and again after it had left.
    shop.agent.get("/v1/agent/permissions").await.expect(200);
    drop(caller);
    shop.agent.get("/v1/agent/permissions").await.expect(200);
    database.run("COMMIT").await;
    let made = tokio::time::timeout(Duration::from_secs(30), shop.upstream.received(1)).await;
    assert!(made.is_ok(), "the call was written down as under way and never made");
}
