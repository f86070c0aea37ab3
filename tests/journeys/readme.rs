//! The commands of the README, as they stand there: in one shell, in order, against the demo studies.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use super::{embedded::serve, http::Picture, program::executable};

const README: &str = include_str!("../../README.md");
/// Where the README's server listens; the one of this test has a port of its own.
const URL: &str = "http://127.0.0.1:8080";

/// Commands between fences, and the comment before them, which says what becomes of them here.
struct Block {
    line: usize,
    marker: String,
    commands: String,
}

/// Every block of commands. In a `console` block these stand behind a prompt, among what they print.
fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = README.lines().zip(1..);
    let mut before = "";
    while let Some((line, number)) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let inside: Vec<&str> =
                lines.by_ref().map(|(line, _)| line).take_while(|line| *line != "```").collect();
            let commands = match language {
                "sh" => inside.join("\n"),
                "console" => {
                    inside.iter().filter_map(|line| line.strip_prefix("$ ")).collect::<Vec<_>>().join("\n")
                }
                _ => continue,
            };
            blocks.push(Block { line: number, marker: before.to_owned(), commands });
        }
        before = line;
    }
    blocks
}

/// Whether a block is run here.
///
/// # Panics
/// When it does not say, or not why not.
fn is_tested(block: &Block) -> bool {
    let marker = block.marker.strip_prefix("<!-- ").and_then(|marker| marker.strip_suffix(" -->"));
    match marker.map(|marker| marker.split_once(": ").unwrap_or((marker, ""))) {
        Some(("tested", "")) => true,
        Some(("not tested", reason)) if !reason.trim().is_empty() => false,
        _ => panic!(
            "README.md:{}: the line before says neither <!-- tested --> nor <!-- not tested: WHY -->, but {:?}",
            block.line, block.marker
        ),
    }
}

/// A clone in which `scripts/run` was run: the programs are where it builds them.
fn make_clone(folder: &Path) {
    fs::create_dir_all(folder.join("target")).unwrap();
    let programs = executable("noctis");
    symlink(programs.parent().expect("a folder"), folder.join("target/release")).unwrap();
}

fn assert_is_what_it_is_called(path: &Path) {
    let bytes = fs::read(path).unwrap();
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending {
        "png" => assert!(Picture::decode(&bytes).rows > 0),
        "jpg" => {
            assert!(bytes.starts_with(b"\xff\xd8\xff") && bytes.ends_with(b"\xff\xd9"), "{}", path.display())
        }
        "webp" => {
            assert!(bytes.starts_with(b"RIFF") && bytes[8..].starts_with(b"WEBP"), "{}", path.display())
        }
        _ => panic!("{}: how is a file of this ending known?", path.display()),
    }
}

#[test]
fn every_block_of_commands_says_whether_it_is_tested() {
    let (tested, others): (Vec<Block>, Vec<Block>) = blocks().into_iter().partition(is_tested);
    assert!(tested.len() >= 2 && others.len() >= 4, "{} tested, {} not", tested.len(), others.len());
}

#[test]
fn the_commands_work_as_they_are_written() {
    let scratch = tempfile::tempdir().unwrap();
    let (home, clone) = (scratch.path().join("home"), scratch.path().join("clone"));
    make_clone(&clone);
    let mut program = serve(&home.join(".local/share/noctis"), &["--demo"]);
    program.wait_for_line("indexed");

    let commands: Vec<String> = blocks().into_iter().filter(is_tested).map(|block| block.commands).collect();
    let commands = commands.join("\n");
    assert!(commands.contains(URL));
    let script = format!("set -euxo pipefail\n{}", commands.replace(URL, &program.url));
    let mut shell = Command::new("bash");
    for (variable, _) in std::env::vars().filter(|(variable, _)| variable.starts_with("NOCTIS_")) {
        shell.env_remove(variable);
    }
    shell.env_remove("XDG_DATA_HOME").env("HOME", &home).env("no_proxy", "127.0.0.1").current_dir(&clone);
    let output = super::program::run(shell.arg("-c").arg(script));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let words: Vec<&str> = commands.split_whitespace().collect();
    let saved: Vec<&str> = words.windows(2).filter(|pair| pair[0] == "-o").map(|pair| pair[1]).collect();
    assert!(saved.len() >= 5, "{saved:?}");
    saved.iter().for_each(|name| assert_is_what_it_is_called(&clone.join(name)));
}
