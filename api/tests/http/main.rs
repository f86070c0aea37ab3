//! The API over HTTP, driven through the real router. Each test has a house of its own.

mod attacks;
mod dead_letters;
mod deletion;
mod explaining;
mod files;
mod frames;
mod held;
mod house;
mod jobs;
mod login;
mod model;
mod network;
mod openapi;
mod operation;
mod outages;
mod pictures;
mod prefetch;
mod problems;
mod provider;
mod sending;
mod sharing;
mod studies;
mod tls;
mod waiting;
mod webhooks;
mod wire;
