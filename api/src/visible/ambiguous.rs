//! A UID that several have: never a guess, since the guess may be another patient's picture.

use noctis_shared::catalog::{CHOICES_MAX, Choice};
use serde_json::{Value, json};

use crate::problem::{Kind, Problem};

/// 409 with the choices.
pub(super) fn problem(choices: &[Choice]) -> Problem {
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
