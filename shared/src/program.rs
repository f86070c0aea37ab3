//! What every program of Noctis does alike: exit statuses, connecting back ends, signals, announcing where it listens.

use std::{fs, future::Future, io::Write, process::ExitCode, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::{
    cache::{Cache, CacheLimits},
    catalog::{Catalog, CatalogLimits},
    coordination::Coordination,
    queue::{Queue, QueueLimits},
    settings::{SettingError, Settings},
    storage::Storage,
    telemetry::{TelemetryError, TelemetrySettings, logs_are_json},
};

/// Why a program ends other than well.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Bad usage or settings: one sentence, exit status 2.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The work failed: exit status 1.
    #[error("{0:#}")]
    Work(#[from] anyhow::Error),
    /// The work ended and said so itself, but not all of it went well: exit status 1, nothing more to print.
    #[error("")]
    Reported,
}

impl Failure {
    /// A setting that does not work here.
    #[must_use]
    pub fn usage(name: &str, reason: &str) -> Self {
        Failure::Setting(SettingError::new(name, reason))
    }
}

impl From<TelemetryError> for Failure {
    fn from(error: TelemetryError) -> Self {
        Failure::usage("NOCTIS_LOG, NOCTIS_OTLP_ENDPOINT", &error.to_string())
    }
}

/// The exit status of `result`, after its sentence on standard error: 0 done, 1 the work failed, 2 bad usage or settings.
#[must_use]
pub fn exit(result: Result<(), Failure>) -> ExitCode {
    let Err(failure) = result else { return ExitCode::SUCCESS };
    let sentence = failure.to_string();
    if !sentence.is_empty() {
        say(&sentence);
    }
    match failure {
        Failure::Setting(_) => ExitCode::from(2),
        Failure::Work(_) | Failure::Reported => ExitCode::from(1),
    }
}

/// One sentence on standard error: as it is, or as a line like those of the log where these are JSON. Nobody listening is
/// fine.
pub fn say(sentence: &str) {
    let line = if logs_are_json() { json_line(sentence, Utc::now()) } else { sentence.to_owned() };
    let _standard_error_is_closed = writeln!(std::io::stderr(), "{line}");
}

fn json_line(sentence: &str, now: DateTime<Utc>) -> String {
    let timestamp = now.to_rfc3339_opts(SecondsFormat::Micros, true);
    serde_json::json!({"timestamp": timestamp, "level": "ERROR", "message": sentence}).to_string()
}

/// How long the end waits for threads that read or write files. One that hangs in the kernel never comes back.
const THREADS_END_MAX: Duration = Duration::from_secs(5);

/// Threads that pass things on, for so many cores: half of them, since whatever is passed on is worked on elsewhere, in
/// render processes and back ends. More threads wake each other more often than they help.
fn passing_threads(cores: usize) -> usize {
    cores.div_ceil(2)
}

/// Lets this process open as many files as it may at all: a connection is a file, and the number that programs begin with
/// on Linux, 1024, is one for those that use `select`.
fn open_as_many_files_as_allowed() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::debug!(%error, "the limit of open files stays as it was");
    }
}

/// Runs `work` on a runtime of as many threads as pass things on well on this machine.
///
/// # Errors
/// What `work` ends with, or a runtime that cannot be started.
pub fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    open_as_many_files_as_allowed();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut runtime = match passing_threads(cores) {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = runtime.worker_threads(passing_threads(cores)).enable_all().build();
    let runtime = runtime.map_err(anyhow::Error::from)?;
    let ended = runtime.block_on(work);
    runtime.shutdown_timeout(THREADS_END_MAX);
    ended
}

/// The back ends that hold state. Cheap to clone.
#[derive(Clone)]
pub struct BackEnds {
    /// Jobs and events.
    pub queue: Queue,
    /// Pictures and answers, for a while.
    pub cache: Cache,
    /// Who makes and who waits for which render.
    pub coordination: Coordination,
    /// Studies and renders, for good.
    pub catalog: Catalog,
}

impl BackEnds {
    /// Connects them all.
    ///
    /// # Errors
    /// [`Failure::Setting`] naming the URL that does not lead to a back end.
    pub async fn connect(settings: &Settings) -> Result<Self, Failure> {
        let catalog_limits =
            CatalogLimits { render_bytes_max: settings.renders_bytes_max, ..CatalogLimits::default() };
        let catalog = Catalog::connect(&settings.catalog_url, catalog_limits);
        let catalog = catalog.await.map_err(|error| unreachable("NOCTIS_CATALOG_URL", &error))?;
        let cache = Cache::connect(settings.cache_url.as_str(), &settings.namespace, cache_limits(settings));
        let cache = cache.await.map_err(|error| unreachable("NOCTIS_CACHE_URL", &error))?;
        let queue = Queue::connect(settings.queue_url.as_str(), &settings.namespace, QueueLimits::default());
        let queue = queue.await.map_err(|error| unreachable("NOCTIS_QUEUE_URL", &error))?;
        let coordination = Coordination::beside(&cache);
        Ok(Self { queue, cache, coordination, catalog })
    }

    /// Closes what has something to flush.
    pub async fn close(&self) {
        self.queue.close().await;
        self.catalog.close().await;
    }
}

/// How much the caches of `settings` hold, and for how long.
#[must_use]
pub fn cache_limits(settings: &Settings) -> CacheLimits {
    CacheLimits {
        memory_bytes_max: settings.cache_memory_bytes_max,
        image_ttl: settings.cache_ttl_images,
        failure_ttl: settings.cache_ttl_images,
        metadata_ttl: settings.cache_ttl_metadata,
        ..CacheLimits::default()
    }
}

fn unreachable(name: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::usage(name, &error.to_string())
}

/// Makes the data folder and sees that it can be written to. What lies in it by default would be blamed under a setting
/// that nobody gave.
///
/// # Errors
/// [`Failure::Setting`] naming the folder.
pub fn prepare_data(settings: &Settings) -> Result<(), Failure> {
    let folder = &settings.data;
    let trial = folder.join(format!(".trial-{}", std::process::id()));
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&trial, ""))
        .and_then(|()| fs::remove_file(&trial));
    written.map_err(|error| {
        Failure::usage("NOCTIS_DATA", &format!("{} cannot be written to: {error}", folder.display()))
    })
}

/// The storage of `settings`.
///
/// # Errors
/// [`Failure::Setting`] for a URL that leads to no storage, or for the data folder when it is there by default.
pub fn storage(settings: &Settings) -> Result<Storage, Failure> {
    let name = if settings.storage_is_in_data() { "NOCTIS_DATA" } else { "NOCTIS_STORAGE_URL" };
    Storage::new(&settings.storage_url, &settings.ingest_roots).map_err(|error| unreachable(name, &error))
}

/// The storage of `settings` for a program that only reads: nothing is made where it is away.
///
/// # Errors
/// [`Failure::Setting`] for a URL that leads to no storage.
pub fn storage_to_read(settings: &Settings) -> Result<Storage, Failure> {
    let storage = Storage::to_read(&settings.storage_url, &settings.ingest_roots);
    storage.map_err(|error| unreachable("NOCTIS_STORAGE_URL", &error))
}

/// How `settings` want the program `service_name` to be observed.
#[must_use]
pub fn telemetry_settings(settings: &Settings, service_name: &'static str) -> TelemetrySettings {
    TelemetrySettings {
        log_filter: settings.log.clone(),
        log_json: settings.log_json,
        otlp_endpoint: settings.otlp_endpoint.clone(),
        service_name,
    }
}

/// Prints the URL that scripts wait for, with the real port; `scheme` is `http` or `https`.
///
/// # Errors
/// When the listener has no address or standard output is closed.
pub fn announce_listening(scheme: &str, listener: &TcpListener) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    let mut output = std::io::stdout().lock();
    writeln!(output, "listening on {scheme}://{address}")?;
    output.flush()?;
    Ok(())
}

/// A token that is cancelled by the first SIGTERM or SIGINT; a second one ends the process at once.
///
/// # Errors
/// When signals cannot be listened to.
pub fn shutdown_on_signals() -> anyhow::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        token.cancel();
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(1);
    });
    Ok(shutdown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Origin, Texts};

    #[test]
    fn a_sentence_beside_json_logs_is_a_line_of_them() {
        let line = json_line("NOCTIS_LISTEN: \"8080\" is no address\nof ours", DateTime::UNIX_EPOCH);
        assert_eq!(line.lines().count(), 1);
        let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(line["message"], "NOCTIS_LISTEN: \"8080\" is no address\nof ours");
        assert_eq!(
            (&line["level"], &line["timestamp"]),
            (&"ERROR".into(), &"1970-01-01T00:00:00.000000Z".into())
        );
    }

    /// Nobody may write to `/proc`, not even the superuser that tests may run as.
    #[test]
    fn a_storage_that_cannot_be_made_is_blamed_on_the_setting_that_placed_it() {
        let named = |pairs: &[(&'static str, &str)]| {
            let mut texts = Texts::defaults();
            for (name, text) in pairs {
                texts.set(name, text, Origin::Flag);
            }
            let settings = Settings::from_texts(&texts).expect("settings");
            match storage(&settings) {
                Err(Failure::Setting(error)) => error.name,
                other => panic!("{:?}", other.err()),
            }
        };
        assert_eq!(named(&[("NOCTIS_DATA", "/proc")]), "NOCTIS_DATA");
        let placed = [("NOCTIS_DATA", "/var/lib/noctis"), ("NOCTIS_STORAGE_URL", "file:///proc/noctis/")];
        assert_eq!(named(&placed), "NOCTIS_STORAGE_URL");
    }
}
