//! A passkey's signature as it is kept with a decision, and checking it with nothing else at hand.
//!
//! This trusts neither the state of a ceremony nor the passkey's row: what it says can be said years later.

use super::client_data::{self, ClientDataType};
use super::{PasskeyError, challenge, public_key};
use countersign_domain::challenge::{DecisionStatement, STATEMENT_TYPE};
use sha2::{Digest as _, Sha256};
use url::Url;

/// What a passkey signed, and with which key. Stored with a decision, beside its statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeySignature {
    /// The authenticator's credential id, base64url.
    pub credential_id: String,
    /// The desk's RP ID at that time.
    pub rp_id: String,
    /// The desk's origin at that time, such as `https://desk.example.com`.
    pub origin: String,
    /// The passkey's public key, a JSON Web Key.
    pub public_key: String,
    /// The authenticator's part of what was signed.
    pub authenticator_data: Vec<u8>,
    /// The browser's part of what was signed: its exact bytes.
    pub client_data_json: Vec<u8>,
    /// The signature: ASN.1 DER for ECDSA, PKCS #1 v1.5 for RSA.
    pub signature: Vec<u8>,
}

// WebAuthn Level 3, section 6.1: 32 bytes of RP ID hash, one of flags, four of counter.
const FLAGS_AT: usize = 32;
const SHORTEST_AUTHENTICATOR_DATA: usize = 37;
const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;

/// Whether this signature was made over this statement, by that key, for that RP ID and origin, with the user verified
/// (WebAuthn Level 3, section 7.2). Whether key, RP ID and origin are the right ones is for the caller to know.
///
/// # Errors
/// Says what doesn't fit.
pub fn verify_stored_decision(statement: &DecisionStatement, signed: &PasskeySignature) -> Result<(), PasskeyError> {
    let origin: Url = signed.origin.parse().map_err(|_| PasskeyError::Malformed)?;
    let answered = client_data::check(&signed.client_data_json, ClientDataType::Get, &origin)?;
    if statement.t != STATEMENT_TYPE || answered != challenge(statement)? {
        return Err(PasskeyError::WrongChallenge);
    }
    let authenticator_data = signed.authenticator_data.as_slice();
    if authenticator_data.len() < SHORTEST_AUTHENTICATOR_DATA {
        return Err(PasskeyError::Malformed);
    }
    if authenticator_data[..FLAGS_AT] != Sha256::digest(&signed.rp_id)[..] {
        return Err(PasskeyError::WrongAddress);
    }
    let flags = authenticator_data[FLAGS_AT];
    if flags & USER_PRESENT == 0 || flags & USER_VERIFIED == 0 {
        return Err(PasskeyError::NotVerified);
    }
    let message = [authenticator_data, &Sha256::digest(&signed.client_data_json)[..]].concat();
    match public_key::read(&signed.public_key)?.verify_signature(&signed.signature, &message) {
        Ok(true) => Ok(()),
        _ => Err(PasskeyError::BadSignature),
    }
}
