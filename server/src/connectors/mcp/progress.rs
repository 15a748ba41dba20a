//! What a server says of a call while it makes it (MCP, "Progress"), on its way to whoever follows the call.
//!
//! It is taken from the transport, before rmcp would hand it on in any order: what was said before an answer is told
//! before it.

use super::message::Envelope;
use super::server::Shared;
use crate::connectors::{Progress, ProgressTo};
use rmcp::model::{ClientJsonRpcMessage, GetExtensions as _, GetMeta as _, JsonRpcMessage, NumberOrString};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Somebody who follows a call, for as long as whoever made the call holds it. It rides in the request's extensions.
#[derive(Clone)]
pub(super) struct Follower(Arc<Ear>);

struct Ear {
    shared: Arc<Shared>,
    to: ProgressTo,
}

impl Follower {
    pub(super) fn new(shared: Arc<Shared>, to: ProgressTo) -> Self {
        Self(Arc::new(Ear { shared, to }))
    }
}

/// Who follows which call of one conversation, by the calls' progress tokens.
#[derive(Clone, Default)]
pub(super) struct Followers(Arc<Mutex<HashMap<String, Weak<Ear>>>>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    progress_token: NumberOrString,
    progress: f64,
    #[serde(default)]
    total: Option<f64>,
    #[serde(default)]
    message: Option<String>,
}

impl Followers {
    /// Notes who follows a request that is about to leave.
    pub(super) fn note(&self, item: &ClientJsonRpcMessage) {
        let JsonRpcMessage::Request(request) = item else { return };
        let Some(Follower(ear)) = request.request.extensions().get::<Follower>() else { return };
        let Some(token) = request.request.get_meta().get_progress_token() else { return };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, ear| ear.strong_count() > 0);
        all.insert(token.0.to_string(), Arc::downgrade(ear));
    }

    /// True when a message is about progress, which is told to whoever follows.
    pub(super) fn hear(&self, message: &Envelope<'_>) -> bool {
        let Some(params) = message.progress() else { return false };
        if let Ok(said) = serde_json::from_str::<Said>(params) {
            let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let ear = all.get(&said.progress_token.to_string()).and_then(Weak::upgrade);
            drop(all);
            if let Some(ear) = ear {
                let words = said.message.map(|words| ear.shared.quote(&words));
                (ear.to)(Progress { done: said.progress, total: said.total, words });
            }
        }
        true
    }
}
