//! `countersign hook install` and `uninstall`: an agent's own configuration, changed where it is ours and nowhere else.

use serde_json::{Value, json};
use std::path::Path;
use support::{Ended, run_at_home};
use tempfile::TempDir;

/// Every agent that reads JSON, its two files, and where our entry stands in them.
const AGENTS: [(&str, &str, &str, &str); 5] = [
    ("claude-code", ".claude/settings.json", ".claude/settings.json", "/hooks/PreToolUse/0/hooks/0"),
    ("codex", ".codex/hooks.json", ".codex/hooks.json", "/hooks/PreToolUse/0/hooks/0"),
    ("gemini", ".gemini/settings.json", ".gemini/settings.json", "/hooks/BeforeTool/0/hooks/0"),
    ("copilot", ".copilot/hooks/countersign.json", ".github/hooks/countersign.json", "/hooks/preToolUse/0"),
    ("cursor", ".cursor/hooks.json", ".cursor/hooks.json", "/hooks/beforeMCPExecution/0"),
];

const PLUGIN: &str = ".config/opencode/plugins/countersign.js";

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn written(home: &TempDir, file: &str) -> String {
    std::fs::read_to_string(home.path().join(file)).unwrap()
}

fn write(home: &TempDir, file: &str, text: &str) {
    let file = home.path().join(file);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

async fn hook(home: &TempDir, words: &str) -> Ended {
    let words: Vec<_> = std::iter::once("hook").chain(words.split(' ')).collect();
    run_at_home(home.path(), &words).await
}

#[track_caller]
fn done(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{} {}", ended.said, ended.complained);
}

/// The command that an agent is told, under whichever name it has there.
fn command(entry: &Value) -> String {
    let command = ["command", "bash"].iter().find_map(|key| entry[*key].as_str());
    command.unwrap_or_else(|| panic!("a command in {entry}")).to_owned()
}

#[tokio::test]
async fn an_agent_without_a_configuration_gets_one_and_loses_it_again() {
    for (agent, user, project, place) in AGENTS {
        for (scope, file) in [("--user", user), ("--project", project)] {
            let home = home();
            done(&hook(&home, &format!("install --agent {agent} {scope} --yes")).await);
            let json: Value = serde_json::from_str(&written(&home, file)).unwrap();
            let entry = json.pointer(place).unwrap_or_else(|| panic!("{agent}: {json}"));
            let line = command(entry);
            assert!(line.contains(&format!(" hook --agent {agent} --timeout-seconds 630")), "{line}");
            assert!(Path::new(line.split(' ').next().unwrap()).is_absolute(), "{line}");
            done(&hook(&home, &format!("uninstall --agent {agent} {scope} --yes")).await);
            assert!(!home.path().join(file).exists(), "{agent}");
        }
    }
}

#[tokio::test]
async fn a_hook_that_fails_or_is_slow_blocks_as_far_as_its_agent_knows_how() {
    let home = home();
    for (agent, file, _, place) in AGENTS {
        done(&hook(&home, &format!("install --agent {agent} --yes --timeout-seconds 120")).await);
        let json: Value = serde_json::from_str(&written(&home, file)).unwrap();
        let entry = json.pointer(place).unwrap();
        let line = command(entry);
        match agent {
            "claude-code" => assert_eq!((&entry["onFailure"], &entry["timeout"]), (&json!("block"), &json!(120))),
            "codex" => assert_eq!((line.ends_with(" || exit 2"), &entry["timeout"]), (true, &json!(120))),
            "gemini" => assert_eq!((line.ends_with(" || exit 2"), &entry["timeout"]), (true, &json!(120_000))),
            "copilot" => assert_eq!((line.contains(r#""deny""#), &entry["timeoutSec"]), (true, &json!(120))),
            _ => assert_eq!((&entry["failClosed"], &entry["timeout"]), (&json!(true), &json!(120))),
        }
    }
}

/// What a person has written, in a hand of their own.
const OWN: &str = r#"{
    "theme": "dark",
    "env": {"FOO": "1", "BAR": 2.50},
    "hooks": {
        "SessionStart": [{"hooks": [{"type": "command", "command": "echo hi"}]}],
        "EVENT": [
            {
                "matcher": "Bash",
                "hooks": [ {"type": "command", "command": "./mine.sh", "bash": "./mine.sh"} ]
            }
        ]
    },
    "alpha": [1, 2,
      3]
}
"#;

#[tokio::test]
async fn everything_that_stands_there_stays_in_its_order_and_its_hand() {
    for (agent, file, _, place) in AGENTS {
        let home = home();
        let event = place.split('/').nth(2).unwrap();
        let own = OWN.replace("EVENT", event);
        write(&home, file, &own);
        done(&hook(&home, &format!("install --agent {agent} --yes")).await);
        let text = written(&home, file);
        for line in own.lines().filter(|line| line.len() > 10) {
            assert!(text.contains(line.trim_end_matches(',')), "{agent}: {line:?} in {text}");
        }
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["hooks"][event].as_array().unwrap().len(), 2, "{text}");
        done(&hook(&home, &format!("install --agent {agent} --yes")).await);
        assert_eq!(written(&home, file), text, "twice is once");
        done(&hook(&home, &format!("uninstall --agent {agent} --yes")).await);
        let left: Value = serde_json::from_str(&written(&home, file)).unwrap();
        let mut before: Value = serde_json::from_str(&own).unwrap();
        if ["copilot", "cursor"].contains(&agent) {
            before["version"] = json!(1);
        }
        assert_eq!(left, before, "{agent}");
        assert!(written(&home, file).contains("    \"env\": {\"FOO\": \"1\", \"BAR\": 2.50},"), "{agent}");
    }
}

#[tokio::test]
async fn another_time_replaces_what_was_said_before() {
    let home = home();
    done(&hook(&home, "install --agent claude-code --yes").await);
    done(
        &hook(&home, "install --agent claude-code --yes --connector coders --on-unreachable ask --unknown-tools allow")
            .await,
    );
    let text = written(&home, ".claude/settings.json");
    assert_eq!(text.matches(" hook --agent ").count(), 1, "{text}");
    assert!(text.contains("--connector coders --on-unreachable ask --unknown-tools allow"), "{text}");
}

#[tokio::test]
async fn the_key_is_never_written_down_and_what_to_export_is_said() {
    let home = home();
    let ended = hook(&home, "install --agent claude-code --yes --key-file my.key --url https://desk.acme.test").await;
    done(&ended);
    let text = written(&home, ".claude/settings.json");
    let key_file = home.path().canonicalize().unwrap().join("my.key");
    assert!(text.contains(&format!("--key-file {}", key_file.display())), "{text}");
    assert!(text.contains("--url https://desk.acme.test/"), "{text}");
    assert!(!ended.said.contains("export "), "{}", ended.said);
    let ended = hook(&home, "install --agent codex --yes").await;
    assert!(ended.said.contains("export COUNTERSIGN_AGENT_KEY=csk_..."), "{}", ended.said);
    assert!(ended.said.contains("say /hooks"), "{}", ended.said);
}

#[tokio::test]
async fn nobody_to_ask_is_a_diff_and_no_change() {
    let home = home();
    write(&home, ".claude/settings.json", "{\n  \"theme\": \"dark\"\n}\n");
    let ended = hook(&home, "install --agent claude-code").await;
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    assert!(ended.said.contains("\n+  \"hooks\": {\n") && ended.said.contains("--- "), "{}", ended.said);
    assert!(ended.complained.contains("--yes"), "{}", ended.complained);
    assert_eq!(written(&home, ".claude/settings.json"), "{\n  \"theme\": \"dark\"\n}\n");
}

#[tokio::test]
async fn what_is_no_plain_json_or_not_as_it_should_be_is_left_alone() {
    for (text, why) in [
        ("{\n  // my own\n  \"theme\": \"dark\"\n}\n", "no plain JSON"),
        ("{\"theme\": ", "no plain JSON"),
        ("[]", "no JSON object"),
        ("{\"hooks\": []}", "\"hooks\" is no object"),
        ("{\"hooks\": {\"PreToolUse\": {}}}", "\"hooks.PreToolUse\" is no list"),
        ("{\"hooks\": {}, \"hooks\": {}}", "in two ways"),
        ("{\"hooks\": {\"PreToolUse\": [], \"PreToolUse\": []}}", "in two ways"),
    ] {
        let home = home();
        write(&home, ".claude/settings.json", text);
        let ended = hook(&home, "install --agent claude-code --yes").await;
        assert_eq!(ended.code, Some(1), "{text}");
        assert!(ended.complained.contains(why) && ended.complained.contains("left as it is"), "{}", ended.complained);
        assert_eq!(written(&home, ".claude/settings.json"), text);
    }
}

#[tokio::test]
async fn uninstalling_takes_only_what_is_ours() {
    let home = home();
    let wrapped = "{\"hooks\": {\"PreToolUse\": [{\"hooks\": [{\"command\": \"my-countersign hook --agent claude-code x\"}, \
                   {\"command\": \"/bin/countersign hook --agent codex x\"}]}]}}\n";
    write(&home, ".claude/settings.json", wrapped);
    let ended = hook(&home, "uninstall --agent claude-code --yes").await;
    done(&ended);
    assert!(ended.said.contains("needs no change"), "{}", ended.said);
    assert_eq!(written(&home, ".claude/settings.json"), wrapped);
    let ended = hook(&home, "uninstall --agent gemini --yes").await;
    done(&ended);
    assert!(ended.said.contains("There is no "), "{}", ended.said);
}

#[tokio::test]
async fn the_plugin_is_a_file_of_ours_and_nobody_elses_is_touched() {
    let home = home();
    done(&hook(&home, "install --agent opencode --yes").await);
    let text = written(&home, PLUGIN);
    assert!(text.contains("\"hook\",\"--agent\",\"opencode\",\"--timeout-seconds\",\"630\""), "{text}");
    assert!(hook(&home, "install --agent opencode --yes").await.said.contains("needs no change"));
    done(&hook(&home, "uninstall --agent opencode --yes").await);
    assert!(!home.path().join(PLUGIN).exists());
    write(&home, PLUGIN, "export const Mine = 1;\n");
    for change in ["install", "uninstall"] {
        let ended = hook(&home, &format!("{change} --agent opencode --yes")).await;
        assert_eq!(ended.code, Some(1), "{}", ended.said);
        assert!(ended.complained.contains("not what this program wrote"), "{}", ended.complained);
    }
    assert_eq!(written(&home, PLUGIN), "export const Mine = 1;\n");
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_stays_a_link_and_a_mode_stays_a_mode() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let home = home();
    write(&home, "dotfiles/claude.json", "{}\n");
    let real = home.path().join("dotfiles/claude.json");
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::fs::create_dir(home.path().join(".claude")).unwrap();
    symlink(&real, home.path().join(".claude/settings.json")).unwrap();
    done(&hook(&home, "install --agent claude-code --yes").await);
    assert!(home.path().join(".claude/settings.json").is_symlink());
    assert!(written(&home, "dotfiles/claude.json").contains("PreToolUse"));
    assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o640);
}

#[cfg(unix)]
#[tokio::test]
async fn what_a_link_leads_to_is_changed_and_neither_goes() {
    use std::os::unix::fs::symlink;
    for (agent, file, there) in [("claude-code", ".claude/settings.json", "{}"), ("opencode", PLUGIN, "")] {
        let home = home();
        write(&home, "dotfiles/kept", "");
        std::fs::remove_file(home.path().join("dotfiles/kept")).unwrap();
        std::fs::create_dir_all(home.path().join(file).parent().unwrap()).unwrap();
        // It leads to nothing yet, by way of another link.
        symlink("kept", home.path().join("dotfiles/by-way")).unwrap();
        symlink(home.path().join("dotfiles/by-way"), home.path().join(file)).unwrap();
        done(&hook(&home, &format!("install --agent {agent} --yes")).await);
        assert!(home.path().join(file).is_symlink() && home.path().join("dotfiles/by-way").is_symlink());
        assert!(written(&home, "dotfiles/kept").contains("countersign"), "{agent}");
        done(&hook(&home, &format!("uninstall --agent {agent} --yes")).await);
        assert!(home.path().join(file).is_symlink(), "{agent}");
        assert_eq!(written(&home, "dotfiles/kept").trim(), there, "{agent}");
    }
}

#[tokio::test]
async fn what_somebody_made_of_our_entry_stays_when_it_is_renewed() {
    for (agent, file, event, place) in [
        ("claude-code", ".claude/settings.json", "PreToolUse", "/matcher"),
        ("codex", ".codex/hooks.json", "PreToolUse", "/matcher"),
        ("cursor", ".cursor/hooks.json", "preToolUse", "/matcher"),
    ] {
        let home = home();
        done(&hook(&home, &format!("install --agent {agent} --yes")).await);
        let mut json: Value = serde_json::from_str(&written(&home, file)).unwrap();
        let entry = &mut json["hooks"][event][0];
        entry["note"] = json!("mine");
        *entry.pointer_mut(place).unwrap() = json!("Bash|Read");
        write(&home, file, &json.to_string());
        done(&hook(&home, &format!("install --agent {agent} --yes --timeout-seconds 99")).await);
        let text = written(&home, file);
        let json: Value = serde_json::from_str(&text).unwrap();
        let entries = json["hooks"][event].as_array().unwrap();
        assert_eq!((entries.len(), &entries[0]["matcher"]), (1, &json!("Bash|Read")), "{text}");
        assert_eq!(entries[0]["note"], "mine");
        assert!(text.contains("--timeout-seconds 99") && !text.contains("630"), "{text}");
    }
}

#[tokio::test]
async fn our_entry_is_known_without_arguments_in_parts_twice_and_by_another_name() {
    let this = support::binary();
    let folder = home();
    let renamed = folder.path().join("cs");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&this, &renamed).unwrap();
    let quoted = format!("'{}' hook --agent claude-code", this.display());
    let by_link = format!("{} hook --agent claude-code", renamed.display());
    for hook_said in [
        json!({"command": "countersign hook --agent claude-code"}),
        json!({"command": "COUNTERSIGN_URL=http://localhost:1 /opt/countersign-1.2 hook --agent=claude-code"}),
        json!({"command": "/opt/desk hook --agent claude-code --timeout-seconds 630 || exit 2"}),
        json!({"command": "countersign", "args": ["hook", "--agent", "claude-code"]}),
        json!({"command": quoted}),
        json!({"command": by_link}),
    ] {
        let home = home();
        let entry = json!({"matcher": "Bash", "hooks": [hook_said]});
        let file = json!({"hooks": {"PreToolUse": [entry, entry]}}).to_string();
        write(&home, ".claude/settings.json", &file);
        done(&hook(&home, "install --agent claude-code --yes").await);
        let text = written(&home, ".claude/settings.json");
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["hooks"]["PreToolUse"].as_array().unwrap().len(), 1, "{text}");
        let hooks = &json["hooks"]["PreToolUse"][0]["hooks"];
        assert!(hooks[0]["args"].is_null() && command(&hooks[0]).ends_with("--timeout-seconds 630"), "{text}");
        write(&home, ".claude/settings.json", &file);
        done(&hook(&home, "uninstall --agent claude-code --yes").await);
        assert!(!home.path().join(".claude/settings.json").exists(), "{hook_said}");
    }
    for other in [
        "other hook --agent claude-code",
        "echo countersign hook --agent codex",
        "countersign hook install --agent codex || my hook --agent claude-code",
        "countersign agent create hook --agent claude",
    ] {
        let home = home();
        let file = json!({"hooks": {"PreToolUse": [{"hooks": [{"command": other}]}]}}).to_string();
        write(&home, ".claude/settings.json", &file);
        done(&hook(&home, "uninstall --agent claude-code --yes").await);
        assert_eq!(written(&home, ".claude/settings.json"), file);
    }
}
