//! Telling people: over which channels, to which address, how they want it, and what became of it.

use crate::Timestamp;
use crate::flow::check::is_phone;
use crate::flow::{Channels, Notice, Offsets, QuietHours, Recipient};
use crate::ids::{AgentId, UserId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many of one kind in [`BURST_WINDOW`] are told one by one; those after them become one message.
pub const BURST: u32 = 5;

/// How long a burst is counted, and how long after its beginning the one message is sent.
pub const BURST_WINDOW: Duration = Duration::from_secs(60);

/// How often a message is tried before it is given up.
pub const MOST_ATTEMPTS: u32 = 8;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word on the wire and in the database.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// From the word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }
    };
}

words! {
    /// How a message travels.
    Channel {
        /// By mail.
        Email = "email",
        /// By text message.
        Sms = "sms",
        /// By Web Push.
        Push = "push",
        /// By a call to an address of the flow's or the agent's.
        Webhook = "webhook",
    }
}

words! {
    /// What a message says.
    DeliveryKind {
        /// You are asked.
        Asked = "asked",
        /// You are asked too, since others did not answer or can't.
        Escalated = "escalated",
        /// You have not answered yet.
        Reminder = "reminder",
        /// The deadline is near.
        Warning = "warning",
        /// You wanted to decide on another screen.
        SentOn = "sent_on",
        /// What you were asked about has ended.
        Ended = "ended",
        /// What was asked for you is decided.
        Decided = "decided",
        /// An agent's own request moved.
        Callback = "callback",
        /// Many requests wait.
        Digest = "digest",
        /// Somebody reported an agent.
        Reported = "reported",
        /// Somebody got a new passkey without an older one.
        PasskeyAdded = "passkey_added",
        /// A test that somebody asked for.
        Test = "test",
    }
}

words! {
    /// What became of a message.
    DeliveryState {
        /// It is to be told.
        Waiting = "waiting",
        /// It was told.
        Sent = "sent",
        /// It was given up.
        Dead = "dead",
        /// What it was about ended before it was told.
        Withdrawn = "withdrawn",
        /// It went into one message about many.
        Folded = "folded",
    }
}

impl DeliveryKind {
    /// Whether it asks somebody to decide, and so means nothing once the request has ended.
    #[must_use]
    pub const fn asks(self) -> bool {
        matches!(self, Self::Asked | Self::Escalated | Self::Reminder | Self::Warning | Self::SentOn)
    }

    /// Whether many of it become one message.
    #[must_use]
    pub const fn folds(self) -> bool {
        matches!(self, Self::Asked | Self::Escalated)
    }
}

impl From<Notice> for DeliveryKind {
    fn from(notice: Notice) -> Self {
        match notice {
            Notice::Asked => Self::Asked,
            Notice::Escalated => Self::Escalated,
            Notice::Reminder => Self::Reminder,
            Notice::Warning => Self::Warning,
        }
    }
}

/// To whom a message goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// Somebody with an account; where exactly is looked up when it is sent.
    User(UserId),
    /// Somebody outside, by mail.
    Email(String),
    /// Somebody outside, by text message.
    Phone(String),
    /// The flow's webhook.
    Webhook,
    /// The agent's callback.
    Agent(AgentId),
}

impl Address {
    /// The word in the database.
    #[must_use]
    pub fn to_word(&self) -> String {
        match self {
            Self::User(id) => format!("user:{id}"),
            Self::Email(email) => format!("email:{email}"),
            Self::Phone(phone) => format!("phone:{phone}"),
            Self::Webhook => "webhook".to_owned(),
            Self::Agent(id) => format!("agent:{id}"),
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        if word == "webhook" {
            return Some(Self::Webhook);
        }
        let (kind, rest) = word.split_once(':')?;
        match kind {
            "user" => rest.parse().ok().map(Self::User),
            "email" => Some(Self::Email(rest.to_owned())),
            "phone" => Some(Self::Phone(rest.to_owned())),
            "agent" => rest.parse().ok().map(Self::Agent),
            _ => None,
        }
    }
}

impl Address {
    /// Whether it is of somebody without an account.
    #[must_use]
    pub const fn is_outside(&self) -> bool {
        matches!(self, Self::Email(_) | Self::Phone(_))
    }
}

impl DeliveryState {
    /// Whether an admin may have such a message told again: what was given up, and what asked somebody outside, whose link
    /// may be over or locked.
    #[must_use]
    pub const fn may_repeat(self, kind: DeliveryKind, to: &Address) -> bool {
        match self {
            Self::Dead => true,
            Self::Sent => kind.asks() && to.is_outside(),
            Self::Waiting | Self::Withdrawn | Self::Folded => false,
        }
    }
}

impl From<Recipient> for Address {
    fn from(recipient: Recipient) -> Self {
        match recipient {
            Recipient::User(id) => Self::User(id),
            Recipient::Email(email) => Self::Email(email),
            Recipient::Phone(phone) => Self::Phone(phone),
        }
    }
}

/// Which channels somebody takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Taken {
    /// Mail.
    pub email: bool,
    /// Text messages; they need a phone.
    pub sms: bool,
    /// Web Push, on every browser that was signed up for it.
    pub push: bool,
}

impl Default for Taken {
    fn default() -> Self {
        Self { email: true, sms: true, push: true }
    }
}

/// How somebody wants to be told. Over which channels a flow tells at all is the flow's to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Preferences {
    /// Their phone, as `+` and 7 to 15 digits (ITU-T E.164).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Which channels they take from flows that are not urgent.
    pub normal: Taken,
    /// Which channels they take from urgent ones.
    pub urgent: Taken,
    /// When they are told nothing that is not urgent; it is told when these hours end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// Whether many messages in a minute become one.
    pub digest: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { phone: None, normal: Taken::default(), urgent: Taken::default(), quiet_hours: None, digest: true }
    }
}

impl Preferences {
    /// Over which channels they are told by a flow.
    pub fn channels(&self, flow: Channels, urgent: bool) -> impl Iterator<Item = Channel> {
        let taken = if urgent { self.urgent } else { self.normal };
        let channels = [
            (Channel::Push, flow.push && taken.push),
            (Channel::Email, flow.email && taken.email),
            (Channel::Sms, flow.sms && taken.sms && self.phone.is_some()),
        ];
        channels.into_iter().filter(|(_, told)| *told).map(|(channel, _)| channel)
    }

    /// When they are told what is told now.
    #[must_use]
    pub fn told_at(&self, now: Timestamp, urgent: bool, offsets: &dyn Offsets) -> Timestamp {
        QuietHours::after(self.quiet_hours.as_ref().filter(|_| !urgent), now, offsets)
    }

    /// What is wrong with them, field by field.
    #[must_use]
    pub fn check(&self, offsets: &dyn Offsets) -> Vec<(&'static str, &'static str)> {
        let phone = self.phone.as_deref().is_none_or(is_phone);
        let quiet = self.quiet_hours.as_ref();
        let known = |quiet: &QuietHours| offsets.minutes(&quiet.time_zone, Timestamp::from_millis(0)).is_some();
        let problems = [
            (phone, ("phone", "a phone is `+`, the country and the number: 7 to 15 digits")),
            (
                quiet.is_none_or(|quiet| quiet.from != quiet.to),
                ("quiet_hours", "must not begin and end at the same time"),
            ),
            (quiet.is_none_or(known), ("quiet_hours.time_zone", "must be a time zone as in Europe/Zurich or UTC")),
        ];
        problems.into_iter().filter(|(holds, _)| !holds).map(|(_, problem)| problem).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn words_read_back() {
        for kind in DeliveryKind::ALL {
            assert_eq!(DeliveryKind::from_word(kind.word()), Some(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
        let id = Uuid::from_u128(7);
        let addresses = [
            Address::User(UserId(id)),
            Address::Email("a:b@acme.test".into()),
            Address::Phone("+41790000000".into()),
            Address::Webhook,
            Address::Agent(AgentId(id)),
        ];
        for address in addresses {
            assert_eq!(Address::from_word(&address.to_word()), Some(address));
        }
    }

    #[test]
    fn a_person_is_told_over_what_the_flow_offers_and_they_take() {
        let flow = Channels { email: true, sms: true, push: true, webhook: true };
        let mut person = Preferences { normal: Taken { email: false, ..Taken::default() }, ..Preferences::default() };
        let told = |person: &Preferences, urgent| person.channels(flow, urgent).collect::<Vec<_>>();
        assert_eq!(told(&person, false), [Channel::Push]);
        person.phone = Some("+41790000000".into());
        assert_eq!(told(&person, false), [Channel::Push, Channel::Sms]);
        assert_eq!(told(&person, true), [Channel::Push, Channel::Email, Channel::Sms]);
        assert_eq!(person.channels(Channels::default(), true).count(), 0);
    }
}
