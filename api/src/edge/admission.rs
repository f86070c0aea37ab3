//! What is let in: requests of bounded length, from clients within their rate.

use std::time::Duration;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, header},
};
use noctis_shared::{
    catalog::ImageRecord, coordination::RateDecision, request::FrameRequest, settings::RateLimit, submit,
};

use super::policy::{HUNDREDTHS, Policy};
use crate::{
    api::Api,
    caller::Caller,
    problem::{Kind, Problem, whole_seconds},
};

/// Longest path and query, in bytes.
const URI_BYTES_MAX: usize = 16 * 1024;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// What a client has left, for the `RateLimit-*` headers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quota {
    limit: RateLimit,
    decision: RateDecision,
}

/// A request that was not let in.
pub(super) struct Refused {
    pub(super) problem: Problem,
    pub(super) quota: Option<Quota>,
}

impl Quota {
    pub(super) fn put_into(self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, HeaderValue::from(self.limit.requests));
        headers.insert(REMAINING, HeaderValue::from(self.decision.remaining / HUNDREDTHS));
        headers.insert(RESET, HeaderValue::from(whole_seconds(self.decision.reset_after)));
    }
}

/// Counts what a request of `caller` costs; the quota is `None` where it costs nothing, and without a limit.
///
/// # Errors
/// 429 for a client that has spent its requests.
pub(super) async fn count(
    api: &Api,
    policy: &Policy,
    caller: &Caller,
) -> Result<Option<Quota>, Box<Refused>> {
    let Some(limit) = api.rate_limit.filter(|_| policy.cost > 0) else { return Ok(None) };
    let decision = api.coordination.count_request(&caller.name, policy.cost, in_hundredths(limit)).await;
    let quota = Quota { limit, decision };
    if decision.allowed {
        return Ok(Some(quota));
    }
    Err(Box::new(Refused { problem: too_many(&quota), quota: Some(quota) }))
}

/// Counts what is made for `caller` beyond its request, in hundredths of a request; all that it has at most, since what is dearer
/// could never be had.
///
/// # Errors
/// 429 for a client that has spent its requests.
pub(crate) async fn pay(api: &Api, caller: &Caller, cost: u32) -> Result<(), Problem> {
    let Some(limit) = api.rate_limit else { return Ok(()) };
    let in_hundredths = in_hundredths(limit);
    let cost = cost.min(in_hundredths.requests);
    let decision = api.coordination.count_request(&caller.name, cost, in_hundredths).await;
    if decision.allowed { Ok(()) } else { Err(too_many(&Quota { limit, decision })) }
}

/// Gives back what was counted for what came to nothing.
pub(crate) async fn give_back(api: &Api, caller: &Caller, cost: u32) {
    if let Some(limit) = api.rate_limit.filter(|_| cost > 0) {
        api.coordination.give_back(&caller.name, cost, in_hundredths(limit)).await;
    }
}

/// What a render of `image` takes of its client's requests, in hundredths: as much as a core is busy with it.
pub(crate) fn render_cost(image: &ImageRecord, request: &FrameRequest) -> u32 {
    let hundredths =
        submit::cost::of(image, request).as_secs_f64() / CORE_TIME_OF_A_REQUEST.as_secs_f64() * 100.0;
    // Saturates, which is what is wanted.
    (hundredths as u32).clamp(RENDER_COST_MIN, RENDER_COST_MAX)
}

/// Time of a core that counts as a request.
const CORE_TIME_OF_A_REQUEST: Duration = Duration::from_millis(20);
/// What a render takes beside the decoding and drawing that `submit::cost` predicts.
const RENDER_COST_MIN: u32 = 10;
/// A file that is as slow as any is not out of reach of a client with a small limit.
const RENDER_COST_MAX: u32 = 20 * HUNDREDTHS;

/// A limit that is counted in hundredths of a request.
fn in_hundredths(limit: RateLimit) -> RateLimit {
    RateLimit { requests: limit.requests.saturating_mul(HUNDREDTHS), ..limit }
}

/// # Errors
/// 413 and 414 past the limits.
pub(super) fn check_lengths(request: &Request, policy: &Policy) -> Result<(), Problem> {
    let uri = request.uri();
    if uri.path().len() + uri.query().map_or(0, str::len) > URI_BYTES_MAX {
        let detail = format!("Path and query may be {URI_BYTES_MAX} bytes long together.");
        return Err(Problem::new(Kind::UriTooLong, detail));
    }
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let body_bytes_max = policy.body_bytes_max;
    if announced
        .and_then(|length| length.parse().ok())
        .is_some_and(|length: u64| length > body_bytes_max as u64)
    {
        let detail = format!("A body may be {body_bytes_max} bytes long.");
        return Err(Problem::new(Kind::BodyTooLarge, detail));
    }
    Ok(())
}

fn too_many(quota: &Quota) -> Problem {
    let RateLimit { requests, window } = quota.limit;
    let seconds = whole_seconds(window);
    Problem::new(Kind::TooManyRequests, format!("A client may make {requests} requests in {seconds} s."))
        .with("limit", requests)
        .with("window_seconds", seconds)
        .retry_after(quota.decision.reset_after)
}
