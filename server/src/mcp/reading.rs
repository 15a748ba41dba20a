//! Prompts and resources of the connectors' MCP servers, passed through as they are, read-only, to agents that may see the
//! connector. Prompts carry their connector's slug in their names; resources keep their addresses.

use super::result;
use crate::connectors::{AskError, ReadOnly};
use crate::desk::{AgentCaller, Desk, Upstream};
use countersign_domain::connector::{qualified_name, split_qualified};
use futures::future::join_all;
use rmcp::model::{
    CacheScope, CompleteRequestParams, CompleteResult, ErrorCode, ErrorData, GetPromptRequestParams, GetPromptResponse,
    GetPromptResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, Prompt, ReadResourceResponse,
    ReadResourceResult, Reference, Resource, ResourceTemplate, ResultType,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;

/// How long one upstream may take to list; a slow one is left out, so that it hides no other.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many pages of one upstream are read.
const MOST_PAGES: usize = 50;
/// For how long a list may be taken as fresh, in milliseconds; one that lacks an upstream not at all.
const FRESH: u64 = 60_000;

pub(super) async fn list_prompts(desk: &Desk, caller: &AgentCaller) -> Result<ListPromptsResult, ErrorData> {
    let listed = lists(desk, caller, Kind::Prompts).await?;
    let fresh = fresh_for(&listed);
    let mut prompts = Vec::new();
    for Listed { upstream, items, .. } in listed {
        for mut prompt in items.into_iter().filter_map(read::<Prompt>) {
            prompt.name = qualified_name(&upstream.slug, &prompt.name);
            prompts.push(prompt);
        }
    }
    Ok(ListPromptsResult::with_all_items(prompts).with_ttl_ms(fresh).with_cache_scope(CacheScope::Private))
}

pub(super) async fn list_resources(desk: &Desk, caller: &AgentCaller) -> Result<ListResourcesResult, ErrorData> {
    let mut seen = HashSet::new();
    let listed = lists(desk, caller, Kind::Resources).await?;
    let fresh = fresh_for(&listed);
    let items = listed.into_iter().flat_map(|listed| listed.items);
    // Of two servers that name the same address the first is the one that is read.
    let resources = items.filter_map(read::<Resource>).filter(|resource| seen.insert(resource.uri.clone())).collect();
    Ok(ListResourcesResult::with_all_items(resources).with_ttl_ms(fresh).with_cache_scope(CacheScope::Private))
}

pub(super) async fn list_templates(
    desk: &Desk,
    caller: &AgentCaller,
) -> Result<ListResourceTemplatesResult, ErrorData> {
    let listed = lists(desk, caller, Kind::Templates).await?;
    let fresh = fresh_for(&listed);
    let items = listed.into_iter().flat_map(|listed| listed.items).filter_map(read::<ResourceTemplate>);
    let mut seen = HashSet::new();
    let templates = items.filter(|template| seen.insert(template.uri_template.clone())).collect();
    Ok(ListResourceTemplatesResult::with_all_items(templates).with_ttl_ms(fresh).with_cache_scope(CacheScope::Private))
}

pub(super) async fn get_prompt(
    desk: &Desk,
    caller: &AgentCaller,
    request: GetPromptRequestParams,
) -> Result<GetPromptResponse, ErrorData> {
    let (upstream, name) = prompt_of(desk, caller, &request.name)?;
    let ask = ReadOnly::GetPrompt { name: name.clone(), arguments: request.arguments };
    note(desk, caller, &upstream, "prompt.read", &name).await?;
    let got = desk.outgoing().ask(&upstream.spec, ask).await.map_err(refusal)?;
    let mut got: GetPromptResult = whole(readable_prompt(got))?;
    got.result_type = Some(ResultType::COMPLETE);
    Ok(GetPromptResponse::Complete(got))
}

pub(super) async fn read_resource(
    desk: &Desk,
    caller: &AgentCaller,
    uri: &str,
) -> Result<ReadResourceResponse, ErrorData> {
    let upstream = owner_of(desk, caller, uri).await?;
    note(desk, caller, &upstream, "resource.read", uri).await?;
    let ask = ReadOnly::ReadResource { uri: uri.to_owned() };
    let got = desk.outgoing().ask(&upstream.spec, ask).await.map_err(refusal)?;
    let mut got: ReadResourceResult = whole(got)?;
    got.result_type = Some(ResultType::COMPLETE);
    Ok(ReadResourceResponse::Complete(got))
}

pub(super) async fn complete(
    desk: &Desk,
    caller: &AgentCaller,
    request: CompleteRequestParams,
) -> Result<CompleteResult, ErrorData> {
    let mut params = json!({"ref": request.r#ref, "argument": request.argument, "context": request.context});
    let upstream = match &request.r#ref {
        Reference::Prompt(prompt) => {
            let (upstream, name) = prompt_of(desk, caller, &prompt.name)?;
            params["ref"]["name"] = Value::String(name);
            upstream
        }
        Reference::Resource(template) => owner_of(desk, caller, &template.uri).await?,
        _ => return Err(ErrorData::invalid_params("This is no completion request.", None)),
    };
    if params["context"].is_null() {
        params.as_object_mut().map(|params| params.remove("context"));
    }
    note(desk, caller, &upstream, "completion.read", &params["ref"].to_string()).await?;
    let got = desk.outgoing().ask(&upstream.spec, ReadOnly::Complete { params }).await.map_err(refusal)?;
    // What an upstream of an older revision leaves out is what the newer one wants to be told.
    let mut got: CompleteResult = whole(got)?;
    got.result_type = Some(ResultType::COMPLETE);
    Ok(got)
}

/// What can be listed.
#[derive(Clone, Copy)]
enum Kind {
    Prompts,
    Resources,
    Templates,
}

impl Kind {
    const fn key(self) -> &'static str {
        match self {
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
        }
    }

    const fn page(self, cursor: Option<String>) -> ReadOnly {
        match self {
            Self::Prompts => ReadOnly::ListPrompts { cursor },
            Self::Resources => ReadOnly::ListResources { cursor },
            Self::Templates => ReadOnly::ListResourceTemplates { cursor },
        }
    }
}

fn upstreams(desk: &Desk, caller: &AgentCaller) -> Result<Vec<Upstream>, ErrorData> {
    desk.upstreams(caller).map_err(|error| result::protocol_error(&error))
}

/// What one upstream lists.
struct Listed {
    upstream: Upstream,
    items: Vec<Value>,
    /// Whether that is all: an upstream that can't be reached may have more.
    whole: bool,
}

fn fresh_for(listed: &[Listed]) -> u64 {
    if listed.iter().all(|listed| listed.whole) { FRESH } else { 0 }
}

async fn lists(desk: &Desk, caller: &AgentCaller, kind: Kind) -> Result<Vec<Listed>, ErrorData> {
    let all = upstreams(desk, caller)?.into_iter().map(|upstream| async move {
        let listed = tokio::time::timeout(PATIENCE, list_of(desk, &upstream, kind)).await;
        let (items, whole) = listed.unwrap_or_default();
        Listed { upstream, items, whole }
    });
    Ok(join_all(all).await)
}

/// What one upstream lists, and whether it is all; nothing where it can't be asked, which its status says. A server that
/// has no such list has all of it told.
async fn list_of(desk: &Desk, upstream: &Upstream, kind: Kind) -> (Vec<Value>, bool) {
    let (mut all, mut cursor) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let mut page = match desk.outgoing().ask(&upstream.spec, kind.page(cursor)).await {
            Ok(page) => page,
            Err(error) => return (all, matches!(error, AskError::Refused { .. })),
        };
        if let Value::Array(items) = page[kind.key()].take() {
            all.extend(items);
        }
        cursor = page["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    (all, true)
}

fn prompt_of(desk: &Desk, caller: &AgentCaller, name: &str) -> Result<(Upstream, String), ErrorData> {
    let unknown = || ErrorData::invalid_params(format!("Unknown prompt: {name}"), None);
    let (slug, prompt) = split_qualified(name).ok_or_else(unknown)?;
    let found = upstreams(desk, caller)?.into_iter().find(|upstream| upstream.slug == slug);
    Ok((found.ok_or_else(unknown)?, prompt.to_owned()))
}

/// The upstream that an address belongs to: the one that lists it, or one of whose templates it may come.
async fn owner_of(desk: &Desk, caller: &AgentCaller, uri: &str) -> Result<Upstream, ErrorData> {
    let of_uri = |value: &Value| value["uri"] == uri;
    let of_template = |value: &Value| value["uriTemplate"].as_str().is_some_and(|template| may_make(template, uri));
    let mut away = Vec::new();
    for Listed { upstream, items, whole } in lists(desk, caller, Kind::Resources).await? {
        if items.iter().any(of_uri) {
            return Ok(upstream);
        }
        away.extend(Some(upstream.slug).filter(|_| !whole));
    }
    for Listed { upstream, items, whole } in lists(desk, caller, Kind::Templates).await? {
        if items.iter().any(of_template) {
            return Ok(upstream);
        }
        away.extend(Some(upstream.slug).filter(|slug| !whole && !away.contains(slug)));
    }
    match away.is_empty() {
        true => Err(ErrorData::resource_not_found("There is no such resource.", Some(json!({"uri": uri})))),
        false => {
            let away = away.join(", ");
            Err(ErrorData::internal_error(
                format!("It is not known whose resource this is: {away} can't be reached."),
                None,
            ))
        }
    }
}

/// Whether an address begins like a template does before its first variable (RFC 6570); the upstream knows the rest.
fn may_make(template: &str, uri: &str) -> bool {
    uri == template || template.split_once('{').is_some_and(|(fixed, _)| uri.starts_with(fixed))
}

/// Who read what stands in the record before it is read.
async fn note(
    desk: &Desk,
    caller: &AgentCaller,
    upstream: &Upstream,
    action: &'static str,
    what: &str,
) -> Result<(), ErrorData> {
    let noted = desk.note_reading(caller, upstream, action, what).await;
    noted.map_err(|error| result::protocol_error(&error))
}

/// A prompt whose messages can all be passed on.
fn readable_prompt(mut prompt: Value) -> Value {
    for message in prompt.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(block) = message.get_mut("content") {
            result::make_readable(block);
        }
    }
    prompt
}

/// What can't be read as what it should be is left out of a list.
fn read<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

fn whole<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value)
        .map_err(|_| ErrorData::internal_error("The upstream's answer was not understood.", None))
}

fn refusal(error: AskError) -> ErrorData {
    match error {
        AskError::Unavailable(sentence) => ErrorData::internal_error(sentence, None),
        AskError::Refused { code, message, data } => ErrorData::new(ErrorCode(code), message, data),
    }
}

#[cfg(test)]
mod tests {
    use super::may_make;

    #[test]
    fn an_address_may_come_of_a_template_with_the_same_beginning() {
        assert!(may_make("test://template/{id}/data", "test://template/123/data"));
        assert!(!may_make("test://template/{id}/data", "test://other/123/data"));
        assert!(!may_make("test://fixed", "test://fixed/1"));
    }
}
