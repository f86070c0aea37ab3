//! Searches as DICOMweb has them (QIDO-RS, PS3.18 10.6): studies, series or instances by keys of any of these levels.
//!
//! Keys that have a column are matched by the database; the others on the headers that are kept, of which a search looks
//! at so many and no more. What must not be here: how a key is spelled and what is told of a match (`dicom_web` of the
//! API). Start with [`Search`] and [`Catalog::search`]; what is found is read by `found`.

mod column;
mod condition;
mod header_match;
mod key;
mod order;
mod rows;
mod told;

use sqlx::QueryBuilder;
use uuid::Uuid;

use self::{header_match::HeaderMatch, rows::Candidate};
pub(super) use self::{
    header_match::text_of,
    key::{first_moment as iso_time, iso_date},
};
pub use self::{
    key::{NoSuchValue, SearchKey},
    order::SearchOrder,
    told::{ToldInstance, ToldOf, ToldSeries},
};
use super::{Catalog, CatalogError, pool::on_reader};

/// Headers that one search looks at.
pub const HEADERS_MAX: u64 = 10_000;
/// Bytes of the headers that one search looks at.
const HEADER_BYTES_MAX: usize = 256 << 20;
/// Headers in memory at a time.
pub(super) const HEADERS_PER_STATEMENT: usize = 50;

/// What a search finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SearchLevel {
    /// Studies.
    Study,
    /// Series.
    Series,
    /// Instances.
    Instance,
}

/// What there is for who searches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Among {
    /// All there is.
    Everything,
    /// What is in the studies with these ids, of which there may be none.
    Studies(Vec<Uuid>),
    /// The series with this own id, and what is in it.
    Series(Uuid),
    /// The instance with this own id.
    Instance(Uuid),
}

/// A search.
#[derive(Debug, Clone)]
pub struct Search {
    /// What is looked for.
    pub level: SearchLevel,
    /// Only in this study.
    pub study_id: Option<Uuid>,
    /// Only in the series of this own id.
    pub series_own_id: Option<Uuid>,
    /// Only what there is for the caller.
    pub among: Among,
    /// What has to match, all of it.
    pub keys: Vec<SearchKey>,
    /// In which order; what is equal comes newest first.
    pub order: Vec<SearchOrder>,
    /// Matches that are left out at the beginning.
    pub offset: u32,
    /// Matches that are told, at most.
    pub limit: u32,
}

/// A match, by the keys of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Its study, or itself.
    pub study_id: Uuid,
    /// Its series, or itself; nil of a study.
    pub series_key: Uuid,
    /// Itself, if it is an instance; else nil.
    pub image_key: Uuid,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits {
    /// The matches, in order.
    pub hits: Vec<Hit>,
    /// What is behind them.
    pub remaining: Remaining,
}

/// Matches behind those that are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remaining {
    /// None.
    Nothing,
    /// So many.
    Matches(u64),
    /// At least one, and nobody counted.
    Some,
    /// Nobody knows: the search has looked at as many headers as it may ([`HEADERS_MAX`]).
    Unknown,
}

impl Catalog {
    /// The matches of a search.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn search(&self, search: &Search) -> Result<Hits, CatalogError> {
        if search.limit == 0 {
            return Ok(Hits { hits: Vec::new(), remaining: Remaining::Nothing });
        }
        let matches = HeaderMatch::of(&search.keys);
        if matches.is_empty() {
            self.search_columns(search).await
        } else {
            self.search_headers(search, &matches).await
        }
    }

    async fn search_columns(&self, search: &Search) -> Result<Hits, CatalogError> {
        let mut hits = self.candidates(search, search.offset.into(), u64::from(search.limit) + 1).await?;
        let has_more = hits.len() > search.limit as usize;
        hits.truncate(search.limit as usize);
        if !has_more {
            return Ok(Hits { hits, remaining: Remaining::Nothing });
        }
        let matching = self.count_matches(search).await?;
        let told = u64::from(search.offset) + hits.len() as u64;
        Ok(Hits { hits, remaining: Remaining::Matches(matching.saturating_sub(told)) })
    }

    /// Header by header, of what the columns let through.
    async fn search_headers(&self, search: &Search, matches: &HeaderMatch<'_>) -> Result<Hits, CatalogError> {
        let mut candidates = self.candidates(search, 0, HEADERS_MAX + 1).await?;
        let is_all = candidates.len() as u64 <= HEADERS_MAX;
        candidates.truncate(HEADERS_MAX as usize);
        let (mut hits, mut left_out, mut bytes) = (Vec::new(), 0, 0);
        for portion in candidates.chunks(HEADERS_PER_STATEMENT) {
            if bytes > HEADER_BYTES_MAX {
                return Ok(Hits { hits, remaining: Remaining::Unknown });
            }
            let headers = self.headers_of(search.level, portion).await?;
            bytes += headers.values().map(String::len).sum::<usize>();
            for hit in portion {
                if !matches.fits(headers.get(&hit.key(search.level)).map(String::as_str)) {
                    continue;
                }
                if left_out < search.offset {
                    left_out += 1;
                } else if hits.len() == search.limit as usize {
                    return Ok(Hits { hits, remaining: Remaining::Some });
                } else {
                    hits.push(*hit);
                }
            }
        }
        Ok(Hits { hits, remaining: if is_all { Remaining::Nothing } else { Remaining::Unknown } })
    }

    /// What the columns let through.
    async fn candidates(&self, search: &Search, offset: u64, limit: u64) -> Result<Vec<Hit>, CatalogError> {
        let [offset, limit] = [offset, limit].map(u64::cast_signed);
        let rows: Vec<Candidate> = on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> = QueryBuilder::new("SELECT ");
            query.push(rows::keys(search.level));
            condition::push(search, &mut query);
            order::push(search, &mut query);
            query.push(" LIMIT ").push_bind(limit).push(" OFFSET ").push_bind(offset);
            query.build_query_as().persistent(false).fetch_all(pool).await?
        });
        Ok(rows.iter().map(Candidate::hit).collect())
    }

    async fn count_matches(&self, search: &Search) -> Result<u64, CatalogError> {
        let count: i64 = on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> = QueryBuilder::new("SELECT count(*)");
            condition::push(search, &mut query);
            query.build_query_scalar().persistent(false).fetch_one(pool).await?
        });
        Ok(count.cast_unsigned())
    }
}
