//! What the stories are told with: a real desk, people with passkeys in software, agents, and upstreams that record.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that can't be set up has failed")]

mod browser;
mod clock;
mod desk;
mod person;
mod process;
mod upstream;

pub use browser::Browser;
pub use clock::HandClock;
pub use desk::{Agent, Answer, Desk, apply_to};
pub use person::Person;
pub use process::{Ended, Process, run};
pub use upstream::Upstream;
