//! Desk files that are wrong or hostile, applied by the real binary: told all at once, and nothing of them happens.

use crate::given::{KEY, SECRET, file};
use std::fmt::Write as _;
use std::fs;
use support::{Ended, run};
use tempfile::TempDir;

const VARIABLES: [(&str, &str); 2] = [("BOT_KEY", KEY), ("SHOP_TOKEN", SECRET)];

/// A desk with the shop's file applied.
async fn given_desk() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let applied = apply(&folder, file("http://127.0.0.1:9").as_bytes(), &[], &VARIABLES).await;
    assert_eq!(applied.code, Some(0), "{}", applied.complained);
    folder
}

async fn apply(folder: &TempDir, bytes: &[u8], flags: &[&str], variables: &[(&str, &str)]) -> Ended {
    let path = folder.path().join("desk.yaml");
    fs::write(&path, bytes).unwrap();
    let data = folder.path().join("data");
    let arguments = [&["apply", path.to_str().unwrap(), "--data-dir", data.to_str().unwrap()], flags].concat();
    run(&arguments, variables).await
}

async fn export(folder: &TempDir) -> String {
    let data = folder.path().join("data");
    run(&["export", "--data-dir", data.to_str().unwrap()], &[]).await.said
}

#[tokio::test]
async fn ten_mistakes_are_told_at_once_with_their_lines_and_nothing_is_applied() {
    let folder = given_desk().await;
    let before = export(&folder).await;
    let wrong = r#"users:
  - {email: zoe@acme.test, name: Zoe}
  - {email: nobody, name: Nobody}
  - {email: jon@acme.test, name: Jon, role: boss}
agents:
  - {name: "two words", owner: zoe@acme.test}
  - {name: orphan, owner: ghost@acme.test}
connectors:
  - slug: New
    kind: http
    base_url: ftp://new.test
    tools:
      - {name: a, method: FETCH, path: "no/slash"}
policies:
  - {name: P, action: alow}
  - {name: Q, action: deny, tools: []}
  - {name: R, action: allow, when: "1 +"}
  - {name: R, action: deny}
colours: blue
"#;
    let ended = apply(&folder, wrong.as_bytes(), &[], &VARIABLES).await;
    assert_eq!(ended.code, Some(1));
    for line in [3, 4, 6, 7, 9, 11, 13, 15, 16, 17, 18, 19] {
        assert!(ended.complained.contains(&format!("desk.yaml:{line}:")), "line {line}: {}", ended.complained);
    }
    assert!(ended.complained.contains("nothing was changed"), "{}", ended.complained);
    assert_eq!(export(&folder).await, before);
}

#[tokio::test]
async fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let folder = given_desk().await;
    let before = export(&folder).await;
    let wider =
        file("http://127.0.0.1:9").replace("action: deny, tools: [shop_close]", "action: allow, tools: [shop_close]");
    let dry = apply(&folder, wider.as_bytes(), &["--dry-run"], &VARIABLES).await;
    assert_eq!(dry.code, Some(0));
    assert!(dry.said.contains("Never") && dry.said.contains("nothing was changed"), "{}", dry.said);
    assert_eq!(export(&folder).await, before);
    assert_eq!(apply(&folder, wider.as_bytes(), &[], &VARIABLES).await.code, Some(0));
    assert_ne!(export(&folder).await, before);
}

#[tokio::test]
async fn a_secret_that_is_not_set_is_named_with_its_line_and_nothing_is_applied() {
    let folder = given_desk().await;
    let before = export(&folder).await;
    let renamed = file("http://127.0.0.1:9").replace("Mina Sato", "Mina S.");
    for variables in [&[("BOT_KEY", KEY)][..], &[("BOT_KEY", KEY), ("SHOP_TOKEN", "")]] {
        let ended = apply(&folder, renamed.as_bytes(), &[], variables).await;
        assert_eq!(ended.code, Some(1), "{}", ended.said);
        assert!(
            ended.complained.contains("SHOP_TOKEN") && ended.complained.contains("desk.yaml:12:"),
            "{}",
            ended.complained
        );
        assert_eq!(export(&folder).await, before);
    }
    let short = apply(&folder, renamed.as_bytes(), &[], &[("BOT_KEY", "hunter2"), ("SHOP_TOKEN", SECRET)]).await;
    assert_eq!(short.code, Some(1), "{}", short.said);
    assert!(short.complained.contains("BOT_KEY") && !short.complained.contains("hunter2"), "{}", short.complained);
}

#[tokio::test]
async fn a_hostile_file_is_refused_in_a_sentence() {
    let folder = given_desk().await;
    let before = export(&folder).await;
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..20 {
        let last = n - 1;
        writeln!(laughs, "a{n}: &a{n} [{}]", vec![format!("*a{last}"); 10].join(", ")).unwrap();
    }
    let nested = format!("users: {}x{}\n", "&a [".repeat(60), "]".repeat(60));
    let hostile: [(&str, Vec<u8>); 19] = [
        ("a billion laughs", laughs.into_bytes()),
        ("an alias to itself", b"users: &a [*a]\n".to_vec()),
        ("an alias to nothing", b"users: *a\n".to_vec()),
        ("a code tag", b"users: !!python/object/apply:os.system ['id']\n".to_vec()),
        ("a tag of its own", b"users: !include /etc/passwd\n".to_vec()),
        ("a key twice", b"users: []\nusers: []\n".to_vec()),
        ("a merge key", b"users:\n  - {<<: {email: x@acme.test}, name: X}\n".to_vec()),
        ("a key that is a list", b"? [a]\n: b\n".to_vec()),
        ("10 MiB", [b"# ".to_vec(), vec![b'x'; 10 << 20]].concat()),
        ("tabs", b"users:\n\t- {email: x@acme.test, name: X}\n".to_vec()),
        ("no UTF-8", b"users: [\xff]\n".to_vec()),
        ("UTF-16", "users: []\n".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("NUL", b"users: [\0]\n".to_vec()),
        ("100,000 deep", "[".repeat(100_000).into_bytes()),
        ("60 anchors deep", nested.into_bytes()),
        ("two documents", b"users: []\n---\nusers: []\n".to_vec()),
        ("nothing", Vec::new()),
        ("a text", b"users".to_vec()),
        ("binary", (0..=255).cycle().take(5_000).collect()),
    ];
    for (what, bytes) in hostile {
        let ended = apply(&folder, &bytes, &[], &VARIABLES).await;
        assert_eq!(ended.code, Some(1), "{what}: {}", ended.said);
        assert!(ended.complained.starts_with("countersign: "), "{what}: {}", ended.complained);
        assert!(ended.complained.contains("desk.yaml"), "{what}: {}", ended.complained);
        assert!(ended.complained.len() < 4_000, "{what}: {} bytes", ended.complained.len());
    }
    assert_eq!(export(&folder).await, before);
}
