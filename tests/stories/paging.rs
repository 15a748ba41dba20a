//! The queue, page by page, while agents go on asking.

use crate::given::{KEY, SECRET, Shop, file, given_shop, look, refund};
use serde_json::{Value, json};
use std::time::Duration;
use support::Answer;

/// Every order, and the field that it goes by.
const ORDERS: [(&str, &str); 4] = [
    ("name", "/requester/name"),
    ("identifier", "/requester/email"),
    ("connector", "/connector/name"),
    ("requested", "/created_at"),
];

/// Rows of three people and two connectors, pending and ended, with several in each place of each order.
async fn given_rows() -> Shop {
    let shop = given_shop().await;
    let people = "users:\n  - {email: zoe@acme.test, name: Ada Zorn}\n  - {email: bo@acme.test, name: Zed Bo}\n";
    let desk = file(&shop.upstream.url).replace("users:\n", people).replace(
        "owner: mina@acme.test,",
        "owner: mina@acme.test, may_act_for: {users: [zoe@acme.test, bo@acme.test]},",
    );
    shop.desk
        .apply(&(desk + "settings: {max_pending_per_agent: 1000}\n"), &[("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)])
        .await;
    shop.dana.get("/api/connectors").await.expect(200);
    for _ in 0..4 {
        some_more(&shop).await;
    }
    shop
}

/// One row of each person at one moment.
async fn some_more(shop: &Shop) {
    shop.desk.clock.forward(Duration::from_millis(250));
    for (ask, email) in [
        (refund(1), "zoe@acme.test"),
        (json!({"connector": "shell", "tool": "run"}), "bo@acme.test"),
        (look("a"), "mina@acme.test"),
    ] {
        let mut ask = ask;
        ask["on_behalf_of"] = json!(email);
        assert!([200, 202].contains(&shop.agent.ask(ask).await.status));
    }
}

fn id(row: &Value) -> String {
    row["id"].as_str().unwrap().to_owned()
}

/// Turns all pages, each after more was asked.
async fn walk(shop: &Shop, query: &str) -> Vec<Value> {
    let (mut rows, mut next) = (Vec::new(), String::new());
    for _ in 0..100 {
        let page = shop.dana.get(&format!("/api/requests?{query}{next}")).await.expect(200);
        rows.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(cursor) = page["next"].as_str() else { return rows };
        assert!(!page["items"].as_array().unwrap().is_empty(), "a page with a next one has rows");
        next = format!("&after={cursor}");
        if rows.len() < 12 {
            some_more(shop).await;
        }
    }
    panic!("the pages of {query} do not end");
}

#[tokio::test]
async fn in_every_order_the_pages_hold_every_row_once_while_new_ones_come() {
    let shop = given_rows().await;
    for (order, field) in ORDERS {
        for sign in ["", "-"] {
            let all = shop.dana.get("/api/requests?state=all&limit=200").await.expect(200);
            let before: Vec<_> = all["items"].as_array().unwrap().iter().map(id).collect();
            let rows = walk(&shop, &format!("state=all&limit=5&sort={sign}{order}")).await;
            let mut ids: Vec<_> = rows.iter().map(id).collect();
            let mut values: Vec<_> = rows.iter().map(|row| row.pointer(field).unwrap().as_str().unwrap()).collect();
            if sign == "-" {
                values.reverse();
            }
            assert!(values.is_sorted(), "{sign}{order}: {values:?}");
            ids.sort_unstable();
            assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{sign}{order}: a row came twice");
            let missing = before.iter().filter(|id| ids.binary_search(id).is_err()).count();
            assert_eq!(missing, 0, "{sign}{order}: rows that were there before the first page");
        }
    }
}

#[tokio::test]
async fn the_states_and_the_connector_narrow_what_is_listed() {
    let shop = given_rows().await;
    let denied = shop.held().await;
    shop.dana.deny(&denied, "").await.expect(200);
    for (query, expected) in [
        ("", 8),
        ("state=pending", 8),
        ("state=decided", 5),
        ("state=denied", 1),
        ("state=succeeded", 4),
        ("state=expired", 0),
        ("state=all", 13),
        ("state=all&connector=shell", 4),
        ("state=all&connector=shop", 9),
        ("connector=shop", 4),
        ("state=all&connector=nothing", 0),
        ("state=all&connector=sho%25", 0),
    ] {
        let rows = walk(&shop, &format!("limit=200&{query}")).await;
        assert_eq!(rows.len(), expected, "{query}");
    }
    let page = shop.dana.get("/api/requests?state=denied&limit=1").await.expect(200);
    assert_eq!((id(&page["items"][0]), &page["next"], &page["pending"]), (denied, &Value::Null, &json!(8)));
}

#[track_caller]
fn is(answer: &Answer, code: &str, field: &str) {
    let status = if code == "invalid" { 422 } else { 400 };
    assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text);
    assert!(answer.json["detail"].as_str().unwrap().contains(field), "{}", answer.text);
}

#[tokio::test]
async fn a_page_has_two_hundred_rows_at_most_and_what_can_not_be_read_is_named() {
    let shop = given_rows().await;
    let get = |query: &str| {
        let path = format!("/api/requests?{query}");
        let dana = &shop.dana;
        async move { dana.get(&path).await }
    };
    assert_eq!(get("state=all&limit=200").await.expect(200)["items"].as_array().unwrap().len(), 12);
    for limit in ["0", "201", "4294967295"] {
        is(&get(&format!("limit={limit}")).await, "invalid", "limit");
    }
    for limit in ["", "-1", "ten", "4294967296"] {
        is(&get(&format!("limit={limit}")).await, "bad_request", "limit");
    }
    for sort in ["", "-", "tool", "--name", "name,connector", "NAME"] {
        is(&get(&format!("sort={sort}")).await, "invalid", "sort");
    }
    for state in ["", "open", "PENDING"] {
        is(&get(&format!("state={state}")).await, "invalid", "state");
    }
    for after in ["", "1", "AAAA", "%00", "e30", "eyJ2YWx1ZSI6MX0"] {
        is(&get(&format!("after={after}")).await, "invalid", "after");
    }
    is(&get("page=2").await, "bad_request", "page");
}

#[tokio::test]
async fn a_cursor_of_one_order_is_none_of_another() {
    let shop = given_rows().await;
    let page = shop.dana.get("/api/requests?state=all&limit=2&sort=name").await.expect(200);
    let cursor = page["next"].as_str().unwrap();
    for sort in ["requested", "-requested", "-name", "identifier"] {
        is(&shop.dana.get(&format!("/api/requests?state=all&sort={sort}&after={cursor}")).await, "invalid", "after");
    }
}
