//! Graphic layers: what lies over what, and how bright it is (PS3.3 C.10.7).

use dicom_dictionary_std::tags;

use super::Kind;
use super::applied::Applied;
use crate::RenderError;
use crate::draw::Ink;
use crate::file::parse::view::{Numbers, View};
use crate::stages::lab;

/// The layers of a state by name.
pub(crate) struct Layers(Vec<Layer>);

struct Layer {
    name: String,
    order: f64,
    ink: Ink,
}

impl Layers {
    /// # Errors
    /// [`RenderError::Corrupt`] for a damaged list.
    pub(crate) fn of(state: &Applied<'_>) -> Result<Self, RenderError> {
        let layers = state.view.all_items(tags::GRAPHIC_LAYER_SEQUENCE)?;
        let layer = |item: &View<'_>| {
            let level = item
                .number(tags::GRAPHIC_LAYER_RECOMMENDED_DISPLAY_GRAYSCALE_VALUE, Numbers::U16)
                .map(|value| Ink::of_level(level_of(value)));
            let tag = tags::GRAPHIC_LAYER_RECOMMENDED_DISPLAY_CIE_LAB_VALUE;
            let colour = || match state.kind {
                Kind::Grayscale => lab::grey_of(item, tag).map(Ink),
                Kind::Color => lab::colour_of(item, tag).map(Ink),
            };
            Some(Layer {
                name: item.text(tags::GRAPHIC_LAYER)?.to_owned(),
                order: item.number(tags::GRAPHIC_LAYER_ORDER, Numbers::Text).unwrap_or(0.0),
                ink: level.or_else(colour).unwrap_or(Ink::WHITE),
            })
        };
        Ok(Self(layers.iter().filter_map(layer).collect()))
    }

    /// White where the layer says nothing of it.
    pub(crate) fn ink(&self, name: Option<&str>) -> Ink {
        self.find(name).map_or(Ink::WHITE, |layer| layer.ink)
    }

    /// Those of higher orders lie over those of lower ones.
    pub(crate) fn order(&self, name: Option<&str>) -> f64 {
        self.find(name).map_or(0.0, |layer| layer.order)
    }

    fn find(&self, name: Option<&str>) -> Option<&Layer> {
        self.0.iter().find(|layer| Some(layer.name.as_str()) == name)
    }
}

/// A P-Value of 16 bits as a level of 8 (PS3.3 C.7.6.11, C.10.7).
pub(crate) fn level_of(p_value: f64) -> u8 {
    // The cast saturates.
    (p_value * 255.0 / 65_535.0).round() as u8
}
