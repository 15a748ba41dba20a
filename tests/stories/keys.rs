//! Keys that agents sign their tokens with, made for one story each.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::jwk::EllipticCurve;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::BigUint;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::{EncodePublicKey as _, LineEnding};
use serde_json::Value;

/// A private key as an agent holds it, and the public one as it registers it.
pub struct KeyPair {
    pub algorithm: Algorithm,
    pub public: String,
    private: EncodingKey,
}

impl KeyPair {
    pub fn ed25519() -> Self {
        let private = [&hex::decode("302e020100300506032b657004220420").unwrap()[..], &random()].concat();
        let public =
            (DEFAULT_PROVIDER.key_utils.ed_pub_components_from_private_key)(&private, &EllipticCurve::Ed25519).unwrap();
        let info = [&hex::decode("302a300506032b6570032100").unwrap()[..], &public].concat();
        Self { algorithm: Algorithm::EdDSA, public: pem(&info), private: EncodingKey::from_ed_der(&private) }
    }

    pub fn p256() -> Self {
        let mut scalar = random();
        // Below the group's order, whatever else was drawn.
        scalar[0] &= 0x7f;
        let head = "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420";
        let private = [&hex::decode(head).unwrap()[..], &scalar].concat();
        let (_, x, y) =
            (DEFAULT_PROVIDER.key_utils.ec_pub_components_from_private_key)(&private, Algorithm::ES256).unwrap();
        let head = "3059301306072a8648ce3d020106082a8648ce3d03010703420004";
        let info = [&hex::decode(head).unwrap()[..], &x, &y].concat();
        Self { algorithm: Algorithm::ES256, public: pem(&info), private: EncodingKey::from_ec_der(&private) }
    }

    /// Drawing RSA primes takes too long for a story, so everybody knows these: the two largest below 2^1024.
    pub fn rsa() -> Self {
        let below = |less: u32| (BigUint::from(1_u32) << 1024) - BigUint::from(less);
        let private = rsa::RsaPrivateKey::from_p_q(below(105), below(179), BigUint::from(65_537_u32)).unwrap();
        Self {
            algorithm: Algorithm::RS256,
            public: private.to_public_key().to_public_key_pem(LineEnding::LF).unwrap(),
            private: EncodingKey::from_rsa_der(private.to_pkcs1_der().unwrap().as_bytes()),
        }
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(&Header::new(self.algorithm), claims)
    }

    pub fn sign_with(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.private).unwrap()
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}
