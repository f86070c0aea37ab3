//! Which part of a list is asked for: `limit` and `cursor`, alike at each level.

use noctis_shared::dicom_uid::public_id;

use crate::{problem::Problem, query::Query};

/// Entries on a page, at most.
const LIMIT_MAX: u32 = 500;

/// The part of a list that a query asks for.
#[derive(Debug, Default)]
pub(super) struct Portion {
    /// Entries on the page, from 1.
    pub(super) limit: Option<u32>,
    /// `next` of the page before.
    pub(super) cursor: Option<String>,
}

/// A page of a list that was there as a whole.
#[derive(Debug, PartialEq)]
pub(super) struct Page<T> {
    pub(super) entries: Vec<T>,
    /// Entries of the whole list.
    pub(super) total: usize,
    /// `cursor` of the next page; `None` on the last one.
    pub(super) next: Option<String>,
}

impl Portion {
    /// # Errors
    /// A problem for a limit that is none.
    pub(super) fn take(query: &mut Query<'_>) -> Result<Self, Problem> {
        let takes = "a number from 1 to 500";
        let limit = query.take_value("limit", takes, |limit| (1..=LIMIT_MAX).contains(limit))?;
        Ok(Self { limit, cursor: query.take("cursor").map(Into::into) })
    }

    /// Whether it is the whole list.
    pub(super) fn is_all(&self) -> bool {
        self.limit.is_none() && self.cursor.is_none()
    }

    /// Cuts the page out of the whole list, whose entries have a UID each. A page goes on behind the entry that the page
    /// before ended with, wherever that stands by now: what is indexed in between moves no entry from one page to another.
    ///
    /// # Errors
    /// A problem for a cursor that names no entry.
    pub(super) fn cut<T>(&self, mut entries: Vec<T>, uid: impl Fn(&T) -> &str) -> Result<Page<T>, Problem> {
        let total = entries.len();
        let name = |entry: &T| public_id(uid(entry)).simple().to_string();
        if let Some(cursor) = &self.cursor {
            let last = entries.iter().position(|entry| name(entry) == *cursor).ok_or_else(no_such_page)?;
            entries.drain(..=last);
        }
        let limit = self.limit.map_or(entries.len(), |limit| limit as usize);
        let next = (entries.len() > limit).then(|| name(&entries[limit - 1]));
        entries.truncate(limit);
        Ok(Page { entries, total, next })
    }
}

/// The problem of a cursor that leads nowhere.
pub(super) fn no_such_page() -> Problem {
    Problem::parameter("cursor", "is none that a page of this list gave as next: start again without")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: [&str; 5] = ["1.5", "1.4", "1.3", "1.2", "1.1"];

    fn cut(
        list: &[&'static str],
        limit: Option<u32>,
        cursor: Option<String>,
    ) -> Result<Page<&'static str>, Problem> {
        Portion { limit, cursor }.cut(list.to_vec(), |entry| entry)
    }

    #[test]
    fn pages_neither_lose_nor_repeat_an_entry() {
        for limit in 1..=6 {
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let page = cut(&LIST, Some(limit), cursor).expect("a page");
                assert_eq!((page.total, page.entries.len() <= limit as usize), (5, true));
                seen.extend(page.entries);
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, LIST, "pages of {limit}");
        }
    }

    #[test]
    fn without_limit_it_is_all_or_the_rest() {
        let all = cut(&LIST, None, None).expect("all");
        assert_eq!((all.entries.as_slice(), all.next), (&LIST[..], None));
        let next = cut(&LIST, Some(2), None).expect("a page").next;
        assert_eq!(cut(&LIST, None, next).expect("the rest").entries, LIST[2..]);
    }

    #[test]
    fn a_page_goes_on_where_the_one_before_ended_whatever_came_in_between() {
        let next = cut(&LIST, Some(2), None).expect("a page").next;
        let grown = ["1.9", "1.5", "1.45", "1.4", "1.35", "1.3"];
        assert_eq!(cut(&grown, Some(2), next.clone()).expect("a page").entries, ["1.35", "1.3"]);
        assert!(cut(&["1.5", "1.3"], Some(2), next).is_err(), "the entry is gone");
        assert!(cut(&LIST, Some(2), Some("1.4".to_owned())).is_err(), "no cursor of ours");
    }
}
