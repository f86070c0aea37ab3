//! What a search asks for (PS3.18 8.3.4 and table 10.6.1-2): keys to match, attributes to tell, and which part of the list.
//! Names that are none of these are ignored, as the standard says.

use std::{borrow::Cow, str::FromStr};

use noctis_shared::catalog::{SearchKey, SearchOrder};
use url::form_urlencoded;

use super::dictionary;
use crate::problem::Problem;

/// Parameters of one query that are read.
const PARAMETERS_MAX: usize = 100;
/// Attributes that may be asked for by name.
const FIELDS_MAX: usize = 1000;

/// What a search asks for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) keys: Vec<SearchKey>,
    pub(super) fields: Fields,
    pub(super) order: Vec<SearchOrder>,
    /// Matches that are told at most, if it says so.
    pub(super) limit: Option<u32>,
    pub(super) offset: u32,
    /// The media types of `accept=`.
    pub(super) accept: Option<String>,
}

/// Attributes that are told beside those that always are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    /// All there are of the level.
    pub(super) all: bool,
    /// These.
    pub(super) tags: Vec<u32>,
}

impl Asked {
    /// # Errors
    /// 400 for a parameter whose value is none, and for one that may stand there once and does not.
    pub(super) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> =
            form_urlencoded::parse(query.unwrap_or_default().as_bytes()).take(PARAMETERS_MAX + 1).collect();
        if pairs.len() > PARAMETERS_MAX {
            return Err(Problem::parameter(
                "query",
                format_args!("takes {PARAMETERS_MAX} parameters at most"),
            ));
        }
        let fuzzy = one(&pairs, "fuzzymatching", "true or false")?.unwrap_or(false);
        let mut asked = Self {
            limit: one(&pairs, "limit", "a whole number from 0")?,
            offset: one(&pairs, "offset", "a whole number from 0")?.unwrap_or(0),
            accept: named(&pairs, "accept").next().map(ToOwned::to_owned),
            ..Self::default()
        };
        let mut known: Vec<Vec<u32>> = Vec::new();
        for (name, value) in &pairs {
            match &**name {
                "limit" | "offset" | "fuzzymatching" | "accept" => {}
                "includefield" => asked.fields.add(value),
                "orderby" => asked.order.extend(value.split(',').filter_map(order)),
                name => {
                    let Some(path) = dictionary::path(name) else { continue };
                    if known.contains(&path) {
                        return Err(Problem::parameter(name, "is given more than once"));
                    }
                    // What is matched is told (PS3.18 10.6.3.3).
                    asked.fields.tags.extend(path.first());
                    let key = SearchKey::parse(&path, value, fuzzy);
                    asked.keys.extend(key.map_err(|error| Problem::parameter(name, error))?);
                    known.push(path);
                }
            }
        }
        Ok(asked)
    }
}

impl Fields {
    /// A list between commas, in which each is named by keyword or tag; those in a sequence by the sequence.
    fn add(&mut self, list: &str) {
        for name in list.split(',').map(str::trim) {
            if name.eq_ignore_ascii_case("all") {
                self.all = true;
            } else if self.tags.len() < FIELDS_MAX {
                self.tags.extend(dictionary::path(name).and_then(|path| path.first().copied()));
            }
        }
    }
}

/// `-StudyDate`, as others have it that can order; what cannot be ordered by is left out.
fn order(name: &str) -> Option<SearchOrder> {
    let name = name.trim();
    let (name, descending) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
    SearchOrder::by(dictionary::tag(name)?, descending)
}

fn named<'a>(pairs: &'a [(Cow<'a, str>, Cow<'a, str>)], name: &'a str) -> impl Iterator<Item = &'a str> {
    pairs.iter().filter(move |(known, _)| known == name).map(|(_, value)| &**value)
}

fn one<T: FromStr>(
    pairs: &[(Cow<'_, str>, Cow<'_, str>)],
    name: &str,
    takes: &str,
) -> Result<Option<T>, Problem> {
    let mut values = named(pairs, name);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(Problem::parameter(name, format_args!("takes {takes}"))),
        },
        (Some(_), Some(_)) => Err(Problem::parameter(name, "is given more than once")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_in_lists_and_one_by_one() {
        let query =
            "includefield=00081030%2CModality,unknown&includefield=00400275.00400009&includefield=PatientAge";
        let asked = Asked::parse(Some(query)).expect("a query");
        assert_eq!(asked.fields.tags, [0x0008_1030, 0x0008_0060, 0x0040_0275, 0x0010_1010]);
        assert!(!asked.fields.all && Asked::parse(Some("includefield=all")).expect("a query").fields.all);
    }

    #[test]
    fn a_key_is_told_whatever_it_lets_through() {
        let asked =
            Asked::parse(Some("00080018=&PatientName=*&StudyDate=20261123&Colour=red")).expect("a query");
        assert_eq!(asked.fields.tags, [0x0008_0018, 0x0010_0010, 0x0008_0020]);
        assert_eq!(asked.keys.len(), 1);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, parameter) in [
            ("limit=many", "limit"),
            ("limit=-1", "limit"),
            ("limit=1&limit=2", "limit"),
            ("offset=1.5", "offset"),
            ("fuzzymatching=1", "fuzzymatching"),
            ("StudyDate=yesterday", "StudyDate"),
            ("00200011=one", "00200011"),
            ("StudyDate=&00080020=", "00080020"),
        ] {
            let document = Asked::parse(Some(query)).expect_err(query).document("/", "id").body;
            let document: serde_json::Value = serde_json::from_slice(&document).expect("JSON");
            assert_eq!(document["details"]["parameter"], parameter, "{query}");
        }
        assert!(Asked::parse(Some(&"a=1&".repeat(PARAMETERS_MAX + 1))).is_err());
        let asked = Asked::parse(Some("orderby=-StudyDate,PatientName&orderby=Colour,ModalitiesInStudy"))
            .expect("a query");
        assert_eq!(asked.order.len(), 2);
    }
}
