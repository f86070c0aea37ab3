//! Files made at random from descriptions that combine attributes as vendors do, each held against a plain oracle that
//! works from the same description and shares no code with the renderer.
//!
//! `NOCTIS_ADVERSARIAL_SEED` names the first seed, `NOCTIS_ADVERSARIAL_COUNT` how many follow, and
//! `NOCTIS_ADVERSARIAL_OUT` a folder for the files. `docs/adversarial.md` tells how to read a failure.

#![expect(clippy::print_stdout, reason = "the summary is what one reads")]

mod case;
mod check;
mod encode;
mod generate;
mod oracle;
mod random;
mod shrink;
mod stated;
mod write;
mod written_out;

use std::panic::{AssertUnwindSafe, catch_unwind};

use noctis_render::FrameRequest;

use crate::case::Case;
use crate::check::Wrong;

const COUNT: u64 = 3_000;

/// Failures told in full; more would hide each other.
const TOLD_MAX: usize = 12;

#[test]
fn every_combination_looks_as_the_standard_says() {
    let first = setting("NOCTIS_ADVERSARIAL_SEED").unwrap_or(1);
    let count = setting("NOCTIS_ADVERSARIAL_COUNT").unwrap_or(COUNT);
    if let Some(folder) = std::env::var_os("NOCTIS_ADVERSARIAL_OUT") {
        written_out::write_out(folder.as_ref(), (first..first + count).map(generate::case));
    }
    let mut failures = Vec::new();
    let (mut pictures, mut reduced) = (0, 0);
    for seed in first..first + count {
        let case = generate::case(seed);
        let file = write::file(&case);
        for request in generate::requests(&case) {
            pictures += 1;
            let Err(wrong) = outcome(&case, &file, &request) else { continue };
            if stated::is_reduced_by_the_codec(&case, &request, wrong.mean_distance) {
                reduced += 1;
            } else {
                failures.push((case.clone(), request, wrong.what));
            }
        }
    }
    println!("{pictures} pictures of {count} files from seed {first}; {} wrong", failures.len());
    println!("{reduced} reduced by a codec's own filter, and within its bound");
    let total = failures.len();
    failures.dedup_by_key(|(case, ..)| case.seed);
    let told: Vec<String> = failures.iter().take(TOLD_MAX).map(told).collect();
    assert!(failures.is_empty(), "{total} of {pictures} pictures are wrong:\n{}", told.join("\n"));
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}: {text:?} is not a number")))
}

/// A panic is a wrong picture, too.
fn outcome(case: &Case, file: &[u8], request: &FrameRequest) -> Result<(), Wrong> {
    catch_unwind(AssertUnwindSafe(|| check::check(case, file, request)))
        .unwrap_or_else(|_| Err(Wrong::whole("the renderer panicked")))
}

/// A failure in its plainest form.
fn told((case, request, what): &(Case, FrameRequest, String)) -> String {
    let fails = |case: &Case, request: &FrameRequest| {
        catch_unwind(AssertUnwindSafe(|| write::file(case))).is_ok_and(|file| {
            outcome(case, &file, request)
                .is_err_and(|wrong| !stated::is_reduced_by_the_codec(case, request, wrong.mean_distance))
        })
    };
    let (plain, asked) = shrink::shrink(case.clone(), request.clone(), fails);
    let again =
        outcome(&plain, &write::file(&plain), &asked).err().map(|wrong| wrong.what).unwrap_or_default();
    format!(
        "\nNOCTIS_ADVERSARIAL_SEED={} NOCTIS_ADVERSARIAL_COUNT=1: {what}\nasked: {request:?}\nplainer: {again}\nasked: {asked:?}\n{plain:#?}",
        case.seed
    )
}
