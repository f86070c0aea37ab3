//! Studies, their series, and the images of these.

use std::{str::FromStr, sync::Arc};

use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use noctis_shared::{
    answer::Study,
    catalog::{CatalogError, StudyFilter, StudyOrder, StudyPage},
    metadata_names,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    documents::{body_of, cached, tell},
    portion::{Portion, no_such_page},
};
use crate::{
    api::Api,
    back_end::catalog_problem,
    caller::Caller,
    problem::{Document, Problem},
    query::{NoParameters, Query},
};

/// Studies on a page when no limit is asked.
const LIMIT: u32 = 100;

/// One page of studies.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Studies {
    /// Newest first, undated last, unless `sort` asks otherwise.
    studies: Vec<Study>,
    /// Studies that the filters let through, on all pages.
    total: u64,
    /// `cursor` of the next page; `null` on the last one.
    next: Option<String>,
}

/// Lists studies, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/dicom/studies",
    operation_id = "listStudies",
    tag = "studies",
    params(
        ("patient" = Option<String>, Query, description = "Patient ID as a whole, or words that stand somewhere in the name, in any order, without regard to case and accents; * and ? are wildcards", example = "jane doe"),
        ("modality" = Option<String>, Query, description = "Studies with a series of this modality", example = "CT"),
        ("from" = Option<NaiveDate>, Query, description = "Not before this date, YYYY-MM-DD", example = "2026-01-31"),
        ("to" = Option<NaiveDate>, Query, description = "Not after this date, YYYY-MM-DD", example = "2026-12-31"),
        ("q" = Option<String>, Query, description = "Words that stand in patient name or ID, description or accession number, without regard to case and accents", example = "thorax"),
        ("since" = Option<String>, Query, description = "Studies of which something changed then or later: RFC 3339, as `changed_at` tells it. Ask a few seconds back: what is written at the same time may be seen in another order", format = DateTime, example = "2026-11-23T12:30:05Z"),
        ("sort" = inline(Option<StudySorts>), Query, description = "`-` before it descends; default `-date`"),
        ("limit" = Option<u32>, Query, description = "Studies on the page, 1 to 500, default 100", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next` of the page before; also taken as `after`, its older name"),
    ),
    responses(
        (status = 200, description = "One page", body = Studies, headers(
            ("ETag" = String, description = "Weak"),
            ("Last-Modified" = String, description = "When something of the studies on the page last changed"),
        )),
        (status = 304, description = "The client has it (`If-None-Match`)"),
        (status = 400, description = "A parameter is wrong", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer, or earlier answers are not read yet", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let filter = filter(query.as_deref())?;
    let page = api.visible_to(&caller).studies(&filter).await;
    let StudyPage { studies, total, next } = page.map_err(|error| match error {
        CatalogError::Invalid(_) => no_such_page(),
        error => catalog_problem(&error),
    })?;
    let last_modified =
        studies.iter().filter_map(|study| study.changed_at.as_deref()).max().and_then(http_date);
    let body = body_of(&Studies { studies, total, next })?;
    let mut response = tell(body, &headers, api.outgoing.to(&caller.name))?;
    if let Some(last_modified) = last_modified {
        response.headers_mut().insert(header::LAST_MODIFIED, last_modified);
    }
    Ok(response)
}

/// An RFC 3339 time as HTTP has times (RFC 9110 5.6.7), whole seconds.
fn http_date(time: &str) -> Option<HeaderValue> {
    let time = DateTime::parse_from_rfc3339(time).ok()?.with_timezone(&Utc);
    HeaderValue::try_from(time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

/// The sorts of studies as the OpenAPI document tells of them; a test holds them against those of the catalog.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is told of, not read")]
enum StudySorts {
    #[schema(rename = "date")]
    Date,
    #[schema(rename = "-date")]
    DateDescending,
    #[schema(rename = "name")]
    Name,
    #[schema(rename = "-name")]
    NameDescending,
    #[schema(rename = "id")]
    Id,
    #[schema(rename = "-id")]
    IdDescending,
    #[schema(rename = "modality")]
    Modality,
    #[schema(rename = "-modality")]
    ModalityDescending,
    #[schema(rename = "changed")]
    Changed,
    #[schema(rename = "-changed")]
    ChangedDescending,
}

fn filter(query: Option<&str>) -> Result<StudyFilter, Problem> {
    let mut query = Query::parse(query)?;
    let Portion { limit, cursor } = Portion::take(&mut query)?;
    let after = query.take("after").map(Into::into);
    if cursor.is_some() && after.is_some() {
        return Err(Problem::parameter("after", "is the older name of cursor: give one of them"));
    }
    let filter = StudyFilter {
        patient: query.take("patient").map(Into::into),
        modality: query.take("modality").map(Into::into),
        from: take_day(&mut query, "from")?,
        to: take_day(&mut query, "to")?,
        q: query.take("q").map(Into::into),
        since: take_time(&mut query, "since")?,
        among: None,
        order: query
            .take_value(
                "sort",
                "one of date, name, id, modality, changed, with - before it to descend",
                |_: &StudyOrder| true,
            )?
            .unwrap_or_default(),
        limit: limit.unwrap_or(LIMIT),
        after: cursor.or(after),
    };
    query.finish("patient, modality, from, to, q, since, sort, limit, cursor")?;
    Ok(filter)
}

fn take_day(query: &mut Query<'_>, name: &str) -> Result<Option<NaiveDate>, Problem> {
    let day = query.take_value(name, "a date like 2026-11-23", |_: &Day| true)?;
    Ok(day.map(|Day(date)| date))
}

/// A time as RFC 3339 has it, in ms since 1970.
fn take_time(query: &mut Query<'_>, name: &str) -> Result<Option<i64>, Problem> {
    let takes = "a time like 2026-11-23T12:30:05Z";
    let time = query.take_value(name, takes, |_: &DateTime<FixedOffset>| true)?;
    Ok(time.map(|time| time.timestamp_millis()))
}

/// A date as `YYYY-MM-DD`.
struct Day(NaiveDate);

impl FromStr for Day {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let date: NaiveDate = text.parse().map_err(drop)?;
        // By itself chrono takes signs, spaces, single digits and years of five digits too.
        if text.len() == 10 && date.to_string() == text { Ok(Self(date)) } else { Err(()) }
    }
}

/// Tells of one study.
#[utoipa::path(
    get,
    path = "/api/v1/dicom/studies/{study_id}",
    operation_id = "getStudy",
    tag = "studies",
    params(("study_id" = String, Path, description = "Its UUID, or its Study Instance UID")),
    responses(
        (status = 200, description = "The study", body = Study, headers(("ETag" = String, description = "Weak"))),
        (status = 304, description = "The client has it (`If-None-Match`)"),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such study", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer, or earlier answers are not read yet", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn one(
    State(api): State<Arc<Api>>,
    Path(segment): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let visible = api.visible_to(&caller);
    let study = visible.study(&segment)?;
    let fetch = async {
        let told = visible.catalog.study(*study).await.map_err(|error| catalog_problem(&error))?;
        told.map(|told| study.told_as(told)).ok_or_else(Problem::no_such_study)
    };
    let body = cached(visible, &metadata_names::study(*study), Problem::no_such_study, fetch).await?;
    tell(body.into_inner(), &headers, api.outgoing.to(&caller.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_and_bounded() {
        let read =
            filter(Some("patient=DOE%2A&modality=CT&from=2026-01-31&q=thorax+lung&limit=7")).expect("valid");
        assert_eq!((read.patient.as_deref(), read.q.as_deref()), (Some("DOE*"), Some("thorax lung")));
        assert_eq!((read.from, read.limit), (NaiveDate::from_ymd_opt(2026, 1, 31), 7));
        assert_eq!(filter(None).expect("valid").limit, LIMIT);
        let since = filter(Some("since=1970-01-01T01:00:01.5%2B01:00&sort=-name")).expect("valid");
        assert_eq!((since.since, since.order), (Some(1500), "-name".parse().expect("a sort")));
        assert_eq!(
            filter(Some("cursor=a")).expect("valid").after,
            filter(Some("after=a")).expect("valid").after
        );
        for wrong in [
            "limit=0",
            "limit=501",
            "colour=red",
            "sort=colour",
            "cursor=a&after=a",
            "since=now",
            "since=2026-11-23",
        ] {
            assert!(filter(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_day_has_four_digits_two_and_two() {
        assert!(filter(Some("from=0001-01-01&to=9999-12-31")).is_ok());
        let wrong = [
            "yesterday",
            "2026-02-30",
            "20260131",
            "%2B12026-01-01",
            "+12026-01-01",
            "-2026-01-01",
            "-001-01-01",
            "2026-1-31",
            "2026-1-031",
            "2026-01-1",
            " 2026-01-31",
            "2026-01-31 ",
            "2026-01- 1",
            "2026-01-31T00:00:00",
            "",
        ];
        for day in wrong {
            for name in ["from", "to"] {
                assert!(filter(Some(&format!("{name}={day}"))).is_err(), "{name}={day}");
            }
        }
    }
}
