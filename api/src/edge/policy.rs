//! What holds for a route beside its handler, one row a route. The edge, the OpenAPI document and the tests read it; a
//! route without a row does not pass the tests.
//!
//! What must not be here: what a route does, and who has which scope.

use std::{collections::HashMap, sync::LazyLock, time::Duration};

/// What a caller must be allowed for a route. Stated in the OpenAPI document; this version asks nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Nothing: probes, the page, what holds for everybody.
    Anyone,
    /// To see pictures.
    ImagesRead,
    /// To see what there is.
    StudiesRead,
    /// To change what there is.
    StudiesWrite,
    /// To run the system.
    Admin,
}

impl Scope {
    /// The name in tokens and in the document; `None` where none is needed.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Scope::Anyone => None,
            Scope::ImagesRead => Some("images:read"),
            Scope::StudiesRead => Some("studies:read"),
            Scope::StudiesWrite => Some("studies:write"),
            Scope::Admin => Some("admin"),
        }
    }
}

/// How a route says what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `application/problem+json` (RFC 9457).
    Problem,
    /// As PS3.18 wants it. This version answers there with problem documents too: it is not built.
    DicomWeb,
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    /// As the router matches it.
    pub(crate) route: &'static str,
    /// Who may come.
    pub(crate) scope: Scope,
    /// Longest body that a client may announce, in bytes.
    pub(crate) body_bytes_max: u64,
    /// What a request may take beyond the wait for a render.
    pub(crate) time_beyond_render: Duration,
    /// What it takes of the caller's requests; 0 for what is exempt: operators and their probes are not to be starved.
    pub(crate) cost: u32,
    /// How errors are told.
    pub(crate) dialect: Dialect,
}

/// No route of this version reads a body.
const BODY_BYTES_MAX: u64 = 64 * 1024;
const TIME: Duration = Duration::from_secs(20);

const fn row(route: &'static str, scope: Scope) -> Policy {
    let (body_bytes_max, time_beyond_render) = (BODY_BYTES_MAX, TIME);
    Policy { route, scope, body_bytes_max, time_beyond_render, cost: 1, dialect: Dialect::Problem }
}

const fn probe(route: &'static str) -> Policy {
    Policy { cost: 0, ..row(route, Scope::Anyone) }
}

const fn dicom_web(route: &'static str) -> Policy {
    Policy { dialect: Dialect::DicomWeb, ..row(route, Scope::ImagesRead) }
}

/// What holds for what matches no route.
const NO_ROUTE: Policy = row("none", Scope::Anyone);

/// Every route.
pub(crate) const POLICIES: &[Policy] = &[
    probe("/livez"),
    probe("/readyz"),
    probe("/metrics"),
    probe("/api/v1/health"),
    row("/", Scope::Anyone),
    row("/page/page.css", Scope::Anyone),
    row("/page/page.js", Scope::Anyone),
    row("/page/album.js", Scope::Anyone),
    row("/page/elements.js", Scope::Anyone),
    row("/page/hands.js", Scope::Anyone),
    row("/page/loader.js", Scope::Anyone),
    row("/page/server.js", Scope::Anyone),
    row("/page/viewer.js", Scope::Anyone),
    row("/api/v1/metrics", Scope::Admin),
    row("/api/v1/openapi.json", Scope::Anyone),
    row("/api/v1/docs", Scope::Anyone),
    row("/api/v1/docs/{*path}", Scope::Anyone),
    row("/api/v1/dicom/presets", Scope::Anyone),
    row("/api/v1/dicom/studies", Scope::StudiesRead),
    row("/api/v1/dicom/studies/{study_id}", Scope::StudiesRead),
    row("/api/v1/dicom/studies/{study_id}/series", Scope::StudiesRead),
    row("/api/v1/dicom/series/{series_id}/images", Scope::StudiesRead),
    row("/api/v1/dicom/images/{image_id}", Scope::ImagesRead),
    row("/api/v1/dicom/images/{image_id}/thumbnail", Scope::ImagesRead),
    row("/api/v1/dicom/clear-cache", Scope::Admin),
    row("/api/v1/dicom/studies/{study_id}/prerender", Scope::StudiesWrite),
    row("/api/v1/jobs", Scope::StudiesRead),
    row("/api/v1/jobs/{*rest}", Scope::StudiesRead),
    row("/api/v1/auth/{*rest}", Scope::Anyone),
    dicom_web("/dicom-web"),
    dicom_web("/dicom-web/{*rest}"),
];

/// The row of a matched route.
pub(crate) fn of(route: &str) -> &'static Policy {
    static BY_ROUTE: LazyLock<HashMap<&str, &Policy>> =
        LazyLock::new(|| POLICIES.iter().map(|policy| (policy.route, policy)).collect());
    BY_ROUTE.get(route).copied().unwrap_or(&NO_ROUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_route_has_one_row_and_what_has_none_is_counted() {
        assert!(POLICIES.iter().all(|policy| of(policy.route) == policy), "a route stands twice");
        assert_eq!(of("/nowhere"), &NO_ROUTE);
        assert_eq!(of("/nowhere").cost, 1);
    }

    #[test]
    fn errors_are_problem_documents_everywhere_but_on_dicom_web() {
        for policy in POLICIES {
            let dicom_web = policy.route.starts_with("/dicom-web");
            assert_eq!(policy.dialect == Dialect::DicomWeb, dicom_web, "{}", policy.route);
        }
    }
}
