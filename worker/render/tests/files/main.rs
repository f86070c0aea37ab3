//! Behaviour on files made here: what a request can ask for, and what a hostile file cannot do.

mod attributes;
mod builder;
mod colours;
mod corners;
mod explanations;
mod hostile;
mod jpeg_lossless;
mod plain_files;
mod planes;
mod presentation_states;
mod requests;
mod segmentations;
