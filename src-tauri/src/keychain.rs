//! Where the session is kept: in the system's keychain, and where there is none that is open, in a file that only its
//! owner reads, which is then said.

use crate::settings::write_privately;
use countersign_wire::app::KeptIn;
use secrecy::{ExposeSecret as _, SecretString};
use std::path::PathBuf;

/// What a keychain can do. An error means that it isn't there, or is locked.
pub trait Chain: Send + Sync + 'static {
    /// What is kept under a name.
    ///
    /// # Errors
    /// When the keychain can't be used.
    fn get(&self, name: &str) -> Result<Option<SecretString>, String>;
    /// Keeps something under a name.
    ///
    /// # Errors
    /// When the keychain can't be used.
    fn set(&self, name: &str, secret: &SecretString) -> Result<(), String>;
    /// Forgets it.
    ///
    /// # Errors
    /// When the keychain can't be used.
    fn delete(&self, name: &str) -> Result<(), String>;
}

/// The system's.
#[derive(Debug)]
pub struct System;

#[cfg(desktop)]
const SERVICE: &str = "Countersign";

#[cfg(desktop)]
impl Chain for System {
    fn get(&self, name: &str) -> Result<Option<SecretString>, String> {
        match entry(name)?.get_password() {
            Ok(secret) => Ok(Some(secret.into())),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn set(&self, name: &str, secret: &SecretString) -> Result<(), String> {
        entry(name)?.set_password(secret.expose_secret()).map_err(|error| error.to_string())
    }

    fn delete(&self, name: &str) -> Result<(), String> {
        match entry(name)?.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(desktop)]
fn entry(name: &str) -> Result<keyring::Entry, String> {
    keyring::Entry::new(SERVICE, name).map_err(|error| error.to_string())
}

/// On a phone the app's own folder is the app's alone; the system's store comes with the mobile apps.
#[cfg(mobile)]
impl Chain for System {
    fn get(&self, _: &str) -> Result<Option<SecretString>, String> {
        Err("not on this system".to_owned())
    }

    fn set(&self, _: &str, _: &SecretString) -> Result<(), String> {
        Err("not on this system".to_owned())
    }

    fn delete(&self, _: &str) -> Result<(), String> {
        Err("not on this system".to_owned())
    }
}

/// The keychain with its substitute.
pub struct Keychain<C = System> {
    chain: C,
    file: PathBuf,
}

impl<C: Chain> Keychain<C> {
    /// Keeps in this keychain, else in this file.
    pub const fn new(chain: C, file: PathBuf) -> Self {
        Self { chain, file }
    }

    /// Keeps a desk's session; where.
    ///
    /// # Errors
    /// When neither keychain nor file takes it.
    pub fn keep(&self, desk: &str, token: &SecretString) -> std::io::Result<KeptIn> {
        match self.chain.set(desk, token) {
            Ok(()) => {
                // One from a time without keychain is of no use any more.
                let _ = std::fs::remove_file(&self.file);
                Ok(KeptIn::Keychain)
            }
            Err(error) => {
                tracing::warn!(error, "there is no keychain that is open; the session is kept in a file");
                write_privately(&self.file, format!("{desk}\n{}", token.expose_secret()).as_bytes())?;
                Ok(KeptIn::File)
            }
        }
    }

    /// A desk's session, and where it is kept.
    pub fn find(&self, desk: &str) -> Option<(SecretString, KeptIn)> {
        match self.chain.get(desk) {
            Ok(Some(token)) => return Some((token, KeptIn::Keychain)),
            Ok(None) => {}
            Err(error) => tracing::warn!(error, "the keychain can't be read"),
        }
        let kept = std::fs::read_to_string(&self.file).ok()?;
        let (of, token) = kept.split_once('\n')?;
        (of == desk && !token.is_empty()).then(|| (token.to_owned().into(), KeptIn::File))
    }

    /// Forgets a desk's session, wherever it is.
    pub fn forget(&self, desk: &str) {
        if let Err(error) = self.chain.delete(desk) {
            tracing::debug!(error, "the keychain can't forget");
        }
        let _ = std::fs::remove_file(&self.file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::sync::Mutex;

    const DESK: &str = "https://desk.example.com";

    #[derive(Default)]
    struct Open(Mutex<HashMap<String, SecretString>>);

    impl Chain for Open {
        fn get(&self, name: &str) -> Result<Option<SecretString>, String> {
            Ok(self.0.lock().unwrap().get(name).cloned())
        }
        fn set(&self, name: &str, secret: &SecretString) -> Result<(), String> {
            self.0.lock().unwrap().insert(name.to_owned(), secret.clone());
            Ok(())
        }
        fn delete(&self, name: &str) -> Result<(), String> {
            self.0.lock().unwrap().remove(name);
            Ok(())
        }
    }

    struct Locked;

    impl Chain for Locked {
        fn get(&self, _: &str) -> Result<Option<SecretString>, String> {
            Err("locked".into())
        }
        fn set(&self, _: &str, _: &SecretString) -> Result<(), String> {
            Err("locked".into())
        }
        fn delete(&self, _: &str) -> Result<(), String> {
            Err("locked".into())
        }
    }

    fn found<C: Chain>(keychain: &Keychain<C>, desk: &str) -> Option<(String, KeptIn)> {
        keychain.find(desk).map(|(token, kept)| (token.expose_secret().to_owned(), kept))
    }

    #[test]
    fn a_session_is_kept_in_the_keychain_and_in_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("session");
        let keychain = Keychain::new(Open::default(), file.clone());
        assert_eq!(keychain.keep(DESK, &"token".to_owned().into()).unwrap(), KeptIn::Keychain);
        assert_eq!(found(&keychain, DESK), Some(("token".into(), KeptIn::Keychain)));
        assert_eq!(found(&keychain, "https://other.test"), None);
        assert!(!file.exists());
        keychain.forget(DESK);
        assert_eq!(found(&keychain, DESK), None);
    }

    #[test]
    fn without_an_open_keychain_it_is_kept_in_a_private_file_until_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("session");
        let locked = Keychain::new(Locked, file.clone());
        assert_eq!(locked.keep(DESK, &"token".to_owned().into()).unwrap(), KeptIn::File);
        assert_eq!(found(&locked, DESK), Some(("token".into(), KeptIn::File)));
        assert_eq!(found(&locked, "https://other.test"), None);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&file.metadata().unwrap()) & 0o777, 0o600);
        let open = Keychain::new(Open::default(), file.clone());
        open.keep(DESK, &"newer".to_owned().into()).unwrap();
        assert!(!file.exists());
        locked.forget(DESK);
    }

    #[test]
    fn where_nothing_can_be_kept_that_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("a-file");
        std::fs::write(&blocked, "").unwrap();
        let keychain = Keychain::new(Locked, blocked.join("session"));
        assert!(keychain.keep(DESK, &"token".to_owned().into()).is_err());
    }
}
