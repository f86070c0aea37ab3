//! TLS: what is spoken under which certificate, and certificates that are changed.

use std::{fs, path::Path, sync::Arc, time::Duration};

use axum::http::Request;
use http_body_util::Empty;
use hyper::{body::Bytes, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use noctis_api::{ServeTimes, Tls};
use noctis_shared::settings::TlsFiles;
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName},
    },
};

use crate::{
    house::House,
    waiting::wait_until,
    wire::{Server, answer, rest},
};

/// Files of a server, and what its clients trust.
struct Authority {
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn files(&self) -> TlsFiles {
        TlsFiles { cert: self.folder.path().join("cert.pem"), key: self.folder.path().join("key.pem") }
    }

    /// Writes a certificate that vouches for itself, with its key.
    fn issue(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let TlsFiles { cert, key } = self.files();
        replace(&cert, &made.cert.pem());
        replace(&key, &made.signing_key.serialize_pem());
        made.cert.der().clone()
    }

    async fn server(&self, house: &House, times: ServeTimes) -> Server {
        let tls = Tls::read(self.files()).expect("files of TLS");
        Server::with(house, times, |door| door.with_tls(tls)).await
    }
}

/// As those who renew certificates do it: never half of one.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).expect("written");
    fs::rename(new, path).expect("in its place");
}

async fn connect(
    server: &Server,
    trusted: &CertificateDer<'static>,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a root");
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, server.connect().await).await
}

#[tokio::test]
async fn over_tls_both_versions_of_http_are_spoken_and_nobody_comes_back_without_it() {
    let (house, authority) = (House::new().await, Authority::new());
    let certificate = authority.issue();
    let server = authority.server(&house, ServeTimes::DEFAULT).await;

    let mut one = connect(&server, &certificate, &["http/1.1"]).await.expect("agreed");
    assert_eq!(one.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    one.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("sent");
    let page = answer(&mut one).await;
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("strict-transport-security: max-age=31536000\r\n")
    );

    let two = connect(&server, &certificate, &["h2", "http/1.1"]).await.expect("agreed");
    assert_eq!(two.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let shaken = http2::handshake(TokioExecutor::new(), TokioIo::new(two)).await;
    let (mut sender, connection) = shaken.expect("HTTP/2 is spoken");
    tokio::spawn(connection);
    let request = Request::get("https://localhost/livez").body(Empty::<Bytes>::new()).expect("a request");
    let answer = sender.send_request(request).await.expect("answered");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
    assert_eq!(house.get("/").await.header("strict-transport-security"), "", "not promised without it");

    let without = server.exchange(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(!without.contains("HTTP/1.1"), "{without}");
}

#[tokio::test]
async fn a_handshake_has_its_time() {
    let (house, authority) = (House::new().await, Authority::new());
    authority.issue();
    let times = ServeTimes { handshake_max: Duration::from_millis(300), ..ServeTimes::DEFAULT };
    let server = authority.server(&house, times).await;
    // The beginning of a first message, and no more of it.
    assert_eq!(rest(&mut server.say(&[0x16, 0x03, 0x01]).await).await, "");
    assert_eq!(rest(&mut server.connect().await).await, "");
}

#[tokio::test]
async fn a_changed_certificate_is_used_without_a_restart_and_a_bad_one_is_not() {
    let (house, authority) = (House::new().await, Authority::new());
    let first = authority.issue();
    let server = authority.server(&house, ServeTimes::DEFAULT).await;
    let mut kept = connect(&server, &first, &["http/1.1"]).await.expect("agreed");

    replace(&authority.files().cert, "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(connect(&server, &first, &[]).await.is_ok(), "the one before stays");
    fs::remove_file(authority.files().key).expect("removed");
    let second = authority.issue();
    wait_until("the new one", async || connect(&server, &second, &[]).await.is_ok()).await;
    assert!(connect(&server, &first, &[]).await.is_err());

    kept.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("sent");
    assert!(answer(&mut kept).await.starts_with("HTTP/1.1 200"), "who was there keeps his connection");
}

#[test]
fn files_that_make_no_tls_are_named_with_their_setting() {
    let authority = Authority::new();
    let sentence = || Tls::read(authority.files()).expect_err("no TLS").to_string();
    assert!(sentence().starts_with("NOCTIS_TLS_CERT: ") && sentence().contains("cert.pem cannot be read"));
    authority.issue();
    let TlsFiles { cert, key } = authority.files();
    let (good_cert, good_key) =
        (fs::read_to_string(&cert).expect("PEM"), fs::read_to_string(&key).expect("PEM"));
    let other = Authority::new();
    other.issue();
    let other_key = fs::read_to_string(other.files().key).expect("PEM");
    let cases = [
        ("", &*good_key, "NOCTIS_TLS_CERT: ", "has no certificate in PEM"),
        (&good_key, &good_key, "NOCTIS_TLS_CERT: ", "has no certificate in PEM"),
        (&good_cert, "", "NOCTIS_TLS_KEY: ", "has no private key in PEM"),
        (&good_cert, &good_cert, "NOCTIS_TLS_KEY: ", "has no private key in PEM"),
        (&good_cert, &other_key, "NOCTIS_TLS_KEY: ", "is not the key of"),
    ];
    for (cert_text, key_text, setting, reason) in cases {
        fs::write(&cert, cert_text).expect("written");
        fs::write(&key, key_text).expect("written");
        let sentence = sentence();
        assert!(sentence.starts_with(setting) && sentence.contains(reason), "{sentence}");
        assert!(sentence.lines().count() == 1 && !sentence.contains("BEGIN"), "{sentence}");
    }
}
