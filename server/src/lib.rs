//! Countersign's server: stores requests, runs approval flows, makes approved calls.
//!
//! [`serve`] is the whole of it; the binary, the desktop shell and the tests start the same thing.

pub mod audit;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connectors;
pub mod desk;
pub mod desk_file;
pub mod http;
mod listen;
pub mod mcp;
pub mod notify;
pub mod scheduler;
mod serve;
pub mod store;
pub mod vault;
mod zones;

pub use serve::{ServeError, Started, install_crypto, master_key_source, serve, start, start_with};
