//! Why a pixel looks as it does: what a worker tells, and an answer passes on.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One pixel of a frame, from what is stored to what is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// The frame, from 1.
    pub frame: u32,
    /// Row of the frame as it is stored, from 0.
    pub row: u32,
    /// Column of the frame as it is stored, from 0.
    pub column: u32,
    /// What is stored: one value, or one a channel.
    pub stored_value: Values,
    /// What it means, in the unit of the image; `null` for colour, and for padding, which means nothing.
    pub modality_value: Option<f64>,
    /// What is shown, 0 to 255: one value, or red, green, blue.
    pub display_value: Values,
    /// The stages in their order.
    pub steps: Vec<ExplainedStep>,
    /// Whether the frame is damaged, and this is of what could be decoded.
    pub partial: bool,
}

/// What one stage did with the pixel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExplainedStep {
    /// Its name: `decode`, `modality`, `voi`, `presentation` and others.
    #[schema(example = "modality")]
    pub stage: String,
    /// Which attribute of the file, or what of the request, decided it.
    #[schema(example = "Rescale Slope (0028,1053) 1 and Rescale Intercept (0028,1052) -1024")]
    pub source: String,
    /// Where the standard says so.
    #[schema(example = "PS3.3 C.11.1.1.2")]
    pub clause: String,
    /// What went in; `null` for the first.
    pub r#in: Values,
    /// What came out.
    pub out: Values,
}

/// A value, or several of a colour. What is no number is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Values {
    /// Of grey, and of an index.
    One(Option<f64>),
    /// Of red, green and blue.
    Several(Vec<Option<f64>>),
}

impl Values {
    /// These values, one by itself.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let told = |value: &f64| Some(*value).filter(|value| value.is_finite());
        match values {
            [] => Self::One(None),
            [value] => Self::One(told(value)),
            values => Self::Several(values.iter().map(told).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_value_is_a_number_and_several_are_a_list() {
        let cases: [(&[f64], _); 4] = [
            (&[], json!(null)),
            (&[7.5], json!(7.5)),
            (&[f64::NAN], json!(null)),
            (&[1.0, 2.0], json!([1.0, 2.0])),
        ];
        for (values, expected) in cases {
            let told = Values::of(values);
            assert_eq!(serde_json::to_value(&told).expect("JSON"), expected);
            assert_eq!(serde_json::from_value::<Values>(expected).expect("values"), told);
        }
    }
}
