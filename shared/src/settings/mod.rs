//! Settings: defaults < TOML file < environment < flags, each value with its origin.
//!
//! [`table`] lists every setting; [`source`] gathers their texts; here the texts become values, and a text that
//! is wrong becomes one sentence that names the setting and what it takes.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use url::Url;

mod login;
mod network;
pub mod source;
pub mod table;
mod unknown;
mod value;

pub use login::{JwtSettings, ProviderSettings, Secret};
pub use network::{AllowedHosts, TlsFiles, TrustedProxies};
pub use source::{Origin, Sourced, Texts};
pub use value::parse_duration;

use crate::{lane::Lane, presets::Presets};

/// A setting that is wrong, in one sentence. Programs print it and exit with status 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {reason}")]
pub struct SettingError {
    /// The setting, as its environment variable is named; or the file.
    pub name: String,
    /// What is wrong and what it takes.
    pub reason: String,
}

impl SettingError {
    /// An error about the setting `name`.
    pub fn new(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { name: name.into(), reason: reason.into() }
    }
}

/// Requests a client may make in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests.
    pub requests: u32,
    /// Window.
    pub window: Duration,
}

/// Everything a program takes from outside, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where HTTP listens.
    pub listen: SocketAddr,
    /// Where a lone worker serves its probes and metrics.
    pub metrics_listen: SocketAddr,
    /// Folder for state.
    pub data: PathBuf,
    /// `memory:` or `amqp(s)://`.
    pub queue_url: Url,
    /// `memory:` or `redis(s)://`.
    pub cache_url: Url,
    /// `sqlite:` or `postgres://`.
    pub catalog_url: String,
    /// `file:` or an object-store URL.
    pub storage_url: Url,
    /// Where events may point beside the storage.
    pub ingest_roots: Vec<Url>,
    /// Prefix of every exchange, queue and cache key.
    pub namespace: String,
    /// Names that HTTP is answered under.
    pub allowed_hosts: AllowedHosts,
    /// Proxies that are believed who asks.
    pub trusted_proxies: TrustedProxies,
    /// `None`: HTTP without TLS.
    pub tls: Option<TlsFiles>,
    /// Connections at a time.
    pub connections_max: usize,
    /// `None`: whoever comes may see and do everything.
    pub jwt: Option<JwtSettings>,
    /// `None`: no limit.
    pub rate_limit: Option<RateLimit>,
    /// How long renders stay in the cache.
    pub cache_ttl_images: Duration,
    /// How long answers about studies stay in the cache.
    pub cache_ttl_metadata: Duration,
    /// Bytes of pictures that one process keeps in memory.
    pub cache_memory_bytes_max: u64,
    /// Bytes of pictures that the catalog keeps.
    pub renders_bytes_max: u64,
    /// How long a request waits for its render.
    pub render_wait: Duration,
    /// Origins that browsers may call from.
    pub cors_origins: Vec<String>,
    /// Windows with a name.
    pub presets: Arc<Presets>,
    /// Whether a window without a name may be asked for.
    pub free_windows: bool,
    /// OpenTelemetry collector.
    pub otlp_endpoint: Option<String>,
    /// Log filter.
    pub log: String,
    /// Whether logs are JSON.
    pub log_json: bool,
    /// Renders at a time.
    pub workers: usize,
    /// Lanes that a worker takes.
    pub lanes: Vec<Lane>,
}

impl Settings {
    /// Checks every text and what only works together.
    ///
    /// # Errors
    /// [`SettingError`] for the first text that is no value of its setting, or for a combination that cannot work.
    pub fn from_texts(texts: &Texts) -> Result<Self, SettingError> {
        let data = value::data_folder(texts)?;
        let listen = value::address(texts, "NOCTIS_LISTEN")?;
        let settings = Self {
            listen,
            metrics_listen: value::address(texts, "NOCTIS_METRICS_LISTEN")?,
            queue_url: value::url(texts, "NOCTIS_QUEUE_URL", &["memory", "amqp", "amqps"])?,
            cache_url: value::url(texts, "NOCTIS_CACHE_URL", &["memory", "redis", "rediss"])?,
            catalog_url: value::catalog_url(texts, &data)?,
            storage_url: value::storage_url(texts, &data)?,
            ingest_roots: value::ingest_roots(texts)?,
            namespace: value::namespace(texts)?,
            allowed_hosts: network::allowed_hosts(texts, listen)?,
            trusted_proxies: network::trusted_proxies(texts)?,
            tls: network::tls(texts)?,
            connections_max: network::connections(texts)?,
            jwt: login::jwt(texts)?,
            rate_limit: value::rate_limit(texts)?,
            cache_ttl_images: value::duration(texts, "NOCTIS_CACHE_TTL_IMAGES")?,
            cache_ttl_metadata: value::duration(texts, "NOCTIS_CACHE_TTL_METADATA")?,
            cache_memory_bytes_max: value::byte_count(texts, "NOCTIS_CACHE_MEMORY")?,
            renders_bytes_max: value::byte_count(texts, "NOCTIS_RENDERS_STORED")?,
            render_wait: value::duration(texts, "NOCTIS_RENDER_WAIT")?,
            cors_origins: value::origins(texts)?,
            presets: value::presets(texts)?,
            free_windows: value::one_of(texts, "NOCTIS_WINDOWS", &["free", "presets-only"])? == "free",
            otlp_endpoint: value::otlp_endpoint(texts)?,
            log: texts.get("NOCTIS_LOG").to_owned(),
            log_json: value::one_of(texts, "NOCTIS_LOG_FORMAT", &["text", "json"])? == "json",
            workers: value::workers(texts)?,
            lanes: value::lanes(texts)?,
            data,
        };
        if settings.jwt.is_none() {
            value::refuse_open_listening(texts, settings.listen)?;
        }
        Ok(settings)
    }

    /// Whether the storage is the one of the data folder.
    #[must_use]
    pub fn storage_is_in_data(&self) -> bool {
        self.storage_url.to_file_path().is_ok_and(|path| path == value::storage_folder(&self.data))
    }

    /// Whether the catalog is the one of the data folder.
    #[must_use]
    pub fn catalog_is_in_data(&self) -> bool {
        self.catalog_url == value::catalog_in(&self.data)
    }

    /// Refuses back ends that live inside one process, for a program that needs the others outside it.
    ///
    /// # Errors
    /// [`SettingError`] naming the first back end that only the all-in-one server can use.
    pub fn require_shared_back_ends(&self) -> Result<(), SettingError> {
        let alone = |name: &str, takes: &str| {
            Err(SettingError::new(
                name,
                format!("a program of its own shares its back ends: it takes {takes}"),
            ))
        };
        if self.queue_url.scheme() == "memory" {
            return alone("NOCTIS_QUEUE_URL", "amqp or amqps, not memory");
        }
        if self.cache_url.scheme() == "memory" {
            return alone("NOCTIS_CACHE_URL", "redis or rediss, not memory");
        }
        if self.catalog_url.starts_with("sqlite") {
            return alone("NOCTIS_CATALOG_URL", "postgres, not sqlite");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&'static str, &str)]) -> Result<Settings, String> {
        let mut texts = Texts::defaults();
        for (name, text) in pairs {
            texts.set(name, text, Origin::Environment);
        }
        Settings::from_texts(&texts).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_one_process_with_nothing_installed() {
        let settings = settings(&[("NOCTIS_DATA", "/var/lib/noctis")]).expect("defaults");
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.queue_url.scheme(), "memory");
        assert_eq!(settings.catalog_url, "sqlite:/var/lib/noctis/catalog.sqlite3");
        assert_eq!(settings.storage_url.as_str(), "file:///var/lib/noctis/storage/");
        assert_eq!(settings.rate_limit, Some(RateLimit { requests: 1000, window: Duration::from_secs(60) }));
        assert_eq!(settings.lanes, Lane::ALL);
    }

    #[test]
    fn presets_are_those_of_the_file_and_a_bad_file_is_one_sentence() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("presets.toml");
        let with = |text: &str| {
            std::fs::write(&path, text).expect("written");
            settings(&[("NOCTIS_PRESETS_FILE", path.to_str().expect("a path"))])
        };
        let removed = with("remove = [\"colon\"]").expect("presets").presets;
        assert!(removed.find("colon").is_none() && removed.find("lung").is_some());
        let sentence = with("[[preset]]\nname = 7").expect_err("no presets");
        assert!(sentence.starts_with("NOCTIS_PRESETS_FILE: /") && !sentence.contains('\n'), "{sentence}");
        let free = settings(&[]).expect("defaults");
        assert!(free.free_windows && *free.presets == Presets::default());
        assert!(!settings(&[("NOCTIS_WINDOWS", "presets-only")]).expect("valid").free_windows);
    }

    #[test]
    fn what_nobody_placed_elsewhere_is_in_the_data_folder() {
        let data = ("NOCTIS_DATA", "/var/lib/noctis");
        let default = settings(&[data]).expect("defaults");
        assert!(default.storage_is_in_data() && default.catalog_is_in_data());
        let elsewhere = [
            data,
            ("NOCTIS_STORAGE_URL", "file:///srv/dicom"),
            ("NOCTIS_CATALOG_URL", "sqlite:/srv/catalog"),
        ];
        let elsewhere = settings(&elsewhere).expect("valid");
        assert!(!elsewhere.storage_is_in_data() && !elsewhere.catalog_is_in_data());
    }

    #[test]
    fn a_wrong_text_ends_in_one_sentence_that_names_the_setting() {
        let cases = [
            (
                "NOCTIS_QUEUE_URL",
                "http://x",
                r#"NOCTIS_QUEUE_URL: scheme "http" is not one of memory, amqp, amqps"#,
            ),
            (
                "NOCTIS_LISTEN",
                "8080",
                r#"NOCTIS_LISTEN: "8080" is not an address and a port, like 127.0.0.1:8080"#,
            ),
            (
                "NOCTIS_RENDER_WAIT",
                "soon",
                r#"NOCTIS_RENDER_WAIT: "soon" is not a time, like 500ms, 10s, 30m or 2h"#,
            ),
            (
                "NOCTIS_RATE_LIMIT",
                "many",
                r#"NOCTIS_RATE_LIMIT: "many" is not off or requests and a window, like 1000/60s"#,
            ),
            (
                "NOCTIS_JWT_ISSUER",
                "https://noctis.example",
                "NOCTIS_JWT_ISSUER: is for NOCTIS_AUTH=jwt, and that is off",
            ),
            ("NOCTIS_TLS_CERT", "/etc/cert.pem", "NOCTIS_TLS_KEY: is needed beside NOCTIS_TLS_CERT"),
            (
                "NOCTIS_ALLOWED_HOSTS",
                "viewer.example:8080",
                r#"NOCTIS_ALLOWED_HOSTS: "viewer.example:8080" is not a name or an address without a port, like viewer.example, or * alone for any"#,
            ),
            (
                "NOCTIS_TRUSTED_PROXIES",
                "proxy",
                r#"NOCTIS_TRUSTED_PROXIES: "proxy" is not an address or a network, like 10.0.0.5 or 10.0.0.0/8"#,
            ),
            ("NOCTIS_WINDOWS", "none", r#"NOCTIS_WINDOWS: "none" is not one of free, presets-only"#),
            ("NOCTIS_AUTH", "no", r#"NOCTIS_AUTH: "no" is not one of off, jwt"#),
            ("NOCTIS_NAMESPACE", "a b", r#"NOCTIS_NAMESPACE: "a b" is not 1 to 40 of a-z, 0-9, - and _"#),
            ("NOCTIS_WORKERS", "0", r#"NOCTIS_WORKERS: "0" is not a number from 1 to 256"#),
            (
                "NOCTIS_CONNECTIONS",
                "many",
                r#"NOCTIS_CONNECTIONS: "many" is not a number from 16 to 1000000"#,
            ),
            (
                "NOCTIS_LANES",
                "fast",
                r#"NOCTIS_LANES: lane "fast" is not one of on-screen, on-screen-heavy, background, index, upload"#,
            ),
            ("NOCTIS_CACHE_MEMORY", "big", r#"NOCTIS_CACHE_MEMORY: "big" is not a size, like 64MiB or 2GiB"#),
        ];
        for (name, text, sentence) in cases {
            assert_eq!(settings(&[(name, text)]).expect_err(name), sentence);
        }
    }

    #[test]
    fn without_authentication_only_loopback_is_listened_on() {
        let open = ("NOCTIS_LISTEN", "0.0.0.0:8080");
        assert!(
            settings(&[open]).expect_err("open").starts_with("NOCTIS_AUTH: off listens on loopback only")
        );
        assert!(settings(&[open, ("NOCTIS_AUTH_OFF_ANYWHERE", "true")]).is_ok());
    }

    #[test]
    fn a_login_takes_secrets_that_nobody_guesses_and_none_of_them_is_repeated() {
        let (jwt, open) = (("NOCTIS_AUTH", "jwt"), ("NOCTIS_LISTEN", "0.0.0.0:8080"));
        let (one, other) = ("a".repeat(32), "b".repeat(40));
        let both = format!("{one}, {other}");
        let known =
            settings(&[jwt, open, ("NOCTIS_JWT_SECRET", &both)]).expect("valid").jwt.expect("a login");
        let secrets: Vec<_> = known.secrets.iter().map(Secret::bytes).collect();
        assert_eq!(secrets, [one.as_bytes(), other.as_bytes()]);
        assert_eq!((known.issuer.as_str(), known.audience.as_deref()), ("noctis", None));
        assert_eq!((known.access_ttl.as_secs(), known.refresh_ttl.as_secs()), (900, 43200));
        assert!(!format!("{known:?}").contains(&one));
        for wrong in ["", "geheim", &format!("{one},geheim")] {
            let sentence = settings(&[jwt, ("NOCTIS_JWT_SECRET", wrong)]).expect_err(wrong);
            assert!(
                sentence.starts_with("NOCTIS_JWT_SECRET: ") && sentence.contains("takes one secret"),
                "{sentence}"
            );
            assert!(!sentence.contains("geheim"));
        }
        let inverted = [jwt, ("NOCTIS_JWT_SECRET", &*one), ("NOCTIS_JWT_REFRESH_TTL", "10m")];
        assert!(
            settings(&inverted).expect_err("inverted").starts_with("NOCTIS_JWT_REFRESH_TTL: takes as long")
        );
        let brief = [jwt, ("NOCTIS_JWT_SECRET", &*one), ("NOCTIS_JWT_ACCESS_TTL", "10ms")];
        assert_eq!(settings(&brief).expect_err("too brief"), "NOCTIS_JWT_ACCESS_TTL: takes a second or more");
    }

    #[test]
    fn a_provider_is_named_whole_and_its_keys_do_not_come_in_clear() {
        let (jwt, url) = (("NOCTIS_AUTH", "jwt"), "NOCTIS_JWT_JWKS_URL");
        let issuer = ("NOCTIS_JWT_ISSUER", "https://id.example");
        let audience = ("NOCTIS_JWT_AUDIENCE", "noctis");
        let whole = settings(&[jwt, (url, "https://id.example/jwks"), issuer, audience]).expect("valid");
        let known = whole.jwt.expect("a login");
        let provider = known.provider.expect("a provider");
        assert_eq!((provider.issuer.as_str(), provider.audience.as_str()), ("https://id.example", "noctis"));
        assert_eq!((known.secrets.len(), known.issuer.as_str()), (0, "noctis"), "ours are told apart");
        assert!(settings(&[jwt, (url, "http://[::1]:9000/jwks"), issuer, audience]).is_ok());
        for (pairs, name) in [
            (&[jwt, (url, "http://id.example/jwks"), issuer, audience][..], url),
            (&[jwt, (url, "https://id.example/jwks"), audience], "NOCTIS_JWT_ISSUER"),
            (&[jwt, (url, "https://id.example/jwks"), issuer], "NOCTIS_JWT_AUDIENCE"),
            (
                &[jwt, (url, "https://i.example/"), ("NOCTIS_JWT_ISSUER", "noctis"), audience],
                "NOCTIS_JWT_ISSUER",
            ),
            (&[(url, "https://id.example/jwks")], url),
            (
                &[jwt, (url, "https://i.example/"), issuer, audience, ("NOCTIS_URL_SIGNING_KEYS", "brief")],
                "NOCTIS_URL_SIGNING_KEYS",
            ),
        ] {
            let sentence = settings(pairs).expect_err(name);
            assert!(sentence.starts_with(&format!("{name}: ")) && !sentence.contains("brief"), "{sentence}");
        }
    }

    #[test]
    fn hosts_are_those_of_loopback_and_the_named_ones_or_any() {
        let named = settings(&[("NOCTIS_ALLOWED_HOSTS", "Viewer.example, 10.0.0.5,fd00::1")]).expect("valid");
        for host in ["localhost", "127.0.0.1", "::1", "viewer.EXAMPLE", "10.0.0.5", "fd00::1"] {
            assert!(named.allowed_hosts.allow(host), "{host}");
        }
        assert!(!named.allowed_hosts.allow("evil.example"));
        let anywhere = ("NOCTIS_AUTH_OFF_ANYWHERE", "true");
        let listens = |address: &'static str| {
            settings(&[("NOCTIS_LISTEN", address), anywhere]).expect("valid").allowed_hosts
        };
        assert!(
            listens("192.168.0.7:8080").allow("192.168.0.7") && !listens("0.0.0.0:8080").allow("0.0.0.0")
        );
        let any = settings(&[("NOCTIS_ALLOWED_HOSTS", "*")]).expect("valid");
        assert!(any.allowed_hosts.allow("evil.example"));
        let proxies =
            settings(&[("NOCTIS_TRUSTED_PROXIES", "10.0.0.0/8, ::1")]).expect("valid").trusted_proxies;
        let has = |address: &str| proxies.has(address.parse().expect("an address"));
        assert!(has("10.9.8.7") && has("::1") && !has("127.0.0.1") && !has("11.0.0.1"));
    }

    #[test]
    fn tls_takes_a_certificate_and_its_key() {
        let (cert, key) =
            (("NOCTIS_TLS_CERT", "/etc/noctis/cert.pem"), ("NOCTIS_TLS_KEY", "/etc/noctis/key.pem"));
        let files = settings(&[cert, key]).expect("valid").tls.expect("TLS");
        assert_eq!((files.cert.to_str(), files.key.to_str()), (Some(cert.1), Some(key.1)));
        assert_eq!(settings(&[]).expect("defaults").tls, None);
        let alone = [
            (cert, "NOCTIS_TLS_KEY: is needed beside NOCTIS_TLS_CERT"),
            (key, "NOCTIS_TLS_CERT: is needed beside NOCTIS_TLS_KEY"),
        ];
        for (one, sentence) in alone {
            assert_eq!(settings(&[one]).expect_err("half of it"), sentence);
        }
    }

    #[test]
    fn a_program_of_its_own_refuses_back_ends_inside_a_process() {
        let error = settings(&[]).expect("defaults").require_shared_back_ends().expect_err("memory");
        assert_eq!(error.name, "NOCTIS_QUEUE_URL");
    }
}
