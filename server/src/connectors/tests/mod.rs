//! Stories of connectors, against upstreams that behave and ones that do not.

mod http;
mod mcp;
mod upstream;

use super::*;
use countersign_domain::execution::Answer;
use countersign_domain::ids::{ConnectorId, RequestId};
use uuid::Uuid;

const REQUEST: RequestId = RequestId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001));
const CONNECTOR: ConnectorId = ConnectorId(Uuid::from_u128(0xc0));

#[track_caller]
fn answered(attempt: Attempt) -> Answer {
    match attempt {
        Attempt::Answered(answer) => answer,
        other => panic!("no answer: {other:?}"),
    }
}

#[track_caller]
fn not_sent(attempt: Attempt) -> String {
    match attempt {
        Attempt::NotSent(sentence) => sentence,
        other => panic!("not unsent: {other:?}"),
    }
}

#[track_caller]
fn unknown(attempt: Attempt) -> String {
    match attempt {
        Attempt::Unknown(sentence) => sentence,
        other => panic!("not unknown: {other:?}"),
    }
}
