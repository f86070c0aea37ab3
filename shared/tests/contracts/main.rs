//! Contract suites: each back end's module states its contract as a list, and here is a test for each line, run on
//! every variant. A service that is missing is a failure, never a pass.

mod messages;
mod queue;
mod services;
mod waiting;
