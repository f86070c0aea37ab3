//! What the API and the worker share: schemas of jobs, events and answers; the back ends (queue, cache, coordination,
//! catalog, storage); the one way to ask for a render; settings and telemetry.
//!
//! Architecture invariant: nothing here knows HTTP or how to decode a picture. Start with
//! [`job::RenderJob`], the one value that crosses from the API to a worker.

pub mod announced;
pub mod answer;
pub mod auth;
pub mod bulk;
pub mod cache;
pub mod catalog;
mod circuit;
pub mod client_job;
pub mod coordination;
pub mod derived_uid;
pub mod dicom_uid;
pub mod event;
pub mod explanation;
pub mod facts;
pub mod forget;
pub mod header_json;
pub mod health;
pub mod image_facts;
pub mod job;
pub mod lane;
pub mod metadata_names;
pub mod own_id;
pub mod presence;
pub mod presets;
pub mod program;
pub mod purpose;
pub mod queue;
pub mod redis_link;
pub mod render;
pub mod render_key;
pub mod request;
pub mod settings;
pub mod sop_class;
pub mod storage;
pub mod submit;
pub mod telemetry;
pub mod trace_context;
pub mod upload;
pub mod volume_plane;
pub mod webhook;
