//! DICOMweb: searches, metadata, files, frames and pictures, and what is not built of it.

mod accepts;
mod archive;
mod frames;
mod held;
mod instances;
mod keys;
mod metadata;
mod presentation_states;
mod rendered;
mod rows;
mod segmentations;
mod unbuilt;
mod wado_uri;
