//! Window presets by name: those of the program, changed by those of an operator's file.
//!
//! A render key holds the numbers of a window, never a name: a preset that changes is other pictures by itself. The version
//! tells viewers that the list is another.

mod file;

pub use file::PresetsError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::request::{VoiFunction, Window};

/// A window with a name. Those of a file are read once, when a program starts, and live as long as it does.
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

/// The presets of the program, in the order of the list that viewers show. CT values are Hounsfield units (PS3.3 C.11.1.1.2).
/// MR and X-ray have no common unit: their files carry the window, which `default` shows.
const PRESETS: [Preset; 18] = [
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

/// What a viewer begins with, by modality: the file's own window where values have no common unit, and where files carry
/// their window as a rule.
const DEFAULTS: [(&str, &str); 10] = [
    ("CR", DEFAULT),
    ("CT", DEFAULT),
    ("DX", DEFAULT),
    ("MG", DEFAULT),
    ("MR", DEFAULT),
    ("NM", DEFAULT),
    ("PT", DEFAULT),
    ("RF", DEFAULT),
    ("US", DEFAULT),
    ("XA", DEFAULT),
];

/// The name under which the file's own view is asked for.
pub const DEFAULT: &str = "default";

/// The presets of a deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Presets {
    list: Vec<Preset>,
    /// By modality, sorted.
    defaults: Vec<(&'static str, &'static str)>,
    version: String,
}

impl Default for Presets {
    fn default() -> Self {
        Self::new(PRESETS.to_vec(), DEFAULTS.to_vec())
    }
}

impl Presets {
    fn new(list: Vec<Preset>, defaults: Vec<(&'static str, &'static str)>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for Preset { name, window, level, .. } in &list {
            hasher.update(name.as_bytes()).update(&[0]);
            hasher.update(&window.to_bits().to_le_bytes()).update(&level.to_bits().to_le_bytes());
        }
        for (modality, name) in &defaults {
            hasher.update(modality.as_bytes()).update(&[0]).update(name.as_bytes()).update(&[0]);
        }
        let version = hasher.finalize().to_hex()[..16].to_owned();
        Self { list, defaults, version }
    }

    /// Every preset, in the order of the list that viewers show.
    #[must_use]
    pub fn list(&self) -> &[Preset] {
        &self.list
    }

    /// The preset that a viewer begins with, by modality, sorted.
    #[must_use]
    pub fn defaults(&self) -> &[(&'static str, &'static str)] {
        &self.defaults
    }

    /// Names the names and the numbers: another where any of them is.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The preset named `name`; `None` when there is none.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Preset> {
        self.list.iter().find(|preset| preset.name == name)
    }

    /// Whether a preset is this window.
    #[must_use]
    pub fn have(&self, window: &Window) -> bool {
        self.list.iter().any(|preset| preset.to_window(window.function()).as_ref() == Some(window))
    }
}

impl Preset {
    /// Its window, under `function`; `None` only for a window too narrow for it, which no list has.
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
        let presets = Presets::default();
        let names: std::collections::HashSet<_> = presets.list().iter().map(|preset| preset.name).collect();
        assert_eq!(names.len(), presets.list().len());
        for preset in presets.list() {
            for function in [VoiFunction::Linear, VoiFunction::LinearExact, VoiFunction::Sigmoid] {
                let window = preset.to_window(function).expect(preset.name);
                assert!(presets.have(&window), "{}", preset.name);
            }
        }
        let passing = Window::new(1.5, 2.5, VoiFunction::Linear).expect("valid");
        assert!(!presets.have(&passing));
    }

    #[test]
    fn the_version_is_of_names_and_numbers() {
        let changed = |change: fn(&mut Preset)| {
            let mut list = PRESETS.to_vec();
            change(&mut list[0]);
            Presets::new(list, DEFAULTS.to_vec()).version
        };
        let version = Presets::default().version;
        assert_eq!((version.len(), &version), (16, &changed(|preset| preset.description = "other words")));
        assert_ne!(version, changed(|preset| preset.window += 1.0));
        assert_ne!(version, changed(|preset| preset.name = "lungs"));
        assert_ne!(version, Presets::new(PRESETS.to_vec(), vec![("CT", "lung")]).version);
    }
}
