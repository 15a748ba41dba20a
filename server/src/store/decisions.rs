//! Approvers' votes, each with what their passkey signed.

use super::outside_links::outsider_from_word;
use super::requests::{self, Request};
use super::row::{Columns as _, to_json};
use super::{Connection, StoreError};
use countersign_domain::Timestamp;
use countersign_domain::challenge::DecisionStatement;
use countersign_domain::delivery::Address;
use countersign_domain::flow::Recipient;
use countersign_domain::grant::Grant;
use countersign_domain::ids::{DecisionId, RequestId, UserId};
use countersign_domain::request::Vote;
use sqlx::Any;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;

/// One approver's vote.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Which.
    pub id: DecisionId,
    /// On which request.
    pub request_id: RequestId,
    /// Whose.
    pub by: Recipient,
    /// Which way.
    pub vote: Vote,
    /// For which step, from 1.
    pub step: u32,
    /// What they said.
    pub comment: Option<String>,
    /// When.
    pub at: Timestamp,
    /// How far an approval's leave goes.
    pub grant: Grant,
    /// Of an ask for access, the tools that it is for.
    pub tools: Option<Vec<String>>,
    /// What was signed, where a passkey was.
    pub proof: Option<Proof>,
}

impl Decision {
    /// Whether it is this person's.
    #[must_use]
    pub fn is_by(&self, user: UserId) -> bool {
        self.by == Recipient::User(user)
    }

    /// Whose it is, of people with an account.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match &self.by {
            Recipient::User(id) => Some(*id),
            Recipient::Email(_) | Recipient::Phone(_) => None,
        }
    }
}

/// A passkey's signature over a decision, with all that it takes to check it.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// The object whose hash was the challenge.
    pub statement: DecisionStatement,
    /// The relying party.
    pub rp_id: String,
    /// The page's origin.
    pub origin: String,
    /// The credential, base64url.
    pub credential_id: String,
    /// Its public key, JSON (COSE).
    pub public_key: String,
    /// base64url.
    pub authenticator_data: String,
    /// base64url.
    pub client_data_json: String,
    /// base64url.
    pub signature: String,
}

/// Stores a vote. The unique constraint on (request, voter) is what makes it one vote each.
pub async fn insert(connection: &mut Connection, decision: &Decision) -> Result<(), StoreError> {
    let proof = decision.proof.as_ref();
    let part = |pick: fn(&Proof) -> &String| proof.map(pick).cloned();
    let statement = sqlx::query(
        "INSERT INTO decisions (id, request_id, user_id, vote, step, comment, at, statement, rp_id, origin,
         credential_id, public_key, authenticator_data, client_data_json, signature, leave_kind, leave_tools)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(decision.id.to_string())
    .bind(decision.request_id.to_string())
    .bind(voter_word(&decision.by))
    .bind(decision.vote.word())
    .bind(i64::from(decision.step))
    .bind(decision.comment.clone())
    .bind(decision.at.millis())
    .bind(proof.map(|proof| to_json(&proof.statement)).transpose()?)
    .bind(part(|proof| &proof.rp_id))
    .bind(part(|proof| &proof.origin))
    .bind(part(|proof| &proof.credential_id))
    .bind(part(|proof| &proof.public_key))
    .bind(part(|proof| &proof.authenticator_data))
    .bind(part(|proof| &proof.client_data_json))
    .bind(part(|proof| &proof.signature))
    .bind(decision.grant.word())
    .bind(decision.tools.as_ref().map(to_json).transpose()?);
    connection.put_off(statement)
}

/// The votes on a request, in the order they were given.
pub async fn of_request(connection: &mut Connection, request: RequestId) -> Result<Vec<Decision>, StoreError> {
    let rows = votes_of(request).fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

/// A request together with its votes.
pub async fn with_request(
    connection: &mut Connection,
    id: RequestId,
) -> Result<Option<(Request, Vec<Decision>)>, StoreError> {
    let [found, votes] = connection.fetch_each([requests::one(id), votes_of(id)]).await?;
    let Some(row) = found.first() else { return Ok(None) };
    Ok(Some((requests::read(row)?, votes.iter().map(read).collect::<Result<_, _>>()?)))
}

fn votes_of(request: RequestId) -> Query<'static, Any, AnyArguments> {
    sqlx::query("SELECT * FROM decisions WHERE request_id = $1 ORDER BY at, id").bind(request.to_string())
}

fn read(row: &AnyRow) -> Result<Decision, StoreError> {
    Ok(Decision {
        id: row.id("id")?,
        request_id: row.id("request_id")?,
        by: row.word("user_id", voter_from_word)?,
        vote: row.word("vote", Vote::from_word)?,
        step: u32::try_from(row.int("step")?).unwrap_or(1),
        comment: row.maybe_text("comment")?,
        at: row.time("at")?,
        grant: grant(row)?,
        tools: row.maybe_json("leave_tools")?,
        proof: proof(row)?,
    })
}

/// A person by their id, somebody outside by kind and address.
fn voter_word(by: &Recipient) -> String {
    match by {
        Recipient::User(id) => id.to_string(),
        outside => Address::from(outside.clone()).to_word(),
    }
}

fn voter_from_word(word: &str) -> Option<Recipient> {
    word.parse().map(Recipient::User).ok().or_else(|| outsider_from_word(word))
}

/// Votes from before there were grants have no word for one.
fn grant(row: &AnyRow) -> Result<Grant, StoreError> {
    let Some(word) = row.maybe_text("leave_kind")? else { return Ok(Grant::Once) };
    Grant::from_word(&word).ok_or_else(|| StoreError::Row(format!("leave_kind is {word:?}")))
}

fn proof(row: &AnyRow) -> Result<Option<Proof>, StoreError> {
    let Some(statement) = row.maybe_json("statement")? else { return Ok(None) };
    Ok(Some(Proof {
        statement,
        rp_id: row.text("rp_id")?,
        origin: row.text("origin")?,
        credential_id: row.text("credential_id")?,
        public_key: row.text("public_key")?,
        authenticator_data: row.text("authenticator_data")?,
        client_data_json: row.text("client_data_json")?,
        signature: row.text("signature")?,
    }))
}
