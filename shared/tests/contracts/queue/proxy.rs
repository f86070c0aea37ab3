//! A wire to the broker that can be cut or fall silent, so that a test loses its own connections and nobody else's.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};
use url::Url;

/// Forwards connections while it is whole, keeps them without a byte while it is silent, and drops them all while it is
/// cut.
pub(crate) struct Proxy {
    url: Url,
    wire: watch::Sender<Wire>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wire {
    Whole,
    Silent,
    Cut,
}

impl Proxy {
    /// A proxy before the broker at `url`.
    pub(crate) async fn before(url: &str) -> Self {
        let mut url: Url = url.parse().expect("a URL");
        let broker = format!("{}:{}", url.host_str().expect("a host"), url.port().unwrap_or(5672));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        url.set_host(Some("127.0.0.1")).expect("a host");
        url.set_port(Some(address.port())).expect("a port");
        let (wire, watched) = watch::channel(Wire::Whole);
        tokio::spawn(accept(listener, broker, watched));
        Self { url, wire }
    }

    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }

    pub(crate) fn cut(&self) {
        self.wire.send_replace(Wire::Cut);
    }

    pub(crate) fn fall_silent(&self) {
        self.wire.send_replace(Wire::Silent);
    }

    pub(crate) fn mend(&self) {
        self.wire.send_replace(Wire::Whole);
    }
}

async fn accept(listener: TcpListener, broker: String, wire: watch::Receiver<Wire>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(forward(client, broker.clone(), wire.clone()));
    }
}

async fn forward(mut client: TcpStream, broker: String, mut wire: watch::Receiver<Wire>) {
    if *wire.borrow() == Wire::Cut {
        return;
    }
    let mut server = TcpStream::connect(broker).await.expect("broker");
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => return,
        _ = wire.wait_for(|wire| *wire != Wire::Whole) => {}
    }
    // Bytes were on their way, so that a silent connection is of no use afterwards.
    let _gone = wire.wait_for(|wire| *wire != Wire::Silent).await;
}
