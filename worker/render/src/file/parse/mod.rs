//! Where the data elements of a file lie, and the values a render needs of them.
//!
//! A walker of our own goes first, because dicom-object trusts declared lengths: a file of 1 KB could make it
//! allocate 4 GB. Nothing here copies values; `Header::dataset` builds the full object only when asked.
//! In the order of the bytes: [`start`], then [`walk`] from [`element`] to element; [`view`] reads values where they lie.

pub(crate) mod element;
pub(crate) mod foreign;
pub(crate) mod start;
pub(crate) mod stop;
pub(crate) mod view;
pub(crate) mod walk;
