//! The contracts of the back ends, each run on every variant. A service that is missing is a failure.

mod cache;
mod messages;
mod queue;
mod services;
mod waiting;
