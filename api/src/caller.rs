//! Who asks. The edge makes one before anything is counted or looked at; what a caller may see is decided in `visible`.

use std::{collections::BTreeSet, net::IpAddr, ops::Deref, sync::Arc};

use noctis_shared::{
    auth::{Scopes, SharedThing},
    queue::DeadLetter,
};
use uuid::Uuid;

/// Who makes a request, and from where.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    who: Arc<Who>,
    /// From where, as far as it is known.
    pub(crate) address: Option<IpAddr>,
}

/// Somebody who makes requests.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    /// What its requests and renders are counted under.
    pub(crate) name: String,
    /// What it may see.
    pub(crate) sight: Sight,
    /// What it may do.
    pub(crate) scopes: Scopes,
    /// How that was shown.
    pub(crate) by: By,
}

/// How somebody showed what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum By {
    /// Not at all.
    Nothing,
    /// By a token.
    Token {
        /// Whose it is.
        subject: String,
        /// Its name, or that of its login, where it has one.
        token_id: Option<String>,
    },
    /// By the link of this name.
    Share(Uuid),
    /// By an address that an application signed.
    SignedUrl,
}

impl Caller {
    pub(crate) fn new(who: Arc<Who>, address: Option<IpAddr>) -> Self {
        Self { who, address }
    }

    /// Who comes from `address` where nobody is asked for a token.
    pub(crate) fn anybody(address: Option<IpAddr>) -> Self {
        Self::by_nothing(address, Sight::Everything, Scopes::ALL)
    }

    /// Who comes from `address` without a token, where one is asked for.
    pub(crate) fn nobody(address: Option<IpAddr>) -> Self {
        Self::by_nothing(address, Sight::Studies(BTreeSet::new()), Scopes::NONE)
    }

    fn by_nothing(address: Option<IpAddr>, sight: Sight, scopes: Scopes) -> Self {
        let name = address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        Self::new(Arc::new(Who { name, sight, scopes, by: By::Nothing }), address)
    }

    /// The same, that may see what `sight` reaches.
    #[cfg(test)]
    pub(crate) fn that_sees(self, sight: Sight) -> Self {
        Self { who: Arc::new(Who { sight, ..(*self.who).clone() }), ..self }
    }
}

impl Deref for Caller {
    type Target = Who;

    fn deref(&self) -> &Who {
        &self.who
    }
}

/// What a caller may see. What is not among it does not exist for it.
#[derive(Debug, Clone)]
pub(crate) enum Sight {
    /// All there is.
    Everything,
    /// The studies with these ids.
    Studies(BTreeSet<Uuid>),
    /// A part of a study, and not the study.
    Shared(SharedThing),
}

impl Sight {
    /// Whether what is found is what everybody finds.
    pub(crate) fn is_everything(&self) -> bool {
        matches!(self, Sight::Everything)
    }

    /// Whether it is a study, with all that is in it.
    pub(crate) fn reaches(&self, study_id: Uuid) -> bool {
        match self {
            Sight::Everything => true,
            Sight::Studies(study_ids) => study_ids.contains(&study_id),
            Sight::Shared(thing) => matches!(thing, SharedThing::Study { study_id: own } if *own == study_id),
        }
    }

    /// Whether it is a dead letter of such a study; one of no study is there for those who see everything.
    pub(crate) fn reaches_letter(&self, letter: &DeadLetter) -> bool {
        letter.study_id.map_or(self.is_everything(), |study_id| self.reaches(study_id))
    }

    /// Whether it is the series of this own id, of this study.
    pub(crate) fn reaches_series(&self, study_id: Uuid, series_id: Uuid) -> bool {
        let is_shared = matches!(self, Sight::Shared(SharedThing::Series { study_id: of, series_id: own })
            if (*of, *own) == (study_id, series_id));
        is_shared || self.reaches(study_id)
    }

    /// Whether it is the image of this own id, of this series of this study.
    pub(crate) fn reaches_image(&self, study_id: Uuid, series_id: Uuid, image_id: Uuid) -> bool {
        let is_shared = matches!(self, Sight::Shared(SharedThing::Image { study_id: of, image_id: own })
            if (*of, *own) == (study_id, image_id));
        is_shared || self.reaches_series(study_id, series_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_reaches_what_is_shared_and_nothing_around_it() {
        let [study_id, series_id, image_id, other] = [1, 2, 3, 4].map(Uuid::from_u128);
        let reached = |sight: &Sight| {
            [
                sight.reaches(study_id),
                sight.reaches_series(study_id, series_id),
                sight.reaches_series(study_id, other),
                sight.reaches_image(study_id, series_id, image_id),
                sight.reaches_image(study_id, series_id, other),
                sight.reaches_image(study_id, other, other),
                sight.reaches_image(other, series_id, image_id),
            ]
        };
        let (y, n) = (true, false);
        for (sight, expected) in [
            (Sight::Shared(SharedThing::Series { study_id, series_id }), [n, y, n, y, y, n, n]),
            (Sight::Shared(SharedThing::Image { study_id, image_id }), [n, n, n, y, n, n, n]),
            (Sight::Shared(SharedThing::Study { study_id }), [y, y, y, y, y, y, n]),
            (Sight::Studies([study_id].into()), [y, y, y, y, y, y, n]),
        ] {
            assert_eq!(reached(&sight), expected, "{sight:?}");
        }
    }
}
