//! What was told to whom and what became of it, for admins; what was given up can be sent again.

use super::Desk;
use super::error::{DeskError, invalid, not_found, refuse};
use super::session::Admin;
use super::snapshot::Snapshot;
use crate::audit::{Actor, Entry};
use crate::store::deliveries::{Cursor, Delivery, Listed, Query};
use crate::store::{self, Connection};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::delivery::{Address, Channel, DeliveryState};
use countersign_domain::ids::{DeliveryId, FlowId};
use countersign_wire::Page;
use countersign_wire::deliveries::{DeliveryRow, RecipientName};
use countersign_wire::problem::Code;
use serde::Deserialize;
use serde_json::json;
use url::Url;

/// The parameters of `GET /api/deliveries`, as they came.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryParameters {
    /// Only those that this became of.
    pub state: Option<String>,
    /// Only those over this channel.
    pub channel: Option<String>,
    /// Where the last page ended.
    pub after: Option<String>,
    /// How many, at most 200.
    pub limit: Option<u32>,
}

/// The most rows of a page, and how many there are when nothing is said.
const MOST: u32 = 200;

impl Desk {
    /// One page of what was told, the newest first.
    ///
    /// # Errors
    /// When a parameter is wrong, or the store fails.
    pub async fn deliveries(&self, _admin: &Admin, given: &DeliveryParameters) -> Result<Page<DeliveryRow>, DeskError> {
        let query = query(given)?;
        let snapshot = self.snapshot();
        let mut connection = self.store().read().await?;
        let (listed, more) = store::deliveries::page(&mut connection, &query).await?;
        let next = listed.last().filter(|_| more).map(|last| write_cursor(&last.delivery)).transpose()?;
        Ok(Page { items: listed.into_iter().map(|one| row(&snapshot, one)).collect(), next })
    }

    /// Lets one that was given up be tried again, from the beginning; one that asked somebody outside is told again, with a
    /// new link and code.
    ///
    /// # Errors
    /// When there is no such message, it was neither, or nobody waits for an answer any more.
    pub async fn retry_delivery(&self, admin: &Admin, id: DeliveryId) -> Result<DeliveryRow, DeskError> {
        let (desk, actor) = (self.clone(), Actor::User(admin.signed_in().user().id));
        let listed = self
            .store()
            .write(move |connection| {
                Box::pin(async move {
                    let now = desk.now();
                    let known = store::deliveries::by_id(connection, id).await?.ok_or_else(|| not_found("message"))?;
                    check_repeat(&desk, connection, &known).await?;
                    store::deliveries::revive(connection, id, now).await?;
                    let listed = store::deliveries::listed(connection, id).await?;
                    let listed = listed.ok_or_else(|| not_found("message"))?;
                    store::audit::append(connection, entry(&listed.delivery, now, actor)).await?;
                    Ok::<_, DeskError>(listed)
                })
            })
            .await?;
        Ok(row(&self.snapshot(), listed))
    }
}

async fn check_repeat(desk: &Desk, connection: &mut Connection, delivery: &Delivery) -> Result<(), DeskError> {
    if !delivery.state.may_repeat(delivery.kind, &delivery.to) {
        let why = match delivery.state {
            DeliveryState::Waiting => {
                "This message is on its way already; until it arrives it is tried again by itself."
            }
            _ => "Only a message that was given up can be sent again.",
        };
        return Err(refuse(Code::Conflict, why));
    }
    // What was sent stays sent where nothing comes of sending it again.
    if let (DeliveryState::Sent, Some(request)) = (delivery.state, delivery.request_id) {
        let found = store::decisions::with_request(connection, request).await?;
        let (request, votes) = found.ok_or_else(|| not_found("request"))?;
        if !desk.is_still_asked(&desk.snapshot(), delivery, &request, &votes) {
            return Err(refuse(
                Code::Conflict,
                "This address is not asked any more: it has answered, or the step is over.",
            ));
        }
    }
    Ok(())
}

fn entry(delivery: &Delivery, now: countersign_domain::Timestamp, actor: Actor) -> Entry {
    let action = "delivery.retried";
    let entry = match delivery.request_id {
        Some(request) => Entry::of_request(now, actor, action, request),
        None => Entry::new(now, actor, action, delivery.id),
    };
    entry.with(json!({"delivery_id": delivery.id, "kind": delivery.kind, "channel": delivery.channel}))
}

fn query(given: &DeliveryParameters) -> Result<Query, DeskError> {
    let limit = given.limit.unwrap_or(MOST);
    if !(1..=MOST).contains(&limit) {
        return Err(invalid("limit", format!("1 to {MOST}")));
    }
    let state = given.state.as_deref().map(|word| {
        DeliveryState::from_word(word).ok_or_else(|| invalid("state", "waiting, sent, dead, withdrawn or folded"))
    });
    let channel = given
        .channel
        .as_deref()
        .map(|word| Channel::from_word(word).ok_or_else(|| invalid("channel", "email, sms, push or webhook")));
    Ok(Query {
        state: state.transpose()?,
        channel: channel.transpose()?,
        after: given.after.as_deref().map(read_cursor).transpose()?,
        limit,
    })
}

fn read_cursor(text: &str) -> Result<Cursor, DeskError> {
    let wrong = || invalid("after", "this is no cursor of this list; begin at the first page");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?).map_err(|_| wrong())
}

fn write_cursor(last: &Delivery) -> Result<String, DeskError> {
    let cursor = Cursor { created_at: last.created_at, id: last.id };
    let json = serde_json::to_vec(&cursor).map_err(|error| DeskError::Internal(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

fn row(snapshot: &Snapshot, listed: Listed) -> DeliveryRow {
    let Listed { delivery, flow, waits } = listed;
    DeliveryRow {
        id: delivery.id,
        request_id: delivery.request_id,
        kind: delivery.kind,
        channel: delivery.channel,
        recipient: recipient(snapshot, &delivery, flow),
        state: delivery.state,
        attempts: delivery.attempts,
        error: delivery.error,
        created_at: delivery.created_at,
        due_at: delivery.due_at,
        ended_at: delivery.ended_at,
        may_repeat: delivery.state.may_repeat(delivery.kind, &delivery.to)
            && (waits || delivery.state == DeliveryState::Dead),
    }
}

fn recipient(snapshot: &Snapshot, delivery: &Delivery, flow: Option<(FlowId, i64)>) -> RecipientName {
    let (name, address) = match &delivery.to {
        Address::User(id) => {
            let user = snapshot.users.get(id);
            let address = user.and_then(|user| match delivery.channel {
                Channel::Email => Some(user.email.clone()),
                Channel::Sms => user.preferences.phone.clone(),
                Channel::Push | Channel::Webhook => None,
            });
            (user.map_or_else(|| "Somebody who is gone".to_owned(), |user| user.name.clone()), address)
        }
        Address::Email(email) => ("Outside".to_owned(), Some(email.clone())),
        Address::Phone(phone) => ("Outside".to_owned(), Some(phone.clone())),
        Address::Webhook => {
            let flow = flow.and_then(|flow| snapshot.flow_at(flow));
            let name = flow.map_or_else(|| "Webhook".to_owned(), |flow| format!("Webhook of {}", flow.name));
            (name, flow.and_then(|flow| flow.webhook_url.as_deref()).and_then(host))
        }
        Address::Agent(id) => {
            let agent = snapshot.agents.get(id);
            let name = agent.map_or_else(|| "Callback".to_owned(), |agent| format!("Callback of {}", agent.name));
            (name, agent.and_then(|agent| agent.callback.as_ref()).and_then(|callback| host(&callback.url)))
        }
    };
    RecipientName { name, address }
}

fn host(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}
