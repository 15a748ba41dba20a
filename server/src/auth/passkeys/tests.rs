//! Real ceremonies with an authenticator in software: what a browser and a passkey would send.

use super::*;
use countersign_domain::challenge::STATEMENT_TYPE;
use countersign_domain::digest::Digest;
use countersign_domain::grant::Grant;
use countersign_domain::request::Vote;
use proptest::prelude::*;
use serde_json::json;
use webauthn_authenticator_rs::AuthenticatorBackend;
use webauthn_authenticator_rs::softpasskey::SoftPasskey;
use webauthn_rs_proto::{PublicKeyCredentialCreationOptions, PublicKeyCredentialRequestOptions};

const DANA: UserId = UserId(Uuid::from_u128(0xda));
const JON: UserId = UserId(Uuid::from_u128(0x10));
const NOW: Timestamp = Timestamp::from_millis(1_795_430_400_000);

fn here() -> Url {
    Url::parse("http://localhost:8787").unwrap()
}

pub(super) fn given_desk() -> Passkeys {
    Passkeys::new("localhost", &here(), "Acme", &"k".repeat(43).into()).unwrap()
}

/// Someone's authenticator, and the passkey of it that the desk knows.
pub(super) fn given_enrolled(desk: &Passkeys) -> (SoftPasskey, StoredPasskey) {
    let mut device = SoftPasskey::new(true);
    let begun = desk.start_registration(DANA, "dana@acme.test", "Dana", &[]).unwrap();
    let credential = create(&mut device, &begun, here());
    (device, desk.finish_registration(&begun.state, &credential).unwrap())
}

/// `navigator.credentials.create`. The device keeps no resident keys, so it is asked for less than a browser would be.
fn create(device: &mut SoftPasskey, begun: &Begun, origin: Url) -> Value {
    let mut options = PublicKeyCredentialCreationOptions::deserialize(&begun.public_key).unwrap();
    options.authenticator_selection.as_mut().unwrap().require_resident_key = false;
    serde_json::to_value(device.perform_register(origin, options, 1_000).unwrap()).unwrap()
}

/// `navigator.credentials.get`.
fn get(device: &mut SoftPasskey, begun: &Begun) -> Value {
    get_with(device, begun, here(), |_| ())
}

fn get_with(
    device: &mut SoftPasskey,
    begun: &Begun,
    origin: Url,
    change: impl FnOnce(&mut PublicKeyCredentialRequestOptions),
) -> Value {
    let mut options = PublicKeyCredentialRequestOptions::deserialize(&begun.public_key).unwrap();
    change(&mut options);
    serde_json::to_value(device.perform_auth(origin, options, 1_000).unwrap()).unwrap()
}

fn given_statement() -> DecisionStatement {
    DecisionStatement {
        t: STATEMENT_TYPE.into(),
        nonce: "8Vx1u3zqk8vG2X3Jt0r1a2b3c4d5e6f7g8h9i0j1k2l".into(),
        digest: Digest::of(b"POST /refunds 49.00"),
        decision: Vote::Approve,
        grant: Grant::Once,
        tools: None,
        comment_sha256: Some(Digest::of(b"fine with me")),
        step: 1,
        user_id: Some(DANA),
        challenge_expires_at: (NOW + CHALLENGE_LIFETIME).millis(),
    }
}

/// A decision that Dana has just signed, with everything that the desk then holds.
struct Signed {
    desk: Passkeys,
    device: SoftPasskey,
    passkey: StoredPasskey,
    statement: DecisionStatement,
    state: String,
    credential: Value,
}

fn given_signed() -> Signed {
    let desk = given_desk();
    let (mut device, passkey) = given_enrolled(&desk);
    let statement = given_statement();
    let begun = desk.start_decision(std::slice::from_ref(&passkey), &statement).unwrap();
    let credential = get(&mut device, &begun);
    Signed { desk, device, passkey, statement, state: begun.state, credential }
}

impl Signed {
    fn finish(&self) -> Result<Assertion, PasskeyError> {
        self.finish_as(&self.statement, &self.credential)
    }

    fn finish_as(&self, statement: &DecisionStatement, credential: &Value) -> Result<Assertion, PasskeyError> {
        let passkeys = std::slice::from_ref(&self.passkey);
        self.desk.finish_decision(&self.state, statement, credential, passkeys, NOW)
    }
}

mod enrolling {
    use super::*;

    #[test]
    fn asks_for_a_passkey_that_can_be_found_without_a_name() {
        let desk = given_desk();
        let options = desk.start_registration(DANA, "dana@acme.test", "Dana", &[]).unwrap().public_key;
        assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
        assert_eq!(options["authenticatorSelection"]["requireResidentKey"], true);
        assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
        assert_eq!(options["rp"], json!({"id": "localhost", "name": "Acme"}));
        assert_eq!(options["user"]["id"], URL_SAFE_NO_PAD.encode(DANA.0.as_bytes()));
        assert_eq!(options["user"]["displayName"], "Dana");
        assert!(options.get("publicKey").is_none());
    }

    #[test]
    fn names_the_passkeys_that_are_enrolled_already() {
        let desk = given_desk();
        let (_, passkey) = given_enrolled(&desk);
        let options =
            desk.start_registration(DANA, "dana@acme.test", "Dana", std::slice::from_ref(&passkey)).unwrap().public_key;
        assert_eq!(options["excludeCredentials"][0]["id"], passkey.credential_id);
    }

    #[test]
    fn refuses_an_answer_from_another_site_or_to_another_challenge() {
        let desk = given_desk();
        let begun = desk.start_registration(DANA, "dana@acme.test", "Dana", &[]).unwrap();
        let elsewhere = create(&mut SoftPasskey::new(true), &begun, Url::parse("http://localhost:9999").unwrap());
        assert_eq!(desk.finish_registration(&begun.state, &elsewhere), Err(PasskeyError::WrongAddress));

        let other = desk.start_registration(DANA, "dana@acme.test", "Dana", &[]).unwrap();
        let credential = create(&mut SoftPasskey::new(true), &other, here());
        assert_eq!(desk.finish_registration(&begun.state, &credential), Err(PasskeyError::WrongChallenge));
    }

    #[test]
    fn a_desk_on_an_address_or_under_another_name_has_no_passkeys() {
        for (rp_id, origin) in [
            ("127.0.0.1", "http://127.0.0.1:8787"),
            ("desk.test", "https://evil.test"),
            ("desk.test", "https://notdesk.test"),
        ] {
            let desk = Passkeys::new(rp_id, &Url::parse(origin).unwrap(), "Acme", &"k".into());
            assert_eq!(desk.err(), Some(PasskeyError::Configuration), "{origin}");
        }
        assert!(Passkeys::new("acme.test", &Url::parse("https://desk.acme.test/x").unwrap(), "", &"k".into()).is_ok());
    }
}

mod signing_in {
    use super::*;

    fn named<'a>(email: &'a str, passkeys: &'a [StoredPasskey]) -> Option<Named<'a>> {
        Some(Named { email, passkeys })
    }

    #[test]
    fn works_with_a_name_and_raises_the_counter() {
        let desk = given_desk();
        let (mut device, passkey) = given_enrolled(&desk);
        let passkeys = [passkey];
        let begun = desk.start_sign_in(named("dana@acme.test", &passkeys)).unwrap();
        let credential = get(&mut device, &begun);
        assert_eq!(credential_id_of(&credential).unwrap(), passkeys[0].credential_id);

        let assertion = desk.finish_sign_in(&begun.state, &credential, DANA, &passkeys).unwrap();
        assert!(assertion.user_verified);
        assert_eq!(assertion.counter, 1);
        assert_ne!(assertion.updated_passkey_json.unwrap(), passkeys[0].passkey_json);
        assert_eq!(assertion.signature.origin, "http://localhost:8787");
    }

    #[test]
    fn works_without_a_name_when_the_passkey_says_whose_it_is() {
        let desk = given_desk();
        let (mut device, passkey) = given_enrolled(&desk);
        let passkeys = [passkey];
        let begun = desk.start_sign_in(None).unwrap();
        assert_eq!(begun.public_key["allowCredentials"], json!([]));
        assert_eq!(begun.public_key["userVerification"], "required");
        let mut credential = get_with(&mut device, &begun, here(), |options| {
            // A device with resident keys finds it by itself.
            let id = URL_SAFE_NO_PAD.decode(&passkeys[0].credential_id).unwrap();
            options.allow_credentials = vec![AllowCredentials { type_: "public-key".into(), id, transports: None }];
        });

        let finish = |credential: &Value, owner| desk.finish_sign_in(&begun.state, credential, owner, &passkeys);
        assert_eq!(finish(&credential, DANA), Err(PasskeyError::UnknownCredential), "no user handle");
        credential["response"]["userHandle"] = URL_SAFE_NO_PAD.encode(DANA.0.as_bytes()).into();
        assert_eq!(user_handle_of(&credential), Some(DANA));
        assert_eq!(finish(&credential, JON), Err(PasskeyError::UnknownCredential), "somebody else's handle");
        assert!(finish(&credential, DANA).is_ok());
    }

    #[test]
    fn an_unknown_address_is_answered_like_a_known_one() {
        let desk = given_desk();
        let (_, passkey) = given_enrolled(&desk);
        let shape = |options: &Value| {
            let mut keys: Vec<String> = options.as_object().unwrap().keys().cloned().collect();
            keys.extend(options["allowCredentials"][0].as_object().unwrap().keys().cloned());
            (keys, options["rpId"].clone(), options["userVerification"].clone(), options["timeout"].clone())
        };
        let known = desk.start_sign_in(named("dana@acme.test", &[passkey])).unwrap();
        for nobody in 0..200 {
            let email = format!("nobody{nobody}@acme.test");
            let unknown = desk.start_sign_in(named(&email, &[])).unwrap();
            assert_eq!(shape(&unknown.public_key), shape(&known.public_key));
            let again = desk.start_sign_in(named(&email, &[])).unwrap();
            assert_eq!(unknown.public_key["allowCredentials"], again.public_key["allowCredentials"]);
            assert_ne!(unknown.public_key["challenge"], again.public_key["challenge"]);
        }
    }

    #[test]
    fn a_sign_in_for_a_name_takes_nobody_elses_passkey() {
        let desk = given_desk();
        let (_, danas) = given_enrolled(&desk);
        let (mut device, jons) = given_enrolled(&desk);
        let id = URL_SAFE_NO_PAD.decode(&jons.credential_id).unwrap();
        for passkeys in [vec![danas], vec![]] {
            let begun = desk.start_sign_in(named("dana@acme.test", &passkeys)).unwrap();
            let credential = get_with(&mut device, &begun, here(), |options| {
                options.allow_credentials =
                    vec![AllowCredentials { type_: "public-key".into(), id: id.clone(), transports: None }];
            });
            let finished = desk.finish_sign_in(&begun.state, &credential, JON, std::slice::from_ref(&jons));
            assert_eq!(finished, Err(PasskeyError::UnknownCredential));
        }
    }

    #[test]
    fn a_passkey_that_was_removed_meanwhile_signs_nobody_in() {
        let desk = given_desk();
        let (mut device, passkey) = given_enrolled(&desk);
        let begun = desk.start_sign_in(named("dana@acme.test", &[passkey])).unwrap();
        let credential = get(&mut device, &begun);
        let finished = desk.finish_sign_in(&begun.state, &credential, DANA, &[]);
        assert_eq!(finished, Err(PasskeyError::UnknownCredential));
    }

    #[test]
    fn a_counter_that_went_back_since_is_refused() {
        let desk = given_desk();
        let (mut device, mut passkey) = given_enrolled(&desk);
        let begun = desk.start_sign_in(named("dana@acme.test", std::slice::from_ref(&passkey))).unwrap();
        let first = get(&mut device, &begun);
        let updated = desk.finish_sign_in(&begun.state, &first, DANA, std::slice::from_ref(&passkey)).unwrap();
        passkey.passkey_json = updated.updated_passkey_json.unwrap();
        // The state is older than the counter: what is stored now is what counts.
        let replayed = desk.finish_sign_in(&begun.state, &first, DANA, &[passkey]);
        assert_eq!(replayed, Err(PasskeyError::Suspicious));
    }

    #[test]
    fn an_answer_from_another_port_is_refused() {
        let desk = given_desk();
        let (mut device, passkey) = given_enrolled(&desk);
        let passkeys = [passkey];
        let begun = desk.start_sign_in(named("dana@acme.test", &passkeys)).unwrap();
        let credential = get_with(&mut device, &begun, Url::parse("http://localhost:9999").unwrap(), |_| ());
        let finished = desk.finish_sign_in(&begun.state, &credential, DANA, &passkeys);
        assert_eq!(finished, Err(PasskeyError::WrongAddress));
    }

    #[test]
    fn a_touch_without_verification_is_refused() {
        let desk = given_desk();
        let (mut device, passkey) = given_enrolled(&desk);
        let passkeys = [passkey];
        let begun = desk.start_sign_in(named("dana@acme.test", &passkeys)).unwrap();
        let credential = get_with(&mut device, &begun, here(), |options| {
            options.user_verification = webauthn_rs_proto::UserVerificationPolicy::Preferred;
        });
        let finished = desk.finish_sign_in(&begun.state, &credential, DANA, &passkeys);
        assert_eq!(finished, Err(PasskeyError::NotVerified));
    }
}

mod deciding {
    use super::*;

    #[test]
    fn signs_the_statement_and_keeps_the_proof() {
        let signed = given_signed();
        let assertion = signed.finish().unwrap();
        assert!(assertion.user_verified);
        assert_eq!(assertion.signature.credential_id, signed.passkey.credential_id);
        assert_eq!(assertion.signature.rp_id, "localhost");
        let said: Value = serde_json::from_slice(&assertion.signature.client_data_json).unwrap();
        assert_eq!(said["challenge"], URL_SAFE_NO_PAD.encode(signed.statement.challenge().unwrap().0));
        verify_stored_decision(&signed.statement, &assertion.signature).unwrap();
    }

    #[test]
    fn always_names_the_passkeys_that_may_sign() {
        let desk = given_desk();
        let (_, passkey) = given_enrolled(&desk);
        let options = desk.start_decision(std::slice::from_ref(&passkey), &given_statement()).unwrap().public_key;
        assert_eq!(options["allowCredentials"][0]["id"], passkey.credential_id);
        assert_eq!(options["userVerification"], "required");
        assert_eq!(options["challenge"], URL_SAFE_NO_PAD.encode(given_statement().challenge().unwrap().0));
        assert_eq!(desk.start_decision(&[], &given_statement()), Err(PasskeyError::NoPasskey));
    }

    #[test]
    fn an_answer_is_for_one_statement_only() {
        let signed = given_signed();
        let changes: [fn(&mut DecisionStatement); 8] = [
            |s| s.digest = Digest::of(b"POST /refunds 4900.00"),
            |s| s.decision = Vote::Deny,
            |s| s.comment_sha256 = Some(Digest::of(b"not so fine")),
            |s| s.comment_sha256 = None,
            |s| s.step = 2,
            |s| s.user_id = Some(JON),
            |s| s.nonce = "another".into(),
            |s| s.challenge_expires_at += 1,
        ];
        let right = signed.finish().unwrap();
        for change in changes {
            let mut other = signed.statement.clone();
            change(&mut other);
            assert_eq!(signed.finish_as(&other, &signed.credential), Err(PasskeyError::WrongChallenge));
            assert_eq!(verify_stored_decision(&other, &right.signature), Err(PasskeyError::WrongChallenge));
        }
    }

    #[test]
    fn an_answer_to_another_request_does_not_fit_this_ceremony() {
        let mut signed = given_signed();
        let mut other = signed.statement.clone();
        other.digest = Digest::of(b"another request");
        let begun = signed.desk.start_decision(std::slice::from_ref(&signed.passkey), &other).unwrap();
        let credential = get(&mut signed.device, &begun);
        assert_eq!(signed.finish_as(&signed.statement, &credential), Err(PasskeyError::WrongChallenge));
        assert_eq!(signed.finish_as(&other, &credential), Err(PasskeyError::WrongChallenge));
    }

    #[test]
    fn a_replayed_answer_does_not_open_the_next_ceremony() {
        let mut signed = given_signed();
        signed.passkey.passkey_json = signed.finish().unwrap().updated_passkey_json.unwrap();
        assert_eq!(signed.finish(), Err(PasskeyError::Suspicious), "the counter has moved on");

        signed.statement.nonce = "next".into();
        let passkeys = std::slice::from_ref(&signed.passkey);
        signed.state = signed.desk.start_decision(passkeys, &signed.statement).unwrap().state;
        assert_eq!(signed.finish(), Err(PasskeyError::WrongChallenge));
    }

    #[test]
    fn the_end_of_one_ceremony_never_takes_the_beginning_of_another() {
        let mut signed = given_signed();
        let passkeys = [signed.passkey.clone()];
        let sign_in = signed.desk.start_sign_in(Some(Named { email: "dana@acme.test", passkeys: &passkeys })).unwrap();
        let touched = get(&mut signed.device, &sign_in);
        let decided = signed.desk.finish_decision(&sign_in.state, &signed.statement, &touched, &passkeys, NOW);
        assert_eq!(decided, Err(PasskeyError::WrongChallenge));
        let signed_in = signed.desk.finish_sign_in(&signed.state, &signed.credential, DANA, &passkeys);
        assert_eq!(signed_in, Err(PasskeyError::WrongChallenge));
        let enrolled = signed.desk.finish_registration(&signed.state, &signed.credential);
        assert_eq!(enrolled, Err(PasskeyError::WrongChallenge));
    }

    #[test]
    fn the_unbound_state_refuses_the_bound_answer() {
        let signed = given_signed();
        let answer = PublicKeyCredential::deserialize(&signed.credential).unwrap();
        let passkeys = [signed.passkey.read().unwrap()];
        let (_, unbound) = signed.desk.webauthn.start_passkey_authentication(&passkeys).unwrap();
        let refused = signed.desk.webauthn.finish_passkey_authentication(&answer, &unbound);
        assert!(matches!(refused, Err(WebauthnError::MismatchedChallenge)));
    }

    #[test]
    fn another_persons_passkey_signs_nothing() {
        let mut signed = given_signed();
        signed.passkey = given_enrolled(&signed.desk).1;
        assert_eq!(signed.finish(), Err(PasskeyError::UnknownCredential));
    }

    #[test]
    fn a_user_handle_that_names_someone_else_is_refused() {
        let mut signed = given_signed();
        signed.credential["response"]["userHandle"] = URL_SAFE_NO_PAD.encode(JON.0.as_bytes()).into();
        assert_eq!(signed.finish(), Err(PasskeyError::UnknownCredential));
        signed.credential["response"]["userHandle"] = URL_SAFE_NO_PAD.encode(DANA.0.as_bytes()).into();
        assert!(signed.finish().is_ok());
    }

    #[test]
    fn a_stale_challenge_is_refused() {
        let signed = given_signed();
        let passkeys = std::slice::from_ref(&signed.passkey);
        let late = NOW + CHALLENGE_LIFETIME + std::time::Duration::from_millis(1);
        let finished =
            signed.desk.finish_decision(&signed.state, &signed.statement, &signed.credential, passkeys, late);
        assert_eq!(finished, Err(PasskeyError::Expired));
    }

    #[test]
    fn a_stored_decision_with_anything_changed_proves_nothing() {
        let signed = given_signed();
        let right = signed.finish().unwrap().signature;
        let another_key = {
            let other = given_enrolled(&signed.desk).1.read().unwrap();
            public_key::write(other.get_public_key()).unwrap()
        };
        type Change = Box<dyn Fn(&mut PasskeySignature)>;
        let changes: Vec<(Change, PasskeyError)> = vec![
            (Box::new(|s| s.rp_id = "evil.test".into()), PasskeyError::WrongAddress),
            (Box::new(|s| s.origin = "http://localhost:9999".into()), PasskeyError::WrongAddress),
            (Box::new(move |s| s.public_key.clone_from(&another_key)), PasskeyError::BadSignature),
            (Box::new(|s| s.authenticator_data[32] = 0x01), PasskeyError::NotVerified),
            (Box::new(|s| s.authenticator_data[32] |= 0x40), PasskeyError::BadSignature),
            (Box::new(|s| s.authenticator_data[36] ^= 1), PasskeyError::BadSignature),
            (Box::new(|s| s.authenticator_data.truncate(36)), PasskeyError::Malformed),
            (Box::new(|s| s.authenticator_data.push(0)), PasskeyError::BadSignature),
            (Box::new(|s| s.client_data_json.push(b' ')), PasskeyError::BadSignature),
            (Box::new(|s| s.signature[8] ^= 1), PasskeyError::BadSignature),
            (Box::new(|s| s.signature.clear()), PasskeyError::BadSignature),
        ];
        for (index, (change, why)) in changes.iter().enumerate() {
            let mut changed = right.clone();
            change(&mut changed);
            assert_eq!(verify_stored_decision(&signed.statement, &changed), Err(*why), "change {index}");
        }
    }
}

mod what_browsers_send {
    use super::*;

    #[test]
    fn may_leave_the_user_handle_out_or_null_and_add_what_we_do_not_know() {
        let mut signed = given_signed();
        signed.credential["authenticatorAttachment"] = "platform".into();
        signed.credential["clientExtensionResults"] = json!({"credProps": {"rk": true}, "new": 1});
        signed.credential.as_object_mut().unwrap().remove("extensions");
        signed.credential["response"]["userHandle"] = Value::Null;
        assert!(signed.finish().is_ok());
        signed.credential["response"].as_object_mut().unwrap().remove("userHandle");
        assert!(signed.finish().is_ok());
    }

    #[test]
    fn must_name_one_credential_in_one_spelling() {
        let signed = given_signed();
        let id = signed.passkey.credential_id.clone();
        let with = |key: &str, value: Value| {
            let mut credential = signed.credential.clone();
            credential[key] = value;
            credential
        };
        for bad in [
            with("id", "AAAA".into()),
            with("rawId", format!("{id}=").into()),
            with("rawId", "".into()),
            with("rawId", json!([1, 2])),
            with("type", "password".into()),
        ] {
            assert_eq!(credential_id_of(&bad), None, "{bad}");
            assert_eq!(signed.finish_as(&signed.statement, &bad), Err(PasskeyError::Malformed));
        }
        for nothing in [json!(null), json!([]), json!("x"), json!({}), json!({"response": 1})] {
            assert_eq!(credential_id_of(&nothing), None);
            assert_eq!(user_handle_of(&nothing), None);
        }
    }

    /// Places in a credential that something may happen to.
    fn places(value: &Value, at: &str, found: &mut Vec<String>) {
        found.push(at.to_owned());
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(key, member)| places(member, &format!("{at}/{key}"), found));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, item)| places(item, &format!("{at}/{i}"), found));
            }
            _ => {}
        }
    }

    #[derive(Clone, Debug)]
    enum Mutation {
        Replace(Value),
        Bytes(Vec<u8>),
        FlipBit(prop::sample::Index),
        Truncate(prop::sample::Index),
        Remove,
    }

    fn mutations() -> impl Strategy<Value = Mutation> {
        let values = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            Just(json!([])),
            Just(json!({})),
        ];
        prop_oneof![
            values.prop_map(Mutation::Replace),
            prop::collection::vec(any::<u8>(), 0..80).prop_map(Mutation::Bytes),
            any::<prop::sample::Index>().prop_map(Mutation::FlipBit),
            any::<prop::sample::Index>().prop_map(Mutation::Truncate),
            Just(Mutation::Remove),
        ]
    }

    fn mutate(credential: &mut Value, place: prop::sample::Index, mutation: &Mutation) {
        let mut found = Vec::new();
        places(credential, "", &mut found);
        let place = place.get(&found);
        if let (Mutation::Remove, Some((parent, key))) = (mutation, place.rsplit_once('/')) {
            credential.pointer_mut(parent).and_then(Value::as_object_mut).map(|members| members.remove(key));
            return;
        }
        let target = credential.pointer_mut(place).unwrap();
        let bytes = target.as_str().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).filter(|b| !b.is_empty());
        *target = match (mutation, bytes) {
            (Mutation::Replace(value), _) => value.clone(),
            (Mutation::Bytes(bytes), _) => URL_SAFE_NO_PAD.encode(bytes).into(),
            (Mutation::FlipBit(index), Some(mut bytes)) => {
                let bit = index.index(bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
                URL_SAFE_NO_PAD.encode(bytes).into()
            }
            (Mutation::Truncate(index), Some(bytes)) => {
                URL_SAFE_NO_PAD.encode(&bytes[..index.index(bytes.len())]).into()
            }
            _ => Value::Null,
        };
    }

    /// Ceremonies are slow to make; one of each is enough to break many times.
    struct Given {
        signed: Signed,
        enrol: (String, Value),
        sign_in: (String, Value),
    }

    fn given() -> &'static Given {
        static GIVEN: std::sync::OnceLock<Given> = std::sync::OnceLock::new();
        GIVEN.get_or_init(|| {
            let mut signed = given_signed();
            let begun = signed.desk.start_registration(DANA, "dana@acme.test", "Dana", &[]).unwrap();
            let enrol = (begun.state.clone(), create(&mut SoftPasskey::new(true), &begun, here()));
            let passkeys = [signed.passkey.clone()];
            let begun =
                signed.desk.start_sign_in(Some(Named { email: "dana@acme.test", passkeys: &passkeys })).unwrap();
            let sign_in = (begun.state.clone(), get(&mut signed.device, &begun));
            Given { signed, enrol, sign_in }
        })
    }

    /// What the signature covers, and who made it.
    fn essence(credential: &Value) -> [&Value; 5] {
        let response = &credential["response"];
        [
            &credential["rawId"],
            &response["clientDataJSON"],
            &response["authenticatorData"],
            &response["signature"],
            &response["attestationObject"],
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_mangled_answer_panics_or_passes(place: prop::sample::Index, mutation in mutations()) {
            let Given { signed, enrol, sign_in } = given();
            let passkeys = std::slice::from_ref(&signed.passkey);

            let mut credential = signed.credential.clone();
            mutate(&mut credential, place, &mutation);
            if signed.finish_as(&signed.statement, &credential).is_ok() {
                prop_assert_eq!(essence(&credential), essence(&signed.credential));
            }

            let mut credential = sign_in.1.clone();
            mutate(&mut credential, place, &mutation);
            if signed.desk.finish_sign_in(&sign_in.0, &credential, DANA, passkeys).is_ok() {
                prop_assert_eq!(essence(&credential), essence(&sign_in.1));
            }

            let mut credential = enrol.1.clone();
            mutate(&mut credential, place, &mutation);
            if signed.desk.finish_registration(&enrol.0, &credential).is_ok() {
                // Without attestation the key signs itself: the authenticator's statement may lose its signature.
                prop_assert_eq!(&credential["response"]["clientDataJSON"], &enrol.1["response"]["clientDataJSON"]);
            }
        }

        #[test]
        fn no_text_in_the_place_of_an_answer_panics(text in any::<String>(), state in any::<String>()) {
            let signed = &given().signed;
            let value: Value = text.into();
            prop_assert!(signed.finish_as(&signed.statement, &value).is_err());
            prop_assert_eq!(signed.desk.finish_registration(&state, &value), Err(PasskeyError::Stored));
        }
    }
}
