//! The patches of `apply_patch`: files that are added, updated, moved and deleted, by lines that say what they are.
//!
//! Read strictly. What is not understood to its last line is no patch, and then stands there as the text that it is.

use super::diff::{Row, Text, drawn, gap};
use super::{FileChange, FileEdit};
use crate::card::Redactions;
use crate::card::draw::line_segments;

const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";
const END_OF_FILE: &str = "*** End of File";

/// The files of a patch, or nothing where it is none.
pub(super) fn files(text: &str, redact: Redactions) -> Option<Vec<FileEdit>> {
    let mut lines = text.trim_end_matches('\n').split('\n');
    if lines.next()? != BEGIN {
        return None;
    }
    let mut open: Option<Pending> = None;
    let mut files = Vec::new();
    for line in &mut lines {
        if line == END {
            files.extend(open.take().map(|file| file.close(redact)));
            return (lines.next().is_none() && !files.is_empty()).then_some(files);
        }
        match Pending::begun(line) {
            Some(next) => files.extend(open.replace(next).map(|file| file.close(redact))),
            None => open.as_mut()?.take(line)?,
        }
    }
    None
}

/// A file whose lines are still being read.
struct Pending {
    path: String,
    change: FileChange,
    moved_to: Option<String>,
    old: String,
    new: String,
    counts: (usize, usize),
    parts: Vec<Part>,
}

enum Part {
    Row(Row),
    Gap(String),
}

impl Pending {
    fn begun(line: &str) -> Option<Self> {
        let kinds = [
            ("*** Add File: ", FileChange::Write),
            ("*** Update File: ", FileChange::Edit),
            ("*** Delete File: ", FileChange::Delete),
        ];
        let (path, change) = kinds.iter().find_map(|(word, change)| Some((line.strip_prefix(word)?, *change)))?;
        let (path, parts) = (path.to_owned(), Vec::new());
        Some(Self { path, change, moved_to: None, old: String::new(), new: String::new(), counts: (0, 0), parts })
    }

    fn take(&mut self, line: &str) -> Option<()> {
        match self.change {
            FileChange::Write => self.added(line.strip_prefix('+')?),
            FileChange::Edit | FileChange::EditAll => self.hunk(line)?,
            FileChange::Delete => return None,
        }
        Some(())
    }

    fn hunk(&mut self, line: &str) -> Option<()> {
        if let Some(place) = line.strip_prefix("*** Move to: ") {
            let first = self.moved_to.is_none() && self.parts.is_empty();
            self.moved_to = Some(place.to_owned()).filter(|_| first);
            return self.moved_to.is_some().then_some(());
        }
        if line == END_OF_FILE {
            self.parts.push(Part::Gap("end of the file".to_owned()));
            return Some(());
        }
        if let Some(place) = line.strip_prefix("@@") {
            self.parts.push(Part::Gap(place.trim().to_owned()));
            return Some(());
        }
        match line.split_at_checked(1) {
            None | Some(("", _)) => self.same(""),
            Some((" ", rest)) => self.same(rest),
            Some(("+", rest)) => self.added(rest),
            Some(("-", rest)) => self.removed(rest),
            Some(_) => return None,
        }
        Some(())
    }

    fn same(&mut self, line: &str) {
        self.parts.push(Part::Row(Row::Same(self.counts.0, self.counts.1)));
        push(&mut self.old, &mut self.counts.0, line);
        push(&mut self.new, &mut self.counts.1, line);
    }

    fn added(&mut self, line: &str) {
        self.parts.push(Part::Row(Row::Added(self.counts.1)));
        push(&mut self.new, &mut self.counts.1, line);
    }

    fn removed(&mut self, line: &str) {
        self.parts.push(Part::Row(Row::Removed(self.counts.0)));
        push(&mut self.old, &mut self.counts.0, line);
    }

    fn close(self, redact: Redactions) -> FileEdit {
        let (old, new) = (Text::new(&self.old, redact), Text::new(&self.new, redact));
        let lines = self.parts.into_iter().flat_map(|part| match part {
            Part::Row(row) => drawn(&old, &new, &[row]),
            Part::Gap(place) => vec![gap(&place)],
        });
        FileEdit {
            path: line_segments(&self.path),
            change: self.change,
            moved_to: self.moved_to.as_deref().map(line_segments),
            lines: lines.collect(),
        }
    }
}

fn push(text: &mut String, count: &mut usize, line: &str) {
    text.push_str(line);
    text.push('\n');
    *count += 1;
}
