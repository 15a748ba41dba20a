use super::*;
use std::collections::BTreeSet;

/// All operations with their place in the document.
fn operations() -> Vec<(String, String, &'static Value)> {
    let paths = document_json()["paths"].as_object().unwrap();
    let methods = |path: &str, item: &'static Value| {
        let path = path.to_owned();
        item.as_object().unwrap().iter().map(move |(method, operation)| (method.clone(), path.clone(), operation))
    };
    paths.iter().flat_map(|(path, item)| methods(path, item)).collect()
}

/// A JSON Schema that knows the document's components.
fn validator(schema: &Value) -> jsonschema::Validator {
    let mut schema = schema.clone();
    schema["components"] = document_json()["components"].clone();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// Everything under a key, anywhere in the document.
fn all_under<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get(key));
            map.values().for_each(|value| all_under(value, key, found));
        }
        Value::Array(items) => items.iter().for_each(|value| all_under(value, key, found)),
        _ => {}
    }
}

#[test]
fn it_is_openapi_3_1_with_what_the_specification_requires() {
    let document = document_json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations() {
        let place = format!("{method} {path}");
        assert!(["get", "post", "delete", "put", "patch"].contains(&method.as_str()), "{place}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{place}");
        assert!(operation["summary"].is_string() && operation["description"].is_string(), "{place}");
        assert_eq!(operation["security"], json!([{AGENT_KEY: []}]), "{place}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(status.parse::<u16>().is_ok() && response["description"].is_string(), "{place}");
        }
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        for name in path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')) {
            let described = |parameter: &Value| {
                parameter["name"] == name && parameter["in"] == "path" && parameter["required"] == true
            };
            assert!(parameters.iter().any(described), "{place}");
        }
    }
}

#[test]
fn no_reference_leads_nowhere() {
    let mut references = Vec::new();
    all_under(document_json(), "$ref", &mut references);
    assert!(references.len() > 20);
    for reference in references.into_iter().filter_map(Value::as_str) {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document_json().pointer(pointer).is_some(), "{reference}");
    }
}

/// Keep this beside `agent::routes`: a call that is added there is described here.
#[test]
fn each_call_of_the_agents_door_is_described_and_read_in_order() {
    let described: BTreeSet<_> = operations().into_iter().map(|(method, path, _)| (method, path)).collect();
    let read: BTreeSet<_> = READING_ORDER.map(|(method, path)| (method.to_owned(), path.to_owned())).into();
    assert_eq!(described, read);
}

#[test]
fn every_schema_is_a_json_schema_and_every_example_fits_its_own() {
    for (name, schema) in document_json()["components"]["schemas"].as_object().unwrap() {
        validator(schema);
        assert!(schema.is_object(), "{name}");
    }
    let mut contents = Vec::new();
    all_under(document_json(), "content", &mut contents);
    let mut examples = 0;
    for media in contents.into_iter().filter_map(Value::as_object).flat_map(|content| content.values()) {
        let Some(schema) = media.get("schema") else { continue };
        let validator = validator(schema);
        let named = media["examples"].as_object().into_iter().flat_map(|examples| examples.values());
        for example in named.map(|example| &example["value"]).chain(media.get("example")) {
            let wrong: Vec<_> = validator.iter_errors(example).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{example}: {wrong:?}");
            examples += 1;
        }
    }
    assert!(examples > 20, "{examples}");
}

#[test]
fn a_body_that_the_server_takes_fits_the_schema_and_one_that_it_refuses_does_not() {
    let body = validator(&json!({"$ref": "#/components/schemas/ActionBody"}));
    assert!(body.is_valid(&json!({"connector": "notes", "tool": "list"})));
    assert!(body.is_valid(&json!({"platform": "crm", "scope": "get", "endpoint": "/a", "method": "GET"})));
    assert!(!body.is_valid(&json!({"connector": "notes"})));
    assert!(!body.is_valid(&json!({"connector": "notes", "tool": "t", "grant": "tool_1h"})));
    assert!(!body.is_valid(&json!({"connector": "notes", "scope": "t", "endpoint": "/a", "method": "GET"})));
}

#[test]
fn what_the_wire_says_fits_the_schema() {
    use countersign_wire::agent::Approval;
    use countersign_wire::problem::{Code, Problem};
    let problem = validator(&json!({"$ref": "#/components/schemas/Problem"}));
    for (code, _) in AGENT_CODES {
        assert!(problem.is_valid(&json!(Problem::new(code, "x"))), "{}", code.word());
    }
    assert!(!problem.is_valid(&json!(Problem::new(Code::NotYourTurn, "only people meet this one"))));
    let approval = validator(&json!({"$ref": "#/components/schemas/Approval"}));
    let bare: Approval = serde_json::from_value(json!({
        "approval_id": "019c2b4f-03d2-7b1e-8c1d-5d6f0f2d9e42", "status": "pending", "state": "pending",
        "expires_at": "2026-03-02T09:14:38.034Z", "created_at": "2026-03-02T09:04:38.034Z",
    }))
    .unwrap();
    assert!(approval.is_valid(&json!(bare)));
}

#[test]
fn every_word_of_the_states_is_spelled_out() {
    let states = document_json()["components"]["schemas"]["State"]["enum"].as_array().unwrap();
    assert_eq!(states.len(), 9);
    let state = &document_json()["components"]["schemas"]["Approval"]["properties"]["state"];
    assert_eq!(state["$ref"], "#/components/schemas/State");
}
