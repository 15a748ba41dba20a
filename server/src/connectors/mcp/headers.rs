//! The headers that stand beside a message over Streamable HTTP since 2026-07-28 ("Standard MCP Request Headers",
//! "Custom Headers from Tool Parameters"): what middle boxes route by, repeated from the body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::Value;

/// An argument that is repeated in `Mcp-Param-<name>`: its place in the arguments, and the header's whole name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ParamHeader {
    path: Vec<String>,
    header: HeaderName,
}

/// A call's parameter headers, carried along in its request's extensions.
#[derive(Clone, Default)]
pub(super) struct Params(pub(super) Vec<ParamHeader>);

impl Params {
    /// With the values that these arguments give them; one that isn't there or is no plain value has none.
    pub(super) fn of<'a>(&'a self, arguments: &'a Value) -> impl Iterator<Item = (&'a HeaderName, HeaderValue)> {
        self.0.iter().filter_map(move |param| {
            let value = param.path.iter().try_fold(arguments, |value, name| value.get(name))?;
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                _ => return None,
            };
            Some((&param.header, encoded(&text)?))
        })
    }
}

/// What a tool's schema marks with `x-mcp-header`.
pub(super) fn param_headers(schema: &Value) -> Vec<ParamHeader> {
    let mut found = Vec::new();
    collect(schema, &mut Vec::new(), &mut found);
    found
}

fn collect(schema: &Value, path: &mut Vec<String>, found: &mut Vec<ParamHeader>) {
    let Some(properties) = schema["properties"].as_object() else { return };
    for (name, property) in properties {
        path.push(name.clone());
        let header = property["x-mcp-header"].as_str().filter(|header| !header.is_empty());
        if let Some(Ok(header)) = header.map(|header| HeaderName::try_from(format!("mcp-param-{header}"))) {
            found.push(ParamHeader { path: path.clone(), header });
        }
        collect(property, path, found);
        path.pop();
    }
}

/// What `Mcp-Name` says of a request.
pub(super) fn name_of<'a>(method: &str, params: &'a Value) -> Option<&'a str> {
    match method {
        "tools/call" | "prompts/get" => params["name"].as_str(),
        "resources/read" => params["uri"].as_str(),
        _ => None,
    }
}

/// A value as a header can hold it; what it can't goes as base64, marked as such.
pub(super) fn encoded(text: &str) -> Option<HeaderValue> {
    let plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && text.trim() == text;
    let looks_encoded = text.starts_with("=?base64?") && text.ends_with("?=");
    match plain && !looks_encoded {
        true => HeaderValue::from_str(text).ok(),
        false => HeaderValue::try_from(format!("=?base64?{}?=", STANDARD.encode(text))).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn marked_arguments_go_into_headers_and_others_do_not() {
        let schema = json!({"properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "deep": {"properties": {"n": {"x-mcp-header": "N"}, "off": {"x-mcp-header": "Off"}}},
            "bad": {"x-mcp-header": "no good\r\n"},
            "plain": {"type": "string"},
        }});
        let params = Params(param_headers(&schema));
        let arguments = json!({"region": "süd", "deep": {"n": 7, "off": null}, "bad": "x", "plain": "y"});
        let mut headers: Vec<_> =
            params.of(&arguments).map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        headers.sort();
        assert_eq!(headers, ["mcp-param-n: 7", "mcp-param-region: =?base64?c8O8ZA==?="]);
    }

    #[test]
    fn a_value_that_a_header_would_change_is_encoded() {
        assert_eq!(encoded("echo").unwrap(), "echo");
        for odd in [" a", "a\tb", "a\r\nX: y", "=?base64?YQ==?="] {
            assert!(encoded(odd).unwrap().to_str().unwrap().starts_with("=?base64?"), "{odd:?}");
        }
    }
}
