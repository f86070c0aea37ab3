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
        let limit = search.limit as usize;
        let rows = self.candidates(search, false, search.offset.into(), u64::from(search.limit) + 1).await?;
        let has_more = rows.len() > limit;
        let hits: Vec<Hit> = rows.into_iter().take(limit).map(|row| row.hit()).collect();
        if !has_more {
            return Ok(Hits { hits, remaining: Remaining::Nothing });
        }
        let matching = self.count_matches(search).await?;
        let told = u64::from(search.offset) + hits.len() as u64;
        Ok(Hits { hits, remaining: Remaining::Matches(matching.saturating_sub(told)) })
    }

    /// Portion by portion, what the columns let through.
    async fn search_headers(&self, search: &Search, matches: &HeaderMatch<'_>) -> Result<Hits, CatalogError> {
        let (mut hits, mut left_out, mut looked_at) = (Vec::new(), 0, 0);
        let limit = search.limit as usize;
        while looked_at < HEADERS_MAX {
            let rows = self.candidates(search, true, looked_at, HEADERS_PER_STATEMENT as u64).await?;
            looked_at += rows.len() as u64;
            let is_last = rows.len() < HEADERS_PER_STATEMENT;
            for row in rows.iter().filter(|row| matches.fits(row.header.as_deref())) {
                if left_out < search.offset {
                    left_out += 1;
                } else if hits.len() == limit {
                    return Ok(Hits { hits, remaining: Remaining::Some });
                } else {
                    hits.push(row.hit());
                }
            }
            if is_last {
                return Ok(Hits { hits, remaining: Remaining::Nothing });
            }
        }
        Ok(Hits { hits, remaining: Remaining::Unknown })
    }

    /// Rows that the columns let through, with a header where one is asked for.
    async fn candidates(
        &self,
        search: &Search,
        with_header: bool,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<Candidate>, CatalogError> {
        let [offset, limit] = [offset, limit].map(u64::cast_signed);
        on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> = QueryBuilder::new("SELECT ");
            query.push(rows::keys(search.level));
            query.push(if with_header { rows::header(search.level) } else { ", NULL AS header" });
            condition::push(search, &mut query);
            order::push(search, &mut query);
            query.push(" LIMIT ").push_bind(limit).push(" OFFSET ").push_bind(offset);
            Ok(query.build_query_as().persistent(false).fetch_all(pool).await?)
        })
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
