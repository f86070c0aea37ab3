//! Journeys through the programs by their public contract alone: programs, settings, HTTP, messages.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails may panic")]

mod bad_input;
mod commands;
mod corpus;
mod distributed;
mod embedded;
mod files;
mod http;
mod program;
mod services;
