//! Which studies a list shows, as the condition of a query.

use chrono::NaiveDate;
use sqlx::{Encode, QueryBuilder, Type};
use uuid::Uuid;

use super::{
    CatalogError,
    study_order::{Position, StudyOrder},
    text::{fold, like_contains, like_pattern, plain},
};

/// Most studies on one page.
pub const STUDIES_PER_PAGE_MAX: u32 = 1000;
/// Characters of a filter that count.
const FILTER_CHARS_MAX: usize = 256;
/// Words of a free text that count.
const WORDS_MAX: usize = 8;

/// What a list of studies is narrowed to. Absent and empty filters let everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StudyFilter {
    /// Patient ID as a whole, or words that each stand somewhere in the patient's name, in whichever order; `*` and `?` are
    /// wildcards, case does not matter, in names accents neither.
    pub patient: Option<String>,
    /// Studies with a series of this modality.
    pub modality: Option<String>,
    /// Not before; leaves out undated studies.
    pub from: Option<NaiveDate>,
    /// Not after; leaves out undated studies.
    pub to: Option<NaiveDate>,
    /// Words that each stand somewhere in patient name, patient ID, description or accession number; case does not
    /// matter, in names and descriptions accents neither.
    pub q: Option<String>,
    /// Studies of which something changed then or later, in ms since 1970.
    pub since: Option<i64>,
    /// Only studies with these ids, of which there may be none; `None` lets through all.
    pub among: Option<Vec<Uuid>>,
    /// In which order.
    pub order: StudyOrder,
    /// Studies on the page: 1 to [`STUDIES_PER_PAGE_MAX`], cut to that.
    pub limit: u32,
    /// [`super::StudyPage::next`] of the page before.
    pub after: Option<String>,
}

impl StudyFilter {
    pub(super) fn page_size(&self) -> u32 {
        self.limit.clamp(1, STUDIES_PER_PAGE_MAX)
    }

    /// Appends ` WHERE …` to a query of `studies`: what is let through, on whichever page.
    pub(super) fn push_condition<DB: sqlx::Database>(&self, query: &mut QueryBuilder<DB>)
    where
        String: for<'q> Encode<'q, DB> + Type<DB>,
        i64: for<'q> Encode<'q, DB> + Type<DB>,
        Uuid: for<'q> Encode<'q, DB> + Type<DB>,
    {
        query.push(" WHERE TRUE");
        self.push_among(query);
        if let Some(patient) = bounded(self.patient.as_ref()) {
            query.push(" AND (patient_id_folded LIKE ").push_bind(like_pattern(&patient));
            query.push(" ESCAPE '\\' OR (TRUE");
            for word in words_of(&plain(&patient)) {
                query.push(" AND patient_name_plain LIKE ").push_bind(like_contains(word));
                query.push(" ESCAPE '\\'");
            }
            query.push("))");
        }
        if let Some(modality) = bounded(self.modality.as_ref()) {
            query.push(" AND study_id IN (SELECT study_id FROM series WHERE modality = ");
            query.push_bind(modality.trim().to_uppercase()).push(")");
        }
        if let Some(since) = self.since {
            query.push(" AND studies.changed_at >= ").push_bind(since);
        }
        self.push_dates(query);
        self.push_words(query);
    }

    /// Appends to a condition where the page starts.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] for a cursor that no page gave.
    pub(super) fn push_after<DB: sqlx::Database>(
        &self,
        query: &mut QueryBuilder<DB>,
    ) -> Result<(), CatalogError>
    where
        String: for<'q> Encode<'q, DB> + Type<DB>,
        Uuid: for<'q> Encode<'q, DB> + Type<DB>,
    {
        if let Some(cursor) = &self.after {
            Position::parse(self.order, cursor)?.push_after(query);
        }
        Ok(())
    }

    fn push_among<DB: sqlx::Database>(&self, query: &mut QueryBuilder<DB>)
    where
        Uuid: for<'q> Encode<'q, DB> + Type<DB>,
    {
        let Some(study_ids) = &self.among else { return };
        if study_ids.is_empty() {
            query.push(" AND FALSE");
            return;
        }
        query.push(" AND study_id IN (");
        let mut listed = query.separated(", ");
        for study_id in study_ids {
            listed.push_bind(*study_id);
        }
        query.push(")");
    }

    /// ISO dates sort as text; '' is undated.
    fn push_dates<DB: sqlx::Database>(&self, query: &mut QueryBuilder<DB>)
    where
        String: for<'q> Encode<'q, DB> + Type<DB>,
    {
        if let Some(from) = self.from {
            query.push(" AND studies.study_date >= ").push_bind(from.to_string());
        }
        if let Some(to) = self.to {
            query.push(" AND studies.study_date <> '' AND studies.study_date <= ").push_bind(to.to_string());
        }
    }

    fn push_words<DB: sqlx::Database>(&self, query: &mut QueryBuilder<DB>)
    where
        String: for<'q> Encode<'q, DB> + Type<DB>,
    {
        let words = fold(&bounded(self.q.as_ref()).unwrap_or_default());
        for word in words_of(&words) {
            let plain = plain(word);
            let columns = [
                (" AND (patient_name_plain LIKE ", &*plain),
                (" OR study_description_plain LIKE ", &*plain),
                (" OR patient_id_folded LIKE ", word),
                (" OR accession_number_folded LIKE ", word),
            ];
            for (column, word) in columns {
                query.push(column).push_bind(like_contains(word)).push(" ESCAPE '\\'");
            }
            query.push(")");
        }
    }
}

fn bounded(filter: Option<&String>) -> Option<String> {
    let filter: String = filter?.chars().filter(|c| *c != '\0').take(FILTER_CHARS_MAX).collect();
    (!filter.trim().is_empty()).then_some(filter)
}

/// The words of a folded filter, as far as they count.
fn words_of(folded: &str) -> impl Iterator<Item = &str> {
    folded.split(' ').filter(|word| !word.is_empty()).take(WORDS_MAX)
}
