//! The contracts of the back ends, each run on every variant. A service that is missing is a failure.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod asking;
mod background;
mod cache;
mod catalog;
mod coordination;
mod forgetting;
mod messages;
mod private_redis;
mod queue;
mod said;
mod services;
mod waiting;
