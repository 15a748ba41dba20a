//! What Countersign *is*: request states, policies, flow steps, digests, and how a card is worded and escaped.
//!
//! Pure: no I/O, no clock, no SQL, no randomness. Time and fresh ids are parameters. Builds for wasm, so that the
//! interface draws with the same functions that the server decides with.

pub mod access;
pub mod agent;
mod calendar;
pub mod canonical;
pub mod card;
pub mod challenge;
pub mod connector;
pub mod delivery;
pub mod digest;
pub mod effect;
pub mod execution;
pub mod flow;
pub mod grant;
pub mod ids;
pub mod outside;
pub mod policy;
pub mod presence;
pub mod request;
pub mod time;
pub mod user;

pub use effect::Effect;
pub use time::Timestamp;
