//! Server-sent events out of bytes (WHATWG HTML, section 9.2), and how long to wait before trying again. Pure.

use std::time::Duration;

/// The longest line that is kept: our events are a few hundred bytes.
const LINE_LIMIT: usize = 64 * 1024;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Its name; empty where none is given.
    pub event: String,
    /// Its data.
    pub data: String,
}

/// Takes bytes in as they come.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    frame: Frame,
    last_id: Option<String>,
    after_return: bool,
}

impl Parser {
    /// The last event's number: where to go on.
    #[must_use]
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// The connection broke: what was begun is not gone on with.
    pub fn begin_again(&mut self) {
        *self = Self { last_id: self.last_id.take(), ..Self::default() };
    }

    /// The events that are complete with these bytes.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        for byte in bytes {
            let follows_return = std::mem::replace(&mut self.after_return, *byte == b'\r');
            match byte {
                b'\n' if follows_return => {}
                b'\n' | b'\r' => frames.extend(self.end_line()),
                _ if self.line.len() < LINE_LIMIT => self.line.push(*byte),
                _ => {}
            }
        }
        frames
    }

    fn end_line(&mut self) -> Option<Frame> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        if line.is_empty() {
            let frame = std::mem::take(&mut self.frame);
            return (!frame.data.is_empty())
                .then(|| Frame { data: frame.data.trim_end_matches('\n').to_owned(), ..frame });
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.frame.event),
            "data" => {
                self.frame.data.push_str(value);
                self.frame.data.push('\n');
            }
            "id" if !value.contains('\0') => self.last_id = Some(value.to_owned()),
            _ => {}
        }
        None
    }
}

/// The first wait.
const FIRST: Duration = Duration::from_millis(500);
/// The longest.
const LONGEST: Duration = Duration::from_secs(30);

/// How long to wait before the next try.
#[derive(Clone, Copy, Debug, Default)]
pub struct Patience {
    failures: u32,
}

impl Patience {
    /// It worked: the next failure is a first one again.
    pub const fn restore(&mut self) {
        self.failures = 0;
    }

    /// It failed: how long to wait. `jitter` is between 0 and 1, so that not everybody comes back at once.
    pub fn lose(&mut self, jitter: f64) -> Duration {
        let wait = FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        wait.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(event: &str, data: &str) -> Frame {
        Frame { event: event.into(), data: data.into() }
    }

    #[test]
    fn events_are_read_however_their_bytes_arrive() {
        let text = "id: 7\n\n: keep-alive\n\nid: 8\nevent: request.created\ndata: {\"a\":1}\n\nevent:x\r\ndata:one\r\ndata: two\r\n\r\n";
        let whole = Parser::default().take(text.as_bytes());
        assert_eq!(whole, [frame("request.created", "{\"a\":1}"), frame("x", "one\ntwo")]);
        let mut parser = Parser::default();
        let pieces: Vec<Frame> = text.as_bytes().iter().flat_map(|byte| parser.take(&[*byte])).collect();
        assert_eq!((pieces, parser.last_id()), (whole, Some("8")));
    }

    #[test]
    fn a_letter_that_is_cut_in_two_is_read_whole() {
        let mut parser = Parser::default();
        let bytes = "data: Zoë\n\n".as_bytes();
        assert!(parser.take(&bytes[..9]).is_empty());
        assert_eq!(parser.take(&bytes[9..]), [frame("", "Zoë")]);
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let mut parser = Parser::default();
        for _ in 0..100 {
            parser.take(&[b'x'; 4_096]);
        }
        assert!(parser.line.len() <= LINE_LIMIT);
        parser.take(b"\n");
        assert_eq!(parser.take(b"data: on\n\n"), [frame("", "on")]);
    }

    #[test]
    fn each_failure_waits_longer_up_to_a_limit_and_never_all_at_once() {
        let mut patience = Patience::default();
        let waits: Vec<u128> = (0..9).map(|_| patience.lose(1.0).as_millis()).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        assert_eq!(patience.lose(0.0).as_millis(), 15_000);
        patience.restore();
        assert_eq!(patience.lose(1.0).as_millis(), 500);
    }
}
