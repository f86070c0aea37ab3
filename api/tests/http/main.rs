//! The API over HTTP, driven through the real router. Each test has a house of its own.

mod explaining;
mod house;
mod login;
mod model;
mod openapi;
mod operation;
mod outages;
mod pictures;
mod problems;
mod sending;
mod studies;
mod waiting;
