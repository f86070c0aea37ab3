//! A server under TLS, from its settings to its address.

use std::{fs, path::Path, process::Command};

use super::program::{Program, command, run};

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
