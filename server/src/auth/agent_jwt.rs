//! JWTs that agents sign themselves (RFC 7519), and the public keys that agents register for them.
//!
//! Says whether a token holds now. Remembering its `jti`, and whether the agent may ask at all, is for the caller.

mod public_key;
#[cfg(test)]
mod tests;

pub use public_key::{AgentPublicKey, JwtKeyError, KeyAlgorithm};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::Timestamp;
use countersign_domain::ids::{AgentId, UserId};
use jsonwebtoken::errors::ErrorKind;
use serde::{Deserialize, Deserializer, de};
use std::collections::HashSet;
use std::time::Duration;

/// How long a token may be good for, from `iat` to `exp`.
pub const LONGEST_LIFE: Duration = Duration::from_secs(60);

/// How far an agent's clock may be off, either way.
pub const CLOCK_SKEW: Duration = Duration::from_secs(30);

/// A token longer than this isn't looked at.
const LONGEST_TOKEN: usize = 8 * 1024;

/// The longest `jti` that is remembered, in bytes.
const LONGEST_JTI: usize = 256;

/// The last second that RFC 3339 can write, 9999-12-31T23:59:59Z.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// What the token must say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The agent that the key was registered for.
    pub agent_id: AgentId,
    /// The user who owns it.
    pub owner_id: UserId,
    /// The desk's `public_url`.
    pub audience: String,
}

/// A token that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its id, where it has one: to be taken once, until [`Verified::replayable_until`].
    pub jti: Option<String>,
    /// Its `exp`.
    pub expires_at: Timestamp,
}

impl Verified {
    /// From when on nobody can use the token again, so that its `jti` may be forgotten.
    #[must_use]
    pub fn replayable_until(&self) -> Timestamp {
        self.expires_at + CLOCK_SKEW
    }
}

/// Why a token isn't taken. The sentences tell an agent's developer what to change, and nothing about other agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// Not three parts, not base64url, not JSON, claims missing or of the wrong type.
    #[error("the token is not a JWT with the claims agent_id, owner_id, iat and exp")]
    Malformed,
    /// Signed by another algorithm than the registered key's.
    #[error("the token must be signed with the algorithm of the agent's registered key")]
    WrongAlgorithm,
    /// The header asks for something that we don't know (RFC 7515, section 4.1.11).
    #[error("the token's header has a crit member; the desk understands none")]
    CriticalHeader,
    /// Another key's signature, or something was changed.
    #[error("the token's signature does not fit the agent's registered key")]
    BadSignature,
    /// `agent_id` isn't this agent.
    #[error("the token's agent_id is not the registered one")]
    WrongAgent,
    /// `owner_id` isn't its owner.
    #[error("the token's owner_id is not the registered one")]
    WrongOwner,
    /// `aud` names others only.
    #[error("the token's aud is not this desk's public URL")]
    WrongAudience,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `iat` or `nbf` lies ahead.
    #[error("the token is not valid yet; is the agent's clock right?")]
    NotYet,
    /// `exp` is more than a minute after `iat`, or not after it.
    #[error("the token must be good for more than 0 and at most 60 seconds, from iat to exp")]
    WrongLife,
    /// `jti` is empty or too long to remember.
    #[error("the token's jti must have 1 to 256 bytes")]
    WrongJti,
}

#[derive(Deserialize)]
struct Claims {
    agent_id: String,
    owner_id: String,
    iat: NumericDate,
    exp: NumericDate,
    nbf: Option<NumericDate>,
    aud: Option<Audience>,
    jti: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn names(&self, audience: &str) -> bool {
        // A URL's root is the same place with and without its slash.
        let is_ours = |one: &String| one.trim_end_matches('/') == audience.trim_end_matches('/');
        match self {
            Self::One(one) => is_ours(one),
            Self::Several(several) => several.iter().any(is_ours),
        }
    }
}

/// Seconds since the Unix epoch, fractions allowed (RFC 7519, section 2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct NumericDate(Timestamp);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        if (0.0..=LAST_SECOND).contains(&seconds) {
            // In range, so nothing is cut but fractions of a millisecond.
            let millis = (seconds * 1000.0).floor() as i64;
            Ok(Self(Timestamp::from_millis(millis)))
        } else {
            Err(de::Error::custom("out of range"))
        }
    }
}

/// Checks a token: signed by this key with this key's algorithm, for this agent and owner, and good now.
///
/// # Errors
/// Says what doesn't hold.
pub fn verify(token: &str, key: &AgentPublicKey, expected: &Expected, now: Timestamp) -> Result<Verified, JwtError> {
    if token.len() > LONGEST_TOKEN {
        return Err(JwtError::Malformed);
    }
    let claims = verified_claims(token, key)?;
    if !claims.agent_id.eq_ignore_ascii_case(&expected.agent_id.to_string()) {
        return Err(JwtError::WrongAgent);
    }
    if !claims.owner_id.eq_ignore_ascii_case(&expected.owner_id.to_string()) {
        return Err(JwtError::WrongOwner);
    }
    if claims.aud.is_some_and(|aud| !aud.names(&expected.audience)) {
        return Err(JwtError::WrongAudience);
    }
    let (NumericDate(iat), NumericDate(exp)) = (claims.iat, claims.exp);
    if exp <= iat || exp > iat + LONGEST_LIFE {
        return Err(JwtError::WrongLife);
    }
    if exp + CLOCK_SKEW <= now {
        return Err(JwtError::Expired);
    }
    if iat > now + CLOCK_SKEW || claims.nbf.is_some_and(|NumericDate(nbf)| nbf > now + CLOCK_SKEW) {
        return Err(JwtError::NotYet);
    }
    if claims.jti.as_ref().is_some_and(|jti| !(1..=LONGEST_JTI).contains(&jti.len())) {
        return Err(JwtError::WrongJti);
    }
    Ok(Verified { jti: claims.jti, expires_at: exp })
}

/// The claims of a token whose signature holds; nothing else about them is known yet.
fn verified_claims(token: &str, key: &AgentPublicKey) -> Result<Claims, JwtError> {
    let mut validation = jsonwebtoken::Validation::new(key.algorithm().jwt());
    // The crate would read the system's clock; every claim is checked in `verify`.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims = HashSet::new();
    let decoded =
        jsonwebtoken::decode::<Claims>(token, key.decoding_key(), &validation).map_err(|error| match error.kind() {
            ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => JwtError::WrongAlgorithm,
            ErrorKind::InvalidSignature => JwtError::BadSignature,
            _ => JwtError::Malformed,
        })?;
    if decoded.header.crit.is_some() {
        return Err(JwtError::CriticalHeader);
    }
    Ok(decoded.claims)
}

/// Which agent a token claims to be from, to find the key with. Nothing is verified yet.
#[must_use]
pub fn peek_agent_id(token: &str) -> Option<AgentId> {
    #[derive(Deserialize)]
    struct Peek {
        agent_id: String,
    }
    if token.len() > LONGEST_TOKEN {
        return None;
    }
    let mut parts = token.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = URL_SAFE_NO_PAD.decode(payload).ok().filter(|_| parts.next().is_none())?;
    serde_json::from_slice::<Peek>(&payload).ok()?.agent_id.parse().ok()
}
