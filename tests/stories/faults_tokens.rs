//! Tokens that agents sign themselves, and those of whoever wants to be taken for one, at the real door.

use crate::given::{given_shop, look};
use crate::keys::KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_server::clock::Clock as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use support::{Answer, Desk};

/// A desk with an agent that signs.
struct Signing {
    shop: crate::given::Shop,
    agent: String,
    owner: String,
    key: KeyPair,
}

async fn given_signing(key: KeyPair) -> Signing {
    let shop = given_shop().await;
    let body = json!({"name": "signing-bot", "public_key": key.public});
    let created = shop.dana.post("/api/agents", body).await.expect(201);
    assert!(created["key"].is_null(), "an agent that signs has no other key");
    let agent = created["agent"]["id"].as_str().unwrap().to_owned();
    let owner = shop.dana.get("/api/session").await.expect(200)["user"]["id"].as_str().unwrap().to_owned();
    Signing { shop, agent, owner, key }
}

impl Signing {
    fn now(&self) -> i64 {
        self.shop.desk.clock.now().millis() / 1_000
    }

    fn claims(&self) -> Value {
        json!({"agent_id": self.agent, "owner_id": self.owner, "iat": self.now(), "exp": self.now() + 60})
    }

    /// The claims with some changed; null takes one away.
    fn claims_but(&self, changes: &Value) -> Value {
        let mut claims = self.claims();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    }

    async fn show(&self, token: &str) -> Answer {
        show(&self.shop.desk, token).await
    }
}

async fn show(desk: &Desk, token: &str) -> Answer {
    desk.agent(token).get("/v1/agent/permissions").await
}

fn refused(answer: &Answer) -> bool {
    answer.status == 401 && answer.code() == "unauthenticated" && answer.headers.contains_key("www-authenticate")
}

fn encoded(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

#[tokio::test]
async fn each_registered_algorithm_opens_the_door_and_a_call_goes_through() {
    for key in [KeyPair::ed25519(), KeyPair::p256(), KeyPair::rsa()] {
        let signing = given_signing(key).await;
        let token = signing.key.sign(&signing.claims());
        let answer = signing.shop.desk.agent(&token).ask(look("ch_1")).await;
        assert_eq!(answer.status, 200, "{:?}: {}", signing.key.algorithm, answer.text);
    }
}

#[tokio::test]
async fn claims_that_do_not_hold_open_nothing() {
    let signing = given_signing(KeyPair::ed25519()).await;
    let (now, iat) = (signing.now(), |ago: i64| signing.now() - ago);
    let cases = [
        ("expired", json!({"iat": iat(91), "exp": iat(31)})),
        ("long expired", json!({"iat": 0, "exp": 60})),
        ("from the future", json!({"iat": now + 31, "exp": now + 60})),
        ("not before", json!({"nbf": now + 31})),
        ("61 seconds long", json!({"exp": now + 61})),
        ("a year long", json!({"exp": now + 31_536_000})),
        ("without a life", json!({"exp": now})),
        ("ending before it begins", json!({"iat": now + 10, "exp": now + 5})),
        ("no iat", json!({"iat": null})),
        ("no exp", json!({"exp": null})),
        ("no agent", json!({"agent_id": null})),
        ("no owner", json!({"owner_id": null})),
        ("times as texts", json!({"iat": now.to_string(), "exp": (now + 60).to_string()})),
        ("negative times", json!({"iat": -60, "exp": 0})),
        ("endless times", json!({"iat": 1e300, "exp": 1e300})),
        ("another agent", json!({"agent_id": "00000000-0000-7000-8000-000000000000"})),
        ("an agent that is none", json!({"agent_id": "'; DROP TABLE agents"})),
        ("another owner", json!({"owner_id": signing.agent})),
        ("another audience", json!({"aud": "https://other.test"})),
        ("other audiences", json!({"aud": ["https://other.test", "https://third.test"]})),
        ("our audience and more", json!({"aud": format!("{}.evil.test", signing.shop.desk.origin)})),
        ("an audience that is none", json!({"aud": 1})),
        ("an empty jti", json!({"jti": ""})),
        ("a huge jti", json!({"jti": "x".repeat(257)})),
        ("a jti that is no text", json!({"jti": 1})),
        ("much to say", json!({"x": "x".repeat(9_000)})),
    ];
    for (what, changes) in cases {
        let answer = signing.show(&signing.key.sign(&signing.claims_but(&changes))).await;
        assert!(refused(&answer), "{what}: {} {}", answer.status, answer.text);
    }
}

#[tokio::test]
async fn claims_within_the_limits_open_the_door() {
    let signing = given_signing(KeyPair::p256()).await;
    let now = signing.now();
    let aud = format!("{}/", signing.shop.desk.origin);
    for changes in [
        json!({"iat": now - 60, "exp": now - 29}),
        json!({"iat": now + 29, "exp": now + 89}),
        json!({"aud": aud}),
        json!({"aud": ["https://other.test", signing.shop.desk.origin]}),
        json!({"jti": "once"}),
        json!({"iat": now, "exp": now + 1}),
    ] {
        let answer = signing.show(&signing.key.sign(&signing.claims_but(&changes))).await;
        assert_eq!(answer.status, 200, "{changes}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_token_signed_by_nobody_or_by_another_opens_nothing() {
    for (key, other) in [
        (KeyPair::ed25519(), KeyPair::ed25519()),
        (KeyPair::p256(), KeyPair::p256()),
        (KeyPair::rsa(), KeyPair::ed25519()),
    ] {
        let signing = given_signing(key).await;
        let claims = signing.claims();
        let good = signing.key.sign(&claims);
        let [header, payload, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
        let secret = EncodingKey::from_secret(signing.key.public.as_bytes());
        let trimmed = EncodingKey::from_secret(signing.key.public.trim().as_bytes());
        let by_secret = |algorithm, key| jsonwebtoken::encode(&Header::new(algorithm), &claims, key).unwrap();
        let none = |alg: &str| encoded(&json!({"alg": alg, "typ": "JWT"}));
        let widened = encoded(&signing.claims_but(&json!({"jti": "another"})));
        let cases = [
            ("another's key", other.sign(&claims)),
            ("HS256 by the public key", by_secret(Algorithm::HS256, &secret)),
            ("HS256 by the public key's lines", by_secret(Algorithm::HS256, &trimmed)),
            ("HS512 by the public key", by_secret(Algorithm::HS512, &secret)),
            ("alg none", format!("{}.{payload}.", none("none"))),
            ("alg None with the signature", format!("{}.{payload}.{signature}", none("None"))),
            ("alg in small letters", format!("{}.{payload}.{signature}", none("hs256"))),
            ("alg empty", format!("{}.{payload}.{signature}", none(""))),
            ("no alg", format!("{}.{payload}.{signature}", encoded(&json!({"typ": "JWT"})))),
            ("no signature", format!("{header}.{payload}.")),
            ("two parts", format!("{header}.{payload}")),
            ("four parts", format!("{good}.x")),
            ("other claims under it", format!("{header}.{widened}.{signature}")),
            ("a cut signature", good[..good.len() - 4].to_owned()),
            ("a longer signature", format!("{good}AAAA")),
            ("a zero signature", format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode([0; 64]))),
            ("padding", format!("{good}==")),
        ];
        for (what, token) in cases {
            let answer = signing.show(&token).await;
            assert!(refused(&answer), "{:?}, {what}: {} {}", signing.key.algorithm, answer.status, answer.text);
        }
        assert_eq!(signing.show(&good).await.status, 200);
    }
}

#[tokio::test]
async fn the_header_chooses_neither_the_algorithm_nor_the_key() {
    let (signing, mine) = (given_signing(KeyPair::p256()).await, KeyPair::ed25519());
    let mut header = Header::new(mine.algorithm);
    header.jku = Some("https://evil.test/keys".into());
    header.x5u = header.jku.clone();
    header.kid = Some("../../../../dev/null".into());
    assert!(refused(&signing.show(&mine.sign_with(&header, &signing.claims())).await));
    let mut critical = Header::new(signing.key.algorithm);
    critical.crit = Some(vec!["exp".into()]);
    assert!(refused(&signing.show(&signing.key.sign_with(&critical, &signing.claims())).await));
}

#[tokio::test]
async fn a_token_with_an_id_opens_the_door_once_and_a_restart_does_not_forget_it() {
    let signing = given_signing(KeyPair::ed25519()).await;
    let token = signing.key.sign(&signing.claims_but(&json!({"jti": "once"})));
    assert_eq!(signing.show(&token).await.status, 200);
    assert!(refused(&signing.show(&token).await));
    let same_id = signing.key.sign(&signing.claims_but(&json!({"jti": "once", "exp": signing.now() + 59})));
    assert!(refused(&signing.show(&same_id).await));
    let desk = signing.shop.desk.restart().await;
    assert!(refused(&show(&desk, &token).await));
}

#[tokio::test]
async fn of_many_who_show_the_same_token_at_once_one_comes_in() {
    let signing = given_signing(KeyPair::ed25519()).await;
    let token = signing.key.sign(&signing.claims_but(&json!({"jti": "once"})));
    let answers = futures::future::join_all((0..16).map(|_| signing.show(&token))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

#[tokio::test]
async fn a_good_token_ages_and_a_suspended_agents_is_no_use() {
    let signing = given_signing(KeyPair::ed25519()).await;
    let token = signing.key.sign(&signing.claims());
    let path = format!("/api/agents/{}", signing.agent);
    signing.shop.dana.call(Method::PATCH, &path, Some(json!({"status": "suspended"}))).await.expect(200);
    let suspended = signing.show(&token).await;
    assert_eq!((suspended.status, suspended.code()), (403, "agent_suspended"));
    signing.shop.dana.call(Method::PATCH, &path, Some(json!({"status": "active"}))).await.expect(200);
    assert_eq!(signing.show(&token).await.status, 200);
    signing.shop.desk.clock.forward(Duration::from_secs(91));
    assert!(refused(&signing.show(&token).await));
}

#[tokio::test]
async fn an_agent_that_signs_can_not_be_entered_by_a_forged_key_and_the_reverse() {
    let signing = given_signing(KeyPair::ed25519()).await;
    let bots = signing.shop.dana.get("/api/agents").await.expect(200);
    let bot = bots["items"].as_array().unwrap().iter().find(|bot| bot["name"] == "invoice-bot").unwrap();
    // An agent with an API key has no public key, so that no token is its.
    let claims = signing.claims_but(&json!({"agent_id": bot["id"]}));
    assert!(refused(&signing.show(&signing.key.sign(&claims)).await));
}

#[tokio::test]
async fn a_public_key_that_is_weak_or_private_or_none_is_not_registered() {
    let shop = given_shop().await;
    let p256 = KeyPair::p256().public;
    for key in [
        "",
        "ssh-ed25519 AAAA",
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----",
        &p256.replace("PUBLIC", "PRIVATE"),
        &p256[..80],
        &"x".repeat(100_000),
    ] {
        let answer = shop.dana.post("/api/agents", json!({"name": "bad", "public_key": key})).await;
        assert_eq!(
            (answer.status, answer.code()),
            (422, "invalid"),
            "{:?}: {}",
            &key[..key.len().min(40)],
            answer.text
        );
    }
}
