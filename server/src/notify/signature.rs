//! Signatures of webhooks (Standard Webhooks 1.0, "Webhook signatures"): symmetric, HMAC-SHA256.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_domain::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

const PREFIX: &str = "whsec_";
/// How many bytes a secret may have.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// How many bytes a secret of ours has.
const OURS: usize = 32;

/// A text that is no secret.
#[derive(Debug, thiserror::Error)]
#[error("is no webhook secret: `whsec_` and the base64 of 24 to 64 random bytes")]
pub(crate) struct NoSecret;

/// What webhooks are signed with.
pub(crate) struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// Out of its text.
    pub(crate) fn read(secret: &SecretString) -> Result<Self, NoSecret> {
        let encoded = secret.expose_secret().trim().strip_prefix(PREFIX).ok_or(NoSecret)?;
        let key = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| NoSecret)?);
        if !BYTES.contains(&key.len()) {
            return Err(NoSecret);
        }
        Hmac::new_from_slice(&key).map(Self).map_err(|_| NoSecret)
    }

    /// A fresh one, as text.
    pub(crate) fn fresh() -> Result<SecretString, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; OURS]);
        getrandom::fill(&mut *bytes)?;
        Ok(format!("{PREFIX}{}", STANDARD.encode(*bytes)).into())
    }

    /// The value of `webhook-signature`.
    pub(super) fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(format!("{id}.{}.", seconds(at)).as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// The value of `webhook-timestamp`.
pub(super) const fn seconds(at: Timestamp) -> i64 {
    at.millis().div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_reference_library_does() {
        let secret = SigningKey::fresh().unwrap();
        let theirs = standardwebhooks::Webhook::new(secret.expose_secret()).unwrap();
        let at = Timestamp::from_millis(1_795_430_400_999);
        let ours = SigningKey::read(&secret).unwrap().sign("msg_1", at, br#"{"a":"b"}"#);
        assert_eq!(ours, theirs.sign("msg_1", 1_795_430_400, br#"{"a":"b"}"#).unwrap());
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let short = format!("whsec_{}", STANDARD.encode([1; 23]));
        let long = format!("whsec_{}", STANDARD.encode([1; 65]));
        for text in ["", "whsec_", "whsec_???", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &short, &long] {
            assert!(SigningKey::read(&text.into()).is_err(), "{text}");
        }
    }
}
