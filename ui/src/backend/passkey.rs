//! Passkeys in the browser (WebAuthn Level 3). Newer browsers read and write the ceremony's JSON themselves; for the
//! others, and for password managers that break it, the binary fields are turned over by hand.

use super::{Failure, PasskeyFailure, read};
use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use serde_json::Value;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// `navigator.credentials.get`: an assertion, as JSON.
pub(super) async fn get(public_key: &Value) -> Result<Value, Failure> {
    run("get", "parseRequestOptionsFromJSON", public_key).await
}

/// `navigator.credentials.create`: a new passkey, as JSON.
pub(super) async fn create(public_key: &Value) -> Result<Value, Failure> {
    run("create", "parseCreationOptionsFromJSON", public_key).await
}

async fn run(verb: &str, parser: &str, public_key: &Value) -> Result<Value, Failure> {
    let unsupported = || Failure::Passkey(PasskeyFailure::Unsupported);
    let window = web_sys::window().ok_or_else(unsupported)?;
    let class = property(&window, "PublicKeyCredential").ok_or_else(unsupported)?;
    let container = property(&window.navigator(), "credentials").ok_or_else(unsupported)?;
    let options = parse(&class, parser, public_key).ok_or(Failure::Unreadable)?;
    let request = Object::new();
    set(&request, "publicKey", &options);
    let ask: Function = property(&container, verb).and_then(|ask| ask.dyn_into().ok()).ok_or_else(unsupported)?;
    let promise: Promise =
        ask.call1(&container, &request).map_err(|error| refused(&error))?.dyn_into().map_err(|_| unsupported())?;
    let credential = JsFuture::from(promise).await.map_err(|error| refused(&error))?;
    if credential.is_null() {
        return Err(Failure::Passkey(PasskeyFailure::Cancelled));
    }
    to_json(&credential).ok_or(Failure::Unreadable)
}

fn refused(error: &JsValue) -> Failure {
    let word = |key| property(error, key).and_then(|value| value.as_string()).unwrap_or_default();
    Failure::Passkey(PasskeyFailure::from_exception(&word("name"), &word("message")))
}

fn property(object: &JsValue, key: &str) -> Option<JsValue> {
    Reflect::get(object, &JsValue::from_str(key)).ok().filter(|value| !value.is_undefined() && !value.is_null())
}

fn set(object: &Object, key: &str, value: &JsValue) {
    let _ = Reflect::set(object, &JsValue::from_str(key), value);
}

fn to_js(value: &Value) -> Option<JsValue> {
    js_sys::JSON::parse(&value.to_string()).ok()
}

/// The server's options as the browser wants them.
fn parse(class: &JsValue, parser: &str, public_key: &Value) -> Option<JsValue> {
    let plain = to_js(public_key)?;
    let native = property(class, parser).and_then(|parser| parser.dyn_into::<Function>().ok());
    if let Some(parsed) = native.and_then(|native| native.call1(class, &plain).ok()) {
        return Some(parsed);
    }
    let object: &Object = plain.unchecked_ref();
    bytes_in_place(object, "challenge")?;
    if let Some(user) = property(object, "user") {
        bytes_in_place(user.unchecked_ref(), "id")?;
    }
    for list in ["allowCredentials", "excludeCredentials"] {
        for entry in property(object, list).iter().flat_map(|list| Array::from(list).to_vec()) {
            bytes_in_place(entry.unchecked_ref(), "id")?;
        }
    }
    Some(plain)
}

fn bytes_in_place(object: &Object, key: &str) -> Option<()> {
    let bytes = from_base64url(&property(object, key)?.as_string()?)?;
    set(object, key, &Uint8Array::from(bytes.as_slice()));
    Some(())
}

/// The credential as JSON, by its own `toJSON` where that works.
fn to_json(credential: &JsValue) -> Option<Value> {
    let native = property(credential, "toJSON")
        .and_then(|to_json| to_json.dyn_into::<Function>().ok())
        .and_then(|to_json| to_json.call0(credential).ok())
        .and_then(|plain| js_sys::JSON::stringify(&plain).ok())
        .and_then(|text| read::from_text(&String::from(text)).ok())
        .filter(|value: &Value| value.get("rawId").is_some_and(Value::is_string));
    native.or_else(|| by_hand(credential))
}

fn by_hand(credential: &JsValue) -> Option<Value> {
    let response = property(credential, "response")?;
    let mut inner = serde_json::Map::new();
    for key in ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"] {
        if let Some(text) = bytes(&response, key) {
            inner.insert(key.to_owned(), text.into());
        }
    }
    let raw_id = bytes(credential, "rawId")?;
    Some(serde_json::json!({
        "id": raw_id, "rawId": raw_id, "type": "public-key", "response": inner, "clientExtensionResults": {},
    }))
}

fn bytes(object: &JsValue, key: &str) -> Option<String> {
    property(object, key).map(|buffer| to_base64url(&Uint8Array::new(&buffer).to_vec()))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// RFC 4648, section 5, without padding.
fn to_base64url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let index = (group >> (18 - 6 * place)) & 63;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

/// The same backwards; padding is let through, anything else is not.
fn from_base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut group, mut bits) = (0u32, 0u32);
    for letter in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        group = group << 6 | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((group >> bits & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_as_in_rfc_4648_section_10() {
        for (plain, coded) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(to_base64url(plain.as_bytes()), coded);
            assert_eq!(from_base64url(coded).unwrap(), plain.as_bytes());
        }
        assert_eq!(to_base64url(&[0xfb, 0xff]), "-_8");
        assert_eq!(from_base64url("-_8="), Some(vec![0xfb, 0xff]));
        assert_eq!(from_base64url("+/8"), None);
    }
}
