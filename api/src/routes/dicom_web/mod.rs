//! DICOMweb (PS3.18), the routes of the standard at `/dicom-web`: searches (QIDO-RS) and metadata (WADO-RS), told as DICOM JSON
//! from the catalog alone; instances and frames (WADO-RS) as they are stored, and pictures of them; files to be stored (STOW-RS). `docs/dicomweb.md` is the
//! conformance statement.
//!
//! What must not be here: who may see what (`visible`), SQL (`catalog::search`, `catalog::headers` of `shared`), how
//! files are read (`handed_out`), and how pictures are made (`picture`). These routes are not in the OpenAPI document: their
//! parameters are the data dictionary, and the standard describes them. Start with [`routes`].

mod acceptable;
mod accepted;
mod address;
mod all_bulk_data;
mod animated;
mod as_it_is;
mod asked;
mod asks;
mod boundary;
mod bulk_data;
mod capabilities;
mod data_set;
mod dictionary;
mod frames;
mod instances;
mod laid_out;
mod levels;
mod matched;
mod media_type;
mod metadata;
mod naturalized;
mod presentation_states;
mod rendered;
mod rendered_beside;
mod rendered_mpr;
mod rendered_parameters;
mod rewritten;
mod rewritten_parts;
mod search;
mod sent_frames;
mod store;
mod told_header;
mod transfer_syntax;
mod unbuilt;
mod wado_uri;

use std::sync::Arc;

use axum::{
    Router,
    routing::{any, get},
};

use noctis_shared::catalog::InstanceHeader;
use serde_json::{Map, Value};

pub(super) use self::dictionary::KEYWORDS;
use crate::api::Api;

/// Where an instance is retrieved from, under the name that the client knows this server by.
pub(super) fn instance_address(origin: &str, study: &str, series: &str, instance: &str) -> String {
    address::of(origin, address::Uids::instance(study, series, instance))
}

/// What metadata tell of an instance, by keywords with plain values.
pub(super) fn naturalized_header(header: &InstanceHeader, origin: &str) -> Map<String, Value> {
    let mut told = String::new();
    told_header::write(header, origin, &mut told);
    // It is JSON of ours; what did not read would tell of nothing.
    let data_set: Map<String, Value> = serde_json::from_str(&told).unwrap_or_default();
    naturalized::naturalized(&data_set)
}

/// The routes, with those that this version does not have.
pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/dicom-web/studies", get(search::studies).post(store::store))
        .route("/dicom-web/series", get(search::series))
        .route("/dicom-web/instances", get(search::instances))
        .route("/dicom-web/studies/{study}/series", get(search::series_of))
        .route("/dicom-web/studies/{study}/instances", get(search::instances_of))
        .route("/dicom-web/studies/{study}/series/{series}/instances", get(search::instances_of))
        .route(
            "/dicom-web/studies/{study}",
            get(instances::instances).post(store::store).fallback(unbuilt::say_so),
        )
        .route(
            "/dicom-web/studies/{study}/series/{series}",
            get(instances::instances).fallback(unbuilt::say_so),
        )
        .route(
            "/dicom-web/studies/{study}/series/{series}/instances/{instance}",
            get(instances::instances).fallback(unbuilt::say_so),
        )
        .route("/dicom-web/studies/{study}/metadata", get(metadata::metadata))
        .route("/dicom-web/studies/{study}/series/{series}/metadata", get(metadata::metadata))
        .route(
            "/dicom-web/studies/{study}/series/{series}/instances/{instance}/metadata",
            get(metadata::metadata),
        )
        .route(
            "/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}",
            get(frames::frames),
        )
        .route(
            "/dicom-web/studies/{study}/series/{series}/instances/{instance}/bulkdata/{*path}",
            get(bulk_data::bulk_data),
        )
        .route("/dicom-web/studies/{study}/bulkdata", get(all_bulk_data::all))
        .route("/dicom-web/studies/{study}/series/{series}/bulkdata", get(all_bulk_data::all))
        .route(
            "/dicom-web/studies/{study}/series/{series}/instances/{instance}/bulkdata",
            get(all_bulk_data::all),
        )
        .merge(rendered::routes())
        .route("/dicom-web/studies/{study}/series/{series}/renderedmpr", get(rendered_mpr::series))
        .route(
            "/dicom-web/studies/{study}/series/{series}/instances/{instance}/renderedmpr",
            get(rendered_mpr::instance),
        )
        .route("/dicom-web", get(wado_uri::wado).options(capabilities::tell).fallback(unbuilt::say_so))
        .route("/dicom-web/{*rest}", any(unbuilt::resource))
}
