//! What is sealed at rest: arguments, results and credentials.
//!
//! A data key per record (XChaCha20-Poly1305), wrapped by the desk's master key. Knows nothing of tables: the caller
//! names the kind and the id of a record, and a sealed value opens only as that one.

mod keys;
#[cfg(test)]
mod tests;

pub use keys::{MasterKeySource, finish_rotation, start_rotation};

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{Key, KeyInit as _, XChaCha20Poly1305, XNonce};
use keys::MasterKeys;
use secrecy::zeroize::Zeroizing;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use uuid::Uuid;

/// The one format so far:
/// `version (1) || key id (8) || wrap nonce (24) || wrapped data key (32 + 16) || nonce (24) || ciphertext + tag (16)`.
const VERSION: u8 = 1;
const KEY_ID: usize = 8;
const HEADER: usize = 1 + KEY_ID;
const NONCE: usize = 24;
const TAG: usize = 16;
const KEY: usize = 32;
const WRAPPED: usize = NONCE + KEY + TAG;

/// Why something can't be sealed or opened. Every sentence is safe to show; none holds a key.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The operating system has no randomness to give.
    #[error("the operating system gives no random bytes")]
    NoRandomness(#[from] getrandom::Error),
    /// Longer than one message of the cipher may be.
    #[error("this is too long to be sealed")]
    TooLong,
    /// Not something that this vault sealed, or cut short.
    #[error("this is no sealed record, or one of a newer version")]
    NotSealed,
    /// Sealed under a master key that isn't here.
    #[error(
        "sealed under master key {sealed_under}, but the master key at hand is {at_hand}; restore the right key file"
    )]
    WrongKey {
        /// The key that would open it.
        sealed_under: KeyId,
        /// The key that new records are sealed under.
        at_hand: KeyId,
    },
    /// The key file of a desk that has sealed records is not there.
    #[error(
        "the key file {path} is gone, and this desk is sealed under master key {sealed_under}; restore the file from your backup"
    )]
    KeyLost {
        /// Where it should be.
        path: PathBuf,
        /// The key that would open the desk.
        sealed_under: KeyId,
    },
    /// The bytes were changed, or belong to another record.
    #[error("a sealed record was changed, or belongs to another record")]
    Tampered,
    /// The master key in the environment or a file is not one.
    #[error("{0} holds no master key: 32 bytes as base64 or hex are needed, one key a line, the newest first")]
    NotAKey(String),
    /// The key file lets others read it.
    #[error("the key file {path} can be read by others (mode {mode:03o}); run `chmod 600` on it")]
    TooOpen {
        /// Where it is.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file can't be read or written.
    #[error("the key file {path}: {cause}")]
    KeyFile {
        /// Where it is.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: std::io::Error,
    },
    /// Only a key file can be rotated by us.
    #[error("the master key comes from the environment; put `new,former` there to rotate it")]
    NotAFile,
}

/// Which master key: the beginning of a hash of it, so that it tells nothing about the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; KEY_ID]);

impl std::str::FromStr for KeyId {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut id = [0; KEY_ID];
        hex::decode_to_slice(text, &mut id)?;
        Ok(Self(id))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// Seals and opens records. Cheap to clone; `Debug` shows ids of keys, never keys.
#[derive(Clone)]
pub struct Vault {
    keys: Arc<MasterKeys>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("sealing_under", &self.key_id()).finish_non_exhaustive()
    }
}

impl Vault {
    /// Reads the master key; a data folder without one gets a fresh one.
    ///
    /// # Errors
    /// When there is no key where one must be, when it isn't one, or when others may read its file.
    pub fn open(source: &MasterKeySource) -> Result<Self, VaultError> {
        Ok(Self { keys: Arc::new(MasterKeys::read(source)?) })
    }

    /// The key that new records are sealed under. Stored with the desk, to notice at start that a key file was mixed up.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.keys.newest().id
    }

    /// Opens the vault of a desk that was sealed under this key before.
    ///
    /// # Errors
    /// As [`Self::open`], and when that key is not among those at hand: a lost key file is not made anew, since what it
    /// sealed would then be lost without a word.
    pub fn open_again(source: &MasterKeySource, sealed_under: KeyId) -> Result<Self, VaultError> {
        if let MasterKeySource::DataFolder(_) = source
            && let Some(path) = source.path().filter(|path| !path.exists())
        {
            return Err(VaultError::KeyLost { path, sealed_under });
        }
        let vault = Self::open(source)?;
        match vault.keys.by_id(sealed_under) {
            Some(_) => Ok(vault),
            None => Err(VaultError::WrongKey { sealed_under, at_hand: vault.key_id() }),
        }
    }

    /// Seals a record; `kind` is what it is, such as `request.arguments`, and `id` which.
    ///
    /// # Errors
    /// When there is no randomness, or the record is longer than 256 GiB.
    pub fn seal(&self, kind: &str, id: Uuid, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let data_key = random::<KEY>()?;
        let mut sealed = Vec::with_capacity(HEADER + WRAPPED + NONCE + plain.len() + TAG);
        self.wrap(&data_key, &mut sealed)?;
        append(&mut sealed, &cipher(&data_key), plain, &associated(kind, id))?;
        Ok(sealed)
    }

    /// Opens a record that was sealed as this kind and id.
    ///
    /// # Errors
    /// When the bytes were changed or belong elsewhere, or the master key is another one.
    pub fn unseal(&self, kind: &str, id: Uuid, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let (data_key, body) = self.unwrap_key(sealed)?;
        open(&cipher(&data_key), body, &associated(kind, id))
    }

    /// The same record with its data key wrapped by the newest master key; `None` when it already is. The record
    /// itself isn't touched, so neither its kind nor its id is needed.
    ///
    /// # Errors
    /// As [`Self::unseal`].
    pub fn rewrap(&self, sealed: &[u8]) -> Result<Option<Vec<u8>>, VaultError> {
        let (data_key, body) = self.unwrap_key(sealed)?;
        if sealed.get(1..HEADER) == Some(self.key_id().0.as_slice()) {
            return Ok(None);
        }
        let mut again = Vec::with_capacity(sealed.len());
        self.wrap(&data_key, &mut again)?;
        again.extend_from_slice(body);
        Ok(Some(again))
    }

    fn wrap(&self, data_key: &[u8; KEY], sealed: &mut Vec<u8>) -> Result<(), VaultError> {
        let master = self.keys.newest();
        sealed.push(VERSION);
        sealed.extend_from_slice(&master.id.0);
        let header = sealed.clone();
        append(sealed, &cipher(&master.key), data_key, &header)
    }

    fn unwrap_key<'a>(&self, sealed: &'a [u8]) -> Result<(Zeroizing<[u8; KEY]>, &'a [u8]), VaultError> {
        let (header, rest) = sealed.split_at_checked(HEADER).ok_or(VaultError::NotSealed)?;
        let (wrapped, body) = rest.split_at_checked(WRAPPED).ok_or(VaultError::NotSealed)?;
        if header[0] != VERSION {
            return Err(VaultError::NotSealed);
        }
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&header[1..]);
        let master = self
            .keys
            .by_id(KeyId(id))
            .ok_or_else(|| VaultError::WrongKey { sealed_under: KeyId(id), at_hand: self.key_id() })?;
        let opened = Zeroizing::new(open(&cipher(&master.key), wrapped, header)?);
        let mut data_key = Zeroizing::new([0; KEY]);
        if opened.len() != KEY {
            return Err(VaultError::NotSealed);
        }
        data_key.copy_from_slice(&opened);
        Ok((data_key, body))
    }
}

fn cipher(key: &[u8; KEY]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(*key))
}

/// What a record is bound to. The length before the kind keeps two kinds from running into each other.
fn associated(kind: &str, id: Uuid) -> Vec<u8> {
    let mut bytes = b"countersign/vault/v1\0".to_vec();
    bytes.extend_from_slice(&(kind.len() as u64).to_be_bytes());
    bytes.extend_from_slice(kind.as_bytes());
    bytes.extend_from_slice(id.as_bytes());
    bytes
}

/// 24 random bytes are enough never to repeat (draft-irtf-cfrg-xchacha-03, section 3.1).
fn append(onto: &mut Vec<u8>, cipher: &XChaCha20Poly1305, plain: &[u8], aad: &[u8]) -> Result<(), VaultError> {
    let nonce = random::<NONCE>()?;
    let sealed = cipher.encrypt(&XNonce::from(*nonce), Payload { msg: plain, aad }).map_err(|_| VaultError::TooLong)?;
    onto.extend_from_slice(&*nonce);
    onto.extend_from_slice(&sealed);
    Ok(())
}

fn open(cipher: &XChaCha20Poly1305, sealed: &[u8], aad: &[u8]) -> Result<Vec<u8>, VaultError> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or(VaultError::NotSealed)?;
    cipher.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad }).map_err(|_| VaultError::Tampered)
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, VaultError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice())?;
    Ok(bytes)
}
