//! Uploads, and what became of their files.

use std::{sync::Arc, time::Duration};

use noctis_shared::upload::{
    Admits, InstanceUids, UPLOAD_KEPT, Upload, UploadResult, UploadState, UploadedInstance,
};
use uuid::Uuid;

use super::place::Place;

pub(super) async fn an_upload_reads_back_as_far_as_it_is(place: Arc<Place>) {
    let catalog = place.connect().await;
    let mut upload = Upload {
        event_id: Uuid::new_v4(),
        owner: "sub:ward-7".to_owned(),
        admits: Admits {
            study_instance_uid: Some("1.2".to_owned()),
            study_ids: Some(vec![Uuid::from_u128(1), Uuid::from_u128(2)]),
        },
        state: UploadState::Arriving,
        instances: vec![],
    };
    let event_id = upload.event_id;
    let read = || async { catalog.upload(event_id).await.unwrap() };
    assert_eq!(read().await, None);
    catalog.upload_arrived(event_id).await.unwrap();
    catalog.begin_upload(&upload).await.unwrap();
    assert_eq!(read().await.as_ref(), Some(&upload));
    catalog.upload_arrived(event_id).await.unwrap();
    upload.state = UploadState::Arrived;
    assert_eq!(read().await.as_ref(), Some(&upload));
    assert!(!catalog.is_upload_done(event_id).await.unwrap());

    upload.state = UploadState::Done;
    let named = Some(InstanceUids {
        study_instance_uid: "1.2".to_owned(),
        series_instance_uid: "1.3".to_owned(),
        sop_class_uid: None,
        sop_instance_uid: "1.4".to_owned(),
    });
    upload.instances = vec![
        UploadedInstance { named, result: UploadResult::Duplicate, reason: None },
        UploadedInstance {
            named: None,
            result: UploadResult::Rejected,
            reason: Some("it is none".to_owned()),
        },
    ];
    catalog.upload_done(event_id, &upload.instances).await.unwrap();
    assert!(catalog.is_upload_done(event_id).await.unwrap());
    // Of two workers the second changes nothing, and neither does a late word of its arrival.
    catalog.upload_done(event_id, &[]).await.unwrap();
    catalog.upload_arrived(event_id).await.unwrap();
    assert_eq!(read().await.as_ref(), Some(&upload));

    assert_eq!(catalog.stale_uploads(UPLOAD_KEPT, 10).await.unwrap(), [] as [Uuid; 0]);
    assert_eq!(catalog.stale_uploads(Duration::ZERO, 10).await.unwrap(), [event_id]);
    assert_eq!(catalog.take_untaken_uploads(10).await.unwrap(), [] as [Uuid; 0]);
    catalog.forget_upload(event_id).await.unwrap();
    assert_eq!(read().await, None);
}
