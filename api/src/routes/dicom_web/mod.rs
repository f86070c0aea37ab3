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
mod asked;
mod asks;
mod capabilities;
mod data_set;
mod dictionary;
mod frames;
mod instances;
mod levels;
mod matched;
mod media_type;
mod metadata;
mod presentation_states;
mod rendered;
mod rendered_beside;
mod rendered_parameters;
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

use crate::api::Api;

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
            "/dicom-web/studies/{study}/series/{series}/instances/{instance}/bulkdata/{tag}",
            get(frames::bulk_data),
        )
        .merge(rendered::routes())
        .route("/dicom-web", get(wado_uri::wado).options(capabilities::tell).fallback(unbuilt::say_so))
        .route("/dicom-web/{*rest}", any(unbuilt::resource))
}
