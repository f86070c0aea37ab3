//! Telling the index of what was stored.

use noctis_shared::{
    event::{Event, InstanceLocation, STUDY_NEW, StudyEvent, StudyNew},
    queue::Queue,
};
use tokio_util::sync::CancellationToken;

use super::ReceiveError;
use crate::index::Indexer;

/// How the index hears of new files.
pub enum Announce {
    /// By `study.new.v1`, for whichever worker takes it.
    Event {
        /// Where events go.
        queue: Queue,
        /// The `source` of the events.
        source: &'static str,
    },
    /// At once, in this process: nobody else would hear an event.
    Here(Box<Indexer>),
}

impl Announce {
    /// Announces files of one study at these locations.
    pub(super) async fn study(
        &self,
        study_instance_uid: &str,
        locations: Vec<String>,
        replace: bool,
    ) -> Result<(), ReceiveError> {
        match self {
            Announce::Event { queue, source } => {
                let instances = locations.into_iter().map(|location| InstanceLocation { location }).collect();
                let data = StudyNew { instances, replace, ..StudyNew::default() };
                let event = Event::new(STUDY_NEW, source, Some(study_instance_uid.to_owned()), data);
                Ok(queue.publish_event(&StudyEvent::New(event)).await?)
            }
            Announce::Here(indexer) => {
                let nobody_stops_it = CancellationToken::new();
                indexer.index(&locations, replace, &nobody_stops_it, |_, _| {}).await?;
                Ok(())
            }
        }
    }
}
