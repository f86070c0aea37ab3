//! Job in, picture stored: consumes render jobs and events about studies.
//!
//! Read [`lanes`] for the loop that takes work, [`render_job`] for what happens to a render job, [`slot`] for where
//! untrusted bytes are decoded, [`index`] for new studies, [`receive`] for files that come from outside.
//!
//! Architecture invariant: nothing here knows HTTP routes of the API; a job carries all a render needs.

pub mod errands;
pub mod index;
pub mod lanes;
pub mod presence;
pub mod probes;
pub mod program;
pub mod receive;
pub mod render_job;
mod settlement;
pub mod slot;
pub mod verify;

pub use program::{Worker, run};

#[cfg(test)]
mod tests {
    /// The API names renders by the version that the shared package states, and links no renderer to compare with.
    #[test]
    fn both_sides_state_the_same_version_of_the_renderer() {
        assert_eq!(noctis_shared::render_key::RENDERER_VERSION, noctis_render::RENDERER_VERSION);
    }

    /// What the API takes the renderer makes.
    #[test]
    fn both_sides_state_the_same_largest_side() {
        assert_eq!(noctis_shared::request::SIDE_PIXELS_MAX, noctis_render::SIDE_PIXELS_MAX);
    }
}
