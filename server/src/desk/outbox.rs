//! The outbox's other end: what is due is taken under a lease, put into words from what is stored now, handed to its
//! courier, and what became of it is written down. Told at least once; not again after the end.

use super::Desk;
use super::call::StoredCall;
use super::callbacks::state_of_round;
use super::course::stage;
use super::error::DeskError;
use super::list::person;
use super::notices::reaches;
use super::outside::{FreshLink, outsider};
use super::snapshot::Snapshot;
use crate::notify::{About, Courier, Destination, Failure, Message, Reader, SigningKey, Subscription};
use crate::store::deliveries::Delivery;
use crate::store::requests::{DecidedBy, Request};
use crate::store::users::User;
use crate::store::{self, Connection};
use backon::{BackoffBuilder as _, ExponentialBuilder};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::Timestamp;
use countersign_domain::card::{Redactions, access_headline, card_value, headline, line_segments, note_segments};
use countersign_domain::connector::qualified_name;
use countersign_domain::delivery::{Address, Channel, DeliveryKind, DeliveryState, MOST_ATTEMPTS};
use countersign_domain::flow::{FlowBody, Recipient};
use countersign_domain::ids::RequestId;
use countersign_domain::request::RequestState;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long whoever takes a message has it: longer than a courier may take.
const LEASE: Duration = Duration::from_secs(60);
/// The pauses between tries: from here, four times as long each time,
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// up to here.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// The longest that another side may ask to be left alone.
const LONGEST_AFTER: Duration = Duration::from_secs(6 * 60 * 60);

/// A message with its destinations, or why there is none.
enum Prepared {
    /// To be tried, at each of its destinations.
    Ready(Box<Message>, Vec<Destination>),
    /// What it would ask is decided, or they have answered.
    NotNeeded,
    /// It can't be told.
    Impossible(String),
}

impl Desk {
    /// Takes what is due, at most so many; each is its taker's until its lease is over.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take_deliveries(&self, limit: i64) -> Result<Vec<Delivery>, DeskError> {
        let desk = self.clone();
        let mut connection = self.store().read().await?;
        let due = store::deliveries::next_due(&mut connection).await?;
        drop(connection);
        if due.is_none_or(|due| due > self.now()) {
            return Ok(Vec::new());
        }
        self.store()
            .write(move |connection| {
                Box::pin(async move {
                    let now = desk.now();
                    Ok(store::deliveries::take(connection, now, now + LEASE, limit).await?)
                })
            })
            .await
    }

    /// When the next message is due.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next_delivery(&self) -> Result<Option<Timestamp>, DeskError> {
        Ok(store::deliveries::next_due(&mut self.store().read().await?).await?)
    }

    /// Tells one message and writes down what became of it.
    ///
    /// # Errors
    /// When the store fails: the message is tried again when its lease is over.
    pub async fn deliver(&self, delivery: Delivery) -> Result<(), DeskError> {
        let settled = match self.prepare_delivery(&delivery).await? {
            Prepared::NotNeeded => self.done(delivery, DeliveryState::Withdrawn, None),
            Prepared::Impossible(why) => self.done(delivery, DeliveryState::Dead, Some(why)),
            Prepared::Ready(message, destinations) => match self.couriers().over(delivery.channel) {
                None => {
                    let why = format!("No {} is set up at this desk.", courier_in_words(delivery.channel));
                    self.done(delivery, DeliveryState::Dead, Some(why))
                }
                Some(courier) => {
                    let tried = self.try_all(courier, &message, destinations).await;
                    self.after_try(delivery, tried)
                }
            },
        };
        if let DeliveryState::Dead = settled.state {
            let error = settled.error.as_deref().unwrap_or_default();
            tracing::warn!(delivery.id = %settled.id, channel = settled.channel.word(), error, "a message was given up");
        }
        metrics::counter!("countersign_deliveries_total", "channel" => settled.channel.word(), "state" => settled.state.word())
            .increment(1);
        self.store()
            .write(move |connection| {
                Box::pin(async move { Ok::<_, DeskError>(store::deliveries::settle(connection, &settled).await?) })
            })
            .await
    }

    /// Every destination once. One that took it is enough; of failures the most hopeful counts.
    async fn try_all(
        &self,
        courier: &Arc<dyn Courier>,
        message: &Message,
        destinations: Vec<Destination>,
    ) -> Result<(), Failure> {
        let mut outcome = Err(Failure::Gone("There is no destination any more.".to_owned()));
        for destination in destinations {
            let most = self.inner.parts.message_timeout;
            let tried = tokio::time::timeout(most, courier.deliver(message, &destination)).await;
            let tried = tried.unwrap_or_else(|_| Err(Failure::later(format!("There was no answer within {most:?}."))));
            if let (Err(Failure::Gone(_)), Destination::Browser(browser)) = (&tried, &destination) {
                self.forget_browser(browser).await;
            }
            outcome = match (outcome, tried) {
                (Ok(()), _) | (_, Ok(())) => Ok(()),
                (Err(later @ Failure::Later { .. }), Err(_)) => Err(later),
                (Err(_), Err(failure)) => Err(failure),
            };
        }
        outcome
    }

    async fn forget_browser(&self, browser: &Subscription) {
        let endpoint = browser.endpoint.clone();
        let forgotten = self
            .store()
            .write(move |connection| {
                Box::pin(async move { Ok::<_, DeskError>(store::push::forget(connection, &endpoint).await?) })
            })
            .await;
        if let Err(error) = forgotten {
            tracing::warn!(%error, "a browser that takes no pushes any more could not be forgotten");
        }
    }

    fn after_try(&self, delivery: Delivery, tried: Result<(), Failure>) -> Delivery {
        match tried {
            Ok(()) => self.done(delivery, DeliveryState::Sent, None),
            Err(Failure::Never(why) | Failure::Gone(why)) => self.done(delivery, DeliveryState::Dead, Some(why)),
            Err(Failure::Later { why, .. }) if delivery.attempts >= MOST_ATTEMPTS => {
                self.done(delivery, DeliveryState::Dead, Some(why))
            }
            Err(Failure::Later { why, after }) => {
                let pause = pause_after(delivery.attempts).max(after.unwrap_or_default().min(LONGEST_AFTER));
                Delivery { due_at: self.now() + pause, error: Some(why), ..delivery }
            }
        }
    }

    fn done(&self, delivery: Delivery, state: DeliveryState, error: Option<String>) -> Delivery {
        Delivery { state, error, ended_at: Some(self.now()), ..delivery }
    }

    async fn prepare_delivery(&self, delivery: &Delivery) -> Result<Prepared, DeskError> {
        let snapshot = self.snapshot();
        let mut connection = self.store().read().await?;
        let found = match delivery.request_id {
            None => None,
            Some(id) => match store::decisions::with_request(&mut connection, id).await? {
                Some(found) => Some(found),
                None => return Ok(Prepared::NotNeeded),
            },
        };
        let user = match &delivery.to {
            Address::User(id) => match snapshot.users.get(id).filter(|user| user.active) {
                Some(user) => Some(user),
                None => return Ok(Prepared::NotNeeded),
            },
            _ => None,
        };
        if let Some((request, votes)) = &found
            && delivery.kind.asks()
            && !self.is_still_asked(&snapshot, delivery, request, votes)
        {
            return Ok(Prepared::NotNeeded);
        }
        let mut message = self.message(&snapshot, delivery, user);
        let mut flow = None;
        if let Some((request, _)) = &found {
            flow = request.flow.and_then(|flow| snapshot.flow_at(flow));
            let mut about = self.about(&snapshot, request, user, flow)?;
            if delivery.kind == DeliveryKind::Callback {
                about.state = state_of_round(delivery.round).unwrap_or(about.state);
            }
            message.about = Some(Box::new(about));
            message.urgent = flow.is_some_and(|flow| flow.urgent);
        }
        if delivery.kind == DeliveryKind::Digest {
            let waiting = store::deliveries::still_asked(&mut connection, &delivery.to, delivery.channel).await?;
            message.waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
            if waiting == 0 {
                return Ok(Prepared::NotNeeded);
            }
        }
        let destinations = match self.destinations(&mut connection, delivery, user, flow).await? {
            Ok(destinations) => destinations,
            Err(why) => return Ok(Prepared::Impossible(why)),
        };
        drop(connection);
        if let (Some(request), Some(to)) =
            (delivery.request_id.filter(|_| delivery.kind.asks()), outsider(&delivery.to))
        {
            let FreshLink { address, code } = self.make_outside_link(delivery, request, to).await?;
            message.short_link.clone_from(&address);
            (message.link, message.reader) = (address, Reader::Outside { code: Some(code) });
        }
        Ok(Prepared::Ready(Box::new(message), destinations))
    }

    pub(super) fn is_still_asked(
        &self,
        snapshot: &Snapshot,
        delivery: &Delivery,
        request: &Request,
        votes: &[store::decisions::Decision],
    ) -> bool {
        if request.state != RequestState::Pending || self.now() >= request.expires_at {
            return false;
        }
        let here = request.course.step == delivery.step;
        let asked = match &delivery.to {
            Address::User(id) => Some(Recipient::User(*id)),
            other => outsider(other),
        };
        here && asked.is_none_or(|asked| {
            stage(snapshot, request)
                .is_ok_and(|stage| stage.roster(request, votes, self.now()).waiting.contains(&asked))
        })
    }

    fn message(&self, snapshot: &Snapshot, delivery: &Delivery, user: Option<&User>) -> Message {
        let url = self.public_url();
        let (link, short_link) = match delivery.request_id {
            Some(id) => (url.with_path(&format!("/approve/{id}")), url.with_path(&short_path(id))),
            None => (url.with_path("/"), url.with_path("/")),
        };
        let reader = match outsider(&delivery.to) {
            Some(_) => Reader::Outside { code: None },
            None => Reader::Inside { settings_link: url.with_path(if user.is_some() { "/account" } else { "/" }) },
        };
        Message {
            id: delivery.id,
            kind: delivery.kind,
            desk: snapshot.desk.name.clone(),
            about: None,
            waiting: 0,
            link,
            short_link,
            reader,
            urgent: false,
            content: snapshot.desk.settings.push_content,
            created_at: delivery.created_at,
            sent_at: self.now(),
        }
    }

    fn about(
        &self,
        snapshot: &Snapshot,
        request: &Request,
        user: Option<&User>,
        flow: Option<&FlowBody>,
    ) -> Result<About, DeskError> {
        let StoredCall { arguments, .. } = self.call_of(request)?;
        let agent = snapshot.agents.get(&request.agent_id).map(|agent| agent.name.clone()).unwrap_or_default();
        let quiet = user.and_then(|user| user.preferences.quiet_hours.as_ref());
        let steps = flow.map_or(1, |flow| flow.steps.len());
        Ok(About {
            id: request.id,
            state: request.state,
            headline: match &request.access {
                Some(access) => access_headline(&agent, access.tools.len(), &request.connector_name),
                None => headline(&agent, &request.tool, &request.connector_name),
            },
            agent,
            requester: person(snapshot, request).name,
            connector: request.connector_name.clone(),
            tool: line_segments(&qualified_name(&request.connector_slug, &request.tool)),
            effect: request.effect,
            note: note_segments(request.note.as_deref().unwrap_or_default()).0,
            arguments: card_value(arguments.bytes(), &Redactions::secrets())
                .map_err(|error| DeskError::Internal(format!("arguments can't be drawn: {error}")))?,
            seal: request.digest.seal(),
            created_at: request.created_at,
            expires_at: request.expires_at,
            time_zone: quiet.map(|quiet| quiet.time_zone.clone()),
            step: (request.course.step, u32::try_from(steps).unwrap_or(u32::MAX)),
            ending: how_it_ended(request),
        })
    }

    /// Where a message goes, or why it can't go anywhere.
    async fn destinations(
        &self,
        connection: &mut Connection,
        delivery: &Delivery,
        user: Option<&User>,
        flow: Option<&FlowBody>,
    ) -> Result<Result<Vec<Destination>, String>, DeskError> {
        let one = |destination| Ok(Ok(vec![destination]));
        match (&delivery.to, delivery.channel, user) {
            (Address::User(_), Channel::Email, Some(user)) => {
                one(Destination::Mailbox { email: user.email.clone(), name: Some(user.name.clone()) })
            }
            (Address::User(_), Channel::Sms, Some(user)) if reaches(&user.preferences, Channel::Sms) => {
                one(Destination::Phone(user.preferences.phone.clone().unwrap_or_default()))
            }
            (Address::User(id), Channel::Push, _) => {
                let browsers = store::push::of_user(connection, *id).await?;
                match browsers.is_empty() {
                    true => Ok(Err("No browser of this person takes pushes.".to_owned())),
                    false => Ok(Ok(browsers.into_iter().map(|one| Destination::Browser(one.into())).collect())),
                }
            }
            (Address::Email(email), ..) => one(Destination::Mailbox { email: email.clone(), name: None }),
            (Address::Phone(phone), ..) => one(Destination::Phone(phone.clone())),
            (Address::Webhook, ..) => Ok(self.webhook(flow)),
            (Address::Agent(id), ..) => self.callback(*id),
            (Address::User(_), ..) => Ok(Err("This person has no address for that channel.".to_owned())),
        }
    }

    fn webhook(&self, flow: Option<&FlowBody>) -> Result<Vec<Destination>, String> {
        let gone = || "The flow has no webhook.".to_owned();
        let flow = flow.ok_or_else(gone)?;
        let url = flow.webhook_url.clone().ok_or_else(gone)?;
        let secret = flow.webhook_secret_env.as_deref().map(|name| self.webhook_secret(name)).transpose();
        let secret = secret.map_err(|why| format!("The environment variable {why}."))?;
        Ok(vec![Destination::Webhook { url, secret, template: flow.webhook_template }])
    }

    /// What a flow's webhook is signed with, or why it can't be, as a sentence that goes on from the variable.
    pub(super) fn webhook_secret(&self, name: &str) -> Result<SecretString, String> {
        let unset = || format!("{name} with the webhook's secret is not set where the server runs");
        let secret = self.variables().variable(name).ok_or_else(unset)?;
        SigningKey::read(&secret).map(drop).map_err(|error| format!("{name} {error}"))?;
        Ok(secret)
    }
}

/// How a request ended for those who were asked, and when.
pub(super) fn how_it_ended(request: &Request) -> Option<(String, Timestamp)> {
    let how = match (request.state, &request.decided_by) {
        (RequestState::Pending, _) => return None,
        (RequestState::Expired, _) => "Expired without an answer".to_owned(),
        (RequestState::Withdrawn, _) => "Withdrawn".to_owned(),
        (RequestState::Denied, Some(DecidedBy::User { name, .. } | DecidedBy::External { name })) => {
            format!("Denied by {name}")
        }
        (RequestState::Denied, _) => "Denied".to_owned(),
        (_, Some(DecidedBy::User { name, .. } | DecidedBy::External { name })) => format!("Approved by {name}"),
        (_, Some(DecidedBy::Auto {})) => "Approved automatically, as its flow says".to_owned(),
        _ => "Approved".to_owned(),
    };
    Some((how, request.decided_at.or(request.ended_at).unwrap_or(request.updated_at)))
}

const fn courier_in_words(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "mail server",
        Channel::Sms => "text message service",
        Channel::Push => "push service",
        Channel::Webhook => "webhook",
    }
}

/// A request's path in few characters, for text messages.
pub(super) fn short_path(id: RequestId) -> String {
    format!("/a/{}", URL_SAFE_NO_PAD.encode(id.0.as_bytes()))
}

/// The request that the last part of a short path names.
#[must_use]
pub fn request_behind(short: &str) -> Option<RequestId> {
    let bytes = URL_SAFE_NO_PAD.decode(short).ok()?;
    Uuid::from_slice(&bytes).ok().map(RequestId)
}

/// How long to wait after so many tries.
fn pause_after(attempts: u32) -> Duration {
    let pauses = ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_factor(4.0)
        .with_jitter()
        .without_max_times()
        .build();
    pauses.into_iter().nth(attempts.saturating_sub(1) as usize).unwrap_or(LONGEST_PAUSE)
}
