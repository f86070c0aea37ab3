//! Searches at three levels, and headers in portions.

use std::sync::Arc;

use noctis_shared::{
    catalog::{
        Among, Catalog, HeadersOf, Hit, NewInstance, Remaining, Search, SearchKey, SearchLevel, SearchOrder,
        header_portion,
    },
    own_id,
};
use uuid::Uuid;

use super::{
    place::Place,
    sample::{image_id, instance, series_id, series_uid, study_id, study_uid},
};

const STUDY: SearchLevel = SearchLevel::Study;
const SERIES: SearchLevel = SearchLevel::Series;
const INSTANCE: SearchLevel = SearchLevel::Instance;

pub(super) fn search(level: SearchLevel, keys: &[(u32, &str)]) -> Search {
    let key = |(tag, text): &(u32, &str)| SearchKey::parse(&[*tag], text, false).expect("a value");
    Search {
        level,
        study_id: None,
        series_own_id: None,
        among: Among::Everything,
        keys: keys.iter().filter_map(key).collect(),
        order: vec![],
        offset: 0,
        limit: 1000,
    }
}

/// Studies 3, 2 and 1, newest first, each with two series of two instances; those of the second series are MR.
async fn with_studies(catalog: &Catalog) {
    let mut batch: Vec<NewInstance> = Vec::new();
    for (study, series, number) in (1..=3)
        .flat_map(|study| (1..=2).flat_map(move |series| (1..=2).map(move |number| (study, series, number))))
    {
        let mut instance = instance(study, series, number);
        instance.study.study_time = (study != 2).then(|| format!("1{study}:00:00"));
        instance.study.accession_number = Some(format!("ACC_{study}"));
        instance.study.patient.patient_sex = (study == 1).then(|| "F".to_owned());
        instance.series.modality = Some(["CT", "MR"][series as usize - 1].to_owned());
        instance.series.series_description = Some(format!("Größe {series}"));
        instance.header_json = format!(
            r#"{{"00080018":{{"vr":"UI","Value":["{}"]}},"00080070":{{"vr":"LO","Value":["Maker {number}"]}},"00080090":{{"vr":"PN","Value":[{{"Alphabetic":"HÄUSER^{study}"}}]}},"00200010":{{"vr":"SH","Value":["S {study}"]}},"00400244":{{"vr":"DA","Value":["2026010{series}"]}},"00400245":{{"vr":"TM","Value":["0{series}30"]}},"00400275":{{"vr":"SQ","Value":[{{"00400009":{{"vr":"SH","Value":["SPS {series}"]}}}},{{"00401001":{{"vr":"SH","Value":["RP-{study}{series}"]}}}}]}}}}"#,
            instance.sop_instance_uid
        );
        batch.push(instance);
    }
    catalog.record_instances(&batch, false).await.unwrap();
}

fn keys(hits: &[Hit], level: SearchLevel) -> Vec<Uuid> {
    hits.iter().map(|hit| hit.key(level)).collect()
}

async fn found(catalog: &Catalog, search: &Search) -> Vec<Uuid> {
    keys(&catalog.search(search).await.unwrap().hits, search.level)
}

pub(super) async fn keys_of_every_level_are_matched_at_every_level(place: Arc<Place>) {
    let catalog = place.connect().await;
    with_studies(&catalog).await;
    let studies = |numbers: &[u32]| numbers.iter().map(|number| study_id(*number)).collect::<Vec<_>>();
    let (some_series, some_study) = (series_uid(2, 1), study_uid(2));
    type Keys<'a> = &'a [(u32, &'a str)];
    let of_studies: [(Keys<'_>, &[u32]); 18] = [
        (&[], &[3, 2, 1]),
        (&[(0x0008_0020, "20260103-")], &[3, 2]),
        (&[(0x0008_0020, "20260103")], &[2]),
        (&[(0x0008_0030, "1200-")], &[3]),
        (&[(0x0008_0030, "-12")], &[1]),
        (&[(0x0008_0050, "acc_?")], &[3, 2, 1]),
        (&[(0x0008_0050, "ACC%1")], &[]),
        (&[(0x0010_0010, "sample^patient2")], &[2]),
        (&[(0x0010_0040, "f")], &[1]),
        (&[(0x0020_000D, &some_study)], &[2]),
        (&[(0x0020_000E, &some_series), (0x0008_0060, "CT")], &[2]),
        (&[(0x0020_000E, &some_series), (0x0008_0060, "MR")], &[]),
        (&[(0x0008_0061, "MR"), (0x0020_0013, "1"), (0x0010_0020, "P-3")], &[3]),
        (&[(0x0008_0090, "hauser^2")], &[2]),
        (&[(0x0008_0090, "HÄUSER*"), (0x0020_0010, "s 3")], &[3]),
        (&[(0x0040_0244, "20260102"), (0x0040_0245, "02-03"), (0x0020_0010, "S 1")], &[1]),
        (&[(0x0040_0244, "20260102"), (0x0040_0245, "-0229")], &[]),
        (&[(0x0008_0070, "maker*"), (0x0010_0020, "P-3\\P-1")], &[3, 1]),
    ];
    for (keys, expected) in of_studies {
        assert_eq!(found(&catalog, &search(STUDY, keys)).await, studies(expected), "{keys:?}");
    }
    for (tag, text, expected) in [
        (0x0040_0009, "SPS 1", vec![series_id(3, 1), series_id(2, 1), series_id(1, 1)]),
        (0x0040_0009, "SPS", vec![]),
        (0x0040_1001, "rp-2?", vec![series_id(2, 1), series_id(2, 2)]),
    ] {
        let key = SearchKey::parse(&[0x0040_0275, tag], text, false).expect("a value");
        let of_requests = Search { keys: key.into_iter().collect(), ..search(SERIES, &[]) };
        assert_eq!(found(&catalog, &of_requests).await, expected, "{text}");
    }
    let series: Vec<Uuid> = vec![series_id(3, 2), series_id(2, 2), series_id(1, 2)];
    assert_eq!(found(&catalog, &search(SERIES, &[(0x0008_0060, "mr")])).await, series);
    assert_eq!(found(&catalog, &search(SERIES, &[(0x0008_103E, "Größe 2")])).await, series);
    assert_eq!(
        found(&catalog, &search(SERIES, &[(0x0020_0011, "2"), (0x0008_0016, "1.2.840.10008.5.1.4.1.1.2")]))
            .await,
        series
    );
    let instances =
        found(&catalog, &search(INSTANCE, &[(0x0008_0070, "Maker 2"), (0x0008_0020, "20260102")])).await;
    assert_eq!(instances, [image_id(1, 1, 2), image_id(1, 2, 2)]);
    let sizes = [(0x0028_0010, "512"), (0x0028_0011, "256"), (0x0020_0011, "1"), (0x0020_0013, "2")];
    assert_eq!(
        found(&catalog, &search(INSTANCE, &sizes)).await,
        [image_id(3, 1, 2), image_id(2, 1, 2), image_id(1, 1, 2)]
    );
}

pub(super) async fn portions_of_a_search_neither_lose_nor_repeat_a_match(place: Arc<Place>) {
    let catalog = place.connect().await;
    with_studies(&catalog).await;
    for keys_of_headers in [&[][..], &[(0x0008_0070, "Maker*")]] {
        for (level, count) in [(STUDY, 3), (SERIES, 6), (INSTANCE, 12)] {
            let whole = search(level, keys_of_headers);
            let all = found(&catalog, &whole).await;
            assert_eq!(all.len(), count);
            let mut seen = Vec::new();
            for offset in (0..count as u32).step_by(2) {
                let portion = catalog.search(&Search { offset, limit: 2, ..whole.clone() }).await.unwrap();
                let left = (count as u64).saturating_sub(u64::from(offset) + 2);
                let expected = match (left, keys_of_headers.is_empty()) {
                    (0, _) => Remaining::Nothing,
                    (left, true) => Remaining::Matches(left),
                    (_, false) => Remaining::Some,
                };
                assert_eq!(portion.remaining, expected, "{level:?} from {offset}");
                seen.extend(keys(&portion.hits, level));
            }
            assert_eq!(seen, all);
            let past = catalog.search(&Search { offset: 99, ..whole }).await.unwrap();
            assert_eq!((past.hits, past.remaining), (vec![], Remaining::Nothing));
        }
    }
    let order = SearchOrder::by(0x0008_0020, false).into_iter().collect();
    let oldest_first = Search { order, ..search(STUDY, &[]) };
    assert_eq!(found(&catalog, &oldest_first).await, [1, 2, 3].map(study_id));
    let order =
        [(0x0008_0030, true)].into_iter().filter_map(|(tag, down)| SearchOrder::by(tag, down)).collect();
    let by_time = Search { order, ..search(STUDY, &[]) };
    assert_eq!(found(&catalog, &by_time).await, [3, 1, 2].map(study_id), "absent last");
}

pub(super) async fn a_search_is_of_what_there_is_for_the_caller(place: Arc<Place>) {
    let catalog = place.connect().await;
    with_studies(&catalog).await;
    let (study, series) = (study_uid(2), series_uid(2, 1));
    let own_series = own_id::of_series(&study, &series);
    let own_image = own_id::of_image(&study, &series, &format!("{series}.1"));
    let cases = [
        (Among::Studies(vec![study_id(2)]), [1, 2, 4]),
        (Among::Studies(vec![]), [0, 0, 0]),
        (Among::Series(own_series), [0, 1, 2]),
        (Among::Instance(own_image), [0, 0, 1]),
        (Among::Studies(vec![study_id(1), study_id(3)]), [2, 4, 8]),
    ];
    for (among, counts) in cases {
        for (level, count) in [STUDY, SERIES, INSTANCE].into_iter().zip(counts) {
            for keys in [&[][..], &[(0x0008_0070, "Maker*")]] {
                let found = found(&catalog, &Search { among: among.clone(), ..search(level, keys) }).await;
                assert_eq!(found.len(), count, "{among:?} {level:?}");
            }
        }
    }
    let inside =
        Search { study_id: Some(study_id(2)), series_own_id: Some(own_series), ..search(INSTANCE, &[]) };
    assert_eq!(found(&catalog, &inside).await, [image_id(2, 1, 1), image_id(2, 1, 2)]);
    let elsewhere = Search { study_id: Some(study_id(1)), ..inside };
    assert!(found(&catalog, &elsewhere).await.is_empty());
}

pub(super) async fn matches_are_told_with_what_they_belong_to(place: Arc<Place>) {
    let catalog = place.connect().await;
    with_studies(&catalog).await;
    for level in [STUDY, SERIES, INSTANCE] {
        let hits = catalog.search(&search(level, &[])).await.unwrap().hits;
        let told = catalog.told_of(level, &hits, [true, level >= SERIES]).await.unwrap();
        assert_eq!(told.studies.len(), 3);
        assert_eq!(told.headers.len(), hits.len(), "{level:?}");
        for hit in &hits {
            let header = &told.headers[&hit.key(level)];
            let study = &told.studies[&hit.study_id];
            assert!(header.contains(&study.study_instance_uid), "a header of it: {header}");
            if level >= SERIES {
                assert_eq!(told.series[&hit.series_key].study_instance_uid, study.study_instance_uid);
            }
            if level == INSTANCE {
                assert!(header.contains(&told.instances[&hit.image_key].sop_instance_uid), "{header}");
            }
        }
    }
    assert!(catalog.told_of(STUDY, &[], [true, true]).await.unwrap().studies.is_empty());
}

pub(super) async fn headers_come_in_order_portion_by_portion(place: Arc<Place>) {
    let catalog = place.connect().await;
    let mut batch: Vec<NewInstance> = (1..=300).map(|number| instance(1, 1, number)).collect();
    batch.push(instance(1, 2, 1));
    batch[7].header_json = format!(r#"{{"00204000":{{"vr":"LT","Value":["{}"]}}}}"#, "x".repeat(5 << 20));
    catalog.record_instances(&batch, false).await.unwrap();
    let own_series = own_id::of_series(&study_uid(1), &series_uid(1, 1));
    let expected: Vec<&str> = batch.iter().map(|instance| &*instance.sop_instance_uid).collect();
    for (of, expected) in [
        (HeadersOf::Study(study_id(1)), &expected[..]),
        (HeadersOf::Series(own_series), &expected[..300]),
        (HeadersOf::Instance(batch[7].own_id()), &expected[7..8]),
        (HeadersOf::Study(study_id(2)), &[]),
        (HeadersOf::Series(study_id(1)), &[]),
    ] {
        let places = catalog.header_places(of).await.unwrap();
        let (mut seen, mut at) = (Vec::new(), 0);
        while at < places.len() {
            let portion = &places[at..at + header_portion(&places[at..])];
            let headers = catalog.headers(portion).await.unwrap();
            for (place, header) in portion.iter().zip(&headers) {
                assert_eq!(place.byte_count, header.header_json.len() as u64);
            }
            seen.extend(headers.into_iter().map(|header| header.sop_instance_uid));
            at += portion.len();
        }
        assert_eq!(seen, expected, "{of:?}");
        let syntaxes = catalog.transfer_syntaxes(of).await.unwrap();
        assert_eq!(syntaxes.len(), usize::from(!expected.is_empty()), "{of:?}");
        let keys: Vec<Uuid> = places.iter().map(|place| place.key).collect();
        let stored = catalog.stored_instances(&keys).await.unwrap();
        let mut uids: Vec<_> = stored.iter().map(|stored| &*stored.file.sop_instance_uid).collect();
        let mut expected = expected.to_vec();
        uids.sort_unstable();
        expected.sort_unstable();
        assert_eq!(uids, expected, "{of:?}");
        assert!(stored.iter().all(|stored| stored.study_instance_uid == study_uid(1)), "{of:?}");
    }
}
