//! An approver decides. What they sign, the vote, its audit row and what follows from it are one transaction.

use super::course::{close, stage};
use super::error::{DeskError, ended, invalid, not_found, refuse};
use super::execute::enqueue;
use super::grants::{granted_tools, make, offered};
use super::session::SignedIn;
use super::snapshot::{Snapshot, still_current};
use super::{Desk, move_on};
use crate::audit::{Actor, Entry};
use crate::auth::passkeys::{Assertion, StoredPasskey};
use crate::auth::secrets::nonce;
use crate::store::ceremonies::{Ceremony, CeremonyKind};
use crate::store::decisions::{Decision, Proof};
use crate::store::requests::{DecidedBy, Request};
use crate::store::users::User;
use crate::store::{self, Connection};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::Timestamp;
use countersign_domain::agent::{COOL_DOWN, DENIALS};
use countersign_domain::challenge::{CHALLENGE_LIFETIME, DecisionStatement, STATEMENT_TYPE};
use countersign_domain::connector::ConnectorKind;
use countersign_domain::digest::Digest;
use countersign_domain::flow::{Confirmation, Ending, FlowBody, FlowEvent, Parties, Recipient};
use countersign_domain::grant::Grant;
use countersign_domain::ids::{CeremonyId, DecisionId, RequestId};
use countersign_domain::request::{RequestEvent, RequestKind, RequestState, Vote};
use countersign_wire::problem::Code;
use countersign_wire::requests::{CeremonyFinish, CeremonyOptions, Decided, DecisionBody};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// The longest comment, in characters.
const COMMENT_LIMIT: usize = 1_000;

/// What a decision ceremony must remember until its end.
#[derive(Clone, Serialize, Deserialize)]
struct DecisionPurpose {
    statement: DecisionStatement,
    comment: Option<String>,
}

/// A vote that is about to be counted.
struct Ballot {
    user: User,
    vote: Vote,
    grant: Grant,
    tools: Option<Vec<String>>,
    comment: Option<String>,
    signed: Option<Signed>,
}

/// What a ceremony brought, and the ceremony to consume.
struct Signed {
    ceremony: CeremonyId,
    assertion: Assertion,
    statement: DecisionStatement,
}

impl Desk {
    /// Begins the ceremony of a decision: options whose challenge is bound to exactly this decision.
    ///
    /// # Errors
    /// When the request has ended, is not this person's to decide, or they have no passkey that may decide.
    pub async fn start_decision(
        &self,
        who: &SignedIn,
        id: RequestId,
        body: DecisionBody,
    ) -> Result<CeremonyOptions, DeskError> {
        let comment = check_body(&body)?;
        let snapshot = self.snapshot();
        let now = self.now();
        let (request, votes) = self.request_to_decide(&snapshot, who, id).await?;
        check_deadline(&request, now)?;
        let (grant, tools) = leave(&snapshot, &request, &votes, &body)?;
        let passkeys = self.deciding_passkeys(who, now).await?;
        let statement = DecisionStatement {
            t: STATEMENT_TYPE.to_owned(),
            nonce: nonce()?,
            digest: request.digest,
            decision: body.decision,
            grant,
            tools,
            comment_sha256: comment.as_ref().map(|comment| Digest::of(comment.as_bytes())),
            step: request.course.step,
            user_id: Some(who.user().id),
            challenge_expires_at: (now + CHALLENGE_LIFETIME).millis(),
        };
        let begun = self.passkeys().start_decision(&passkeys, &statement)?;
        let ceremony = Ceremony {
            id: CeremonyId(self.fresh()),
            user_id: Some(who.user().id),
            request_id: Some(id),
            state: begun.state,
            purpose: DecisionPurpose { statement, comment },
            expires_at: now + CHALLENGE_LIFETIME,
        };
        let options = CeremonyOptions { ceremony: ceremony.id.to_string(), public_key: begun.public_key };
        self.begin_ceremony(CeremonyKind::Decision, ceremony).await?;
        Ok(options)
    }

    /// Ends the ceremony of a decision: checks the signature, then counts the vote.
    ///
    /// # Errors
    /// When the assertion is not for this decision, was used, is stale, or the request has ended.
    pub async fn finish_decision(
        &self,
        who: &SignedIn,
        id: RequestId,
        finish: CeremonyFinish,
    ) -> Result<Decided, DeskError> {
        let now = self.now();
        let ceremony = self.ceremony::<DecisionPurpose>(CeremonyKind::Decision, &finish.ceremony, now).await?;
        if ceremony.request_id != Some(id) || ceremony.user_id != Some(who.user().id) {
            return Err(refuse(Code::AssertionRefused, "This confirmation was begun for another request or person."));
        }
        let DecisionPurpose { statement, comment } = ceremony.purpose;
        let passkeys = self.deciding_passkeys(who, now).await?;
        let assertion =
            self.passkeys().finish_decision(&ceremony.state, &statement, &finish.credential, &passkeys, now)?;
        let (vote, grant, tools) = (statement.decision, statement.grant, statement.tools.clone());
        let signed = Signed { ceremony: ceremony.id, assertion, statement };
        let ballot = Ballot { user: who.user().clone(), vote, grant, tools, comment, signed: Some(signed) };
        self.count(id, ballot).await
    }

    /// Decides without a ceremony: a deny always, an approval where the flow's confirmation allows it.
    ///
    /// # Errors
    /// [`Code::CeremonyRequired`] where a passkey is due, and as [`Self::finish_decision`].
    pub async fn decide(&self, who: &SignedIn, id: RequestId, body: DecisionBody) -> Result<Decided, DeskError> {
        let comment = check_body(&body)?;
        let snapshot = self.snapshot();
        let (request, votes) = self.request_to_decide(&snapshot, who, id).await?;
        let (grant, tools) = leave(&snapshot, &request, &votes, &body)?;
        let flow = flow(&snapshot, &request)?;
        if body.decision == Vote::Approve && self.ceremony_due(flow, who.passkeys()) {
            return Err(refuse(Code::CeremonyRequired, "Approving this needs your passkey."));
        }
        let ballot = Ballot { user: who.user().clone(), vote: body.decision, grant, tools, comment, signed: None };
        self.count(id, ballot).await
    }

    /// Whether an approval under a flow needs a ceremony of somebody with this many passkeys.
    pub(super) fn ceremony_due(&self, flow: &FlowBody, passkeys: u32) -> bool {
        match flow.confirmation {
            Confirmation::Session => false,
            Confirmation::PasskeyIfEnrolled => passkeys > 0 || !self.public_url().is_loopback(),
            Confirmation::Passkey => true,
        }
    }

    /// The request, if this person may decide it. The transaction checks it all again, and the deadline with it.
    async fn request_to_decide(
        &self,
        snapshot: &Snapshot,
        who: &SignedIn,
        id: RequestId,
    ) -> Result<(Request, Vec<Decision>), DeskError> {
        let mut connection = self.store().read().await?;
        let found = store::decisions::with_request(&mut connection, id).await?;
        let (request, votes) = found.ok_or_else(|| not_found("request"))?;
        if !who.may_see(snapshot, &request, votes.iter().any(|vote| vote.is_by(who.user().id)), self.now()) {
            return Err(not_found("request"));
        }
        check_turn(snapshot, &request, &votes, who.user(), self.now())?;
        Ok((request, votes))
    }

    /// This person's passkeys that are old enough to decide with.
    async fn deciding_passkeys(&self, who: &SignedIn, now: Timestamp) -> Result<Vec<StoredPasskey>, DeskError> {
        let mut connection = self.store().read().await?;
        let all = store::passkeys::of_user(&mut connection, who.user().id).await?;
        if all.is_empty() {
            return Err(refuse(Code::CeremonyRequired, "You have no passkey yet. Add one on your account page."));
        }
        let usable: Vec<_> = all
            .into_iter()
            .filter(|passkey| passkey.usable_from <= now)
            .map(|passkey| StoredPasskey { credential_id: passkey.credential_id, passkey_json: passkey.passkey })
            .collect();
        match usable.is_empty() {
            true => Err(refuse(
                Code::PasskeyTooNew,
                "Your passkey was added without an older one, so it can't approve for its first 15 minutes.",
            )),
            false => Ok(usable),
        }
    }

    async fn count(&self, id: RequestId, ballot: Ballot) -> Result<Decided, DeskError> {
        let desk = self.clone();
        Self::to_the_end(async move { desk.count_and_follow(id, Arc::new(ballot)).await }).await
    }

    async fn count_and_follow(&self, id: RequestId, ballot: Arc<Ballot>) -> Result<Decided, DeskError> {
        let decided = self.with_snapshot(|snapshot| self.count_once(snapshot, id, Arc::clone(&ballot))).await?;
        self.announce();
        metrics::counter!("countersign_decisions_total", "vote" => ballot.vote.word()).increment(1);
        if decided.state == RequestState::Approved {
            self.begin_soon(id);
        }
        Ok(decided)
    }

    async fn count_once(
        &self,
        snapshot: Arc<Snapshot>,
        id: RequestId,
        ballot: Arc<Ballot>,
    ) -> Result<Decided, DeskError> {
        let clock = Arc::clone(self.clock());
        let decision_id = DecisionId(self.fresh());
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    still_current(connection, &snapshot).await?;
                    let now = clock.now();
                    consume(connection, &ballot, now).await?;
                    let found = store::decisions::with_request(connection, id).await?;
                    let (request, votes) = found.ok_or_else(|| not_found("request"))?;
                    // As they are now, not as they were when they came to the door.
                    let user = snapshot.users.get(&ballot.user.id).ok_or_else(|| not_found("account"))?;
                    check_turn(&snapshot, &request, &votes, user, now)?;
                    check_deadline(&request, now)?;
                    // What was offered when they began may be offered no more.
                    check_leave(&snapshot, &request, &votes, &ballot)?;
                    let decision = decision(decision_id, &request, &ballot, now)?;
                    store::decisions::insert(connection, &decision).await?;
                    cast(connection, &snapshot, request, votes, decision, now).await
                })
            })
            .await
    }
}

/// What is wrong with a decision's body; its comment, trimmed.
fn check_body(body: &DecisionBody) -> Result<Option<String>, DeskError> {
    if body.arguments.is_some() {
        return Err(refuse(Code::NotAvailable, "`arguments` is not available in this version."));
    }
    check_comment(body.comment.as_deref())
}

/// A comment, trimmed; none where nothing is said.
pub(super) fn check_comment(comment: Option<&str>) -> Result<Option<String>, DeskError> {
    match comment.map(str::trim).filter(|comment| !comment.is_empty()) {
        Some(text) if text.chars().count() > COMMENT_LIMIT => {
            Err(invalid("comment", format!("at most {COMMENT_LIMIT} characters")))
        }
        other => Ok(other.map(str::to_owned)),
    }
}

/// How far a decision's leave goes, as its body says: the grant, and of an ask for access the tools in the order that
/// they were asked for.
fn leave(
    snapshot: &Snapshot,
    request: &Request,
    votes: &[Decision],
    body: &DecisionBody,
) -> Result<(Grant, Option<Vec<String>>), DeskError> {
    let grant = body.grant.unwrap_or_default();
    if let Some(unasked) = body.tools.iter().flatten().find(|tool| !asks_for(request, tool)) {
        let named: String = unasked.chars().take(80).collect();
        return Err(invalid("tools", format!("{named:?} was not asked for")));
    }
    let asked = request.access.iter().flat_map(|access| &access.tools);
    let tools = body
        .tools
        .as_ref()
        .map(|ticked| asked.map(|asked| asked.tool.clone()).filter(|tool| ticked.contains(tool)).collect::<Vec<_>>());
    may_leave(snapshot, request, votes, (body.decision, grant, tools.as_deref()))?;
    Ok((grant, tools))
}

fn asks_for(request: &Request, tool: &str) -> bool {
    request.access.iter().flat_map(|access| &access.tools).any(|asked| asked.tool == tool)
}

fn check_leave(snapshot: &Snapshot, request: &Request, votes: &[Decision], ballot: &Ballot) -> Result<(), DeskError> {
    may_leave(snapshot, request, votes, (ballot.vote, ballot.grant, ballot.tools.as_deref()))
}

/// Whether a vote may give so much.
fn may_leave(
    snapshot: &Snapshot,
    request: &Request,
    votes: &[Decision],
    (vote, grant, tools): (Vote, Grant, Option<&[String]>),
) -> Result<(), DeskError> {
    let wide = grant != Grant::Once;
    match (vote, request.kind, tools) {
        (Vote::Deny, ..) if wide => Err(invalid("grant", "a denial grants nothing")),
        (Vote::Deny, _, Some(_)) => Err(invalid("tools", "a denial grants nothing")),
        (Vote::Deny, ..) => Ok(()),
        (Vote::Approve, RequestKind::Call, Some(_)) => Err(invalid("tools", "only an ask for access names tools")),
        (Vote::Approve, ..) if !offered(snapshot, request).contains(&grant) => {
            Err(invalid("grant", format!("`{}` is not offered for this request", grant.word())))
        }
        (Vote::Approve, RequestKind::Call, None) => Ok(()),
        (Vote::Approve, RequestKind::Access, None | Some([])) => {
            Err(invalid("tools", "name at least one tool, or deny the request"))
        }
        (Vote::Approve, RequestKind::Access, Some(ticked)) => {
            let others = granted_tools(request, votes);
            match votes.is_empty() || ticked.iter().any(|tool| others.contains(tool)) {
                true => Ok(()),
                false => Err(invalid("tools", "none of these was left ticked by those who approved before you")),
            }
        }
    }
}

fn flow<'a>(snapshot: &'a Snapshot, request: &Request) -> Result<&'a FlowBody, DeskError> {
    Ok(stage(snapshot, request)?.flow)
}

/// Whether this person may vote on this request at this moment.
fn check_turn(
    snapshot: &Snapshot,
    request: &Request,
    votes: &[Decision],
    user: &User,
    now: Timestamp,
) -> Result<(), DeskError> {
    if request.state != RequestState::Pending {
        return Err(ended(request.id, request.state));
    }
    if votes.iter().any(|vote| vote.is_by(user.id)) {
        return Err(refuse(Code::AlreadyDecided, "You have voted on this request already."));
    }
    let parties = Parties { requester: request.requester_id, owner: request.owner_id };
    match flow(snapshot, request)?.asks(&request.course, &snapshot.person(user, now), parties) {
        true => Ok(()),
        false => Err(refuse(Code::NotYourTurn, "You are not asked to decide this request.")),
    }
}

/// The deadline may have passed without its timer having run yet.
pub(super) fn check_deadline(request: &Request, now: Timestamp) -> Result<(), DeskError> {
    match now < request.expires_at {
        true => Ok(()),
        false => Err(ended(request.id, RequestState::Expired)),
    }
}

async fn consume(connection: &mut Connection, ballot: &Ballot, now: Timestamp) -> Result<(), DeskError> {
    let Some(signed) = &ballot.signed else { return Ok(()) };
    let spent = || refuse(Code::LinkSpent, "This confirmation was used already, or is over. Begin again.");
    if !signed.statement.is_fresh(now) || !store::ceremonies::consume(connection, signed.ceremony).await? {
        return Err(spent());
    }
    let assertion = &signed.assertion;
    let (credential, updated) = (&assertion.signature.credential_id, assertion.updated_passkey_json.clone());
    match store::passkeys::used(connection, credential, updated, now).await? {
        true => Ok(()),
        false => Err(refuse(Code::AssertionRefused, "This passkey was removed meanwhile.")),
    }
}

fn decision(id: DecisionId, request: &Request, ballot: &Ballot, now: Timestamp) -> Result<Decision, DeskError> {
    let proof = ballot.signed.as_ref().map(|signed| {
        let signature = &signed.assertion.signature;
        Proof {
            statement: signed.statement.clone(),
            rp_id: signature.rp_id.clone(),
            origin: signature.origin.clone(),
            credential_id: signature.credential_id.clone(),
            public_key: signature.public_key.clone(),
            authenticator_data: URL_SAFE_NO_PAD.encode(&signature.authenticator_data),
            client_data_json: URL_SAFE_NO_PAD.encode(&signature.client_data_json),
            signature: URL_SAFE_NO_PAD.encode(&signature.signature),
        }
    });
    let fits = proof
        .as_ref()
        .is_none_or(|proof| proof.statement.digest == request.digest && proof.statement.step == request.course.step);
    if !fits {
        return Err(refuse(Code::AssertionRefused, "This confirmation was for another request or step."));
    }
    Ok(Decision {
        id,
        request_id: request.id,
        by: Recipient::User(ballot.user.id),
        vote: ballot.vote,
        step: request.course.step,
        comment: ballot.comment.clone(),
        at: now,
        grant: ballot.grant,
        tools: ballot.tools.clone(),
        proof,
    })
}

/// Counts a stored vote and does what follows from it.
pub(super) async fn cast(
    connection: &mut Connection,
    snapshot: &Snapshot,
    mut request: Request,
    mut votes: Vec<Decision>,
    decision: Decision,
    now: Timestamp,
) -> Result<Decided, DeskError> {
    let name = voter_name(snapshot, &decision.by);
    let by = match &decision.by {
        Recipient::User(id) => DecidedBy::User { id: *id, name },
        Recipient::Email(_) | Recipient::Phone(_) => DecidedBy::External { name },
    };
    let comment = decision.comment.clone();
    let entry = entry(&request, &decision, now);
    votes.push(decision);
    let stage = stage(snapshot, &request)?;
    let ending = stage.after(connection, &mut request, &votes, FlowEvent::Voted, now).await?;
    request.approvals = stage.roster(&request, &votes, now).given;
    let event = match ending {
        None => None,
        Some(Ending::Approved) => Some(RequestEvent::Approve),
        Some(Ending::Denied) => Some(RequestEvent::Deny),
        // The deadline was looked at before the vote was stored.
        Some(Ending::AutoApproved | Ending::Expired) => return Err(ended(request.id, RequestState::Expired)),
    };
    if let Some(event) = event {
        let voter = votes.last().map(|vote| vote.by.clone());
        request.state = request.state.after(event).map_err(|now| ended(request.id, now.state))?;
        request.decided_by = Some(by);
        request.decided_at = Some(now);
        request.comment = comment;
        close(connection, snapshot, &request, voter, now).await?;
        let denied = event == RequestEvent::Deny;
        store::agents::decided(connection, request.agent_id, denied, DENIALS, now + COOL_DOWN).await?;
    }
    store::audit::append(connection, entry).await?;
    if request.state == RequestState::Approved {
        request.approved_at = Some(now);
        enqueue(connection, &request, now).await?;
        make(connection, &request, &votes, now).await?;
    }
    move_on(connection, &mut request, now).await?;
    Ok(Decided { id: request.id, state: request.state })
}

/// Who voted, for the record.
pub(super) fn actor(by: &Recipient) -> Actor {
    match by {
        Recipient::User(id) => Actor::User(*id),
        Recipient::Email(address) | Recipient::Phone(address) => Actor::Outside(address.clone()),
    }
}

/// Who voted, for people and agents.
pub(super) fn voter_name(snapshot: &Snapshot, by: &Recipient) -> String {
    match by {
        Recipient::User(id) => snapshot.users.get(id).map(|user| user.name.clone()).unwrap_or_default(),
        outside => outside.signature().unwrap_or_default(),
    }
}

fn entry(request: &Request, decision: &Decision, now: Timestamp) -> Entry {
    let action = match decision.vote {
        Vote::Approve => "approval.approved",
        Vote::Deny => "approval.denied",
    };
    let external = request.connector_kind == ConnectorKind::External;
    Entry::of_request(now, actor(&decision.by), action, request.id).with(json!({
        "decision_id": decision.id,
        "step": decision.step,
        "digest": request.digest,
        "signed": decision.proof.is_some(),
        "credential_id": decision.proof.as_ref().map(|proof| proof.credential_id.clone()),
        "external": external,
        "grant": decision.grant,
        "tools": decision.tools,
    }))
}
