//! Fresh keys and tokens, and the hash under which they are stored.
//!
//! Not for people's passwords: there are none here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::agent::KEY_PREFIX;
use countersign_domain::outside::CODE_DIGITS;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// How many random bytes stand behind every key, token and nonce.
const RANDOM_BYTES: usize = 32;

/// How many characters of a key people may see again, to tell their keys apart.
const HINT_LENGTH: usize = 8;

/// How many codes there are.
const CODES: u32 = 10_u32.pow(CODE_DIGITS as u32);

/// The operating system has no randomness to give; nothing that needs a secret can go on.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct NoRandomness(#[from] getrandom::Error);

/// A new API key for an agent: `csk_` and 43 base64url characters.
///
/// # Errors
/// When the operating system gives no random bytes.
pub fn new_api_key() -> Result<SecretString, NoRandomness> {
    Ok(format!("{KEY_PREFIX}{}", nonce()?).into())
}

/// A new token for a session, a link or a ticket: 43 base64url characters.
///
/// # Errors
/// When the operating system gives no random bytes.
pub fn new_token() -> Result<SecretString, NoRandomness> {
    Ok(nonce()?.into())
}

/// A code to be typed: six digits, each as likely as any other.
///
/// # Errors
/// When the operating system gives no random bytes.
pub fn new_code() -> Result<SecretString, NoRandomness> {
    loop {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes)?;
        let number = u32::from_be_bytes(bytes);
        // The beginning of another million, which is not whole, would make some codes likelier.
        if number < u32::MAX - u32::MAX % CODES {
            return Ok(format!("{:0width$}", number % CODES, width = CODE_DIGITS).into());
        }
    }
}

/// What the database knows of a code. A million codes are soon hashed one by one, so it is hashed together with its
/// link's token, of which the database knows only the hash.
#[must_use]
pub fn code_hash(token: &str, code: &str) -> TokenHash {
    hash(&format!("{token}:{code}"))
}

/// 43 base64url characters that never come twice and need not be hidden.
///
/// # Errors
/// When the operating system gives no random bytes.
pub fn nonce() -> Result<String, NoRandomness> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The beginning of a key, such as `csk_Ab3d…`: 24 of its 256 bits, enough to recognise it and nothing to guess from.
#[must_use]
pub fn key_hint(key: &SecretString) -> String {
    let beginning: String = key.expose_secret().chars().take(HINT_LENGTH).collect();
    format!("{beginning}…")
}

/// What the database knows of a key or token.
///
/// A plain SHA-256 is enough, and fast enough for every call: the token carries 256 random bits, so there is nothing
/// that a slow hash would keep anyone from guessing. For the same reason looking it up by equality tells nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

/// The hash of a key or token.
#[must_use]
pub fn hash(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token.as_bytes()).into())
}

impl TokenHash {
    /// 64 hex digits, as stored.
    #[must_use]
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    /// From 64 hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok().map(|()| Self(bytes))
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_domain::agent::is_api_key;

    #[test]
    fn a_new_key_has_the_shape_that_the_domain_names() {
        assert!(is_api_key(new_api_key().unwrap().expose_secret()));
    }

    #[test]
    fn a_code_has_the_shape_that_the_domain_names_and_hashes_with_its_token() {
        let code = new_code().unwrap();
        assert!(countersign_domain::outside::is_code(code.expose_secret()));
        assert_ne!(code_hash("one", code.expose_secret()), code_hash("other", code.expose_secret()));
    }

    #[test]
    fn no_two_tokens_are_alike() {
        let token = new_token().unwrap();
        assert_eq!(token.expose_secret().len(), 43);
        assert_ne!(token.expose_secret(), new_token().unwrap().expose_secret());
    }

    #[test]
    fn the_hash_is_sha_256_of_the_text_and_survives_the_database() {
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash("abc").to_hex(), known);
        assert_eq!(TokenHash::from_hex(known), Some(hash("abc")));
        assert_eq!(TokenHash::from_hex("ba78"), None);
    }

    #[test]
    fn a_hint_shows_eight_characters_and_no_more() {
        let key = SecretString::from(format!("csk_Ab3d{}", "x".repeat(39)));
        assert_eq!(key_hint(&key), "csk_Ab3d…");
    }
}
