//! The queue, as one person sees it.

use super::Desk;
use super::card::approves_itself;
use super::error::{DeskError, invalid};
use super::session::SignedIn;
use super::snapshot::Snapshot;
use crate::store;
use crate::store::requests::Request;
use crate::store::requests::list::{Cursor, Query, StateFilter, Visible, cursor};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::Timestamp;
use countersign_domain::card::{line_segments, note_segments};
use countersign_domain::flow::{self, Parties};
use countersign_domain::ids::RequestId;
use countersign_domain::request::RequestState;
use countersign_domain::user::Role;
use countersign_wire::requests::{ConnectorBrief, Person, RequestPage, RequestRow, SortKey};
use serde::Deserialize;
use std::collections::HashSet;

/// The parameters of `GET /api/requests`, as they came.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListParameters {
    /// `pending`, `decided`, `all` or any state's word.
    pub state: Option<String>,
    /// A connector's slug.
    pub connector: Option<String>,
    /// `name`, `identifier`, `connector` or `requested`, with `-` before it for descending.
    pub sort: Option<String>,
    /// Where the last page ended.
    pub after: Option<String>,
    /// How many rows, at most 200.
    pub limit: Option<u32>,
}

/// How many characters of a note the table shows.
const NOTE_BEGINNING: usize = 160;

impl Desk {
    /// One page of the requests that somebody may see.
    ///
    /// # Errors
    /// When a parameter is wrong.
    pub async fn list_requests(&self, who: &SignedIn, given: ListParameters) -> Result<RequestPage, DeskError> {
        let snapshot = self.snapshot();
        let now = self.now();
        let query = query(&snapshot, who, given, now)?;
        let mut connection = self.store().read().await?;
        let (requests, more) = store::requests::list::page(&mut connection, &query).await?;
        let pending = store::requests::list::count_pending(&mut connection, &query.visible).await?;
        let voted = voted(&mut connection, who, &requests).await?;
        let next = requests.last().filter(|_| more).map(|last| write_cursor(&cursor(&query, last))).transpose()?;
        let me = snapshot.person(who.user(), now);
        let items = requests.iter().map(|request| row(&snapshot, &me, request, voted.contains(&request.id))).collect();
        Ok(RequestPage { items, next, pending })
    }
}

/// The pending requests among these that this person has voted on.
async fn voted(
    connection: &mut store::Connection,
    who: &SignedIn,
    requests: &[Request],
) -> Result<HashSet<RequestId>, DeskError> {
    let mut voted = HashSet::new();
    // Only a request with several approvers can be pending and carry votes, so this is rarely more than nothing.
    for request in requests.iter().filter(|request| may_carry_votes(request)) {
        let votes = store::decisions::of_request(connection, request.id).await?;
        if votes.iter().any(|vote| vote.is_by(who.user().id)) {
            voted.insert(request.id);
        }
    }
    Ok(voted)
}

const fn may_carry_votes(request: &Request) -> bool {
    matches!(request.state, RequestState::Pending) && (request.approvals > 0 || request.course.step > 1)
}

fn query(snapshot: &Snapshot, who: &SignedIn, given: ListParameters, now: Timestamp) -> Result<Query, DeskError> {
    let state = match given.state.as_deref().unwrap_or("pending") {
        "all" => StateFilter::All,
        "decided" => StateFilter::Decided,
        word => StateFilter::One(
            RequestState::from_word(word)
                .ok_or_else(|| invalid("state", "pending, decided, all, or a state's name"))?,
        ),
    };
    let sort = given.sort.as_deref().unwrap_or("-requested");
    let (descending, key) = sort.strip_prefix('-').map_or((false, sort), |key| (true, key));
    let sort = match key {
        "name" => SortKey::Name,
        "identifier" => SortKey::Identifier,
        "connector" => SortKey::Connector,
        "requested" => SortKey::Requested,
        _ => return Err(invalid("sort", "name, identifier, connector or requested, `-` before it for descending")),
    };
    let limit = given.limit.unwrap_or(50);
    if !(1..=200).contains(&limit) {
        return Err(invalid("limit", "1 to 200"));
    }
    let after = given.after.as_deref().map(read_cursor).transpose()?;
    if after.as_ref().is_some_and(|after| (after.sort, after.descending) != (sort, descending)) {
        return Err(no_cursor());
    }
    Ok(Query {
        visible: visible(snapshot, who, now),
        state,
        connector: given.connector.filter(|slug| !slug.is_empty()),
        sort,
        descending,
        after,
        limit,
    })
}

/// Whose requests somebody may see (architecture, invariant 12).
pub(super) fn visible(snapshot: &Snapshot, who: &SignedIn, now: Timestamp) -> Visible {
    match who.user().role {
        Role::Admin => Visible::All,
        Role::Member | Role::Approver => {
            Visible::Of { user: who.user().id, flows: snapshot.flows_asking(who.user(), now) }
        }
    }
}

fn read_cursor(text: &str) -> Result<Cursor, DeskError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| no_cursor())?;
    serde_json::from_slice(&bytes).map_err(|_| no_cursor())
}

fn no_cursor() -> DeskError {
    invalid("after", "this is no `next` of an earlier page in this order")
}

fn write_cursor(cursor: &Cursor) -> Result<String, DeskError> {
    let json = serde_json::to_vec(cursor).map_err(|error| DeskError::Internal(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

fn row(snapshot: &Snapshot, me: &flow::Person<'_>, request: &Request, voted: bool) -> RequestRow {
    let parties = parties(request);
    let flow = request.flow.and_then(|flow| snapshot.flow_at(flow));
    let asked = flow.is_some_and(|flow| flow.asks(&request.course, me, parties));
    let needed = flow.and_then(|flow| flow.step(request.course.step)).map_or(0, |step| step.min_approvals);
    let beginning: String = request.note.as_deref().unwrap_or_default().chars().take(NOTE_BEGINNING).collect();
    RequestRow {
        id: request.id,
        kind: request.kind,
        state: request.state,
        requester: person(snapshot, request),
        agent: snapshot.agents.get(&request.agent_id).map(|agent| agent.name.clone()).unwrap_or_default(),
        connector: connector_brief(snapshot, request),
        tool: line_segments(&request.tool),
        more_tools: request.access.as_ref().map_or(0, |access| access.tools.len().saturating_sub(1) as u32),
        effect: request.effect,
        note: note_segments(&beginning).0,
        created_at: request.created_at,
        expires_at: request.expires_at,
        ended_at: request.ended_at,
        approvals: request.approvals,
        needed,
        approves_itself: flow.is_some_and(|flow| approves_itself(flow, request)),
        your_turn: request.state == RequestState::Pending && asked && !voted,
    }
}

pub(super) const fn parties(request: &Request) -> Parties {
    Parties { requester: request.requester_id, owner: request.owner_id }
}

pub(super) fn person(snapshot: &Snapshot, request: &Request) -> Person {
    let groups = snapshot.users.get(&request.requester_id).map(|user| user.groups.clone()).unwrap_or_default();
    Person {
        id: request.requester_id,
        name: request.requester_name.clone(),
        email: request.requester_email.clone(),
        groups,
    }
}

pub(super) fn connector_brief(snapshot: &Snapshot, request: &Request) -> ConnectorBrief {
    let connector = snapshot.connector(request.connector_id).map(|entry| &entry.connector);
    ConnectorBrief {
        id: request.connector_id,
        slug: request.connector_slug.clone(),
        name: request.connector_name.clone(),
        kind: request.connector_kind,
        status: connector.map(|connector| connector.status).unwrap_or_default(),
        status_reason: connector.and_then(|connector| connector.status_reason.clone()),
    }
}
