//! Passkey ceremonies: enrolling, signing in, and signing a decision (WebAuthn Level 3).
//!
//! Pure functions over a state that the caller stores between `start_` and `finish_`, once and for a short time.
//! Nothing here knows sessions, users' rows or whether a ceremony was used before.

mod bound;
mod client_data;
mod public_key;
mod signature;
#[cfg(test)]
mod tests;

pub use signature::{PasskeySignature, verify_stored_decision};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client_data::ClientDataType;
use countersign_domain::Timestamp;
use countersign_domain::challenge::{CHALLENGE_LIFETIME, DecisionStatement};
use countersign_domain::ids::UserId;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fmt;
use url::Url;
use uuid::Uuid;
use webauthn_rs::fake::{FakePasskeyDistribution, WebauthnFakeCredentialGenerator};
use webauthn_rs::prelude::{Passkey, PasskeyAuthentication, PasskeyRegistration, WebauthnError};
use webauthn_rs::{Webauthn, WebauthnBuilder};
use webauthn_rs_proto::{
    AllowCredentials, PublicKeyCredential, RegisterPublicKeyCredential, RequestChallengeResponse,
    ResidentKeyRequirement,
};

/// The longest credential id there is (WebAuthn Level 3, section 4, "Credential ID").
const LONGEST_CREDENTIAL_ID: usize = 1023;

/// Why a ceremony did not work. The sentences are for people and give nothing away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    /// The host in `public_url` can't carry passkeys: an address, or not a part of the RP ID.
    #[error("Passkeys need a public URL with a host name that belongs to the RP ID, such as https://desk.example.com")]
    Configuration,
    /// What we stored ourselves can't be read; nobody's fault but ours.
    #[error("The desk can't read what it stored about this passkey or ceremony")]
    Stored,
    /// A decision or sign-in was begun for somebody who has no passkey.
    #[error("There is no passkey to sign this with")]
    NoPasskey,
    /// The name or address of the person is empty.
    #[error("A passkey needs a name and an address to be enrolled for")]
    Unnamed,
    /// The credential isn't shaped like one.
    #[error("The passkey's answer can't be read")]
    Malformed,
    /// The answer is to another challenge, or of another kind.
    #[error("This answer belongs to something else than what was asked; start again")]
    WrongChallenge,
    /// The answer was given on another site or inside of one.
    #[error("The passkey answered for another address than this desk's")]
    WrongAddress,
    /// The credential is none of those that were asked for.
    #[error("This passkey isn't known here")]
    UnknownCredential,
    /// The authenticator didn't check who touched it.
    #[error("The passkey didn't verify who used it; use one with a PIN, a fingerprint or a face")]
    NotVerified,
    /// The signature doesn't fit the key.
    #[error("The passkey's signature isn't right")]
    BadSignature,
    /// The counter went back, or a flag changed that never changes.
    #[error("This passkey may have been copied: what it says of itself doesn't fit its past")]
    Suspicious,
    /// It is one of those that the person has already.
    #[error("This passkey is enrolled already")]
    AlreadyEnrolled,
    /// Its key uses an algorithm that can't be checked here.
    #[error("This passkey uses an algorithm that the desk can't check")]
    Unsupported,
    /// The challenge's time is over.
    #[error("Signing took too long; start again")]
    Expired,
}

impl From<WebauthnError> for PasskeyError {
    fn from(error: WebauthnError) -> Self {
        use WebauthnError as E;
        tracing::debug!(%error, "a passkey ceremony failed");
        match error {
            E::Configuration => Self::Configuration,
            E::InvalidUsername => Self::Unnamed,
            E::InvalidClientDataType | E::MismatchedChallenge => Self::WrongChallenge,
            E::InvalidRPOrigin | E::InvalidRPIDHash | E::CredentialCrossOrigin => Self::WrongAddress,
            E::UserNotPresent | E::UserNotVerified => Self::NotVerified,
            E::CredentialNotFound => Self::UnknownCredential,
            E::CredentialExcludedFromRequest | E::CredentialAlreadyExists => Self::AlreadyEnrolled,
            E::CredentialPossibleCompromise
            | E::CredentialBackupEligibilityInconsistent
            | E::CredentialMayNotBeHardwareBound => Self::Suspicious,
            E::CredentialAlteredAlgFromRequest | E::CredentialInsecureCryptography | E::SshPublicKeyEDUnsupported => {
                Self::Unsupported
            }
            E::AuthenticationFailure | E::SignatureInvalid | E::AttestationStatementSigInvalid => Self::BadSignature,
            _ => Self::Malformed,
        }
    }
}

/// A passkey as the database holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPasskey {
    /// The authenticator's credential id, base64url without padding; unique on a desk.
    pub credential_id: String,
    /// Public key, counter and flags, as JSON. Changes when [`Assertion::updated_passkey_json`] says so.
    pub passkey_json: String,
}

impl StoredPasskey {
    /// Its public key as decisions keep it, a JSON Web Key.
    ///
    /// # Errors
    /// When the stored record can't be read.
    pub fn public_key(&self) -> Result<String, PasskeyError> {
        public_key::write(self.read()?.get_public_key())
    }

    fn of(passkey: &Passkey) -> Result<Self, PasskeyError> {
        let credential_id = URL_SAFE_NO_PAD.encode(passkey.cred_id());
        let passkey_json = serde_json::to_string(passkey).map_err(|_| PasskeyError::Stored)?;
        Ok(Self { credential_id, passkey_json })
    }

    fn read(&self) -> Result<Passkey, PasskeyError> {
        let passkey: Passkey = serde_json::from_str(&self.passkey_json).map_err(|_| PasskeyError::Stored)?;
        if URL_SAFE_NO_PAD.encode(passkey.cred_id()) == self.credential_id {
            Ok(passkey)
        } else {
            Err(PasskeyError::Stored)
        }
    }
}

/// A ceremony that has begun.
#[derive(Clone, Debug, PartialEq)]
pub struct Begun {
    /// The inner `publicKey` object, for `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.
    pub public_key: Value,
    /// What to hand back at the end, as JSON. Holds no secret, but whoever could change it could sign in.
    pub state: String,
}

/// Whose passkeys a sign-in asks for.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// The address as typed, normalised ([`countersign_domain::user::normal_email`]).
    pub email: &'a str,
    /// The passkeys of the user with that address; empty where there is no such user, or none that may sign in.
    pub passkeys: &'a [StoredPasskey],
}

/// An answer that was checked and holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Always true: nothing less is accepted.
    pub user_verified: bool,
    /// The authenticator's signature counter; 0 where it keeps none.
    pub counter: u32,
    /// The passkey as it is to be stored from now on, where that changed.
    pub updated_passkey_json: Option<String>,
    /// What was signed and with what.
    pub signature: PasskeySignature,
}

/// The desk as passkeys see it: its RP ID, its origin, its name.
pub struct Passkeys {
    webauthn: Webauthn,
    rp_id: String,
    origin: Url,
    fakes: WebauthnFakeCredentialGenerator<FakePasskeyDistribution>,
}

impl fmt::Debug for Passkeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Passkeys({} at {})", self.rp_id, self.origin)
    }
}

/// What a ceremony is for, so that the end of one never takes the beginning of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Purpose {
    Enrol,
    SignIn,
    Decide,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ceremony {
    purpose: Purpose,
    /// The credential ids that may answer; none named means any that the owner has.
    allowed: Option<Vec<String>>,
    /// The crate's own state. Its list of credentials is filled in at the end, from what is stored by then: a passkey
    /// removed meanwhile answers nothing, and counters are compared with the latest.
    webauthn: Value,
}

impl Ceremony {
    fn write(&self) -> Result<String, PasskeyError> {
        serde_json::to_string(self).map_err(|_| PasskeyError::Stored)
    }

    fn read(state: &str, purpose: Purpose) -> Result<Self, PasskeyError> {
        let ceremony: Self = serde_json::from_str(state).map_err(|_| PasskeyError::Stored)?;
        if ceremony.purpose == purpose { Ok(ceremony) } else { Err(PasskeyError::WrongChallenge) }
    }
}

impl Passkeys {
    /// For a desk whose `public_url` has this RP ID and origin. `probe_key` stays the same over restarts: from it come
    /// the made-up passkeys of addresses that nobody has.
    ///
    /// # Errors
    /// When the origin's host is no name, or doesn't belong to the RP ID.
    pub fn new(rp_id: &str, origin: &Url, desk_name: &str, probe_key: &SecretString) -> Result<Self, PasskeyError> {
        // Only scheme, host and port count; whatever path `public_url` may have is no part of an origin.
        let origin: Url = origin.origin().ascii_serialization().parse().map_err(|_| PasskeyError::Configuration)?;
        let webauthn = WebauthnBuilder::new(rp_id, &origin)?.rp_name(desk_name).timeout(CHALLENGE_LIFETIME).build()?;
        let hmac_key = Sha256::new()
            .chain_update(b"countersign/passkey-probes/v1\0")
            .chain_update(probe_key.expose_secret())
            .finalize();
        let fakes = WebauthnFakeCredentialGenerator::new(&hmac_key)?;
        Ok(Self { webauthn, rp_id: rp_id.to_owned(), origin, fakes })
    }

    /// Begins enrolling a passkey for a user who has those in `exclude` already.
    ///
    /// # Errors
    /// When the name or address is empty, or a stored passkey can't be read.
    pub fn start_registration(
        &self,
        user_id: UserId,
        email: &str,
        display_name: &str,
        exclude: &[StoredPasskey],
    ) -> Result<Begun, PasskeyError> {
        let exclude =
            exclude.iter().map(|passkey| Ok(passkey.read()?.cred_id().clone())).collect::<Result<_, PasskeyError>>()?;
        let (mut options, state) =
            self.webauthn.start_passkey_registration(user_id.0, email, display_name, Some(exclude))?;
        if let Some(selection) = &mut options.public_key.authenticator_selection {
            // The crate discourages it; a passkey that can't be found without a name can't sign in without one.
            selection.resident_key = Some(ResidentKeyRequirement::Required);
            selection.require_resident_key = true;
        }
        let webauthn = serde_json::to_value(&state).map_err(|_| PasskeyError::Stored)?;
        Ok(Begun {
            public_key: json(&options.public_key)?,
            state: Ceremony { purpose: Purpose::Enrol, allowed: None, webauthn }.write()?,
        })
    }

    /// Checks the answer to [`Self::start_registration`]. That its credential id is new on this desk is for the
    /// database to see.
    ///
    /// # Errors
    /// Says what is wrong with the answer.
    pub fn finish_registration(&self, state: &str, credential: &Value) -> Result<StoredPasskey, PasskeyError> {
        let ceremony = Ceremony::read(state, Purpose::Enrol)?;
        let state: PasskeyRegistration = serde_json::from_value(ceremony.webauthn).map_err(|_| PasskeyError::Stored)?;
        let answer = RegisterPublicKeyCredential::deserialize(credential).map_err(|_| PasskeyError::Malformed)?;
        let passkey = self.webauthn.finish_passkey_registration(&answer, &state)?;
        client_data::check(&answer.response.client_data_json, ClientDataType::Create, &self.origin)?;
        // The crate takes the id that the authenticator attests; one that the browser names otherwise is somebody's game.
        if answer.raw_id != *passkey.cred_id() || passkey.cred_id().len() > LONGEST_CREDENTIAL_ID {
            return Err(PasskeyError::Malformed);
        }
        public_key::write(passkey.get_public_key())?;
        StoredPasskey::of(&passkey)
    }

    /// Begins a sign-in, or a fresh touch of someone who is signed in. Without a name the browser offers what it
    /// knows. An address that nobody has is answered like one that somebody has, and can't be finished.
    ///
    /// # Errors
    /// When a stored passkey can't be read.
    pub fn start_sign_in(&self, named: Option<Named<'_>>) -> Result<Begun, PasskeyError> {
        let passkeys = named.map(|named| read_all(named.passkeys)).transpose()?.unwrap_or_default();
        let (mut options, mut state) = self.start(&passkeys)?;
        let allow = &mut options.public_key.allow_credentials;
        // Anyone may ask, so the answer doesn't tell which kind of authenticator somebody has.
        allow.iter_mut().for_each(|credential| credential.transports = None);
        if let Some(named) = named
            && allow.is_empty()
        {
            *allow = self.made_up(named.email)?;
        }
        bound::set_credentials(&mut state, &[])?;
        let allowed = named.map(|named| ids(named.passkeys));
        Ok(Begun {
            public_key: json(&options.public_key)?,
            state: Ceremony { purpose: Purpose::SignIn, allowed, webauthn: state }.write()?,
        })
    }

    /// Checks the answer to [`Self::start_sign_in`]. The caller finds the owner first, by [`credential_id_of`], and
    /// passes that user's passkeys as they are stored now.
    ///
    /// # Errors
    /// Says what is wrong with the answer.
    pub fn finish_sign_in(
        &self,
        state: &str,
        credential: &Value,
        owner: UserId,
        passkeys: &[StoredPasskey],
    ) -> Result<Assertion, PasskeyError> {
        let ceremony = Ceremony::read(state, Purpose::SignIn)?;
        let unnamed = ceremony.allowed.is_none();
        let assertion = self.finish(ceremony, credential, passkeys)?;
        // WebAuthn Level 3, section 7.2, step 6: without a name before, the handle must be there; it never contradicts.
        match user_handle_of(credential) {
            Some(handle) if handle != owner => Err(PasskeyError::UnknownCredential),
            None if unnamed || has_user_handle(credential) => Err(PasskeyError::UnknownCredential),
            _ => Ok(assertion),
        }
    }

    /// Begins signing a decision: the challenge is the hash of the statement, and only these passkeys may answer.
    ///
    /// # Errors
    /// When there is no passkey, or a stored one can't be read.
    pub fn start_decision(
        &self,
        passkeys: &[StoredPasskey],
        statement: &DecisionStatement,
    ) -> Result<Begun, PasskeyError> {
        if passkeys.is_empty() {
            return Err(PasskeyError::NoPasskey);
        }
        let (mut options, mut state) = self.start(&read_all(passkeys)?)?;
        bound::set_challenge(&mut options, &mut state, &challenge(statement)?)?;
        bound::set_credentials(&mut state, &[])?;
        let allowed = Some(ids(passkeys));
        Ok(Begun {
            public_key: json(&options.public_key)?,
            state: Ceremony { purpose: Purpose::Decide, allowed, webauthn: state }.write()?,
        })
    }

    /// Checks the answer to [`Self::start_decision`] against the statement as the desk would write it now: the
    /// statement, the stored challenge and what the passkey signed must be the same.
    ///
    /// # Errors
    /// Says what is wrong with the answer.
    pub fn finish_decision(
        &self,
        state: &str,
        statement: &DecisionStatement,
        credential: &Value,
        passkeys: &[StoredPasskey],
        now: Timestamp,
    ) -> Result<Assertion, PasskeyError> {
        let ceremony = Ceremony::read(state, Purpose::Decide)?;
        if bound::challenge(&ceremony.webauthn)? != challenge(statement)? {
            return Err(PasskeyError::WrongChallenge);
        }
        if !statement.is_fresh(now) {
            return Err(PasskeyError::Expired);
        }
        let assertion = self.finish(ceremony, credential, passkeys)?;
        if has_user_handle(credential) && statement.user_id.is_some_and(|id| user_handle_of(credential) != Some(id)) {
            return Err(PasskeyError::UnknownCredential);
        }
        // What goes into the record must convince someone who has nothing but the record.
        verify_stored_decision(statement, &assertion.signature)?;
        Ok(assertion)
    }

    fn start(&self, passkeys: &[Passkey]) -> Result<(RequestChallengeResponse, Value), PasskeyError> {
        let (options, state) = self.webauthn.start_passkey_authentication(passkeys)?;
        Ok((options, serde_json::to_value(&state).map_err(|_| PasskeyError::Stored)?))
    }

    fn finish(
        &self,
        ceremony: Ceremony,
        credential: &Value,
        passkeys: &[StoredPasskey],
    ) -> Result<Assertion, PasskeyError> {
        let id = credential_id_of(credential).ok_or(PasskeyError::Malformed)?;
        let answer = PublicKeyCredential::deserialize(credential).map_err(|_| PasskeyError::Malformed)?;
        let mut passkey = passkeys
            .iter()
            .find(|passkey| passkey.credential_id == id)
            .filter(|_| ceremony.allowed.as_ref().is_none_or(|allowed| allowed.contains(&id)))
            .ok_or(PasskeyError::UnknownCredential)?
            .read()?;
        let mut state = ceremony.webauthn;
        bound::set_credentials(&mut state, std::slice::from_ref(&passkey))?;
        let state: PasskeyAuthentication = serde_json::from_value(state).map_err(|_| PasskeyError::Stored)?;
        let result = self.webauthn.finish_passkey_authentication(&answer, &state)?;
        if !result.user_verified() {
            return Err(PasskeyError::NotVerified);
        }
        client_data::check(&answer.response.client_data_json, ClientDataType::Get, &self.origin)?;
        let updated_passkey_json = match passkey.update_credential(&result) {
            Some(true) => Some(StoredPasskey::of(&passkey)?.passkey_json),
            _ => None,
        };
        Ok(Assertion {
            user_verified: result.user_verified(),
            counter: result.counter(),
            updated_passkey_json,
            signature: PasskeySignature {
                credential_id: id,
                rp_id: self.rp_id.clone(),
                origin: self.origin.origin().ascii_serialization(),
                public_key: public_key::write(passkey.get_public_key())?,
                authenticator_data: answer.response.authenticator_data,
                client_data_json: answer.response.client_data_json,
                signature: answer.response.signature,
            },
        })
    }

    /// The same made-up passkeys each time somebody asks for the same address.
    fn made_up(&self, email: &str) -> Result<Vec<AllowCredentials>, PasskeyError> {
        // The generator also imitates people without any passkey. Here they would stand out, so ask on.
        for round in 0_u8..32 {
            let ids = self.fakes.generate(format!("{round}\0{email}").as_bytes())?;
            if !ids.is_empty() {
                let type_ = "public-key";
                return Ok(ids
                    .into_iter()
                    .map(|id| AllowCredentials { type_: type_.to_owned(), id, transports: None })
                    .collect());
            }
        }
        Err(PasskeyError::NoPasskey)
    }
}

/// Which credential an answer names, in the form of [`StoredPasskey::credential_id`]. Nothing is checked yet.
#[must_use]
pub fn credential_id_of(credential: &Value) -> Option<String> {
    let raw_id = credential.get("rawId")?.as_str()?;
    let id = URL_SAFE_NO_PAD.decode(raw_id).ok()?;
    let one_spelling = credential.get("id")?.as_str()? == raw_id && URL_SAFE_NO_PAD.encode(&id) == raw_id;
    let fits = (1..=LONGEST_CREDENTIAL_ID).contains(&id.len());
    (one_spelling && fits && credential.get("type")?.as_str()? == "public-key").then(|| raw_id.to_owned())
}

/// Which user an answer names. Nothing is checked yet, and the signature doesn't cover it.
#[must_use]
pub fn user_handle_of(credential: &Value) -> Option<UserId> {
    let handle = credential.get("response")?.get("userHandle")?.as_str()?;
    let bytes = URL_SAFE_NO_PAD.decode(handle).ok()?;
    Uuid::from_slice(&bytes).ok().map(UserId)
}

fn has_user_handle(credential: &Value) -> bool {
    credential.pointer("/response/userHandle").is_some_and(|handle| !handle.is_null())
}

fn challenge(statement: &DecisionStatement) -> Result<[u8; 32], PasskeyError> {
    statement.challenge().map(|digest| digest.0).map_err(|_| PasskeyError::Stored)
}

fn read_all(passkeys: &[StoredPasskey]) -> Result<Vec<Passkey>, PasskeyError> {
    passkeys.iter().map(StoredPasskey::read).collect()
}

fn ids(passkeys: &[StoredPasskey]) -> Vec<String> {
    passkeys.iter().map(|passkey| passkey.credential_id.clone()).collect()
}

fn json(options: &impl Serialize) -> Result<Value, PasskeyError> {
    serde_json::to_value(options).map_err(|_| PasskeyError::Stored)
}
