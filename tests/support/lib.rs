//! What the stories are told with: a real desk, people with passkeys in software, agents, and upstreams that record.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that can't be set up has failed")]

mod clock;
mod desk;
mod person;
mod upstream;

pub use clock::HandClock;
pub use desk::{Agent, Answer, Desk};
pub use person::Person;
pub use upstream::Upstream;
