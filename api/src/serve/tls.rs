//! TLS: the certificate of a server, read again when its files change.
//!
//! Who may come with which certificate of his own is no question here: callers have tokens.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use noctis_shared::settings::{SettingError, TlsFiles};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

const CERT: &str = "NOCTIS_TLS_CERT";
const KEY: &str = "NOCTIS_TLS_KEY";
/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Longest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// What is spoken over it, the better one first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// TLS 1.2 and 1.3 under the newest certificate that was good.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    /// What the files were when they were read first.
    first: Looks,
    current: RwLock<Arc<ServerConfig>>,
}

/// What tells a changed file, that of a link included: a mounted secret is a link that moves.
type Look = Option<(Option<SystemTime>, u64, u64)>;
type Looks = (Look, Look);

impl Tls {
    /// Reads the certificate and its key.
    ///
    /// # Errors
    /// [`SettingError`] naming the file that cannot be read, is none, or does not belong to the other.
    pub fn read(files: TlsFiles) -> Result<Self, SettingError> {
        let first = looks(&files);
        let current = RwLock::new(Arc::new(config(&files)?));
        Ok(Self { files, first, current })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Reads the files again whenever they change. A pair that is not good leaves the one that is in use; connections
    /// that are there keep theirs.
    pub(super) async fn follow(self: Arc<Self>) {
        let mut seen = self.first;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let this = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || this.look_again(seen)).await;
            seen = looked.unwrap_or(seen);
        }
    }

    fn look_again(&self, seen: Looks) -> Looks {
        let looks = looks(&self.files);
        if looks == seen {
            return seen;
        }
        match config(&self.files) {
            Ok(config) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
                tracing::info!("the certificate was read again");
            }
            // Perhaps one of the two is not written yet: then they change once more.
            Err(error) => tracing::warn!(%error, "a changed certificate is not taken; the one before stays"),
        }
        looks
    }
}

fn looks(files: &TlsFiles) -> Looks {
    let look = |path: &Path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok(), metadata.len(), metadata.ino()))
    };
    (look(&files.cert), look(&files.key))
}

fn config(files: &TlsFiles) -> Result<ServerConfig, SettingError> {
    let wrong = |name, path: &Path, what: &dyn std::fmt::Display| {
        SettingError::new(name, format!("{} {what}", path.display()))
    };
    let cert = |what: &dyn std::fmt::Display| wrong(CERT, &files.cert, what);
    let key = |what: &dyn std::fmt::Display| wrong(KEY, &files.key, what);

    let pem = read(&files.cert).map_err(|reason| cert(&reason))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.map_err(|error| cert(&format!("is not PEM: {error}")))?;
    if chain.is_empty() {
        return Err(cert(&"has no certificate in PEM"));
    }
    let pem = read(&files.key).map_err(|reason| key(&reason))?;
    // The error could quote the file.
    let secret = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| key(&"has no private key in PEM"))?;
    let versions = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| cert(&format!("cannot be used: {error}")))?;
    let config = versions.with_no_client_auth().with_single_cert(chain, secret);
    let mut config = config.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => key(&format!("is not the key of {}", files.cert.display())),
        rustls::Error::InvalidCertificate(_) => cert(&format!("cannot be used: {error}")),
        error => key(&format!("cannot be used: {error}")),
    })?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let unread = |error| format!("cannot be read: {error}");
    let length = fs::metadata(path).map_err(unread)?.len();
    if length > FILE_BYTES_MAX {
        return Err(format!("has {length} bytes, which is too much for PEM"));
    }
    fs::read(path).map_err(unread)
}
