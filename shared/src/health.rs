//! How a back end is.

use serde::Serialize;
use utoipa::ToSchema;

/// State of one back end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It answers.
    Up,
    /// It does not.
    Down,
}
