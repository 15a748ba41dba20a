//! Tokens as agents make them, and as those make them who want to be taken for one.
//!
//! Keys are made at run time, but for RSA: its token was signed once and the private key thrown away.

use super::*;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::jwk::EllipticCurve;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_millis(1_795_430_400_000);
const NOW_SECONDS: i64 = 1_795_430_400;

fn given_expected() -> Expected {
    Expected {
        agent_id: AgentId(Uuid::from_u128(0xa9)),
        owner_id: UserId(Uuid::from_u128(0x0e)),
        audience: "https://desk.acme.test".into(),
    }
}

fn given_claims() -> Value {
    let expected = given_expected();
    json!({
        "agent_id": expected.agent_id,
        "owner_id": expected.owner_id,
        "iat": NOW_SECONDS,
        "exp": NOW_SECONDS + 60,
    })
}

/// A private key as an agent holds it, and the public one as it registers it.
struct KeyPair {
    private: EncodingKey,
    algorithm: Algorithm,
    pem: String,
}

fn pem_of(label: &str, der: &[u8]) -> String {
    let lines: Vec<String> =
        STANDARD.encode(der).as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

fn given_ed25519() -> KeyPair {
    let private = [&hex::decode("302e020100300506032b657004220420").unwrap()[..], &random()].concat();
    let public =
        (DEFAULT_PROVIDER.key_utils.ed_pub_components_from_private_key)(&private, &EllipticCurve::Ed25519).unwrap();
    let info = [&hex::decode("302a300506032b6570032100").unwrap()[..], &public].concat();
    KeyPair {
        private: EncodingKey::from_ed_der(&private),
        algorithm: Algorithm::EdDSA,
        pem: pem_of("PUBLIC KEY", &info),
    }
}

fn given_p256() -> KeyPair {
    let mut scalar = random();
    // Below the group's order, whatever else was drawn.
    scalar[0] &= 0x7f;
    let head = "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420";
    let private = [&hex::decode(head).unwrap()[..], &scalar].concat();
    let (_, x, y) =
        (DEFAULT_PROVIDER.key_utils.ec_pub_components_from_private_key)(&private, Algorithm::ES256).unwrap();
    let head = "3059301306072a8648ce3d020106082a8648ce3d03010703420004";
    let info = [&hex::decode(head).unwrap()[..], &x, &y].concat();
    KeyPair {
        private: EncodingKey::from_ec_der(&private),
        algorithm: Algorithm::ES256,
        pem: pem_of("PUBLIC KEY", &info),
    }
}

impl KeyPair {
    fn public(&self) -> AgentPublicKey {
        AgentPublicKey::read(&self.pem).unwrap()
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_with(&Header::new(self.algorithm), claims)
    }

    fn sign_with(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.private).unwrap()
    }

    /// What becomes of a token with these claims.
    fn try_claims(&self, claims: &Value) -> Result<Verified, JwtError> {
        verify(&self.sign(claims), &self.public(), &given_expected(), NOW)
    }
}

const RSA_PEM: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAsoYD0Llt0fOgKM3pJKW3
5ZHxMikDsU8boC5NuL1qSgeQYo7YDihxXkfuR8mcpAh+7PCA9UB4sauxobYhGJNG
8k4RdV9tyW/bqygT6TGfandhlBX7I1KwRvvgRXe0vVeyv5c0M0U9qjCMZthbC10s
dT8J17Bg8G6xExQWpeiaieivktz7TGcNPgGa1Z7+YOcYWmd7uD2PmxIQJJi+v5pM
hZfiTUd90n7+HPQIOndRIqjF4m0+0OM6uZxZV92fduER/q6PsiVVpbTv2/Ug0bd1
2/h57iiph2va1WRqS3isMtt4MrW95TRCRZli9WAblnTgqwKUerG/qokATMEMW7Eo
sQIDAQAB
-----END PUBLIC KEY-----
";

/// [`given_claims`], signed with the key to [`RSA_PEM`] by `openssl dgst -sha256 -sign`.
const RSA_SIGNATURE: &str = "rkyhFMqo_YfSo9DPAy-jfkbFfu8rtprUBIHLWTAnnVU1ETTdB1WVFB8g15d3IuKLbfEs5y26dp1ifiVcRcO44q\
    LlgVdlxw5E3SkhenSw2oL7XD7ggJMi5YKLvcSgI7ayT8Xlu1Vo4-S0iAPxqN6Z-50DL9pQDbdQ8QLyRijoDjjGVb20vvS-5yR9h4TGc3QmdQifiG\
    aDoyeibzDOjjLE1d1nwnTkdVEUYRBo4fBaFDNJX8zBo1s3JsJfHaWKyQARgCXpvCDAcNyHFtn8Tpj_lkf2PxpGAuo0J2dnuW3egZGyXgNI1-IqHn\
    WvcoYKE4EPu5L_XKt6To_4QqUBVAYKHg";

fn given_rsa_token() -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    let claims = r#"{"agent_id":"00000000-0000-0000-0000-0000000000a9","owner_id":"00000000-0000-0000-0000-00000000000e","iat":1795430400,"exp":1795430460}"#;
    format!("{header}.{}.{RSA_SIGNATURE}", URL_SAFE_NO_PAD.encode(claims))
}

mod who {
    use super::*;

    #[test]
    fn a_token_of_each_algorithm_is_taken() {
        for (pair, algorithm) in [(given_p256(), KeyAlgorithm::Es256), (given_ed25519(), KeyAlgorithm::EdDsa)] {
            assert_eq!(pair.public().algorithm(), algorithm);
            let verified = pair.try_claims(&given_claims()).unwrap();
            assert_eq!(verified, Verified { jti: None, expires_at: NOW + LONGEST_LIFE });
        }
        let rsa = AgentPublicKey::read(RSA_PEM).unwrap();
        assert_eq!(rsa.algorithm(), KeyAlgorithm::Rs256);
        assert!(verify(&given_rsa_token(), &rsa, &given_expected(), NOW).is_ok());
    }

    #[test]
    fn the_registered_key_fixes_the_algorithm_and_the_header_does_not() {
        let keys = [given_p256().public(), given_ed25519().public(), AgentPublicKey::read(RSA_PEM).unwrap()];
        let tokens = [given_p256().sign(&given_claims()), given_ed25519().sign(&given_claims()), given_rsa_token()];
        for (i, key) in keys.iter().enumerate() {
            for (j, token) in tokens.iter().enumerate().filter(|(j, _)| i != *j) {
                let refused = verify(token, key, &given_expected(), NOW);
                assert_eq!(refused, Err(JwtError::WrongAlgorithm), "key {i}, token {j}");
            }
        }
    }

    #[test]
    fn a_public_key_is_nobodys_hmac_secret() {
        for pem in [given_p256().pem, given_ed25519().pem, RSA_PEM.to_owned()] {
            let key = AgentPublicKey::read(&pem).unwrap();
            let body = pem.lines().filter(|line| !line.starts_with('-')).collect::<String>();
            for secret in [pem.as_bytes(), pem.trim().as_bytes(), &STANDARD.decode(body).unwrap()] {
                for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                    let secret = EncodingKey::from_secret(secret);
                    let token = jsonwebtoken::encode(&Header::new(algorithm), &given_claims(), &secret).unwrap();
                    assert_eq!(verify(&token, &key, &given_expected(), NOW), Err(JwtError::WrongAlgorithm));
                }
            }
        }
    }

    #[test]
    fn an_unsigned_token_is_refused_however_it_is_written() {
        let key = given_ed25519().public();
        let claims = URL_SAFE_NO_PAD.encode(given_claims().to_string());
        for alg in ["none", "None", "NONE", "", "HS1", "eddsa"] {
            let header = URL_SAFE_NO_PAD.encode(json!({"alg": alg, "typ": "JWT"}).to_string());
            for signature in ["", "AAAA"] {
                let token = format!("{header}.{claims}.{signature}");
                assert_eq!(verify(&token, &key, &given_expected(), NOW), Err(JwtError::Malformed), "{alg}");
            }
        }
        let signed = given_ed25519().sign(&given_claims());
        let (token, _) = signed.rsplit_once('.').unwrap();
        assert_eq!(verify(&format!("{token}."), &key, &given_expected(), NOW), Err(JwtError::BadSignature));
        assert_eq!(verify(token, &key, &given_expected(), NOW), Err(JwtError::Malformed));
    }

    #[test]
    fn another_key_of_the_same_kind_is_refused() {
        for (mine, theirs) in [(given_p256(), given_p256()), (given_ed25519(), given_ed25519())] {
            let refused = verify(&theirs.sign(&given_claims()), &mine.public(), &given_expected(), NOW);
            assert_eq!(refused, Err(JwtError::BadSignature));
        }
    }

    #[test]
    fn a_key_in_the_header_counts_for_nothing() {
        let (mine, theirs) = (given_p256(), given_p256());
        let mut header = Header::new(Algorithm::ES256);
        header.jwk = Some(jsonwebtoken::jwk::Jwk::from_encoding_key(&theirs.private, Algorithm::ES256).unwrap());
        header.jku = Some("https://evil.test/keys".into());
        header.kid = Some("../../dev/null".into());
        let token = theirs.sign_with(&header, &given_claims());
        assert_eq!(verify(&token, &mine.public(), &given_expected(), NOW), Err(JwtError::BadSignature));
    }

    #[test]
    fn a_changed_payload_or_header_is_refused() {
        let pair = given_ed25519();
        let token = pair.sign(&given_claims());
        let (header, rest) = token.split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        let mut claims = given_claims();
        claims["jti"] = "fresh".into();
        let changed = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        assert_eq!(verify(&changed, &pair.public(), &given_expected(), NOW), Err(JwtError::BadSignature));

        let rsa = AgentPublicKey::read(RSA_PEM).unwrap();
        let changed = given_rsa_token().replace(&RSA_SIGNATURE[..8], "AAAAAAAA");
        assert_eq!(verify(&changed, &rsa, &given_expected(), NOW), Err(JwtError::BadSignature));
    }

    #[test]
    fn another_agent_or_owner_is_refused() {
        let pair = given_ed25519();
        let mut claims = given_claims();
        claims["agent_id"] = Uuid::from_u128(1).to_string().into();
        assert_eq!(pair.try_claims(&claims), Err(JwtError::WrongAgent));
        let mut claims = given_claims();
        claims["owner_id"] = Uuid::from_u128(1).to_string().into();
        assert_eq!(pair.try_claims(&claims), Err(JwtError::WrongOwner));
        claims["owner_id"] = given_expected().owner_id.to_string().to_uppercase().into();
        assert!(pair.try_claims(&claims).is_ok());
    }

    #[test]
    fn an_audience_counts_where_there_is_one() {
        let pair = given_ed25519();
        let with = |aud: Value| {
            let mut claims = given_claims();
            claims["aud"] = aud;
            pair.try_claims(&claims)
        };
        for ours in [
            json!("https://desk.acme.test"),
            json!("https://desk.acme.test/"),
            json!(["https://other.test", "https://desk.acme.test"]),
        ] {
            assert!(with(ours.clone()).is_ok(), "{ours}");
        }
        for theirs in [json!("https://other.test"), json!([]), json!(""), json!(["https://desk.acme.test.evil.test"])] {
            assert_eq!(with(theirs.clone()), Err(JwtError::WrongAudience), "{theirs}");
        }
        assert_eq!(with(json!(7)), Err(JwtError::Malformed));
    }
}

mod when {
    use super::*;

    fn at(iat: i64, exp: i64) -> Result<Verified, JwtError> {
        let mut claims = given_claims();
        claims["iat"] = (NOW_SECONDS + iat).into();
        claims["exp"] = (NOW_SECONDS + exp).into();
        given_ed25519().try_claims(&claims)
    }

    #[test]
    fn a_minute_at_most_and_half_a_minute_of_skew_either_way() {
        for (iat, exp) in [(0, 60), (0, 1), (30, 90), (-60, 0), (-89, -29)] {
            assert!(at(iat, exp).is_ok(), "{iat} to {exp}");
        }
        assert_eq!(at(0, 61), Err(JwtError::WrongLife));
        assert_eq!(at(0, 0), Err(JwtError::WrongLife));
        assert_eq!(at(0, -1), Err(JwtError::WrongLife));
        assert_eq!(at(-3600, 30), Err(JwtError::WrongLife));
        assert_eq!(at(-90, -30), Err(JwtError::Expired));
        assert_eq!(at(-3600, -3550), Err(JwtError::Expired));
        assert_eq!(at(31, 60), Err(JwtError::NotYet));
        assert_eq!(at(3600, 3660), Err(JwtError::NotYet));
    }

    #[test]
    fn not_before_counts_where_it_stands() {
        for (nbf, holds) in [(-10, true), (30, true), (31, false)] {
            let mut claims = given_claims();
            claims["nbf"] = (NOW_SECONDS + nbf).into();
            assert_eq!(given_ed25519().try_claims(&claims).is_ok(), holds, "{nbf}");
        }
    }

    #[test]
    fn fractions_of_seconds_are_dates_and_nonsense_is_not() {
        let mut claims = given_claims();
        claims["iat"] = json!(NOW_SECONDS as f64 + 0.25);
        claims["exp"] = json!(NOW_SECONDS as f64 + 30.5);
        let verified = given_ed25519().try_claims(&claims).unwrap();
        assert_eq!(verified.expires_at, Timestamp::from_millis(NOW.millis() + 30_500));
        for nonsense in [json!("1795430400"), json!(-1), json!(1e300), json!(null), json!(u64::MAX), json!([])] {
            for claim in ["iat", "exp"] {
                let mut claims = given_claims();
                claims[claim] = nonsense.clone();
                assert_eq!(given_ed25519().try_claims(&claims), Err(JwtError::Malformed), "{claim} {nonsense}");
            }
        }
    }

    #[test]
    fn an_id_is_returned_with_the_time_until_which_it_must_be_remembered() {
        let pair = given_ed25519();
        let with = |jti: &str| {
            let mut claims = given_claims();
            claims["jti"] = jti.into();
            pair.try_claims(&claims)
        };
        let verified = with("0192-abc").unwrap();
        assert_eq!(verified.jti.as_deref(), Some("0192-abc"));
        let token = pair.sign(&given_claims());
        let until = verified.replayable_until();
        let just_before = Timestamp::from_millis(until.millis() - 1);
        assert!(verify(&token, &pair.public(), &given_expected(), just_before).is_ok());
        assert_eq!(verify(&token, &pair.public(), &given_expected(), until), Err(JwtError::Expired));

        assert_eq!(with(""), Err(JwtError::WrongJti));
        assert_eq!(with(&"x".repeat(257)), Err(JwtError::WrongJti));
    }
}

mod shape {
    use super::*;

    #[test]
    fn every_claim_that_must_be_there_must_be_there_once() {
        let pair = given_ed25519();
        for missing in ["agent_id", "owner_id", "iat", "exp"] {
            let mut claims = given_claims();
            claims.as_object_mut().unwrap().remove(missing);
            assert_eq!(pair.try_claims(&claims), Err(JwtError::Malformed), "{missing}");
        }
        let once = given_claims().to_string();
        let twice = once.replacen('{', r#"{"agent_id":"00000000-0000-0000-0000-000000000001","#, 1);
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA"}"#);
        let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(twice));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &pair.private, Algorithm::EdDSA).unwrap();
        let token = format!("{message}.{signature}");
        assert_eq!(verify(&token, &pair.public(), &given_expected(), NOW), Err(JwtError::Malformed));
        assert_eq!(peek_agent_id(&token), None);
    }

    #[test]
    fn a_critical_header_is_refused() {
        let pair = given_ed25519();
        let mut header = Header::new(Algorithm::EdDSA);
        header.crit = Some(vec!["exp".into()]);
        let token = pair.sign_with(&header, &given_claims());
        assert_eq!(verify(&token, &pair.public(), &given_expected(), NOW), Err(JwtError::CriticalHeader));
    }

    #[test]
    fn peeking_finds_the_agent_and_proves_nothing() {
        let token = given_ed25519().sign(&given_claims());
        assert_eq!(peek_agent_id(&token), Some(given_expected().agent_id));
        let forged = token.rsplit_once('.').map(|(rest, _)| format!("{rest}.AAAA")).unwrap();
        assert_eq!(peek_agent_id(&forged), Some(given_expected().agent_id));
        for nothing in ["", ".", "..", "a.b.c", "csk_abc", &format!("{token}.more"), &"a".repeat(9_000)] {
            assert_eq!(peek_agent_id(nothing), None, "{nothing:.20}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_mangled_token_panics_or_passes(at: prop::sample::Index, byte in any::<u8>()) {
            let token = given_rsa_token();
            let at = at.index(token.len());
            let mut bytes = token.clone().into_bytes();
            bytes[at] = byte;
            let mangled = String::from_utf8_lossy(&bytes).into_owned();
            let _ = peek_agent_id(&mangled);
            let key = AgentPublicKey::read(RSA_PEM).unwrap();
            let taken = verify(&mangled, &key, &given_expected(), NOW).is_ok();
            prop_assert_eq!(taken, mangled == token);
        }

        #[test]
        fn no_text_panics(text in any::<String>(), der in prop::collection::vec(any::<u8>(), 0..120)) {
            prop_assert!(verify(&text, &AgentPublicKey::read(RSA_PEM).unwrap(), &given_expected(), NOW).is_err());
            prop_assert_eq!(peek_agent_id(&text), None);
            prop_assert!(AgentPublicKey::read(&text).is_err());
            prop_assert!(AgentPublicKey::read(&pem_of("PUBLIC KEY", &der)).is_err());
        }

        #[test]
        fn no_mangled_key_panics(at: prop::sample::Index, byte in any::<u8>(), cut: prop::sample::Index) {
            for pem in [RSA_PEM.to_owned(), given_p256().pem, given_ed25519().pem] {
                let body = pem.lines().filter(|line| !line.starts_with('-')).collect::<String>();
                let mut der = STANDARD.decode(body).unwrap();
                let at = at.index(der.len());
                der[at] = byte;
                if let Ok(key) = AgentPublicKey::read(&pem_of("PUBLIC KEY", &der)) {
                    prop_assert!(verify("a.b.c", &key, &given_expected(), NOW).is_err());
                }
                der.truncate(cut.index(der.len()));
                prop_assert!(AgentPublicKey::read(&pem_of("PUBLIC KEY", &der)).is_err());
            }
        }
    }
}

mod registering {
    use super::*;

    #[test]
    fn reads_pem_as_people_paste_it() {
        let pem = given_p256().pem;
        for pasted in [pem.replace('\n', "\r\n"), format!("\n\n  {pem}  \n"), pem.trim().to_owned()] {
            assert_eq!(AgentPublicKey::read(&pasted).unwrap().algorithm(), KeyAlgorithm::Es256);
        }
    }

    #[test]
    fn a_private_key_is_refused_and_never_repeated() {
        let secret = STANDARD.encode(random());
        for label in
            ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"]
        {
            let private = format!("-----BEGIN {label}-----\n{secret}\n-----END {label}-----\n");
            for pasted in [private.clone(), format!("{}{private}", given_p256().pem)] {
                let error = AgentPublicKey::read(&pasted).unwrap_err();
                assert_eq!(error, JwtKeyError::Private);
                assert!(!format!("{error} {error:?}").contains(&secret));
            }
        }
    }

    #[test]
    fn says_what_it_is_instead() {
        let (pem, other) = (given_p256().pem, given_ed25519().pem);
        let cases = [
            (String::new(), JwtKeyError::NotPem),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI dana@acme".into(), JwtKeyError::NotPem),
            (r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#.into(), JwtKeyError::NotPem),
            (pem.replace("PUBLIC KEY", "CERTIFICATE"), JwtKeyError::Certificate),
            (pem.replace("PUBLIC KEY", "RSA PUBLIC KEY"), JwtKeyError::NotPem),
            (format!("{pem}{other}"), JwtKeyError::Damaged),
            (format!("{pem}{}", " ".repeat(20_000)), JwtKeyError::NotPem),
            (pem_of("PUBLIC KEY", b"not DER"), JwtKeyError::Damaged),
            (pem_of("PUBLIC KEY", &[]), JwtKeyError::Damaged),
        ];
        for (pasted, why) in cases {
            assert_eq!(AgentPublicKey::read(&pasted).unwrap_err(), why, "{pasted:.80}");
        }
    }

    #[test]
    fn refuses_keys_that_are_weak_or_of_another_kind() {
        let read =
            |body: &str| AgentPublicKey::read(&pem_of("PUBLIC KEY", &STANDARD.decode(body).unwrap())).unwrap_err();
        let rsa_1024 = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDlO8uaGQlgYXFuYjBFn+VghHLnNC8k3vs9hvvzR2EjmeXKgC6OnJBbiVDjWL\
            eAaIO3WouSVaFW2xUyF64sS5M5gwNb8dsfUdr6/4TdN2yaxQQ6mpfFVjfjGFIpNFwHFt30LFcSz2u1svQQ6qh+3lZ764FfXiYwEoWeEnXCljytHwID\
            AQAB";
        assert_eq!(read(rsa_1024), JwtKeyError::RsaSize(1024));
        let secp256k1 = "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEgelnmoBey/YH2q4u00szw8e/eIHHJ936Qr0jU9xQryIoV+fnMW76YdUzGuSDA9C/O0\
            hJIiwTIVePdjzCbgLXKg==";
        assert_eq!(read(secp256k1), JwtKeyError::Unsupported);
        let p384 = "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEtzCi5k88cgpjBS8rYNUaBvL6ujl3pnHj48gj0RXCuqC0xgH9JtYV5o8agzFHkWgVGqFh6A\
            sSi+0bv8Wxt4uD5QQBgTOkR0EZC7wIxui7sizyXlYe8G38JfUVh5e061xR";
        assert_eq!(read(p384), JwtKeyError::Unsupported);
        let x25519 = "MCowBQYDK2VuAyEAlVh0NdTeY5PxbSgRttnzwcmRmP/X5fH8NHNqH4uQ4Go=";
        assert_eq!(read(x25519), JwtKeyError::Unsupported);
    }

    #[test]
    fn refuses_a_point_that_is_not_on_the_curve() {
        let head = "3059301306072a8648ce3d020106082a8648ce3d03010703420004";
        let info = [&hex::decode(head).unwrap()[..], &[1; 64]].concat();
        assert_eq!(AgentPublicKey::read(&pem_of("PUBLIC KEY", &info)).unwrap_err(), JwtKeyError::Damaged);
    }
}
