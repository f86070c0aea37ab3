//! The header of a file: where its data elements lie, and the values a render needs.
//!
//! A walker of our own goes first, because dicom-object trusts declared lengths: a file of 1 KB could make it
//! allocate 4 GB. Nothing here copies values; `Header::dataset` builds the full object only when asked.

pub(crate) mod element;
pub(crate) mod file;
pub(crate) mod foreign;
pub(crate) mod stop;
pub(crate) mod view;
pub(crate) mod walk;
