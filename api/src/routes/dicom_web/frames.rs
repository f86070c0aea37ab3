//! Frames of an instance (WADO-RS, PS3.18 10.4.1.1.6), and its pixels as a whole, as they are stored; decoded for clients that take
//! octets alone, and in another codec for those that take nothing else.

use std::sync::Arc;

use axum::{
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use noctis_shared::{
    catalog::{HeadersOf, ImageRecord},
    render_key::RENDERER_VERSION,
};
use xxhash_rust::xxh3::Xxh3Default;

use super::{
    accepted::{self, Coding, Shape, Stored},
    address::{self, Uids},
    asks::Asks,
    boundary,
    metadata::told,
    sent_frames::Sender,
    transfer_syntax,
};
use crate::{
    entity_tag::{EntityTag, any_is_named_by},
    picture::{check_frame, no_such_frame, video_media_type},
    problem::{Kind, Problem},
};

/// Raised with every change of what stands around the frames.
const TELLING_VERSION: u64 = 1;
/// Frames of one request.
const FRAMES_MAX: usize = 2000;

/// The frames that a list names, each a part of its own, in the order of the list.
pub(super) async fn frames(
    Path((study, series, instance, list)): Path<(String, String, String, String)>,
    asks: Asks,
) -> Result<Response, Problem> {
    let numbers = numbers(&list)?;
    answer(&asks, Uids::instance(&study, &series, &instance), Asked::Frames(numbers)).await
}

/// The pixels as a whole (10.4.1.1.5), the value of `tag`: one part of all that are native, a part a frame of those that are
/// fragments.
pub(super) async fn pixels(asks: &Asks, uids: Uids<'_>, tag: u32) -> Result<Response, Problem> {
    answer(asks, uids, Asked::Pixels(tag)).await
}

/// What is asked for.
enum Asked {
    Frames(Vec<u32>),
    /// Of the element with this tag.
    Pixels(u32),
}

async fn answer(asks: &Asks, uids: Uids<'_>, asked: Asked) -> Result<Response, Problem> {
    let Asks { api, caller, origin, headers, .. } = asks;
    let visible = asks.visible();
    let HeadersOf::Instance(own_id) = *visible.headers_of(uids.study, uids.series, uids.instance)? else {
        return Err(Problem::no_such_image());
    };
    let image = visible.image(own_id).await?;
    let syntax = image.image.transfer_syntax_uid.as_deref().unwrap_or_default();
    let (numbers, pixels) = match asked {
        Asked::Frames(numbers) => {
            if video_media_type(syntax).is_some() {
                check_frame(&image, 1)?;
            }
            (numbers, None)
        }
        // One stream, however many frames it shows.
        Asked::Pixels(tag) if video_media_type(syntax).is_some() => (vec![1], Some(tag)),
        Asked::Pixels(tag) => ((1..=image.image.frame_count.max(1)).collect(), Some(tag)),
    };
    let is_never_sent = transfer_syntax::is_never_sent(syntax);
    // Fragments are a part a frame all the same, and so is what is decoded or coded.
    let joined_as = pixels.filter(|_| !transfer_syntax::is_encapsulated(syntax) && !is_never_sent);
    let is_one = numbers.len() == 1;
    let stored = Stored {
        media_type: transfer_syntax::media_type(syntax),
        transfer_syntax: syntax,
        is_one: joined_as.is_some() || is_one,
    };
    let (shape, coding) = choose(asks, stored, is_never_sent)?;
    let joined_as = joined_as.filter(|_| coding == Coding::Stored);
    if !shape.is_multipart && !is_one && joined_as.is_none() {
        return Err(accepted::only_parts(shape.media_type));
    }
    check(&image, &numbers)?;
    let address = address::of(origin, uids);
    let mut told_as = Xxh3Default::new();
    told_as.update(&TELLING_VERSION.to_le_bytes());
    numbers.iter().for_each(|number| told_as.update(&number.to_le_bytes()));
    told_as
        .update(format!("{joined_as:?} {} {} {coding:?}", shape.is_multipart, shape.media_type).as_bytes());
    // Addresses stand in what is of parts.
    told_as.update(if shape.is_multipart { address.as_bytes() } else { b"" });
    if coding != Coding::Stored {
        told_as.update(&RENDERER_VERSION.to_le_bytes());
    }
    let validator = format!("{}-{:016x}", image.content_digest, told_as.digest());
    let tag = || EntityTag::strong(&validator);
    if tag().is_named_by(headers) || any_is_named_by(headers) {
        return Ok(told(StatusCode::NOT_MODIFIED.into_response(), tag(), None));
    }
    let sender = Sender {
        api: Arc::clone(api),
        caller: Arc::clone(caller),
        image,
        shape,
        coding,
        joined_as,
        address,
        boundary: boundary::of(validator.as_bytes()),
    };
    let download = api.downloads.begin(&caller.name)?;
    match sender.answer(&numbers, headers, &tag(), download).await {
        // The next request knows it as it is now, if it was read again.
        Err(problem) if problem.kind() == Kind::ImageReplaced => {
            api.images.forget_with(own_id, &api.cache).await;
            Err(problem)
        }
        answer => Ok(told(answer?, tag(), None)),
    }
}

/// In which shape frames are sent, and in what: another than they are stored in only for who takes nothing of that, and where that
/// never leaves.
pub(super) fn choose(
    asks: &Asks,
    stored: Stored<'_>,
    is_never_sent: bool,
) -> Result<(Shape, Coding), Problem> {
    let (accept, headers) = (asks.accept(), &asks.headers);
    let as_stored = accepted::choose(accept.as_deref(), headers, stored);
    match as_stored {
        Ok(shape) if !is_never_sent => Ok((shape, Coding::Stored)),
        as_stored => {
            let decoded = accepted::as_decoded(accept.as_deref(), headers, (stored.is_one, is_never_sent));
            let decoded = decoded.map(|shape| (shape, Coding::Samples));
            let coded = || accepted::as_coded(accept.as_deref(), headers, stored.is_one);
            let coded = || coded().map(|(shape, codec)| (shape, Coding::Codec(codec)));
            let refused = || as_stored.err().unwrap_or_else(accepted::only_decoded);
            decoded.or_else(coded).ok_or_else(refused)
        }
    }
}

/// Frame numbers from 1, between commas.
pub(super) fn numbers(list: &str) -> Result<Vec<u32>, Problem> {
    let takes = || {
        Problem::parameter(
            "frames",
            format_args!("takes frame numbers from 1, like 1,2,5; {FRAMES_MAX} at most"),
        )
    };
    let number = |text: &str| text.trim().parse::<u32>().ok().filter(|number| *number >= 1).ok_or_else(takes);
    let numbers: Vec<u32> = list.split(',').take(FRAMES_MAX + 1).map(number).collect::<Result<_, _>>()?;
    if numbers.len() > FRAMES_MAX { Err(takes()) } else { Ok(numbers) }
}

/// # Errors
/// 404 for a frame that the instance does not have, and for all of one without pixels.
fn check(image: &ImageRecord, numbers: &[u32]) -> Result<(), Problem> {
    let frame_count = image.image.frame_count;
    match numbers.iter().find(|number| **number > frame_count) {
        None => Ok(()),
        Some(number) => Err(no_such_frame(*number, frame_count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_numbers_from_one() {
        assert_eq!(numbers("1,3,2"), Ok(vec![1, 3, 2]));
        for wrong in ["", "0", "1,", "1-3", "-1", "a", &"1,".repeat(FRAMES_MAX + 1)] {
            assert!(numbers(wrong).is_err(), "{wrong}");
        }
    }
}
