//! `noctis token`: signs a token for scripts and tests.

use std::time::Duration;

use noctis_api::auth::{Claims, TokenKeys};
use noctis_shared::{
    auth::Scopes,
    dicom_uid::parse_public_id,
    program::Failure,
    settings::{JwtSettings, Settings, parse_duration},
};

use super::output;

/// What `noctis token` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Whose it is: what its requests are counted and told under.
    #[arg(long, value_name = "NAME")]
    subject: String,
    /// What it allows: names with blanks between them, of images:read, studies:read, studies:write, admin.
    #[arg(long, default_value_t = Scopes::READ)]
    scope: Scopes,
    /// Holds it to this study, by UID or id; may be given several times.
    #[arg(long = "study", value_name = "STUDY", value_parser = study)]
    studies: Vec<String>,
    /// How long it is valid, like 15m, 2h or 7d.
    #[arg(long, default_value = "15m", value_parser = lasting)]
    ttl: Duration,
}

pub(super) fn run(arguments: &Arguments, settings: &Settings) -> Result<(), Failure> {
    let jwt = jwt_of(settings)?;
    let Arguments { subject, scope, studies, ttl } = arguments;
    let studies = (!studies.is_empty()).then(|| studies.clone());
    let claims = Claims { studies, ..Claims::issued(jwt, subject, *scope, *ttl) };
    let unset =
        || Failure::usage("NOCTIS_JWT_SECRET", "is not set: the identity provider issues tokens here");
    let keys = TokenKeys::new(jwt).ok_or_else(unset)?;
    let token = keys.sign(&claims).map_err(anyhow::Error::from)?;
    Ok(output::line(&token)?)
}

/// The login of `settings`, for commands that are about it.
pub(super) fn jwt_of(settings: &Settings) -> Result<&JwtSettings, Failure> {
    let off = || Failure::usage("NOCTIS_AUTH", "is off, so that nobody is asked for a token: it takes jwt");
    settings.jwt.as_ref().ok_or_else(off)
}

/// A study as tokens name it.
pub(super) fn study(text: &str) -> Result<String, String> {
    let named = parse_public_id(text).map(|_| text.to_owned());
    named.ok_or_else(|| "takes a Study Instance UID or the id of a study".to_owned())
}

fn lasting(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "takes a time, like 15m, 2h or 7d".to_owned())
}
