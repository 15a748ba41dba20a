//! Server-sent events as they come in (HTML Living Standard, "Server-sent events", 9.2.6), of bounded size.

use super::message::LONGEST_MESSAGE;

/// Puts chunks together to events.
#[derive(Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: Vec<u8>,
    /// Whether the event is one of MCP's; it gives its messages no name or `message`.
    other: bool,
    after_return: bool,
}

/// An event is longer than any message may be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Events {
    /// The data of the events that this chunk completes.
    pub(super) fn take(&mut self, chunk: &[u8]) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut complete = Vec::new();
        for &byte in chunk {
            let follows_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if follows_return => {}
                b'\n' | b'\r' => complete.extend(self.end_line()),
                _ => self.line.push(byte),
            }
            if self.line.len() + self.data.len() > LONGEST_MESSAGE {
                return Err(TooLong);
            }
        }
        Ok(complete)
    }

    /// A blank line ends an event.
    fn end_line(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let (data, other) = (std::mem::take(&mut self.data), std::mem::take(&mut self.other));
            return (!other && !data.is_empty()).then_some(data);
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"data" => {
                if !self.data.is_empty() {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            // An empty name is none.
            b"event" => self.other = !matches!(value, b"" | b"message"),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(chunks: &[&str]) -> Vec<String> {
        let mut events = Events::default();
        let taken = chunks.iter().flat_map(|chunk| events.take(chunk.as_bytes()).unwrap());
        taken.map(|data| String::from_utf8(data).unwrap()).collect()
    }

    #[test]
    fn events_are_told_apart_wherever_the_chunks_end() {
        let stream =
            ": hello\nid: 1\ndata: {\"a\":\ndata:1}\n\nevent: message\r\ndata: two\r\n\r\nretry: 5\r\rdata: three\r\r";
        let expected = ["{\"a\":\n1}", "two", "three"];
        assert_eq!(all(&[stream]), expected);
        let bytes: Vec<_> = stream.split_inclusive(|_| true).collect();
        assert_eq!(all(&bytes), expected);
    }

    #[test]
    fn other_events_and_an_unended_one_are_not_given() {
        assert_eq!(all(&["event: ping\ndata: x\n\ndata: \n\ndata: cut"]), [""; 0]);
    }

    #[test]
    fn an_event_with_an_empty_name_is_a_message() {
        assert_eq!(all(&["event:\ndata: one\n\nevent: ping\nevent\ndata: two\n\n"]), ["one", "two"]);
    }

    #[test]
    fn an_event_without_an_end_is_refused() {
        let mut events = Events::default();
        assert_eq!(events.take(&vec![b'x'; LONGEST_MESSAGE + 1]), Err(TooLong));
    }
}
