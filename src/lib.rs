//! Noctis: DICOM pictures for viewers. This library holds what the commands of the `noctis` program are made of.

pub mod demo;
