//! Lists of studies, and their removal.

use std::{collections::HashSet, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use noctis_shared::catalog::{Catalog, CatalogError, NewInstance, Scope, StudyFilter, StudyOrder, StudySort};

use super::{
    place::Place,
    sample::{
        all, assert_counts, image_id, instance, key, picture, put, series_id, series_uid, study_id, study_uid,
    },
};

pub(super) async fn pages_neither_lose_nor_repeat_a_study(place: Arc<Place>) {
    let catalog = place.connect().await;
    let mut batch: Vec<NewInstance> = (1..=60).map(|study| instance(study, 1, 1)).collect();
    // Seven undated ones.
    batch.iter_mut().step_by(9).for_each(|instance| instance.study.study_date = None);
    catalog.record_instances(&batch, false).await.unwrap();
    for limit in [1, 7, 60, 61] {
        let mut filter = StudyFilter { limit, ..all() };
        let mut seen = Vec::new();
        loop {
            let page = catalog.studies(&filter).await.unwrap();
            assert!(page.studies.len() <= limit as usize);
            assert_eq!(page.total, 60, "whichever page tells it");
            seen.extend(page.studies);
            match page.next {
                Some(next) => filter.after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen.len(), 60, "pages of {limit}");
        assert_eq!(seen.iter().map(|study| study.study_id).collect::<HashSet<_>>().len(), 60);
        let order = |study: &noctis_shared::answer::Study| (study.facts.study_date.clone(), study.study_id);
        assert!(seen.is_sorted_by(|left, right| {
            let (left, right) = (order(left), order(right));
            left.0 > right.0 || (left.0 == right.0 && left.1 < right.1)
        }));
        assert!(seen[53..].iter().all(|study| study.facts.study_date.is_none()), "undated last");
    }
    let page = catalog.studies(&StudyFilter::default()).await.unwrap();
    assert_eq!(page.studies.len(), 1, "a limit of 0 is 1");
}

pub(super) async fn every_sort_has_pages_that_agree_with_it(place: Arc<Place>) {
    let catalog = place.connect().await;
    let mut batch: Vec<NewInstance> = (1..=30).map(|study| instance(study, 1, 1)).collect();
    for (index, instance) in batch.iter_mut().enumerate() {
        let patient = &mut instance.study.patient;
        // Some of them equal, some absent.
        patient.patient_name =
            (index % 7 != 0).then(|| format!("Name^{}", char::from(b'a' + index as u8 % 5)));
        patient.patient_id = (index % 5 != 0).then(|| format!("id-{}", index % 11));
        instance.series.modality = (index % 4 != 0).then(|| ["CT", "MR", "US"][index % 3].to_owned());
        instance.study.study_date = (index % 6 != 0).then(|| format!("2026-02-{:02}", index % 9 + 1));
        catalog.record_instances(std::slice::from_ref(instance), false).await.unwrap();
    }
    type Key = fn(&noctis_shared::answer::Study) -> String;
    let keys: [(StudySort, Key); 5] = [
        (StudySort::Date, |study| study.facts.study_date.clone().unwrap_or_default()),
        (StudySort::Name, |study| {
            study.facts.patient.patient_name.clone().unwrap_or_default().to_lowercase()
        }),
        (StudySort::Id, |study| study.facts.patient.patient_id.clone().unwrap_or_default()),
        (StudySort::Modality, |study| study.modalities.first().cloned().unwrap_or_default()),
        (StudySort::Changed, |study| study.changed_at.clone().unwrap_or_default()),
    ];
    for (by, key) in keys {
        for descending in [false, true] {
            let mut filter =
                StudyFilter { limit: 7, order: StudyOrder { by, descending }, ..StudyFilter::default() };
            let mut seen = Vec::new();
            loop {
                let page = catalog.studies(&filter).await.unwrap();
                assert_eq!(page.total, 30);
                seen.extend(page.studies);
                match page.next {
                    Some(next) => filter.after = Some(next),
                    None => break,
                }
            }
            let ids: HashSet<_> = seen.iter().map(|study| study.study_id).collect();
            assert_eq!((seen.len(), ids.len()), (30, 30), "{by:?}");
            let sorted = seen.is_sorted_by(|left, right| {
                let (left, right) = ((key(left), left.study_id), (key(right), right.study_id));
                let in_order = if descending { left.0 > right.0 } else { left.0 < right.0 };
                in_order || (left.0 == right.0 && left.1 < right.1)
            });
            assert!(sorted, "{by:?} {descending}: {:?}", seen.iter().map(key).collect::<Vec<_>>());
        }
    }
}

pub(super) async fn what_changed_since_is_told(place: Arc<Place>) {
    let catalog = place.connect().await;
    catalog.record_instances(&[instance(1, 1, 1), instance(2, 1, 1)], false).await.unwrap();
    let changed = |study: noctis_shared::answer::Study| {
        let time = study.changed_at.expect("it was noted");
        DateTime::parse_from_rfc3339(&time).expect("RFC 3339").timestamp_millis()
    };
    let first = changed(catalog.study(study_id(2)).await.unwrap().unwrap());
    let later = async || {
        // The clock goes on, if only by a millisecond.
        while Utc::now().timestamp_millis() <= first {
            tokio::task::yield_now().await;
        }
    };
    later().await;
    catalog.record_instances(&[instance(1, 1, 1)], false).await.unwrap();
    let since = |since| StudyFilter { since: Some(since), ..all() };
    assert_found(&catalog, since(first), &[1, 2]).await;
    assert_found(&catalog, since(first + 1), &[]).await;
    catalog.record_instances(&[instance(1, 1, 2)], false).await.unwrap();
    assert_found(&catalog, since(first + 1), &[1]).await;
}

/// Three studies to look for.
async fn with_people(catalog: &Catalog) {
    let person = |study, id: &str, name: &str, date: Option<&str>, description: &str, modality: &str| {
        let mut person = instance(study, 1, 1);
        let patient = &mut person.study.patient;
        (patient.patient_id, patient.patient_name) = (Some(id.to_owned()), Some(name.to_owned()));
        person.study.study_date = date.map(str::to_owned);
        person.study.study_description = Some(description.to_owned());
        person.study.accession_number = Some(format!("ACC{study}"));
        person.series.modality = Some(modality.to_owned());
        person
    };
    let batch = [
        person(1, "AB-100", "Müller^Hans^^Dr.", Some("2026-03-01"), "Thorax nativ", "CT"),
        person(2, "ab-1001", "Ωmega^Anna=山田^太郎", Some("2026-03-15"), "Schädel 100%", "MR"),
        person(3, "XY_7", "O'Neil^Hans_Peter", None, "Thorax pa", "DX"),
    ];
    catalog.record_instances(&batch, false).await.unwrap();
}

async fn assert_found(catalog: &Catalog, filter: StudyFilter, expected: &[u32]) {
    let found = catalog.studies(&StudyFilter { limit: 100, ..filter.clone() }).await.unwrap();
    // The same counted over pages.
    let first = catalog.studies(&StudyFilter { limit: 1, ..filter.clone() }).await.unwrap();
    assert_eq!((found.total, first.total), (expected.len() as u64, expected.len() as u64), "{filter:?}");
    let mut found: Vec<String> = found.studies.into_iter().map(|study| study.study_instance_uid).collect();
    found.sort();
    assert_eq!(found, expected.iter().map(|study| study_uid(*study)).collect::<Vec<_>>(), "{filter:?}");
}

pub(super) async fn filters_narrow_the_list(place: Arc<Place>) {
    let catalog = place.connect().await;
    with_people(&catalog).await;
    let patients = [
        ("AB-100", &[1][..]),
        ("ab-100*", &[1, 2]),
        ("AB-100?", &[2]),
        ("100", &[]),
        ("mÜLLER", &[1]),
        ("müller^hans", &[1]),
        ("müller hans", &[1]),
        ("hans muller", &[1]),
        ("MULLER", &[1]),
        ("peter hans o'neil", &[3]),
        ("hans anna", &[]),
        ("Öm*ga", &[]),
        ("ωmega 太郎", &[2]),
        ("HANS", &[1, 3]),
        ("m*dr", &[1]),
        ("ωMEGA", &[2]),
        ("山田", &[2]),
        ("o'neil", &[3]),
        ("nobody", &[]),
        ("", &[1, 2, 3]),
        ("  ", &[1, 2, 3]),
        ("*", &[1, 2, 3]),
    ];
    for (patient, expected) in patients {
        assert_found(&catalog, StudyFilter { patient: Some(patient.to_owned()), ..all() }, expected).await;
    }
    for (modality, expected) in [("CT", &[1][..]), ("mr", &[2]), ("US", &[])] {
        assert_found(&catalog, StudyFilter { modality: Some(modality.to_owned()), ..all() }, expected).await;
    }
    let words = [
        ("thorax", &[1, 3][..]),
        ("hans thorax nativ", &[1]),
        ("acc2", &[2]),
        ("AB-1", &[1, 2]),
        ("schadel", &[2]),
        ("SCHÄDEL 100%", &[2]),
        ("hans muller", &[1]),
        ("zz", &[]),
    ];
    for (q, expected) in words {
        assert_found(&catalog, StudyFilter { q: Some(q.to_owned()), ..all() }, expected).await;
    }
    let day = |day| NaiveDate::from_ymd_opt(2026, 3, day);
    let dates =
        [(day(1), None, &[1, 2][..]), (day(2), None, &[2]), (None, day(15), &[1, 2]), (day(2), day(14), &[])];
    for (from, to, expected) in dates {
        assert_found(&catalog, StudyFilter { from, to, ..all() }, expected).await;
    }
    let among = |studies: &[u32]| Some(studies.iter().copied().map(study_id).collect());
    for (studies, expected) in [(&[1, 3][..], &[1, 3][..]), (&[2, 9], &[2]), (&[], &[])] {
        assert_found(&catalog, StudyFilter { among: among(studies), ..all() }, expected).await;
    }
    let words = StudyFilter { among: among(&[2, 3]), q: Some("thorax".to_owned()), ..all() };
    assert_found(&catalog, words, &[3]).await;
    let both = StudyFilter { patient: Some("hans".to_owned()), modality: Some("CT".to_owned()), ..all() };
    assert_found(&catalog, both, &[1]).await;
}

pub(super) async fn wildcards_of_sql_are_letters(place: Arc<Place>) {
    let catalog = place.connect().await;
    with_people(&catalog).await;
    let patients = [
        ("%", &[][..]),
        ("XY_7", &[3]),
        ("AB_100", &[]),
        ("hans_p", &[3]),
        ("\\", &[]),
        ("' OR 1=1 --", &[]),
    ];
    for (patient, expected) in patients {
        assert_found(&catalog, StudyFilter { patient: Some(patient.to_owned()), ..all() }, expected).await;
    }
    assert_found(&catalog, StudyFilter { q: Some("100%".to_owned()), ..all() }, &[2]).await;
    let odd = StudyFilter { q: Some("\0".to_owned()), modality: Some("C\0T".to_owned()), ..all() };
    assert_found(&catalog, odd, &[1]).await;
}

pub(super) async fn a_page_that_nobody_gave_is_refused(place: Arc<Place>) {
    let catalog = place.connect().await;
    for after in ["", "1", "2026-01-01.", "2026\0.6ba7b8109dad11d180b400c04fd430c8"] {
        let error =
            catalog.studies(&StudyFilter { after: Some(after.to_owned()), ..all() }).await.unwrap_err();
        assert!(matches!(error, CatalogError::Invalid(_)), "{after:?}: {error}");
    }
}

pub(super) async fn a_study_tells_its_modalities_and_series_in_order(place: Arc<Place>) {
    let catalog = place.connect().await;
    let series = |uid_number: u32, number: Option<i32>, modality: Option<&str>| {
        let mut series = instance(1, uid_number, 1);
        series.series.series_number = number;
        series.series.modality = modality.map(str::to_owned);
        series
    };
    let batch = [
        series(5, None, None),
        series(4, Some(10), Some("PT")),
        series(3, Some(2), Some("CT")),
        series(2, Some(2), Some("SR")),
        series(1, Some(-1), Some("CT")),
    ];
    catalog.record_instances(&batch, false).await.unwrap();
    let study = catalog.study(study_id(1)).await.unwrap().unwrap();
    assert_eq!(study.modalities, ["CT", "PT", "SR"]);
    assert_eq!((study.series_count, study.image_count), (5, 5));
    let listed = catalog.series_of_study(study_id(1)).await.unwrap().unwrap();
    let uids: Vec<String> = listed.iter().map(|series| series.series_instance_uid.clone()).collect();
    assert_eq!(uids, [1, 2, 3, 4, 5].map(|number| series_uid(1, number)));
    assert!(listed.iter().all(|series| series.study_id == study_id(1) && series.image_count == 1));
}

pub(super) async fn a_deleted_study_is_gone_with_its_renders_and_others_stay(place: Arc<Place>) {
    let catalog = place.connect().await;
    let batch = [instance(1, 1, 1), instance(1, 2, 1), instance(2, 1, 1)];
    catalog.record_instances(&batch, false).await.unwrap();
    put(&catalog, 1, image_id(1, 1, 1), &picture(10)).await;
    put(&catalog, 2, image_id(2, 1, 1), &picture(10)).await;

    let mut deleted = catalog.delete(&Scope::Study(study_id(1)), &|_, _| false).await.unwrap().image_ids;
    deleted.sort_unstable();
    let mut expected = [image_id(1, 1, 1), image_id(1, 2, 1)];
    expected.sort_unstable();
    assert_eq!(deleted, expected);
    assert_eq!(catalog.study(study_id(1)).await, Ok(None));
    assert_eq!(catalog.images_of_series(series_id(1, 1)).await, Ok(None));
    assert_eq!(catalog.image(image_id(1, 1, 1)).await, Ok(None));
    assert_eq!(catalog.render(&key(1)).await, Ok(None));
    assert_eq!(catalog.render(&key(2)).await, Ok(Some(picture(10))));
    assert_counts(&catalog, 1, 1, 1).await;
    assert!(catalog.delete(&Scope::Study(study_id(1)), &|_, _| false).await.unwrap().image_ids.is_empty());
    // And it may come back.
    catalog.record_instances(&batch, false).await.unwrap();
    assert_counts(&catalog, 2, 3, 3).await;
}

pub(super) async fn a_study_deleted_while_it_grows_is_whole_or_gone(place: Arc<Place>) {
    let catalog = place.connect().await;
    let writer = tokio::spawn({
        let catalog = catalog.clone();
        async move {
            for number in 0..40 {
                catalog.record_instances(&[instance(1, number % 2, number)], false).await.unwrap();
            }
        }
    });
    let mut deleted = 0;
    while !writer.is_finished() {
        deleted += catalog.delete(&Scope::Study(study_id(1)), &|_, _| false).await.unwrap().image_ids.len();
    }
    writer.await.unwrap();
    let left = catalog.image_ids(&Scope::Study(study_id(1))).await.unwrap().len();
    assert_eq!(deleted + left, 40, "each instance was deleted or is there");
    let study = catalog.study(study_id(1)).await.unwrap();
    assert_eq!(study.map_or(0, |study| study.image_count as usize), left);
    assert_eq!(catalog.counts().await.unwrap().instances, left as u64);
}
