//! `/livez`, `/readyz` and `/metrics` of a lone worker, with one connection for each question and little time for it:
//! whoever reaches this port must not be able to keep the probes from being asked.

use std::{collections::VecDeque, time::Duration};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use noctis_shared::{health::Health, telemetry::PrometheusHandle};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::Worker;

/// Longest request line with its headers, in bytes; 431 past it.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// How much peers may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Connections at a time; with one more the oldest is hung up on.
    connections_max: usize,
    /// The head of a question, from the beginning of its connection.
    head_max: Duration,
    /// A connection from its beginning to its end.
    lasts_max: Duration,
}

const LIMITS: Limits =
    Limits { connections_max: 64, head_max: Duration::from_secs(2), lasts_max: Duration::from_secs(10) };

#[derive(Clone)]
struct Probes {
    worker: Worker,
    metrics: PrometheusHandle,
}

/// Serves the probes on `listener` until `shutdown`.
pub async fn serve(
    listener: TcpListener,
    worker: Worker,
    metrics: PrometheusHandle,
    shutdown: CancellationToken,
) {
    let router = Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(async |State(probes): State<Probes>| probes.metrics.render()))
        .with_state(Probes { worker, metrics });
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = accept(&listener, router, LIMITS) => {}
    }
}

/// Takes connections for ever: who comes is heard, and who has been there for longest makes room.
async fn accept(listener: &TcpListener, router: Router, limits: Limits) {
    /// Open files of the process may be all in use.
    const AFTER_FAILURE: Duration = Duration::from_secs(1);
    let mut under_way: VecDeque<AbortOnDropHandle<()>> = VecDeque::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                under_way.retain(|conversation| !conversation.is_finished());
                if under_way.len() >= limits.connections_max {
                    under_way.pop_front();
                }
                let answered = tokio::spawn(answer(stream, router.clone(), limits));
                under_way.push_back(AbortOnDropHandle::new(answered));
            }
            Err(_) => sleep(AFTER_FAILURE).await,
        }
    }
}

/// One question and its answer.
async fn answer(stream: TcpStream, router: Router, limits: Limits) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head_max);
    http.max_buf_size(HEAD_BYTES_MAX).keep_alive(false);
    let conversation = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let _a_peer_that_is_late_or_gone_asks_again = timeout(limits.lasts_max, conversation).await;
}

/// One line for each back end. A worker is ready while it can take jobs and store pictures somewhere that lasts.
async fn ready(State(probes): State<Probes>) -> (StatusCode, String) {
    let worker = &probes.worker;
    let (queue, cache, catalog, storage) = tokio::join!(
        worker.queue.health(),
        worker.cache.health(),
        worker.catalog.health(),
        worker.storage.health()
    );
    let word = |health: Health| if health == Health::Up { "up" } else { "down" };
    let text = format!(
        "queue {}\ncache {}\ncatalog {}\nstorage {}\n",
        word(queue),
        word(cache),
        word(catalog),
        word(storage)
    );
    let needed = [queue, catalog, storage];
    let ready = needed.iter().all(|health| *health == Health::Up);
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// What a peer of ports that has said `text` is told until it is hung up on.
    async fn told(listener_at: std::net::SocketAddr, text: &[u8]) -> String {
        let mut peer = TcpStream::connect(listener_at).await.expect("connected");
        peer.write_all(text).await.expect("sent");
        let mut answer = Vec::new();
        let _reset_or_end = peer.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn whoever_holds_every_place_and_says_nothing_is_hung_up_on_and_the_next_is_answered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let router = Router::new().route("/livez", get(async || "alive\n"));
        let limits = Limits { connections_max: 2, ..LIMITS };
        let _serves = AbortOnDropHandle::new(tokio::spawn(async move {
            accept(&listener, router, limits).await;
        }));
        let question = b"GET /livez HTTP/1.1\r\nHost: worker\r\n\r\n";
        // Those who are silent come back at once, and hold every place whenever somebody asks.
        let silent = [b"".as_slice(), b"GET /livez HTTP/1.1\r\nHost:"].map(|text| {
            AbortOnDropHandle::new(tokio::spawn(async move {
                loop {
                    let answer = told(address, text).await;
                    assert!(!answer.contains("200"), "{answer}");
                }
            }))
        });
        for _ in 0..20 {
            let asks = told(address, question).await;
            // One who is turned out before it was heard asks again, as a probe does.
            if asks.is_empty() {
                continue;
            }
            assert!(asks.starts_with("HTTP/1.1 200") && asks.ends_with("alive\n"), "{asks}");
            assert!(asks.to_lowercase().contains("connection: close"), "{asks}");
        }
        drop(silent);
        let bomb = [b"GET /livez HTTP/1.1\r\nx: ".as_slice(), &[b'a'; 2 * HEAD_BYTES_MAX]].concat();
        let told_of_bomb = told(address, &bomb).await;
        assert!(told_of_bomb.is_empty() || told_of_bomb.starts_with("HTTP/1.1 431"), "{told_of_bomb}");
    }

    #[tokio::test]
    async fn who_says_nothing_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let brief = Duration::from_millis(50);
        let limits = Limits { head_max: brief, lasts_max: 4 * brief, ..LIMITS };
        let router = Router::new().route("/", get(std::future::pending::<()>));
        let _serves = AbortOnDropHandle::new(tokio::spawn(async move {
            accept(&listener, router, limits).await;
        }));
        for text in [b"".as_slice(), b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: worker\r\n\r\n"] {
            let answer = told(address, text).await;
            assert!(!answer.contains("200"), "{answer}");
        }
    }
}
