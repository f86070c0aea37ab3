//! The dead letters, as `noctis dead-letters` has them: list, show, send back, drop.
//!
//! A look takes each message from the queue for a moment: two who look at once see a part each.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, RawQuery, State},
};
use chrono::Utc;
use noctis_shared::{
    dicom_uid::parse_public_id,
    queue::{
        DeadLetter, Selection,
        dead_letter::{before, parse_age},
    },
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    api::Api,
    back_end::queue_problem,
    caller::Caller,
    problem::{Document, Kind, Problem},
    query::{NoParameters, Query},
};

/// Which dead letters are chosen.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is told of; `Selection` is what is read")]
pub(super) struct SelectionParameters {
    /// Only with this reason, like `crashed`.
    #[param(example = "crashed")]
    reason: Option<String>,
    /// Only of this study: its UUID or UID.
    study: Option<String>,
    /// Only older than this, like `30m`, `2h` or `7d`.
    #[param(pattern = "^[1-9][0-9]{0,8}[smhd]$")]
    older_than: Option<String>,
}

/// Letters of one answer, unless it is asked for more or fewer.
const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1000;
/// The parameters that choose.
const CHOICES: &str = "reason, study, older_than";

/// Dead letters.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeadLetters {
    /// The oldest first, without their bodies.
    dead_letters: Vec<DeadLetter>,
    /// How many are chosen, those that are not told too.
    total: usize,
}

/// What was sent back.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Redriven {
    /// Messages that wait in their lanes again.
    redriven: u64,
}

/// What was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Dropped {
    /// Messages that are gone.
    dropped: u64,
}

/// Lists dead letters.
#[utoipa::path(
    get,
    path = "/api/v1/dead-letters",
    operation_id = "listDeadLetters",
    tag = "operation",
    params(
        SelectionParameters,
        ("limit" = Option<u32>, Query, description = "Letters in the answer, default 100", minimum = 1, maximum = 1000),
    ),
    responses(
        (status = 200, description = "Dead letters", body = DeadLetters),
        (status = 400, description = "A parameter is wrong", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The queue does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Json<DeadLetters>, Problem> {
    let mut query = Query::parse(query.as_deref())?;
    let takes = format!("a number from 1 to {LIMIT_MAX}");
    let limit = query.take_value("limit", &takes, |limit| (1..=LIMIT_MAX).contains(limit))?;
    let selection = selection(&mut query)?;
    query.finish(&format!("{CHOICES}, limit"))?;
    let letters = api.queue.list_dead_letters(meant(selection, caller)).await;
    let mut dead_letters = letters.map_err(|error| queue_problem(&error))?;
    let total = dead_letters.len();
    dead_letters.truncate(limit.unwrap_or(LIMIT));
    Ok(Json(DeadLetters { dead_letters, total }))
}

/// Tells of one dead letter, with its body.
#[utoipa::path(
    get,
    path = "/api/v1/dead-letters/{id}",
    operation_id = "getDeadLetter",
    tag = "operation",
    params(("id" = String, Path, description = "Its id, as listed")),
    responses(
        (status = 200, description = "The dead letter", body = DeadLetter),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such dead letter", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The queue does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn one(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Json<DeadLetter>, Problem> {
    let letter = api.queue.find_dead_letter(meant(of_id(id), caller)).await;
    letter.map_err(|error| queue_problem(&error))?.map(Json).ok_or_else(unknown)
}

/// Sends one dead letter back to its lane, as if it were new.
#[utoipa::path(
    post,
    path = "/api/v1/dead-letters/{id}/redrive",
    operation_id = "redriveDeadLetter",
    tag = "operation",
    params(("id" = String, Path, description = "Its id, as listed")),
    responses(
        (status = 200, description = "Sent back", body = Redriven),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such dead letter, or none that came from a lane", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The queue does not answer, or the lane is full", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn redrive_one(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Json<Redriven>, Problem> {
    match redrive(&api, of_id(id), caller).await? {
        0 => Err(unknown()),
        redriven => Ok(Json(Redriven { redriven })),
    }
}

/// Sends the chosen dead letters back to their lanes, as if they were new.
#[utoipa::path(
    post,
    path = "/api/v1/dead-letters/redrive",
    operation_id = "redriveDeadLetters",
    tag = "operation",
    params(
        SelectionParameters,
        ("all" = Option<bool>, Query, description = "All of them: needed without another choice"),
    ),
    responses(
        (status = 200, description = "Sent back", body = Redriven),
        (status = 400, description = "A parameter is wrong, or nothing is chosen", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The queue does not answer, or a lane is full: what was not sent back stays", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn redrive_chosen(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Json<Redriven>, Problem> {
    let redriven = redrive(&api, choice(query.as_deref())?, caller).await?;
    Ok(Json(Redriven { redriven }))
}

/// Removes one dead letter.
#[utoipa::path(
    delete,
    path = "/api/v1/dead-letters/{id}",
    operation_id = "dropDeadLetter",
    tag = "operation",
    params(("id" = String, Path, description = "Its id, as listed")),
    responses(
        (status = 200, description = "Removed", body = Dropped),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such dead letter", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The queue does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn drop_one(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Json<Dropped>, Problem> {
    match drop_all(&api, of_id(id), caller).await? {
        0 => Err(unknown()),
        dropped => Ok(Json(Dropped { dropped })),
    }
}

/// Removes the chosen dead letters.
#[utoipa::path(
    delete,
    path = "/api/v1/dead-letters",
    operation_id = "dropDeadLetters",
    tag = "operation",
    params(
        SelectionParameters,
        ("all" = Option<bool>, Query, description = "All of them: needed without another choice"),
    ),
    responses(
        (status = 200, description = "Removed", body = Dropped),
        (status = 400, description = "A parameter is wrong, or nothing is chosen", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The queue does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn drop_chosen(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Json<Dropped>, Problem> {
    let dropped = drop_all(&api, choice(query.as_deref())?, caller).await?;
    Ok(Json(Dropped { dropped }))
}

async fn redrive(api: &Api, selection: Selection, caller: Arc<Caller>) -> Result<u64, Problem> {
    let redriven = api.queue.redrive(meant(selection, caller)).await;
    api.machine.letters_changed();
    redriven.map_err(|error| queue_problem(&error))
}

async fn drop_all(api: &Api, selection: Selection, caller: Arc<Caller>) -> Result<u64, Problem> {
    let dropped = api.queue.drop_dead_letters(meant(selection, caller)).await;
    api.machine.letters_changed();
    dropped.map_err(|error| queue_problem(&error))
}

/// Whether a letter is meant, and is there for the caller.
fn meant(selection: Selection, caller: Arc<Caller>) -> impl FnMut(&DeadLetter) -> bool + Send {
    move |letter| caller.sight.reaches_letter(letter) && selection.picks(letter)
}

fn of_id(id: String) -> Selection {
    Selection { id: Some(id), ..Selection::default() }
}

fn unknown() -> Problem {
    Problem::new(Kind::DeadLetterNotFound, "No dead letter has this id.")
}

/// A selection that leaves something out, or says that it is to be all.
fn choice(query: Option<&str>) -> Result<Selection, Problem> {
    let mut query = Query::parse(query)?;
    let all = query.take_flag("all")?.unwrap_or(false);
    let selection = selection(&mut query)?;
    query.finish(&format!("{CHOICES}, all"))?;
    if all || selection.is_a_choice() {
        return Ok(selection);
    }
    Err(Problem::parameter("all", format_args!("choose by {CHOICES}, or say all=true")))
}

fn selection(query: &mut Query<'_>) -> Result<Selection, Problem> {
    let study = query.take("study").map(|text| {
        parse_public_id(&text)
            .ok_or_else(|| Problem::parameter("study", "takes a UUID or a Study Instance UID"))
    });
    let age = query.take("older_than").map(|text| {
        parse_age(&text).ok_or_else(|| Problem::parameter("older_than", "takes a time, like 30m, 2h or 7d"))
    });
    Ok(Selection {
        id: None,
        reason: query.take("reason").map(Into::into),
        study_id: study.transpose()?,
        before: age.transpose()?.map(|age| before(Utc::now(), age)),
    })
}
