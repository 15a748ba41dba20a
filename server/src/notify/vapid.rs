//! The desk's key for Web Push (RFC 8292, VAPID): push services know the desk by it, and a browser that was signed up
//! with it takes nobody else's messages.

use super::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::zeroize::Zeroizing;
use serde::Serialize;
use std::time::Duration;
use url::Url;
use web_push_native::p256::SecretKey;
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint as _;
use web_push_native::p256::pkcs8::EncodePrivateKey as _;

/// How long a signature is good. At most 24 hours are allowed (RFC 8292, section 2), and clocks differ.
const LIFE: Duration = Duration::from_secs(12 * 60 * 60);

/// A P-256 key pair. Cheap enough to clone; `Debug` shows the public half.
#[derive(Clone)]
pub struct VapidKey {
    signer: EncodingKey,
    public: String,
}

impl std::fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("VapidKey").field(&self.public).finish()
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: String,
    exp: i64,
    sub: &'a str,
}

impl VapidKey {
    /// A new private key, as 32 bytes to be sealed.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn draw() -> Result<Zeroizing<[u8; 32]>, getrandom::Error> {
        loop {
            let mut bytes = Zeroizing::new([0; 32]);
            getrandom::fill(bytes.as_mut_slice())?;
            // Of 2^32 draws about one is above the group's order.
            if SecretKey::from_slice(bytes.as_slice()).is_ok() {
                return Ok(bytes);
            }
        }
    }

    /// The key pair of a private key; none where the bytes are none.
    #[must_use]
    pub fn of(private: &[u8]) -> Option<Self> {
        let secret = SecretKey::from_slice(private).ok()?;
        let public = URL_SAFE_NO_PAD.encode(secret.public_key().to_encoded_point(false));
        let der = secret.to_pkcs8_der().ok()?;
        Some(Self { signer: EncodingKey::from_ec_der(der.as_bytes()), public })
    }

    /// The public key as browsers and push services take it: the uncompressed point, base64url.
    #[must_use]
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The `Authorization` for a push service (RFC 8292, section 3).
    pub(super) fn authorization(&self, endpoint: &Url, subject: &str, now: Timestamp) -> Result<String, Failure> {
        let claims =
            Claims { aud: endpoint.origin().ascii_serialization(), exp: (now + LIFE).millis() / 1_000, sub: subject };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.signer)
            .map_err(|_| Failure::later("The message could not be signed."))?;
        Ok(format!("vapid t={token}, k={}", self.public))
    }
}
