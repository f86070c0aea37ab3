//! Serving until told to stop, and how it ends.

use std::{future::IntoFuture, net::SocketAddr, sync::Arc, time::Duration};

use axum::serve::ListenerExt;
use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{Api, router};

/// How long requests under way may take after the order to stop.
pub const DRAIN_SECONDS_MAX: u64 = 30;
/// When those who still wait for a render are sent away, so that their answer leaves before the end.
const GIVE_UP_AFTER: Duration = Duration::from_secs(DRAIN_SECONDS_MAX - 2);

/// Serves on `listener` until `shutdown` is cancelled; then takes no new connection, answers what is under way, and
/// returns after [`DRAIN_SECONDS_MAX`] at the latest.
///
/// # Errors
/// A listener that cannot be served.
pub async fn serve(listener: TcpListener, api: Arc<Api>, shutdown: CancellationToken) -> anyhow::Result<()> {
    // Small answers leave at once instead of waiting for more of them (Nagle).
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays with Nagle's algorithm");
        }
    });
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
    Ok(())
}
