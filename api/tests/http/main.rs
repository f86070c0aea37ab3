//! The API over HTTP, driven through the real router. Each test has a house of its own.

mod dead_letters;
mod deletion;
mod files;
mod house;
mod login;
mod operation;
mod outages;
mod pictures;
mod problems;
mod sending;
mod studies;
mod waiting;
mod webhooks;
