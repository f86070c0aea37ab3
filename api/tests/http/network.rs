//! Connections: how long they may take for what, how many there may be, how they end, and heads that are meant ill.

use std::{
    fs,
    time::{Duration, Instant},
};

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use noctis_api::ServeTimes;
use noctis_shared::render::Outcome;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    time::{sleep, timeout},
};

use crate::{
    house::{House, image_path, picture},
    waiting::wait_until,
    wire::{PATIENCE, Server, answer, rest},
};

const SHORT: Duration = Duration::from_millis(400);
const GET: &[u8] = b"GET /api/v1/dicom/presets HTTP/1.1\r\nHost: localhost\r\n\r\n";

async fn server(times: ServeTimes) -> Server {
    Server::start(&House::new().await, times).await
}

#[tokio::test]
async fn a_head_has_its_time_and_a_byte_now_and_then_gives_it_no_more() {
    let server = server(ServeTimes { head_max: SHORT, ..ServeTimes::DEFAULT }).await;
    let mut silent = server.connect().await;
    let (mut reading, mut dripping) = server.connect().await.into_split();
    let started = Instant::now();
    let drips = tokio::spawn(async move {
        while dripping.write_all(b"G").await.is_ok() {
            sleep(SHORT / 8).await;
        }
    });
    assert_eq!((rest(&mut reading).await, rest(&mut silent).await), (String::new(), String::new()));
    let took = started.elapsed();
    assert!(took >= SHORT && took < SHORT * 10, "after {took:?}");
    drips.await.expect("no panic");
    // The second head of a connection has as much.
    let mut kept = server.say(GET).await;
    assert!(answer(&mut kept).await.starts_with("HTTP/1.1 200"));
    kept.write_all(b"GET / HTTP/1.1\r\nHost:").await.expect("sent");
    assert_eq!(rest(&mut kept).await, "");
}

#[tokio::test]
async fn a_connection_that_is_kept_is_closed_once_it_was_idle_for_its_time() {
    let server = server(ServeTimes { idle_max: SHORT, ..ServeTimes::DEFAULT }).await;
    let mut kept = server.say(GET).await;
    for _ in 0..4 {
        assert!(answer(&mut kept).await.starts_with("HTTP/1.1 200"));
        sleep(SHORT / 2).await;
        kept.write_all(GET).await.expect("still open");
    }
    assert!(answer(&mut kept).await.starts_with("HTTP/1.1 200"));
    let idle = Instant::now();
    assert_eq!(rest(&mut kept).await, "");
    assert!(idle.elapsed() >= SHORT / 2 && idle.elapsed() < SHORT * 10, "after {:?}", idle.elapsed());
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let house = House::with(&LOGIN, noctis_shared::queue::QueueLimits::default()).await;
    let server = Server::start(&house, ServeTimes { body_stall_max: SHORT, ..ServeTimes::DEFAULT }).await;
    let answer = server.exchange(HALF_A_LOGIN).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("application/problem+json"), "{answer}");
}

const LOGIN: [(&str, &str); 2] =
    [("NOCTIS_AUTH", "jwt"), ("NOCTIS_JWT_SECRET", "0123456789abcdef0123456789abcdef")];
const HALF_A_LOGIN: &[u8] = b"POST /api/v1/auth/token HTTP/1.1\r\nHost: localhost\r\n\
    Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"grant_type\":";

/// Clients send a head and its body apart, and the answer may be ready before the body is there.
#[tokio::test]
async fn a_body_that_nobody_reads_is_taken_and_the_connection_goes_on() {
    let server = server(ServeTimes::default()).await;
    let mut client = server.connect().await;
    for (method, path) in [("TRACE", "/livez"), ("POST", "/nowhere"), ("POST", "/dicom-web/studies")] {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n");
        client.write_all(head.as_bytes()).await.expect("sent");
        tokio::time::sleep(Duration::from_millis(100)).await;
        client.write_all(b"some body").await.expect("sent");
        let told = answer(&mut client).await;
        assert!(
            told.starts_with("HTTP/1.1 4") && !told.to_lowercase().contains("connection: close"),
            "{told}"
        );
    }
    // One that does not come is not waited for, and the peer is told that this was all.
    let half = b"TRACE /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nsome";
    client.write_all(half).await.expect("sent");
    assert!(answer(&mut client).await.to_lowercase().contains("connection: close"));
    // Who waits for a word hears that its body is not wanted.
    let mut asks = server.connect().await;
    let head =
        b"TRACE /livez HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";
    asks.write_all(head).await.expect("sent");
    assert!(answer(&mut asks).await.starts_with("HTTP/1.1 405"));
}

#[tokio::test]
async fn heads_that_are_too_long_are_refused() {
    let server = server(ServeTimes::DEFAULT).await;
    let head = |line: String, headers: String| format!("{line}\r\nHost: localhost\r\n{headers}\r\n");
    let get = || "GET / HTTP/1.1".to_owned();
    let many = |count: usize| (0..count).map(|number| format!("X-{number}: a\r\n")).collect::<String>();
    let cases = [
        (head(get(), format!("X-Bomb: {}\r\n", "a".repeat(33 << 10))), "431"),
        (head(get(), many(100)), "431"),
        (head(format!("GET /{} HTTP/1.1", "a".repeat(17 << 10)), String::new()), "414"),
        (head(format!("GET /{} HTTP/1.1", "a".repeat(33 << 10)), String::new()), "431"),
        (head(get(), "Connection: close\r\n".to_owned() + &many(98)), "200"),
        (head(get(), format!("Connection: close\r\nX-Large: {}\r\n", "a".repeat(30 << 10))), "200"),
    ];
    for (request, status) in cases {
        // What is refused may be closed before all of it was sent.
        let mut client = server.connect().await;
        let _closed = client.write_all(request.as_bytes()).await;
        if status == "414" {
            client.shutdown().await.expect("half closed");
        }
        let said = rest(&mut client).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{status}: {said:.200}");
    }
    let endless = server.connect().await;
    let (mut reading, mut writing) = endless.into_split();
    let sent = async {
        let mut sent = 0;
        while writing.write_all(&[b'a'; 4096]).await.is_ok() {
            sent += 4096;
            assert!(sent < 64 << 20, "it reads on and on");
        }
    };
    let (said, ()) = tokio::join!(rest(&mut reading), sent);
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said:.200}");
}

/// Shapes by which a proxy and a server take the same bytes for different requests. The one behind must not be answered.
#[tokio::test]
async fn bytes_that_could_be_two_requests_are_none() {
    let server = server(ServeTimes { body_stall_max: SHORT, ..ServeTimes::DEFAULT }).await;
    let hidden = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let post = "POST /api/v1/auth/token HTTP/1.1\r\nHost: localhost\r\n";
    let get = "GET /livez HTTP/1.1\r\n";
    let shapes = [
        ("CL.TE", format!("{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}")),
        (
            "TE.CL",
            format!(
                "{post}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\na\r\n0\r\n\r\n{hidden}"
            ),
        ),
        ("two lengths", format!("{post}Content-Length: 0\r\nContent-Length: 9\r\n\r\n{hidden}")),
        ("one length twice", format!("{post}Content-Length: 0\r\nContent-Length: 0\r\n\r\n{hidden}")),
        ("a list of lengths", format!("{post}Content-Length: 0, 0\r\n\r\n{hidden}")),
        ("a signed length", format!("{post}Content-Length: +0\r\n\r\n{hidden}")),
        ("a length in hex", format!("{post}Content-Length: 0x0\r\n\r\n{hidden}")),
        ("an endless length", format!("{post}Content-Length: 99999999999999999999\r\n\r\n{hidden}")),
        ("TE that is none", format!("{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}")),
        ("TE of two", format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}")),
        ("TE with a space", format!("{post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{hidden}")),
        (
            "TE of 1.0",
            format!("{}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}", post.replace("1.1", "1.0")),
        ),
        ("a folded line", format!("{get}Host: localhost\r\nX-A: b\r\n c: d\r\n\r\n{hidden}")),
        ("bare LF", format!("{get}Host: localhost\nX-A: b\r\n\r\n{hidden}")),
        ("bare LF at the end", format!("{get}Host: localhost\r\n\n{hidden}")),
        ("bare CR", format!("{get}Host: localhost\rX-A: b\r\n\r\n{hidden}")),
        ("NUL", format!("{get}Host: localhost\0\r\n\r\n{hidden}")),
        ("a chunk that is no number", format!("{post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{hidden}")),
        ("a chunk after bare LF", format!("{post}Transfer-Encoding: chunked\r\n\r\n0\n\n{hidden}")),
        ("a chunk of all", format!("{post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n{hidden}")),
        (
            "a chunk with endless words",
            format!(
                "{post}Transfer-Encoding: chunked\r\n\r\n1;{}\r\na\r\n0\r\n\r\n{hidden}",
                "a".repeat(64 << 10)
            ),
        ),
        ("after a chunked body", format!("{post}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}")),
    ];
    for (name, shape) in shapes {
        let mut client = server.connect().await;
        let _closed_before_all_was_sent = client.write_all(shape.as_bytes()).await;
        let said = rest(&mut client).await;
        assert!(said.matches("HTTP/1.1 ").count() <= 1, "{name}: {said}");
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{name}: {said}");
    }
    // Requests one behind the other are fine while they are clear.
    let pipelined = format!("{hidden}{}", hidden.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    assert_eq!(server.exchange(pipelined.as_bytes()).await.matches("HTTP/1.1 200").count(), 2);
}

#[tokio::test]
async fn a_request_without_one_host_is_refused_on_the_wire_too() {
    let server = server(ServeTimes::DEFAULT).await;
    for hosts in ["", "Host: localhost\r\nHost: localhost\r\n", "Host: evil.example\r\n", "Host:\r\n"] {
        let request = format!("GET /api/v1/dicom/presets HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        let said = server.exchange(request.as_bytes()).await;
        assert!(said.starts_with("HTTP/1.1 400"), "{hosts}: {said}");
    }
    let absolute = "GET http://evil.example/api/v1/dicom/presets HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert!(server.exchange(absolute.as_bytes()).await.starts_with("HTTP/1.1 400"));
}

type Sender = http2::SendRequest<Full<Bytes>>;

/// A connection of HTTP/2 without TLS, by prior knowledge.
async fn http2(server: &Server) -> Sender {
    let stream = TokioIo::new(server.connect().await);
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), stream).await.expect("HTTP/2 is spoken");
    tokio::spawn(connection);
    sender
}

async fn get2(sender: &mut Sender, uri: &str, headers: &[(&str, &str)]) -> Result<u16, hyper::Error> {
    let request = axum::http::Request::builder().uri(uri);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = sender.send_request(request.body(Full::default()).expect("a request")).await?;
    let status = response.status().as_u16();
    let _body = response.into_body().collect().await?;
    Ok(status)
}

#[tokio::test]
async fn http_2_has_the_same_limits() {
    let server = server(ServeTimes { idle_max: SHORT, ..ServeTimes::DEFAULT }).await;
    let mut sender = http2(&server).await;
    let presets = "http://localhost/api/v1/dicom/presets";
    assert_eq!(get2(&mut sender, presets, &[]).await.expect("answered"), 200);
    let foreign = "http://evil.example/api/v1/dicom/presets";
    assert_eq!(get2(&mut sender, foreign, &[]).await.expect("answered"), 400);
    let two_names = [("host", "viewer.example")];
    assert_eq!(get2(&mut sender, presets, &two_names).await.expect("answered"), 400);
    let bomb = "a".repeat(33 << 10);
    let bombed = get2(&mut sender, presets, &[("x-bomb", &bomb)]).await;
    assert!(bombed.is_err() || bombed.is_ok_and(|status| status == 431));
    let idle = async {
        while sender.ready().await.is_ok() && !sender.is_closed() {
            sleep(SHORT / 4).await;
        }
    };
    timeout(PATIENCE, idle).await.expect("an idle connection is closed");
}

/// One frame of HTTP/2 (RFC 9113 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;

/// Sends `flood` again and again; how many times before the server had enough.
async fn flooded(server: &Server, mut flood: impl FnMut(u32) -> Vec<u8>, most: u32) -> u32 {
    let (mut reading, mut writing) =
        server.say(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.into_split();
    let sent = async move {
        let mut sent = 0;
        while sent < most && writing.write_all(&flood(sent)).await.is_ok() {
            sent += 1;
        }
        sent
    };
    let (sent, _said) =
        timeout(PATIENCE, async { tokio::join!(sent, rest(&mut reading)) }).await.expect("an end");
    sent
}

#[tokio::test]
async fn floods_of_http_2_end_their_connection_and_nothing_else() {
    let server = server(ServeTimes::DEFAULT).await;
    let get = [&[0x82, 0x86, 0x84, 0x41, 9][..], b"localhost"].concat();
    // Requests that are taken back before they are looked at, some hundred in a packet.
    let resets = |number: u32| {
        let streams = (number * 100..(number + 1) * 100).map(|stream| 2 * stream + 1);
        let taken_back =
            |stream| [frame(HEADERS, 5, stream, &get), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat();
        streams.flat_map(taken_back).collect()
    };
    assert!(flooded(&server, resets, 10_000).await < 10_000);
    // One head without an end.
    let endless = |number: u32| match number {
        0 => frame(HEADERS, 1, 1, &get),
        _ => frame(CONTINUATION, 0, 1, &[0x40, 1, b'a', 1, b'b'].repeat(200)),
    };
    assert!(flooded(&server, endless, 100_000).await < 100_000);
    assert!(answer(&mut server.say(GET).await).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn who_is_quiet_leaves_when_all_places_are_taken() {
    let house = House::new().await;
    let server = Server::with(&house, ServeTimes::DEFAULT, |door| door.with_connections_max(32)).await;
    let mut quiet = Vec::new();
    for _ in 0..40 {
        quiet.push(server.connect().await);
    }
    let mut asking = Vec::new();
    for _ in 0..3 {
        let mut client = server.say(GET).await;
        assert!(answer(&mut client).await.starts_with("HTTP/1.1 200"), "whoever asks is answered");
        asking.push(client);
    }
    let mut closed = 0;
    for client in &mut quiet {
        closed += usize::from(timeout(SHORT / 4, client.readable()).await.is_ok());
    }
    assert_eq!(closed, quiet.len() + asking.len() - 32);
}

#[tokio::test]
async fn with_all_places_busy_a_newcomer_is_turned_away_and_the_busy_ones_are_not() {
    let house = House::new().await;
    let server = Server::with(&house, ServeTimes::DEFAULT, |door| door.with_connections_max(16)).await;
    let request = format!("GET {} HTTP/1.1\r\nHost: localhost\r\nAccept: image/png\r\n\r\n", image_path());
    let mut busy = Vec::new();
    for width in 101..=116 {
        busy.push(server.say(request.replace(" HTTP", &format!("?width={width} HTTP")).as_bytes()).await);
    }
    let jobs = async || {
        let depths = house.back_ends.queue.depths().await.expect("depths");
        depths.iter().map(|(_, depth)| depth).sum::<u64>()
    };
    wait_until("they wait for their pictures", async || jobs().await == 16).await;
    assert_eq!(server.exchange(GET).await, "");
    house.start_worker(picture()).await;
    for client in &mut busy {
        assert!(answer(client).await.starts_with("HTTP/1.1 200"));
    }
    assert!(answer(&mut server.say(GET).await).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn the_end_waits_for_nothing_that_is_half_sent() {
    let house = House::with(&LOGIN, noctis_shared::queue::QueueLimits::default()).await;
    let mut server = Server::start(&house, ServeTimes::DEFAULT).await;
    let mut kept = server.say(GET).await;
    assert!(answer(&mut kept).await.starts_with("HTTP/1.1 200"));
    let mut shared = http2(&server).await;
    assert_eq!(get2(&mut shared, "http://localhost/livez", &[]).await.expect("answered"), 200);
    let _silent = server.connect().await;
    let _half_a_head = server.say(&GET[..20]).await;
    let _half_a_body = server.say(HALF_A_LOGIN).await;
    sleep(SHORT).await;
    let began = Instant::now();
    server.shutdown.cancel();
    timeout(Duration::from_secs(12), &mut server.serving).await.expect("it ends").expect("no panic");
    assert!(began.elapsed() < Duration::from_secs(12), "after {:?}", began.elapsed());
    assert_eq!(rest(&mut kept).await, "");
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody is let in");
}

/// Memory of this process that is not shared, in bytes.
fn memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).expect("its line");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<usize>().ok()).expect("a number") << 10
}

/// A small part of what `scripts/bench network` does at full size; both ends are in this process.
#[tokio::test]
async fn idle_connections_and_readers_that_are_slow_leave_service_and_memory_as_they_were() {
    const IDLE: usize = 300;
    const SLOW: usize = 60;
    const LENGTH: usize = 2 << 20;
    let Outcome::Picture(mut render) = picture() else { panic!("a picture") };
    render.picture = vec![7; LENGTH].into();
    let house = House::new().await;
    house.start_worker(Outcome::Picture(render)).await;
    assert_eq!(house.png("").await.body.len(), LENGTH);
    let server = Server::start(&house, ServeTimes::DEFAULT).await;
    let request = format!("GET {} HTTP/1.1\r\nHost: localhost\r\nAccept: image/png\r\n\r\n", image_path());
    let before = memory();
    let mut held = Vec::new();
    for _ in 0..IDLE {
        held.push(server.connect().await);
    }
    for _ in 0..SLOW {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        let mut client = socket.connect(server.address).await.expect("connected");
        client.write_all(request.as_bytes()).await.expect("sent");
        client.readable().await.expect("an answer begins");
        held.push(client);
    }
    let started = Instant::now();
    let mut client = server.say(request.as_bytes()).await;
    assert!(answer(&mut client).await.starts_with("HTTP/1.1 200"));
    assert!(started.elapsed() < Duration::from_secs(5), "after {:?}", started.elapsed());
    let grown = memory().saturating_sub(before);
    // Some 30 KB a connection; the picture lies there once.
    assert!(grown < (IDLE + SLOW) * (64 << 10), "{grown} bytes more");
    assert!(house.api.outgoing_bytes() <= LENGTH as u64, "{} bytes unread", house.api.outgoing_bytes());
    drop(held);
    wait_until("all is given back", async || house.api.outgoing_bytes() == 0).await;
}
