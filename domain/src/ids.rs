//! One newtype per kind of id, so that a request's id can never stand where an agent's belongs.
//!
//! All are UUIDs (version 7 where we make them); fresh ones come from the server's one source, never from here.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta] $name:ident)*) => {$(
        #[$doc]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )*};
}

id! {
    /// This desk: one installation, from its first start on.
    DeskId
    /// A request, from creation to its one terminal state.
    RequestId
    /// A person with an account.
    UserId
    /// A program that asks.
    AgentId
    /// One of an agent's keys.
    KeyId
    /// A service that agents reach through the desk.
    ConnectorId
    /// A sealed secret that calls are made with.
    CredentialId
    /// A policy.
    PolicyId
    /// An approval flow.
    FlowId
    /// One approver's vote.
    DecisionId
    /// Leave for more calls, made by a decision.
    GrantId
    /// A browser's or shell's session.
    SessionId
    /// A passkey as the desk stores it (not the authenticator's credential id).
    PasskeyId
    /// A one-time link: setup, invitation, sign-in, or for somebody outside to decide by.
    LinkId
    /// A passkey ceremony that has begun.
    CeremonyId
    /// One message to one recipient over one channel.
    DeliveryId
    /// A browser that takes pushes.
    SubscriptionId
    /// One person standing in for another.
    DelegationId
}
