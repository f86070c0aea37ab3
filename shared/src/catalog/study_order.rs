//! In which order a list of studies stands, and where in it a page ends.
//!
//! The order is by one text of each study, then by its id, so that a page goes on where the one before ended whatever is
//! indexed in between. What is absent is the empty text: first where it ascends, last where it descends.

use std::{fmt, str::FromStr};

use sqlx::{Encode, QueryBuilder, Type};
use uuid::Uuid;

use super::CatalogError;
use crate::answer::Study;

/// Bytes of a position that are looked at: 64 characters of 4 bytes in hexadecimal, and its other parts.
const POSITION_BYTES_MAX: usize = 640;

/// What a list of studies is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StudySort {
    /// Study date.
    Date,
    /// Patient's name, without case or accents.
    Name,
    /// Patient ID, without case.
    Id,
    /// The first of its modalities.
    Modality,
    /// When something of it last changed.
    Changed,
}

/// A sort, and its direction. Newest first unless asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StudyOrder {
    /// By what.
    pub by: StudySort,
    /// Whether the last comes first.
    pub descending: bool,
}

impl Default for StudyOrder {
    fn default() -> Self {
        Self { by: StudySort::Date, descending: true }
    }
}

impl StudySort {
    /// Every sort.
    pub const ALL: [StudySort; 5] =
        [StudySort::Date, StudySort::Name, StudySort::Id, StudySort::Modality, StudySort::Changed];

    /// Its name in `sort=`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            StudySort::Date => "date",
            StudySort::Name => "name",
            StudySort::Id => "id",
            StudySort::Modality => "modality",
            StudySort::Changed => "changed",
        }
    }
}

/// Not the name of a sort, with or without `-` before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sort is date, name, id, modality or changed, with - before it to descend")]
pub struct NoSuchSort;

impl FromStr for StudyOrder {
    type Err = NoSuchSort;

    fn from_str(text: &str) -> Result<Self, NoSuchSort> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let by = StudySort::ALL.into_iter().find(|sort| sort.name() == name).ok_or(NoSuchSort)?;
        Ok(Self { by, descending })
    }
}

impl StudyOrder {
    /// The text that a row of `studies` stands by.
    pub(super) const fn key(self) -> &'static str {
        match self.by {
            StudySort::Date => "studies.study_date",
            StudySort::Name => "substr(COALESCE(patient_name_plain, ''), 1, 64)",
            StudySort::Id => "substr(COALESCE(patient_id_folded, ''), 1, 64)",
            StudySort::Modality => {
                "substr(COALESCE((SELECT min(modality) FROM series WHERE series.study_id = studies.study_id), ''), 1, 64)"
            }
            // Milliseconds have 13 digits until 2286; 0 has one, and stands before them as text too.
            StudySort::Changed => "CAST(studies.changed_at AS TEXT)",
        }
    }

    /// Appends ` ORDER BY …` to a query of `studies`.
    pub(super) fn push_order<DB: sqlx::Database>(self, query: &mut QueryBuilder<DB>) {
        query.push(" ORDER BY ").push(self.key()).push(if self.descending { " DESC" } else { "" });
        query.push(", study_id");
    }

    /// Where the study stands, where what is told of it says so.
    pub(super) fn position_told_by(self, study: &Study) -> Option<Position> {
        let key = study.facts.study_date.clone().unwrap_or_default();
        (self.by == StudySort::Date).then_some(Position { order: self, key, study_id: study.study_id })
    }
}

/// Where a page ends: at a study, and what it is sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) order: StudyOrder,
    pub(super) key: String,
    pub(super) study_id: Uuid,
}

/// As `next` tells it: sort, key in hexadecimal, id. Of the default order as earlier releases did: date and id.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.order == StudyOrder::default() {
            return write!(f, "{}.{}", self.key, self.study_id.simple());
        }
        let sign = if self.order.descending { "-" } else { "" };
        write!(f, "{sign}{}.", self.order.by.name())?;
        self.key.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, ".{}", self.study_id.simple())
    }
}

impl Position {
    /// # Errors
    /// [`CatalogError::Invalid`] for what no page of this order gave.
    pub(super) fn parse(order: StudyOrder, text: &str) -> Result<Self, CatalogError> {
        Self::read(order, text)
            .ok_or_else(|| CatalogError::Invalid("the page to continue from is none that it gave".to_owned()))
    }

    fn read(order: StudyOrder, text: &str) -> Option<Self> {
        let (before, study_id) = text.rsplit_once('.').filter(|_| text.len() <= POSITION_BYTES_MAX)?;
        let study_id = Uuid::try_parse(study_id).ok()?;
        let key = if order == StudyOrder::default() {
            // A position of another order has three parts.
            (!before.contains('.')).then(|| before.to_owned())?
        } else {
            let (sort, key) = before.split_once('.')?;
            (sort.parse() == Ok(order)).then_some(())?;
            from_hexadecimal(key)?
        };
        (!key.contains('\0')).then_some(Self { order, key, study_id })
    }

    /// Appends to a condition that a study stands behind this one.
    pub(super) fn push_after<DB: sqlx::Database>(&self, query: &mut QueryBuilder<DB>)
    where
        String: for<'q> Encode<'q, DB> + Type<DB>,
        Uuid: for<'q> Encode<'q, DB> + Type<DB>,
    {
        let key = self.order.key();
        let behind = if self.order.descending { " < " } else { " > " };
        query.push(" AND (").push(key).push(behind).push_bind(self.key.clone());
        query.push(" OR (").push(key).push(" = ").push_bind(self.key.clone());
        query.push(" AND study_id > ").push_bind(self.study_id).push("))");
    }
}

fn from_hexadecimal(text: &str) -> Option<String> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let byte = |place: usize| u8::from_str_radix(&text[place..place + 2], 16).ok();
    String::from_utf8((0..text.len()).step_by(2).map(byte).collect::<Option<_>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_in_its_order_alone() {
        for by in StudySort::ALL {
            for descending in [false, true] {
                let order = StudyOrder { by, descending };
                let name = format!("{}{}", if descending { "-" } else { "" }, by.name());
                assert_eq!(name.parse(), Ok(order));
                let position = Position { order, key: "o'néil %".to_owned(), study_id: Uuid::from_u128(7) };
                let text = position.to_string();
                assert_eq!(Position::read(order, &text), Some(position));
                let other = StudyOrder { by, descending: !descending };
                assert_eq!(Position::read(other, &text), None, "{text}");
            }
        }
        assert!("".parse::<StudyOrder>().is_err() && "--date".parse::<StudyOrder>().is_err());
    }

    #[test]
    fn what_no_page_gave_is_none() {
        let by_name = StudyOrder { by: StudySort::Name, descending: false };
        for text in ["", "name", "name.6", "name.6g.00000000000000000000000000000007", "name..7", "date.61.7"]
        {
            assert_eq!(Position::read(by_name, text), None, "{text}");
        }
    }
}
