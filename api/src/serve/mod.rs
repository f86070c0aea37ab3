//! Serving until told to stop, and how it ends. How long a peer may take is in [`patience`].

mod patience;

use std::{future::IntoFuture, net::SocketAddr, sync::Arc, time::Duration};

use axum::serve::ListenerExt;
use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::CancellationToken;

use self::patience::PatientListener;
use crate::{Api, router};

/// How long requests under way may take after the order to stop.
pub const DRAIN_SECONDS_MAX: u64 = 30;
/// When those who still wait for a render are sent away, so that their answer leaves before the end.
const GIVE_UP_AFTER: Duration = Duration::from_secs(DRAIN_SECONDS_MAX - 2);

/// How long a peer may take for what.
#[derive(Debug, Clone, Copy)]
pub struct ServeTimes {
    /// For the next byte of an answer that is being sent.
    pub write_stall_max: Duration,
}

impl Default for ServeTimes {
    fn default() -> Self {
        Self { write_stall_max: Duration::from_secs(30) }
    }
}

/// Serves on `listener` until `shutdown` is cancelled; then takes no new connection, answers what is under way, and
/// returns after [`DRAIN_SECONDS_MAX`] at the latest.
///
/// # Errors
/// A listener that cannot be served.
pub async fn serve(
    listener: TcpListener,
    api: Arc<Api>,
    times: ServeTimes,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let ServeTimes { write_stall_max } = times;
    // The tap does nothing; listeners with one are those whose clients are known by their addresses.
    let listener = PatientListener { listener, write_stall_max }.tap_io(|_| {});
    let service = router(Arc::clone(&api)).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let end = async {
        shutdown.cancelled().await;
        api.drains.cancel();
        sleep(GIVE_UP_AFTER).await;
        api.gives_up.cancel();
        sleep(Duration::from_secs(DRAIN_SECONDS_MAX) - GIVE_UP_AFTER).await;
    };
    tokio::select! {
        served = serving.into_future() => served?,
        () = end => tracing::warn!("requests were still under way when the time to drain was over"),
    }
    api.settle().await;
    Ok(())
}
