//! Who is told what: rows of the outbox, written in the transaction that makes them necessary.
//!
//! What a message says is put together when it is sent ([`super::outbox`]), from what is stored then.

use super::error::DeskError;
use super::snapshot::Snapshot;
use crate::clock::fresh_id;
use crate::store::deliveries::Delivery;
use crate::store::requests::Request;
use crate::store::users::User;
use crate::store::{self, Connection};
use crate::zones::Zones;
use countersign_domain::Timestamp;
use countersign_domain::delivery::{Address, BURST, BURST_WINDOW, Channel, DeliveryKind, DeliveryState, Preferences};
use countersign_domain::flow::{Channels, FlowBody, Recipient};
use countersign_domain::ids::{DeliveryId, RequestId};
use countersign_domain::request::RequestState;
use std::collections::{BTreeSet, HashMap};

/// What is told to whom.
pub(super) struct Told {
    pub(super) kind: DeliveryKind,
    pub(super) step: u32,
    pub(super) round: u32,
    pub(super) to: Vec<Recipient>,
}

pub(super) fn row(
    request: Option<RequestId>,
    kind: DeliveryKind,
    channel: Channel,
    to: Address,
    now: Timestamp,
) -> Delivery {
    Delivery {
        id: DeliveryId(fresh_id(now)),
        request_id: request,
        step: 0,
        kind,
        round: 0,
        channel,
        to,
        state: DeliveryState::Waiting,
        due_at: now,
        attempts: 0,
        error: None,
        created_at: now,
        ended_at: None,
    }
}

/// Tells people about a request, each over the channels that its flow offers and they take.
pub(super) async fn tell(
    connection: &mut Connection,
    snapshot: &Snapshot,
    flow: &FlowBody,
    request: &Request,
    told: Told,
    now: Timestamp,
) -> Result<(), DeskError> {
    let mut burst = Burst::of(connection, told.kind, flow.urgent, now).await?;
    for recipient in told.to {
        for (channel, due_at) in ways(snapshot, flow, &recipient, now) {
            let mut delivery = row(Some(request.id), told.kind, channel, recipient.clone().into(), now);
            (delivery.step, delivery.round, delivery.due_at) = (told.step, told.round, due_at);
            if digests(snapshot, &recipient) {
                burst.fold(connection, &mut delivery).await?;
            }
            store::deliveries::insert(connection, &delivery).await?;
        }
    }
    if flow.channels.webhook {
        let mut delivery = row(Some(request.id), told.kind, Channel::Webhook, Address::Webhook, now);
        (delivery.step, delivery.round) = (told.step, told.round);
        store::deliveries::insert(connection, &delivery).await?;
    }
    Ok(())
}

/// Over which channels somebody is told, and when.
fn ways(snapshot: &Snapshot, flow: &FlowBody, to: &Recipient, now: Timestamp) -> Vec<(Channel, Timestamp)> {
    match to {
        Recipient::User(id) => snapshot.users.get(id).map_or_else(Vec::new, |user| of_user(user, flow, now)),
        // An address is the only way to somebody outside; a flow that asks them has this channel on.
        Recipient::Email(_) => vec![(Channel::Email, now)],
        Recipient::Phone(_) => vec![(Channel::Sms, now)],
    }
}

fn of_user(user: &User, flow: &FlowBody, now: Timestamp) -> Vec<(Channel, Timestamp)> {
    let due_at = user.preferences.told_at(now, flow.urgent, &Zones);
    user.preferences.channels(flow.channels, flow.urgent).map(|channel| (channel, due_at)).collect()
}

fn digests(snapshot: &Snapshot, to: &Recipient) -> bool {
    let Recipient::User(id) = to else { return false };
    snapshot.users.get(id).is_some_and(|user| user.preferences.digest)
}

/// Who was asked how often of late. Past the fifth in a minute all become one message.
struct Burst {
    counts: Option<HashMap<(String, Channel), u32>>,
    now: Timestamp,
}

impl Burst {
    async fn of(
        connection: &mut Connection,
        kind: DeliveryKind,
        urgent: bool,
        now: Timestamp,
    ) -> Result<Self, DeskError> {
        let counts = match kind.folds() && !urgent {
            true => Some(store::deliveries::asked_since(connection, now - BURST_WINDOW).await?),
            false => None,
        };
        Ok(Self { counts, now })
    }

    async fn fold(&mut self, connection: &mut Connection, delivery: &mut Delivery) -> Result<(), DeskError> {
        let Some(counts) = &self.counts else { return Ok(()) };
        let known = counts.get(&(delivery.to.to_word(), delivery.channel)).copied().unwrap_or(0);
        if known < BURST {
            return Ok(());
        }
        (delivery.state, delivery.ended_at) = (DeliveryState::Folded, Some(self.now));
        let mut digest = row(None, DeliveryKind::Digest, delivery.channel, delivery.to.clone(), self.now);
        digest.due_at = delivery.due_at.max(self.now + BURST_WINDOW);
        Ok(store::deliveries::insert_digest(connection, &digest).await?)
    }
}

/// A request ended: what was not told yet is not told any more, and whoever was told hears of the end. `by` decided, and
/// knows.
pub(super) async fn tell_the_end(
    connection: &mut Connection,
    snapshot: &Snapshot,
    request: &Request,
    by: Option<Address>,
    now: Timestamp,
) -> Result<(), DeskError> {
    let flow = request.flow.and_then(|flow| snapshot.flow_at(flow));
    let Some(flow) = flow else { return Ok(()) };
    // Without a channel nobody was told anything.
    if flow.channels == Channels::default() {
        return Ok(());
    }
    let told = store::deliveries::told(connection, request.id).await?;
    store::deliveries::withdraw(connection, request.id, now).await?;
    let told: BTreeSet<(Address, Channel)> = told.into_iter().collect();
    for (to, channel) in told {
        // A push that is on the screen must go, whoever decided.
        if by.as_ref() == Some(&to) && channel != Channel::Push {
            continue;
        }
        store::deliveries::insert(connection, &row(Some(request.id), DeliveryKind::Ended, channel, to, now)).await?;
    }
    if flow.notify_on_decisions && request.state != RequestState::Withdrawn {
        let requester = Recipient::User(request.requester_id);
        for (channel, due_at) in ways(snapshot, flow, &requester, now) {
            let mut delivery = row(Some(request.id), DeliveryKind::Decided, channel, requester.clone().into(), now);
            delivery.due_at = due_at;
            store::deliveries::insert(connection, &delivery).await?;
        }
    }
    Ok(())
}

/// Tells the admins of something that is no request's own: over every channel that they take, at once.
pub(super) async fn tell_admins(
    connection: &mut Connection,
    snapshot: &Snapshot,
    request: Option<RequestId>,
    kind: DeliveryKind,
    now: Timestamp,
) -> Result<(), DeskError> {
    let all = Channels { email: true, sms: false, push: true, webhook: false };
    for admin in snapshot.admins() {
        for channel in admin.preferences.channels(all, true) {
            let delivery = row(request, kind, channel, Address::User(admin.id), now);
            store::deliveries::insert(connection, &delivery).await?;
        }
    }
    Ok(())
}

/// Whether a channel can reach somebody at all.
pub(super) fn reaches(preferences: &Preferences, channel: Channel) -> bool {
    channel != Channel::Sms || preferences.phone.is_some()
}
