//! Where a call goes, as a line: the address that will be called, with what the arguments hide hidden here too. What the
//! arguments show, this shows.

use super::draw::{Drawing, Lines};
use super::json::{Node, read};
use super::{CardError, Redactions, Segment};
use crate::connector::http_call::encoded;

/// A shorter secret hides a part of an address only when it is all of it: "80" must not hide a port.
const SHORT: usize = 4;

/// An address whose path and query were filled from these arguments.
///
/// # Errors
/// When the arguments are not canonical.
pub fn address_segments(address: &str, canonical: &[u8], redact: Redactions) -> Result<Vec<Segment>, CardError> {
    let mut secrets = Vec::new();
    collect(&read(canonical)?, redact, false, &mut secrets);
    let mut drawing = Drawing::default();
    for part in address.split_inclusive(['/', '?', '&', '=']) {
        let value = part.trim_end_matches(['/', '?', '&', '=']);
        let holds = |secret: &String| value == secret || (secret.len() >= SHORT && value.contains(secret.as_str()));
        if secrets.iter().any(holds) {
            drawing.redacted(value);
            drawing.text(&part[value.len()..], Lines::One);
        } else {
            drawing.text(part, Lines::One);
        }
    }
    Ok(drawing.finish())
}

/// Every hidden text, as it would stand in an address.
fn collect(node: &Node<'_>, redact: Redactions, secret: bool, into: &mut Vec<String>) {
    match node {
        Node::Object(entries) => {
            for (key, value) in entries {
                collect(value, redact, secret || redact.names_secret(&key.value), into);
            }
        }
        Node::List(items) => items.iter().for_each(|item| collect(item, redact, secret, into)),
        Node::Text(text) if secret => into.extend(Some(encoded(&text.value)).filter(|text| !text.is_empty())),
        Node::Text(text) => into.extend(redact.parts(&text.value).into_iter().map(|part| encoded(&text.value[part]))),
        Node::Number(number) if secret => into.push(encoded(number)),
        Node::Number(_) | Node::Bool(_) | Node::Null => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(address: &str, arguments: &str) -> String {
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
        let address = "GET https://api.test/users/dana?password=hunter%202";
        assert_eq!(drawn(address, arguments), "GET https://api.test/users/dana?password=<redacted, 10 characters>");
        assert_eq!(
            drawn("GET https://api.test/hunter%202/x", arguments),
            "GET https://api.test/<redacted, 10 characters>/x"
        );
    }

    #[test]
    fn a_short_secret_hides_nothing_else() {
        assert_eq!(
            drawn("GET https://api.test:8080/v80?otp=80", r#"{"otp":80}"#),
            "GET https://api.test:8080/v80?otp=<redacted, 2 characters>"
        );
    }

    #[test]
    fn a_token_in_a_text_is_found_by_its_look() {
        let token = format!("gh{}_{}", 'p', "a1B2c3D4e5F6g7H8i9J0k1L2");
        let arguments = format!(r#"{{"q":"x {token} y"}}"#);
        let address = format!("GET https://api.test/find?q=x%20{token}%20y");
        assert!(!drawn(&address, &arguments).contains(&token));
    }
}
