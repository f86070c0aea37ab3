//! The all-in-one server and the operator's commands of Noctis: one file a command under `commands`.
//!
//! Architecture invariant: this package only puts parts together. HTTP is in `noctis-api`, decoding in
//! `noctis-worker`, back ends in `noctis-shared`, the demonstration study in `noctis-demo`.

pub mod commands;
