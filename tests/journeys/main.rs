//! Journeys through the programs by their public contract alone: programs, settings, HTTP, messages.

#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]
#![expect(clippy::print_stdout, reason = "the corpus journey tells how many pictures it compared")]

mod animations;
mod bad_input;
mod colours;
mod commands;
mod corpus;
mod deletion;
mod distributed;
mod embedded;
mod files;
mod found;
mod http;
mod identity;
mod jobs;
mod login;
mod network;
mod presentation_states;
mod program;
mod readme;
mod reasons;
mod segmentations;
mod services;
mod storage;
mod text;
mod uploads;
mod verify;
mod webhooks;
mod written;
