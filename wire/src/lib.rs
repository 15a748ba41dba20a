//! What crosses the network: bodies of requests and answers, events, problem codes.
//!
//! Shapes only, on top of the domain's types. No logic, so that server, interface and shell cannot disagree.

pub mod agent;
pub mod agents;
pub mod app;
pub mod connectors;
pub mod deliveries;
pub mod events;
pub mod grants;
pub mod me;
pub mod outside;
pub mod people;
pub mod policies;
pub mod problem;
pub mod requests;
pub mod session;

use serde::{Deserialize, Serialize};

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to send as `after` for the next page; null at the end.
    pub next: Option<String>,
}
