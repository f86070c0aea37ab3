//! The API over HTTP, driven through the real router. Each test has a house of its own.

mod house;
mod jobs;
mod login;
mod operation;
mod outages;
mod pictures;
mod prefetch;
mod problems;
mod sending;
mod studies;
mod waiting;
