//! Takes a credential out of what an upstream sends back: an upstream that echoes its request, or prints its
//! environment, must not hand the secret to the agent.

use super::Credential;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_domain::connector::CredentialPlacement;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

const INSTEAD: &str = "[credential removed]";

/// A shorter secret would turn up in ordinary text by chance.
const SHORTEST: usize = 8;

/// The spellings of secrets that must not come back.
#[derive(Default)]
pub(super) struct Scrubber {
    spellings: Vec<Zeroizing<String>>,
}

impl Scrubber {
    /// For a credential that is put into a request.
    pub(super) fn of_credential(credential: Option<&Credential>) -> Self {
        let mut scrubber = Self::default();
        let Some(credential) = credential else { return scrubber };
        let secret = credential.secret.expose_secret();
        scrubber.add(secret);
        match credential.placement {
            CredentialPlacement::Basic => {
                scrubber.add(&STANDARD.encode(secret));
                if let Some((_, password)) = secret.split_once(':') {
                    scrubber.add(password);
                }
            }
            CredentialPlacement::Query => {
                scrubber.add(&url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>());
            }
            CredentialPlacement::Bearer | CredentialPlacement::Header => {}
        }
        scrubber
    }

    /// For an environment.
    pub(super) fn of_environment(env: &[(String, SecretString)]) -> Self {
        let mut scrubber = Self::default();
        for (_, secret) in env {
            scrubber.add(secret.expose_secret());
        }
        scrubber
    }

    fn add(&mut self, spelling: &str) {
        if spelling.len() >= SHORTEST && !self.spellings.iter().any(|known| known.as_str() == spelling) {
            self.spellings.push(Zeroizing::new(spelling.to_owned()));
        }
        // The longest first: one secret may be the beginning of another.
        self.spellings.sort_by_key(|known| std::cmp::Reverse(known.len()));
    }

    /// The text without secrets.
    pub(super) fn text(&self, mut text: String) -> String {
        for spelling in &self.spellings {
            if text.contains(spelling.as_str()) {
                text = text.replace(spelling.as_str(), INSTEAD);
            }
        }
        text
    }

    /// Bytes without secrets.
    pub(super) fn bytes(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        for spelling in &self.spellings {
            bytes = without(&bytes, spelling.as_bytes());
        }
        bytes
    }

    /// The beginning of an answer that was cut, without the beginning of a secret that the cut went through: whoever
    /// chooses where the cut falls could read all of the secret but its last character.
    pub(super) fn cut(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        bytes.truncate(self.whole(&bytes));
        bytes
    }

    /// How many bytes stand before the beginning of a secret that they end with.
    pub(super) fn whole(&self, bytes: &[u8]) -> usize {
        let cut = |secret: &[u8]| (1..secret.len()).rev().find(|&many| bytes.ends_with(&secret[..many]));
        let longest = self.spellings.iter().filter_map(|spelling| cut(spelling.as_bytes())).max();
        bytes.len() - longest.unwrap_or(0)
    }

    /// The value without secrets, in names as well as in texts.
    pub(super) fn value(&self, value: Value) -> Value {
        match value {
            _ if self.spellings.is_empty() => value,
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(entries) => {
                entries.into_iter().map(|(key, value)| (self.text(key), self.value(value))).collect()
            }
            plain => plain,
        }
    }
}

/// In one pass, which goes on behind each replacement: a secret may be part of it.
fn without(bytes: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(secret) {
            kept.extend_from_slice(INSTEAD.as_bytes());
            rest = after;
        } else {
            kept.push(rest[0]);
            rest = &rest[1..];
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scrubber(placement: CredentialPlacement, secret: &str) -> Scrubber {
        Scrubber::of_credential(Some(&Credential { placement, name: None, secret: secret.into() }))
    }

    #[test]
    fn an_echoed_secret_is_removed_wherever_it_stands() {
        let scrub = scrubber(CredentialPlacement::Bearer, "sk_live_12345");
        let echoed =
            json!({"headers": {"Authorization": "Bearer sk_live_12345"}, "sk_live_12345": [1, "x sk_live_12345"]});
        let said = scrub.value(echoed).to_string();
        assert!(!said.contains("sk_live"), "{said}");
    }

    #[test]
    fn every_spelling_that_was_sent_is_removed() {
        let scrub = scrubber(CredentialPlacement::Basic, "user:pass word&1");
        let sent = STANDARD.encode("user:pass word&1");
        assert_eq!(scrub.text(format!("{sent} pass word&1")), format!("{INSTEAD} {INSTEAD}"));
        let scrub = scrubber(CredentialPlacement::Query, "pass word&1");
        assert_eq!(scrub.text("?key=pass+word%261".to_owned()), format!("?key={INSTEAD}"));
    }

    #[test]
    fn the_beginning_of_a_secret_at_a_cut_is_removed() {
        let scrub = scrubber(CredentialPlacement::Bearer, "sk_live_12345");
        for (said, left) in
            [("x sk_live_1234", "x "), ("x s", "x "), ("x sk_live_12345 s", "x sk_live_12345 "), ("x", "x")]
        {
            assert_eq!(scrub.cut(said.into()), left.as_bytes(), "{said}");
        }
    }

    #[test]
    fn a_secret_among_bytes_that_are_no_text_is_removed() {
        let scrub = scrubber(CredentialPlacement::Bearer, "sk_live_12345");
        let said = scrub.bytes([b"\xff sk_live_12345 ", &b"sk_live_12345\x00"[..]].concat());
        assert_eq!(said, [b"\xff ", INSTEAD.as_bytes(), b" ", INSTEAD.as_bytes(), b"\0"].concat());
    }

    #[test]
    fn a_secret_that_stands_in_its_own_replacement_is_removed_once() {
        let scrub = scrubber(CredentialPlacement::Bearer, "credential");
        let said = scrub.bytes(b"\xff credential".to_vec());
        assert_eq!(said, [b"\xff ", INSTEAD.as_bytes()].concat());
    }

    #[test]
    fn a_short_secret_mangles_nothing() {
        assert_eq!(scrubber(CredentialPlacement::Header, "ok").text("a book".to_owned()), "a book");
    }
}
