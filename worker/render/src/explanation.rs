//! Why a pixel looks as it does, in plain values: the package knows no JSON.

/// One pixel of a frame, from what is stored to what is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Counted from 1.
    pub frame_number: u32,
    /// Counted from 0, of the frame as it is stored.
    pub column: u32,
    /// The same.
    pub row: u32,
    /// What is stored: one value, or one a channel.
    pub stored: Vec<f64>,
    /// What the stored value means; `None` for colour, and for padding, which means nothing.
    pub modality_value: Option<f64>,
    /// What is shown, 0 to 255: one value, or red, green, blue.
    pub shown: Vec<u8>,
    /// The stages in their order, each with what went in and what came out.
    pub steps: Vec<Step>,
    /// The frame is damaged, and this is of what could be decoded.
    pub partial: bool,
}

/// What one stage did with the pixel.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its name.
    pub stage: &'static str,
    /// Which attribute of the file, or what of the request, decided it.
    pub source: String,
    /// Where the standard says so.
    pub clause: &'static str,
    /// What went in; nothing into the first.
    pub input: Vec<f64>,
    /// What came out.
    pub output: Vec<f64>,
}
