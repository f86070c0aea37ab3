//! Names that are no setting: a slip of the pen must not become a setting that has no effect.

use std::collections::BTreeSet;

use super::{SettingError, table::SETTINGS};

/// Beginning of every name in the environment that is ours.
const OURS: &str = "NOCTIS_";

/// Names that tests, scripts and deployment files take, and that programs started by these see as well.
const OF_OTHERS: [&str; 6] = [
    "NOCTIS_CHROMIUM",
    "NOCTIS_CORPUS",
    "NOCTIS_POSTGRES_PASSWORD",
    "NOCTIS_RABBITMQ_PASSWORD",
    "NOCTIS_URL",
    "NOCTIS_YARDSTICK",
];
/// The same, by their beginning.
const OF_OTHERS_BEGIN: [&str; 3] = ["NOCTIS_ADVERSARIAL_", "NOCTIS_BENCH_", "NOCTIS_TEST_"];

/// How alike two names are, from 0 to 1, when one may be meant by the other.
const LIKENESS_LEAST: f64 = 0.8;

/// Refuses a name in the environment that begins like ours and is none.
///
/// # Errors
/// [`SettingError`] for the first such name, by the alphabet.
pub(super) fn refuse_in_environment(names: impl Iterator<Item = String>) -> Result<(), SettingError> {
    let ours: BTreeSet<String> = names.filter(|name| name.starts_with(OURS)).collect();
    let known = |name: &str| {
        SETTINGS.iter().any(|setting| setting.name == name)
            || OF_OTHERS.contains(&name)
            || OF_OTHERS_BEGIN.iter().any(|beginning| name.starts_with(beginning))
            || is_service_link(name, &ours)
    };
    match ours.iter().find(|name| !known(name)) {
        None => Ok(()),
        Some(name) => {
            let key = name[OURS.len()..].to_lowercase();
            let meant = nearest(&key).map(|meant| format!("{OURS}{}", meant.to_uppercase()));
            Err(SettingError::new(name, no_setting(meant)))
        }
    }
}

/// Why the key of a file is none.
pub(super) fn unknown_key(key: &str) -> String {
    format!("{key:?} {}", no_setting(nearest(key).map(|meant| format!("{meant:?}"))))
}

fn no_setting(meant: Option<String>) -> String {
    match meant {
        Some(meant) => format!("is not a setting; did you mean {meant}?"),
        None => "is not a setting; `noctis config` lists them".to_owned(),
    }
}

/// The key that is most like this one, if one is much like it.
fn nearest(key: &str) -> Option<String> {
    let likeness = |known: String| (strsim::jaro(key, &known), known);
    let nearest = SETTINGS.iter().map(|setting| likeness(setting.key())).max_by(|a, b| a.0.total_cmp(&b.0));
    nearest.filter(|(likeness, _)| *likeness >= LIKENESS_LEAST).map(|(_, known)| known)
}

/// Kubernetes tells each container of each service: one called `noctis-api` is `NOCTIS_API_SERVICE_HOST`,
/// `NOCTIS_API_SERVICE_PORT`, `NOCTIS_API_PORT_80_TCP_ADDR` and more.
fn is_service_link(name: &str, ours: &BTreeSet<String>) -> bool {
    let mut services = ours.iter().filter_map(|name| name.strip_suffix("_SERVICE_HOST"));
    services.any(|service| {
        let rest = name.strip_prefix(service).unwrap_or_default();
        rest.starts_with("_SERVICE_") || rest == "_PORT" || rest.starts_with("_PORT_")
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn refused(names: &[&str]) -> Option<String> {
        let names = names.iter().map(|name| (*name).to_owned());
        refuse_in_environment(names).err().map(|error| error.to_string())
    }

    #[test]
    fn a_name_that_is_none_is_told_with_the_one_that_may_be_meant() {
        let cases = [
            ("NOCTIS_QUEU_URL", "NOCTIS_QUEU_URL: is not a setting; did you mean NOCTIS_QUEUE_URL?"),
            ("NOCTIS_LOGFORMAT", "NOCTIS_LOGFORMAT: is not a setting; did you mean NOCTIS_LOG_FORMAT?"),
            ("NOCTIS_WORKER", "NOCTIS_WORKER: is not a setting; did you mean NOCTIS_WORKERS?"),
            ("NOCTIS_STORAGE", "NOCTIS_STORAGE: is not a setting; did you mean NOCTIS_STORAGE_URL?"),
            ("NOCTIS_XYZZY", "NOCTIS_XYZZY: is not a setting; `noctis config` lists them"),
            ("NOCTIS_", "NOCTIS_: is not a setting; `noctis config` lists them"),
        ];
        for (name, sentence) in cases {
            assert_eq!(refused(&[name, "PATH"]).as_deref(), Some(sentence));
        }
        assert!(unknown_key("queu_url").ends_with("did you mean \"queue_url\"?"));
    }

    #[test]
    fn names_of_others_are_let_be() {
        assert_eq!(refused(&["PATH", "NOCTISX", "noctis_log", "NOCTIS_LOG", "NOCTIS_TEST_AMQP_URL"]), None);
        let links = ["NOCTIS_API_SERVICE_HOST", "NOCTIS_API_SERVICE_PORT_HTTP", "NOCTIS_API_PORT"];
        assert_eq!(refused(&[&links[..], &["NOCTIS_API_PORT_80_TCP_ADDR"]].concat()), None);
        assert!(refused(&["NOCTIS_API_PORT"]).is_some(), "no service of this name");
    }

    /// Each text of ours that sets or reads such a name.
    #[test]
    fn every_name_that_scripts_and_deployment_files_use_is_known() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folders = ["scripts", "deploy/systemd", "deploy/kubernetes", "tests/browser"];
        let listed = folders.iter().flat_map(|folder| fs::read_dir(root.join(folder)).expect("a folder"));
        let files = listed.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file());
        let others = ["compose.yaml", "deploy/Dockerfile", ".ci/run"].map(|file| root.join(file));
        let mut names = BTreeSet::new();
        for file in files.chain(others) {
            let text = fs::read_to_string(&file).expect("text");
            let is_of_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            let words = text.split(|c: char| !is_of_name(c)).filter(|word| word.len() > OURS.len());
            names.extend(words.filter(|word| word.starts_with(OURS)).map(str::to_owned));
        }
        assert!(names.contains("NOCTIS_CORPUS"), "{names:?}");
        assert_eq!(refuse_in_environment(names.into_iter()), Ok(()));
    }
}
