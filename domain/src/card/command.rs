//! The command that starts a connector's server, as a line, with what a flag calls a secret hidden.

use super::draw::{Drawing, Lines};
use super::{Redactions, Segment};

/// A command's program and arguments.
#[must_use]
pub fn command_segments(command: &[String], redact: Redactions) -> Vec<Segment> {
    let mut drawing = Drawing::default();
    let mut follows_secret_flag = false;
    for (index, word) in command.iter().enumerate() {
        if index > 0 {
            drawing.text(" ", Lines::One);
        }
        follows_secret_flag = draw_word(&mut drawing, word, follows_secret_flag, redact);
    }
    drawing.finish()
}

/// The same, word by word.
pub(super) fn word_segments(command: &[String], redact: Redactions) -> Vec<Vec<Segment>> {
    let mut follows_secret_flag = false;
    let words = command.iter().map(|word| {
        let mut drawing = Drawing::default();
        follows_secret_flag = draw_word(&mut drawing, word, follows_secret_flag, redact);
        drawing.finish()
    });
    words.collect()
}

/// Whether the next word is the secret that this one names.
fn draw_word(drawing: &mut Drawing, word: &str, follows_secret_flag: bool, redact: Redactions) -> bool {
    let (flag, value) = word.split_once('=').map_or((word, None), |(flag, value)| (flag, Some(value)));
    let names_secret = redact.names_secret(flag);
    match value {
        _ if follows_secret_flag || !redact.parts(word).is_empty() => drawing.redacted(word),
        Some(value) if names_secret => {
            drawing.text(&format!("{flag}="), Lines::One);
            drawing.redacted(value);
        }
        _ => drawing.text(&quoted(word), Lines::One),
    }
    names_secret && value.is_none() && flag.starts_with('-')
}

/// A word in quotes where it could be taken for several or for none.
fn quoted(word: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\'' | '\\');
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(words: &[&str]) -> String {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let segments = command_segments(&words, Redactions::secrets());
        let words = segments.into_iter().map(|segment| match segment {
            Segment::Text { text } => text,
            Segment::Redacted { note } => format!("<{note}>"),
            other => format!("{other:?}"),
        });
        words.collect()
    }

    #[test]
    fn what_a_flag_calls_a_secret_is_hidden() {
        assert_eq!(
            drawn(&["npx", "server", "--token=abcdef", "--password", "hunter2", "--port", "80"]),
            "npx server --token=<redacted, 6 characters> --password <redacted, 7 characters> --port 80"
        );
    }

    #[test]
    fn a_word_that_could_be_taken_for_several_stands_in_quotes() {
        assert_eq!(drawn(&["run", "a b", ""]), r#"run "a b" """#);
    }
}
