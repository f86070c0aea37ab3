//! A deployment that asks for tokens, as an operator sets one up: accounts and tokens by commands, pictures by HTTP.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use super::{
    files::write_study,
    program::{Program, command, run},
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// `noctis` with a login over this folder.
fn noctis(data: &Path, arguments: &[&str]) -> Command {
    let mut noctis = command("noctis");
    noctis
        .args(arguments)
        .env("NOCTIS_DATA", data)
        .env("NOCTIS_AUTH", "jwt")
        .env("NOCTIS_JWT_SECRET", SECRET);
    noctis
}

/// Runs it with `input` as its standard input.
fn told(mut command: Command, input: &str) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("started");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("told");
    child.wait_with_output().expect("ended")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn client() -> reqwest::blocking::Client {
    reqwest::blocking::Client::new()
}

fn status(url: &str, token: &str) -> u16 {
    client()
        .get(url)
        .header("authorization", format!("Bearer {token}"))
        .send()
        .expect("answered")
        .status()
        .as_u16()
}

fn log_in(server: &str, form: &str) -> Result<Value, u16> {
    let answer = client()
        .post(format!("{server}/api/v1/auth/token"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.to_owned())
        .send()
        .expect("answered");
    let status = answer.status().as_u16();
    if status == 200 {
        Ok(serde_json::from_str(&answer.text().expect("text")).expect("JSON"))
    } else {
        Err(status)
    }
}

#[test]
fn people_services_and_scripts_are_let_in_and_nobody_else() {
    let (data, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_study(files.path(), "login", 2);
    let added = told(noctis(data.path(), &["user", "add", "ada"]), "correct horse battery\n");
    assert!(added.status.success(), "{added:?}");
    let added =
        run(&mut noctis(data.path(), &["user", "add", "pacs", "--service", "--scope", "studies:read"]));
    let secret =
        text(&added).lines().next().unwrap_or_default().trim_start_matches("client_secret: ").to_owned();
    assert_eq!(secret.len(), 43, "{added:?}");
    let mut serve = noctis(data.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let mut server = Program::start(serve.arg(files.path()));
    server.wait_for_line("indexed ");
    let studies = format!("{}/api/v1/dicom/studies", server.url);
    assert_eq!(client().get(&studies).send().expect("answered").status().as_u16(), 401);

    let person = "grant_type=password&username=ada&password=correct+horse+battery";
    let tokens = log_in(&server.url, person).expect("tokens");
    assert_eq!(status(&studies, tokens["access_token"].as_str().expect("a token")), 200);
    let service = format!("grant_type=client_credentials&client_id=pacs&client_secret={secret}");
    let tokens = log_in(&server.url, &service).expect("tokens");
    assert_eq!(tokens["scope"], "studies:read");

    let token = |arguments: &[&str]| {
        let made = run(&mut noctis(data.path(), &[&["token", "--subject", "script"], arguments].concat()));
        assert!(made.status.success(), "{made:?}");
        text(&made).trim().to_owned()
    };
    let total = |token: &str| {
        let answer = client().get(&studies).header("authorization", format!("Bearer {token}")).send();
        let body = answer.expect("answered").text().expect("text");
        serde_json::from_str::<Value>(&body).expect("JSON")["total"].clone()
    };
    assert_eq!(total(&token(&[])), 1);
    assert_eq!(total(&token(&["--study", "1.2.3", "--ttl", "1h"])), 0);
    assert_eq!(status(&studies, &token(&["--scope", "images:read"])), 403);

    // Beside the server that runs.
    assert!(run(&mut noctis(data.path(), &["user", "disable", "ada"])).status.success());
    assert_eq!(log_in(&server.url, person), Err(400));
    assert!(run(&mut noctis(data.path(), &["user", "enable", "ada"])).status.success());
    assert!(log_in(&server.url, person).is_ok());
    let other = told(noctis(data.path(), &["user", "password", "ada"]), "another horse battery\n");
    assert!(other.status.success());
    assert_eq!(log_in(&server.url, person), Err(400));
    let listed = text(&run(&mut noctis(data.path(), &["user", "list", "--json"])));
    assert_eq!(listed.lines().count(), 2);
    assert!(!listed.contains("argon2"), "{listed}");
    assert!(server.terminate().success());
}

#[test]
fn what_is_no_account_ends_with_status_2_and_one_sentence() {
    let data = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str, &str); 6] = [
        (&["user", "add", "ada"], "short\n", "takes 12 to 1024 bytes"),
        (&["user", "add", "ada", "--scope", "write"], "", "is not one of images:read"),
        (&["user", "add", "ada", "--study", ""], "", "takes a Study Instance UID"),
        (&["user", "add", " "], "correct horse battery\n", "the name of an account takes"),
        (&["user", "disable", "eve"], "", "there is no account of this name"),
        (&["token", "--subject", "x", "--ttl", "soon"], "", "takes a time"),
    ];
    for (arguments, input, sentence) in cases {
        let output = told(noctis(data.path(), arguments), input);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(sentence), "{arguments:?}: {said}");
    }
}
