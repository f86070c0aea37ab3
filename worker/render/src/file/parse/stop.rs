//! Why reading stops before the end of the bytes: there may be more of them, or they are not to be read on.

use crate::RenderError;

/// What ended a reading of elements before their end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The bytes end, the file may go on: reading needs this many bytes of it.
    Starved { needed: usize },
    /// A declared length or a nesting is impossible.
    Broken(&'static str),
    /// A limit was reached.
    Limit(RenderError),
}

impl From<Stop> for RenderError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Starved { .. } => Self::corrupt("the data set ends inside a data element"),
            Stop::Broken(what) => Self::corrupt(what),
            Stop::Limit(error) => error,
        }
    }
}
