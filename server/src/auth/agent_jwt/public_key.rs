//! Reads the public key that an agent registers, and fixes by it how the agent's tokens are signed.
//!
//! Takes one form only: PEM with a SubjectPublicKeyInfo (RFC 7468 section 13, RFC 5280 section 4.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey};

/// A registered key of more text than this is none.
const LONGEST_PEM: usize = 16 * 1024;

const SMALLEST_RSA: usize = 2048;
/// What the crate verifies with; more buys nothing and costs every call.
const LARGEST_RSA: usize = 4096;

/// How an agent's tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// RSA PKCS #1 v1.5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl KeyAlgorithm {
    /// The word in a token's `alg` (RFC 7518 section 3.1, RFC 8037).
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(super) const fn jwt(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Es256 => Algorithm::ES256,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }
}

/// Why a text is no key that an agent may register. No sentence repeats any of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtKeyError {
    /// There is a private key in it.
    #[error(
        "this is a private key: keep it with the agent, treat it as known to others now, and register the public key \
         of a new one (openssl pkey -in key.pem -pubout)"
    )]
    Private,
    /// A certificate.
    #[error("this is a certificate: register its public key (openssl x509 -in cert.pem -pubkey -noout)")]
    Certificate,
    /// Another kind of PEM, or none.
    #[error("a public key is PEM text that begins with -----BEGIN PUBLIC KEY-----")]
    NotPem,
    /// The PEM's inside isn't a public key.
    #[error("the public key can't be read: it is damaged or of a kind that the desk doesn't know")]
    Damaged,
    /// Another algorithm or curve.
    #[error("the public key must be RSA (2048 to 4096 bits), P-256 or Ed25519")]
    Unsupported,
    /// RSA, but too small or too large.
    #[error("an RSA key must have 2048 to 4096 bits; this one has {0}")]
    RsaSize(usize),
}

/// An agent's registered public key.
#[derive(Clone, Debug)]
pub struct AgentPublicKey {
    algorithm: KeyAlgorithm,
    key: DecodingKey,
}

impl AgentPublicKey {
    /// Reads PEM text.
    ///
    /// # Errors
    /// Says what it is instead, or what is wrong with it.
    pub fn read(pem: &str) -> Result<Self, JwtKeyError> {
        let info = subject_public_key_info(pem)?;
        let (algorithm, parameters, key) = split(&info).ok_or(JwtKeyError::Damaged)?;
        match (algorithm, parameters) {
            (oid::RSA, NULL | []) => Self::rsa(key),
            (oid::EC, oid::P256) => Self::checked(KeyAlgorithm::Es256, DecodingKey::from_ec_der(key)),
            // The crate would slice a shorter key out of bounds.
            (oid::ED25519, []) if key.len() == 32 => Self::checked(KeyAlgorithm::EdDsa, DecodingKey::from_ed_der(key)),
            (oid::ED25519, []) => Err(JwtKeyError::Damaged),
            _ => Err(JwtKeyError::Unsupported),
        }
    }

    /// How tokens that go with this key are signed.
    #[must_use]
    pub const fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    pub(super) const fn decoding_key(&self) -> &DecodingKey {
        &self.key
    }

    fn rsa(pkcs1: &[u8]) -> Result<Self, JwtKeyError> {
        // The size first: the crate refuses a large key without saying why.
        let (modulus, _) =
            expect(SEQUENCE, pkcs1).and_then(|(inside, _)| expect(INTEGER, inside)).ok_or(JwtKeyError::Damaged)?;
        let bits = bit_length(modulus);
        if !(SMALLEST_RSA..=LARGEST_RSA).contains(&bits) {
            return Err(JwtKeyError::RsaSize(bits));
        }
        (DEFAULT_PROVIDER.key_utils.rsa_pub_components_from_public_key)(pkcs1).map_err(|_| JwtKeyError::Damaged)?;
        Self::checked(KeyAlgorithm::Rs256, DecodingKey::from_rsa_der(pkcs1))
    }

    /// Lets the crate read the key once, so that one it can't use is refused now and not at the agent's first call.
    fn checked(algorithm: KeyAlgorithm, key: DecodingKey) -> Result<Self, JwtKeyError> {
        (DEFAULT_PROVIDER.verifier_factory)(&algorithm.jwt(), &key).map_err(|_| JwtKeyError::Damaged)?;
        Ok(Self { algorithm, key })
    }
}

/// The bytes between the one pair of `PUBLIC KEY` lines.
fn subject_public_key_info(pem: &str) -> Result<Vec<u8>, JwtKeyError> {
    // Before all else, and wherever it stands: openssl writes key pairs into one file.
    if pem.contains("PRIVATE KEY") {
        return Err(JwtKeyError::Private);
    }
    if pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err(JwtKeyError::Certificate);
    }
    let body = pem
        .trim()
        .strip_prefix("-----BEGIN PUBLIC KEY-----")
        .and_then(|rest| rest.strip_suffix("-----END PUBLIC KEY-----"))
        .filter(|_| pem.len() <= LONGEST_PEM)
        .ok_or(JwtKeyError::NotPem)?;
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).map_err(|_| JwtKeyError::Damaged)
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// The whole element: RSA's parameters are an explicit NULL.
const NULL: &[u8] = &[0x05, 0x00];

/// Object identifiers as DER writes them (RFC 8017 A.1, RFC 5480 2.1.1, RFC 8410 3).
mod oid {
    pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    pub(super) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    /// With tag and length, as it stands in an EC key's parameters.
    pub(super) const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    pub(super) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
}

/// `SEQUENCE { SEQUENCE { algorithm, parameters }, BIT STRING }`: the three, and nothing after.
fn split(info: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (info, []) = expect(SEQUENCE, info)? else { return None };
    let (identifier, rest) = expect(SEQUENCE, info)?;
    let (algorithm, parameters) = expect(OBJECT_IDENTIFIER, identifier)?;
    let (bits, []) = expect(BIT_STRING, rest)? else { return None };
    let (0, key) = bits.split_first().map(|(unused, key)| (*unused, key))? else { return None };
    Some((algorithm, parameters, key))
}

/// One DER element of this tag, and what follows it. Lengths of up to two bytes: keys aren't longer.
fn expect(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (length, rest) = match rest {
        [short, rest @ ..] if *short < 0x80 => (usize::from(*short), rest),
        [0x81, one, rest @ ..] if *one >= 0x80 => (usize::from(*one), rest),
        [0x82, high, low, rest @ ..] if *high > 0 => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length))?
}

/// How many bits a non-negative DER integer has.
fn bit_length(integer: &[u8]) -> usize {
    let significant = integer.iter().skip_while(|byte| **byte == 0);
    let first = significant.clone().next().map_or(0, |byte| byte.leading_zeros() as usize);
    significant.count() * 8 - first
}
