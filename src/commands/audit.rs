//! `noctis audit`: who opened what, as JSON lines.

use std::io::{self, Write};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use noctis_shared::{
    auth::AuditFilter,
    catalog::{Catalog, CatalogLimits},
    dicom_uid::parse_public_id,
    program::{self, Failure},
    settings::{Settings, parse_duration},
};
use uuid::Uuid;

/// Entries that are read at a time.
const PORTION: usize = 1000;

/// What `noctis audit` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only since this moment: a time ago like 2h or 7d, or a date and time like 2026-11-01T00:00:00Z.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<DateTime<Utc>>,
    /// Only before this moment.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: Option<DateTime<Utc>>,
    /// Only of this study: its id or its UID.
    #[arg(long, value_parser = study)]
    study: Option<Uuid>,
    /// Only of this subject, as tokens name it.
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// Deletes what is older than this moment, instead of printing it; says how many entries went.
    #[arg(long, value_name = "WHEN", value_parser = moment, conflicts_with_all = ["since", "until", "study", "subject"])]
    forget_before: Option<DateTime<Utc>>,
}

pub(super) fn run(arguments: &Arguments, settings: &Settings) -> Result<(), Failure> {
    program::block_on(async {
        let catalog = Catalog::connect(&settings.catalog_url, CatalogLimits::default()).await;
        let catalog = catalog.map_err(|error| Failure::usage("NOCTIS_CATALOG_URL", &error.to_string()))?;
        let done = match arguments.forget_before {
            Some(moment) => forget(&catalog, moment).await,
            None => print(arguments, &catalog).await,
        };
        catalog.close().await;
        Ok(done?)
    })
}

async fn forget(catalog: &Catalog, moment: DateTime<Utc>) -> anyhow::Result<()> {
    let count = catalog.forget_audit_before(moment).await.context("deleting entries")?;
    program::say(&format!("{count} entries deleted"));
    Ok(())
}

async fn print(arguments: &Arguments, catalog: &Catalog) -> anyhow::Result<()> {
    let Arguments { since, until, study, subject, forget_before: _ } = arguments;
    let filter = AuditFilter { since: *since, until: *until, study_id: *study, subject: subject.clone() };
    let mut out = io::stdout().lock();
    let mut last = None;
    loop {
        let portion = catalog.audit(&filter, last.as_ref(), PORTION).await.context("reading the audit")?;
        for entry in &portion {
            serde_json::to_writer(&mut out, entry)?;
            writeln!(out)?;
        }
        match portion.last() {
            Some(entry) if portion.len() == PORTION => last = Some(entry.clone()),
            _ => return Ok(out.flush()?),
        }
    }
}

fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    let ago =
        parse_duration(text).and_then(|time| Utc::now().checked_sub_signed(TimeDelta::from_std(time).ok()?));
    let takes =
        || "takes a time ago, like 2h or 7d, or a date and time, like 2026-11-01T00:00:00Z".to_owned();
    ago.or_else(|| text.parse().ok()).ok_or_else(takes)
}

fn study(text: &str) -> Result<Uuid, String> {
    parse_public_id(text).ok_or_else(|| "takes a Study Instance UID or the id of a study".to_owned())
}
