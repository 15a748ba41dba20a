//! The tools that an agent is offered: those of every connector that it may see, and two of the desk's own.

use super::{own, result};
use crate::desk::{AgentCaller, Desk, Offer};
use countersign_domain::Effect;
use countersign_domain::connector::{ConnectorKind, qualified_name, split_qualified};
use countersign_domain::policy::Action;
use rmcp::model::{CacheScope, ErrorData, JsonObject, ListToolsResult, Tool, ToolAnnotations};
use serde_json::Value;
use std::sync::Arc;

/// How many tools stand on one page. Many clients read the first page only, so it is a long one.
const PAGE: usize = 1_000;

/// For how long a list may be taken as fresh. Who listens hears of a change sooner.
const FRESH: u64 = 60_000;

const NEEDS_APPROVAL: &str = "Needs approval: a person decides before this call is made, unless an earlier \
approval still covers it.";
const MAY_NEED_APPROVAL: &str = "May need approval by a person, depending on the call.";
const EXTERNAL: &str = "Asks for leave only: the desk makes no call. Once it is approved, do it yourself, once.";

/// One page of an agent's tools.
pub(super) fn list(desk: &Desk, caller: &AgentCaller, cursor: Option<&str>) -> Result<ListToolsResult, ErrorData> {
    let mut tools = all(desk, caller)?;
    if let Some(cursor) = cursor {
        tools.retain(|tool| *tool.name > *cursor);
    }
    let more = tools.len() > PAGE;
    tools.truncate(PAGE);
    let next = tools.last().filter(|_| more).map(|tool| tool.name.to_string());
    let mut page = ListToolsResult::with_all_items(tools).with_ttl_ms(FRESH).with_cache_scope(CacheScope::Private);
    page.next_cursor = next;
    Ok(page)
}

/// All of an agent's tools, by name.
pub(super) fn all(desk: &Desk, caller: &AgentCaller) -> Result<Vec<Tool>, ErrorData> {
    let offers = desk.offers(caller).map_err(|error| result::protocol_error(&error))?;
    let mut tools: Vec<_> = offers.iter().filter_map(offered).filter(|tool| !own::is_own(&tool.name)).collect();
    tools.extend(own::tools());
    tools.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(tools)
}

/// What one tool takes, by its qualified name; none where the agent sees no such tool.
pub(super) fn definition(desk: &Desk, caller: &AgentCaller, name: &str) -> Option<Tool> {
    let (connector, tool) = split_qualified(name)?;
    let schema = desk.input_schema(caller, connector, tool)?;
    Some(Tool::new_with_raw(name.to_owned(), None, Arc::new(object(&schema))))
}

fn offered(offer: &Offer) -> Option<Tool> {
    let tool = offer.tool()?;
    let name = qualified_name(offer.slug(), &tool.name);
    let schema = Arc::new(object(&tool.input_schema));
    let mut offered = Tool::new_with_raw(name, Some(description(offer, tool.description.as_deref()).into()), schema);
    offered.title.clone_from(&tool.title);
    let hints = tool.annotations.clone().and_then(|hints| serde_json::from_value(hints).ok());
    offered.annotations = Some(hints.unwrap_or_else(|| annotations(tool.effect)));
    offered.output_schema = tool.output_schema.as_ref().map(|schema| Arc::new(object(schema)));
    Some(offered)
}

fn object(schema: &Value) -> JsonObject {
    schema.as_object().cloned().unwrap_or_default()
}

fn description(offer: &Offer, said: Option<&str>) -> String {
    let said = said.unwrap_or_default().trim_end();
    let needs = match offer.needs() {
        None => Some(MAY_NEED_APPROVAL),
        Some(Action::RequestApproval | Action::StepUp) => Some(NEEDS_APPROVAL),
        Some(Action::Allow | Action::Deny) => None,
    };
    let external = (offer.kind() == ConnectorKind::External).then_some(EXTERNAL);
    let parts = [Some(said).filter(|said| !said.is_empty()), external, needs];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}

/// Hints out of what an admin set, where the upstream gives none.
fn annotations(effect: Effect) -> ToolAnnotations {
    let hints = ToolAnnotations::new().read_only(effect == Effect::Read);
    match effect {
        Effect::Read => hints,
        Effect::Write | Effect::Destructive => hints.destructive(effect == Effect::Destructive),
    }
}
