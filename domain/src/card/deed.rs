//! What a coding agent would do itself, read out of the arguments that it asked with: a command, or changes to files.
//!
//! It stands above the arguments, never instead of them: the tree below it still shows every byte.

#[cfg(feature = "eval")]
mod diff;
#[cfg(feature = "eval")]
mod patch;
#[cfg(feature = "eval")]
mod shape;

#[cfg(feature = "eval")]
pub use shape::deed;

use super::Segment;
use serde::{Deserialize, Serialize};

/// A command, a script, or changes to files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Deed {
    /// One program with its arguments: no shell would make anything else of it.
    Command {
        /// The program.
        program: Vec<Segment>,
        /// Its arguments, one by one.
        arguments: Vec<Vec<Segment>>,
        /// Where it would run, where that is said.
        folder: Option<Vec<Segment>>,
    },
    /// What a shell would read: several commands, or one with variables, pipes or patterns.
    Script {
        /// All of it.
        text: Vec<Segment>,
        /// Where it would run, where that is said.
        folder: Option<Vec<Segment>>,
    },
    /// Changes to files.
    Edits {
        /// Which, in the order in which they would be made.
        files: Vec<FileEdit>,
    },
}

/// What would become of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEdit {
    /// The file.
    pub path: Vec<Segment>,
    /// What would be done to it.
    pub change: FileChange,
    /// Its new place, where it would be moved.
    pub moved_to: Option<Vec<Segment>>,
    /// The lines, as a unified diff has them. Of a file that is written whole or deleted what stood there is not known.
    pub lines: Vec<DiffLine>,
}

/// What would be done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileChange {
    /// A part is replaced, where it stands.
    Edit,
    /// A part is replaced, wherever it stands.
    EditAll,
    /// The file is made or replaced: this is all of it.
    Write,
    /// The file is deleted.
    Delete,
}

/// A line of a diff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    /// Whether it comes, goes or stays.
    pub sign: DiffSign,
    /// The line, without its end.
    pub text: Vec<Segment>,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffSign {
    /// It stays.
    Same,
    /// It comes.
    Added,
    /// It goes.
    Removed,
    /// Lines that are not named stand here; the text says where in the file this is.
    Gap,
}
