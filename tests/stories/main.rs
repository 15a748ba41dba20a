//! The stories: what the product does on real input, told from outside.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story fails by panicking")]

mod acting_for;
mod ask;
mod between;
mod browser;
mod by_session;
mod changing_tools;
mod claims;
mod commands;
mod configuration;
mod cookies;
mod crashes;
mod crashes_decided;
mod demo;
mod desk_as_code;
mod dry_runs;
mod faults_apply;
mod faults_bodies;
mod faults_decisions;
mod faults_mcp;
mod faults_paths;
mod faults_process;
mod faults_tokens;
mod faults_upstream;
mod freshness;
mod gate;
mod given;
mod gone;
mod held_calls;
mod house;
mod invariants;
mod keys;
mod main_job;
mod mcp_upstreams;
mod paging;
mod passkeys;
mod pruning;
mod races;
mod read_only;
mod record;
mod refusals;
mod repeats;
mod sight;
mod streams;
mod two_approvers;
