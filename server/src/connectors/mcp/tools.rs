//! The tools that an MCP server names, read one by one, so that an odd one doesn't hide the others.

use countersign_domain::Effect;
use countersign_domain::canonical::Canonical;
use countersign_domain::connector::is_tool_name;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;

/// The most tools of one server, and the most bytes and pages of their list.
pub(super) const MOST_TOOLS: usize = 5_000;
pub(super) const LONGEST_LIST: usize = 32 * 1024 * 1024;
pub(super) const MOST_PAGES: usize = 500;

/// A tool as its upstream describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscoveredTool {
    /// Its bare name.
    pub name: String,
    /// For people, if it has one.
    pub title: Option<String>,
    /// What it says it does.
    pub description: Option<String>,
    /// What its arguments must be, as JSON Schema.
    pub input_schema: Value,
    /// Hex SHA-256 over the JCS of `{input_schema, title, description, annotations}`: what an admin nodded to.
    pub schema_hash: String,
    /// A first guess from the annotations.
    pub effect: Effect,
    /// As the upstream sent them, if it did.
    pub annotations: Option<Value>,
    /// What its structured results look like, as JSON Schema. It is passed on and no part of the hash: it says nothing
    /// of what a call does.
    pub output_schema: Option<Value>,
}

/// One page of `tools/list`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    #[serde(default)]
    pub(super) tools: Vec<Value>,
    #[serde(default)]
    pub(super) next_cursor: Option<String>,
}

/// The tools that we can offer, and how many there were that we can't.
pub(super) fn read(listed: Vec<Value>) -> (Vec<DiscoveredTool>, usize) {
    let (all, mut seen) = (listed.len(), HashSet::new());
    let tools: Vec<_> =
        listed.into_iter().filter_map(read_tool).filter(|tool| seen.insert(tool.name.clone())).collect();
    let skipped = all - tools.len();
    (tools, skipped)
}

fn read_tool(tool: Value) -> Option<DiscoveredTool> {
    let Value::Object(mut tool) = tool else { return None };
    let mut take = |key: &str| tool.remove(key).unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let name = text(&take("name")).filter(|name| is_tool_name(name))?;
    let annotations = take("annotations");
    let title = text(&take("title")).or_else(|| text(&annotations["title"]));
    let description = text(&take("description"));
    let input_schema = match take("inputSchema") {
        Value::Null => json!({"type": "object"}),
        schema @ Value::Object(_) => schema,
        _ => return None,
    };
    let output_schema = Some(take("outputSchema")).filter(Value::is_object);
    let nodded_to = json!({
        "input_schema": input_schema, "title": title, "description": description, "annotations": annotations,
    });
    let canonical = Canonical::of(&nodded_to).ok()?;
    let hint = |name: &str| annotations[name].as_bool();
    Some(DiscoveredTool {
        effect: Effect::guess(hint("readOnlyHint"), hint("destructiveHint")),
        schema_hash: hex::encode(Sha256::digest(canonical.bytes())),
        name,
        title,
        description,
        input_schema,
        annotations: Some(annotations).filter(|annotations| !annotations.is_null()),
        output_schema,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_tool_is_skipped_and_the_others_are_kept() {
        let listed = vec![
            json!({"name": "good", "inputSchema": {"type": "object"}}),
            json!({"name": "bad name"}),
            json!({"name": "\u{202e}evil", "inputSchema": {}}),
            json!({"name": "x".repeat(200)}),
            json!({"name": "good", "description": "the same name again"}),
            json!({"name": "no_schema"}),
            json!({"name": "odd_schema", "inputSchema": "yes"}),
            json!("not even an object"),
            json!(null),
            json!({"name": 7}),
        ];
        let (tools, skipped) = read(listed);
        assert_eq!(tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["good", "no_schema"]);
        assert_eq!(skipped, 8);
    }

    #[test]
    fn the_hash_changes_with_all_that_an_admin_looked_at_and_nothing_else() {
        let hash = |tool: Value| read_tool(tool).unwrap().schema_hash;
        let tool = json!({"name": "t", "title": "T", "description": "d", "inputSchema": {"a": 1, "b": 2}, "annotations": {"x": 1}});
        let mut same = tool.clone();
        same["_meta"] = json!({"served": 7});
        same["outputSchema"] = json!({"type": "object"});
        same["inputSchema"] = json!({"b": 2, "a": 1});
        assert_eq!(hash(tool.clone()), hash(same));
        for (field, other) in [
            ("title", json!("U")),
            ("description", json!("e")),
            ("inputSchema", json!({"a": 1})),
            ("annotations", json!({"x": 2})),
        ] {
            let mut changed = tool.clone();
            changed[field] = other;
            assert_ne!(hash(tool.clone()), hash(changed), "{field}");
        }
    }

    #[test]
    fn what_is_passed_on_is_kept_as_it_came() {
        let tool = read_tool(json!({"name": "t", "annotations": {"x-odd": [1]}, "outputSchema": {"type": "object"}}));
        let tool = tool.unwrap();
        assert_eq!(
            (tool.annotations, tool.output_schema),
            (Some(json!({"x-odd": [1]})), Some(json!({"type": "object"})))
        );
        let bare = read_tool(json!({"name": "t", "outputSchema": "none"})).unwrap();
        assert_eq!((bare.annotations, bare.output_schema), (None, None));
    }

    #[test]
    fn an_effect_is_guessed_for_the_worst() {
        let effect = |annotations: Value| read_tool(json!({"name": "t", "annotations": annotations})).unwrap().effect;
        assert_eq!(effect(json!({"readOnlyHint": true})), Effect::Read);
        assert_eq!(effect(json!({"destructiveHint": false})), Effect::Write);
        assert_eq!(effect(json!({"readOnlyHint": "true"})), Effect::Destructive);
        assert_eq!(effect(Value::Null), Effect::Destructive);
    }
}
