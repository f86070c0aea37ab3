//! `noctis delete`: studies, series and instances out of catalog, caches and storage.

use std::time::Duration;

use noctis_shared::{
    catalog::{Catalog, Choice, Deleted, Found, Scope},
    dicom_uid::parse_public_id,
    forget::{AGAIN_AFTER, Forgetting},
    program::{self, BackEnds, Failure},
    settings::Settings,
    storage::{Storage, Stored},
    telemetry,
};
use noctis_worker::errands::Errands;
use serde_json::json;
use uuid::Uuid;

use super::{beside, output};

/// What `noctis delete` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Studies, by id or UID.
    #[arg(required = true, value_name = "STUDY")]
    studies: Vec<String>,
    /// Only this series of the one study that is named.
    #[arg(long, value_name = "UID", conflicts_with = "instance")]
    series: Vec<String>,
    /// Only this instance of the one study that is named.
    #[arg(long, value_name = "UID")]
    instance: Vec<String>,
    /// For scripts.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, settings: &Settings) -> Result<(), Failure> {
    let names_parts = !arguments.series.is_empty() || !arguments.instance.is_empty();
    if names_parts && arguments.studies.len() > 1 {
        return Err(Failure::usage("--series, --instance", "name parts of one study"));
    }
    program::block_on(async {
        let _telemetry = telemetry::init(&program::telemetry_settings(settings, "noctis-delete"))?;
        let back_ends = BackEnds::connect(settings).await?;
        let storage = program::storage(settings)?;
        let done = delete(arguments, settings, &back_ends, &storage).await;
        back_ends.close().await;
        done
    })
}

async fn delete(
    arguments: &Arguments,
    settings: &Settings,
    back_ends: &BackEnds,
    storage: &Storage,
) -> Result<(), Failure> {
    let BackEnds { queue, cache, catalog, .. } = back_ends;
    // All are found before the first goes: a slip of the pen deletes nothing.
    let scopes = scopes(arguments, catalog).await?;
    let forgetting = Forgetting::new(catalog, cache);
    let is_ours = |location: &str, stored: &Stored<'_>| storage.is_ours(location, stored);
    let mut total = Deleted::default();
    for scope in &scopes {
        let deleted = forgetting.delete(scope, &is_ours).await.map_err(anyhow::Error::from)?;
        total.image_ids.extend(deleted.image_ids);
        total.renders += deleted.renders;
        total.objects += deleted.objects;
    }
    let errands = Errands { catalog: catalog.clone(), storage: storage.clone(), queue: queue.clone() };
    errands.all().await.map_err(anyhow::Error::from)?;
    tell_others(settings).await?;
    Ok(output::line(&told(&total, arguments.json))?)
}

/// A server beside this command has a cache of its own; of one that is shared what was on its way into it goes, too.
async fn tell_others(settings: &Settings) -> anyhow::Result<()> {
    if settings.catalog_is_in_data() {
        beside::leave_note(&settings.data)?;
    }
    if settings.cache_url.scheme() != "memory" {
        tokio::time::sleep(AGAIN_AFTER + Duration::from_millis(500)).await;
    }
    Ok(())
}

fn told(deleted: &Deleted, as_json: bool) -> String {
    let Deleted { image_ids, renders, objects } = deleted;
    let instances = image_ids.len();
    if as_json {
        return json!({"deleted": {"instances": instances, "renders": renders, "objects": objects}})
            .to_string();
    }
    format!("{instances} instances, {renders} renders, {objects} objects deleted")
}

/// What the arguments name, by the keys of the catalog.
async fn scopes(arguments: &Arguments, catalog: &Catalog) -> Result<Vec<Scope>, Failure> {
    let mut scopes = Vec::new();
    for name in &arguments.studies {
        let unknown = || Failure::usage(name, "there is no such study");
        let study = Scope::Study(parse_public_id(name).ok_or_else(unknown)?);
        let study_id = catalog.study_of(&study).await.map_err(anyhow::Error::from)?.ok_or_else(unknown)?;
        if arguments.series.is_empty() && arguments.instance.is_empty() {
            scopes.push(study);
        }
        for uid in &arguments.series {
            scopes.push(series_of(study_id, uid, catalog).await?);
        }
        for uid in &arguments.instance {
            scopes.push(instance_of(study_id, uid, catalog).await?);
        }
    }
    Ok(scopes)
}

async fn series_of(study_id: Uuid, uid: &str, catalog: &Catalog) -> Result<Scope, Failure> {
    let unknown = || Failure::usage(uid, "the study has no such series");
    let id = parse_public_id(uid).ok_or_else(unknown)?;
    let mut found = catalog.find_series(id).await.map_err(anyhow::Error::from)?;
    if let Found::Several(choices) = &found {
        let own = of_study(study_id, choices).next().ok_or_else(unknown)?.series_id;
        found = catalog.find_series(own).await.map_err(anyhow::Error::from)?;
    }
    let place = found.one().filter(|place| place.study_id == study_id).ok_or_else(unknown)?;
    Ok(Scope::Series(place.key))
}

async fn instance_of(study_id: Uuid, uid: &str, catalog: &Catalog) -> Result<Scope, Failure> {
    let unknown = || Failure::usage(uid, "the study has no such instance");
    let id = parse_public_id(uid).ok_or_else(unknown)?;
    let mut found = catalog.find_image(id).await.map_err(anyhow::Error::from)?;
    if let Found::Several(choices) = &found {
        let own: Vec<Uuid> = of_study(study_id, choices).filter_map(|choice| choice.image_id).collect();
        let own = match own[..] {
            [] => return Err(unknown()),
            [own] => own,
            _ => {
                let reason = "stands in several series of the study: name one by its id";
                return Err(Failure::usage(uid, reason));
            }
        };
        found = catalog.find_image(own).await.map_err(anyhow::Error::from)?;
    }
    let scope = Scope::Image(found.one().ok_or_else(unknown)?);
    let of = catalog.study_of(&scope).await.map_err(anyhow::Error::from)?;
    if of == Some(study_id) { Ok(scope) } else { Err(unknown()) }
}

fn of_study(study_id: Uuid, choices: &[Choice]) -> impl Iterator<Item = &Choice> {
    choices.iter().filter(move |choice| choice.study_id == study_id)
}
