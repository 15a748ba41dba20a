//! The demo, as somebody meets it who has just installed the program.

use serde_json::{Value, json};
use support::{Demo, Person, free_port};
use tokio::net::TcpListener;

/// The request of the demo's agent for a tool that waits for a decision.
async fn waiting(dana: &Person, tool: &str) -> Value {
    loop {
        let page = dana.get("/api/requests").await.expect(200);
        for item in page["items"].as_array().unwrap() {
            let card = dana.get(&format!("/api/requests/{}", item["id"].as_str().unwrap())).await.expect(200);
            if card["tool"].to_string().contains(tool) {
                return card;
            }
        }
    }
}

#[tokio::test]
async fn the_demos_link_opens_a_desk_where_an_approved_write_is_written_and_a_denied_deletion_is_not() {
    let demo = Demo::start(free_port().await).await;
    let dana = Person::by_link(&demo.origin, &demo.token).await;
    assert_eq!(dana.get("/api/session").await.expect(200)["demo"], true);

    let write = waiting(&dana, "write").await;
    let id = write["id"].as_str().unwrap();
    assert!(!demo.notes.join("Call with Acme 1").exists());
    dana.post(&format!("/api/requests/{id}/decisions"), json!({"decision": "approve"})).await.expect(200);
    assert_eq!(dana.end_of(id).await["state"], "succeeded");
    let note = std::fs::read_to_string(demo.notes.join("Call with Acme 1")).unwrap();
    assert!(note.contains("They renew for a year"), "{note}");

    let delete = waiting(&dana, "delete").await;
    let id = delete["id"].as_str().unwrap();
    dana.deny(id, "Keep it.").await.expect(200);
    assert_eq!(dana.end_of(id).await["state"], "denied");
    assert!(demo.notes.join("Old price list").exists());

    // The link stays good as long as the demo runs, and nothing of it stays when it ends.
    Person::by_link(&demo.origin, &demo.token).await;
    assert_eq!(demo.interrupt().await, [""; 0].map(std::path::PathBuf::from));
}

#[tokio::test]
async fn a_demo_whose_port_is_taken_takes_the_next_one() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let demo = Demo::start(port).await;
    let its: u16 = demo.origin.rsplit_once(':').unwrap().1.parse().unwrap();
    assert!(its > port, "{its}");
    assert_eq!(Person::by_link(&demo.origin, &demo.token).await.get("/api/session").await.status, 200);
}
