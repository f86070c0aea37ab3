//! What an id names, as the answer to a request: one thing, or the problem of none and of several.

use noctis_shared::catalog::{CHOICES_MAX, Choice, Found};
use serde_json::{Value, json};

use crate::problem::{Kind, Problem};

/// The one thing.
///
/// # Errors
/// `unknown` for nothing; 409 with the choices when the UID behind the id stands in several studies or series.
pub(crate) fn one<T>(found: Found<T>, unknown: impl FnOnce() -> Problem) -> Result<T, Problem> {
    match found {
        Found::One(found) => Ok(found),
        Found::Nothing => Err(unknown()),
        Found::Several(choices) => Err(ambiguous(&choices)),
    }
}

/// A UID that several have: never a guess, since the guess may be another patient's picture.
fn ambiguous(choices: &[Choice]) -> Problem {
    let detail =
        "Several studies or series have something of this UID; each of the choices names one of them.";
    let listed: Vec<Value> = choices.iter().map(member).collect();
    Problem::new(Kind::AmbiguousId, detail).with("choices", listed).with("more", choices.len() >= CHOICES_MAX)
}

fn member(choice: &Choice) -> Value {
    let Choice { study_id, series_id, image_id } = choice;
    match image_id {
        Some(image_id) => json!({"study_id": study_id, "series_id": series_id, "image_id": image_id}),
        None => json!({"study_id": study_id, "series_id": series_id}),
    }
}
