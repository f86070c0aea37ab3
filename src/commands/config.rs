//! `noctis config`: every setting, its value, where it came from.

use noctis_shared::{
    program::Failure,
    settings::{Settings, Texts},
};

use super::output;

/// Prints the settings as a table, then checks them, so that a wrong one is seen beside the others.
pub(super) fn run(texts: &Texts) -> Result<(), Failure> {
    let rows: Vec<_> = texts.shown().collect();
    let name_width = rows.iter().map(|(setting, ..)| setting.name.len()).max().unwrap_or(0);
    let value_width = rows.iter().map(|(_, value, _)| value.len()).max().unwrap_or(0).min(60);
    for (setting, value, origin) in rows {
        output::line(&format!(
            "{:name_width$}  {value:value_width$}  {:12} {}",
            setting.name,
            origin.to_string(),
            setting.meaning
        ))?;
    }
    Settings::from_texts(texts)?;
    Ok(())
}
