//! From the text of a setting to its value.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    thread::available_parallelism,
    time::Duration,
};

use url::Url;

use super::{RateLimit, SettingError, Texts};
use crate::{lane::Lane, presets::Presets};

/// Most renders at a time that one process takes.
const WORKERS_MAX: usize = 256;

type Value<T> = Result<T, SettingError>;

pub(super) fn address(texts: &Texts, name: &str) -> Value<SocketAddr> {
    let text = texts.get(name);
    let wrong =
        || SettingError::new(name, format!("{text:?} is not an address and a port, like 127.0.0.1:8080"));
    text.replace("localhost", "127.0.0.1").parse().map_err(|_| wrong())
}

pub(super) fn one_of<'a>(texts: &'a Texts, name: &str, takes: &[&str]) -> Value<&'a str> {
    let text = texts.get(name);
    if takes.contains(&text) {
        return Ok(text);
    }
    Err(SettingError::new(name, format!("{text:?} is not one of {}", takes.join(", "))))
}

pub(super) fn url(texts: &Texts, name: &str, schemes: &[&str]) -> Value<Url> {
    let text = texts.get(name);
    // The text may hold a password: it is not repeated.
    let url = Url::parse(text).map_err(|error| SettingError::new(name, format!("is not a URL: {error}")))?;
    if schemes.contains(&url.scheme()) {
        return Ok(url);
    }
    let reason = format!("scheme {:?} is not one of {}", url.scheme(), schemes.join(", "));
    Err(SettingError::new(name, reason))
}

pub(super) fn data_folder(texts: &Texts) -> Value<PathBuf> {
    let wrong = |reason: &str| SettingError::new("NOCTIS_DATA", reason);
    let text = texts.get("NOCTIS_DATA");
    let folder = if text.is_empty() { platform_data_folder() } else { Some(PathBuf::from(text)) };
    let folder = folder.ok_or_else(|| wrong("there is no home folder: name a folder"))?;
    std::path::absolute(folder).map_err(|error| wrong(&format!("is not a path: {error}")))
}

/// `$XDG_DATA_HOME/noctis`, else `~/.local/share/noctis`, else (macOS, Windows) what stands in for it there.
fn platform_data_folder() -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        folder("XDG_DATA_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/share")))
    };
    base.map(|base| base.join("noctis"))
}

pub(super) fn catalog_url(texts: &Texts, data: &Path) -> Value<String> {
    const NAME: &str = "NOCTIS_CATALOG_URL";
    let text = texts.get(NAME);
    if text.is_empty() {
        return Ok(catalog_in(data));
    }
    match text.split_once(':') {
        Some(("sqlite" | "postgres" | "postgresql", _)) => Ok(text.to_owned()),
        Some((scheme, _)) => {
            Err(SettingError::new(NAME, format!("scheme {scheme:?} is not one of sqlite, postgres")))
        }
        None => Err(SettingError::new(NAME, "is not a URL: it takes sqlite:PATH or postgres://…")),
    }
}

/// The catalog of a data folder.
pub(super) fn catalog_in(data: &Path) -> String {
    format!("sqlite:{}", data.join("catalog.sqlite3").display())
}

/// The storage of a data folder.
pub(super) fn storage_folder(data: &Path) -> PathBuf {
    data.join("storage")
}

pub(super) fn storage_url(texts: &Texts, data: &Path) -> Value<Url> {
    const NAME: &str = "NOCTIS_STORAGE_URL";
    if texts.get(NAME).is_empty() {
        return folder_url(NAME, &storage_folder(data));
    }
    let mut url = url(texts, NAME, &["file", "s3", "s3a"])?;
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

fn folder_url(name: &str, folder: &Path) -> Value<Url> {
    Url::from_directory_path(folder)
        .map_err(|()| SettingError::new(name, format!("{} is not an absolute path", folder.display())))
}

pub(super) fn ingest_roots(texts: &Texts) -> Value<Vec<Url>> {
    const NAME: &str = "NOCTIS_INGEST_ROOTS";
    let root = |text: &str| {
        let mut url =
            Url::parse(text).map_err(|_| SettingError::new(NAME, format!("{text:?} is not a URL")))?;
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(url)
    };
    list(texts.get(NAME)).map(root).collect()
}

pub(super) fn namespace(texts: &Texts) -> Value<String> {
    const NAME: &str = "NOCTIS_NAMESPACE";
    let text = texts.get(NAME);
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    if (1..=40).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(text.to_owned());
    }
    Err(SettingError::new(NAME, format!("{text:?} is not 1 to 40 of a-z, 0-9, - and _")))
}

pub(super) fn rate_limit(texts: &Texts) -> Value<Option<RateLimit>> {
    const NAME: &str = "NOCTIS_RATE_LIMIT";
    let text = texts.get(NAME);
    if text == "off" {
        return Ok(None);
    }
    let limit = text.split_once('/').and_then(|(requests, window)| {
        let requests = requests.parse().ok().filter(|requests| *requests > 0)?;
        let window = parse_duration(window).filter(|window| *window >= Duration::from_secs(1))?;
        Some(RateLimit { requests, window })
    });
    let wrong =
        || SettingError::new(NAME, format!("{text:?} is not off or requests and a window, like 1000/60s"));
    limit.map(Some).ok_or_else(wrong)
}

pub(super) fn duration(texts: &Texts, name: &str) -> Value<Duration> {
    let text = texts.get(name);
    let wrong = || SettingError::new(name, format!("{text:?} is not a time, like 500ms, 10s, 30m or 2h"));
    parse_duration(text).ok_or_else(wrong)
}

/// `500ms`, `10s`, `30m`, `2h` or `7d`: above zero and at most a year.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds_each = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let milliseconds = number.parse::<u64>().ok()?.checked_mul(milliseconds_each)?;
    (1..=365 * 86_400_000).contains(&milliseconds).then(|| Duration::from_millis(milliseconds))
}

pub(super) fn byte_count(texts: &Texts, name: &str) -> Value<u64> {
    let text = texts.get(name);
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let each = match unit {
        "" | "B" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        "TiB" => Some(1 << 40),
        _ => None,
    };
    let product = each.and_then(|each: u64| number.parse::<u64>().ok()?.checked_mul(each));
    product
        .filter(|bytes| i64::try_from(*bytes).is_ok())
        .ok_or_else(|| SettingError::new(name, format!("{text:?} is not a size, like 64MiB or 2GiB")))
}

pub(super) fn origins(texts: &Texts) -> Value<Vec<String>> {
    const NAME: &str = "NOCTIS_CORS_ORIGINS";
    let origin = |text: &str| match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text => {
            Ok(text.to_owned())
        }
        _ => Err(SettingError::new(NAME, format!("{text:?} is not an origin, like https://viewer.example"))),
    };
    list(texts.get(NAME)).map(origin).collect()
}

pub(super) fn presets(texts: &Texts) -> Value<Arc<Presets>> {
    const NAME: &str = "NOCTIS_PRESETS_FILE";
    let path = texts.get(NAME);
    if path.is_empty() {
        return Ok(Arc::default());
    }
    let presets = Presets::with_file(Path::new(path));
    presets.map(Arc::new).map_err(|error| SettingError::new(NAME, format!("{path}: {error}")))
}

pub(super) fn otlp_endpoint(texts: &Texts) -> Value<Option<String>> {
    const NAME: &str = "NOCTIS_OTLP_ENDPOINT";
    if matches!(texts.get(NAME), "" | "off") {
        return Ok(None);
    }
    url(texts, NAME, &["http", "https"]).map(|url| Some(url.as_str().trim_end_matches('/').to_owned()))
}

pub(super) fn workers(texts: &Texts) -> Value<usize> {
    const NAME: &str = "NOCTIS_WORKERS";
    let text = texts.get(NAME);
    if text.is_empty() {
        return Ok(available_parallelism().map_or(1, usize::from).min(WORKERS_MAX));
    }
    let workers = text.parse().ok().filter(|workers| (1..=WORKERS_MAX).contains(workers));
    workers
        .ok_or_else(|| SettingError::new(NAME, format!("{text:?} is not a number from 1 to {WORKERS_MAX}")))
}

pub(super) fn lanes(texts: &Texts) -> Value<Vec<Lane>> {
    const NAME: &str = "NOCTIS_LANES";
    let lanes: Result<Vec<Lane>, String> = list(texts.get(NAME)).map(str::parse).collect();
    let mut lanes = lanes.map_err(|reason| SettingError::new(NAME, reason))?;
    lanes.sort_unstable();
    lanes.dedup();
    if lanes.is_empty() {
        return Err(SettingError::new(NAME, "a worker takes one lane or more"));
    }
    Ok(lanes)
}

pub(super) fn refuse_open_listening(texts: &Texts, listen: SocketAddr) -> Value<()> {
    let anywhere = one_of(texts, "NOCTIS_AUTH_OFF_ANYWHERE", &["true", "false"])? == "true";
    if listen.ip().is_loopback() || anywhere {
        return Ok(());
    }
    let reason = format!(
        "off listens on loopback only, and {listen} is not: \
         set NOCTIS_AUTH_OFF_ANYWHERE=true where something in front authenticates"
    );
    Err(SettingError::new("NOCTIS_AUTH", reason))
}

pub(super) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}
