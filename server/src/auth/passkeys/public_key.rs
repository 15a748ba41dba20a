//! A passkey's public key as a JSON Web Key (RFC 7517, RFC 7518 section 6).
//!
//! The record outlives the crate: a stored key must be readable by anyone's tools, not by this version of ours alone.

use super::PasskeyError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::{COSEAlgorithm, COSEEC2Key, COSEKey, COSEKeyType, COSERSAKey, ECDSACurve};

#[derive(Serialize, Deserialize)]
#[serde(tag = "kty", deny_unknown_fields)]
enum Jwk {
    #[serde(rename = "EC")]
    Ec { alg: String, crv: String, x: String, y: String },
    #[serde(rename = "RSA")]
    Rsa { alg: String, n: String, e: String },
}

/// Writes the key.
pub(super) fn write(key: &COSEKey) -> Result<String, PasskeyError> {
    let jwk = match (&key.key, &key.type_) {
        (COSEKeyType::EC_EC2(point), alg) => {
            let (alg, crv) = match (&point.curve, alg) {
                (ECDSACurve::SECP256R1, COSEAlgorithm::ES256) => ("ES256", "P-256"),
                (ECDSACurve::SECP384R1, COSEAlgorithm::ES384) => ("ES384", "P-384"),
                _ => return Err(PasskeyError::Unsupported),
            };
            Jwk::Ec { alg: alg.into(), crv: crv.into(), x: encode(&point.x), y: encode(&point.y) }
        }
        (COSEKeyType::RSA(key), COSEAlgorithm::RS256) => {
            let first = key.e.iter().position(|byte| *byte != 0).ok_or(PasskeyError::Unsupported)?;
            Jwk::Rsa { alg: "RS256".into(), n: encode(&key.n), e: encode(&key.e[first..]) }
        }
        _ => return Err(PasskeyError::Unsupported),
    };
    serde_json::to_string(&jwk).map_err(|_| PasskeyError::Stored)
}

/// Reads what [`write`] wrote.
pub(super) fn read(jwk: &str) -> Result<COSEKey, PasskeyError> {
    match serde_json::from_str(jwk).map_err(|_| PasskeyError::Stored)? {
        Jwk::Ec { alg, crv, x, y } => {
            let (type_, curve, width) = match (alg.as_str(), crv.as_str()) {
                ("ES256", "P-256") => (COSEAlgorithm::ES256, ECDSACurve::SECP256R1, 32),
                ("ES384", "P-384") => (COSEAlgorithm::ES384, ECDSACurve::SECP384R1, 48),
                _ => return Err(PasskeyError::Unsupported),
            };
            let (x, y) = (decode(&x)?, decode(&y)?);
            if x.len() != width || y.len() != width {
                return Err(PasskeyError::Stored);
            }
            Ok(COSEKey { type_, key: COSEKeyType::EC_EC2(COSEEC2Key { curve, x, y }) })
        }
        Jwk::Rsa { alg, n, e } if alg == "RS256" => {
            let short = decode(&e)?;
            let mut e = [0; 3];
            let start = e.len().checked_sub(short.len()).ok_or(PasskeyError::Unsupported)?;
            e[start..].copy_from_slice(&short);
            Ok(COSEKey { type_: COSEAlgorithm::RS256, key: COSEKeyType::RSA(COSERSAKey { n: decode(&n)?, e }) })
        }
        Jwk::Rsa { .. } => Err(PasskeyError::Unsupported),
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Result<Vec<u8>, PasskeyError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| PasskeyError::Stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given_ec(type_: COSEAlgorithm, curve: ECDSACurve, width: usize) -> COSEKey {
        COSEKey { type_, key: COSEKeyType::EC_EC2(COSEEC2Key { curve, x: vec![1; width], y: vec![2; width] }) }
    }

    #[test]
    fn every_kind_that_we_ask_for_comes_back_as_it_was() {
        let rsa =
            |e| COSEKey { type_: COSEAlgorithm::RS256, key: COSEKeyType::RSA(COSERSAKey { n: vec![0xc1; 256], e }) };
        for key in [
            given_ec(COSEAlgorithm::ES256, ECDSACurve::SECP256R1, 32),
            given_ec(COSEAlgorithm::ES384, ECDSACurve::SECP384R1, 48),
            rsa([1, 0, 1]),
            rsa([0, 0, 3]),
        ] {
            assert_eq!(read(&write(&key).unwrap()).unwrap(), key);
        }
        assert!(write(&rsa([1, 0, 1])).unwrap().contains(r#""e":"AQAB""#));
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        assert!(write(&given_ec(COSEAlgorithm::ES384, ECDSACurve::SECP256R1, 32)).is_err());
        let jwk = write(&given_ec(COSEAlgorithm::ES256, ECDSACurve::SECP256R1, 32)).unwrap();
        assert!(read(&jwk.replace("P-256", "P-384")).is_err());
        assert!(read(&jwk.replace("ES256", "HS256")).is_err());
        assert!(read("{}").is_err());
    }
}
