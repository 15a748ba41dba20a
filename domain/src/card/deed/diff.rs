//! Two texts as the lines of a unified diff. What is a secret in either of them stays hidden, over several lines too.

use super::{DiffLine, DiffSign};
use crate::card::draw::{Drawing, Lines};
use crate::card::{Redactions, Segment};
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::ops::Range;

/// More lines than these are not compared: all of the old ones go, all of the new ones come.
const COMPARED: usize = 4_000;

/// A text by its lines, with the parts of it that are not shown.
pub(super) struct Text<'a> {
    text: &'a str,
    lines: Vec<Range<usize>>,
    hidden: Vec<Range<usize>>,
}

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str, redact: Redactions) -> Self {
        let mut start = 0;
        let lines = text.split_inclusive('\n').map(|line| {
            let range = start..start + line.len();
            start = range.end;
            range
        });
        Self { text, lines: lines.collect(), hidden: redact.parts(text) }
    }

    fn line(&self, index: usize) -> &'a str {
        self.text.get(self.lines.get(index).cloned().unwrap_or_default()).unwrap_or_default()
    }

    /// The hidden parts of a line, counted from its start.
    fn hidden_in(&self, index: usize) -> Vec<Range<usize>> {
        let line = self.lines.get(index).cloned().unwrap_or_default();
        let within = |part: &Range<usize>| part.start.max(line.start)..part.end.min(line.end);
        let parts = self.hidden.iter().map(within).filter(|part| part.start < part.end);
        parts.map(|part| part.start - line.start..part.end - line.start).collect()
    }
}

/// A line by its place in the old text, in the new one, or in both.
#[derive(Clone, Copy)]
pub(super) enum Row {
    Same(usize, usize),
    Removed(usize),
    Added(usize),
}

/// How one text becomes the other.
pub(super) fn rows(old: &Text<'_>, new: &Text<'_>) -> Vec<Row> {
    let (before, after) = (old.lines.len(), new.lines.len());
    if before + after > COMPARED {
        return (0..before).map(Row::Removed).chain((0..after).map(Row::Added)).collect();
    }
    let lines = |text: &Text<'_>| (0..text.lines.len()).map(|at| text.line(at).to_owned()).collect::<Vec<_>>();
    let steps = capture_diff_slices(Algorithm::Myers, &lines(old), &lines(new));
    let rows = steps.into_iter().flat_map(|step| match step {
        DiffOp::Equal { old_index, new_index, len } => {
            (0..len).map(|at| Row::Same(old_index + at, new_index + at)).collect::<Vec<_>>()
        }
        _ => step.old_range().map(Row::Removed).chain(step.new_range().map(Row::Added)).collect(),
    });
    rows.collect()
}

/// Draws the rows.
pub(super) fn drawn(old: &Text<'_>, new: &Text<'_>, rows: &[Row]) -> Vec<DiffLine> {
    let draw = |row: &Row| match *row {
        Row::Same(before, after) => {
            let mut hidden = old.hidden_in(before);
            hidden.extend(new.hidden_in(after));
            DiffLine { sign: DiffSign::Same, text: line(new.line(after), hidden) }
        }
        Row::Removed(at) => DiffLine { sign: DiffSign::Removed, text: line(old.line(at), old.hidden_in(at)) },
        Row::Added(at) => DiffLine { sign: DiffSign::Added, text: line(new.line(at), new.hidden_in(at)) },
    };
    rows.iter().map(draw).collect()
}

fn line(text: &str, mut hidden: Vec<Range<usize>>) -> Vec<Segment> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    hidden.sort_by_key(|part| part.start);
    let mut drawing = Drawing::default();
    let mut at = 0;
    for part in hidden {
        let (start, end) = (part.start.max(at), part.end.min(text.len()));
        if start < end {
            drawing.text(&text[at..start], Lines::Many);
            drawing.redacted(&text[start..end]);
            at = end;
        }
    }
    drawing.text(&text[at..], Lines::Many);
    drawing.finish()
}

/// The place in a file, or nothing, between two changes.
pub(super) fn gap(place: &str) -> DiffLine {
    DiffLine { sign: DiffSign::Gap, text: line(place, Vec::new()) }
}
