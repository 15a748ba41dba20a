use super::*;
use serde_json::json;

fn drawn_deed(arguments: &Value) -> Option<Deed> {
    deed(arguments.to_string().as_bytes(), &Redactions::secrets())
}

fn plain(segments: &[Segment]) -> String {
    let one = |segment: &Segment| match segment {
        Segment::Text { text } => text.clone(),
        Segment::Redacted { note } => format!("<{note}>"),
        Segment::Escaped { text, .. } => format!("<{text}>"),
        Segment::LineBreak => "\n".to_owned(),
        other => format!("{other:?}"),
    };
    segments.iter().map(one).collect()
}

/// A deed as a terminal would show it.
fn shown(arguments: &Value) -> String {
    let place =
        |folder: &Option<Vec<Segment>>| folder.as_ref().map(|at| format!(" @ {}", plain(at))).unwrap_or_default();
    match drawn_deed(arguments) {
        None => "none".to_owned(),
        Some(Deed::Command { program, arguments, folder }) => {
            let words: Vec<_> = arguments.iter().map(|word| format!("[{}]", plain(word))).collect();
            format!("{} {}{}", plain(&program), words.join(" "), place(&folder))
        }
        Some(Deed::Script { text, folder }) => format!("sh: {}{}", plain(&text), place(&folder)),
        Some(Deed::Edits { files }) => files.iter().map(file).collect::<Vec<_>>().join("\n"),
    }
}

fn file(file: &FileEdit) -> String {
    let moved = file.moved_to.as_ref().map(|to| format!(" -> {}", plain(to))).unwrap_or_default();
    let lines = file.lines.iter().map(|line| {
        let sign = match line.sign {
            super::super::DiffSign::Same => ' ',
            super::super::DiffSign::Added => '+',
            super::super::DiffSign::Removed => '-',
            super::super::DiffSign::Gap => '@',
        };
        format!("\n{sign}{}", plain(&line.text))
    });
    format!("{:?} {}{moved}{}", file.change, plain(&file.path), lines.collect::<String>())
}

fn bash(command: &str) -> String {
    shown(&json!({"input": {"command": command}, "folder": "/w"}))
}

#[test]
fn a_simple_command_is_its_program_and_its_arguments() {
    assert_eq!(bash("git commit -m 'two words'"), r#"git [commit] [-m] ["two words"] @ /w"#);
    assert_eq!(bash("mysql --password hunter2"), "mysql [--password] [<redacted, 7 characters>] @ /w");
}

#[test]
fn what_a_shell_would_make_more_of_is_shown_whole_as_a_script() {
    for line in [
        "ls && rm -rf /",
        "echo $HOME",
        "ls *.rs",
        "cat <x",
        "X=1 make",
        "a\nb",
        "echo `id`",
        "echo 'open",
        "a \\b",
        "x # y",
        "echo ~",
        "{ls}",
        "",
        " ",
        "''",
    ] {
        let whole = bash(line);
        assert_eq!(whole, format!("sh: {line} @ /w"), "{line:?}");
    }
}

#[test]
fn a_hidden_character_in_a_command_shows() {
    assert_eq!(bash("rm \u{202e}x"), "rm [<U+202E>x] @ /w");
}

#[test]
fn the_folder_of_a_command_is_where_its_tool_is_told_to_run() {
    let at = |directory: &str| shown(&json!({"input": {"command": "ls", "dir_path": directory}, "folder": "/w"}));
    assert_eq!((at("sub"), at("/else")), ("ls  @ /w/sub".to_owned(), "ls  @ /else".to_owned()));
}

#[test]
fn what_ask_asks_is_a_command() {
    let asked =
        json!({"program": "sh", "arguments": ["-c", "ls | wc"], "folder": "/w", "path": "/bin/sh", "sha256": "aa"});
    assert_eq!(shown(&asked), r#"sh [-c] ["ls | wc"] @ /w"#);
}

#[test]
fn an_edit_is_a_diff_whatever_its_agent_calls_its_parts() {
    let diff = "Edit a.rs\n same\n-old\n+new";
    for input in [
        json!({"file_path": "a.rs", "old_string": "same\nold\n", "new_string": "same\nnew\n"}),
        json!({"filePath": "a.rs", "oldString": "same\nold\n", "newString": "same\nnew\n", "replaceAll": false}),
        json!({"path": "a.rs", "old_str": "same\nold\n", "new_str": "same\nnew\n"}),
    ] {
        assert_eq!(shown(&json!({"input": input, "folder": "/w"})), diff);
    }
}

#[test]
fn several_edits_and_whole_files_are_diffs_too() {
    let edits = json!([
        {"old_string": "a", "new_string": "b"}, {"old_string": "c", "new_string": "d", "replace_all": true},
    ]);
    let many = json!({"input": {"file_path": "x", "edits": edits}});
    assert_eq!(shown(&many), "Edit x\n-a\n+b\n@wherever it stands\n-c\n+d");
    let whole = json!({"input": {"file_path": "x", "content": "one\ntwo\n"}});
    assert_eq!(shown(&whole), "Write x\n+one\n+two");
    let all = json!({"input": {"file_path": "x", "old_string": "a", "new_string": "b", "replace_all": true}});
    assert_eq!(shown(&all), "EditAll x\n-a\n+b");
}

#[test]
fn a_patch_is_the_diff_of_every_file_that_it_names() {
    let patch = "*** Begin Patch\n*** Add File: new.txt\n+hello\n*** Update File: a.py\n*** Move to: b.py\n@@ def f():\n \
                 keep\n-old\n+new\n*** End of File\n*** Delete File: gone.py\n*** End Patch\n";
    let shown = shown(&json!({"input": {"command": patch}, "folder": "/w"}));
    assert_eq!(
        shown,
        "Write new.txt\n+hello\nEdit a.py -> b.py\n@def f():\n keep\n-old\n+new\n@end of the file\nDelete gone.py"
    );
}

#[test]
fn a_patch_that_is_not_understood_to_its_end_is_shown_as_its_text() {
    for patch in [
        "*** Begin Patch\n*** Delete File: a\nrm -rf /\n*** End Patch",
        "*** Begin Patch\n*** Add File: a\n+x\n*** End Patch\nrm -rf /",
        "*** Begin Patch\n*** Add File: a\nx\n*** End Patch",
        "*** Begin Patch\n*** Add File: a\n+x",
        "*** Begin Patch\n*** End Patch",
    ] {
        assert_eq!(bash(patch), format!("sh: {patch} @ /w"));
    }
}

#[test]
fn a_secret_over_several_lines_is_hidden_in_every_line_of_the_diff() {
    let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQ\n-----END PRIVATE KEY-----\n";
    let whole = json!({"input": {"file_path": "k", "content": format!("top\n{key}end\n")}});
    let shown = shown(&whole);
    assert!(!shown.contains("MIIE") && !shown.contains("EFAASC"), "{shown}");
    assert!(shown.contains("+top") && shown.contains("+end"), "{shown}");
    let kept = json!({"input": {"file_path": "k", "old_string": key, "new_string": format!("{key}more\n")}});
    let kept = self::shown(&kept);
    assert!(!kept.contains("MIIE") && kept.contains("+more"), "{kept}");
}

#[test]
fn what_is_neither_is_no_deed() {
    for arguments in [
        json!({}),
        json!({"input": []}),
        json!({"input": {"command": 1}}),
        json!({"input": {"file_path": "x"}}),
        json!({"input": {"file_path": "x", "edits": [1]}}),
        json!({"input": {"notebook_path": "x", "new_source": "y", "edit_mode": "delete"}}),
        json!({"command": "make deploy"}),
        json!({"program": "x", "arguments": [1]}),
        json!([1]),
    ] {
        assert_eq!(drawn_deed(&arguments), None, "{arguments}");
    }
}

#[test]
fn a_very_long_change_is_shown_without_comparing() {
    let (old, new) = ("x\n".repeat(3_000), "y\n".repeat(3_000));
    let edit = json!({"input": {"file_path": "x", "old_string": old, "new_string": new}});
    let Some(Deed::Edits { files }) = drawn_deed(&edit) else { panic!("an edit") };
    assert_eq!(files[0].lines.len(), 6_000);
}
