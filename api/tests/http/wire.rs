//! Raw bytes over a socket, and a server to send them to.

use std::{net::SocketAddr, time::Duration};

use noctis_api::{Door, ServeTimes};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::house::House;

/// How long anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A server over a house; it ends when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(house: &House, times: ServeTimes) -> Self {
        Self::with(house, times, |door| door).await
    }

    pub(crate) async fn with(house: &House, times: ServeTimes, change: impl FnOnce(Door) -> Door) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shutdown = CancellationToken::new();
        let door = change(Door::from(listener));
        let serving = tokio::spawn(noctis_api::serve(door, house.api.clone(), times, shutdown.clone()));
        Self { address, shutdown, serving }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connected")
    }

    /// A connection that has said this.
    pub(crate) async fn say(&self, bytes: &[u8]) -> TcpStream {
        let mut client = self.connect().await;
        client.write_all(bytes).await.expect("sent");
        client
    }

    /// What comes back until the server closes.
    pub(crate) async fn exchange(&self, bytes: &[u8]) -> String {
        rest(&mut self.say(bytes).await).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// What is still to be read until the other side closes, or resets the connection.
pub(crate) async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut read = Vec::new();
    let _end_or_reset = timeout(PATIENCE, stream.read_to_end(&mut read)).await.expect("it closes in time");
    String::from_utf8_lossy(&read).into_owned()
}

/// The next answer, head and body, that has a length.
pub(crate) async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut read = Vec::new();
    let reading = async {
        while !read.ends_with(b"\r\n\r\n") {
            read.push(stream.read_u8().await.expect("a head"));
        }
        let head = String::from_utf8_lossy(&read).to_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next());
        let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a length"))];
        stream.read_exact(&mut body).await.expect("a body");
        read.extend(body);
    };
    timeout(PATIENCE, reading).await.expect("an answer in time");
    String::from_utf8_lossy(&read).into_owned()
}
