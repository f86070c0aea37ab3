//! Webhooks, and what is on its way to them.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use noctis_shared::{
    catalog::{Catalog, Scope},
    event::{Event, StudyTold},
    webhook::{Secret, StudyNews, WEBHOOKS_MAX, Webhook},
};
use uuid::Uuid;

use super::{
    place::Place,
    sample::{instance, study_id, study_uid},
};

const LONG: Duration = Duration::from_secs(600);

async fn add(catalog: &Catalog, url: &str, events: &[StudyNews]) -> (Webhook, Secret) {
    let created_at = chrono::DateTime::from_timestamp_micros(Utc::now().timestamp_micros()).unwrap();
    let webhook =
        Webhook { webhook_id: Uuid::new_v4(), url: url.to_owned(), events: events.to_vec(), created_at };
    let secret = Secret::random();
    assert!(catalog.add_webhook(&webhook, &secret).await.unwrap());
    (webhook, secret)
}

async fn delete_a_study(catalog: &Catalog) {
    catalog.record_instances(&[instance(1, 1, 1)], false).await.unwrap();
    catalog.delete(&Scope::Study(study_id(1)), &|_, _| false).await.unwrap();
}

async fn announce(catalog: &Catalog) -> usize {
    let announcements = catalog.take_announcements(10, LONG).await.unwrap();
    for announcement in &announcements {
        catalog.announced(announcement).await.unwrap();
    }
    announcements.len()
}

pub(super) async fn a_webhook_reads_back_and_is_removed_with_its_messages(place: Arc<Place>) {
    let catalog = place.connect().await;
    let (first, _) = add(&catalog, "https://a.example/", &StudyNews::ALL).await;
    let (second, _) = add(&catalog, "https://b.example/", &[StudyNews::Changed]).await;
    assert_eq!(catalog.webhooks().await.unwrap(), [first.clone(), second.clone()]);
    delete_a_study(&catalog).await;
    assert_eq!(announce(&catalog).await, 1);
    assert!(catalog.remove_webhook(first.webhook_id).await.unwrap());
    assert!(!catalog.remove_webhook(first.webhook_id).await.unwrap(), "again");
    assert_eq!(catalog.take_webhook_messages(10, LONG).await.unwrap(), []);
    assert_eq!(catalog.webhooks().await.unwrap(), std::slice::from_ref(&second));
    for _ in 1..WEBHOOKS_MAX {
        add(&catalog, "https://c.example/", &[StudyNews::New]).await;
    }
    let one_more = Webhook { webhook_id: Uuid::new_v4(), ..second };
    assert!(!catalog.add_webhook(&one_more, &Secret::random()).await.unwrap(), "as many as there may be");
}

pub(super) async fn an_event_becomes_a_message_to_each_webhook_that_wants_it(place: Arc<Place>) {
    let catalog = place.connect().await;
    let (wants, secret) = add(&catalog, "https://a.example/", &[StudyNews::New, StudyNews::Deleted]).await;
    add(&catalog, "https://b.example/", &[StudyNews::New]).await;
    delete_a_study(&catalog).await;
    let event = catalog.take_announcements(10, LONG).await.unwrap().remove(0);
    // Told twice, since whoever told it first died before it said so.
    catalog.announced(&event).await.unwrap();
    catalog.announced(&event).await.unwrap();
    let [message] = &catalog.take_webhook_messages(10, LONG).await.unwrap()[..] else {
        panic!("one message")
    };
    assert_eq!((message.event_id, message.webhook_id), (event.event_id, wants.webhook_id));
    assert_eq!((&message.url, &message.secret, &message.body), (&wants.url, &secret, &event.body));
    assert_eq!(catalog.take_webhook_messages(10, LONG).await.unwrap(), [], "it is in hand");

    catalog.webhook_message_failed(message, Duration::ZERO).await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let again = catalog.take_webhook_messages(10, LONG).await.unwrap().remove(0);
    assert_eq!((again.attempt, again.event_id), (1, event.event_id));
    catalog.webhook_message_failed(&again, LONG).await.unwrap();
    assert_eq!(catalog.take_webhook_messages(10, LONG).await.unwrap(), [], "it is not due");
    catalog.webhook_message_done(&again).await.unwrap();
}

pub(super) async fn what_happens_to_a_study_at_once_is_told_once_and_to_nobody_who_does_not_ask(
    place: Arc<Place>,
) {
    let catalog = place.connect().await;
    catalog.note_study(StudyNews::New, &study_uid(1)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(5100)).await;
    assert_eq!(catalog.take_announcements(10, LONG).await.unwrap(), [], "nobody asks");
    add(&catalog, "https://a.example/", &StudyNews::ALL).await;
    catalog.note_study(StudyNews::New, &study_uid(1)).await.unwrap();
    catalog.note_study(StudyNews::Changed, &study_uid(1)).await.unwrap();
    catalog.note_study(StudyNews::Changed, &study_uid(2)).await.unwrap();
    assert_eq!(catalog.take_announcements(10, LONG).await.unwrap(), [], "there may be more to come");
    tokio::time::sleep(Duration::from_millis(5100)).await;
    let mut told: Vec<(String, Option<String>, Uuid)> = Vec::new();
    for announcement in catalog.take_announcements(10, LONG).await.unwrap() {
        let event: Event<StudyTold> = serde_json::from_str(&announcement.body).unwrap();
        assert_eq!(event.kind, announcement.event_type);
        told.push((event.kind, event.subject, event.data.study_id));
    }
    told.sort();
    let expected = [("study.changed.v1", 2), ("study.new.v1", 1)];
    let expected = expected.map(|(kind, study)| (kind.to_owned(), Some(study_uid(study)), study_id(study)));
    assert_eq!(told, expected);
}
