//! Proof that whoever comes for the session is the app that asked (RFC 7636, S256), and a `state` for each try.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// One try to sign in.
#[derive(Clone, Debug)]
pub struct Proof {
    verifier: SecretString,
    state: String,
}

impl Proof {
    /// A fresh one.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn fresh() -> Result<Self, getrandom::Error> {
        Ok(Self { verifier: random()?.into(), state: random()? })
    }

    /// What the browser is sent with.
    #[must_use]
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.expose_secret().as_bytes()))
    }

    /// What the code is redeemed with.
    #[must_use]
    pub const fn verifier(&self) -> &SecretString {
        &self.verifier
    }

    /// What must come back.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }
}

fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_try_has_a_verifier_of_its_own() {
        let (one, other) = (Proof::fresh().unwrap(), Proof::fresh().unwrap());
        assert_eq!((one.challenge().len(), one.verifier().expose_secret().len()), (43, 43));
        assert_ne!(one.challenge(), other.challenge());
        assert_ne!(one.state(), other.state());
        assert!(!format!("{one:?}").contains(one.verifier().expose_secret()));
    }
}
