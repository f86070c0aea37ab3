//! The all-in-one server and the operator's commands of Noctis: one file a command under `commands`.
//!
//! Architecture invariant: this package only puts parts together. HTTP is in `noctis-api`, decoding in
//! `noctis-worker`, back ends in `noctis-shared`.

pub mod commands;
//! Noctis: DICOM pictures for viewers. This library holds what the commands of the `noctis` program are made of.
pub mod demo;
