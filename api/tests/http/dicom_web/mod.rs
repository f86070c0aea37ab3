//! DICOMweb: searches, metadata, files, frames and pictures, and what is not built of it.

mod accepts;
mod animated;
mod archive;
mod as_it_is;
mod bulk_data;
mod frames;
mod held;
mod instances;
mod joined;
mod keys;
mod metadata;
mod ohif;
mod planes;
mod presentation_states;
mod ranges;
mod rendered;
mod rows;
mod segmentations;
mod unbuilt;
mod wado_uri;
