//! The one way to ask for a render, whoever asks.
//!
//! [`view`] turns a named view into a [`FrameRequest`], `views` those of a study into pictures; [`cost`] and `lane` say what a render takes and where it waits;
//! `share` bounds what one client has on-screen at a time; `keeping` says which pictures the catalog keeps, and `confirmed`
//! which images it was asked for a moment ago; `job` makes the message; `look` knows where a picture may
//! already be; `flight` lets equal requests of one process travel together; `journey` is the way itself: look, claim,
//! publish, wait; `background` is the way of a picture that nobody looks at yet.
//!
//! What must not be here: anything of HTTP, who may see what (decided before anybody comes here), and decoding.

mod background;
mod confirmed;
pub mod cost;
mod error;
mod flight;
mod job;
mod journey;
mod keeping;
mod lane;
mod look;
mod share;
pub mod view;
mod views;

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

pub use self::{
    background::Background,
    error::SubmitError,
    flight::{Landing, Seat},
    keeping::is_kept,
    lane::awaited as lane_of_awaited,
    look::{Found, Tier},
    views::{PICTURES_MAX, ViewOfImage, Views},
};
use self::{confirmed::Confirmed, flight::Flights, journey::Journey, share::Shares};
use crate::{
    cache::{Cache, LocalCache},
    catalog::{Catalog, ImageRecord},
    coordination::Coordination,
    presets::Presets,
    program::BackEnds,
    queue::Queue,
    render_key::RenderKey,
    request::FrameRequest,
};

/// One picture that is wanted. Whoever makes this value has asked whether it may be seen.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The instance, as the caller knows it.
    pub image: Arc<ImageRecord>,
    /// The name of the picture: of [`Wanted::image`]'s bytes and [`Wanted::request`].
    pub key: RenderKey,
    /// What is asked of it.
    pub request: FrameRequest,
    /// Who asks: the name under which its requests are counted.
    pub client: String,
}

/// Where pictures are asked for. Cheap to clone.
#[derive(Clone)]
pub struct Submit {
    queue: Queue,
    cache: Cache,
    coordination: Coordination,
    catalog: Catalog,
    /// Pictures in this process, in front of a shared cache.
    local: LocalCache,
    flights: Flights,
    shares: Shares,
    confirmed: Confirmed,
    /// What the catalog keeps is among them.
    presets: Arc<Presets>,
}

impl Submit {
    /// Asks by these back ends, and keeps pictures of a shared cache in `local` too.
    #[must_use]
    pub fn new(back_ends: &BackEnds, local: LocalCache) -> Self {
        let BackEnds { queue, cache, coordination, catalog } = back_ends.clone();
        Self {
            queue,
            cache,
            coordination,
            catalog,
            local,
            flights: Flights::default(),
            shares: Shares::default(),
            confirmed: Confirmed::default(),
            presets: Arc::default(),
        }
    }

    /// The same where other presets have names than those of the program.
    #[must_use]
    pub fn with_presets(self, presets: Arc<Presets>) -> Self {
        Self { presets, ..self }
    }

    /// The windows that have names.
    #[must_use]
    pub fn presets(&self) -> &Presets {
        &self.presets
    }

    /// What the memory of this process has under `key`.
    pub async fn look_here(&self, key: &RenderKey) -> Option<Found> {
        look::in_process(self, key).await
    }

    /// What the shared cache or the catalog has under `key`; nothing is asked of a worker.
    pub async fn look_everywhere(&self, image_id: Uuid, key: &RenderKey) -> Option<Found> {
        match look::in_cache(self, image_id, key, None).await {
            Some(found) => Some(found),
            None => look::in_catalog(self, image_id, key).await,
        }
    }

    /// A seat in the flight of this picture, for one who waits up to `patience`. The flight goes on as long as
    /// somebody has a seat in it.
    pub fn board(&self, wanted: Wanted, patience: Duration) -> Seat {
        let key = wanted.key;
        self.flights.board(key, patience, |board| Journey::new(self.clone(), wanted, patience, board).land())
    }

    /// Flights under way.
    #[must_use]
    pub fn flight_count(&self) -> usize {
        self.flights.count()
    }

    /// Drops what the memory of this process has of these images.
    pub fn forget_images(&self, image_ids: &[Uuid]) {
        self.local.forget_images(image_ids);
        self.confirmed.forget_images(image_ids);
    }

    /// Drops all that the memory of this process has.
    pub fn forget_everything(&self) {
        self.local.clear();
        self.confirmed.clear();
    }
}
