//! A REST call put together from a tool's template and an ask's arguments; nothing of it is left to the sender.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

/// Everything but RFC 3986's unreserved characters, so that an argument is always exactly one segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as it stands in a path segment or a query.
fn encoded(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// What is wrong with a template, or with arguments for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpCallError {
    /// The template is not one.
    #[error("the path template {0}")]
    Template(&'static str),
    /// An argument that the path needs is missing or can't stand in a path.
    #[error("argument {0:?} {1}")]
    Argument(String, &'static str),
    /// Arguments of an HTTP tool are an object.
    #[error("arguments must be a JSON object")]
    NotAnObject,
}

/// The methods that a tool may have.
pub const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// A path such as `/v1/charges/{charge}/refunds`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTemplate {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Argument(String),
}

/// A call as it will be sent, but for the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCall {
    /// Path and query, beginning with `/`.
    pub path_and_query: String,
    /// Canonical JSON, for methods that carry a body.
    pub body: Option<Vec<u8>>,
}

impl PathTemplate {
    /// Reads a template: one leading `/`, no query or fragment, no dot segments, no backslash, no encoded slash,
    /// backslash or dot.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn read(text: &str) -> Result<Self, HttpCallError> {
        check_path(text).map_err(HttpCallError::Template)?;
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or(HttpCallError::Template("has a `{` without a `}`"))?;
            if name.is_empty() || name.contains(['{', '/']) {
                return Err(HttpCallError::Template("has an argument without a name"));
            }
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Argument(name.to_owned()));
            rest = after;
        }
        if rest.contains('}') {
            return Err(HttpCallError::Template("has a `}` without a `{`"));
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self { parts })
    }

    /// The names of the arguments that the path takes.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Argument(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Fills the path; what it doesn't take goes to the query for GET, HEAD and DELETE, else into the JSON body.
    ///
    /// # Errors
    /// When an argument that the path needs is missing, or could not stand as one segment.
    pub fn fill(&self, method: &str, arguments: &Value) -> Result<HttpCall, HttpCallError> {
        let mut rest = arguments.as_object().ok_or(HttpCallError::NotAnObject)?.clone();
        let path = self.path(&rest)?;
        rest.retain(|key, _| self.arguments().all(|name| name != key));
        if in_query(method) {
            return Ok(HttpCall { path_and_query: with_query(path, &rest), body: None });
        }
        let body = crate::canonical::Canonical::of(&Value::Object(rest)).map_err(|_| HttpCallError::NotAnObject)?;
        Ok(HttpCall { path_and_query: path, body: Some(body.bytes().to_vec()) })
    }

    /// The path and the query of a call in pieces, each with the argument that it was filled from, if any.
    ///
    /// # Errors
    /// As [`Self::fill`].
    pub fn pieces(&self, method: &str, arguments: &Value) -> Result<Vec<(Option<String>, String)>, HttpCallError> {
        let mut rest = arguments.as_object().ok_or(HttpCallError::NotAnObject)?.clone();
        let mut pieces = Vec::new();
        for part in &self.parts {
            pieces.push(match part {
                Part::Text(text) => (None, text.clone()),
                Part::Argument(name) => (Some(name.clone()), segment(name, rest.get(name))?),
            });
        }
        rest.retain(|key, _| self.arguments().all(|name| name != key));
        if in_query(method) {
            for (index, (name, value)) in pairs(&rest).into_iter().enumerate() {
                let before = if index == 0 { '?' } else { '&' };
                pieces.push((None, format!("{before}{}=", encoded(&name))));
                pieces.push((Some(name), encoded(&value)));
            }
        }
        Ok(pieces)
    }

    fn path(&self, arguments: &Map<String, Value>) -> Result<String, HttpCallError> {
        let mut path = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Argument(name) => path.push_str(&segment(name, arguments.get(name))?),
            }
        }
        // Two harmless arguments side by side could still make a dot segment between them.
        match path.split('/').any(is_dot_segment) {
            true => Err(HttpCallError::Template("would be filled to a dot segment")),
            false => Ok(path),
        }
    }

    /// Whether a concrete endpoint, as AgentValet's clients name it, is one of this template's; the values found
    /// for its arguments, still percent-decoded as text.
    #[must_use]
    pub fn matches(&self, endpoint: &str) -> Option<Map<String, Value>> {
        let pattern: String = self.text();
        let (wanted, given) = (pattern.split('/'), endpoint.split('/'));
        let (wanted, given): (Vec<_>, Vec<_>) = (wanted.collect(), given.collect());
        if wanted.len() != given.len() {
            return None;
        }
        let mut found = Map::new();
        for (slot, segment) in wanted.into_iter().zip(given) {
            match slot.strip_prefix('{').and_then(|slot| slot.strip_suffix('}')) {
                Some(name) if !segment.is_empty() => {
                    let text = percent_encoding::percent_decode_str(segment).decode_utf8().ok()?;
                    found.insert(name.to_owned(), Value::String(text.into_owned()));
                }
                _ if slot == segment => {}
                _ => return None,
            }
        }
        Some(found)
    }

    fn text(&self) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Argument(name) => format!("{{{name}}}"),
            })
            .collect()
    }
}

/// What AgentValet's `endpoint` must be, and a template too: one leading slash, no authority, no dot segments, no
/// encoded slash or backslash. The sentence goes on from "the path".
///
/// # Errors
/// What is wrong with it.
pub fn check_path(path: &str) -> Result<(), &'static str> {
    let lower = path.to_ascii_lowercase();
    if !path.starts_with('/') || path.starts_with("//") {
        return Err("must begin with exactly one `/`");
    }
    if path.len() > 2_048 {
        return Err("is longer than 2048 characters");
    }
    if path.contains(['\\', '?', '#']) || path.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("must not hold a backslash, `?`, `#`, space or control character");
    }
    if ["%2f", "%5c", "%00"].iter().any(|bad| lower.contains(bad)) {
        return Err("must not hold an encoded slash, backslash or NUL");
    }
    if path.split('/').any(is_dot_segment) {
        return Err("must not hold a dot segment");
    }
    Ok(())
}

/// RFC 3986, section 5.2.4, and its encoded spellings, which the URL standard treats alike.
fn is_dot_segment(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

fn segment(name: &str, value: Option<&Value>) -> Result<String, HttpCallError> {
    let text = match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(truth)) => truth.to_string(),
        Some(_) => {
            return Err(HttpCallError::Argument(name.to_owned(), "stands in the path and must be text or a number"));
        }
        None => return Err(HttpCallError::Argument(name.to_owned(), "is needed in the path")),
    };
    match text.as_str() {
        "" => Err(HttpCallError::Argument(name.to_owned(), "stands in the path and must not be empty")),
        "." | ".." => Err(HttpCallError::Argument(name.to_owned(), "stands in the path and must not be a dot segment")),
        _ => Ok(encoded(&text)),
    }
}

/// Whether what the path doesn't take goes to the query.
fn in_query(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "DELETE")
}

fn with_query(path: String, arguments: &Map<String, Value>) -> String {
    let pairs: Vec<_> =
        pairs(arguments).iter().map(|(key, value)| format!("{}={}", encoded(key), encoded(value))).collect();
    if pairs.is_empty() { path } else { format!("{path}?{}", pairs.join("&")) }
}

/// Lists repeat their key, objects are written as JSON, null asks for nothing.
fn pairs(arguments: &Map<String, Value>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (key, value) in arguments {
        match value {
            Value::Null => {}
            Value::Array(items) => pairs.extend(items.iter().map(|item| (key.clone(), as_text(item)))),
            single => pairs.push((key.clone(), as_text(single))),
        }
    }
    pairs
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn fill(template: &str, method: &str, arguments: &Value) -> Result<HttpCall, HttpCallError> {
        PathTemplate::read(template)?.fill(method, arguments)
    }

    #[test]
    fn what_the_path_does_not_take_goes_to_the_query_or_the_body() {
        let arguments = json!({"id": "a b", "limit": 5, "tags": ["x", "y"], "none": null});
        let get = fill("/charges/{id}", "GET", &arguments).unwrap();
        assert_eq!(get.path_and_query, "/charges/a%20b?limit=5&tags=x&tags=y");
        assert_eq!(get.body, None);
        let post = fill("/charges/{id}", "POST", &arguments).unwrap();
        assert_eq!(post.path_and_query, "/charges/a%20b");
        assert_eq!(post.body.unwrap(), br#"{"limit":5,"none":null,"tags":["x","y"]}"#);
    }

    #[test]
    fn an_argument_never_leaves_its_segment() {
        let call = fill("/files/{name}/meta", "GET", &json!({"name": "../../admin?x#y\\z"})).unwrap();
        assert_eq!(call.path_and_query, "/files/..%2F..%2Fadmin%3Fx%23y%5Cz/meta");
        for dots in [".", "..", ""] {
            assert!(fill("/files/{name}", "GET", &json!({"name": dots})).is_err(), "{dots:?}");
        }
        assert!(fill("/files/{a}{b}", "GET", &json!({"a": ".", "b": "x"})).is_err());
    }

    #[test]
    fn a_path_must_not_trick() {
        for bad in
            ["", "x", "//host/x", "/a/../b", "/a/./b", "/%2e%2e/x", "/a%2fb", "/a%5Cb", "/a\\b", "/a?b", "/a#b", "/a b"]
        {
            assert!(check_path(bad).is_err(), "{bad:?}");
        }
        assert_eq!(check_path("/v1/charges/ch_1"), Ok(()));
    }

    #[test]
    fn an_endpoint_is_matched_segment_by_segment() {
        let template = PathTemplate::read("/charges/{id}/refunds").unwrap();
        assert_eq!(template.matches("/charges/ch_1/refunds").unwrap()["id"], "ch_1");
        for other in ["/charges/ch_1", "/charges/ch_1/refunds/x", "/charges//refunds", "/refunds/ch_1/refunds"] {
            assert_eq!(template.matches(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_filled_path_has_as_many_segments_as_its_template(value in any::<String>()) {
            if let Ok(call) = fill("/a/{x}/b", "GET", &json!({"x": value})) {
                prop_assert_eq!(call.path_and_query.split('/').count(), 4);
                prop_assert!(!call.path_and_query.contains(['?', '#', '\\']));
            }
        }
    }
}
