//! The master keys: where they come from, and how a key file is made, read and rotated.
//!
//! A key file holds one key a line, the newest first. During a rotation it holds the former key too, so that a
//! machine that stops in the middle of one still opens everything.

use super::{KEY, KeyId, VaultError, random};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

const FILE_NAME: &str = "master.key";
const PREAMBLE: &str = "# Countersign's master key, the newest first. Back it up apart from the database.\n";

/// Where the master key comes from.
#[derive(Clone, Debug)]
pub enum MasterKeySource {
    /// The value of `COUNTERSIGN_MASTER_KEY`: base64 or hex; several keys stand apart by commas, the newest first.
    Value(SecretString),
    /// A file that must exist.
    File(PathBuf),
    /// The data folder, whose `master.key` is made at the first start.
    DataFolder(PathBuf),
}

impl MasterKeySource {
    /// The key file, unless the key is in the environment.
    #[must_use]
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Value(_) => None,
            Self::File(path) => Some(path.clone()),
            Self::DataFolder(folder) => Some(folder.join(FILE_NAME)),
        }
    }
}

pub(super) struct MasterKey {
    pub(super) id: KeyId,
    pub(super) key: Zeroizing<[u8; KEY]>,
}

impl MasterKey {
    fn of(key: Zeroizing<[u8; KEY]>) -> Self {
        let digest = Sha256::new_with_prefix(b"countersign/master-key/v1\0").chain_update(*key).finalize();
        let mut id = KeyId([0; 8]);
        id.0.copy_from_slice(&digest[..8]);
        Self { id, key }
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(match text.len() {
            64 => hex::decode(text).ok()?,
            _ => STANDARD.decode(text).ok()?,
        });
        let mut key = Zeroizing::new([0; KEY]);
        (bytes.len() == KEY).then(|| key.copy_from_slice(&bytes))?;
        Some(Self::of(key))
    }

    fn line(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}\n", STANDARD.encode(*self.key)))
    }
}

/// The newest key, and former ones while a rotation is under way.
pub(super) struct MasterKeys {
    newest: MasterKey,
    former: Vec<MasterKey>,
}

impl MasterKeys {
    pub(super) const fn newest(&self) -> &MasterKey {
        &self.newest
    }

    pub(super) fn by_id(&self, id: KeyId) -> Option<&MasterKey> {
        std::iter::once(&self.newest).chain(&self.former).find(|key| key.id == id)
    }

    pub(super) fn read(source: &MasterKeySource) -> Result<Self, VaultError> {
        match source {
            MasterKeySource::Value(value) => Self::parse(value.expose_secret().split(','))
                .ok_or_else(|| VaultError::NotAKey("COUNTERSIGN_MASTER_KEY".to_owned())),
            MasterKeySource::File(path) => Self::load(path),
            MasterKeySource::DataFolder(folder) => {
                let path = folder.join(FILE_NAME);
                if !path.try_exists().map_err(at(&path))? {
                    create(&path)?;
                }
                Self::load(&path)
            }
        }
    }

    fn load(path: &Path) -> Result<Self, VaultError> {
        refuse_open_modes(path)?;
        let text = Zeroizing::new(fs::read_to_string(path).map_err(at(path))?);
        let keys = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self::parse(keys).ok_or_else(|| VaultError::NotAKey(path.display().to_string()))
    }

    /// All or nothing: a line that is no key may be a key with a typing error, without which records are lost.
    fn parse<'a>(keys: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut keys = keys.map(|key| MasterKey::read(key.trim()));
        let newest = keys.next()??;
        Some(Self { newest, former: keys.collect::<Option<_>>()? })
    }
}

/// Puts a fresh key before the present ones; both open records from now on. Nothing else may write to the desk until
/// [`finish_rotation`]: a running server would go on sealing under the former key.
///
/// # Errors
/// When the key isn't in a file, or the file can't be read or written.
pub fn start_rotation(source: &MasterKeySource) -> Result<(), VaultError> {
    let path = source.path().ok_or(VaultError::NotAFile)?;
    let keys = MasterKeys::load(&path)?;
    let fresh = MasterKey::of(random()?);
    let kept = std::iter::once(&keys.newest).chain(&keys.former);
    replace(&path, &text_of(std::iter::once(&fresh).chain(kept)))
}

/// Drops the former keys. Only after every record was rewrapped: what is still sealed under them is lost.
///
/// # Errors
/// As [`start_rotation`].
pub fn finish_rotation(source: &MasterKeySource) -> Result<(), VaultError> {
    let path = source.path().ok_or(VaultError::NotAFile)?;
    let keys = MasterKeys::load(&path)?;
    replace(&path, &text_of(std::iter::once(&keys.newest)))
}

fn text_of<'a>(keys: impl Iterator<Item = &'a MasterKey>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(PREAMBLE.to_owned());
    for key in keys {
        text.push_str(&key.line());
    }
    text
}

/// Whole or not at all: written beside, then linked to its name, which fails if another process was first.
fn create(path: &Path) -> Result<(), VaultError> {
    let fresh = MasterKey::of(random()?);
    let text = text_of(std::iter::once(&fresh));
    let beside = write_beside(path, &text)?;
    let linked = match fs::hard_link(&beside, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // A file system without links gets the plain way.
        Err(_) => write_new(path, &text).or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Ok(()),
            _ => Err(error),
        }),
        Ok(()) => Ok(()),
    };
    let removed = fs::remove_file(&beside);
    linked.and(removed).and_then(|()| sync_folder(path)).map_err(at(path))
}

fn replace(path: &Path, text: &str) -> Result<(), VaultError> {
    let beside = write_beside(path, text)?;
    fs::rename(&beside, path).and_then(|()| sync_folder(path)).map_err(at(path))
}

fn write_beside(path: &Path, text: &str) -> Result<PathBuf, VaultError> {
    let beside = path.with_extension(format!("key.{}", hex::encode(*random::<4>()?)));
    write_new(&beside, text).map_err(at(&beside))?;
    Ok(beside)
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A new name survives power loss only once its folder is on the disk too.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => {
            let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            File::open(here)?.sync_all()
        }
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn refuse_open_modes(path: &Path) -> Result<(), VaultError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path).map_err(at(path))?.permissions().mode() & 0o777;
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(VaultError::TooOpen { path: path.to_owned(), mode }),
    }
}

/// Other systems have no such bits; the data folder there is in the user's own profile.
#[cfg(not(unix))]
fn refuse_open_modes(_path: &Path) -> Result<(), VaultError> {
    Ok(())
}

fn at(path: &Path) -> impl Fn(io::Error) -> VaultError {
    move |cause| VaultError::KeyFile { path: path.to_owned(), cause }
}
