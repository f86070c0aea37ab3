//! Presets of an operator: a TOML file whose presets take the place of those of the same name, or come after them.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

use serde::Deserialize;

use super::{DEFAULT, DEFAULTS, PRESETS, Preset, Presets};
use crate::request::{VoiFunction, Window, WindowError};

/// Longest file, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Presets of a deployment, at most.
const PRESETS_MAX: usize = 200;
/// Characters of a text, at most.
const TEXT_CHARS_MAX: usize = 200;
/// Where the numbers come from, when a file does not say.
const OPERATOR: &str = "the operator of this server";

/// Why a file of presets is none, in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum PresetsError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unread(#[from] std::io::Error),
    /// It is too long.
    #[error("is longer than {FILE_BYTES_MAX} bytes")]
    TooLong,
    /// It is not TOML, or has other keys.
    #[error("is no list of presets: {0}")]
    NotPresets(String),
    /// A name that cannot stand in a URL, or is taken.
    #[error("preset {0:?}: a name is 1 to 64 of a-z, 0-9 and _, and not default")]
    Name(String),
    /// A name that stands twice.
    #[error("preset {0:?} stands twice")]
    Twice(String),
    /// A window that is none.
    #[error("preset {name:?}: {error}")]
    Window {
        /// The preset.
        name: String,
        /// What is wrong with it.
        error: WindowError,
    },
    /// A text that is empty or too long.
    #[error("preset {0:?}: modality, description and source are texts of 1 to {TEXT_CHARS_MAX} characters")]
    Text(String),
    /// More presets than a list has.
    #[error("makes more than {PRESETS_MAX} presets")]
    TooMany,
    /// A name of no preset.
    #[error("{place}: there is no preset {name:?}")]
    Unknown {
        /// Where it stands.
        place: String,
        /// The name.
        name: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PresetsFile {
    /// Names of presets of the program that are not to be there.
    #[serde(default)]
    remove: Vec<String>,
    #[serde(default)]
    preset: Vec<Entry>,
    /// Presets by modality.
    #[serde(default)]
    defaults: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    window: f64,
    level: f64,
    modality: String,
    description: String,
    source: Option<String>,
}

impl Presets {
    /// The presets of the program, changed by those of a file.
    ///
    /// # Errors
    /// [`PresetsError`] for a file that is not to be read, or is none.
    pub fn with_file(path: &Path) -> Result<Self, PresetsError> {
        let mut text = String::new();
        File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(PresetsError::TooLong);
        }
        Self::with(&text)
    }

    fn with(text: &str) -> Result<Self, PresetsError> {
        let file: PresetsFile = toml::from_str(text)
            // One line: where it is, and what.
            .map_err(|error| {
                PresetsError::NotPresets(error.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
            })?;
        let mut list = PRESETS.to_vec();
        for name in file.remove {
            let place = list.iter().position(|preset| preset.name == name);
            let unknown = || PresetsError::Unknown { place: "remove".to_owned(), name };
            list.remove(place.ok_or_else(unknown)?);
        }
        let mut own: Vec<&str> = Vec::new();
        for entry in file.preset {
            let preset = entry.into_preset()?;
            if own.contains(&preset.name) {
                return Err(PresetsError::Twice(preset.name.to_owned()));
            }
            own.push(preset.name);
            match list.iter_mut().find(|known| known.name == preset.name) {
                Some(known) => *known = preset,
                None => list.push(preset),
            }
        }
        if list.len() > PRESETS_MAX {
            return Err(PresetsError::TooMany);
        }
        let mut defaults: BTreeMap<&'static str, &'static str> = DEFAULTS.into();
        for (modality, name) in file.defaults {
            let known = list.iter().map(|preset| preset.name).find(|known| *known == name);
            let known = known.or((name == DEFAULT).then_some(DEFAULT));
            let unknown = || PresetsError::Unknown { place: format!("defaults.{modality}"), name };
            defaults.insert(kept(modality.clone()), known.ok_or_else(unknown)?);
        }
        Ok(Self::new(list, defaults.into_iter().collect()))
    }
}

impl Entry {
    fn into_preset(self) -> Result<Preset, PresetsError> {
        let Self { name, window, level, modality, description, source } = self;
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !(1..=64).contains(&name.len()) || !name.bytes().all(is_letter) || name == DEFAULT {
            return Err(PresetsError::Name(name));
        }
        // What is wide enough for this function is so for each.
        if let Err(error) = Window::new(level, window, VoiFunction::Linear) {
            return Err(PresetsError::Window { name, error });
        }
        let source = source.unwrap_or_else(|| OPERATOR.to_owned());
        if [&modality, &description, &source].iter().any(|text| !is_text(text)) {
            return Err(PresetsError::Text(name));
        }
        Ok(Preset {
            name: kept(name),
            window,
            level,
            modality: kept(modality),
            description: kept(description),
            source: kept(source),
        })
    }
}

fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= TEXT_CHARS_MAX
}

/// A file is read once, when the program starts: its texts live as long as the program, like those of the table.
fn kept(text: String) -> &'static str {
    text.leak()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changes_adds_and_removes() {
        let presets = Presets::with(
            r#"
            remove = ["colon"]
            [[preset]]
            name = "lung"
            window = 1400
            level = -500.5
            modality = "CT"
            description = "As we read it"
            [[preset]]
            name = "mr_t2"
            window = 900
            level = 450
            modality = "MR"
            description = "T2 of our scanner"
            source = "protocol 7"
            [defaults]
            CT = "lung"
            MR = "mr_t2"
            OT = "default"
            "#,
        )
        .expect("presets");
        assert_eq!(presets.list().len(), PRESETS.len());
        let lung = presets.find("lung").expect("a preset");
        assert_eq!((lung.window, lung.level, lung.source), (1400.0, -500.5, OPERATOR));
        assert_eq!(presets.list().first().map(|preset| preset.name), Some("lung"), "it stays in its place");
        assert_eq!(presets.list().last().map(|preset| preset.name), Some("mr_t2"));
        assert_eq!(presets.find("colon"), None);
        let default_of = |modality| presets.defaults().iter().find(|(name, _)| *name == modality);
        assert_eq!(default_of("CT"), Some(&("CT", "lung")));
        assert_eq!((default_of("US"), default_of("OT")), (Some(&("US", DEFAULT)), Some(&("OT", DEFAULT))));
        assert_ne!(presets.version(), Presets::default().version());
        assert_eq!(Presets::with("").expect("no change"), Presets::default());
    }

    #[test]
    fn a_file_that_is_none_says_why_in_one_line() {
        let preset = |name: &str, window: &str, description: &str| {
            format!(
                "[[preset]]\nname = \"{name}\"\nwindow = {window}\nlevel = 1\nmodality = \"CT\"\ndescription = \"{description}\"\n"
            )
        };
        let cases = [
            ("presets".to_owned(), "is no list of presets: TOML parse error"),
            ("colour = 1".to_owned(), "is no list of presets"),
            (preset("Lung", "1", "x"), "preset \"Lung\": a name is 1 to 64"),
            (preset("default", "1", "x"), "preset \"default\": a name is 1 to 64"),
            (preset("thin", "0.5", "x"), "preset \"thin\": a window width of 0.5 is too narrow"),
            (preset("wide", "inf", "x"), "preset \"wide\": a window takes finite numbers"),
            (preset("mute", "1", " "), "preset \"mute\": modality, description and source"),
            (preset("a", "1", "x") + &preset("a", "2", "x"), "preset \"a\" stands twice"),
            ("remove = [\"nose\"]".to_owned(), "remove: there is no preset \"nose\""),
            ("[defaults]\nCT = \"nose\"".to_owned(), "defaults.CT: there is no preset \"nose\""),
            (
                (0..200).map(|number| preset(&format!("p{number}"), "1", "x")).collect(),
                "makes more than 200 presets",
            ),
        ];
        for (text, reason) in cases {
            let said = Presets::with(&text).expect_err(reason).to_string();
            assert!(said.starts_with(reason) && !said.contains('\n'), "{said}");
        }
        let missing =
            Presets::with_file(Path::new("/nowhere/presets.toml")).expect_err("no file").to_string();
        assert!(missing.starts_with("cannot be read: "), "{missing}");
    }
}
