//! The errors that an agent can meet, and which call answers with which.

use countersign_wire::problem::{Code, PROBLEM_JSON, Problem};
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

/// What a code means for an agent, and what to do.
pub type Meaning = (Code, &'static str);

/// Every code that an agent can meet.
pub const AGENT_CODES: [Meaning; 26] = [
    (Code::BadRequest, "The body or a parameter is not what this call takes; `detail` says where."),
    (Code::Unauthenticated, "No key or token, or one that opens nothing."),
    (Code::PolicyDenied, "A policy says no. Asking again will not help; its record names the policy."),
    (Code::OnBehalfOfNotPermitted, "This agent may not act for that user."),
    (Code::AgentSuspended, "The agent is suspended. Its owner or an admin can let it in again."),
    (Code::NotFound, "There is no such call, or no such request of this agent."),
    (Code::UnknownTool, "No such connector or tool, or none that this agent may see."),
    (Code::MethodNotAllowed, "This path takes other methods."),
    (Code::RequestEnded, "The request has ended; `state` says how."),
    (Code::AlreadyClaimed, "The claim was taken before. Run nothing."),
    (Code::ClaimExpired, "The ten minutes to claim are over. Ask anew."),
    (Code::NotApproved, "There is no approval to claim, or no claim to report on."),
    (Code::Conflict, "It was done already, by an earlier call."),
    (Code::TooLarge, "The body is over 1 MiB."),
    (Code::UnsupportedMediaType, "Send `Content-Type: application/json`."),
    (Code::Invalid, "A field is wrong; `errors` says which."),
    (Code::InvalidArguments, "The arguments don't fit the tool's schema; `errors` says where."),
    (Code::ArgumentsNotCanonical, "A key comes twice, or an integer is beyond 2^53-1. Send such a number as a string."),
    (Code::EndpointNotInScope, "AgentValet's `endpoint` or `method` is not the one that `scope` names."),
    (Code::IdempotencyMismatch, "This `Idempotency-Key` was used with another body. Use a new one."),
    (Code::NotAvailable, "A later version brings it."),
    (Code::TooManyPending, "Too many requests of this agent wait. Come back after `Retry-After`."),
    (Code::Internal, "The desk could not do it; its log says why."),
    (Code::NotSent, "It was allowed, but nothing reached the upstream. It is safe to ask again."),
    (Code::OutcomeUnknown, "It was sent, and no complete answer came: it may or may not have happened."),
    (Code::StoreUnavailable, "The desk can't write its record now, so nothing ran. Try again later."),
];

/// What every call can answer.
const ALWAYS: [Code; 4] = [Code::Unauthenticated, Code::AgentSuspended, Code::Internal, Code::StoreUnavailable];
/// What every call with a body can answer.
const WITH_BODY: [Code; 4] =
    [Code::BadRequest, Code::TooLarge, Code::UnsupportedMediaType, Code::ArgumentsNotCanonical];

/// Defines the errors of a call: a type that the macros take in their list of responses.
macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident: $codes:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                let codes: &[&[Code]] = &$codes;
                responses(codes)
            }
        }
    )*};
}

errors! {
    /// Of asking for an action.
    Asking: [&ALWAYS, &WITH_BODY, &[
        Code::PolicyDenied, Code::OnBehalfOfNotPermitted, Code::UnknownTool, Code::InvalidArguments,
        Code::EndpointNotInScope, Code::IdempotencyMismatch, Code::TooManyPending, Code::NotSent, Code::OutcomeUnknown,
    ]];
    /// Of asking for access.
    AskingForAccess: [&ALWAYS, &WITH_BODY, &[
        Code::PolicyDenied, Code::UnknownTool, Code::Invalid, Code::IdempotencyMismatch, Code::TooManyPending,
    ]];
    /// Of a dry run.
    DryRunning: [&ALWAYS, &WITH_BODY, &[Code::InvalidArguments]];
    /// Of calls that only read.
    Reading: [&ALWAYS];
    /// Of calls about one request.
    AboutOne: [&ALWAYS, &[Code::NotFound, Code::BadRequest]];
    /// Of asking how an ask for access stands.
    AboutAccess: [&ALWAYS, &[Code::NotFound]];
    /// Of taking a request back.
    Withdrawing: [&ALWAYS, &[Code::NotFound, Code::BadRequest, Code::RequestEnded]];
    /// Of claiming.
    Claiming: [&ALWAYS, &[
        Code::NotFound, Code::BadRequest, Code::PolicyDenied, Code::AlreadyClaimed, Code::ClaimExpired, Code::NotApproved,
    ]];
    /// Of reporting an outcome.
    Reporting: [&ALWAYS, &WITH_BODY, &[Code::NotFound, Code::NotApproved, Code::Conflict, Code::Invalid]];
}

/// One response for each status, with its codes.
fn responses(codes: &[&[Code]]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status = BTreeMap::<u16, Vec<Code>>::new();
    for code in codes.iter().copied().flatten() {
        by_status.entry(code.status()).or_default().push(*code);
    }
    by_status.into_iter().map(|(status, codes)| (status.to_string(), RefOr::T(response(&codes)))).collect()
}

fn response(codes: &[Code]) -> Response {
    let words: Vec<_> = codes.iter().map(|code| format!("`{}`", code.word())).collect();
    let examples = codes.iter().map(|code| {
        let example = utoipa::openapi::example::ExampleBuilder::new().summary(code.word()).value(Some(example(*code)));
        (code.word(), example.build())
    });
    let content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).examples_from_iter(examples).build();
    ResponseBuilder::new().description(words.join(", ")).content(PROBLEM_JSON, content).build()
}

fn example(code: Code) -> serde_json::Value {
    let detail = AGENT_CODES.iter().find(|(known, _)| *known == code).map_or("", |(_, meaning)| meaning);
    json!(Problem::new(code, detail.replace('`', "")))
}
