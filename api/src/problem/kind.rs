//! The table of kinds: slug, status and title of each. What each means, and what to do, is in `page`.

use axum::http::StatusCode;

/// What kind of problem it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A parameter that is unknown, given twice, or no value of its kind.
    InvalidParameter,
    /// A name that the server does not answer under, or not one name.
    HostNotAllowed,
    /// A page that may not ask.
    OriginNotAllowed,
    /// A login that lacks what it must have.
    InvalidRequest,
    /// A login by what is no password, or by a refresh token that is none any more.
    InvalidGrant,
    /// A login of a service by what is no secret of it.
    InvalidClient,
    /// A login for more than the account may have.
    InvalidScope,
    /// A login in a way that is none.
    UnsupportedGrantType,
    /// No token, or one that is not valid.
    Unauthorized,
    /// The token does not allow this.
    InsufficientScope,
    /// A window that has no name, where only presets may be asked for.
    WindowNotAllowed,
    /// A valid request that does not fit this image.
    RequestDoesNotFit,
    /// No such study.
    StudyNotFound,
    /// No such series.
    SeriesNotFound,
    /// No such image.
    ImageNotFound,
    /// The image has fewer frames.
    FrameNotFound,
    /// The image has no such bulk data.
    BulkDataNotFound,
    /// No such job.
    JobNotFound,
    /// The UID behind the id stands in several studies or series.
    AmbiguousId,
    /// No such dead letter.
    DeadLetterNotFound,
    /// No such webhook.
    WebhookNotFound,
    /// As many webhooks as there may be.
    TooManyWebhooks,
    /// No such route.
    RouteNotFound,
    /// The route is there, the method is not.
    MethodNotAllowed,
    /// None of the media types asked for.
    NotAcceptable,
    /// Video: other media types would work.
    NotAPicture,
    /// A body of a kind that the route does not read.
    UnsupportedMediaType,
    /// A body past the limit.
    BodyTooLarge,
    /// A path and query past the limit.
    UriTooLong,
    /// A range of a file that has none of its bytes.
    RangeNotSatisfiable,
    /// The file cannot be rendered.
    Unrenderable,
    /// The header of the file was longer than what the catalog keeps.
    HeaderNotKept,
    /// The client has spent its requests.
    TooManyRequests,
    /// The caller has as many jobs under way as it may.
    TooManyJobs,
    /// A fault of ours.
    Internal,
    /// In the contract, not in this version.
    NotBuilt,
    /// Too many jobs wait.
    QueueFull,
    /// No job can be queued.
    QueueUnavailable,
    /// What was asked is in neither cache, and the catalog is away.
    CatalogUnavailable,
    /// The cache cannot be cleared.
    CacheUnavailable,
    /// Earlier answers hold all the memory that answers may.
    AnswersUnread,
    /// The bytes of the image were replaced while it was asked for.
    ImageReplaced,
    /// Nothing is where the file was.
    FileMissing,
    /// The file cannot be read now.
    StorageUnavailable,
    /// This process ends.
    ShuttingDown,
    /// The render was not ready in time.
    RenderTimeout,
    /// A back end took too long.
    RequestTimeout,
    /// Too many log in at once.
    LoginsWait,
    /// A token of the identity provider that cannot be checked now.
    ProviderUnavailable,
    /// No such link.
    ShareNotFound,
    /// A client that has as many streams as one may have.
    TooManyStreams,
    /// A body that is not made of files.
    InvalidUpload,
    /// No such upload.
    UploadNotFound,
    /// A client that sends as many files at a time as one may.
    TooManyUploads,
    /// Files that are there and not looked at yet.
    UploadUnderWay,
}

/// One row of the table: slug, status, title.
type Row = (&'static str, StatusCode, &'static str);

impl Kind {
    /// Every kind.
    pub const ALL: &[Kind] = &[
        Kind::InvalidParameter,
        Kind::HostNotAllowed,
        Kind::OriginNotAllowed,
        Kind::InvalidRequest,
        Kind::InvalidGrant,
        Kind::InvalidClient,
        Kind::InvalidScope,
        Kind::UnsupportedGrantType,
        Kind::Unauthorized,
        Kind::InsufficientScope,
        Kind::WindowNotAllowed,
        Kind::RequestDoesNotFit,
        Kind::StudyNotFound,
        Kind::SeriesNotFound,
        Kind::ImageNotFound,
        Kind::FrameNotFound,
        Kind::BulkDataNotFound,
        Kind::JobNotFound,
        Kind::AmbiguousId,
        Kind::DeadLetterNotFound,
        Kind::WebhookNotFound,
        Kind::TooManyWebhooks,
        Kind::RouteNotFound,
        Kind::MethodNotAllowed,
        Kind::NotAcceptable,
        Kind::NotAPicture,
        Kind::UnsupportedMediaType,
        Kind::BodyTooLarge,
        Kind::UriTooLong,
        Kind::RangeNotSatisfiable,
        Kind::Unrenderable,
        Kind::HeaderNotKept,
        Kind::TooManyRequests,
        Kind::TooManyJobs,
        Kind::Internal,
        Kind::NotBuilt,
        Kind::QueueFull,
        Kind::QueueUnavailable,
        Kind::CatalogUnavailable,
        Kind::CacheUnavailable,
        Kind::AnswersUnread,
        Kind::ImageReplaced,
        Kind::FileMissing,
        Kind::StorageUnavailable,
        Kind::ShuttingDown,
        Kind::RenderTimeout,
        Kind::RequestTimeout,
        Kind::LoginsWait,
        Kind::ProviderUnavailable,
        Kind::ShareNotFound,
        Kind::TooManyStreams,
        Kind::InvalidUpload,
        Kind::UploadNotFound,
        Kind::TooManyUploads,
        Kind::UploadUnderWay,
    ];

    /// The table.
    const fn row(self) -> Row {
        use StatusCode as S;
        match self {
            Kind::InvalidParameter => ("invalid-parameter", S::BAD_REQUEST, "Invalid parameter"),
            Kind::HostNotAllowed => ("host-not-allowed", S::BAD_REQUEST, "Host not allowed"),
            Kind::OriginNotAllowed => ("origin-not-allowed", S::FORBIDDEN, "Origin not allowed"),
            // Their titles are what programs of OAuth 2 read as `error` (RFC 6749 5.2).
            Kind::InvalidRequest => ("invalid-request", S::BAD_REQUEST, "invalid_request"),
            Kind::InvalidGrant => ("invalid-grant", S::BAD_REQUEST, "invalid_grant"),
            Kind::InvalidClient => ("invalid-client", S::UNAUTHORIZED, "invalid_client"),
            Kind::InvalidScope => ("invalid-scope", S::BAD_REQUEST, "invalid_scope"),
            Kind::UnsupportedGrantType => {
                ("unsupported-grant-type", S::BAD_REQUEST, "unsupported_grant_type")
            }
            Kind::Unauthorized => ("unauthorized", S::UNAUTHORIZED, "A token is needed"),
            Kind::InsufficientScope => ("insufficient-scope", S::FORBIDDEN, "The token does not allow this"),
            Kind::WindowNotAllowed => {
                ("window-not-allowed", S::FORBIDDEN, "Only presets may be asked for here")
            }
            Kind::RequestDoesNotFit => {
                ("request-does-not-fit", S::BAD_REQUEST, "The request does not fit the image")
            }
            Kind::StudyNotFound => ("study-not-found", S::NOT_FOUND, "No such study"),
            Kind::SeriesNotFound => ("series-not-found", S::NOT_FOUND, "No such series"),
            Kind::ImageNotFound => ("image-not-found", S::NOT_FOUND, "No such image"),
            Kind::FrameNotFound => ("frame-not-found", S::NOT_FOUND, "No such frame"),
            Kind::BulkDataNotFound => ("bulk-data-not-found", S::NOT_FOUND, "No such bulk data"),
            Kind::JobNotFound => ("job-not-found", S::NOT_FOUND, "No such job"),
            Kind::AmbiguousId => ("ambiguous-id", S::CONFLICT, "The id names more than one"),
            Kind::DeadLetterNotFound => ("dead-letter-not-found", S::NOT_FOUND, "No such dead letter"),
            Kind::WebhookNotFound => ("webhook-not-found", S::NOT_FOUND, "No such webhook"),
            Kind::TooManyWebhooks => ("too-many-webhooks", S::CONFLICT, "Too many webhooks"),
            Kind::RouteNotFound => ("route-not-found", S::NOT_FOUND, "No such route"),
            Kind::MethodNotAllowed => ("method-not-allowed", S::METHOD_NOT_ALLOWED, "Method not allowed"),
            Kind::NotAcceptable => ("not-acceptable", S::NOT_ACCEPTABLE, "No acceptable media type"),
            Kind::NotAPicture => ("not-a-picture", S::NOT_ACCEPTABLE, "Not a picture"),
            Kind::UnsupportedMediaType => {
                ("unsupported-media-type", S::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type")
            }
            Kind::BodyTooLarge => ("body-too-large", S::PAYLOAD_TOO_LARGE, "Body too large"),
            Kind::UriTooLong => ("uri-too-long", S::URI_TOO_LONG, "URI too long"),
            Kind::RangeNotSatisfiable => {
                ("range-not-satisfiable", S::RANGE_NOT_SATISFIABLE, "Range not satisfiable")
            }
            Kind::Unrenderable => ("unrenderable", S::UNPROCESSABLE_ENTITY, "The file cannot be rendered"),
            Kind::HeaderNotKept => {
                ("header-not-kept", S::UNPROCESSABLE_ENTITY, "The header is too long to be kept")
            }
            Kind::TooManyRequests => ("too-many-requests", S::TOO_MANY_REQUESTS, "Too many requests"),
            Kind::TooManyJobs => ("too-many-jobs", S::TOO_MANY_REQUESTS, "Too many jobs are under way"),
            Kind::Internal => ("internal", S::INTERNAL_SERVER_ERROR, "Internal error"),
            Kind::NotBuilt => ("not-built", S::NOT_IMPLEMENTED, "Not built in this version"),
            Kind::QueueFull => ("queue-full", S::SERVICE_UNAVAILABLE, "Too many renders are waiting"),
            Kind::QueueUnavailable => {
                ("queue-unavailable", S::SERVICE_UNAVAILABLE, "The queue is unavailable")
            }
            Kind::CatalogUnavailable => {
                ("catalog-unavailable", S::SERVICE_UNAVAILABLE, "The catalog is unavailable")
            }
            Kind::CacheUnavailable => {
                ("cache-unavailable", S::SERVICE_UNAVAILABLE, "The cache is unavailable")
            }
            Kind::AnswersUnread => {
                ("answers-unread", S::SERVICE_UNAVAILABLE, "Earlier answers are not read yet")
            }
            Kind::ImageReplaced => {
                ("image-replaced", S::SERVICE_UNAVAILABLE, "The image was replaced just now")
            }
            Kind::FileMissing => ("file-missing", S::SERVICE_UNAVAILABLE, "The file is not there now"),
            Kind::StorageUnavailable => {
                ("storage-unavailable", S::SERVICE_UNAVAILABLE, "The storage is unavailable")
            }
            Kind::ShuttingDown => ("shutting-down", S::SERVICE_UNAVAILABLE, "The server is shutting down"),
            Kind::RenderTimeout => ("render-timeout", S::GATEWAY_TIMEOUT, "The render is not ready yet"),
            Kind::RequestTimeout => ("request-timeout", S::GATEWAY_TIMEOUT, "A back end took too long"),
            Kind::LoginsWait => ("logins-wait", S::SERVICE_UNAVAILABLE, "Too many log in at once"),
            Kind::ProviderUnavailable => {
                ("provider-unavailable", S::SERVICE_UNAVAILABLE, "The identity provider is unavailable")
            }
            Kind::ShareNotFound => ("share-not-found", S::NOT_FOUND, "No such link"),
            Kind::TooManyStreams => ("too-many-streams", S::TOO_MANY_REQUESTS, "Too many streams"),
            Kind::InvalidUpload => ("invalid-upload", S::BAD_REQUEST, "The body is not made of files"),
            Kind::UploadNotFound => ("upload-not-found", S::NOT_FOUND, "No such upload"),
            Kind::TooManyUploads => ("too-many-uploads", S::TOO_MANY_REQUESTS, "Too many uploads at a time"),
            Kind::UploadUnderWay => {
                ("upload-under-way", S::SERVICE_UNAVAILABLE, "The files are not looked at yet")
            }
        }
    }

    /// The end of `type`.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        self.row().0
    }

    /// The status.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.row().1
    }

    /// The title, also called `error`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().2
    }

    /// Whether it is of something that was logged when it began, so that each request which meets it need not be.
    pub(crate) const fn is_of_an_outage(self) -> bool {
        matches!(
            self,
            Kind::QueueUnavailable
                | Kind::CatalogUnavailable
                | Kind::CacheUnavailable
                | Kind::StorageUnavailable
                | Kind::AnswersUnread
                | Kind::ProviderUnavailable
        )
    }

    /// The kind that stands for a bare status which the framework answered with.
    pub(crate) fn of_status(status: StatusCode) -> Kind {
        match status {
            StatusCode::NOT_FOUND => Kind::RouteNotFound,
            StatusCode::METHOD_NOT_ALLOWED => Kind::MethodNotAllowed,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Kind::UnsupportedMediaType,
            StatusCode::PAYLOAD_TOO_LARGE => Kind::BodyTooLarge,
            StatusCode::URI_TOO_LONG => Kind::UriTooLong,
            status if status.is_client_error() => Kind::InvalidParameter,
            _ => Kind::Internal,
        }
    }
}
