//! Routes of the contract that this version has not built: they say so, instead of not being there.

use std::sync::Arc;

use axum::{Router, routing::any};

use crate::{
    api::Api,
    problem::{Kind, Problem},
};

const PATHS: [&str; 2] = ["/dicom-web", "/dicom-web/{*rest}"];

pub(super) fn routes() -> Router<Arc<Api>> {
    PATHS.into_iter().fold(Router::new(), |router, path| router.route(path, any(say_so)))
}

async fn say_so() -> Problem {
    Problem::new(Kind::NotBuilt, "This route is part of the contract and not built in this version.")
}
