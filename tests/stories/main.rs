//! The stories: what the product does on real input, told from outside.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story fails by panicking")]

mod browser;
mod crashes;
mod given;
mod invariants;
mod main_job;
mod mcp_upstreams;
mod refusals;
