//! The files of a body: one alone, or the parts of a multipart body (RFC 2046 5.1.1), each read as it comes and never held whole.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    body::{Body, BodyDataStream, Bytes},
    http::{HeaderMap, header},
};
use futures::{Stream, StreamExt, stream};
use multer::{Field, Multipart};

use crate::{
    accept::{self, MediaRange},
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
    /// Bytes that came since something was read.
    unread: Arc<AtomicUsize>,
}

enum From {
    Alone { body: BodyDataStream, is_begun: bool },
    Parts { parts: Box<Multipart<'static>>, part: Option<Box<Field<'static>>> },
}

impl Files {
    /// Those of a body with these headers.
    ///
    /// # Errors
    /// 415 for a type that is none of files; 400 for a multipart body without a boundary.
    pub(super) fn of(headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        let unread = Arc::new(AtomicUsize::new(0));
        let text =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let types = accept::read(&[text]).unwrap_or_default();
        let [media_type] = types.as_slice() else { return Err(not_files()) };
        let from = if media_type.is(DICOM) || media_type.is(ANY_BYTES) {
            From::Alone { body: body.into_data_stream(), is_begun: false }
        } else if media_type.is("multipart/related") || media_type.is("multipart/form-data") {
            let boundary = boundary(media_type)?;
            let pieces = one_at_a_time(body.into_data_stream(), Arc::clone(&unread));
            From::Parts { parts: Box::new(Multipart::new(pieces, boundary)), part: None }
        } else {
            return Err(not_files());
        };
        Ok(Self { from, unread })
    }

    /// Goes on to the next file; `false` behind the last.
    ///
    /// # Errors
    /// 400 for a body that breaks off or is none; 415 for a part that is no file.
    pub(super) async fn next(&mut self) -> Result<bool, Problem> {
        match &mut self.from {
            From::Alone { is_begun, .. } => Ok(!std::mem::replace(is_begun, true)),
            From::Parts { parts, part } => {
                // Only one of both may be there.
                *part = None;
                *part = parts.next_field().await.map_err(|error| does_not_read(&error))?.map(Box::new);
                self.unread.store(0, Ordering::Relaxed);
                part.as_ref().map_or(Ok(false), |part| check_part(part).map(|()| true))
            }
        }
    }

    /// The next piece of this file; `None` at its end.
    ///
    /// # Errors
    /// 400 for a body that breaks off.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        match &mut self.from {
            From::Alone { body, .. } => body.next().await.transpose().map_err(|_| broken_off()),
            From::Parts { part: None, .. } => Ok(None),
            From::Parts { part: Some(part), .. } => {
                let piece = part.chunk().await.map_err(|error| does_not_read(&error))?;
                self.unread.store(0, Ordering::Relaxed);
                Ok(piece)
            }
        }
    }
}

/// The pieces of a body, as many as are read: the library that splits them takes all that lie ready and holds them, so that each
/// is followed by nothing for once. An error once too many came of which nothing could be read.
fn one_at_a_time(
    body: BodyDataStream,
    unread: Arc<AtomicUsize>,
) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send + 'static {
    stream::unfold((body, false), move |(mut body, is_to_wait)| {
        let unread = Arc::clone(&unread);
        async move {
            if is_to_wait {
                tokio::task::yield_now().await;
            }
            let piece = body.next().await?.and_then(|piece| {
                let came = unread.fetch_add(piece.len(), Ordering::Relaxed) + piece.len();
                let fits = came <= UNREAD_BYTES_MAX.max(piece.len());
                fits.then_some(piece)
                    .ok_or_else(|| axum::Error::new("too much came of which nothing could be read"))
            });
            Some((piece, (body, true)))
        }
    })
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
        multer::Error::StreamReadFailed(_) => broken_off(),
        // The text would quote the body.
        _ => Problem::new(
            Kind::InvalidUpload,
            "The body is not made of parts between its boundary, or ends within one.",
        ),
    }
}

fn broken_off() -> Problem {
    Problem::new(Kind::InvalidUpload, "The body broke off, or nothing of it could be read.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(content_type: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().expect("a header"))])
    }

    async fn read(content_type: &str, pieces: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, Problem> {
        let pieces = stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>));
        let mut files = Files::of(&headers(content_type), Body::from_stream(pieces))?;
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
        let mut files = Files::of(&headers(content_type), Body::from_stream(endless)).expect("files");
        assert!(files.next().await.expect("a file"));
        for read in 1..100 {
            files.piece().await.expect("a piece").expect("more of it");
            assert!(taken.load(Ordering::Relaxed) <= read + 3, "{read}: {taken:?}");
        }
    }
}
