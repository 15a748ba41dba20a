//! The desk as code: a YAML file that names people, agents, connectors, flows and policies, and the desk made so.
//!
//! Reading finds every mistake at once, with its line. Applying is one transaction, all or nothing.

mod apply;
mod export;
mod fields;
mod near;
mod problem;
mod read;
#[cfg(test)]
mod tests;
mod tree;

pub use apply::{ApplyError, Change, Options, Report, apply};
pub use export::export;
pub use problem::FileProblem;
pub use read::DeskFile;
