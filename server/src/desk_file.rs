//! The desk as code: a YAML file that names people, agents, connectors, flows and policies, and the desk made so.
//!
//! Reading and checking find every mistake at once, with its line. Applying is one transaction, all or nothing.

mod apply;
mod export;
mod fields;
mod known;
mod near;
mod notes;
mod problem;
mod read;
#[cfg(test)]
mod tests;
mod tree;

pub use apply::{ApplyError, Change, Kept, Options, Report, apply};
pub use export::export;
pub use problem::FileProblem;
pub use read::DeskFile;
