//! Who asks. The edge makes one before anything is counted or looked at; what a caller may see is decided in `visible`.

use std::collections::BTreeSet;

use noctis_shared::auth::Scopes;
use uuid::Uuid;

/// Who makes a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// What its requests and renders are counted under.
    pub(crate) name: String,
    /// What it may see.
    pub(crate) sight: Sight,
    /// What it may do.
    pub(crate) scopes: Scopes,
}

impl Caller {
    /// Who comes from `address` where nobody is asked for a token.
    pub(crate) fn anybody(address: String) -> Self {
        Self { name: address, sight: Sight::Everything, scopes: Scopes::ALL }
    }

    /// Who comes from `address` without a token, where one is asked for.
    pub(crate) fn nobody(address: String) -> Self {
        Self { name: address, sight: Sight::Studies(BTreeSet::new()), scopes: Scopes::NONE }
    }
}

/// The studies that a caller may see. What is not among them does not exist for it.
#[derive(Debug, Clone)]
pub(crate) enum Sight {
    /// All there are.
    Everything,
    /// Those with these ids.
    Studies(BTreeSet<Uuid>),
}

impl Sight {
    /// Whether what is found is what everybody finds.
    pub(crate) fn is_everything(&self) -> bool {
        matches!(self, Sight::Everything)
    }

    pub(crate) fn reaches(&self, study_id: Uuid) -> bool {
        match self {
            Sight::Everything => true,
            Sight::Studies(study_ids) => study_ids.contains(&study_id),
        }
    }
}
