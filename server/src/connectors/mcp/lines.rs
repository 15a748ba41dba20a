//! Lines of a child's output, bounded, so that a child without line breaks can't fill the memory.

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// Reads lines of at most `limit` bytes. Dropping [`Self::next`] half-way loses nothing: what was read waits here.
pub(super) struct Lines<R> {
    read: BufReader<R>,
    line: Vec<u8>,
    limit: usize,
    skipping: bool,
}

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// All of it.
    Whole(Vec<u8>),
    /// There was one beyond the limit; it is gone.
    TooLong,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(read: R, limit: usize) -> Self {
        Self { read: BufReader::new(read), line: Vec::new(), limit, skipping: false }
    }

    /// The next line; `None` when there will be no more.
    pub(super) async fn next(&mut self) -> Option<Line> {
        loop {
            let available = self.read.fill_buf().await.ok()?;
            if available.is_empty() {
                // A last line without an end is given too: a child's last words often lack one.
                let last = std::mem::take(&mut self.line);
                return (!last.is_empty()).then_some(Line::Whole(last));
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let content = &available[..end.unwrap_or(available.len())];
            let fits = !self.skipping && self.line.len() + content.len() <= self.limit;
            if fits {
                self.line.extend_from_slice(content);
            } else {
                self.line = Vec::new();
                self.skipping = true;
            }
            let used = content.len() + usize::from(end.is_some());
            self.read.consume(used);
            if end.is_some() {
                let line = std::mem::take(&mut self.line);
                return Some(if std::mem::take(&mut self.skipping) { Line::TooLong } else { Line::Whole(line) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &str, limit: usize) -> Vec<Line> {
        let mut lines = Lines::new(text.as_bytes(), limit);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await {
            all.push(line);
        }
        all
    }

    #[tokio::test]
    async fn a_line_over_the_limit_is_skipped_and_the_next_one_read() {
        let lines = read(&format!("one\n{}\ntwo\nlast", "x".repeat(50_000)), 8).await;
        let whole = |text: &str| Line::Whole(text.into());
        assert_eq!(lines, [whole("one"), Line::TooLong, whole("two"), whole("last")]);
    }

    #[tokio::test]
    async fn a_line_of_just_the_limit_is_read() {
        assert_eq!(read("12345678\n", 8).await, [Line::Whole(b"12345678".to_vec())]);
        assert_eq!(read("123456789\n", 8).await, [Line::TooLong]);
    }
}
