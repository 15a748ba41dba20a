//! What will be sent, and where to, as one sealed record: an address holds what the path and the query were filled with.

use super::error::DeskError;
use countersign_domain::canonical::Canonical;
use countersign_domain::request::Target;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A call as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StoredCall {
    /// The canonical arguments.
    pub(super) arguments: Canonical,
    /// Where they go.
    pub(super) target: Target,
}

/// The record's plain form. The arguments stand in it byte by byte as they are signed.
#[derive(Serialize)]
struct Written<'a> {
    arguments: &'a RawValue,
    target: &'a Target,
}

#[derive(Deserialize)]
struct Read<'a> {
    #[serde(borrow)]
    arguments: &'a RawValue,
    target: Target,
}

impl StoredCall {
    pub(super) fn written(&self) -> Result<Vec<u8>, DeskError> {
        let raw: &RawValue = serde_json::from_slice(self.arguments.bytes()).map_err(|error| unreadable(&error))?;
        serde_json::to_vec(&Written { arguments: raw, target: &self.target }).map_err(|error| unreadable(&error))
    }

    pub(super) fn read(plain: &[u8]) -> Result<Self, DeskError> {
        let read: Read<'_> = serde_json::from_slice(plain).map_err(|error| unreadable(&error))?;
        let arguments = Canonical::stored(read.arguments.get().as_bytes().to_vec());
        Ok(Self { arguments, target: read.target })
    }
}

fn unreadable(error: &serde_json::Error) -> DeskError {
    DeskError::Internal(format!("a stored call: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_signed_bytes_come_back_as_they_were() {
        let arguments =
            Canonical::of(&json!({"b": 1.5, "a": "\u{20ac}\u{202e}", "n": 9_007_199_254_740_991_i64})).unwrap();
        let target = Target::Http { method: "GET".to_owned(), url: "https://api.test/x?a=1".to_owned() };
        let call = StoredCall { arguments, target };
        let again = StoredCall::read(&call.written().unwrap()).unwrap();
        assert_eq!((again.arguments.bytes(), &again.target), (call.arguments.bytes(), &call.target));
    }
}
