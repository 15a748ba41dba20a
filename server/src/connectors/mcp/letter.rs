//! A message on its way out to an upstream over HTTP.

use super::departure::Departure;
use super::headers::Params;
use countersign_domain::canonical::Canonical;
use rmcp::model::{ClientJsonRpcMessage, GetExtensions as _, JsonRpcMessage, NumberOrString};
use serde_json::Value;

/// A message on its way out.
pub(super) struct Letter {
    pub(super) body: Vec<u8>,
    pub(super) json: Value,
    pub(super) id: Option<NumberOrString>,
    /// Set when somebody waits for the answer as it came.
    pub(super) departure: Option<Departure>,
    pub(super) params: Params,
}

impl Letter {
    pub(super) fn of(item: &ClientJsonRpcMessage) -> Result<Self, String> {
        // JCS for the whole message: the arguments in it are then, byte for byte, the ones that were approved.
        let unwritten = |_| "The message could not be written.".to_owned();
        let canonical = Canonical::of(item).map_err(unwritten)?;
        let (id, extensions) = match item {
            JsonRpcMessage::Request(request) => (Some(request.id.clone()), Some(request.request.extensions())),
            _ => (None, None),
        };
        Ok(Self {
            json: canonical.value().map_err(unwritten)?,
            body: canonical.bytes().to_vec(),
            id,
            departure: extensions.and_then(|all| all.get::<Departure>().cloned()),
            params: extensions.and_then(|all| all.get::<Params>().cloned()).unwrap_or_default(),
        })
    }

    pub(super) fn method(&self) -> &str {
        self.json["method"].as_str().unwrap_or_default()
    }

    /// The version that a message of the newer era names.
    pub(super) fn version(&self) -> Option<&str> {
        self.json["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str()
    }
}
