//! Query strings: every parameter is taken by name, once; what is left over is a problem that names it.

use std::{borrow::Cow, str::FromStr};

use axum::{extract::FromRequestParts, http::request::Parts};
use url::form_urlencoded;

use crate::problem::Problem;

/// Parameters in one query; no route takes as many.
const PARAMETERS_MAX: usize = 32;

/// The parameters of a query that were not taken yet.
pub(crate) struct Query<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Query<'a> {
    /// # Errors
    /// A problem for a parameter given twice, or for more parameters than any route takes.
    pub(crate) fn parse(raw: Option<&'a str>) -> Result<Self, Problem> {
        let mut pairs: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(Problem::parameter(&name, "is given more than once"));
            }
            if pairs.len() == PARAMETERS_MAX {
                return Err(Problem::parameter(
                    &name,
                    format!("a query takes {PARAMETERS_MAX} parameters at most"),
                ));
            }
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// The text of the parameter `name`, if it is there.
    pub(crate) fn take(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let place = self.pairs.iter().position(|(known, _)| known == name)?;
        Some(self.pairs.swap_remove(place).1)
    }

    /// The value of the parameter `name`, if it is there and `valid`; `takes` says in words what would be.
    pub(crate) fn take_value<T: FromStr>(
        &mut self,
        name: &str,
        takes: &str,
        valid: impl FnOnce(&T) -> bool,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.take(name) else { return Ok(None) };
        match text.parse().ok().filter(valid) {
            Some(value) => Ok(Some(value)),
            None => Err(Problem::parameter(name, format_args!("{:?} is not {takes}", shortened(&text)))),
        }
    }

    /// `true` or `false`.
    pub(crate) fn take_flag(&mut self, name: &str) -> Result<Option<bool>, Problem> {
        self.take_value(name, "true or false", |_: &bool| true)
    }

    /// # Errors
    /// A problem that names a parameter nobody took.
    pub(crate) fn finish(self, takes: &str) -> Result<(), Problem> {
        match self.pairs.first() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::parameter(
                shortened(name),
                format_args!("is no parameter of this route; it takes {takes}"),
            )),
        }
    }
}

/// What a route without parameters takes beside its path: any that is given is a problem that names it.
pub(crate) struct NoParameters;

impl<S: Sync> FromRequestParts<S> for NoParameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Query::parse(parts.uri.query())?.finish("none")?;
        Ok(Self)
    }
}

/// Enough of a text to recognise it by; an answer does not repeat kilobytes.
fn shortened(text: &str) -> &str {
    const CHARS_MAX: usize = 64;
    text.char_indices().nth(CHARS_MAX).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_given_twice_is_refused_even_when_encoded() {
        assert!(Query::parse(Some("frame=1&frame=2")).is_err());
        assert!(Query::parse(Some("frame=1&%66rame=1")).is_err());
        assert!(Query::parse(Some("frame=1&width=1")).is_ok());
    }

    #[test]
    fn what_nobody_took_is_named() {
        let mut query = Query::parse(Some("frame=1&colour=red")).expect("parsed");
        assert_eq!(query.take("frame").as_deref(), Some("1"));
        let problem = query.finish("frame").expect_err("left over");
        assert_eq!(problem, Problem::parameter("colour", "is no parameter of this route; it takes frame"));
    }

    #[test]
    fn a_long_text_is_not_repeated_in_full() {
        assert_eq!(shortened(&"ä".repeat(1000)).chars().count(), 64);
    }
}
