//! Window presets by name.

use serde::Serialize;
use utoipa::ToSchema;

use crate::request::{VoiFunction, Window};

/// A window with a name.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Preset {
    /// The name in `preset=`.
    pub name: &'static str,
    /// Width, in modality units.
    pub window: f64,
    /// Center, in modality units.
    pub level: f64,
    /// The modality whose values it is made for.
    pub modality: &'static str,
    /// What it shows.
    pub description: &'static str,
    /// Where the numbers come from.
    pub source: &'static str,
}

const RADIOPAEDIA: &str = "Radiopaedia, Windowing (CT)";
const PREDECESSOR: &str = "the service that Noctis replaces";
const PET_CONVENTION: &str = "reading convention for SUVbw-scaled PET, 0 to the upper end";

/// Every preset, in the order of the list that viewers show. CT values are Hounsfield units (PS3.3 C.11.1.1.2).
/// MR and X-ray have no common unit: their files carry the window, which `default` shows.
pub const PRESETS: [Preset; 18] = [
    ct("lung", 1500.0, -600.0, "Lung parenchyma and airways", RADIOPAEDIA),
    ct("bone", 2000.0, 300.0, "Cortical and trabecular bone", PREDECESSOR),
    ct("brain", 80.0, 40.0, "Grey and white matter", RADIOPAEDIA),
    ct("soft_tissue", 400.0, 40.0, "Muscle, fat and organs", PREDECESSOR),
    ct("mediastinum", 350.0, 50.0, "Mediastinum and great vessels", RADIOPAEDIA),
    ct("liver", 150.0, 60.0, "Focal liver lesions", PREDECESSOR),
    ct("abdomen", 400.0, 50.0, "Abdominal organs", RADIOPAEDIA),
    ct("stroke", 40.0, 40.0, "Early ischaemia: loss of grey-white difference", RADIOPAEDIA),
    ct("subdural", 215.0, 75.0, "Blood beside the skull (130 to 300 wide)", RADIOPAEDIA),
    ct("temporal_bone", 2800.0, 600.0, "Inner ear and mastoid", RADIOPAEDIA),
    ct("angio", 600.0, 300.0, "Contrast-filled vessels", "CT angiography reading convention, 0 to 600 HU"),
    ct("spine_soft", 250.0, 50.0, "Discs and spinal canal", RADIOPAEDIA),
    ct("spine_bone", 1800.0, 400.0, "Vertebrae", RADIOPAEDIA),
    ct("fat", 400.0, -100.0, "Fat planes", "centered on the fat range of -150 to -50 HU"),
    ct(
        "pulmonary_embolism",
        700.0,
        100.0,
        "Filling defects in pulmonary arteries",
        "CT pulmonary angiography convention",
    ),
    ct("colon", 2000.0, 0.0, "Insufflated colon", "CT colonography reading convention"),
    Preset {
        name: "pet",
        window: 5.0,
        level: 2.5,
        modality: "PT",
        description: "SUV 0 to 5",
        source: PET_CONVENTION,
    },
    Preset {
        name: "pet_wide",
        window: 10.0,
        level: 5.0,
        modality: "PT",
        description: "SUV 0 to 10",
        source: PET_CONVENTION,
    },
];

const fn ct(
    name: &'static str,
    window: f64,
    level: f64,
    description: &'static str,
    source: &'static str,
) -> Preset {
    Preset { name, window, level, modality: "CT", description, source }
}

/// The preset named `name`; `None` when there is none.
#[must_use]
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// Its window, under `function`; `None` only if the table had a window too narrow for it, which a test excludes.
    #[must_use]
    pub fn to_window(&self, function: VoiFunction) -> Option<Window> {
        Window::new(self.level, self.window, function).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_window_under_every_function_and_has_a_name_of_its_own() {
        let names: std::collections::HashSet<_> = PRESETS.iter().map(|preset| preset.name).collect();
        assert_eq!(names.len(), PRESETS.len());
        for preset in PRESETS {
            for function in [VoiFunction::Linear, VoiFunction::LinearExact, VoiFunction::Sigmoid] {
                assert!(preset.to_window(function).is_some(), "{}", preset.name);
            }
        }
    }
}
