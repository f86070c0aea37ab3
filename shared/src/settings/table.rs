//! Every setting: name, default, whether it is secret, what it means. Read by help texts, `noctis config` and the docs.

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Environment variable. The key in a TOML file is the rest behind `NOCTIS_`, in lower case.
    pub name: &'static str,
    /// Text that stands when nothing is given; empty when there is none.
    pub default: &'static str,
    /// How much of it may be shown.
    pub shown: Shown,
    /// What it means, in one line.
    pub meaning: &'static str,
}

/// How much of a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// All.
    Plain,
    /// A URL: all but its password.
    Url,
    /// Nothing.
    Secret,
}

impl Setting {
    /// The key in a TOML file: `queue_url` for `NOCTIS_QUEUE_URL`.
    #[must_use]
    pub fn key(&self) -> String {
        self.name.trim_start_matches("NOCTIS_").to_lowercase()
    }
}

const fn plain(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default, shown: Shown::Plain, meaning }
}

const fn url(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default, shown: Shown::Url, meaning }
}

/// Every setting, in the order of the documentation.
pub const SETTINGS: [Setting; 38] = [
    plain("NOCTIS_LISTEN", "127.0.0.1:8080", "where HTTP listens"),
    plain(
        "NOCTIS_METRICS_LISTEN",
        "127.0.0.1:9091",
        "where a lone worker serves /livez, /readyz and /metrics",
    ),
    plain("NOCTIS_DATA", "", "folder for state; default the platform's data folder"),
    url("NOCTIS_QUEUE_URL", "memory:", "memory:, amqp:// or amqps://"),
    url("NOCTIS_CACHE_URL", "memory:", "memory:, redis:// or rediss://"),
    url("NOCTIS_CATALOG_URL", "", "sqlite: or postgres://; default sqlite: under the data folder"),
    url("NOCTIS_STORAGE_URL", "", "file: or s3://bucket/prefix; default file: under the data folder"),
    url("NOCTIS_INGEST_ROOTS", "", "comma list of URLs that events may point to beside the storage"),
    plain("NOCTIS_NAMESPACE", "noctis", "prefix of every exchange, queue and cache key"),
    plain("NOCTIS_AUTH", "off", "off, or jwt: callers have tokens"),
    plain("NOCTIS_AUTH_OFF_ANYWHERE", "false", "whether off may listen beyond loopback"),
    Setting {
        shown: Shown::Secret,
        ..plain(
            "NOCTIS_JWT_SECRET",
            "",
            "comma list of secrets of 32 bytes or more; the first signs, all check",
        )
    },
    url("NOCTIS_JWT_JWKS_URL", "", "where the keys of an identity provider are, whose tokens are taken too"),
    plain(
        "NOCTIS_JWT_ISSUER",
        "",
        "who tokens say issued them: the provider, where there is one; default noctis",
    ),
    plain("NOCTIS_JWT_AUDIENCE", "", "for whom tokens must be; default anybody, required with a provider"),
    plain("NOCTIS_JWT_ACCESS_TTL", "15m", "how long an access token is valid"),
    plain("NOCTIS_JWT_REFRESH_TTL", "12h", "how long a refresh token works"),
    Setting {
        shown: Shown::Secret,
        ..plain(
            "NOCTIS_URL_SIGNING_KEYS",
            "",
            "comma list of keys of 32 bytes or more by which applications sign addresses of pictures",
        )
    },
    plain("NOCTIS_ALLOWED_HOSTS", "", "comma list of names that are answered beside those of loopback, or *"),
    plain(
        "NOCTIS_TRUSTED_PROXIES",
        "",
        "comma list of addresses and networks whose X-Forwarded-For is believed",
    ),
    plain("NOCTIS_TLS_CERT", "", "PEM file of the certificate and those that vouch for it; turns TLS on"),
    plain("NOCTIS_TLS_KEY", "", "PEM file of the private key of NOCTIS_TLS_CERT"),
    plain("NOCTIS_CONNECTIONS", "4096", "connections at a time; a quarter of them from one address"),
    plain("NOCTIS_RATE_LIMIT", "1000/60s", "requests per client and window, or off"),
    plain("NOCTIS_CACHE_TTL_IMAGES", "30m", "how long renders stay in the cache"),
    plain("NOCTIS_CACHE_TTL_METADATA", "2h", "how long answers about studies stay in the cache"),
    plain("NOCTIS_CACHE_MEMORY", "64MiB", "pictures that one process keeps in memory"),
    plain("NOCTIS_RENDERS_STORED", "2GiB", "pictures that the catalog keeps"),
    plain("NOCTIS_RENDER_WAIT", "10s", "how long a request waits for its render"),
    plain("NOCTIS_CORS_ORIGINS", "", "comma list of origins"),
    plain("NOCTIS_PRESETS_FILE", "", "TOML file that changes the window presets"),
    plain("NOCTIS_WINDOWS", "free", "free, or presets-only: no windows but those with a name"),
    url("NOCTIS_OTLP_ENDPOINT", "", "OpenTelemetry collector, like http://127.0.0.1:4318"),
    plain("NOCTIS_LOG", "info", "log filter"),
    plain("NOCTIS_LOG_FORMAT", "text", "text or json"),
    plain("NOCTIS_WORKERS", "", "renders at a time; default the cores"),
    plain("NOCTIS_LANES", "on-screen,on-screen-heavy,background,index,upload", "lanes that a worker takes"),
    plain("NOCTIS_CONFIG", "", "TOML file with settings"),
];
