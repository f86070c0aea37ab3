//! Tokens of an identity provider, whose keys are fetched from where it publishes them.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use axum::{Router, extract::State, http::StatusCode, routing::get};
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use noctis_shared::{dicom_uid::public_id, queue::QueueLimits};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::house::{Answer, House, STUDY};

const STUDIES: &str = "/api/v1/dicom/studies";
const ISSUER: &str = "https://id.example/realms/hospital";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// What a PKCS#8 document has before an RSA key of 2048 bits (RFC 5208, RFC 8017 A.1.2).
const BEFORE_RSA_KEY: usize = 26;

/// A key that signs tokens, and what is published of it.
struct Signer {
    id: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    fn rs256(id: &'static str) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der = AsDer::as_der(&pair).expect("PKCS#8");
        let der: &[u8] = der.as_ref();
        Self { id, algorithm: Algorithm::RS256, key: EncodingKey::from_rsa_der(&der[BEFORE_RSA_KEY..]) }
    }

    fn es256(id: &'static str) -> Self {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        Self { id, algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(der.as_ref()) }
    }

    fn ed25519(id: &'static str) -> Self {
        let der = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).expect("a key");
        Self { id, algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(der.as_ref()) }
    }

    fn published(&self) -> Value {
        let mut key = Jwk::from_encoding_key(&self.key, self.algorithm).expect("a public half");
        key.common.key_id = Some(self.id.to_owned());
        serde_json::to_value(key).expect("JSON")
    }

    fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        let now = Utc::now().timestamp();
        let mut claims = json!({
            "iss": ISSUER, "aud": ["noctis", "account"], "sub": "ada", "iat": now, "exp": now + 300, "jti": "one",
            "sid": "9f2c4c1e-8d0a-4f5e-9a57-0d5f0f8e7d11", "scope": "openid images:read studies:read",
        });
        change(&mut claims);
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) };
        encode(&header, &claims, &self.key).expect("signed")
    }
}

/// Where keys are published.
#[derive(Clone, Default)]
struct Provider {
    keys: Arc<Mutex<Option<Vec<Value>>>>,
    asked: Arc<AtomicU32>,
}

impl Provider {
    async fn start(signers: &[&Signer]) -> (Self, String) {
        let provider = Self::default();
        provider.publish(signers);
        let router = Router::new().route("/jwks", get(keys)).with_state(provider.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/jwks", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (provider, url)
    }

    fn publish(&self, signers: &[&Signer]) {
        let keys = signers.iter().map(|signer| signer.published()).collect();
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Some(keys);
    }

    fn go_away(&self) {
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn keys(State(provider): State<Provider>) -> Result<String, StatusCode> {
    provider.asked.fetch_add(1, Ordering::SeqCst);
    let keys = provider.keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
    keys.map(|keys| json!({"keys": keys}).to_string()).ok_or(StatusCode::SERVICE_UNAVAILABLE)
}

async fn house(url: &str, more: &[(&'static str, &'static str)]) -> House {
    let own = [
        ("NOCTIS_AUTH", "jwt"),
        ("NOCTIS_JWT_JWKS_URL", url),
        ("NOCTIS_JWT_ISSUER", ISSUER),
        ("NOCTIS_JWT_AUDIENCE", "noctis"),
    ];
    House::with(&own.into_iter().chain(more.iter().copied()).collect::<Vec<_>>(), QueueLimits::default())
        .await
}

async fn ask(house: &House, path: &str, token: &str) -> Answer {
    house.send("GET", path, &[("authorization", &format!("Bearer {token}"))]).await
}

#[tokio::test]
async fn tokens_of_each_kind_of_key_let_in_and_the_keys_are_fetched_once() {
    let signers = [Signer::rs256("rsa"), Signer::es256("ec"), Signer::ed25519("ed")];
    let (provider, url) = Provider::start(&signers.each_ref()).await;
    let house = house(&url, &[]).await;
    for signer in &signers {
        assert_eq!(ask(&house, STUDIES, &signer.token(|_| {})).await.status, 200, "{}", signer.id);
    }
    assert_eq!(provider.asked(), 1);
    let narrow = signers[0].token(|claims| claims["studies"] = json!(["1.2.3"]));
    ask(&house, &format!("{STUDIES}/{}", public_id(STUDY)), &narrow).await.problem(404, "study-not-found");
    let idle = signers[0].token(|claims| claims["scope"] = json!("openid profile"));
    ask(&house, STUDIES, &idle).await.problem(403, "insufficient-scope");
}

#[tokio::test]
async fn what_is_not_right_about_a_provider_s_token_makes_nobody() {
    let (known, other) = (Signer::rs256("known"), Signer::rs256("known"));
    let curve = Signer::es256("known");
    let (_, url) = Provider::start(&[&known]).await;
    let house = house(&url, &[("NOCTIS_JWT_SECRET", SECRET)]).await;
    assert_eq!(ask(&house, STUDIES, &known.token(|_| {})).await.status, 200);
    let now = Utc::now().timestamp();
    // The public half of a key is no secret to sign by.
    let public = serde_json::to_vec(&known.published()).expect("JSON");
    let confused = |key: &[u8], typ: Option<&str>| {
        let header = Header {
            kid: Some("known".to_owned()),
            typ: typ.map(str::to_owned),
            ..Header::new(Algorithm::HS256)
        };
        let claims = json!({"iss": ISSUER, "aud": "noctis", "sub": "ada", "exp": now + 60, "scope": "admin"});
        encode(&header, &claims, &EncodingKey::from_secret(key)).expect("signed")
    };
    let modulus = known.published()["n"].as_str().expect("n").as_bytes().to_vec();
    for (what, token) in [
        ("another key of the same name", other.token(|_| {})),
        ("another kind of key of the same name", curve.token(|_| {})),
        ("expired", known.token(|claims| claims["exp"] = json!(now - 60))),
        ("not valid yet", known.token(|claims| claims["nbf"] = json!(now + 600))),
        ("another issuer", known.token(|claims| claims["iss"] = json!("https://evil.example"))),
        ("our own issuer", known.token(|claims| claims["iss"] = json!("noctis"))),
        ("for another service", known.token(|claims| claims["aud"] = json!("other"))),
        ("for nobody", known.token(|claims| claims["aud"] = Value::Null)),
        ("of nobody", known.token(|claims| claims["sub"] = Value::Null)),
        ("HS256 over the public key", confused(&public, None)),
        ("HS256 over the public key as an access token", confused(&public, Some("at+jwt"))),
        ("HS256 over the modulus", confused(&modulus, Some("at+jwt"))),
        ("our secret with the provider's issuer", confused(SECRET.as_bytes(), Some("at+jwt"))),
    ] {
        let answer = ask(&house, STUDIES, &token).await;
        assert_eq!(answer.status, 401, "{what}");
        answer.problem(401, "unauthorized");
    }
}

#[tokio::test]
async fn an_unknown_key_is_looked_for_once_in_a_while_and_found_after_a_rotation() {
    let (old, new) = (Signer::es256("2026-11"), Signer::es256("2026-12"));
    let (provider, url) = Provider::start(&[&old]).await;
    let house = house(&url, &[]).await;
    provider.publish(&[&old, &new]);
    assert_eq!(ask(&house, STUDIES, &new.token(|_| {})).await.status, 200, "it was first asked for just now");
    assert_eq!(provider.asked(), 1);
    for made_up in ["a", "b", "c", "d"] {
        let token = Signer { id: made_up, ..Signer::es256("x") }.token(|_| {});
        ask(&house, STUDIES, &token).await.problem(401, "unauthorized");
    }
    assert_eq!(provider.asked(), 1, "who makes up names has nobody ask more often");
    provider.go_away();
    assert_eq!(ask(&house, STUDIES, &old.token(|_| {})).await.status, 200, "its keys outlast an outage");
}

#[tokio::test]
async fn without_any_keys_it_is_the_provider_that_is_unavailable() {
    let signer = Signer::ed25519("ed");
    let (provider, url) = Provider::start(&[&signer]).await;
    provider.go_away();
    let house = house(&url, &[]).await;
    let answer = ask(&house, STUDIES, &signer.token(|_| {})).await;
    answer.problem(503, "provider-unavailable");
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(house.get("/api/v1/dicom/presets").await.status, 200);
}

#[tokio::test]
async fn people_log_in_at_the_provider_and_log_out_here() {
    let signer = Signer::rs256("rsa");
    let (_, url) = Provider::start(&[&signer]).await;
    let house = house(&url, &[]).await;
    let form = "grant_type=password&username=ada&password=correct+horse";
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = house.send_body("POST", "/api/v1/auth/token", &headers, form.into()).await;
    assert!(answer.problem(404, "route-not-found")["detail"].to_string().contains("identity provider"));
    let token = signer.token(|_| {});
    assert_eq!(ask(&house, STUDIES, &token).await.status, 200);
    let bearer = format!("Bearer {token}");
    let answer = house.send("POST", "/api/v1/auth/logout", &[("authorization", &bearer)]).await;
    assert_eq!(answer.status, 204);
    ask(&house, STUDIES, &token).await.problem(401, "unauthorized");
}
