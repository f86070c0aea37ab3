//! Answers on their way: JSON piece by piece, clients that do not read, and what they hold.

use std::{net::SocketAddr, time::Duration};

use noctis_api::ServeTimes;
use noctis_shared::{queue::QueueLimits, render::Outcome};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    house::{House, image_path, picture},
    waiting::wait_until,
};

const MIB: usize = 1 << 20;
/// What one JSON answer holds beside the picture.
const TEXT_AHEAD_BYTES_MAX: u64 = 512 << 10;
/// What the answers to one client hold at most.
const CLIENT_BYTES_MAX: u64 = 128 << 20;

/// A house whose picture is `length` bytes long, rendered and cached.
async fn house_with(length: usize) -> House {
    let Outcome::Picture(mut render) = picture() else { panic!("a picture") };
    render.picture = (0..length).map(|index| (index % 251) as u8).collect::<Vec<_>>().into();
    // The clients are told apart as behind a proxy.
    let house = House::with(&[("NOCTIS_TRUSTED_PROXIES", "127.0.0.1")], QueueLimits::default()).await;
    house.start_worker(Outcome::Picture(render)).await;
    assert_eq!(house.png("").await.body.len(), length);
    house
}

/// Serves the house until the guard goes.
async fn serve(house: &House, times: ServeTimes) -> (SocketAddr, DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let shutdown = CancellationToken::new();
    tokio::spawn(noctis_api::serve(listener, house.api.clone(), times, shutdown.clone()));
    (address, shutdown.drop_guard())
}

/// A client that has asked, and holds little in its own socket.
async fn ask(address: SocketAddr, headers: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let mut client = socket.connect(address).await.expect("connected");
    let request = format!("GET {} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n", image_path());
    client.write_all(request.as_bytes()).await.expect("sent");
    client
}

/// The status of the answer; nothing beyond its line is read.
async fn status(client: &mut TcpStream) -> String {
    let mut line = [0; "HTTP/1.1 200".len()];
    client.read_exact(&mut line).await.expect("an answer");
    String::from_utf8_lossy(&line["HTTP/1.1 ".len()..]).into_owned()
}

/// The body is what one that is made at once would be.
#[tokio::test]
async fn json_is_sent_in_pieces_and_is_what_it_would_be_in_one() {
    for length in [1, 49_151, 49_152, 49_153, 1_000_000] {
        let house = house_with(length).await;
        let encoded = base64_simd::STANDARD.encode_to_string(&house.png("").await.body);
        let json = house.get(&image_path()).await;
        assert_eq!(json.json()["image_data_url"], format!("data:image/png;base64,{encoded}"), "{length}");
        assert_eq!(json.header("content-length"), json.body.len().to_string());
        let text = std::str::from_utf8(&json.body).expect("UTF-8");
        let (before, after) = text.split_once(&encoded).expect("the picture");
        assert_eq!(before, "{\"image_data_url\":\"data:image/png;base64,");
        assert!(after.starts_with("\",\"image_id\":\""), "{after}");
        let head = house.send("HEAD", &image_path(), &[]).await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), json.header("content-length"));
        assert_eq!((head.header("etag"), house.api.outgoing_bytes()), (json.header("etag"), 0));
    }
}

#[tokio::test]
async fn it_is_sent_whole_over_a_socket() {
    let house = house_with(2 * MIB + 1).await;
    let (address, _serving) = serve(&house, ServeTimes::default()).await;
    let mut client = ask(address, "Connection: close\r\n").await;
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.expect("an answer");
    let start = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head") + 4;
    let sent: serde_json::Value = serde_json::from_slice(&answer[start..]).expect("JSON");
    let encoded = base64_simd::STANDARD.encode_to_string(&house.png("").await.body);
    assert!(sent["image_data_url"] == format!("data:image/png;base64,{encoded}"));
    wait_until("all is given back", async || house.api.outgoing_bytes() == 0).await;
}

#[tokio::test]
async fn readers_that_do_not_read_hold_a_bounded_number_of_bytes() {
    const READERS: u64 = 100;
    let length = 8 * MIB as u64;
    let house = house_with(8 * MIB).await;
    let (address, _serving) = serve(&house, ServeTimes::default()).await;
    let (mut readers, mut answered, mut refused) = (Vec::new(), 0, 0);
    for _ in 0..READERS {
        let mut client = ask(address, "").await;
        match &*status(&mut client).await {
            "200" => answered += 1,
            "503" => refused += 1,
            other => panic!("{other}"),
        }
        readers.push(client);
    }
    let most = CLIENT_BYTES_MAX / (length + TEXT_AHEAD_BYTES_MAX);
    assert_eq!((answered, refused), (most, READERS - most));
    assert_eq!(
        house.api.outgoing_bytes(),
        length + most * TEXT_AHEAD_BYTES_MAX,
        "the picture lies there once"
    );

    let mut again = ask(address, "").await;
    let mut answer = [0; 2048];
    let read = again.read(&mut answer).await.expect("an answer");
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert!(
        answer.contains("\r\nretry-after: 2\r\n") && answer.contains("/api/v1/problems/answers-unread"),
        "{answer}"
    );
    let mut other = ask(address, "X-Forwarded-For: 203.0.113.9\r\n").await;
    assert_eq!(status(&mut other).await, "200", "another client is not held up");
    assert_eq!(house.get("/livez").await.status, 200);

    drop((readers, again, other));
    wait_until("clients that left have given all back", async || house.api.outgoing_bytes() == 0).await;
    assert_eq!(status(&mut ask(address, "").await).await, "200");
}

#[tokio::test]
async fn a_reader_that_stalls_is_cut_off() {
    let house = house_with(16 * MIB).await;
    let times = ServeTimes { write_stall_max: Duration::from_millis(300), ..ServeTimes::DEFAULT };
    let (address, _serving) = serve(&house, times).await;
    for accept in ["Accept: application/json\r\n", "Accept: image/png\r\n"] {
        let mut client = ask(address, accept).await;
        assert_eq!(status(&mut client).await, "200");
        assert!(house.api.outgoing_bytes() >= 16 * MIB as u64);
        wait_until("the connection is given up", async || house.api.outgoing_bytes() == 0).await;
        let mut rest = Vec::new();
        // The end of the stream, or a reset.
        let _ = client.read_to_end(&mut rest).await;
        assert!(rest.len() < 16 * MIB, "{} bytes came", rest.len());
    }
}
