//! The card: everything that a decision needs, drawn from the bytes that will be sent.

use super::Desk;
use super::answer::decider;
use super::call::StoredCall;
use super::course::stage;
use super::decide::voter_name;
use super::error::{DeskError, not_found};
use super::grants::{granted_tools, offered};
use super::list::{connector_brief, parties, person};
use super::session::SignedIn;
use super::snapshot::{Snapshot, ToolEntry};
use crate::store;
use crate::store::decisions::Decision;
use crate::store::deliveries::Delivery;
use crate::store::outside_links::OutsideLink;
use crate::store::requests::{DecidedBy, Request};
use countersign_domain::Timestamp;
use countersign_domain::canonical::Canonical;
use countersign_domain::card::{
    Address, CardError, CardValue, Deed, Redactions, Segment, access_headline, address_segments, card_value,
    command_segments, deed, endpoint_segments, headline, line_segments, note_segments, raw_segments, segments,
};
use countersign_domain::connector::{ConnectorKind, qualified_name};
use countersign_domain::delivery::Address as Recipient;
use countersign_domain::flow::{Approvers, Confirmation, FlowBody, FlowTimer, Person, Recipient as Outsider, Step};
use countersign_domain::ids::{RequestId, UserId};
use countersign_domain::outside::LinkStanding;
use countersign_domain::request::{RequestKind, RequestState, Target, Vote};
use countersign_domain::user::Role;
use countersign_wire::requests::{
    AccessTool, AccessView, AgentBrief, AskedLine, Card, LinkFate, NextKind, NextLine, OutcomeView, PolicyBrief,
    ResultView, StepLine, ToldLine, VoteLine, YourPart,
};

impl Desk {
    /// The card of a request that somebody may see.
    ///
    /// # Errors
    /// What they may not see sounds like nothing there.
    pub async fn card(&self, who: &SignedIn, id: RequestId) -> Result<Card, DeskError> {
        let snapshot = self.snapshot();
        let mut connection = self.store().read().await?;
        let found = store::decisions::with_request(&mut connection, id).await?;
        let (request, votes) = found.ok_or_else(|| not_found("request"))?;
        if !who.may_see(&snapshot, &request, votes.iter().any(|vote| vote.is_by(who.user().id)), self.now()) {
            return Err(not_found("request"));
        }
        let granted = self.grants_of(&mut connection, &snapshot, who, id).await?;
        let under = match request.grant_id {
            Some(id) => self.grant_seen(&mut connection, &snapshot, who, id).await?,
            None => None,
        };
        let told = store::deliveries::of_request(&mut connection, id).await?;
        let links = store::outside_links::of_request(&mut connection, id).await?;
        let cools_until = store::agents::cools_until(&mut connection, request.agent_id).await?;
        drop(connection);
        let fate = |delivery: &Delivery| {
            let link = links.iter().rfind(|link| link.delivery_id == delivery.id)?;
            Some(link_fate(link, &request, self.now()))
        };
        let told = told.into_iter().map(|delivery| told_line(&snapshot, fate(&delivery), delivery)).collect();
        let you = self.your_part(&snapshot, who, &request, &votes);
        let mut card = self.draw(&snapshot, you, &request, &votes)?;
        card.agent.cools_until = cools_until.filter(|until| *until > self.now());
        Ok(Card { granted, under, told, ..card })
    }

    pub(super) fn draw(
        &self,
        snapshot: &Snapshot,
        you: YourPart,
        request: &Request,
        votes: &[Decision],
    ) -> Result<Card, DeskError> {
        let StoredCall { arguments, target } = self.call_of(request)?;
        let redactions = Redactions::secrets();
        let agent = snapshot.agents.get(&request.agent_id);
        let agent_name = agent.map(|agent| agent.name.clone()).unwrap_or_default();
        let entry = snapshot.connector(request.connector_id);
        let tool = entry.and_then(|entry| entry.tools.get(&request.tool));
        let flow = request.flow.and_then(|flow| snapshot.flow_at(flow));
        let (note, note_truncated) = note_segments(request.note.as_deref().unwrap_or_default());
        Ok(Card {
            id: request.id,
            kind: request.kind,
            state: request.state,
            headline: match &request.access {
                Some(access) => access_headline(&agent_name, access.tools.len(), &request.connector_name),
                None => headline(&agent_name, &request.tool, &request.connector_name),
            },
            requester: person(snapshot, request),
            on_behalf_of: request.on_behalf_of,
            agent: AgentBrief {
                name: agent_name,
                owner: snapshot.users.get(&request.owner_id).map(|owner| owner.name.clone()).unwrap_or_default(),
                id: Some(request.agent_id),
                cools_until: None,
            },
            connector: connector_brief(snapshot, request),
            tool: line_segments(&qualified_name(&request.connector_slug, &request.tool)),
            tool_name: request.tool.clone(),
            tool_description: segments(tool.and_then(|tool| tool.tool.description.as_deref()).unwrap_or_default()),
            effect: request.effect,
            deed: own_deed(request, &arguments),
            access: access_view(snapshot, request, votes),
            grants: offered(snapshot, request),
            granted: Vec::new(),
            under: None,
            target: match request.kind {
                RequestKind::Call => target_line(&target, tool, &arguments)?,
                RequestKind::Access => Vec::new(),
            },
            arguments: card_value(arguments.bytes(), &redactions).map_err(|error| not_drawn(&error))?,
            arguments_raw: raw_segments(arguments.bytes(), &redactions).map_err(|error| not_drawn(&error))?,
            arguments_bytes: arguments.bytes().len() as u64,
            note,
            note_truncated,
            digest: request.digest.to_string(),
            seal: request.digest.seal(),
            policy: request.policy.as_ref().map(|policy| PolicyBrief {
                name: policy.name.clone(),
                version: policy.version,
                priority: policy.priority,
            }),
            flow: flow.map(|flow| flow.name.clone()),
            steps: flow.map(|flow| steps(snapshot, flow, request, votes, self.now())).unwrap_or_default(),
            next: next(snapshot, request),
            deadline_moved: flow.is_some_and(|flow| flow.moved_deadline(request.created_at, request.expires_at)),
            approves_itself: flow.is_some_and(|flow| approves_itself(flow, request)),
            told: Vec::new(),
            votes: votes.iter().map(|vote| vote_line(snapshot, vote)).collect(),
            you,
            created_at: request.created_at,
            expires_at: request.expires_at,
            ended_at: request.ended_at,
            executed_at: request.executed_at,
            decided_by: request.decided_by.as_ref().map(decider),
            decided_at: request.decided_at,
            comment: request.comment.clone(),
            result: self.result_view(request)?,
            execution_error: request.error.clone(),
            execution_error_code: request.error_code,
            claimed_at: request.claimed_at,
            outcome: request.outcome.as_ref().zip(request.outcome_at).map(|(outcome, at)| OutcomeView {
                ok: outcome.ok,
                detail: segments(outcome.detail.as_deref().unwrap_or_default()),
                at,
            }),
        })
    }

    fn result_view(&self, request: &Request) -> Result<Option<ResultView>, DeskError> {
        let Some(answer) = self.stored_answer(request)? else { return Ok(None) };
        let canonical = Canonical::of(&answer.data)?;
        // An upstream's answer may hold what our strict reader would refuse; then it is shown as text.
        let data = card_value(canonical.bytes(), &Redactions::secrets()).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(canonical.bytes()).into_owned();
            CardValue::Text { characters: text.chars().count(), segments: segments(&text) }
        });
        Ok(Some(ResultView { status: answer.status, data, truncated: answer.truncated }))
    }

    fn your_part(&self, snapshot: &Snapshot, who: &SignedIn, request: &Request, votes: &[Decision]) -> YourPart {
        let user = who.user();
        let flow = request.flow.and_then(|flow| snapshot.flow_at(flow));
        let pending = request.state == RequestState::Pending && self.now() < request.expires_at;
        let why_not = match flow {
            Some(flow) if pending => why_not(flow, request, votes, &snapshot.person(user, self.now())),
            _ => Some("This request has ended.".to_owned()),
        };
        YourPart {
            may_decide: why_not.is_none(),
            why_not,
            confirmation: flow.map_or(Confirmation::Passkey, |flow| flow.confirmation),
            ceremony: flow.is_none_or(|flow| self.ceremony_due(flow, who.passkeys())),
            may_withdraw: pending && request.owner_id == user.id,
            may_create_policy: user.role == Role::Admin,
            may_add_approvers: pending && user.role == Role::Admin,
        }
    }
}

fn why_not(flow: &FlowBody, request: &Request, votes: &[Decision], person: &Person<'_>) -> Option<String> {
    let user = person.voter;
    if votes.iter().any(|vote| vote.is_by(user.id)) {
        return Some("You have voted; others are still asked.".to_owned());
    }
    if flow.asks(&request.course, person, parties(request)) {
        return None;
    }
    let party = user.id == request.requester_id || user.id == request.owner_id;
    Some(match party && flow.selects(&request.course, &user) {
        true => "This was asked by your agent or for you, so somebody else must approve it.".to_owned(),
        false => "You are not among the approvers of this request.".to_owned(),
    })
}

fn not_drawn(error: &CardError) -> DeskError {
    DeskError::Internal(format!("arguments can't be drawn: {error}"))
}

/// What the agent would do itself. A tool that a coding agent has from an MCP server means by its arguments whatever it
/// means by them.
fn own_deed(request: &Request, arguments: &Canonical) -> Option<Deed> {
    let external = request.kind == RequestKind::Call && request.connector_kind == ConnectorKind::External;
    let own = external && !request.tool.starts_with("mcp_");
    own.then(|| deed(arguments.bytes(), &Redactions::secrets())).flatten()
}

fn target_line(target: &Target, tool: Option<&ToolEntry>, arguments: &Canonical) -> Result<Vec<Segment>, DeskError> {
    Ok(match target {
        Target::Http { method, url } => {
            let template = tool.and_then(|tool| tool.template.as_ref());
            let address = Address { method, url, template };
            address_segments(address, arguments.bytes(), Redactions::secrets()).map_err(|error| not_drawn(&error))?
        }
        Target::Stdio { command, .. } => command_segments(command, Redactions::secrets()),
        Target::Remote { url, .. } => endpoint_segments(url, Redactions::secrets()),
        Target::External {} => line_segments("run by the agent itself"),
    })
}

fn steps(snapshot: &Snapshot, flow: &FlowBody, request: &Request, votes: &[Decision], now: Timestamp) -> Vec<StepLine> {
    let given_at = |order| {
        let approvals = votes.iter().filter(|vote| vote.step == order && vote.vote == Vote::Approve).count();
        u32::try_from(approvals).unwrap_or(u32::MAX)
    };
    let line = |step: &Step| StepLine {
        order: step.order,
        approvers: approvers_in_words(&step.approvers),
        needed: step.min_approvals,
        given: if step.order == request.course.step { request.approvals } else { given_at(step.order) },
        asked: asked_at(snapshot, request, votes, step.order, now),
        escalate_to: step.escalate_to.as_ref().map(approvers_in_words),
        escalated: step.order == request.course.step && request.course.escalated,
    };
    flow.steps.iter().map(line).collect()
}

/// Who is asked at a step, those who answered first. Of a step that is over, only they.
fn asked_at(snapshot: &Snapshot, request: &Request, votes: &[Decision], order: u32, now: Timestamp) -> Vec<AskedLine> {
    let answered = votes.iter().filter(|vote| vote.step == order);
    let mut asked: Vec<_> =
        answered.map(|vote| AskedLine { name: voter_name(snapshot, &vote.by), vote: Some(vote.vote) }).collect();
    if order == request.course.step && request.state == RequestState::Pending {
        let waiting = stage(snapshot, request).map(|stage| stage.roster(request, votes, now).waiting);
        let mut waiting: Vec<_> =
            waiting.unwrap_or_default().into_iter().map(|one| address_in_words(snapshot, &one.into())).collect();
        waiting.sort_unstable();
        asked.extend(waiting.into_iter().map(|name| AskedLine { name, vote: None }));
    }
    asked
}

/// What comes next of a request that waits.
fn next(snapshot: &Snapshot, request: &Request) -> Vec<NextLine> {
    if request.state != RequestState::Pending {
        return Vec::new();
    }
    let what = |timer| match timer {
        FlowTimer::Remind => NextKind::Reminder,
        FlowTimer::Escalate => NextKind::Escalation,
        FlowTimer::Warn => NextKind::Warning,
        FlowTimer::AutoApprove => NextKind::AutoApproval,
        FlowTimer::Expire => NextKind::Expiry,
    };
    let dues = stage(snapshot, request).map(|stage| stage.dues(request)).unwrap_or_default();
    dues.into_iter().map(|(at, timer)| NextLine { at, what: what(timer) }).collect()
}

/// Whether a request may approve itself, or did.
pub(super) fn approves_itself(flow: &FlowBody, request: &Request) -> bool {
    match request.state {
        RequestState::Pending => flow.approves_by_itself(request.effect) && !request.course.held_back,
        _ => request.decided_by == Some(DecidedBy::Auto {}),
    }
}

/// A message and its fate, in words.
fn told_line(snapshot: &Snapshot, link: Option<LinkFate>, delivery: Delivery) -> ToldLine {
    ToldLine {
        link,
        at: delivery.created_at,
        kind: delivery.kind,
        channel: delivery.channel,
        to: address_in_words(snapshot, &delivery.to),
        state: delivery.state,
        fate_at: delivery.ended_at.unwrap_or(delivery.due_at),
        error: delivery.error,
    }
}

fn link_fate(link: &OutsideLink, request: &Request, now: Timestamp) -> LinkFate {
    match link.standing(now) {
        LinkStanding::Used => LinkFate::Used,
        LinkStanding::Locked => LinkFate::Locked,
        LinkStanding::Good { .. } if request.state == RequestState::Pending => LinkFate::Good,
        LinkStanding::Good { .. } | LinkStanding::Over => LinkFate::Over,
    }
}

/// To whom a message goes, in words.
pub(super) fn address_in_words(snapshot: &Snapshot, to: &Recipient) -> String {
    match to {
        Recipient::User(id) => names_of(snapshot, [*id].into_iter()).concat(),
        // Whoever may see the card need not be able to write to them.
        Recipient::Email(email) => Outsider::Email(email.clone()).masked().unwrap_or_default(),
        Recipient::Phone(phone) => Outsider::Phone(phone.clone()).masked().unwrap_or_default(),
        Recipient::Webhook => "the flow's webhook".to_owned(),
        Recipient::Agent(id) => {
            let name = snapshot.agents.get(id).map(|agent| agent.name.clone()).unwrap_or_default();
            format!("{name}'s callback")
        }
    }
}

fn approvers_in_words(approvers: &Approvers) -> String {
    let roles = approvers.roles.iter().map(|role| match role {
        Role::Member => "members".to_owned(),
        Role::Approver => "approvers".to_owned(),
        Role::Admin => "admins".to_owned(),
    });
    let outside = approvers.outsiders().filter_map(|outsider| outsider.masked());
    let named = roles.chain(approvers.groups.iter().cloned()).chain(approvers.users.iter().cloned());
    named.chain(outside).collect::<Vec<_>>().join(", ")
}

fn vote_line(snapshot: &Snapshot, decision: &Decision) -> VoteLine {
    VoteLine {
        name: voter_name(snapshot, &decision.by),
        vote: decision.vote,
        at: decision.at,
        comment: decision.comment.clone(),
        signed: decision.proof.is_some(),
        grant: decision.grant,
        tools: decision.tools.as_ref().map(Vec::len),
    }
}

fn access_view(snapshot: &Snapshot, request: &Request, votes: &[Decision]) -> Option<AccessView> {
    let access = request.access.as_ref()?;
    let granted = granted_tools(request, votes);
    let entry = snapshot.connector(request.connector_id);
    let description = |tool: &str| {
        let known = entry.and_then(|entry| entry.tools.get(tool)).and_then(|tool| tool.tool.description.as_deref());
        segments(known.unwrap_or_default())
    };
    let tools = access.tools.iter().map(|asked| AccessTool {
        name: asked.tool.clone(),
        tool: line_segments(&qualified_name(&request.connector_slug, &asked.tool)),
        description: description(&asked.tool),
        effect: asked.effect,
        ticked: votes.is_empty() || granted.contains(&asked.tool),
    });
    Some(AccessView { tools: tools.collect(), minutes: access.minutes })
}

/// People by name; one who is gone has none.
pub(super) fn names_of(snapshot: &Snapshot, users: impl Iterator<Item = UserId>) -> Vec<String> {
    users.filter_map(|id| snapshot.users.get(&id)).map(|user| user.name.clone()).collect()
}
