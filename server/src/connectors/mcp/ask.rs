//! What may be asked of a server beside its tools: prompts, resources and completions, all of which only read.

use super::asking::{Failure, GONE, UnderWay};
use super::server::Server;
use crate::connectors::answer::KEPT;
use rmcp::model::{
    ClientRequest, CompleteRequest, CompleteRequestParams, ErrorCode, ErrorData, GetPromptRequest,
    GetPromptRequestParams, ListPromptsRequest, ListResourceTemplatesRequest, ListResourcesRequest,
    PaginatedRequestParams, ReadResourceRequest, ReadResourceRequestParams, ServerCapabilities,
};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadOnly {
    /// A page of its prompts.
    ListPrompts {
        /// As the page before gave it.
        cursor: Option<String>,
    },
    /// One prompt, filled in.
    GetPrompt {
        /// By its upstream name.
        name: String,
        /// What it is filled in with.
        arguments: Option<Map<String, Value>>,
    },
    /// A page of its resources.
    ListResources {
        /// As the page before gave it.
        cursor: Option<String>,
    },
    /// A page of its resource templates.
    ListResourceTemplates {
        /// As the page before gave it.
        cursor: Option<String>,
    },
    /// A resource's contents.
    ReadResource {
        /// By its upstream URI.
        uri: String,
    },
    /// How an argument of a prompt or a template may go on.
    Complete {
        /// `{ref, argument, context?}` as MCP has it, with upstream names.
        params: Value,
    },
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum AskError {
    /// The upstream can't be asked, or did not answer; the sentence is safe to show.
    Unavailable(String),
    /// The upstream's own JSON-RPC error, without our secrets.
    Refused {
        /// As `-32602`.
        code: i32,
        /// In its words.
        message: String,
        /// As it came.
        data: Option<Value>,
    },
}

impl ReadOnly {
    /// What a service that offers nothing of the kind answers.
    pub(in crate::connectors) fn answer_of_none(&self) -> Result<Value, AskError> {
        match self {
            Self::ListPrompts { .. } => Ok(json!({"prompts": []})),
            Self::ListResources { .. } => Ok(json!({"resources": []})),
            Self::ListResourceTemplates { .. } => Ok(json!({"resourceTemplates": []})),
            Self::Complete { .. } => Ok(json!({"completion": {"values": []}})),
            Self::GetPrompt { .. } => Err(refused(ErrorCode::INVALID_PARAMS, "There is no such prompt.")),
            Self::ReadResource { .. } => Err(refused(ErrorCode::RESOURCE_NOT_FOUND, "There is no such resource.")),
        }
    }

    const fn is_offered(&self, capabilities: &ServerCapabilities) -> bool {
        match self {
            Self::ListPrompts { .. } | Self::GetPrompt { .. } => capabilities.prompts.is_some(),
            Self::ListResources { .. } | Self::ListResourceTemplates { .. } | Self::ReadResource { .. } => {
                capabilities.resources.is_some()
            }
            Self::Complete { .. } => capabilities.completions.is_some(),
        }
    }

    fn request(&self) -> Result<ClientRequest, AskError> {
        let page = |cursor: &Option<String>| PaginatedRequestParams::default().with_cursor(cursor.clone());
        Ok(match self {
            Self::ListPrompts { cursor } => ListPromptsRequest::with_param(page(cursor)).into(),
            Self::ListResources { cursor } => ListResourcesRequest::with_param(page(cursor)).into(),
            Self::ListResourceTemplates { cursor } => ListResourceTemplatesRequest::with_param(page(cursor)).into(),
            Self::ReadResource { uri } => ReadResourceRequest::new(ReadResourceRequestParams::new(uri)).into(),
            Self::GetPrompt { name, arguments } => {
                let mut params = GetPromptRequestParams::new(name);
                params.arguments.clone_from(arguments);
                GetPromptRequest::new(params).into()
            }
            Self::Complete { params } => {
                let params: CompleteRequestParams = serde_json::from_value(params.clone())
                    .map_err(|_| refused(ErrorCode::INVALID_PARAMS, "This is no completion request."))?;
                CompleteRequest::new(params).into()
            }
        })
    }
}

impl Server {
    /// Asks once, and gives the upstream's JSON, without our secrets.
    pub(super) async fn ask_for(&self, what: &ReadOnly, limit: Duration) -> Result<Value, AskError> {
        let request = what.request()?;
        let _under_way = UnderWay::enter(&self.0.calls);
        let live = self.up().await.map_err(AskError::Unavailable)?;
        if !live.peer.peer_info().is_some_and(|info| what.is_offered(&info.capabilities)) {
            return what.answer_of_none();
        }
        match self.ask(live, &request, None, limit).await {
            Ok(text) => self.read(&text),
            Err(Failure::Refused(error)) if error.code == ErrorCode::METHOD_NOT_FOUND => what.answer_of_none(),
            Err(Failure::Refused(error)) => Err(self.refusal(error)),
            Err(Failure::Answered(answer)) => {
                Err(AskError::Unavailable(format!("The server answered with status {}.", answer.status)))
            }
            Err(Failure::NotSent(sentence) | Failure::Unknown(sentence)) => Err(AskError::Unavailable(sentence)),
            Err(Failure::Gone) => Err(AskError::Unavailable(GONE.to_owned())),
        }
    }

    fn read(&self, text: &str) -> Result<Value, AskError> {
        if text.len() > KEPT {
            return Err(AskError::Unavailable(format!("The server's answer is longer than {KEPT} bytes.")));
        }
        let result = serde_json::from_str(text).ok().filter(Value::is_object);
        let result = result.ok_or_else(|| AskError::Unavailable("The server's answer was not understood.".into()))?;
        match result["resultType"].as_str() {
            None | Some("complete") => Ok(self.0.scrubber.value(result)),
            Some(_) => Err(AskError::Unavailable("The server asks for more input, which is not passed on.".into())),
        }
    }

    fn refusal(&self, error: ErrorData) -> AskError {
        AskError::Refused {
            code: error.code.0,
            message: self.0.quote(&error.message),
            data: error.data.map(|data| self.0.scrubber.value(data)),
        }
    }
}

fn refused(code: ErrorCode, message: &str) -> AskError {
    AskError::Refused { code: code.0, message: message.to_owned(), data: None }
}
