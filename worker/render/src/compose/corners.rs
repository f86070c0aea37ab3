//! What is written into the corners of a picture: who it is of, and how it was made (PS3.18 8.3.5.1.1).

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::composer::Composer;
use crate::draw::letters::Letters;
use crate::draw::{Ink, Point, Sheet};
use crate::file::parse::view::{Numbers, View};
use crate::file::text::CharacterSets;
use crate::picture::DisplayImage;
use crate::request::Corners;
use crate::{RenderError, Window};

/// Pixels between a text and the edges.
const MARGIN: f64 = 4.0;

impl Composer<'_> {
    /// The picture with what is asked in its corners: the patient above, the technique below.
    pub(super) fn cornered(&self, mut image: DisplayImage) -> Result<DisplayImage, RenderError> {
        let Corners { patient, technique } = self.request.corners;
        if !patient && !technique {
            return Ok(image);
        }
        let view = self.frame_view.top();
        let above = if patient { patient_lines(view) } else { Vec::new() };
        let below =
            if technique { technique_lines(view, self.frame.frame_number, image.window) } else { Vec::new() };
        let letters = Letters::for_picture(image.columns, image.rows);
        let (columns, rows) = (f64::from(image.columns), f64::from(image.rows));
        let line_height = letters.height() as f64;
        let pixels = image.samples.eight_bits();
        let (pixels, samples_per_pixel) = pixels.ok_or_else(|| {
            RenderError::invalid_request("annotation", "does not go with 16-bit modality values")
        })?;
        let mut sheet = Sheet::new(pixels, samples_per_pixel, image.columns);
        let first_below = rows - MARGIN - line_height * below.len() as f64;
        let placed = [(MARGIN, &above), (first_below, &below)];
        for (first, lines) in placed {
            for (nth, line) in lines.iter().enumerate() {
                let at = Point { x: MARGIN, y: first + nth as f64 * line_height };
                sheet.text(at, line, letters, Ink::WHITE);
            }
        }
        let lines = || above.iter().chain(&below);
        let widest = lines().map(|line| line.chars().count() * letters.width()).max().unwrap_or(0) as f64;
        let height = line_height * lines().count() as f64;
        if widest + 2.0 * MARGIN > columns || height + 2.0 * MARGIN > rows {
            image.left_out.push("the annotation is larger than the picture and is cut");
        }
        if !lines().all(|line| letters.have_all_of(line)) {
            image.left_out.push("characters of the annotation that the font has not are drawn as boxes");
        }
        Ok(image)
    }
}

/// Name, identifier, date of birth and sex.
fn patient_lines(view: &View<'_>) -> Vec<String> {
    let sets = CharacterSets::declared(view.bytes(tags::SPECIFIC_CHARACTER_SET).unwrap_or_default());
    let name = view.unicode(tags::PATIENT_NAME, sets).map(|name| spoken(&name));
    let born = view.text(tags::PATIENT_BIRTH_DATE).map(|date| format!("* {}", dashed(date)));
    let sex = view.text(tags::PATIENT_SEX).map(str::to_owned);
    let of_birth: Vec<String> = born.into_iter().chain(sex).collect();
    let lines = [name, view.unicode(tags::PATIENT_ID, sets), Some(of_birth.join(" "))];
    lines.into_iter().flatten().filter(|line| !line.is_empty()).collect()
}

/// Modality and date, place in the study, place in the patient, exposure, window.
fn technique_lines(view: &View<'_>, frame_number: u32, window: Option<Window>) -> Vec<String> {
    let number = |tag: Tag| view.number(tag, Numbers::Text);
    let date = view.text(tags::STUDY_DATE).map(dashed);
    let modality = view.text(tags::MODALITY).map(str::to_owned);
    let frames = number(tags::NUMBER_OF_FRAMES).filter(|frames| *frames > 1.0);
    let parts = |parts: [(&str, Option<f64>, &str); 3]| -> String {
        let told = parts.into_iter().filter_map(|(before, value, behind)| Some((before, value?, behind)));
        told.map(|(before, value, behind)| format!("{before}{value}{behind}")).collect::<Vec<_>>().join("  ")
    };
    let lines = [
        [modality, date].into_iter().flatten().collect::<Vec<_>>().join("  "),
        parts([
            ("Series ", number(tags::SERIES_NUMBER), ""),
            ("Image ", number(tags::INSTANCE_NUMBER), ""),
            ("Frame ", frames.map(|_| f64::from(frame_number)), ""),
        ]),
        parts([
            ("Slice ", number(tags::SLICE_THICKNESS), " mm"),
            ("at ", number(tags::SLICE_LOCATION), " mm"),
            ("", None, ""),
        ]),
        parts([
            ("", number(tags::KVP), " kV"),
            ("", number(tags::X_RAY_TUBE_CURRENT), " mA"),
            ("", number(tags::EXPOSURE_TIME), " ms"),
        ]),
        parts([
            ("C ", window.map(|window| window.center()), ""),
            ("W ", window.map(|window| window.width()), ""),
            ("", None, ""),
        ]),
    ];
    lines.into_iter().filter(|line| !line.is_empty()).collect()
}

/// The first component group of a name that has letters, its components in their order (PS3.5 6.2.1.1).
fn spoken(name: &str) -> String {
    let group = name.split('=').find(|group| !group.trim().is_empty()).unwrap_or_default();
    group.split('^').map(str::trim).filter(|component| !component.is_empty()).collect::<Vec<_>>().join(" ")
}

/// `20261123` as `2026-11-23`.
fn dashed(date: &str) -> String {
    match (date.get(..4), date.get(4..6), date.get(6..8)) {
        (Some(year), Some(month), Some(day))
            if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            format!("{year}-{month}-{day}")
        }
        _ => date.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_spoken_and_a_date_as_it_is_written() {
        for (name, expected) in [
            ("Doe^Jane", "Doe Jane"),
            ("Doe^Jane^^Dr^", "Doe Jane Dr"),
            ("=山田^太郎", "山田 太郎"),
            ("", ""),
        ] {
            assert_eq!(spoken(name), expected, "{name}");
        }
        assert_eq!(
            [dashed("20261123"), dashed("2026"), dashed("2026.1é")],
            ["2026-11-23", "2026", "2026.1é"]
        );
    }
}
