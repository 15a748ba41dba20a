//! Samples, their quantiles, and the table that is printed.

use std::fmt::Write as _;
use std::time::Duration;

/// Times of many runs of one thing.
pub(crate) struct Sample(Vec<Duration>);

impl Sample {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The time that this share of the runs did not exceed, `share` being 0 to 1.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let index = ((self.0.len() as f64 * share).ceil() as usize).clamp(1, self.0.len()) - 1;
        self.0[index]
    }

    /// `p50 0.41 ms, p99 1.20 ms`.
    pub(crate) fn words(&self) -> String {
        format!("p50 {}, p99 {}", time(self.quantile(0.5)), time(self.quantile(0.99)))
    }
}

/// A line of the table.
pub(crate) struct Line {
    what: String,
    figure: String,
    budget: Option<(String, bool)>,
}

impl Line {
    /// A figure that has no budget of its own: it explains the others.
    pub(crate) fn plain(what: impl Into<String>, figure: impl Into<String>) -> Self {
        Self { what: what.into(), figure: figure.into(), budget: None }
    }

    /// A figure beside its budget.
    pub(crate) fn budgeted(
        what: impl Into<String>,
        figure: impl Into<String>,
        budget: impl Into<String>,
        within: bool,
    ) -> Self {
        Self { what: what.into(), figure: figure.into(), budget: Some((budget.into(), within)) }
    }

    /// A time beside the most that it may be.
    pub(crate) fn at_most(what: impl Into<String>, figure: Duration, most: Duration) -> Self {
        Self::budgeted(what, time(figure), format!("<= {}", time(most)), figure <= most)
    }

    pub(crate) fn misses(&self) -> bool {
        self.budget.as_ref().is_some_and(|(_, within)| !within)
    }
}

/// A time in the unit that suits it.
pub(crate) fn time(time: Duration) -> String {
    match time.as_nanos() {
        0..1_000 => format!("{} ns", time.as_nanos()),
        1_000..100_000 => format!("{:.1} us", time.as_secs_f64() * 1e6),
        100_000..1_000_000_000 => format!("{:.2} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}

/// A size in the unit that suits it.
#[expect(clippy::cast_precision_loss)]
pub(crate) fn kib(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.1} KiB", bytes as f64 / 1_024.0),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// The lines as a Markdown table.
pub(crate) fn table(lines: &[Line]) -> String {
    let mut table = String::from("| what | measured | budget | |\n|---|---|---|---|\n");
    for line in lines {
        let (budget, within) = match &line.budget {
            None => ("", ""),
            Some((budget, true)) => (budget.as_str(), "within"),
            Some((budget, false)) => (budget.as_str(), "**over**"),
        };
        let _ = writeln!(table, "| {} | {} | {budget} | {within} |", line.what, line.figure);
    }
    table
}
