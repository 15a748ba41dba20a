//! The words that the wire's strings are made of, spelled out: `wire` only says that they are strings.

use super::errors::AGENT_CODES;
use countersign_domain::Effect;
use countersign_domain::execution::ExecutionErrorCode;
use countersign_domain::request::RequestState;
use serde_json::json;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::{Components, Ref, RefOr};

/// Where a schema has a plain string, and the schema of the words that it can be.
const PLACES: [(&str, &str, &str); 15] = [
    ("Approval", "status", "Status"),
    ("Approval", "state", "State"),
    ("Approval", "execution_error_code", "ExecutionErrorCode"),
    ("Approval", "decided_by", "DecidedBy"),
    ("Accepted", "status", "Status"),
    ("AccessRequested", "status", "Status"),
    ("AccessStatus", "status", "Status"),
    ("AccessStatus", "state", "State"),
    ("StateChange", "status", "Status"),
    ("StateChange", "state", "State"),
    ("PendingAction", "status", "Status"),
    ("PendingAction", "state", "State"),
    ("PermittedTool", "effect", "Effect"),
    ("PermittedTool", "needs", "Needs"),
    ("Problem", "code", "Code"),
];

/// Adds the schemas of the words, and refers to them where they are used.
pub fn spell_out(components: &mut Components) {
    for (schema, property, words) in PLACES {
        let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(schema) else { continue };
        let Some(place) = object.properties.get_mut(property) else { continue };
        let description = match place {
            RefOr::T(Schema::Object(plain)) => plain.description.take(),
            _ => None,
        };
        let reference = Ref::builder().ref_location_from_schema_name(words).description(description);
        *place = RefOr::Ref(reference.build());
    }
    components.schemas.extend(schemas().map(|(name, schema)| (name.to_owned(), RefOr::T(schema))));
}

fn schemas() -> impl Iterator<Item = (&'static str, Schema)> {
    [
        ("Status", words("The coarser of two words for where a request stands", &STATUS)),
        ("State", words("Where a request stands", &states())),
        ("ExecutionErrorCode", words("Why there is no good result", &execution_errors())),
        ("Effect", words("What a tool does to the world", &effects())),
        ("Needs", words("What calling a tool needs", &NEEDS)),
        (
            "Code",
            words("Stable: a word never changes its meaning. A word that you don't know means its status", &codes()),
        ),
        ("DecidedBy", decided_by()),
    ]
    .into_iter()
}

type Word = (&'static str, &'static str);

const STATUS: [Word; 4] = [
    ("pending", "not decided yet"),
    ("approved", "decided for; what came of the call is in `state`"),
    ("denied", "decided against"),
    ("expired", "ended without a decision"),
];

const NEEDS: [Word; 4] = [
    ("allow", "nothing: the call is made at once"),
    ("request_approval", "somebody's approval"),
    ("deny", "nothing would help"),
    ("depends", "a policy looks at the call first"),
];

fn states() -> [Word; 9] {
    RequestState::ALL.map(|state| {
        let meaning = match state {
            RequestState::Pending => "waits for approvers",
            RequestState::Approved => "approved, and the call has not begun; an external action may be claimed",
            RequestState::Executing => "the call is under way",
            RequestState::Succeeded => "the upstream answered and did it",
            RequestState::Failed => "it was not done, or the upstream said no",
            RequestState::OutcomeUnknown => "sending began and no complete answer came",
            RequestState::Denied => "an approver or a policy said no",
            RequestState::Expired => "nobody answered in time",
            RequestState::Withdrawn => "the agent or its owner took it back",
        };
        (state.word(), meaning)
    })
}

fn execution_errors() -> [Word; 6] {
    use ExecutionErrorCode as Error;
    [
        (Error::PolicyChanged.word(), "the policies no longer allow it"),
        (Error::Revoked.word(), "agent, approver, connector, tool or credential is no longer good"),
        (Error::ExecutionWindowPassed.word(), "not begun within ten minutes of its approval"),
        (Error::NotSent.word(), "nothing reached the upstream"),
        (Error::UpstreamError.word(), "the upstream answered with an error, which is the `result`"),
        (Error::OutcomeUnknown.word(), "it may or may not have happened"),
    ]
}

fn effects() -> [Word; 3] {
    [
        (Effect::Read.word(), "changes nothing"),
        (Effect::Write.word(), "changes or adds something"),
        (Effect::Destructive.word(), "may lose something for good"),
    ]
}

fn codes() -> Vec<Word> {
    AGENT_CODES.map(|(code, meaning)| (code.word(), meaning.trim_end_matches('.'))).to_vec()
}

fn words(what: &str, words: &[Word]) -> Schema {
    let meanings: Vec<_> = words.iter().map(|(word, meaning)| format!("`{word}`: {meaning}.")).collect();
    let description = format!("{what}.\n\n{}", meanings.join("\n\n"));
    let object = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .enum_values(Some(words.iter().map(|(word, _)| *word)));
    Schema::Object(object.build())
}

fn decided_by() -> Schema {
    let form = |kind: &str, what: &str, always_named: bool| {
        let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([kind]));
        let name = ObjectBuilder::new().schema_type(Type::String);
        let form =
            ObjectBuilder::new().description(Some(what)).property("kind", word).required("kind").property("name", name);
        if always_named { form.required("name") } else { form }
    };
    let forms = OneOfBuilder::new()
        .item(form("user", "A person, by name.", true))
        .item(form("external", "Somebody outside, by mail address or masked phone.", true))
        .item(form("policy", "A policy, by name; without one where no policy matched.", false))
        .item(form("grant", "A grant that an earlier approval made, by the name of who approved.", true))
        .description(Some("Who or what decided."))
        .examples([json!({"kind": "user", "name": "Dana Kim"})]);
    Schema::OneOf(forms.build())
}
