//! Login: who is let in, by which tokens, and what attacks on them come to.

use axum::body::Body;
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use noctis_api::auth::{Audience, Claims, TokenKeys, hash_secret};
use noctis_shared::{
    auth::{Account, AccountKind, Scopes},
    queue::QueueLimits,
    settings::{Origin, Settings, Texts},
};
use serde_json::{Value, json};

use crate::house::{Answer, House, IMAGE, STUDY};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const OTHER_SECRET: &str = "fedcba9876543210fedcba9876543210";
const PASSWORD: &str = "correct horse battery";
pub(crate) const STUDIES: &str = "/api/v1/dicom/studies";

pub(crate) const LOGIN: [(&str, &str); 3] =
    [("NOCTIS_AUTH", "jwt"), ("NOCTIS_JWT_SECRET", SECRET), ("NOCTIS_JWT_AUDIENCE", "viewers")];

pub(crate) async fn house() -> House {
    house_with(&[]).await
}

async fn house_with(more: &[(&'static str, &'static str)]) -> House {
    let settings: Vec<_> = LOGIN.into_iter().chain(more.iter().copied()).collect();
    let house = House::with(&settings, QueueLimits::default()).await;
    for (name, kind, scopes) in [
        ("ada", AccountKind::Person, "images:read studies:read"),
        ("pacs", AccountKind::Service, "studies:read studies:write"),
    ] {
        let account = Account {
            name: name.to_owned(),
            kind,
            secret_hash: hash_secret(PASSWORD).expect("hashed"),
            scopes: scopes.parse().expect("scopes"),
            studies: None,
            disabled: false,
            created_at: Utc::now(),
        };
        assert!(house.back_ends.catalog.add_account(&account).await.expect("added"));
    }
    house
}

/// Keys of a deployment with these settings.
fn keys(pairs: &[(&'static str, &str)]) -> TokenKeys {
    let mut texts = Texts::defaults();
    texts.set("NOCTIS_DATA", "/nowhere", Origin::Flag);
    for (name, text) in LOGIN.iter().chain(pairs) {
        texts.set(name, text, Origin::Flag);
    }
    let settings = Settings::from_texts(&texts).expect("settings").jwt.expect("a login");
    TokenKeys::new(&settings).expect("keys")
}

fn claims() -> Claims {
    let now = Utc::now().timestamp().cast_unsigned();
    Claims {
        issuer: "noctis".to_owned(),
        audience: Some(Audience::One("viewers".to_owned())),
        subject: "ada".to_owned(),
        issued_at: now,
        not_before: None,
        expires_at: now + 600,
        token_id: Some("one".to_owned()),
        family_id: None,
        scope: Scopes::ALL.to_string(),
        studies: None,
    }
}

pub(crate) fn token(change: impl FnOnce(&mut Claims)) -> String {
    let mut claims = claims();
    change(&mut claims);
    keys(&[]).sign(&claims).expect("signed")
}

pub(crate) async fn get(house: &House, path: &str, token: &str) -> Answer {
    house.send("GET", path, &[("authorization", &format!("Bearer {token}"))]).await
}

async fn post(house: &House, path: &str, media_type: &str, body: &str) -> Answer {
    house.send_body("POST", path, &[("content-type", media_type)], Body::from(body.to_owned())).await
}

async fn log_in(house: &House, name: &str, password: &str) -> Answer {
    let body = json!({"grant_type": "password", "username": name, "password": password}).to_string();
    post(house, "/api/v1/auth/token", "application/json", &body).await
}

async fn refresh(house: &House, refresh_token: &str) -> Answer {
    let form = format!("refresh_token={refresh_token}");
    post(house, "/api/v1/auth/refresh", "application/x-www-form-urlencoded", &form).await
}

fn text<'a>(answer: &'a Value, member: &str) -> &'a str {
    answer[member].as_str().unwrap_or_default()
}

#[tokio::test]
async fn without_a_token_there_is_what_is_for_everybody_and_nothing_else() {
    let house = house().await;
    for path in ["/", "/livez", "/api/v1/health", "/api/v1/openapi.json", "/api/v1/dicom/presets"] {
        assert_eq!(house.get(path).await.status, 200, "{path}");
    }
    let document = house.get("/api/v1/openapi.json").await.json();
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let Some(scope) = operation["x-scope"].as_str() else { continue };
            let path =
                path.replace("{study_id}", STUDY).replace("{image_id}", IMAGE).replace("{series_id}", "1.2");
            let path = path.replace("{job_id}", "17");
            let path = path.replace("{id}", "a").replace("{webhook_id}", "a");
            let method = method.to_uppercase();
            let answer = house.send(&method, &path, &[]).await;
            answer.problem(401, "unauthorized");
            assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="noctis""#, "{method} {path}");
            // A token with every scope but this one.
            let others = Scopes::ALL.to_string().replace(scope, "");
            let others = token(|claims| claims.scope = others);
            let answer = house.send(&method, &path, &[("authorization", &format!("Bearer {others}"))]).await;
            assert_eq!(answer.problem(403, "insufficient-scope")["details"]["scope"], scope);
            assert!(answer.header("www-authenticate").contains(scope), "{method} {path}");
            asked += 1;
        }
    }
    assert!(asked >= 8, "only {asked} operations take a scope");
}

#[tokio::test]
async fn tokens_that_are_not_right_make_nobody() {
    let house = house().await;
    let now = Utc::now().timestamp().cast_unsigned();
    let right = token(|_| {});
    assert_eq!(get(&house, STUDIES, &right).await.status, 200);
    let signed = |algorithm, key: &EncodingKey, claims: &Claims| {
        encode(&Header::new(algorithm), claims, key).expect("signed")
    };
    let of_another = EncodingKey::from_secret(OTHER_SECRET.as_bytes());
    let (head, rest) = right.split_once('.').expect("parts");
    let (body, signature) = rest.split_once('.').expect("parts");
    let unsigned = |head: &str| format!("{}.{body}.", base64_simd::URL_SAFE_NO_PAD.encode_to_string(head));
    let raised =
        String::from_utf8(base64_simd::URL_SAFE_NO_PAD.decode_to_vec(body).expect("base64")).expect("text");
    let raised = base64_simd::URL_SAFE_NO_PAD.encode_to_string(raised.replace("\"ada\"", "\"eve\""));
    let cases = [
        ("no token", String::new()),
        ("words", "let.me.in".to_owned()),
        ("cut", right[..right.len() - 1].to_owned()),
        ("none", unsigned(r#"{"alg":"none"}"#)),
        ("None", unsigned(r#"{"alg":"None","typ":"JWT"}"#)),
        (
            "another algorithm with our secret",
            signed(Algorithm::HS512, &EncodingKey::from_secret(SECRET.as_bytes()), &claims()),
        ),
        (
            "RS256 over an HMAC",
            format!(
                "{}.{body}.{signature}",
                base64_simd::URL_SAFE_NO_PAD.encode_to_string(r#"{"alg":"RS256","typ":"JWT"}"#)
            ),
        ),
        ("another key", signed(Algorithm::HS256, &of_another, &claims())),
        ("an unknown key id", {
            let header = Header { kid: Some("theirs".to_owned()), ..Header::new(Algorithm::HS256) };
            encode(&header, &claims(), &of_another).expect("signed")
        }),
        ("a key of its own", {
            let jwk = r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}"#;
            format!("{}.{body}.{signature}", base64_simd::URL_SAFE_NO_PAD.encode_to_string(jwk))
        }),
        ("claims changed after signing", format!("{head}.{raised}.{signature}")),
        ("expired", token(|claims| claims.expires_at = now - 60)),
        ("not valid yet", token(|claims| claims.not_before = Some(now + 600))),
        ("another issuer", token(|claims| claims.issuer = "elsewhere".to_owned())),
        ("another audience", token(|claims| claims.audience = Some(Audience::One("others".to_owned())))),
        ("no audience", token(|claims| claims.audience = None)),
        ("a subject that is no text", token(|claims| claims.subject = "ada\0".to_owned())),
        ("a name that is no text", token(|claims| claims.token_id = Some("one\n".to_owned()))),
        ("a subject without end", token(|claims| claims.subject = "x".repeat(600))),
        ("without end", "x".repeat(7000)),
    ];
    for (what, token) in cases {
        let answer = get(&house, STUDIES, &token).await;
        let mut problem = answer.problem(401, "unauthorized");
        // A request id is made of letters too.
        problem["instance"].take();
        assert!(
            !problem.to_string().contains("eve") && !problem.to_string().contains("ada"),
            "{what}: {problem}"
        );
    }
    for sent in [&["Basic YTpi"][..], &["Bearer"], &[&format!("Bearer {right}"), "Bearer x"]] {
        let headers: Vec<_> = sent.iter().map(|value| ("authorization", *value)).collect();
        house.send("GET", STUDIES, &headers).await.problem(401, "unauthorized");
    }
    let in_the_query = house.get(&format!("{STUDIES}?access_token={right}")).await;
    in_the_query.problem(401, "unauthorized");
}

#[tokio::test]
async fn a_login_gives_tokens_and_a_refresh_token_works_once() {
    let house = house().await;
    let answer = log_in(&house, "ada", PASSWORD).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let first = answer.json();
    assert_eq!((text(&first, "token_type"), &first["expires_in"]), ("Bearer", &900.into()));
    assert_eq!(text(&first, "scope"), "images:read studies:read");
    assert_eq!(get(&house, STUDIES, text(&first, "access_token")).await.status, 200);
    get(&house, "/api/v1/metrics", text(&first, "access_token")).await.problem(403, "insufficient-scope");

    let second = refresh(&house, text(&first, "refresh_token")).await.json();
    assert_eq!(get(&house, STUDIES, text(&second, "access_token")).await.status, 200);
    // One of two who have the first refresh token is not who it was made for.
    let reused = refresh(&house, text(&first, "refresh_token")).await;
    assert_eq!(text(&reused.problem(400, "invalid-grant"), "error"), "invalid_grant");
    refresh(&house, text(&second, "refresh_token")).await.problem(400, "invalid-grant");
    get(&house, STUDIES, text(&second, "access_token")).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn a_login_may_ask_for_less_and_never_for_more() {
    let house = house().await;
    let ask = async |scope: &str| {
        let body = json!({"grant_type": "password", "username": "ada", "password": PASSWORD, "scope": scope});
        post(&house, "/api/v1/auth/token", "application/json", &body.to_string()).await
    };
    assert_eq!(text(&ask("images:read").await.json(), "scope"), "images:read");
    ask("admin").await.problem(400, "invalid-scope");
    ask("everything").await.problem(400, "invalid-scope");
}

#[tokio::test]
async fn who_is_wrong_is_not_told_what() {
    let house = house().await;
    assert!(house.back_ends.catalog.set_disabled("pacs", true).await.expect("disabled"));
    let mut told = Vec::new();
    for (name, password) in
        [("ada", "wrong horse battery"), ("eve", PASSWORD), ("pacs", PASSWORD), ("", ""), ("ada", "")]
    {
        let mut problem = log_in(&house, name, password).await.problem(400, "invalid-grant");
        for of_the_moment in ["instance", "timestamp"] {
            problem[of_the_moment] = Value::Null;
        }
        told.push(problem);
    }
    assert!(told.iter().all(|problem| *problem == told[0]), "{told:#?}");
}

#[tokio::test]
async fn a_service_logs_in_by_its_secret_each_time() {
    let house = house().await;
    let form =
        format!("grant_type=client_credentials&client_id=pacs&client_secret={}", PASSWORD.replace(' ', "+"));
    let tokens =
        post(&house, "/api/v1/auth/token", "application/x-www-form-urlencoded; charset=utf-8", &form)
            .await
            .json();
    assert_eq!(
        (text(&tokens, "scope"), &tokens["refresh_token"]),
        ("studies:read studies:write", &Value::Null)
    );
    assert_eq!(get(&house, STUDIES, text(&tokens, "access_token")).await.status, 200);
    let basic = base64_simd::STANDARD.encode_to_string(format!("pacs:{}", PASSWORD.replace(' ', "%20")));
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("authorization", &*format!("Basic {basic}")),
    ];
    let answer = house
        .send_body("POST", "/api/v1/auth/token", &headers, Body::from("grant_type=client_credentials"))
        .await;
    assert_eq!(answer.status, 200);
    // A person is no service, and a service no person.
    log_in(&house, "pacs", PASSWORD).await.problem(400, "invalid-grant");
    let form = "grant_type=client_credentials&client_id=ada&client_secret=wrong+horse+battery";
    let answer = post(&house, "/api/v1/auth/token", "application/x-www-form-urlencoded", form).await;
    answer.problem(401, "invalid-client");
    assert_eq!(answer.header("www-authenticate"), r#"Basic realm="noctis""#);
    assert!(house.back_ends.catalog.set_disabled("pacs", true).await.expect("set"));
    let service = text(&tokens, "access_token");
    assert_eq!(get(&house, STUDIES, service).await.status, 200, "seen a moment ago");
}

#[tokio::test]
async fn logging_out_ends_what_a_login_gave() {
    let house = house().await;
    let untouched = log_in(&house, "ada", PASSWORD).await.json();
    let by_refresh = log_in(&house, "ada", PASSWORD).await.json();
    let by_access = log_in(&house, "ada", PASSWORD).await.json();
    let of_a_script = token(|_| {});
    for tokens in [&by_refresh, &by_access] {
        assert_eq!(get(&house, STUDIES, text(tokens, "access_token")).await.status, 200);
    }
    assert_eq!(get(&house, STUDIES, &of_a_script).await.status, 200);
    let body = json!({"refresh_token": by_refresh["refresh_token"]}).to_string();
    assert_eq!(post(&house, "/api/v1/auth/logout", "application/json", &body).await.status, 204);
    for shown in [text(&by_access, "access_token"), &of_a_script, "none"] {
        let answer =
            house.send("POST", "/api/v1/auth/logout", &[("authorization", &format!("Bearer {shown}"))]).await;
        assert_eq!(answer.status, 204);
    }
    for ended in [text(&by_refresh, "access_token"), text(&by_access, "access_token"), &of_a_script] {
        get(&house, STUDIES, ended).await.problem(401, "unauthorized");
    }
    for tokens in [&by_refresh, &by_access] {
        refresh(&house, text(tokens, "refresh_token")).await.problem(400, "invalid-grant");
    }
    // Who knows the id of a login, which each of its tokens tells, cannot end it.
    let claims = keys(&[]).claims(text(&untouched, "access_token")).expect("claims");
    let mut made_up = claims.family_id.expect("a login").as_bytes().to_vec();
    made_up.resize(64, 7);
    let made_up = base64_simd::URL_SAFE_NO_PAD.encode_to_string(made_up);
    let body = json!({"token": made_up}).to_string();
    assert_eq!(post(&house, "/api/v1/auth/logout", "application/json", &body).await.status, 204);
    refresh(&house, &made_up).await.problem(400, "invalid-grant");
    assert_eq!(get(&house, STUDIES, text(&untouched, "access_token")).await.status, 200);
    assert!(refresh(&house, text(&untouched, "refresh_token")).await.status == 200);
    house.send("POST", "/api/v1/auth/logout", &[]).await.problem(400, "invalid-request");
}

#[tokio::test]
async fn another_password_and_a_disabled_account_end_logins() {
    let house = house().await;
    let catalog = &house.back_ends.catalog;
    let tokens = log_in(&house, "ada", PASSWORD).await.json();
    let hash = hash_secret("another horse battery").expect("hashed");
    assert!(catalog.set_secret("ada", &hash).await.expect("set"));
    refresh(&house, text(&tokens, "refresh_token")).await.problem(400, "invalid-grant");
    log_in(&house, "ada", PASSWORD).await.problem(400, "invalid-grant");
    let tokens = log_in(&house, "ada", "another horse battery").await.json();
    assert!(catalog.set_disabled("ada", true).await.expect("set"));
    // Not seen before in this process, so that it is looked at now.
    get(&house, STUDIES, text(&tokens, "access_token")).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn bodies_that_are_no_login_are_refused_and_repeat_nothing() {
    let house = house().await;
    let form = "application/x-www-form-urlencoded";
    let cases = [
        ("text/plain", "grant_type=password", 415, "unsupported-media-type"),
        ("", "grant_type=password", 415, "unsupported-media-type"),
        (form, "grant_type=password&username=geheim", 400, "invalid-request"),
        (form, "grant_type=password&grant_type=geheim", 400, "invalid-request"),
        (form, "grant_type=geheim", 400, "unsupported-grant-type"),
        (form, "", 400, "invalid-request"),
        ("application/json", "{\"grant_type\": \"geheim", 400, "invalid-request"),
        ("application/json", "[\"geheim\"]", 400, "invalid-request"),
        (form, "grant_type=refresh_token&refresh_token=geheim", 400, "invalid-grant"),
        (form, "grant_type=refresh_token&refresh_token=geheim&scope=admin", 400, "invalid-scope"),
    ];
    for (media_type, body, status, slug) in cases {
        let problem = post(&house, "/api/v1/auth/token", media_type, body).await.problem(status, slug);
        assert!(!problem.to_string().contains("geheim"), "{body}: {problem}");
    }
    let long = format!("grant_type=password&username=ada&password={}", "x".repeat(100_000));
    assert_eq!(post(&house, "/api/v1/auth/token", form, &long).await.status, 413);
}

#[tokio::test]
async fn requests_are_counted_for_who_made_them() {
    let house = house_with(&[("NOCTIS_RATE_LIMIT", "4/60s")]).await;
    let (ada, eve) = (token(|_| {}), token(|claims| claims.subject = "eve".to_owned()));
    for remaining in ["3", "2", "1", "0"] {
        let answer = get(&house, STUDIES, &ada).await;
        assert_eq!((answer.status, answer.header("ratelimit-remaining")), (200, remaining));
    }
    get(&house, STUDIES, &ada).await.problem(429, "too-many-requests");
    assert_eq!(get(&house, STUDIES, &eve).await.status, 200);
    // Who shows no token is counted by address, also for what is refused.
    for _ in 0..4 {
        get(&house, STUDIES, "guess").await.problem(401, "unauthorized");
    }
    get(&house, STUDIES, "guess").await.problem(429, "too-many-requests");
}

#[tokio::test]
async fn a_page_with_a_name_of_its_own_is_not_answered_and_cannot_send_for_somebody() {
    let house = house_with(&[("NOCTIS_ALLOWED_HOSTS", "viewer.example")]).await;
    let token = format!("Bearer {}", token(|_| {}));
    let with = async |method: &str, path: &str, headers: &[(&str, &str)]| {
        house.send(method, path, &[&[("authorization", &*token)], headers].concat()).await
    };
    with("GET", STUDIES, &[("host", "evil.example")]).await.problem(400, "host-not-allowed");
    house.send("GET", "/", &[("host", "evil.example")]).await.problem(400, "host-not-allowed");
    assert_eq!(house.send("GET", "/livez", &[("host", "10.1.2.3")]).await.status, 200);
    assert_eq!(with("GET", STUDIES, &[("host", "viewer.example")]).await.status, 200);
    let clear = "/api/v1/dicom/clear-cache";
    with("POST", clear, &[("origin", "https://evil.example")]).await.problem(403, "origin-not-allowed");
    with("POST", clear, &[("sec-fetch-site", "cross-site")]).await.problem(403, "origin-not-allowed");
    assert_eq!(with("POST", clear, &[("origin", "https://viewer.example")]).await.status, 200);
    let form = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://evil.example")];
    let login = Body::from("grant_type=password&username=ada&password=x");
    let answer = house.send_body("POST", "/api/v1/auth/token", &form, login).await;
    answer.problem(403, "origin-not-allowed");
}

#[tokio::test]
async fn secrets_are_changed_one_by_one() {
    let both = format!("{OTHER_SECRET},{SECRET}");
    let old = token(|_| {});
    let new = keys(&[("NOCTIS_JWT_SECRET", &both)]).sign(&claims()).expect("signed");
    for (secrets, old_passes, new_passes) in
        [(SECRET, true, false), (&*both, true, true), (OTHER_SECRET, false, true)]
    {
        let keys = keys(&[("NOCTIS_JWT_SECRET", secrets)]);
        assert_eq!((keys.claims(&old).is_ok(), keys.claims(&new).is_ok()), (old_passes, new_passes));
    }
}

#[tokio::test]
async fn a_secret_is_guessed_a_few_times_and_then_no_more() {
    let house = house().await;
    let mut guesses = 0;
    while log_in(&house, "eve", "wrong horse battery").await.status == 400 {
        guesses += 1;
        assert!(guesses < 60, "nobody keeps them from guessing");
    }
    assert!(guesses >= 10, "only {guesses}");
    let refused = log_in(&house, "eve", "wrong horse battery").await;
    refused.problem(429, "too-many-requests");
    assert_eq!(refused.header("retry-after"), "6");
    for _ in 0..20 {
        assert_eq!(
            log_in(&house, "ada", PASSWORD).await.status,
            200,
            "others log in, as often as they are right"
        );
    }
}

#[tokio::test]
async fn where_nobody_is_asked_for_a_token_there_is_none_to_be_had() {
    let house = House::new().await;
    log_in(&house, "ada", PASSWORD).await.problem(404, "route-not-found");
    assert_eq!(get(&house, STUDIES, "whatever").await.status, 200);
}
