//! Where the texts of settings come from.

use std::{collections::BTreeMap, env, fmt, fs, path::Path};

use url::Url;

use super::{
    SettingError,
    table::{SETTINGS, Setting, Shown},
    unknown,
};

/// Longest settings file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Who gave a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody.
    Default,
    /// The TOML file of this path.
    File(String),
    /// The environment.
    Environment,
    /// The command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path) => write!(f, "file {path}"),
            Origin::Environment => f.write_str("environment"),
            Origin::Flag => f.write_str("flag"),
        }
    }
}

/// A text and who gave it.
#[derive(Debug, Clone)]
pub struct Sourced {
    /// The text, unchecked.
    pub text: String,
    /// Who gave it.
    pub origin: Origin,
}

/// The texts of all settings.
#[derive(Debug, Clone)]
pub struct Texts(BTreeMap<&'static str, Sourced>);

impl Texts {
    /// Every setting at its default.
    #[must_use]
    pub fn defaults() -> Self {
        let default = |setting: &Setting| {
            (setting.name, Sourced { text: setting.default.to_owned(), origin: Origin::Default })
        };
        Self(SETTINGS.iter().map(default).collect())
    }

    /// Defaults, under the file that `config` or `NOCTIS_CONFIG` names, under the environment, under `flags`.
    ///
    /// # Errors
    /// [`SettingError`] for a name in the environment that begins with `NOCTIS_` and is no setting; for a file that
    /// cannot be read, is no TOML or has a key that is none.
    pub fn gather(config: Option<&Path>, flags: &[(&'static str, String)]) -> Result<Self, SettingError> {
        unknown::refuse_in_environment(env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()))?;
        let mut texts = Self::defaults();
        let named = env::var("NOCTIS_CONFIG").ok().filter(|path| !path.is_empty());
        if let Some(path) = config.or(named.as_deref().map(Path::new)) {
            texts.read_file(path)?;
        }
        for setting in &SETTINGS {
            match env::var(setting.name) {
                Ok(text) => texts.set(setting.name, &text, Origin::Environment),
                Err(env::VarError::NotPresent) => {}
                Err(env::VarError::NotUnicode(_)) => {
                    return Err(SettingError::new(setting.name, "the value is not UTF-8"));
                }
            }
        }
        for (name, text) in flags {
            texts.set(name, text, Origin::Flag);
        }
        Ok(texts)
    }

    fn read_file(&mut self, path: &Path) -> Result<(), SettingError> {
        let shown = path.display().to_string();
        let wrong = |reason: String| SettingError::new(shown.clone(), reason);
        let length = fs::metadata(path).map_err(|error| wrong(format!("cannot be read: {error}")))?.len();
        if length > FILE_BYTES_MAX {
            return Err(wrong(format!("{length} bytes are too many for settings")));
        }
        let text = fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| wrong(format!("is not TOML: {}", error.message())))?;
        for (key, value) in table {
            let setting = SETTINGS.iter().find(|setting| setting.key() == key);
            let setting = setting.ok_or_else(|| wrong(unknown::unknown_key(&key)))?;
            self.set(setting.name, &file_text(&key, &value).map_err(wrong)?, Origin::File(shown.clone()));
        }
        Ok(())
    }

    /// Gives the setting `name` a text.
    pub fn set(&mut self, name: &'static str, text: &str, origin: Origin) {
        self.0.insert(name, Sourced { text: text.trim().to_owned(), origin });
    }

    /// The text of the setting `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |sourced| &sourced.text)
    }

    /// Every setting with the part of its text that may be shown, and its origin.
    pub fn shown(&self) -> impl Iterator<Item = (&'static Setting, String, &Origin)> {
        SETTINGS.iter().filter_map(|setting| {
            let sourced = self.0.get(setting.name)?;
            Some((setting, masked(setting.shown, &sourced.text), &sourced.origin))
        })
    }
}

/// A value of a TOML file as the environment would write it; lists become comma lists.
fn file_text(key: &str, value: &toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Boolean(flag) => Ok(flag.to_string()),
        toml::Value::Array(items) => {
            let texts: Result<Vec<_>, _> = items.iter().map(|item| file_text(key, item)).collect();
            Ok(texts?.join(","))
        }
        _ => Err(format!("{key:?} takes a text, a number, true, false or a list")),
    }
}

fn masked(shown: Shown, text: &str) -> String {
    match shown {
        Shown::Plain => text.to_owned(),
        Shown::Secret if text.is_empty() => String::new(),
        Shown::Secret => "***".to_owned(),
        Shown::Url => text.split(',').map(without_password).collect::<Vec<_>>().join(","),
    }
}

/// The URL with `***` where its password stands; all of it hidden when it cannot be parsed but looks as if it had one.
#[must_use]
pub fn without_password(text: &str) -> String {
    match Url::parse(text) {
        Ok(mut url) => {
            let in_authority = url.password().is_some();
            if in_authority && url.set_password(Some("***")).is_err() {
                return "***".to_owned();
            }
            // Some libraries take a password in the query too.
            let in_query = url.query().is_some_and(|query| query.to_lowercase().contains("pass"));
            if in_query {
                url.set_query(Some("***"));
            }
            if in_authority || in_query { url.into() } else { text.to_owned() }
        }
        Err(_) if text.contains('@') => "***".to_owned(),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), text).expect("written");
        file
    }

    #[test]
    fn a_flag_stands_over_the_file() {
        let file = write("listen = \"127.0.0.1:9000\"\nlanes = [\"index\", \"background\"]\n");
        let texts =
            Texts::gather(Some(file.path()), &[("NOCTIS_LISTEN", "127.0.0.1:9001".into())]).expect("texts");
        assert_eq!(texts.get("NOCTIS_LISTEN"), "127.0.0.1:9001");
        assert_eq!(texts.get("NOCTIS_LANES"), "index,background");
    }

    #[test]
    fn a_file_with_an_unknown_key_is_refused() {
        let file = write("listn = \"127.0.0.1:9000\"\n");
        let error = Texts::gather(Some(file.path()), &[]).expect_err("unknown");
        assert_eq!(error.reason, "\"listn\" is not a setting; did you mean \"listen\"?");
    }

    #[test]
    fn passwords_and_secrets_are_masked() {
        assert_eq!(without_password("amqp://guest:geheim@mq:5672/"), "amqp://guest:***@mq:5672/");
        assert_eq!(without_password("redis://:geheim@cache/"), "redis://:***@cache/");
        let mut texts = Texts::defaults();
        texts.set("NOCTIS_JWT_SECRET", "geheim", Origin::Environment);
        texts.set("NOCTIS_CATALOG_URL", "postgres://h/db?user=u&password=geheim", Origin::Environment);
        texts.set("NOCTIS_OTLP_ENDPOINT", "https://u:geheim@collector", Origin::Environment);
        texts.set("NOCTIS_INGEST_ROOTS", "file:///a/,https://u:geheim@host/", Origin::Environment);
        assert!(texts.shown().all(|(_, text, _)| !text.contains("geheim")));
    }
}
