//! A wire to the broker that can be cut, so that a test loses its own connections and nobody else's.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};
use url::Url;

/// Forwards connections while it is whole, and drops them all while it is cut.
pub(crate) struct Proxy {
    url: Url,
    whole: watch::Sender<bool>,
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
        let (whole, watched) = watch::channel(true);
        tokio::spawn(accept(listener, broker, watched));
        Self { url, whole }
    }

    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }

    pub(crate) fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.whole.send_replace(true);
    }
}

async fn accept(listener: TcpListener, broker: String, whole: watch::Receiver<bool>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(forward(client, broker.clone(), whole.clone()));
    }
}

async fn forward(mut client: TcpStream, broker: String, mut whole: watch::Receiver<bool>) {
    if !*whole.borrow() {
        return;
    }
    let mut server = TcpStream::connect(broker).await.expect("broker");
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = whole.wait_for(|whole| !whole) => {}
    }
}
