//! Telling people outside the desk's own screens: one file a channel, behind one trait.
//!
//! A courier is handed a message that is ready to be worded and says what became of it; when it is tried again, and what
//! is written down, is the desk's ([`crate::desk`]).

mod chat;
mod email;
mod post;
pub mod push;
mod signature;
mod sms;
#[cfg(test)]
mod tests;
mod vapid;
mod webhook;
pub mod words;

pub(crate) use email::takes_mail;
pub(crate) use signature::SigningKey;
pub use vapid::VapidKey;

use crate::config::Environment;
use crate::store::desk::DeskSettings;
use countersign_domain::Effect;
use countersign_domain::Timestamp;
use countersign_domain::card::{CardValue, Segment};
use countersign_domain::delivery::{Channel, DeliveryKind};
use countersign_domain::flow::WebhookTemplate;
use countersign_domain::ids::{DeliveryId, RequestId};
use countersign_domain::request::RequestState;
use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a courier may take for one message.
pub const LONGEST_TRY: Duration = Duration::from_secs(30);

/// One message to one recipient.
#[derive(Clone, Debug)]
pub struct Message {
    /// Which; the same at every try, so that a receiver can tell a repetition.
    pub id: DeliveryId,
    /// What it says.
    pub kind: DeliveryKind,
    /// The desk's name.
    pub desk: String,
    /// The request that it is about; none of a test and of one about many.
    pub about: Option<Box<About>>,
    /// Of one about many, how many requests wait.
    pub waiting: u32,
    /// Where it is all shown: the request's page, or the queue.
    pub link: String,
    /// The same in few characters.
    pub short_link: String,
    /// For whom it is.
    pub reader: Reader,
    /// Whether the flow is urgent.
    pub urgent: bool,
    /// Whether it may say what is asked, or only that something is.
    pub content: Content,
    /// When the message became necessary.
    pub created_at: Timestamp,
    /// When this try is made.
    pub sent_at: Timestamp,
}

/// For whom a message is.
#[derive(Clone, Debug)]
pub enum Reader {
    /// Somebody with an account, or a program.
    Inside {
        /// Where they say how they want to be told.
        settings_link: String,
    },
    /// Somebody outside, who has nothing here but this message.
    Outside {
        /// What they decide with by the message's link; none where nothing is to be decided, and the link leads nowhere.
        code: Option<SecretString>,
    },
}

impl Message {
    /// The code that its link decides with, of a message to somebody outside.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match &self.reader {
            Reader::Outside { code } => code.as_ref().map(ExposeSecret::expose_secret),
            Reader::Inside { .. } => None,
        }
    }

    /// Whether its link leads its reader anywhere.
    #[must_use]
    pub const fn leads_on(&self) -> bool {
        !matches!(self.reader, Reader::Outside { code: None })
    }
}

/// How much a push may say: it passes through the browser vendor's servers, sealed, and shows on locked screens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Who wants what.
    #[default]
    Full,
    /// That a request waits.
    Minimal,
}

/// A request, as a message tells of it: drawn from the stored bytes, escaped and redacted like the card.
#[derive(Clone, Debug)]
pub struct About {
    /// Which.
    pub id: RequestId,
    /// Where it stands.
    pub state: RequestState,
    /// The card's headline.
    pub headline: Vec<Segment>,
    /// The agent's name.
    pub agent: String,
    /// On whose behalf.
    pub requester: String,
    /// The connector's name.
    pub connector: String,
    /// The tool's qualified name.
    pub tool: Vec<Segment>,
    /// What the tool does.
    pub effect: Effect,
    /// What the agent says.
    pub note: Vec<Segment>,
    /// The arguments, as the card draws them.
    pub arguments: CardValue,
    /// The digest's seal.
    pub seal: String,
    /// When it was asked.
    pub created_at: Timestamp,
    /// Its deadline.
    pub expires_at: Timestamp,
    /// The recipient's time zone, where they said one.
    pub time_zone: Option<String>,
    /// Its step, and how many there are.
    pub step: (u32, u32),
    /// How it ended, and when, if it did.
    pub ending: Option<(String, Timestamp)>,
}

/// Where a message goes.
#[derive(Clone, Debug)]
pub enum Destination {
    /// A mailbox.
    Mailbox {
        /// The address.
        email: String,
        /// The person's name.
        name: Option<String>,
    },
    /// A phone.
    Phone(String),
    /// A browser.
    Browser(Subscription),
    /// An address of the flow's.
    Webhook {
        /// The address.
        url: String,
        /// The signing secret.
        secret: Option<SecretString>,
        /// The body's shape.
        template: WebhookTemplate,
    },
    /// An agent's callback: only id and state, to a public address.
    Callback {
        /// The address.
        url: String,
        /// The signing secret.
        secret: Option<SecretString>,
    },
}

/// Where a browser takes pushes (W3C Push API, PushSubscription).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The push service's address for this browser.
    pub endpoint: String,
    /// The browser's public key, base64url.
    pub p256dh: String,
    /// The shared secret, base64url.
    pub auth: String,
}

/// Why a message was not told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It may work later.
    #[error("{why}")]
    Later {
        /// A plain sentence without secrets.
        why: String,
        /// How long the other side wants to be left alone.
        after: Option<Duration>,
    },
    /// It will never work.
    #[error("{0}")]
    Never(String),
    /// There is nobody at this destination any more.
    #[error("{0}")]
    Gone(String),
}

impl Failure {
    /// It may work later, whenever that is.
    #[must_use]
    pub fn later(why: impl Into<String>) -> Self {
        Self::Later { why: why.into(), after: None }
    }
}

/// Carries messages over one channel.
pub trait Courier: Send + Sync {
    /// Tries once. Whoever calls bounds the time ([`LONGEST_TRY`]).
    ///
    /// # Errors
    /// Says whether it is worth another try.
    fn deliver<'a>(&'a self, message: &'a Message, to: &'a Destination) -> BoxFuture<'a, Result<(), Failure>>;
}

/// The couriers that settings ask for. Webhooks need no settings.
#[must_use]
pub fn set_up(settings: &DeskSettings, environment: &Environment) -> Couriers {
    let mut couriers = Couriers::default().with(Channel::Webhook, Arc::<webhook::Webhook>::default());
    if let Some(smtp) = &settings.smtp {
        let email = email::Email::new(smtp.clone(), environment.clone());
        couriers = couriers.with(Channel::Email, Arc::new(email));
    }
    if let Some(sms) = &settings.sms {
        couriers = couriers.with(Channel::Sms, Arc::new(sms::Sms::new(sms.clone(), environment.clone())));
    }
    couriers
}

/// The couriers that are set up.
#[derive(Clone, Default)]
pub struct Couriers(BTreeMap<Channel, Arc<dyn Courier>>);

impl Couriers {
    /// Adds one, in the place of another for the same channel.
    #[must_use]
    pub fn with(mut self, channel: Channel, courier: Arc<dyn Courier>) -> Self {
        self.0.insert(channel, courier);
        self
    }

    /// Who carries over a channel.
    #[must_use]
    pub fn over(&self, channel: Channel) -> Option<&Arc<dyn Courier>> {
        self.0.get(&channel)
    }
}
