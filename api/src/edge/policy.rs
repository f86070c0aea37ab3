//! What holds for a route beside its handler, one row a route. The edge, the OpenAPI document and the tests read it; a
//! route without a row does not pass the tests.
//!
//! What must not be here: what a route does, and who has which scope.

use std::{collections::HashMap, sync::LazyLock, time::Duration};

use axum::http::Method;
use noctis_shared::auth::Scope;

/// How a route says what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `application/problem+json` (RFC 9457).
    Problem,
    /// The statuses of PS3.18 table 8.5-1. The standard leaves open what stands in the body (8.6.3), clients look at the
    /// status alone, and so a problem document tells the reason there, too.
    DicomWeb,
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    /// As the router matches it.
    pub(crate) route: &'static str,
    /// What a caller must be allowed; `None` for probes, the page, and what holds for everybody.
    pub(crate) scope: Option<Scope>,
    /// What a caller must be allowed to change what others may read there.
    pub(crate) change_scope: Option<Scope>,
    /// Longest body, in bytes.
    pub(crate) body_bytes_max: usize,
    /// What a request may take beyond the wait for a render.
    pub(crate) time_beyond_render: Duration,
    /// What it takes of the caller's requests, in hundredths of one; 0 for what is exempt: operators and their probes are
    /// not to be starved. A picture that has to be made takes more (`admission`).
    pub(crate) cost: u32,
    /// Whether it is answered under any name: probes come to addresses.
    pub(crate) any_host: bool,
    /// How errors are told.
    pub(crate) dialect: Dialect,
    /// Whether a `POST` brings files, for as long as they come: what stands still is given up by the connection
    /// (`serve/bodies.rs`).
    pub(crate) takes_files: bool,
}

/// Parts that a request is counted in.
pub(super) const HUNDREDTHS: u32 = 100;
/// What is taken for bytes that lie ready.
pub(crate) const SENT: u32 = 2;

impl Policy {
    /// The row as it holds for a method: what changes something may take another scope than what reads it.
    pub(crate) fn of_method(&self, method: &Method) -> Self {
        let scope = if method.is_safe() { self.scope } else { self.change_scope.or(self.scope) };
        if self.takes_files && method == Method::POST {
            let (body_bytes_max, time_beyond_render) = (UPLOAD_BYTES_MAX, UPLOAD_TIME);
            return Self { scope, body_bytes_max, time_beyond_render, ..*self };
        }
        Self { scope, ..*self }
    }
}

/// What is said in a body is short.
const BODY_BYTES_MAX: usize = 64 * 1024;
const TIME: Duration = Duration::from_secs(20);
/// Files come in bodies of studies.
pub(crate) const UPLOAD_BYTES_MAX: usize = 64 << 30;
const UPLOAD_TIME: Duration = Duration::from_hours(12);

const fn row(route: &'static str, scope: Option<Scope>) -> Policy {
    let (body_bytes_max, time_beyond_render) = (BODY_BYTES_MAX, TIME);
    Policy {
        route,
        scope,
        change_scope: None,
        body_bytes_max,
        time_beyond_render,
        cost: HUNDREDTHS,
        any_host: false,
        dialect: Dialect::Problem,
        takes_files: false,
    }
}

/// What others may read there, and who may change it.
const fn changed_by(scope: Scope, policy: Policy) -> Policy {
    Policy { change_scope: Some(scope), ..policy }
}

const fn probe(route: &'static str) -> Policy {
    Policy { cost: 0, any_host: true, ..row(route, None) }
}

/// A part of the page, which browsers ask for again and again.
const fn part_of_page(route: &'static str) -> Policy {
    Policy { cost: SENT, ..row(route, None) }
}

/// A picture: what it takes to make one is counted where it is made.
const fn picture(route: &'static str) -> Policy {
    Policy { cost: SENT, ..row(route, Some(Scope::ImagesRead)) }
}

/// A login is tens of milliseconds of a core.
const fn login(route: &'static str) -> Policy {
    Policy { cost: 5 * HUNDREDTHS, ..row(route, None) }
}

/// An order of many pictures.
const fn orders_many(route: &'static str, scope: Scope) -> Policy {
    Policy { cost: 10 * HUNDREDTHS, ..row(route, Some(scope)) }
}

const fn takes_files(policy: Policy) -> Policy {
    Policy { change_scope: Some(Scope::StudiesWrite), takes_files: true, ..policy }
}

const fn dicom_web(route: &'static str, scope: Scope) -> Policy {
    Policy { dialect: Dialect::DicomWeb, ..row(route, Some(scope)) }
}

/// What a viewer asks for frame by frame: it is sent as it lies there, and what it takes to make a picture is counted where it
/// is made.
const fn dicom_web_bytes(route: &'static str) -> Policy {
    Policy { cost: SENT, ..dicom_web(route, Scope::ImagesRead) }
}

/// The label of what matches no route.
pub(super) const NO_ROUTE: &str = "none";
/// What holds for that.
const OF_NO_ROUTE: Policy = row(NO_ROUTE, None);
/// What holds for a route that was forgotten here: nobody but an operator comes in by mistake.
const FORGOTTEN: Policy = row("forgotten", Some(Scope::Admin));

/// Every route.
pub(crate) const POLICIES: &[Policy] = &[
    probe("/livez"),
    probe("/readyz"),
    probe("/metrics"),
    probe("/api/v1/health"),
    part_of_page("/"),
    part_of_page("/machine"),
    part_of_page("/page/{file}"),
    row("/api/v1/metrics", Some(Scope::Admin)),
    row("/api/v1/machine", Some(Scope::Admin)),
    row("/api/v1/machine/events", Some(Scope::Admin)),
    row("/api/v1/openapi.json", None),
    row("/api/v1/docs", None),
    row("/api/v1/docs/{*path}", None),
    row("/api/v1/problems", None),
    row("/api/v1/problems/{slug}", None),
    row("/api/v1/dicom/presets", None),
    takes_files(row("/api/v1/dicom/studies", Some(Scope::StudiesRead))),
    row("/api/v1/ingest/{event_id}", Some(Scope::StudiesWrite)),
    changed_by(Scope::StudiesWrite, row("/api/v1/dicom/studies/{study_id}", Some(Scope::StudiesRead))),
    row("/api/v1/dicom/studies/{study_id}/archive", Some(Scope::ImagesRead)),
    row("/api/v1/dicom/studies/{study_id}/ohif.json", Some(Scope::ImagesRead)),
    row("/api/v1/dicom/studies/{study_id}/series", Some(Scope::StudiesRead)),
    row("/api/v1/dicom/series/{series_id}", Some(Scope::StudiesWrite)),
    row("/api/v1/dicom/series/{series_id}/images", Some(Scope::StudiesRead)),
    changed_by(Scope::StudiesWrite, picture("/api/v1/dicom/images/{image_id}")),
    row("/api/v1/dicom/images/{image_id}/file", Some(Scope::ImagesRead)),
    picture("/api/v1/dicom/images/{image_id}/thumbnail"),
    picture("/api/v1/dicom/images/{image_id}/explain"),
    row("/api/v1/dicom/images/{image_id}/metadata", Some(Scope::ImagesRead)),
    row("/api/v1/dicom/clear-cache", Some(Scope::Admin)),
    orders_many("/api/v1/dicom/studies/{study_id}/prerender", Scope::StudiesWrite),
    row("/api/v1/jobs", Some(Scope::StudiesRead)),
    row("/api/v1/dicom/series/{series_id}/frames", Some(Scope::ImagesRead)),
    row("/api/v1/dicom/series/{series_id}/contact-sheet", Some(Scope::ImagesRead)),
    row("/api/v1/share", Some(Scope::StudiesRead)),
    row("/api/v1/share/{share_id}", Some(Scope::StudiesRead)),
    row("/api/v1/audit", Some(Scope::Admin)),
    row("/api/v1/jobs/{job_id}", Some(Scope::StudiesRead)),
    row("/api/v1/jobs/{job_id}/events", Some(Scope::StudiesRead)),
    orders_many("/api/v1/dicom/series/{series_id}/prefetch", Scope::ImagesRead),
    row("/api/v1/dead-letters", Some(Scope::Admin)),
    row("/api/v1/dead-letters/redrive", Some(Scope::Admin)),
    row("/api/v1/dead-letters/{id}", Some(Scope::Admin)),
    row("/api/v1/dead-letters/{id}/redrive", Some(Scope::Admin)),
    row("/api/v1/webhooks", Some(Scope::Admin)),
    row("/api/v1/webhooks/{webhook_id}", Some(Scope::Admin)),
    login("/api/v1/auth/token"),
    login("/api/v1/auth/refresh"),
    login("/api/v1/auth/logout"),
    dicom_web_bytes("/dicom-web"),
    takes_files(dicom_web("/dicom-web/studies", Scope::StudiesRead)),
    dicom_web("/dicom-web/series", Scope::StudiesRead),
    dicom_web("/dicom-web/instances", Scope::StudiesRead),
    dicom_web("/dicom-web/studies/{study}/series", Scope::StudiesRead),
    dicom_web("/dicom-web/studies/{study}/instances", Scope::StudiesRead),
    dicom_web("/dicom-web/studies/{study}/series/{series}/instances", Scope::StudiesRead),
    takes_files(dicom_web("/dicom-web/studies/{study}", Scope::ImagesRead)),
    changed_by(
        Scope::StudiesWrite,
        dicom_web("/dicom-web/studies/{study}/series/{series}", Scope::ImagesRead),
    ),
    changed_by(
        Scope::StudiesWrite,
        dicom_web_bytes("/dicom-web/studies/{study}/series/{series}/instances/{instance}"),
    ),
    dicom_web("/dicom-web/studies/{study}/metadata", Scope::ImagesRead),
    dicom_web("/dicom-web/studies/{study}/series/{series}/metadata", Scope::ImagesRead),
    dicom_web("/dicom-web/studies/{study}/series/{series}/instances/{instance}/metadata", Scope::ImagesRead),
    dicom_web_bytes("/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}"),
    dicom_web(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/bulkdata/{*path}",
        Scope::ImagesRead,
    ),
    dicom_web("/dicom-web/studies/{study}/bulkdata", Scope::ImagesRead),
    dicom_web("/dicom-web/studies/{study}/series/{series}/bulkdata", Scope::ImagesRead),
    dicom_web("/dicom-web/studies/{study}/series/{series}/instances/{instance}/bulkdata", Scope::ImagesRead),
    dicom_web("/dicom-web/studies/{study}/rendered", Scope::ImagesRead),
    dicom_web_bytes("/dicom-web/studies/{study}/thumbnail"),
    dicom_web("/dicom-web/studies/{study}/series/{series}/rendered", Scope::ImagesRead),
    dicom_web_bytes("/dicom-web/studies/{study}/series/{series}/thumbnail"),
    dicom_web_bytes("/dicom-web/studies/{study}/series/{series}/renderedmpr"),
    dicom_web_bytes("/dicom-web/studies/{study}/series/{series}/instances/{instance}/renderedmpr"),
    dicom_web_bytes("/dicom-web/studies/{study}/series/{series}/instances/{instance}/rendered"),
    dicom_web_bytes("/dicom-web/studies/{study}/series/{series}/instances/{instance}/thumbnail"),
    dicom_web_bytes(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered",
    ),
    dicom_web_bytes(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/thumbnail",
    ),
    changed_by(Scope::StudiesWrite, dicom_web("/dicom-web/{*rest}", Scope::ImagesRead)),
];

/// The row of a matched route.
pub(crate) fn of(route: &str) -> &'static Policy {
    static BY_ROUTE: LazyLock<HashMap<&str, &Policy>> =
        LazyLock::new(|| POLICIES.iter().map(|policy| (policy.route, policy)).collect());
    let unlisted = if route == NO_ROUTE { &OF_NO_ROUTE } else { &FORGOTTEN };
    BY_ROUTE.get(route).copied().unwrap_or(unlisted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_route_has_one_row_and_what_has_none_is_counted() {
        assert!(POLICIES.iter().all(|policy| of(policy.route) == policy), "a route stands twice");
        assert_eq!((of(NO_ROUTE).scope, of(NO_ROUTE).cost), (None, HUNDREDTHS));
        assert_eq!(of("/forgotten").scope, Some(Scope::Admin));
    }

    #[test]
    fn who_may_read_may_not_delete() {
        let study = of("/api/v1/dicom/studies/{study_id}");
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert_eq!(study.of_method(&method).scope, Some(Scope::StudiesRead));
        }
        assert_eq!(study.of_method(&Method::DELETE).scope, Some(Scope::StudiesWrite));
        assert_eq!(of("/api/v1/auth/token").of_method(&Method::POST).scope, None);
        let studies = of("/dicom-web/studies");
        assert_eq!(studies.of_method(&Method::GET).time_beyond_render, TIME, "a search has the time of one");
        assert_eq!(studies.of_method(&Method::GET).body_bytes_max, BODY_BYTES_MAX);
        assert_eq!(studies.of_method(&Method::POST).body_bytes_max, UPLOAD_BYTES_MAX);
        assert_eq!(of("/api/v1/dicom/clear-cache").of_method(&Method::POST).scope, Some(Scope::Admin));
    }

    #[test]
    fn errors_are_problem_documents_everywhere_but_on_dicom_web() {
        for policy in POLICIES {
            let dicom_web = policy.route.starts_with("/dicom-web");
            assert_eq!(policy.dialect == Dialect::DicomWeb, dicom_web, "{}", policy.route);
        }
    }
}
