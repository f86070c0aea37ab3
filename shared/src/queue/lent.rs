//! What a back end lends to a consumer. It knows of no [`Delivery`](super::Delivery): that is made of this.

use super::message::{Message, Work};
use crate::lane::Lane;

/// A message on loan, decoded, and its history with consumers before. `L` is the loan of the back end, which settles
/// it, and which counts as a crash when it is dropped unsettled.
pub(super) struct Lent<L> {
    pub(super) work: Work,
    pub(super) message: Message,
    pub(super) lane: Lane,
    pub(super) crashes: u32,
    pub(super) redelivered: bool,
    pub(super) loan: L,
}
