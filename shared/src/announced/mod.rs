//! What the processes of a system tell each other in a word: that a render is there, and what to forget.
//!
//! A word may be lost, and is a hint only: whoever waits also looks, and what lagged behind forgets everything. What must
//! not be here: how a word travels (`redis_link`; in one process it does not), and what anybody does at it.

mod forget;
mod wakeup;

pub(crate) use self::forget::{FORGETS_MAX, IMAGES_MAX};
pub use self::{
    forget::Forget,
    wakeup::{Waiter, Wakeups},
};
