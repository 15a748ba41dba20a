//! What is wrong with a desk file, and where.

use std::cell::RefCell;
use std::fmt;

/// A position in the file. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Mark {
    pub(super) const START: Self = Self { line: 1, column: 1 };
}

/// One thing that is wrong with a desk file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Of what, such as `connectors[0].tools[2].name`; empty when it is about the whole file.
    pub path: String,
    /// What is wrong, as a sentence that goes on from the path. It never repeats a secret.
    pub message: String,
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Where something stands in the file, kept for what can only be checked later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) mark: Mark,
    pub(super) path: String,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marked<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// Everything that was found wrong so far. Shared by all that reads, so that nothing stops at the first mistake.
#[derive(Debug, Default)]
pub(super) struct Problems(RefCell<Vec<FileProblem>>);

impl Problems {
    pub(super) fn add(&self, mark: Mark, path: impl Into<String>, message: impl Into<String>) {
        let problem = FileProblem { line: mark.line, column: mark.column, path: path.into(), message: message.into() };
        self.0.borrow_mut().push(problem);
    }

    pub(super) fn at(&self, place: &Place, message: impl Into<String>) {
        self.add(place.mark, place.path.clone(), message);
    }

    /// All of them, in the file's order.
    pub(super) fn into_sorted(self) -> Vec<FileProblem> {
        let mut problems = self.0.into_inner();
        problems.sort_by(|a, b| (a.line, a.column, &a.path).cmp(&(b.line, b.column, &b.path)));
        problems.dedup();
        problems
    }
}

impl From<Vec<FileProblem>> for Problems {
    fn from(problems: Vec<FileProblem>) -> Self {
        Self(RefCell::new(problems))
    }
}
