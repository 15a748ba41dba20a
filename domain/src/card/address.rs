//! Where a call goes, as a line. What the arguments hide is hidden here too, and nothing else: what they filled is known by
//! the template, so no argument can blot out the host or the path.

use super::draw::{Drawing, Lines};
use super::json::{Node, Text, read};
use super::{CardError, Redactions, Segment};
use crate::connector::http_call::PathTemplate;
use serde_json::Value;
use std::collections::HashSet;

/// The address of a REST call.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    /// Upper case.
    pub method: &'a str,
    /// Whole, as it will be called.
    pub url: &'a str,
    /// What its path and query were filled from; none when the tool is gone.
    pub template: Option<&'a PathTemplate>,
}

/// An address whose path and query were filled from these arguments.
///
/// # Errors
/// When the arguments are not canonical.
pub fn address_segments(address: Address<'_>, canonical: &[u8], redact: Redactions) -> Result<Vec<Segment>, CardError> {
    let read = read(canonical)?;
    let hidden = hidden_arguments(&read, redact);
    let arguments: Value =
        serde_json::from_slice(canonical).map_err(|error| CardError::NotCanonical(error.column()))?;
    let mut drawing = Drawing::default();
    drawing.text(&format!("{} ", address.method), Lines::One);
    let pieces = address.template.and_then(|template| template.pieces(address.method, &arguments).ok());
    let filled: Option<String> = pieces.as_ref().map(|pieces| pieces.iter().map(|(_, text)| text.as_str()).collect());
    match (pieces, filled.and_then(|filled| address.url.strip_suffix(filled.as_str()))) {
        _ if hidden.is_empty() => drawing.text(address.url, Lines::One),
        (Some(pieces), Some(base)) => {
            drawing.text(base, Lines::One);
            for (argument, text) in pieces {
                match argument.is_some_and(|name| hidden.contains(name.as_str())) {
                    true => drawing.redacted(&text),
                    false => drawing.text(&text, Lines::One),
                }
            }
        }
        // The tool is another by now: which part came from which argument is not known any more.
        _ => {
            let after_host = address.url.match_indices('/').nth(2).map_or(address.url.len(), |(at, _)| at);
            drawing.text(&address.url[..after_host], Lines::One);
            drawing.redacted(&address.url[after_host..]);
        }
    }
    Ok(drawing.finish())
}

/// The arguments that hold something hidden, at whatever depth.
fn hidden_arguments<'a>(arguments: &'a Node<'a>, redact: Redactions) -> HashSet<&'a str> {
    let Node::Object(entries) = arguments else { return HashSet::new() };
    let hides = |(key, value): &&(Text<'_>, Node<'_>)| redact.names_secret(&key.value) || holds_secret(value, redact);
    entries.iter().filter(hides).map(|(key, _)| key.value.as_str()).collect()
}

fn holds_secret(node: &Node<'_>, redact: Redactions) -> bool {
    match node {
        Node::Object(entries) => {
            entries.iter().any(|(key, value)| redact.names_secret(&key.value) || holds_secret(value, redact))
        }
        Node::List(items) => items.iter().any(|item| holds_secret(item, redact)),
        Node::Text(text) => !redact.parts(&text.value).is_empty(),
        Node::Number(_) | Node::Bool(_) | Node::Null => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn_from(template: Option<&str>, url: &str, arguments: &str) -> String {
        let template = template.map(|text| PathTemplate::read(text).unwrap());
        let address = Address { method: "GET", url, template: template.as_ref() };
        let segments = address_segments(address, arguments.as_bytes(), Redactions::secrets()).unwrap();
        let words = segments.into_iter().map(|segment| match segment {
            Segment::Text { text } => text,
            Segment::Redacted { note } => format!("<{note}>"),
            other => format!("{other:?}"),
        });
        words.collect()
    }

    #[test]
    fn what_the_arguments_hide_the_address_hides() {
        let arguments = r#"{"password":"hunter 2","user":"dana"}"#;
        assert_eq!(
            drawn_from(Some("/users/{user}"), "https://api.test/users/dana?password=hunter%202", arguments),
            "GET https://api.test/users/dana?password=<redacted, 10 characters>"
        );
        assert_eq!(
            drawn_from(Some("/{password}/x"), "https://api.test/v1/hunter%202/x?user=dana", arguments),
            "GET https://api.test/v1/<redacted, 10 characters>/x?user=dana"
        );
    }

    #[test]
    fn no_argument_hides_the_host_or_the_path() {
        let arguments = r#"{"password":"api.test","token":"refunds"}"#;
        let drawn = drawn_from(Some("/refunds"), "https://api.test/refunds?password=api.test&token=refunds", arguments);
        assert!(drawn.starts_with("GET https://api.test/refunds?password=<redacted"), "{drawn}");
    }

    #[test]
    fn a_secret_inside_of_an_object_is_hidden_with_it() {
        let arguments = r#"{"credentials":{"k":"a\"bcdef"},"opts":{"pin":1,"secret":"abc"}}"#;
        let url = "https://api.test/find?credentials=%7B%22k%22%3A%22a%5C%22bcdef%22%7D&opts=%7B%22pin%22%3A1%2C%22secret%22%3A%22abc%22%7D";
        let drawn = drawn_from(Some("/find"), url, arguments);
        assert!(!drawn.contains("bcdef") && !drawn.contains("abc%22"), "{drawn}");
        assert!(drawn.starts_with("GET https://api.test/find?credentials=<redacted"), "{drawn}");
    }

    #[test]
    fn a_token_in_a_text_is_found_by_its_look() {
        let token = format!("gh{}_{}", 'p', "a1B2c3D4e5F6g7H8i9J0k1L2");
        let arguments = format!(r#"{{"q":"x {token} y"}}"#);
        let url = format!("https://api.test/find?q=x%20{token}%20y");
        assert!(!drawn_from(Some("/find"), &url, &arguments).contains(&token));
    }

    #[test]
    fn without_the_tool_all_behind_the_host_is_hidden_where_a_secret_is_among_the_arguments() {
        let url = "https://api.test/find?password=abcdef";
        assert_eq!(drawn_from(None, url, r#"{"password":"abcdef"}"#), "GET https://api.test<redacted, 21 characters>");
        assert_eq!(drawn_from(None, url, r#"{"q":"abcdef"}"#), format!("GET {url}"));
    }
}
