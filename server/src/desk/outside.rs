//! People outside decide: they look at a request by the link of a message, and decide by its code.
//!
//! Token and code are made anew for each try to send a message and kept nowhere but in that message: here are hashes, and
//! nothing to unseal. So a message that may have arrived twice brings two links; each address votes once all the same.

use super::Desk;
use super::course::{Stage, stage};
use super::decide::{cast, check_comment, check_deadline};
use super::error::{DeskError, Refusal, ended, refuse};
use super::outbox::how_it_ended;
use super::snapshot::{Snapshot, still_current};
use crate::audit::{Actor, Entry};
use crate::auth::secrets::{self, code_hash, new_code, new_token};
use crate::store::decisions::Decision;
use crate::store::deliveries::Delivery;
use crate::store::outside_links::OutsideLink;
use crate::store::requests::Request;
use crate::store::{self, Connection};
use countersign_domain::Timestamp;
use countersign_domain::delivery::Address;
use countersign_domain::flow::{Confirmation, Recipient};
use countersign_domain::grant::Grant;
use countersign_domain::ids::{ConnectorId, DecisionId, LinkId, RequestId, UserId};
use countersign_domain::outside::{LINK_LIFETIME, LinkStanding, bare_code, is_code};
use countersign_domain::request::{RequestState, Vote};
use countersign_wire::outside::{OutsideDecision, OutsideView};
use countersign_wire::problem::{Code, FieldError};
use countersign_wire::requests::{Card, Decided, YourPart};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// Where the page is; the token follows in the fragment, which no browser sends to a server.
const PAGE: &str = "/outside";

/// A link that was just made, and the code that it decides with.
pub(super) struct FreshLink {
    pub(super) address: String,
    pub(super) code: SecretString,
}

/// What came of a decision in its transaction. A wrong code is counted, so it is no error there.
enum Tried {
    Decided(Decided),
    /// A wrong code; so many more may be tried.
    WrongCode(u32),
}

/// A decision as somebody outside sent it.
struct Sent {
    token: String,
    code: String,
    vote: Vote,
    comment: Option<String>,
}

impl Desk {
    /// What somebody outside is asked, by their link. Nothing changes by looking, however often.
    ///
    /// # Errors
    /// When the link decides nothing any more; says why.
    pub async fn look_outside(&self, token: &str) -> Result<OutsideView, DeskError> {
        let (snapshot, now) = (self.snapshot(), self.now());
        let mut connection = self.store().read().await?;
        let (link, request, votes) = find(&mut connection, token).await?;
        check_link(&snapshot, &link, &request, &votes, now)?;
        let card = self.draw(&snapshot, part(), &request, &votes)?;
        Ok(OutsideView {
            desk: snapshot.desk.name.clone(),
            to: link.to.masked().unwrap_or_default(),
            card: for_outside(card),
        })
    }

    /// Decides as somebody outside.
    ///
    /// # Errors
    /// When the link decides nothing any more, the code is wrong, or the request has ended.
    pub async fn decide_outside(&self, body: OutsideDecision) -> Result<Decided, DeskError> {
        let comment = check_comment(body.comment.as_deref())?;
        let code = bare_code(&body.code);
        if !is_code(&code) {
            return Err(wrong_code("The code of the message has six digits."));
        }
        let sent = Arc::new(Sent { token: body.token, code, vote: body.decision, comment });
        let desk = self.clone();
        let tried = Self::to_the_end(async move { desk.try_outside(sent).await }).await?;
        match tried {
            Tried::Decided(decided) => Ok(decided),
            Tried::WrongCode(0) => Err(locked()),
            Tried::WrongCode(left) => {
                let tries = if left == 1 { "one more try".to_owned() } else { format!("{left} more tries") };
                Err(wrong_code(format!("This is not the code of the message that brought the link: {tries}.")))
            }
        }
    }

    async fn try_outside(&self, sent: Arc<Sent>) -> Result<Tried, DeskError> {
        let tried = self.with_snapshot(|snapshot| self.try_outside_once(snapshot, Arc::clone(&sent))).await?;
        if let Tried::Decided(decided) = &tried {
            self.announce();
            metrics::counter!("countersign_decisions_total", "vote" => sent.vote.word()).increment(1);
            if decided.state == RequestState::Approved {
                self.begin_soon(decided.id);
            }
        }
        Ok(tried)
    }

    async fn try_outside_once(&self, snapshot: Arc<Snapshot>, sent: Arc<Sent>) -> Result<Tried, DeskError> {
        let clock = Arc::clone(self.clock());
        let id = DecisionId(self.fresh());
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    still_current(connection, &snapshot).await?;
                    let now = clock.now();
                    let (link, request, votes) = find(connection, &sent.token).await?;
                    let tries = check_link(&snapshot, &link, &request, &votes, now)?;
                    if code_hash(&sent.token, &sent.code).to_hex() != link.code_hash {
                        return count_wrong_code(connection, &link, tries, now).await;
                    }
                    if !store::outside_links::spend(connection, link.id, now).await? {
                        return Err(spent("This link was used already."));
                    }
                    let decision = decision(id, &request, &link, &sent, now);
                    store::decisions::insert(connection, &decision).await?;
                    cast(connection, &snapshot, request, votes, decision, now).await.map(Tried::Decided)
                })
            })
            .await
    }

    /// Makes the link that a message to somebody outside is to bring. It is stored before the message leaves.
    pub(super) async fn make_outside_link(
        &self,
        delivery: &Delivery,
        request: RequestId,
        to: Recipient,
    ) -> Result<FreshLink, DeskError> {
        let (token, code, now) = (new_token()?, new_code()?, self.now());
        let link = OutsideLink {
            id: LinkId(self.fresh()),
            request_id: request,
            delivery_id: delivery.id,
            step: delivery.step,
            to,
            token_hash: secrets::hash(token.expose_secret()).to_hex(),
            code_hash: code_hash(token.expose_secret(), code.expose_secret()).to_hex(),
            wrong_codes: 0,
            expires_at: now + LINK_LIFETIME,
            used_at: None,
            created_at: now,
        };
        self.store()
            .write(move |connection| {
                Box::pin(async move { Ok::<_, DeskError>(store::outside_links::insert(connection, &link).await?) })
            })
            .await?;
        let page = self.public_url().with_path(PAGE);
        Ok(FreshLink { address: format!("{page}#{}", token.expose_secret()), code })
    }
}

/// To whom outside a message goes.
pub(super) fn outsider(to: &Address) -> Option<Recipient> {
    match to {
        Address::Email(email) => Some(Recipient::Email(email.clone())),
        Address::Phone(phone) => Some(Recipient::Phone(phone.clone())),
        Address::User(_) | Address::Webhook | Address::Agent(_) => None,
    }
}

type Found = (OutsideLink, Request, Vec<Decision>);

/// Whoever guesses hears the same as whoever lost a part of their link.
async fn find(connection: &mut Connection, token: &str) -> Result<Found, DeskError> {
    let unknown = || spent("This link is not complete, or not good any more. Open it from the message once more.");
    let link = store::outside_links::by_token(connection, &secrets::hash(token).to_hex()).await?;
    let link = link.ok_or_else(unknown)?;
    let found = store::decisions::with_request(connection, link.request_id).await?;
    let (request, votes) = found.ok_or_else(unknown)?;
    Ok((link, request, votes))
}

/// Whether a link decides something at this moment; how many wrong codes it still takes.
fn check_link(
    snapshot: &Snapshot,
    link: &OutsideLink,
    request: &Request,
    votes: &[Decision],
    now: Timestamp,
) -> Result<u32, DeskError> {
    let standing = link.standing(now);
    if standing == LinkStanding::Used {
        let then = how_it_stands(request).unwrap_or_else(|| "Others are still asked.".to_owned());
        return Err(spent(format!("This link was used: you have decided. {then}")));
    }
    if let Some(how) = how_it_stands(request) {
        return Err(over(request, request.state, how));
    }
    if check_deadline(request, now).is_err() {
        return Err(over(request, RequestState::Expired, "This request expired without an answer.".to_owned()));
    }
    if votes.iter().any(|vote| vote.by == link.to) {
        return Err(refuse(Code::AlreadyDecided, "You have decided on this request by another link."));
    }
    let tries = match standing {
        LinkStanding::Good { tries } => tries,
        LinkStanding::Locked => return Err(locked()),
        LinkStanding::Over | LinkStanding::Used => {
            return Err(spent("This link is over: it was good for 24 hours. Ask for a new one."));
        }
    };
    let stage = stage(snapshot, request)?;
    match is_asked(&stage, link, request, votes, now) {
        true => Ok(tries),
        false => Err(refuse(Code::NotYourTurn, "You are not asked about this request any more.")),
    }
}

fn is_asked(stage: &Stage<'_>, link: &OutsideLink, request: &Request, votes: &[Decision], now: Timestamp) -> bool {
    // A code is no passkey: where the flow wants one, no link decides, however it came about.
    stage.flow.confirmation == Confirmation::Session
        && link.step == request.course.step
        && stage.roster(request, votes, now).waiting.contains(&link.to)
}

/// How a request ended, by whom and when.
fn how_it_stands(request: &Request) -> Option<String> {
    let (how, at) = how_it_ended(request)?;
    let mut letters = how.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_lowercase).collect();
    let at = at.to_string();
    let (day, time) = (at.get(..10).unwrap_or_default(), at.get(11..16).unwrap_or_default());
    Some(format!("This request was {first}{}, on {day} at {time} UTC.", letters.as_str()))
}

fn over(request: &Request, state: RequestState, how: String) -> DeskError {
    match ended(request.id, state) {
        DeskError::Refused(refusal) => DeskError::Refused(Box::new(Refusal { detail: how, ..*refusal })),
        other => other,
    }
}

fn spent(detail: impl Into<String>) -> DeskError {
    refuse(Code::LinkSpent, detail)
}

/// A field's error that reads alone: people outside see no form with other fields.
fn wrong_code(message: impl Into<String>) -> DeskError {
    let message = message.into();
    let error = FieldError { field: "code".to_owned(), message: message.clone() };
    Refusal::new(Code::Invalid, message).with_errors(vec![error]).into()
}

fn locked() -> DeskError {
    spent("This link was locked after five wrong codes. Ask for a new one.")
}

async fn count_wrong_code(
    connection: &mut Connection,
    link: &OutsideLink,
    tries: u32,
    now: Timestamp,
) -> Result<Tried, DeskError> {
    store::outside_links::count_wrong_code(connection, link.id).await?;
    let left = tries.saturating_sub(1);
    if left == 0 {
        let entry = Entry::of_request(now, Actor::Desk, "outside_link.locked", link.request_id);
        let metadata = json!({"link_id": link.id, "address": address(&link.to)});
        store::audit::append(connection, entry.with(metadata)).await?;
    }
    Ok(Tried::WrongCode(left))
}

fn address(to: &Recipient) -> Option<&str> {
    match to {
        Recipient::Email(address) | Recipient::Phone(address) => Some(address),
        Recipient::User(_) => None,
    }
}

fn decision(id: DecisionId, request: &Request, link: &OutsideLink, sent: &Sent, now: Timestamp) -> Decision {
    Decision {
        id,
        request_id: request.id,
        by: link.to.clone(),
        vote: sent.vote,
        step: request.course.step,
        comment: sent.comment.clone(),
        at: now,
        grant: Grant::Once,
        tools: None,
        proof: None,
    }
}

const fn part() -> YourPart {
    YourPart {
        may_decide: true,
        why_not: None,
        confirmation: Confirmation::Session,
        ceremony: false,
        may_withdraw: false,
        may_create_policy: false,
        may_add_approvers: false,
    }
}

/// The card without what is the house's own: its people, its rules, who else is asked.
fn for_outside(card: Card) -> Card {
    let mut card = card;
    card.requester.id = UserId(Uuid::nil());
    card.connector.id = ConnectorId(Uuid::nil());
    card.requester.email.clear();
    card.requester.groups.clear();
    card.agent.id = None;
    card.connector.status_reason = None;
    card.grants = vec![Grant::Once];
    (card.policy, card.flow) = (None, None);
    (card.steps, card.votes, card.next) = (Vec::new(), Vec::new(), Vec::new());
    card
}
