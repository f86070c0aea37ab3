//! The files of a body: one alone, or the parts of a multipart body (RFC 2046 5.1.1), each read as it comes and never held whole.

use std::{
    io, mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Poll, ready},
};

use axum::{
    body::{Body, BodyDataStream, Bytes},
    http::{HeaderMap, header},
};
use futures::{Stream, StreamExt, stream};
use multer::{Field, Multipart};

use crate::{
    accept::{self, MediaRange},
    edge::UPLOAD_BYTES_MAX,
    problem::{Kind, Problem},
};

/// Most that comes of a body before something of it reads: longer heads of parts, and longer preambles, are refused.
const UNREAD_BYTES_MAX: usize = 1 << 20;
/// Longest boundary (RFC 2046 5.1.1).
const BOUNDARY_CHARS_MAX: usize = 70;

/// What files are called.
const DICOM: &str = "application/dicom";
const ANY_BYTES: &str = "application/octet-stream";

/// The files of a body, in their order.
pub(crate) struct Files {
    from: From,
    arriving: Arc<Arriving>,
}

enum From {
    Alone { body: Pieces, is_begun: bool },
    Parts { parts: Box<Multipart<'static>>, part: Option<Box<Field<'static>>> },
}

type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, Cut>> + Send>>;

/// What is known of a body while it comes.
#[derive(Default)]
struct Arriving {
    /// Bytes that came since something was read.
    unread: AtomicUsize,
    /// Whether something is read just now, and what came before was not looked at for it.
    is_to_look_first: AtomicBool,
    bytes: AtomicU64,
}

/// Why a body is not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Cut {
    #[error("it is longer than an upload may be")]
    TooLong,
    #[error("too much came of which nothing could be read")]
    Unreadable,
    #[error("it did not come in time")]
    Late,
    #[error("it broke off")]
    BrokenOff,
}

impl Files {
    /// Those of a body with these headers, of as many bytes as an upload may have.
    ///
    /// # Errors
    /// 415 for a type that is none of files; 400 for a multipart body without a boundary.
    pub(crate) fn of(headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        Self::within(headers, body, UPLOAD_BYTES_MAX as u64)
    }

    fn within(headers: &HeaderMap, body: Body, bytes_max: u64) -> Result<Self, Problem> {
        let text =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let types = accept::read(&[text]).unwrap_or_default();
        let [media_type] = types.as_slice() else { return Err(not_files()) };
        let arriving = Arc::<Arriving>::default();
        let pieces = pieces(body.into_data_stream(), Arc::clone(&arriving), bytes_max);
        let from = if media_type.is(DICOM) || media_type.is(ANY_BYTES) {
            From::Alone { body: Box::pin(pieces), is_begun: false }
        } else if media_type.is("multipart/related") || media_type.is("multipart/form-data") {
            From::Parts { parts: Box::new(Multipart::new(pieces, boundary(media_type)?)), part: None }
        } else {
            return Err(not_files());
        };
        Ok(Self { from, arriving })
    }

    /// Goes on to the next file; `false` behind the last.
    ///
    /// # Errors
    /// 400 for a body that breaks off or is none; 413 for one that is too long; 415 for a part that is no file.
    pub(super) async fn next(&mut self) -> Result<bool, Problem> {
        self.arriving.begin();
        match &mut self.from {
            From::Alone { is_begun, .. } => Ok(!mem::replace(is_begun, true)),
            From::Parts { parts, part } => {
                // Only one of both may be there.
                *part = None;
                *part = parts.next_field().await.map_err(|error| does_not_read(&error))?.map(Box::new);
                part.as_ref().map_or(Ok(false), |part| check_part(part).map(|()| true))
            }
        }
    }

    /// The next piece of this file; `None` at its end.
    ///
    /// # Errors
    /// As [`Files::next`], but for the type.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        self.arriving.begin();
        match &mut self.from {
            From::Alone { body, .. } => body.next().await.transpose().map_err(cut),
            From::Parts { part: None, .. } => Ok(None),
            From::Parts { part: Some(part), .. } => part.chunk().await.map_err(|error| does_not_read(&error)),
        }
    }
}

impl Arriving {
    /// Something else is to be read.
    fn begin(&self) {
        self.unread.store(0, Ordering::Relaxed);
        self.is_to_look_first.store(true, Ordering::Relaxed);
    }

    /// Counts a piece that came.
    fn count(&self, byte_count: usize, bytes_max: u64) -> Result<(), Cut> {
        let all = self.bytes.fetch_add(byte_count as u64, Ordering::Relaxed) + byte_count as u64;
        let unread = self.unread.fetch_add(byte_count, Ordering::Relaxed) + byte_count;
        if all > bytes_max {
            return Err(Cut::TooLong);
        }
        if unread > UNREAD_BYTES_MAX.max(byte_count) { Err(Cut::Unreadable) } else { Ok(()) }
    }
}

/// The pieces of a body, as many as are read. The library that splits them takes all that lie ready before it looks at what it
/// has: so each piece is followed by nothing for once, and before the first of each read there is nothing for once.
fn pieces(
    mut body: BodyDataStream,
    arriving: Arc<Arriving>,
    bytes_max: u64,
) -> impl Stream<Item = Result<Bytes, Cut>> + Send + 'static {
    let mut is_followed_by_nothing = false;
    stream::poll_fn(move |context| {
        let is_to_look_first = arriving.is_to_look_first.swap(false, Ordering::Relaxed);
        if mem::take(&mut is_followed_by_nothing) || is_to_look_first {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = ready!(body.poll_next_unpin(context));
        is_followed_by_nothing = true;
        let counted = |piece: Bytes| arriving.count(piece.len(), bytes_max).map(|()| piece);
        Poll::Ready(piece.map(|piece| piece.map_err(|error| reason(&error)).and_then(counted)))
    })
}

/// What ended a body: the connection says when it gave one up.
fn reason(error: &axum::Error) -> Cut {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return Cut::Late;
        }
        cause = error.source();
    }
    Cut::BrokenOff
}

/// # Errors
/// 415 where the parts are no files; 400 without a boundary that is one.
fn boundary(media_type: &MediaRange<'_>) -> Result<String, Problem> {
    // Browsers send forms, in which each part says what it is; `type` is that of all parts (RFC 2387 3.1), which clients leave out.
    if media_type.parameter("type").is_some_and(|kind| !is_file(kind)) {
        return Err(not_files());
    }
    let boundary = media_type.parameter("boundary").unwrap_or_default();
    if boundary.is_empty() || boundary.len() > BOUNDARY_CHARS_MAX {
        return Err(Problem::new(
            Kind::InvalidUpload,
            "A multipart body needs a boundary of 1 to 70 characters.",
        ));
    }
    Ok(boundary.to_owned())
}

fn check_part(part: &Field<'_>) -> Result<(), Problem> {
    let Some(media_type) = part.headers().get(header::CONTENT_TYPE) else { return Ok(()) };
    let name = media_type.to_str().ok().and_then(|text| accept::read(&[text])).unwrap_or_default();
    if name.first().is_some_and(|media_type| is_file(media_type.name)) { Ok(()) } else { Err(not_files()) }
}

fn is_file(media_type: &str) -> bool {
    [DICOM, ANY_BYTES].iter().any(|name| media_type.eq_ignore_ascii_case(name))
}

fn not_files() -> Problem {
    let detail = "Send application/dicom, or multipart/related; type=\"application/dicom\" with a file in each part. Headers as JSON or XML beside bulk data are not taken.";
    Problem::new(Kind::UnsupportedMediaType, detail)
}

fn does_not_read(error: &multer::Error) -> Problem {
    match error {
        multer::Error::StreamReadFailed(error) => {
            cut(error.downcast_ref::<Cut>().copied().unwrap_or(Cut::BrokenOff))
        }
        // The text would quote the body.
        _ => Problem::new(
            Kind::InvalidUpload,
            "The body is not made of parts between its boundary, or ends within one.",
        ),
    }
}

fn cut(cut: Cut) -> Problem {
    match cut {
        Cut::TooLong => Problem::new(Kind::BodyTooLarge, "The body is longer than an upload may be."),
        Cut::Unreadable => Problem::new(Kind::InvalidUpload, "Nothing could be read of what came."),
        Cut::Late => Problem::new(Kind::InvalidUpload, "The body did not come in time."),
        Cut::BrokenOff => Problem::new(Kind::InvalidUpload, "The body broke off."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(content_type: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().expect("a header"))])
    }

    async fn read(content_type: &str, pieces: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, Problem> {
        let pieces = stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>));
        let mut files = Files::within(&headers(content_type), Body::from_stream(pieces), 2_000_000)?;
        let mut read = Vec::new();
        while files.next().await? {
            let mut file = Vec::new();
            while let Some(piece) = files.piece().await? {
                file.extend_from_slice(&piece);
            }
            read.push(file);
        }
        Ok(read)
    }

    fn in_parts(files: &[&[u8]], boundary: &str) -> Vec<u8> {
        let mut body = b"a preamble\r\n".to_vec();
        for file in files {
            body.extend_from_slice(
                format!("--{boundary}\r\nContent-Type: application/dicom\r\n\r\n").as_bytes(),
            );
            body.extend_from_slice(file);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\nan epilogue").as_bytes());
        body
    }

    #[tokio::test]
    async fn files_are_what_stands_between_the_boundaries_however_they_come() {
        let files: [&[u8]; 4] = [b"one\r\n\r\ntwo", b"", b"\r\n--edg\r\n-- \r\n\r\n--edge", b"\r\n\r\n"];
        let body = in_parts(&files, "edge of it");
        let related = "Multipart/Related; type=\"application/dicom\"; boundary=\"edge of it\"";
        let form = "multipart/form-data; boundary=\"edge of it\"";
        for size in [1, 2, 3, 7, 64, body.len()] {
            for content_type in [related, form] {
                let pieces = body.chunks(size).map(<[u8]>::to_vec).collect();
                assert_eq!(read(content_type, pieces).await.expect("files"), files, "{size}");
            }
        }
        let alone = read("application/dicom", vec![b"a".to_vec(), b"b".to_vec()]).await;
        assert_eq!(alone.expect("a file"), [b"ab"]);
        assert_eq!(
            read(related, vec![b"--edge of it--".to_vec()]).await.expect("none"),
            Vec::<Vec<u8>>::new()
        );
    }

    #[tokio::test]
    async fn what_is_no_files_is_refused() {
        let edge = |rest: &str| vec![format!("--edge\r\n{rest}").into_bytes()];
        let related = "multipart/related; type=\"application/dicom\"; boundary=edge";
        for (content_type, pieces, kind) in [
            ("", vec![], Kind::UnsupportedMediaType),
            ("text/plain", vec![], Kind::UnsupportedMediaType),
            ("application/dicom, application/dicom", vec![], Kind::UnsupportedMediaType),
            (
                "multipart/related; type=\"application/dicom+json\"; boundary=edge",
                vec![],
                Kind::UnsupportedMediaType,
            ),
            ("multipart/related; type=\"application/dicom\"", vec![], Kind::InvalidUpload),
            (
                related,
                edge("Content-Type: application/dicom+json\r\n\r\n{}\r\n--edge--"),
                Kind::UnsupportedMediaType,
            ),
            (related, edge("Content-Type: application/dicom\r\n\r\nbroken off"), Kind::InvalidUpload),
            (related, edge("no head\r\n\r\n\r\n--edge--"), Kind::InvalidUpload),
            (related, vec![], Kind::InvalidUpload),
            (related, vec![b"no boundary at all".to_vec()], Kind::InvalidUpload),
            (
                related,
                vec![b"--edge\r\nX: ".to_vec(), vec![b'a'; 700_000], vec![b'a'; 700_000]],
                Kind::InvalidUpload,
            ),
            (related, vec![vec![b'a'; 700_000], vec![b'a'; 700_000], vec![b'a'; 9]], Kind::InvalidUpload),
        ] {
            let refused = read(content_type, pieces).await.expect_err(content_type);
            assert_eq!(refused.kind(), kind, "{content_type}");
        }
    }

    #[tokio::test]
    async fn no_more_is_taken_of_a_body_than_is_read() {
        let taken = Arc::new(AtomicUsize::new(0));
        let mut head = Some(b"--edge\r\nContent-Type: application/dicom\r\n\r\n".to_vec());
        let counted = Arc::clone(&taken);
        let endless = stream::repeat_with(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>(head.take().unwrap_or_else(|| vec![7; 64 << 10]))
        });
        let content_type = "multipart/related; type=\"application/dicom\"; boundary=edge";
        let mut files =
            Files::within(&headers(content_type), Body::from_stream(endless), u64::MAX).expect("files");
        assert!(files.next().await.expect("a file"));
        for read in 1..100 {
            files.piece().await.expect("a piece").expect("more of it");
            assert!(taken.load(Ordering::Relaxed) <= read + 3, "{read}: {taken:?}");
        }
    }

    #[tokio::test]
    async fn parts_that_are_small_are_read_before_more_is_taken() {
        let taken = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&taken);
        let parts = "--edge\r\nContent-Type: application/dicom\r\n\r\ntiny\r\n".repeat(100);
        let piece_bytes = parts.len();
        let endless = stream::repeat_with(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>(parts.clone())
        });
        let content_type = "multipart/related; type=\"application/dicom\"; boundary=edge";
        let mut files =
            Files::within(&headers(content_type), Body::from_stream(endless), u64::MAX).expect("files");
        for read in 0..10_000 {
            assert!(files.next().await.expect("a file"));
            while files.piece().await.expect("a piece").is_some() {}
            let needed = read * piece_bytes / 100 / piece_bytes;
            assert!(taken.load(Ordering::Relaxed) <= needed + 3, "{read}: {taken:?} pieces");
        }
    }

    #[tokio::test]
    async fn a_body_without_a_length_has_its_bound_too() {
        let related = "multipart/related; type=\"application/dicom\"; boundary=edge";
        let long = || {
            vec![
                b"--edge\r\nContent-Type: application/dicom\r\n\r\n".to_vec(),
                vec![7; 1_000_000],
                vec![7; 1_000_000],
            ]
        };
        for content_type in [related, "application/dicom"] {
            let refused = read(content_type, long()).await.expect_err(content_type);
            assert_eq!(refused.kind(), Kind::BodyTooLarge);
        }
    }
}
