//! Every route, and nothing else: one file a resource.

mod audit;
mod auth;
mod clear_cache;
mod contact_sheet;
mod dead_letters;
mod deletion;
mod dicom_web;
mod documents;
mod explain;
mod files;
mod frames;
mod header;
mod health;
mod image_list;
mod images;
mod jobs;
mod json;
mod machine;
mod metrics;
pub(crate) mod ohif;
mod openapi;
mod page;
mod picture_parameters;
mod portion;
mod prefetch;
mod prerender;
mod presets;
mod problems;
mod series;
mod share;
mod sorting;
mod studies;
mod thumbnail;
mod uploads;
mod webhooks;

use std::sync::Arc;

use axum::{Router, routing::any};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    api::Api,
    problem::{Kind, Problem},
};

/// Every route over its state.
pub(crate) fn all(api: Arc<Api>) -> Router {
    let (router, document) = documented().split_for_parts();
    router
        .merge(openapi::routes(document))
        .merge(page::routes())
        .merge(dicom_web::routes())
        .fallback(any(async || Problem::new(Kind::RouteNotFound, "There is no such route.")))
        .with_state(api)
}

/// The routes that the OpenAPI document tells of.
fn documented() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(studies::list, uploads::send))
        .routes(routes!(uploads::one))
        .routes(routes!(studies::one, deletion::study))
        .routes(routes!(deletion::series))
        .routes(routes!(series::of_study))
        .routes(routes!(image_list::of_series))
        .routes(routes!(images::image, deletion::image))
        .routes(routes!(thumbnail::thumbnail))
        .routes(routes!(frames::stream))
        .routes(routes!(contact_sheet::sheet))
        .routes(routes!(share::create))
        .routes(routes!(share::one, share::revoke))
        .routes(routes!(audit::export))
        .routes(routes!(header::header))
        .routes(routes!(explain::explain))
        .routes(routes!(files::file))
        .routes(routes!(files::archive))
        .routes(routes!(ohif::study))
        .routes(routes!(presets::list))
        .routes(routes!(problems::list))
        .routes(routes!(problems::one))
        .routes(routes!(prerender::prerender))
        .routes(routes!(prefetch::prefetch))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::one, jobs::cancel))
        .routes(routes!(jobs::events))
        .routes(routes!(clear_cache::clear))
        .routes(routes!(dead_letters::list, dead_letters::drop_chosen))
        .routes(routes!(dead_letters::redrive_chosen))
        .routes(routes!(dead_letters::one, dead_letters::drop_one))
        .routes(routes!(dead_letters::redrive_one))
        .routes(routes!(webhooks::list, webhooks::add))
        .routes(routes!(webhooks::remove))
        .routes(routes!(auth::token))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::logout))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::health))
        .routes(routes!(metrics::prometheus))
        .routes(routes!(metrics::summary))
        .routes(routes!(machine::machine))
        .routes(routes!(machine::events))
}
