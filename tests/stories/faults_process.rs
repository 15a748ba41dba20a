//! A server that can't start, can't write, or is told to stop in the middle of things: the real binary.

use crate::given::{KEY, SECRET, file, look, refund, settled};
use countersign_server::clock::SystemClock;
use countersign_server::config::DataFolder;
use countersign_server::store::{Store, StoreError};
use reqwest::{Client, Method};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use support::{Desk, Ended, Process, Upstream, apply_to, run};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

async fn serve_on(folder: &Path) -> Ended {
    run(&["serve", "--listen", "127.0.0.1:0", "--public-url", "http://localhost:1", "--data-dir", text(folder)], &[])
        .await
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn given_folder(upstream: &Upstream) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)];
    apply_to(folder.path(), Arc::new(SystemClock), &file(&upstream.url), &variables).await;
    folder
}

#[tokio::test]
async fn a_taken_port_stops_the_server_which_names_the_port_and_the_flag() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let listen = format!("127.0.0.1:{port}");
    let ended = run(&["serve", "--listen", &listen, "--data-dir", text(folder.path())], &[]).await;
    assert_eq!(ended.code, Some(1));
    for word in [&format!("port {port} is taken"), "--listen"] {
        assert!(ended.complained.contains(word), "{}", ended.complained);
    }
}

#[tokio::test]
async fn a_data_folder_has_one_server_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = Process::serve(folder.path()).await;
    let second = serve_on(folder.path()).await;
    assert_eq!(second.code, Some(1));
    for word in ["another Countersign server", text(folder.path()), "--data-dir"] {
        assert!(second.complained.contains(word), "{}", second.complained);
    }
    let ready = Client::new().get(format!("{}/readyz", first.origin)).send().await.unwrap();
    assert_eq!(ready.status(), 200);
    first.kill().await;
    Process::serve(folder.path()).await.kill().await;
}

#[tokio::test]
async fn a_data_folder_that_can_not_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "").unwrap();
    fs::create_dir_all(at("db-is-a-folder/countersign.sqlite")).unwrap();
    fs::create_dir(at("no-database")).unwrap();
    fs::write(at("no-database/countersign.sqlite"), "this is not a database, whatever its name says".repeat(50))
        .unwrap();
    fs::create_dir_all(at("lock-is-a-folder/countersign.lock")).unwrap();
    let read_only = Path::new("/proc/self");
    let paths = [at("file"), at("file/below"), at("db-is-a-folder"), at("no-database"), at("lock-is-a-folder")];
    for path in paths.iter().map(std::path::PathBuf::as_path).chain([read_only]) {
        let ended = serve_on(path).await;
        assert_eq!(ended.code, Some(1), "{}: {}", path.display(), ended.complained);
        assert!(ended.complained.starts_with("countersign: "), "{}", ended.complained);
        assert!(ended.complained.contains(text(path)), "{} is not named: {}", path.display(), ended.complained);
        assert!(!ended.complained.contains("panicked"), "{}", ended.complained);
    }
    assert_eq!(fs::read(at("no-database/countersign.sqlite")).unwrap().len(), 46 * 50);
}

#[tokio::test]
async fn a_master_key_that_is_none_is_told_and_not_repeated() {
    let folder = given_folder(&Upstream::answering("{}").await).await;
    for key in ["", "short", "not base64 !!"] {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--public-url", "http://localhost:1", "--data-dir"];
        let ended = run(&[&serve[..], &[text(folder.path())]].concat(), &[("COUNTERSIGN_MASTER_KEY", key)]).await;
        assert_eq!(ended.code, Some(1), "{key:?}: {}", ended.complained);
        assert!(ended.complained.contains("master key"), "{key:?}: {}", ended.complained);
        assert!(key.is_empty() || !ended.complained.contains(key), "{}", ended.complained);
    }
}

#[tokio::test]
async fn a_master_key_in_a_file_of_its_own_opens_the_desk_to_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data, key, file) = (at("data"), at("elsewhere.key"), at("desk.yaml"));
    let desk = "users: [{email: mina@acme.test, name: Mina Sato}]\nconnectors:\n  - {slug: shop, kind: http, name: Shop, \
                base_url: 'https://shop.acme.test', credential: {env: TOKEN, as: bearer}, \
                tools: [{name: get, method: GET, path: /a}]}\n";
    fs::write(&file, desk).unwrap();
    let apply = |more: Vec<String>| {
        let words = [vec!["apply".to_owned(), file.clone(), "--data-dir".to_owned(), data.clone()], more].concat();
        async move { run(&words.iter().map(String::as_str).collect::<Vec<_>>(), &[("TOKEN", SECRET)]).await }
    };
    let with_key = || vec!["--master-key-file".to_owned(), key.clone()];
    assert_eq!(apply(Vec::new()).await.code, Some(0));
    fs::rename(Path::new(&data).join("master.key"), &key).unwrap();
    let ended = apply(with_key()).await;
    assert_eq!(ended.code, Some(0), "{}", ended.complained);
    let words = ["vault", "rotate", "--data-dir", &data, "--master-key-file", &key];
    assert_eq!(run(&words, &[]).await.code, Some(0));
    assert_eq!(apply(with_key()).await.code, Some(0));
    let backup = ["backup", &at("copy.sqlite"), "--data-dir", &data, "--master-key-file", &key];
    assert!(run(&backup, &[]).await.said.contains(&key));
    assert!(!Path::new(&data).join("master.key").exists(), "no other key was made");
}

/// Invariant 14.
#[tokio::test]
async fn a_full_disk_runs_nothing_and_when_it_has_room_the_desk_goes_on() {
    let upstream = Upstream::answering("{}").await;
    let desk = Desk::of_today().await;
    let dana = desk.set_up("Dana Kim", "dana@acme.test").await;
    desk.apply(&file(&upstream.url), &[("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)]).await;
    let folder = desk.close().await;
    let process = Process::serve_on_small_disk(folder.path()).await;
    let (agent, dana) = (process.agent(KEY), dana.moved_to(&process.origin));
    let held = agent.ask(refund(1)).await.expect(202)["approval_id"].as_str().unwrap().to_owned();
    let signed = dana.sign(&held, json!({"decision": "approve"})).await;
    agent.ask(look("ch_1")).await.expect(200);
    assert_eq!(upstream.requests().len(), 1);

    process.fill_disk().await;
    let get = |path: &str| Client::new().get(format!("{}{path}", process.origin)).send();
    assert_eq!(get("/readyz").await.unwrap().status(), 503);
    assert_eq!(get("/healthz").await.unwrap().status(), 200);
    let path = format!("/v1/approvals/{held}");
    let refusals = [
        agent.ask(look("ch_1")).await,
        agent.ask(refund(2)).await,
        agent.ask(json!({"connector": "shop", "tool": "shop_close"})).await,
        agent.send(Method::DELETE, &path, &[], String::new()).await,
        dana.finish(&held, signed.clone()).await,
        dana.deny(&held, "").await,
        dana.try_invite("jon@acme.test", "approver").await,
    ];
    for refusal in refusals {
        assert_eq!((refusal.status, refusal.code()), (503, "store_unavailable"), "{}", refusal.text);
        assert!(refusal.headers.contains_key("retry-after"));
    }
    assert_eq!(agent.get(&path).await.expect(200)["state"], "pending");
    assert_eq!(upstream.requests().len(), 1);

    process.empty_disk().await;
    assert_eq!(get("/readyz").await.unwrap().status(), 200);
    assert_eq!(dana.finish(&held, signed).await.status, 200);
    assert_eq!(agent.end_of(&held).await["state"], "succeeded");
    agent.ask(look("ch_1")).await.expect(200);
    assert_eq!(upstream.requests().len(), 3);
    process.kill().await;
}

#[tokio::test]
async fn an_outcome_that_the_full_disk_did_not_take_is_written_when_it_has_room() {
    let (open, gate) = watch::channel(false);
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    let upstream = Upstream::behind(gate, answer).await;
    let folder = given_folder(&upstream).await;
    let process = Process::serve_on_small_disk(folder.path()).await;
    let agent = process.agent(KEY);
    let asking = {
        let agent = agent.clone();
        tokio::spawn(async move { agent.ask(look("ch_1")).await })
    };
    upstream.received(1).await;
    process.fill_disk().await;
    open.send_replace(true);
    let answer = asking.await.unwrap().expect(200);
    let id = answer["approval_id"].as_str().unwrap();
    assert_eq!(agent.get(&format!("/v1/approvals/{id}")).await.expect(200)["state"], "executing");
    process.empty_disk().await;
    assert_eq!(agent.end_of(id).await["state"], "succeeded");
    assert_eq!(upstream.requests().len(), 1);
    process.kill().await;
}

#[tokio::test]
async fn a_database_that_another_program_holds_runs_nothing_and_then_the_desk_goes_on() {
    let upstream = Upstream::answering("{}").await;
    let folder = given_folder(&upstream).await;
    let process = Process::serve(folder.path()).await;
    let agent = process.agent(KEY);
    settled(&agent).await;
    let other = Store::open(&DataFolder::prepare(folder.path()).unwrap()).await.unwrap();
    let (holds, held) = oneshot::channel();
    let (let_go, free) = oneshot::channel::<()>();
    let holding = tokio::spawn(async move {
        let hold = other.write(move |_| {
            Box::pin(async move {
                holds.send(()).unwrap();
                free.await.unwrap();
                Ok::<_, StoreError>(())
            })
        });
        hold.await.unwrap();
    });
    held.await.unwrap();
    let refused = agent.ask(look("ch_1")).await;
    assert_eq!((refused.status, refused.code()), (503, "store_unavailable"), "{}", refused.text);
    assert!(upstream.requests().is_empty());
    let_go.send(()).unwrap();
    holding.await.unwrap();
    agent.ask(look("ch_1")).await.expect(200);
    process.kill().await;
}

/// Streams, waits, half-sent calls and idle connections may not hold a stop up; a call under way may end.
#[tokio::test]
async fn a_server_that_is_told_to_stop_lets_calls_end_and_stops() {
    let (open, gate) = watch::channel(false);
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    let upstream = Upstream::behind(gate, answer).await;
    let folder = given_folder(&upstream).await;
    let process = Process::serve(folder.path()).await;
    let agent = process.agent(KEY);
    let held = agent.ask(refund(1)).await.expect(202)["approval_id"].as_str().unwrap().to_owned();
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let (agent, path) = (agent.clone(), format!("/v1/approvals/{held}?wait=55"));
        waiting.push(tokio::spawn(async move { agent.get(&path).await }));
        let (agent, headers) = (process.agent(KEY), [("prefer", "wait=55")]);
        drop(tokio::spawn(async move { agent.ask_with(&headers, refund(2)).await }));
    }
    let stream = Client::new().get(format!("{}/v1/approvals/{held}/events", process.origin)).bearer_auth(KEY);
    let stream = stream.send().await.unwrap();
    let address = process.origin.replace("http://localhost", "127.0.0.1");
    let mut slow = TcpStream::connect(&address).await.unwrap();
    slow.write_all(b"POST /v1/actions HTTP/1.1\r\nHost: x\r\nContent-Le").await.unwrap();
    let _idle = TcpStream::connect(&address).await.unwrap();
    let asking = {
        let agent = agent.clone();
        tokio::spawn(async move { agent.ask(look("ch_1")).await })
    };
    upstream.received(1).await;

    let stopping = tokio::spawn(process.stop());
    assert!(stream.text().await.unwrap().contains("pending"));
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap().expect(200)["state"], "pending");
    }
    open.send_replace(true);
    asking.await.unwrap().expect(200);
    let code = tokio::time::timeout(Duration::from_secs(30), stopping).await.expect("it does not stop").unwrap();
    assert_eq!(code, Some(0));

    let process = Process::serve(folder.path()).await;
    let agent = process.agent(KEY);
    assert_eq!(agent.get(&format!("/v1/approvals/{held}")).await.expect(200)["state"], "pending");
    process.kill().await;
}
