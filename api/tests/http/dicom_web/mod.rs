//! DICOMweb: searches, metadata, and what is not built of it.

mod archive;
mod frames;
mod held;
mod instances;
mod keys;
mod metadata;
mod rows;
mod unbuilt;
