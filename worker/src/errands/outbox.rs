//! Telling what happened to studies: on the exchange of events, and to the webhooks that want it.

use noctis_shared::{
    catalog::{Announcement, Catalog, CatalogError},
    event::{Event, STUDY_DELETED, StudyDeleted, StudyEvent},
    queue::{PublishError, Queue},
};
use tracing::{debug, error};

use super::{LEASE, TAKEN_MAX};

/// Tells all there is to tell now. What the queue does not take is told when its lease is over.
pub(super) async fn tell(catalog: &Catalog, queue: &Queue) -> Result<(), CatalogError> {
    loop {
        let taken = catalog.take_announcements(TAKEN_MAX, LEASE).await?;
        if taken.is_empty() {
            return Ok(());
        }
        for announcement in taken {
            match publish(&announcement, queue).await {
                Ok(()) => catalog.announced(&announcement).await?,
                Err(error) => debug!(%error, "an event is told later"),
            }
        }
    }
}

async fn publish(announcement: &Announcement, queue: &Queue) -> Result<(), PublishError> {
    // The others are for webhooks: on the exchange `study.new.v1` is an order to index.
    if announcement.event_type != STUDY_DELETED {
        return Ok(());
    }
    match serde_json::from_str::<Event<StudyDeleted>>(&announcement.body) {
        Ok(event) => queue.publish_event(&StudyEvent::Deleted(event)).await,
        Err(_) => {
            error!(event.id = %announcement.event_id, "an event of the outbox does not read and is dropped");
            Ok(())
        }
    }
}
