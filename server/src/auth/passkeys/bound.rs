//! Puts our own challenge, and the passkeys as they are now, into webauthn-rs's serialised state.
//!
//! The crate (pinned to one version) has no call for either. The tests here fail when the state's shape changes.

use super::PasskeyError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use webauthn_rs::prelude::Passkey;
use webauthn_rs_proto::RequestChallengeResponse;

const CHALLENGE: &str = "/ast/challenge";
const CREDENTIALS: &str = "/ast/credentials";

/// Makes this the challenge, in what the browser gets and in what the answer is compared with.
pub(super) fn set_challenge(
    options: &mut RequestChallengeResponse,
    state: &mut Value,
    challenge: &[u8; 32],
) -> Result<(), PasskeyError> {
    let place = state.pointer_mut(CHALLENGE).filter(|place| place.is_string()).ok_or(PasskeyError::Stored)?;
    *place = URL_SAFE_NO_PAD.encode(challenge).into();
    options.public_key.challenge = challenge.to_vec();
    Ok(())
}

/// The challenge that the answer will be compared with.
pub(super) fn challenge(state: &Value) -> Result<[u8; 32], PasskeyError> {
    let text = state.pointer(CHALLENGE).and_then(Value::as_str).ok_or(PasskeyError::Stored)?;
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| PasskeyError::Stored)?;
    bytes.try_into().map_err(|_| PasskeyError::Stored)
}

/// Makes these the only passkeys that may answer.
pub(super) fn set_credentials(state: &mut Value, passkeys: &[Passkey]) -> Result<(), PasskeyError> {
    let credentials = passkeys
        .iter()
        .map(|passkey| serde_json::to_value(passkey).ok()?.get_mut("cred").map(Value::take))
        .collect::<Option<Vec<_>>>()
        .ok_or(PasskeyError::Stored)?;
    let place = state.pointer_mut(CREDENTIALS).filter(|place| place.is_array()).ok_or(PasskeyError::Stored)?;
    *place = credentials.into();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{given_desk, given_enrolled};
    use super::*;
    use webauthn_rs::prelude::PasskeyAuthentication;

    fn keys(value: &Value) -> Vec<&str> {
        let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn the_crate_still_writes_its_state_as_this_module_expects() {
        let desk = given_desk();
        let passkey = given_enrolled(&desk).1.read().unwrap();
        let (options, state) = desk.webauthn.start_passkey_authentication(std::slice::from_ref(&passkey)).unwrap();
        let state = serde_json::to_value(&state).unwrap();

        assert_eq!(keys(&state), ["ast"]);
        assert_eq!(
            keys(&state["ast"]),
            ["allow_backup_eligible_upgrade", "appid", "challenge", "credentials", "policy"]
        );
        assert_eq!(state["ast"]["policy"], "required");
        assert_eq!(challenge(&state).unwrap().to_vec(), options.public_key.challenge);
        let written = serde_json::to_value(&passkey).unwrap();
        assert_eq!(keys(&written), ["cred"]);
        assert_eq!(state["ast"]["credentials"], serde_json::json!([written["cred"]]));
    }

    #[test]
    fn what_was_written_is_what_the_crate_reads() {
        let desk = given_desk();
        let passkey = given_enrolled(&desk).1.read().unwrap();
        let (mut options, state) = desk.webauthn.start_passkey_authentication(&[]).unwrap();
        let mut state = serde_json::to_value(&state).unwrap();

        set_challenge(&mut options, &mut state, &[7; 32]).unwrap();
        set_credentials(&mut state, std::slice::from_ref(&passkey)).unwrap();

        let read: PasskeyAuthentication = serde_json::from_value(state.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), state);
        assert_eq!(challenge(&state), Ok([7; 32]));
        assert_eq!(options.public_key.challenge, [7; 32]);
    }

    #[test]
    fn another_shape_is_an_error_and_no_silent_success() {
        let (mut options, _) = given_desk().webauthn.start_passkey_authentication(&[]).unwrap();
        for mut other in [serde_json::json!({}), serde_json::json!({"ast": {"challenge": [1], "credentials": {}}})] {
            assert_eq!(set_challenge(&mut options, &mut other, &[7; 32]), Err(PasskeyError::Stored));
            assert_eq!(set_credentials(&mut other, &[]), Err(PasskeyError::Stored));
            assert_eq!(challenge(&other), Err(PasskeyError::Stored));
        }
    }
}
