//! The stories: what the product does on real input, told from outside.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story fails by panicking")]

mod access;
mod acting_for;
mod app_sign_in;
mod ask;
mod between;
mod browser;
mod buttons_in_a_browser;
mod by_session;
mod callbacks;
mod changing_tools;
mod claims;
mod clients;
mod clock_jumps;
mod commands;
mod configuration;
mod conformance;
mod cookies;
mod crashes;
mod crashes_decided;
mod demo;
mod desk_as_code;
#[cfg(target_os = "linux")]
mod desktop;
#[cfg(target_os = "linux")]
mod desktop_faults;
#[cfg(target_os = "linux")]
mod desktop_package;
#[cfg(target_os = "linux")]
mod desktop_tray;
#[cfg(target_os = "linux")]
mod desktop_windows;
#[cfg(target_os = "linux")]
mod desktop_words;
mod dry_runs;
mod faults_apply;
mod faults_bodies;
mod faults_decisions;
mod faults_mcp;
mod faults_paths;
mod faults_process;
mod faults_tokens;
mod faults_upstream;
mod flows;
mod flows_in_a_browser;
mod freshness;
mod gate;
mod given;
mod gone;
mod grants;
mod held_calls;
mod hook_settings;
mod hooks;
mod hooks_gone_wrong;
mod hooks_of_one_call;
mod hooks_stopped;
mod house;
mod invariants;
mod keys;
mod mail;
mod main_job;
mod many_approvers;
mod mcp_away;
mod mcp_door;
mod mcp_http_faults;
mod mcp_http_upstreams;
mod mcp_permission;
mod mcp_upstreams;
mod mcp_waits;
mod outside;
mod outside_in_a_browser;
mod paging;
mod passkeys;
mod pruning;
mod pushes;
mod pushes_in_a_browser;
mod races;
mod read_only;
mod record;
mod refusals;
mod repeats;
mod service_worker;
mod sight;
mod streams;
mod suspended;
mod texts;
mod told;
mod two_approvers;
mod webhooks;
mod week;
