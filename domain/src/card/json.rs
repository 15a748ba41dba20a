//! Reads canonical JSON (RFC 8785) into a tree that keeps every token as it was written, so that the card can show
//! the very bytes. A general JSON reader would reformat numbers and lose the order of keys.

use super::CardError;

/// Deeper than anything the desk takes in (`serde_json` stops at 128).
const MAX_DEPTH: usize = 128;

/// A value with its text. Concatenated with the punctuation between, the tokens give the bytes back.
#[derive(Debug)]
pub(super) enum Node<'a> {
    Object(Vec<(Text<'a>, Node<'a>)>),
    List(Vec<Node<'a>>),
    Text(Text<'a>),
    Number(&'a str),
    Bool(bool),
    Null,
}

/// A string: as it is written, quotes included, and what it means.
#[derive(Debug)]
pub(super) struct Text<'a> {
    pub(super) raw: &'a str,
    pub(super) value: String,
}

pub(super) fn read(bytes: &[u8]) -> Result<Node<'_>, CardError> {
    let text = std::str::from_utf8(bytes).map_err(|error| CardError::NotCanonical(error.valid_up_to()))?;
    let mut reader = Reader { text, at: 0 };
    let node = reader.value(0)?;
    if reader.at == text.len() { Ok(node) } else { Err(reader.refuse()) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    const fn refuse(&self) -> CardError {
        CardError::NotCanonical(self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(token.as_bytes()));
        if found {
            self.at += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str) -> Result<(), CardError> {
        if self.take(token) { Ok(()) } else { Err(self.refuse()) }
    }

    fn value(&mut self, depth: usize) -> Result<Node<'a>, CardError> {
        if depth > MAX_DEPTH {
            return Err(CardError::TooDeep);
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Node::Text),
            Some(b't') => self.expect("true").map(|()| Node::Bool(true)),
            Some(b'f') => self.expect("false").map(|()| Node::Bool(false)),
            Some(b'n') => self.expect("null").map(|()| Node::Null),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Node<'a>, CardError> {
        self.expect("{")?;
        let mut entries = Vec::new();
        if self.take("}") {
            return Ok(Node::Object(entries));
        }
        loop {
            let key = self.string()?;
            self.expect(":")?;
            entries.push((key, self.value(depth + 1)?));
            if self.take("}") {
                return Ok(Node::Object(entries));
            }
            self.expect(",")?;
        }
    }

    fn list(&mut self, depth: usize) -> Result<Node<'a>, CardError> {
        self.expect("[")?;
        let mut items = Vec::new();
        if self.take("]") {
            return Ok(Node::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take("]") {
                return Ok(Node::List(items));
            }
            self.expect(",")?;
        }
    }

    fn string(&mut self) -> Result<Text<'a>, CardError> {
        let start = self.at;
        self.expect("\"")?;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
                None => return Err(CardError::NotCanonical(start)),
            }
        }
        self.at += 1;
        let raw = self.text.get(start..self.at).ok_or(CardError::NotCanonical(start))?;
        let value = serde_json::from_str(raw).map_err(|_| CardError::NotCanonical(start))?;
        Ok(Text { raw, value })
    }

    fn number(&mut self) -> Result<Node<'a>, CardError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.at += 1;
        }
        let raw = self.text.get(start..self.at).unwrap_or_default();
        match serde_json::from_str::<serde_json::Number>(raw) {
            Ok(_) => Ok(Node::Number(raw)),
            Err(_) => Err(CardError::NotCanonical(start)),
        }
    }
}
