//! What the browser says of a ceremony (WebAuthn Level 3, section 5.8.1), read as strictly as a stored proof needs.
//!
//! The crate checks type, challenge and origin, but lets an assertion from inside another site's frame pass.

use super::PasskeyError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::Url;

/// What was asked of the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum ClientDataType {
    /// To make a credential.
    #[serde(rename = "webauthn.create")]
    Create,
    /// To use one.
    #[serde(rename = "webauthn.get")]
    Get,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    type_: ClientDataType,
    challenge: String,
    origin: Url,
    #[serde(default)]
    cross_origin: Option<bool>,
    #[serde(default)]
    top_origin: Option<IgnoredAny>,
}

/// Reads the bytes that were signed and returns the challenge in them.
pub(super) fn check(bytes: &[u8], type_: ClientDataType, origin: &Url) -> Result<Vec<u8>, PasskeyError> {
    let said: ClientData = serde_json::from_slice(bytes).map_err(|_| PasskeyError::Malformed)?;
    if said.type_ != type_ {
        return Err(PasskeyError::WrongChallenge);
    }
    if said.origin != *origin || said.cross_origin == Some(true) || said.top_origin.is_some() {
        return Err(PasskeyError::WrongAddress);
    }
    URL_SAFE_NO_PAD.decode(said.challenge).map_err(|_| PasskeyError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_get(bytes: &str) -> Result<Vec<u8>, PasskeyError> {
        check(bytes.as_bytes(), ClientDataType::Get, &Url::parse("https://desk.test").unwrap())
    }

    #[test]
    fn takes_what_browsers_write() {
        let said = r#"{"type":"webauthn.get","challenge":"AQI","origin":"https://desk.test","crossOrigin":false,
            "other_keys_can_be_added_here":"do not compare clientDataJSON against a template"}"#;
        assert_eq!(check_get(said), Ok(vec![1, 2]));
    }

    #[test]
    fn refuses_other_ceremonies_other_sites_and_frames() {
        let get = |origin: &str, more: &str| {
            format!(r#"{{"type":"webauthn.get","challenge":"AQI","origin":"{origin}"{more}}}"#)
        };
        let cases = [
            (get("https://desk.test", "").replace("get", "create"), PasskeyError::WrongChallenge),
            (get("https://desk.test", "").replace("webauthn.get", "payment.get"), PasskeyError::Malformed),
            (get("https://evil.test", ""), PasskeyError::WrongAddress),
            (get("https://x.desk.test", ""), PasskeyError::WrongAddress),
            (get("https://desk.test/path", ""), PasskeyError::WrongAddress),
            (get("https://u@desk.test", ""), PasskeyError::WrongAddress),
            (get("https://desk.test:8443", ""), PasskeyError::WrongAddress),
            (get("http://desk.test", ""), PasskeyError::WrongAddress),
            (get("https://desk.test", r#","crossOrigin":true"#), PasskeyError::WrongAddress),
            (get("https://desk.test", r#","topOrigin":"https://evil.test""#), PasskeyError::WrongAddress),
            (get("https://desk.test", r#","challenge":"AQI""#), PasskeyError::Malformed),
        ];
        for (said, why) in cases {
            assert_eq!(check_get(&said), Err(why), "{said}");
        }
    }
}
