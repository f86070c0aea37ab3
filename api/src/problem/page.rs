//! What is told of each kind of problem where its `type` leads: what it means and what to do, as JSON and as a plain page.
//!
//! The words of what to do are those of `docs/problems.md`, where a test holds them; back quotes are code there and here.
//! What must not be here: anything of an occurrence, which only its own document tells of.

use std::fmt::Write;

use serde::Serialize;
use utoipa::ToSchema;

use super::Kind;

/// Where [`Kind::path`] begins.
const PROBLEMS_PATH: &str = "/api/v1/problems";

/// A kind of problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ProblemKind {
    /// `type` of the documents of this kind; this page.
    #[schema(example = "/api/v1/problems/frame-not-found")]
    r#type: String,
    /// The end of `type`.
    #[schema(example = "frame-not-found")]
    slug: &'static str,
    /// The status of each answer of this kind.
    #[schema(example = 404)]
    status: u16,
    /// The kind, in words: `title` and `error` of its documents.
    #[schema(example = "No such frame")]
    title: &'static str,
    /// What it says of the request or the server.
    meaning: &'static str,
    /// What the client or its operator may do; back quotes are around names.
    to_do: &'static str,
}

impl Kind {
    /// `type` of its documents: where this kind is told of.
    #[must_use]
    pub fn path(self) -> String {
        format!("{PROBLEMS_PATH}/{}", self.slug())
    }

    /// The kind with this slug.
    #[must_use]
    pub fn named(slug: &str) -> Option<Kind> {
        Self::ALL.iter().copied().find(|kind| kind.slug() == slug)
    }

    /// What it says of the request or the server, in one or two sentences.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.words().0
    }

    /// What the client or its operator may do, as `docs/problems.md` has it.
    #[must_use]
    pub const fn to_do(self) -> &'static str {
        self.words().1
    }

    /// All that is told of it.
    pub(crate) fn told(self) -> ProblemKind {
        ProblemKind {
            r#type: self.path(),
            slug: self.slug(),
            status: self.status().as_u16(),
            title: self.title(),
            meaning: self.meaning(),
            to_do: self.to_do(),
        }
    }

    /// Meaning, and what to do.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Kind::InvalidParameter => (
                "A parameter is unknown here, was given twice, or is no value of its kind.",
                "mend the parameter that `details.parameter` names",
            ),
            Kind::HostNotAllowed => (
                "The request names a host that this server does not answer under, or not exactly one.",
                "ask by a name of `NOCTIS_ALLOWED_HOSTS`, once",
            ),
            Kind::OriginNotAllowed => (
                "A page of another origin asked, and this server does not let it.",
                "put the origin of the page into `NOCTIS_CORS_ORIGINS`",
            ),
            Kind::InvalidRequest => (
                "A login lacks what it must have, or says it twice (RFC 6749 5.2).",
                "send what the login must have, once each",
            ),
            Kind::InvalidGrant => (
                "Name and password do not fit, or the refresh token is none any more (RFC 6749 5.2).",
                "mend name and secret, or log in again; a refresh token works once",
            ),
            Kind::InvalidClient => (
                "The id and the secret of a service do not fit (RFC 6749 5.2).",
                "mend the id or the secret of the service",
            ),
            Kind::InvalidScope => (
                "A login asked for more than the account may have (RFC 6749 5.2).",
                "ask for what the account may have",
            ),
            Kind::UnsupportedGrantType => (
                "A login in a way that is none (RFC 6749 5.2).",
                "`grant_type` takes `password`, `client_credentials` or `refresh_token`",
            ),
            Kind::Unauthorized => (
                "No token came with the request, or one that is not valid.",
                "log in; the detail says what is wrong with a token that was shown",
            ),
            Kind::InsufficientScope => (
                "The token is valid, and does not allow this.",
                "ask for a token with the scope in `details.scope`, or, where there is none, for what the token is held to",
            ),
            Kind::WindowNotAllowed => (
                "This server shows images under windows with a name alone: presets, and the file's own.",
                "ask for one of `details.presets`, or set `NOCTIS_WINDOWS` to `free`",
            ),
            Kind::RequestDoesNotFit => (
                "The request is valid by itself, and this image has not what it asks for.",
                "ask for what the image has; the detail says what does not fit",
            ),
            Kind::StudyNotFound => {
                ("There is no such study, or none for this caller.", "ingest it, or mend the id")
            }
            Kind::SeriesNotFound => ("There is no such series, or none for this caller.", "the same"),
            Kind::ImageNotFound => ("There is no such image, or none for this caller.", "the same"),
            Kind::FrameNotFound => (
                "The image has fewer frames than the number that was asked for.",
                "`details.frame_count` says how many there are",
            ),
            Kind::BulkDataNotFound => (
                "The image has no value at this path, or one that is short and told in its metadata, or it was indexed by a \
                 release that did not look for such values.",
                "take the addresses that metadata tell; `noctis ingest` reads a file again",
            ),
            Kind::AmbiguousId => (
                "The UID behind the id stands in several studies or series, so that it names none of them.",
                "ask by one of the ids in `details.choices`",
            ),
            Kind::RouteNotFound => ("No route has this path.", "see `/api/v1/docs`"),
            Kind::MethodNotAllowed => {
                ("The route is there, and does not take this method.", "`Allow` names the right ones")
            }
            Kind::NotAcceptable => (
                "The answer is to be had in none of the media types asked for.",
                "ask for one of `details.media_types`",
            ),
            Kind::NotAPicture => (
                "The instance is a video or a document: it could be had, and not as a picture.",
                "the instance is a video or a document; `details.media_types` names what it could be had as",
            ),
            Kind::UnsupportedMediaType => (
                "The body is of a kind that the route does not read.",
                "send what the route reads (JSON, at a login a form too), and say which",
            ),
            Kind::BodyTooLarge => ("The body is longer than the route takes.", "send less"),
            Kind::UriTooLong => ("Path and query are longer than the server reads.", "ask for less"),
            Kind::Unrenderable => (
                "The file cannot be rendered: it has no picture, is damaged, or is of a kind that is not supported.",
                "the detail is a reason of the tables below; with `details.changed` ask again, with `details.crashed` report the file",
            ),
            Kind::HeaderNotKept => (
                "The header of the file is longer than the 4 MB that the catalog keeps of one, without bulk data.",
                "take the file itself",
            ),
            Kind::TooManyRequests => {
                ("The client has spent its requests for now.", "wait as `Retry-After` says")
            }
            Kind::Internal => (
                "A fault of ours. Nothing of it is told; the log has it under the request id.",
                "find the request id in the log",
            ),
            Kind::NotBuilt => ("The contract has it, and this version has not.", "wait for a later version"),
            Kind::QueueFull => ("As many renders wait as the queue holds.", "ask again; add workers"),
            Kind::QueueUnavailable => {
                ("No job can be queued, since the queue does not answer.", "ask again; look at RabbitMQ")
            }
            Kind::CatalogUnavailable => (
                "What was asked for is in no cache, and the catalog does not answer.",
                "ask again; look at the database",
            ),
            Kind::CacheUnavailable => {
                ("The cache does not answer, so that it cannot be cleared.", "ask again; look at Redis")
            }
            Kind::AnswersUnread => (
                "Earlier answers that nobody has read yet hold all the memory that answers may.",
                "read them, then ask again; fewer at a time",
            ),
            Kind::ImageReplaced => {
                ("The bytes of the image were replaced by others while it was asked for.", "ask again")
            }
            Kind::FileMissing => (
                "Nothing is where the file was when it was indexed; it may come back.",
                "ask again; put the file back",
            ),
            Kind::StorageUnavailable => {
                ("The file cannot be read now: the storage fails or hangs.", "ask again; look at the storage")
            }
            Kind::ShuttingDown => ("This process ends and takes no new work.", "ask again"),
            Kind::RenderTimeout => (
                "The render was not ready within the time that a request waits. It goes on.",
                "ask again: the render goes on",
            ),
            Kind::RequestTimeout => ("A back end took too long, and the request was given up.", "ask again"),
            Kind::LoginsWait => {
                ("As many logins are checked at once as the server has cores for.", "ask again")
            }
            Kind::ProviderUnavailable => (
                "The token is of an identity provider whose keys are not known now.",
                "ask again; the log says why they could not be fetched",
            ),
            Kind::ShareNotFound => {
                ("The link has expired, was revoked, or is not for you to know of.", "make another link")
            }
            Kind::TooManyStreams => {
                ("The client has as many streams open as it may.", "end one, or wait as `Retry-After` says")
            }
            Kind::DeadLetterNotFound => (
                "No dead letter has this id: it was redriven or dropped, or never was one.",
                "list the dead letters",
            ),
            Kind::WebhookNotFound => ("No webhook has this id.", "list the webhooks"),
            Kind::TooManyWebhooks => ("There are as many webhooks as there may be.", "remove one"),
            Kind::RangeNotSatisfiable => (
                "The range has none of the bytes of the file.",
                "ask for bytes that `Content-Range` says there are",
            ),
            Kind::JobNotFound => (
                "No job has this id, or it is of a study that the token does not reach, or it ended long ago.",
                "order it again",
            ),
            Kind::InvalidUpload => (
                "The body of an upload broke off, or is not made of files between a boundary.",
                "send each file in a part of a multipart body, to its end",
            ),
            Kind::UploadNotFound => (
                "No upload has this id, or it is another's, or it was long ago.",
                "send the files again: those that are there are told as duplicates",
            ),
            Kind::TooManyUploads => {
                ("The client sends as many files at a time as one may.", "wait for some to end")
            }
            Kind::UploadUnderWay => (
                "All files of the upload are there, and workers have not looked at them yet; they will.",
                "ask at `details.location` what became of them",
            ),
            Kind::TooManyJobs => {
                ("The caller has as many jobs under way as it may.", "wait for some to end, or cancel them")
            }
        }
    }
}

impl ProblemKind {
    /// The same as a page for people.
    pub(crate) fn page(&self) -> String {
        let Self { r#type, slug, status, title, meaning, to_do } = self;
        let mut page = String::from("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>");
        escape(&mut page, title);
        page.push_str("</title>\n<h1>");
        escape(&mut page, title);
        // Writing into a text cannot fail.
        let _ = write!(page, "</h1>\n<p>Status {status}, <code>{slug}</code></p>\n<p>");
        escape(&mut page, meaning);
        page.push_str("</p>\n<p>What to do: ");
        for (place, words) in to_do.split('`').enumerate() {
            let is_code = place % 2 == 1;
            page.push_str(if is_code { "<code>" } else { "" });
            escape(&mut page, words);
            page.push_str(if is_code { "</code>" } else { "" });
        }
        let _ = write!(
            page,
            ".</p>\n<p><a href=\"{PROBLEMS_PATH}\">All kinds of problems</a>, \
             <a href=\"{type}\" type=\"application/json\">this one</a></p>\n</html>\n"
        );
        page
    }
}

fn escape(page: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '&' => page.push_str("&amp;"),
            letter => page.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_slug_and_has_words() {
        for kind in Kind::ALL.iter().copied() {
            assert_eq!(Kind::named(kind.slug()), Some(kind));
            let (meaning, to_do) = kind.words();
            assert!(meaning.ends_with('.') && !to_do.is_empty() && !to_do.ends_with('.'), "{kind:?}");
            assert_eq!(to_do.matches('`').count() % 2, 0, "{kind:?}: a back quote without its other");
        }
        assert_eq!(Kind::named("frame"), None);
    }

    #[test]
    fn a_page_shows_names_as_code_and_nothing_as_markup() {
        let page = Kind::FrameNotFound.told().page();
        assert!(page.contains("<code>details.frame_count</code> says how many there are."), "{page}");
        let odd = ProblemKind { meaning: "<b> & more", ..Kind::Internal.told() };
        assert!(odd.page().contains("&lt;b&gt; &amp; more"));
    }
}
