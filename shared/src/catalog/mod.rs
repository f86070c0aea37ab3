//! The catalog: what is known of studies, series and instances, the renders made of them, the events handled, the jobs that
//! clients are told of, and who may log in.
//! SQLite for one process, Postgres for many. Truth is here and in storage; start with [`Catalog`].
//!
//! # Contract
//! Each line has a test in `tests/contracts/catalog.rs`, run on SQLite in a file, SQLite in memory, and Postgres:
//!
//! Starting
//! 1. What was recorded is there after closing and connecting again.
//! 2. Two processes may start at once on an empty database.
//! 3. A URL of another kind is refused in one sentence.
//!
//! Recording
//! 4. A batch is answered in its order: accepted, duplicate, conflict, of another patient.
//! 5. A duplicate at another location stays at its first one; a conflict changes nothing, and makes no empty study.
//! 6. With `replace` other bytes take the place, and their renders go.
//! 7. Writers of overlapping batches of one study, at once, come to the right counts.
//! 8. Facts that a first file lacks are filled in by later ones; facts that are there stay.
//! 9. Text without end and with NUL bytes is stored, cut and cleaned.
//! 10. A batch of more rows than a statement takes is one batch.
//! 11. A file of another patient than its study's is told with its own, whichever process saw the study first.
//!
//! Shared UIDs
//! 12. One Series or SOP Instance UID in several studies or series is a row in each, with its own bytes, and counts.
//! 13. A shared UID names several; the own id of each names it alone, whichever came first, and whatever goes.
//! 14. Rows of an earlier release have own ids, display order, and no place under another study.
//!
//! Reading
//! 15. Studies come newest first, undated last, or by another sort, in pages that neither lose nor repeat one; each tells
//!     how many there are.
//! 16. Filters: patient by id or words of the name with wildcards, modality, dates, free text, what changed since; case
//!     does not matter, in names and descriptions accents neither; `%` and `_` are letters.
//! 17. A study tells its modalities sorted, and its series by number, then UID.
//! 18. Images come in display order.
//! 19. An image reads back as it was recorded, with every fact of what it belongs to, and its header.
//! 20. One frame's range is read alone; frame 0 and frames past the end are none.
//! 21. Unknown ids are `None`, not errors.
//! 22. The images of everything, a study, a series, an image are listed; the files of all come in portions.
//! 23. A deleted study is gone with its renders; others stay; deleting again removes nothing.
//!
//! Renders
//! 24. Pictures and failures read back; a second put changes nothing, except that a picture takes a failure's place.
//! 25. A render of an image that is not there is not kept.
//! 26. Renders of a scope are cleared and counted.
//! 27. Picture bytes stay within the budget; the oldest go first.
//! 28. A render that is put behind is there a moment later, at once after a flush, and after closing.
//!
//! Events
//! 29. An event is handled once it is recorded, under its source and id together; again changes nothing.
//!
//! Accounts and logins
//! 30. An account reads back as it was added; its name is taken once; another secret, or none any more, ends its logins.
//! 31. A refresh token works once, of two at once for one; its second use ends the login, and so does logging out.
//! 32. A link reads back until it expires, is revoked, or its maker is disabled.
//!
//! Audit
//! 33. Entries read back in order of time, filtered and portion by portion; one written twice is there once.
//!
//! Jobs
//! 34. A job reads back as it was ordered; the same again is the same job, and one that has ended begins anew if asked.
//! 35. A job changes only from the version that is known, and not any more once it has ended; a cancelled one stays so.
//! 36. One owner has a bounded number under way, and comes in turns with others; jobs that ended long ago are forgotten.
//! 37. Jobs are listed newest first in pages, of the studies asked for, single pictures for their owner alone.
//! 38. A study's instances are told with their frames, and which pictures are kept.
//!
//! Deletions
//! 39. A part that is deleted is gone from its lists and counts; with the last part goes what it was of.
//! 40. Files of ours are owed when their instances are gone or have other bytes, no others; one is taken by one, and by
//!     the next when its time is over; one that is put or recorded again is not removed.
//! 41. What was deleted is announced, whole or by its parts, until somebody told it.
//!
//! Webhooks
//! 42. A webhook reads back, and goes with its messages; there are only so many.
//! 43. An event becomes one message to each webhook that wants it, in one hand at a time, until it arrived.
//! 44. What happens to a study within seconds is told once, and not noted where nobody asks.
//!
//! Searches
//! 45. A key is matched whatever its level and that of the search; one without a column on the headers that are kept.
//! 46. Matches come newest first, or by another order, in portions that neither lose nor repeat one; what remains is told.
//! 47. Nothing is found but what there is for the caller, and what is told of a match is of it.
//! 48. Headers of a study, a series, an instance come in order, portion by portion.
//!
//! Uploads
//! 49. An upload reads back as far as it is; what became of its files is noted once, and told until it is forgotten.
//!
//! Trouble
//! 50. A catalog that does not answer is a transient error and `Down`, and no error holds patient data.

mod accounts;
mod audit;
mod batch_rows;
mod batch_sql;
mod bulk_values;
mod deletion;
mod display_order;
mod errands;
mod error;
mod fact_columns;
mod fill_in;
mod fill_in_facts;
mod fill_in_search;
mod found;
mod frame_index;
mod headers;
mod images;
mod in_hand;
mod inbox;
mod jobs;
mod known_files;
mod namesakes;
mod new_instance;
mod order_facts;
mod other_facts;
mod patient;
mod pool;
mod record;
mod renders;
mod row_keys;
mod scope;
mod search;
mod search_facts;
mod shares;
mod studies;
mod study_filter;
mod study_order;
mod text;
mod tokens;
mod uploads;
mod webhooks;

use std::time::Duration;

use pool::{Pool, on_reader};

pub use accounts::{ACCOUNT_NAME_BYTES_MAX, check_account_name};
pub use audit::AUDIT_GROUP_MAX;
pub use deletion::{Deleted, IsOurs};
pub use errands::Announcement;
pub use error::CatalogError;
pub use found::{CHOICES_MAX, Choice, Found, SeriesPlace};
pub use headers::{HeaderPlace, HeadersOf, InstanceHeader, portion as header_portion};
pub use images::{FrameLookup, ImageMetadata, ImageRecord, OwnIds};
pub use jobs::{Again, FramesOfImage, JOBS_PER_PAGE_MAX, JobFilter, JobPage, Ordered};
pub use known_files::{FileOfStudy, KnownFile, StoredInstance};
pub use namesakes::{Ids, Sharing};
pub use new_instance::{NewInstance, Recorded};
pub use order_facts::{OrderFacts, Plane};
pub use renders::RenderRecord;
pub use scope::Scope;
pub use search::{
    Among, HEADERS_MAX, Hit, Hits, NoSuchValue, Remaining, Search, SearchKey, SearchLevel, SearchOrder,
    ToldInstance, ToldOf, ToldSeries,
};
pub use studies::StudyPage;
pub use study_filter::{STUDIES_PER_PAGE_MAX, StudyFilter};
pub use study_order::{NoSuchSort, StudyOrder, StudySort};
pub use tokens::Rotation;
pub use webhooks::WebhookMessage;

use crate::health::Health;

/// How long a catalog that is up may take to say so.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the end of a process waits for renders to be written.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// Bounds of what one process takes of the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogLimits {
    /// Connections that read (and on Postgres write); at least 1.
    pub connections_max: u32,
    /// How long a call waits for a connection.
    pub acquire_timeout: Duration,
    /// Bytes of renders kept; the oldest are removed beyond. 0 keeps none.
    pub render_bytes_max: u64,
}

impl Default for CatalogLimits {
    fn default() -> Self {
        Self {
            connections_max: 8,
            acquire_timeout: Duration::from_secs(5),
            render_bytes_max: 2 * 1024 * 1024 * 1024,
        }
    }
}

/// How much is in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Studies.
    pub studies: u64,
    /// Series.
    pub series: u64,
    /// Instances.
    pub instances: u64,
}

/// Handle to the catalog; clones share its connections.
#[derive(Debug, Clone)]
pub struct Catalog {
    pool: Pool,
    render_rows: renders::RenderRows,
}

impl Catalog {
    /// Connects to `sqlite:PATH` (made when absent), `sqlite::memory:` or `postgres://…` and brings its tables up to
    /// date. Safe for processes that start at once.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] for a URL that is none of these; [`CatalogError::Unavailable`] when it does not
    /// answer; [`CatalogError::Failed`] when it was made by a newer release.
    pub async fn connect(url: &str, limits: CatalogLimits) -> Result<Self, CatalogError> {
        let pool = Pool::connect(url, &limits).await?;
        fill_in::fill_in(&pool).await?;
        let render_rows = renders::RenderRows::start(pool.clone(), limits.render_bytes_max);
        Ok(Self { pool, render_rows })
    }

    /// How much is in it.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn counts(&self) -> Result<Counts, CatalogError> {
        let counts: (i64, i64, i64) = on_reader!(&self.pool, Db, pool => {
            sqlx::query_as::<Db, _>(
                "SELECT (SELECT count(*) FROM studies), count(*), CAST(COALESCE(sum(image_count), 0) AS BIGINT) \
                 FROM series",
            )
            .fetch_one(pool)
            .await?
        });
        Ok(Counts {
            studies: counts.0.cast_unsigned(),
            series: counts.1.cast_unsigned(),
            instances: counts.2.cast_unsigned(),
        })
    }

    /// Whether it answers, within 2 seconds.
    pub async fn health(&self) -> Health {
        let ask = async {
            on_reader!(&self.pool, Db, pool => sqlx::query::<Db>("SELECT 1").execute(pool).await.map(drop))
        };
        match tokio::time::timeout(HEALTH_TIMEOUT, ask).await {
            Ok(Ok(())) => Health::Up,
            Ok(Err(_)) | Err(_) => Health::Down,
        }
    }

    /// Writes the renders that wait, and closes every connection once its work in hand is done; later calls on any
    /// clone are `Unavailable`.
    pub async fn close(&self) {
        // A database that does not answer is not waited for: what lies in the cache is not lost with its row.
        let _it_does_not_answer = tokio::time::timeout(FLUSH_MAX, self.flush_renders()).await;
        self.pool.close().await;
    }
}
