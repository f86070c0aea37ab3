//! Documents and videos as what they are (PS3.18 8.7.4): a rendered resource of one is the PDF, the text or the stream that lies in
//! the instance, for browsers. A `Range` of it is sent, so that a `<video>` finds its place.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use noctis_shared::{catalog::ImageRecord, header_json::HeaderJson, sop_class::why_no_picture};

use super::{acceptable::Acceptable, asks::Asks, bulk_data::check_sent, metadata};
use crate::{
    allowance::Allowed,
    back_end::catalog_problem,
    entity_tag::{EntityTag, any_is_named_by},
    handed_out::{self, CutOff, Fragments, Sent},
    picture::video_media_type,
    problem::{Kind, Problem},
};

const PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";
const CDA: &str = "1.2.840.10008.5.1.4.1.1.104.2";
/// Encapsulated Document (0042,0011), and its length without padding (0042,0015).
const DOCUMENT: u32 = 0x0042_0011;
const DOCUMENT_LENGTH: u32 = 0x0042_0015;
/// An MP4 container begins with a box of this kind (ISO/IEC 14496-12 4.3).
const MP4_BRAND: &[u8] = b"ftyp";

/// What is no picture, and what it is told as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Medium {
    Document(&'static str),
    Video(&'static str),
}

impl Medium {
    fn of(image: &ImageRecord) -> Option<Self> {
        let syntax = image.image.transfer_syntax_uid.as_deref().unwrap_or_default();
        match image.image.sop_class_uid.as_deref() {
            Some(PDF) => Some(Medium::Document("application/pdf")),
            Some(CDA) => Some(Medium::Document("text/xml")),
            _ => video_media_type(syntax).map(Medium::Video),
        }
    }

    fn media_type(self) -> &'static str {
        let (Medium::Document(media_type) | Medium::Video(media_type)) = self;
        media_type
    }

    /// Whether the client takes it, alone.
    fn is_taken(self, asks: &Asks) -> bool {
        Acceptable::groups(asks.accept().as_deref(), &asks.headers).iter().any(|entries| {
            let deciding = Acceptable::that_take(entries, self.media_type());
            deciding.iter().any(|entry| entry.in_parts != Some(true))
        })
    }

    fn refused(self) -> Problem {
        let detail = match self {
            Medium::Document(_) => "The instance is a document, and Accept does not take it as what it is.",
            Medium::Video(_) => "The instance is a video. Single pictures of it are not rendered.",
        };
        Problem::new(Kind::NotAPicture, detail).with("media_types", vec![self.media_type()])
    }
}

impl Asks {
    /// The document or the video that an instance is; `None` of all others.
    ///
    /// # Errors
    /// 406 for who takes pictures alone, and for a video that is in no container; 416; 503 for a file that is away.
    pub(super) async fn as_it_is(&self, image: &ImageRecord) -> Result<Option<Response>, Problem> {
        let Some(medium) = Medium::of(image) else { return Ok(None) };
        if !medium.is_taken(self) {
            return Err(medium.refused());
        }
        let tag = EntityTag::strong(format_args!("{}-as-it-is", image.content_digest));
        if tag.is_named_by(&self.headers) || any_is_named_by(&self.headers) {
            return Ok(Some(told(axum::http::StatusCode::NOT_MODIFIED.into_response(), tag, medium)));
        }
        let mut response = match medium {
            Medium::Document(_) => self.document(image, &tag).await?,
            Medium::Video(media_type) => self.video(image, media_type, &tag).await?,
        };
        let content_type = HeaderValue::from_static(medium.media_type());
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        Ok(Some(told(response, tag, medium)))
    }

    async fn document(&self, image: &ImageRecord, tag: &EntityTag) -> Result<Response, Problem> {
        let catalog = &self.api.catalog;
        let header = catalog.header_json(image.key).await.map_err(|error| catalog_problem(&error))?;
        let header = header.unwrap_or_default();
        let header = HeaderJson::new(&header);
        let length = header.get(DOCUMENT_LENGTH).and_then(first_number);
        if let Some(bytes) = header.get(DOCUMENT).and_then(inline) {
            let sent = Sent::of(&self.headers, unpadded(bytes.len() as u64, length), tag)?;
            let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
            let bytes = bytes.slice(index(sent.range().start)..index(sent.range().end));
            let download = self.api.downloads.begin(&self.caller.name)?;
            return Ok(body(stream::iter([Ok(bytes)]).boxed(), &sent, download));
        }
        let values = catalog.bulk_values(image.key).await.map_err(|error| catalog_problem(&error))?;
        let path = format!("{DOCUMENT:08X}");
        let value = values.into_iter().flatten().find(|value| value.path == path);
        let value = value.ok_or_else(|| {
            Problem::new(Kind::Unrenderable, why_no_picture(image.image.sop_class_uid.as_deref()))
        })?;
        check_sent(image)?;
        let sent = Sent::of(&self.headers, unpadded(value.byte_count, length), tag)?;
        let download = self.api.downloads.begin(&self.caller.name)?;
        let _until_it_is_read = self.api.frames_in_hand.begin(value.byte_count).await;
        let file = handed_out::open(&self.api.storage, &image.location, image.file_byte_count).await?;
        let recipient = self.api.outgoing.to(&self.caller.name);
        let pieces = handed_out::value(&file, &value, sent.range(), recipient).await?;
        Ok(body(pieces, &sent, download))
    }

    async fn video(
        &self,
        image: &ImageRecord,
        media_type: &'static str,
        tag: &EntityTag,
    ) -> Result<Response, Problem> {
        let lost =
            || Problem::new(Kind::Unrenderable, "The bytes of the video could not be located in the file.");
        let all = image.frame(1).filter(|range| range.byte_count > 0).ok_or_else(lost)?;
        // Before the fragments are looked for, which may be many.
        let download = self.api.downloads.begin(&self.caller.name)?;
        let file = handed_out::open(&self.api.storage, &image.location, image.file_byte_count).await?;
        let stream = Fragments::find(file, all).await?;
        if media_type == "video/mp4" && !is_mp4(&stream.beginning(8).await?) {
            let syntax = image.image.transfer_syntax_uid.as_deref().unwrap_or_default();
            let detail =
                "The video is in no MP4 container. Its stream is told as it is stored by bulkdata/7FE00010.";
            let stored =
                format!("multipart/related; type=\"application/octet-stream\"; transfer-syntax={syntax}");
            return Err(Problem::new(Kind::NotAPicture, detail).with("media_types", vec![stored]));
        }
        let sent = Sent::of(&self.headers, stream.byte_count(), tag)?;
        let pieces = if sent.is_whole() { stream.whole() } else { stream.part(&sent.range()) };
        Ok(body(pieces, &sent, download))
    }
}

fn body(pieces: BoxStream<'static, Result<Bytes, CutOff>>, sent: &Sent, download: Allowed) -> Response {
    let mut response = handed_out::body(pieces, download).into_response();
    sent.put_into(&mut response);
    response
}

fn told(response: Response, tag: EntityTag, medium: Medium) -> Response {
    let mut response = metadata::told(response, tag, None);
    let headers = response.headers_mut();
    if medium == Medium::Document("text/xml") {
        // XML can hold scripts, and is shown under our name.
        headers
            .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    }
    response
}

fn is_mp4(beginning: &[u8]) -> bool {
    beginning.get(4..8) == Some(MP4_BRAND)
}

/// The length of a document without the byte that pads it to an even one.
fn unpadded(byte_count: u64, told: Option<u64>) -> u64 {
    told.filter(|told| byte_count.checked_sub(*told).is_some_and(|pad| pad <= 1)).unwrap_or(byte_count)
}

fn first_number(element: &str) -> Option<u64> {
    let element: serde_json::Value = serde_json::from_str(element).ok()?;
    element["Value"][0].as_u64()
}

fn inline(element: &str) -> Option<Bytes> {
    let element: serde_json::Value = serde_json::from_str(element).ok()?;
    let text = element["InlineBinary"].as_str()?;
    base64_simd::STANDARD.decode_to_vec(text).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_ends_where_its_length_says_or_where_the_value_does() {
        for (byte_count, told, expected) in
            [(10, Some(9), 9), (10, Some(10), 10), (10, None, 10), (10, Some(3), 10), (10, Some(11), 10)]
        {
            assert_eq!(unpadded(byte_count, told), expected, "{byte_count} {told:?}");
        }
    }

    #[test]
    fn short_documents_are_read_from_the_header() {
        assert_eq!(inline(r#"{"vr":"OB","InlineBinary":"JVBERg=="}"#), Some(Bytes::from_static(b"%PDF")));
        assert_eq!(inline(r#"{"vr":"OB","BulkDataURI":"bulkdata/00420011"}"#), None);
        assert_eq!(first_number(r#"{"vr":"UL","Value":[9]}"#), Some(9));
        assert!(is_mp4(b"\0\0\0\x18ftypisom") && !is_mp4(b"\0\0\0\x01\x67\x64\0\x28") && !is_mp4(b"ftyp"));
    }
}
