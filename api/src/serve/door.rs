//! Where connections come in: the address, TLS or none, and how many there may be.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use noctis_shared::{
    program::{self, Failure},
    settings::Settings,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};

use super::{crowd::Crowd, tls::Tls};

/// Connections at a time where nobody has said how many.
const CONNECTIONS_MAX: usize = 4096;
/// How often it is said that nobody can be accepted.
const SAID_EVERY: Duration = Duration::from_secs(60);
/// How long nobody is accepted after an error of the machine, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Where connections come in.
#[derive(Debug)]
pub struct Door {
    pub(super) listener: TcpListener,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) connections_max: usize,
}

impl Door {
    /// The door that `settings` ask for.
    ///
    /// # Errors
    /// [`Failure::Setting`] for an address that cannot be listened on, and files of TLS that are none.
    pub async fn open(settings: &Settings) -> Result<Self, Failure> {
        let tls = settings.tls.clone().map(Tls::read).transpose()?;
        let listener = TcpListener::bind(settings.listen).await.map_err(|error| {
            Failure::usage("NOCTIS_LISTEN", &format!("{} cannot be listened on: {error}", settings.listen))
        })?;
        Ok(Self { listener, tls: tls.map(Arc::new), connections_max: settings.connections_max })
    }

    /// Prints the URL that scripts wait for.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn announce(&self) -> anyhow::Result<()> {
        program::announce_listening(if self.tls.is_some() { "https" } else { "http" }, &self.listener)
    }

    /// This door under TLS.
    #[must_use]
    pub fn with_tls(self, tls: Tls) -> Self {
        Self { tls: Some(Arc::new(tls)), ..self }
    }

    /// This door for so many connections at a time.
    #[must_use]
    pub fn with_connections_max(self, connections_max: usize) -> Self {
        Self { connections_max, ..self }
    }
}

impl From<TcpListener> for Door {
    fn from(listener: TcpListener) -> Self {
        Self { listener, tls: None, connections_max: CONNECTIONS_MAX }
    }
}

/// The next connection. What goes wrong with one of them is its own matter; what goes wrong with the machine, mostly no
/// file left, is waited out, and a connection that asks for nothing gives its file back. Nothing ends it.
pub(super) async fn accept(
    listener: &TcpListener,
    crowd: &Crowd,
    said_at: &mut Option<Instant>,
) -> (TcpStream, SocketAddr) {
    let mut pause = PAUSES.0;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_one(&error) => {}
            Err(error) => {
                if said_at.is_none_or(|said_at| said_at.elapsed() > SAID_EVERY) {
                    tracing::warn!(%error, "connections cannot be accepted for now");
                    *said_at = Some(Instant::now());
                }
                crowd.make_room();
                sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}

fn is_of_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
