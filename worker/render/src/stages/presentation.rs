//! Display values as they leave the screen: inversion and Presentation LUT (PS3.3 C.7.6.3.1.2, C.11.6).

use dicom_dictionary_std::tags;

use super::lut::Lut;
use crate::file::parse::view::View;
use crate::file::pixel_format::Photometric;
use crate::samples::Sign;

/// What happens to display values after the VOI stage.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Presentation {
    table: Option<Lut>,
    inverted: bool,
}

impl Presentation {
    /// MONOCHROME1 and the shape INVERSE say the same thing and invert once, not twice.
    pub(crate) fn read(view: &View<'_>, photometric: Photometric, asked_inverted: bool) -> Self {
        let table = view
            .item(tags::PRESENTATION_LUT_SEQUENCE, 0)
            .and_then(|item| Lut::read_item(&item, Sign::Unsigned));
        let file_inverts = table.is_none()
            && (photometric == Photometric::Monochrome1
                || view.text(tags::PRESENTATION_LUT_SHAPE) == Some("INVERSE"));
        Self { table, inverted: file_inverts != asked_inverted }
    }

    /// What of the file decides, and where the standard says so, by the rules of [`Self::read`].
    pub(crate) fn decided_by(
        &self,
        view: &View<'_>,
        photometric: Photometric,
    ) -> (&'static str, &'static str) {
        match photometric {
            _ if self.table.is_some() => ("Presentation LUT Sequence (2050,0010)", "PS3.3 C.11.6"),
            Photometric::Monochrome1 => {
                ("Photometric Interpretation (0028,0004) MONOCHROME1", "PS3.3 C.7.6.3.1.2")
            }
            _ if view.text(tags::PRESENTATION_LUT_SHAPE) == Some("INVERSE") => {
                ("Presentation LUT Shape (2050,0020) INVERSE", "PS3.3 C.11.6.1.2")
            }
            _ => ("Photometric Interpretation (0028,0004) MONOCHROME2", "PS3.3 C.7.6.3.1.2"),
        }
    }

    /// What is shown as gain x display value + offset; `None` where a table decides.
    pub(crate) fn line(&self) -> Option<(f64, f64)> {
        self.table.is_none().then_some(if self.inverted { (-1.0, 255.0) } else { (1.0, 0.0) })
    }

    #[cfg(test)]
    pub(crate) fn plain(inverted: bool) -> Self {
        Self { table: None, inverted }
    }

    /// From a display value of 0 to 255 to what is shown; rounded half up.
    pub(crate) fn shown(&self, display_value: f64) -> u8 {
        let display_value = match &self.table {
            // The table spans the whole output range of the VOI stage with its entries.
            Some(table) => {
                let input = display_value / 255.0 * (table.entry_count() - 1) as f64;
                f64::from(table.value_at(input)) * 255.0 / table.entry_max()
            }
            None => display_value,
        };
        // The cast saturates at 0 and 255.
        let rounded = (display_value + 0.5).floor() as u8;
        if self.inverted { 255 - rounded } else { rounded }
    }
}
