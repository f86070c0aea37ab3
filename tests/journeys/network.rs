//! A server on the network, from its settings to its address: TLS, and what the machine lets it have.

use std::{fs, net::TcpStream, path::Path, process::Command, time::Duration};

use super::{
    http::Viewer,
    program::{Program, command, run},
};

fn serve(data: &Path) -> Command {
    let mut serve = command("noctis");
    serve.args(["serve", "--no-index", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    serve
}

#[test]
fn a_certificate_and_its_key_turn_tls_on_and_half_of_that_is_bad_usage() {
    let data = tempfile::tempdir().unwrap();
    let (cert, key) = (data.path().join("cert.pem"), data.path().join("key.pem"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();

    let program =
        Program::start(serve(data.path()).env("NOCTIS_TLS_CERT", &cert).env("NOCTIS_TLS_KEY", &key));
    assert!(program.url.starts_with("https://127.0.0.1:"), "{}", program.url);
    assert!(program.terminate().success());

    let exchanged = [("NOCTIS_TLS_CERT", &key), ("NOCTIS_TLS_KEY", &cert)];
    let cases = [
        (&[("NOCTIS_TLS_CERT", &cert)][..], "NOCTIS_TLS_KEY: is needed beside NOCTIS_TLS_CERT\n".to_owned()),
        (&exchanged, format!("NOCTIS_TLS_CERT: {} has no certificate in PEM\n", key.display())),
    ];
    for (settings, sentence) in cases {
        let output = run(serve(data.path()).envs(settings.iter().copied()));
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(String::from_utf8_lossy(&output.stderr), sentence);
    }
}

/// A connection is an open file, and those run out before anything else does.
#[test]
fn a_server_without_files_left_goes_on_and_who_asks_is_answered() {
    let data = tempfile::tempdir().unwrap();
    let serve = serve(data.path());
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 120; exec \"$0\" \"$@\""]).arg(serve.get_program()).args(serve.get_args());
    for (name, value) in serve.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    let log = data.path().join("log");
    let program = Program::start(limited.stderr(fs::File::create(&log).unwrap()));
    let address = program.url.trim_start_matches("http://");
    let quiet: Vec<_> = (0..300).map(|_| TcpStream::connect(address).unwrap()).collect();
    for _ in 0..5 {
        assert_eq!(Viewer::new(&program.url).get("/livez").status, 200);
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(quiet);
    assert_eq!(Viewer::new(&program.url).get("/livez").status, 200);
    assert!(program.terminate().success());
    let said = fs::read_to_string(log).unwrap();
    assert_eq!(said.matches("connections cannot be accepted for now").count(), 1, "{said}");
}
