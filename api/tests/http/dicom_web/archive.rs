//! Three studies to search in, with headers as the index keeps them.

use noctis_shared::{
    catalog::{NewInstance, Scope},
    dicom_uid::public_id,
    queue::QueueLimits,
    render_key::ContentDigest,
};
use serde_json::{Value, json};

use crate::house::{Answer, House, STUDY, instance};

pub(super) const ROOT: &str = "/dicom-web";
pub(super) const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
pub(super) const SEG: &str = "1.2.840.10008.5.1.4.1.1.66.4";

/// Of a study with two series of CT and one of SEG, one with MR, and one that is undated.
pub(super) const JANE: &str = "1.2.826.0.1.3680043.10.21";
pub(super) const HANS: &str = "1.2.826.0.1.3680043.10.22";
pub(super) const JOHN: &str = "1.2.826.0.1.3680043.10.23";

/// The instance of this number in a series of this number.
pub(super) fn uid(study: &str, series: u32, number: u32) -> String {
    format!("{study}.{series}.{number}")
}

pub(super) fn series_uid(study: &str, series: u32) -> String {
    format!("{study}.{series}")
}

/// Instance `number` of series `series`, of Jane unless it is changed.
pub(super) fn part(
    study: &str,
    series: u32,
    number: u32,
    change: impl FnOnce(&mut NewInstance),
) -> NewInstance {
    let sop_instance_uid = uid(study, series, number);
    let mut part = instance(&sop_instance_uid, 1);
    part.study_instance_uid = study.to_owned();
    part.study.study_time = Some("12:30:05.5".to_owned());
    part.study.study_description = Some("Thorax 100%".to_owned());
    part.study.accession_number = Some("A-1".to_owned());
    part.study.patient.patient_birth_date = Some("1970-12-31".to_owned());
    part.study.patient.patient_sex = Some("F".to_owned());
    part.series_instance_uid = series_uid(study, series);
    part.series.series_number = i32::try_from(series).ok();
    part.series.series_description = Some(format!("Series {series}"));
    part.series.body_part = Some("CHEST".to_owned());
    part.sop_class_uid = Some(CT.to_owned());
    part.instance_number = i32::try_from(number).ok();
    part.content_digest = ContentDigest(*blake3::hash(sop_instance_uid.as_bytes()).as_bytes());
    change(&mut part);
    part.header_json = header(&part).to_string();
    part
}

fn header(part: &NewInstance) -> Value {
    let text = |vr: &str, value: &str| json!({"vr": vr, "Value": [value]});
    json!({
        "00080005": text("CS", "ISO_IR 192"),
        "00080016": text("UI", part.sop_class_uid.as_deref().unwrap_or_default()),
        "00080018": text("UI", &part.sop_instance_uid),
        "00080060": text("CS", part.series.modality.as_deref().unwrap_or_default()),
        "00080070": text("LO", "Maker"),
        "00080090": {"vr": "PN", "Value": [{"Alphabetic": "HOUSE^GREGORY"}]},
        "00101010": text("AS", "055Y"),
        "0020000D": text("UI", &part.study_instance_uid),
        "0020000E": text("UI", &part.series_instance_uid),
        "00200010": text("SH", "S-1"),
        "00200013": {"vr": "IS", "Value": [part.instance_number]},
        "00280010": {"vr": "US", "Value": [256]},
        "00280103": {"vr": "US", "Value": [0]},
        "00400244": text("DA", "20261123"),
        "00400245": text("TM", "123456"),
        "00400275": {"vr": "SQ", "Value": [{
            "00400009": text("SH", &format!("SPS-{}", part.series_instance_uid)),
            "00401001": text("SH", "RP-1"),
        }]},
    })
}

fn of_hans(part: &mut NewInstance) {
    part.study.patient.patient_id = Some("P-22".to_owned());
    part.study.patient.patient_name = Some("MÜLLER^Hans=山田^太郎".to_owned());
    part.study.patient.patient_sex = Some("M".to_owned());
    part.study.study_date = Some("2026-11-20".to_owned());
    part.study.study_time = Some("08:00:00".to_owned());
    part.study.study_description = Some("Schädel".to_owned());
    part.study.accession_number = Some("B,7".to_owned());
    part.series.modality = Some("MR".to_owned());
    part.sop_class_uid = Some("1.2.840.10008.5.1.4.1.1.4".to_owned());
}

fn of_john(part: &mut NewInstance) {
    part.study.patient.patient_id = Some("P-3".to_owned());
    part.study.patient.patient_name = Some("DOE^JOHN".to_owned());
    part.study.study_date = None;
    part.study.study_time = None;
    part.study.accession_number = None;
    part.series.modality = Some("DX".to_owned());
}

pub(super) fn parts() -> Vec<NewInstance> {
    let seg = |part: &mut NewInstance| {
        part.series.modality = Some("SEG".to_owned());
        part.sop_class_uid = Some(SEG.to_owned());
        part.rows = None;
        part.columns = None;
        part.frame_count = 0;
        part.frames.clear();
    };
    vec![
        part(JANE, 1, 1, |_| {}),
        part(JANE, 1, 2, |_| {}),
        part(JANE, 1, 10, |_| {}),
        part(JANE, 2, 1, |part| part.bits_allocated = 8),
        part(JANE, 3, 1, seg),
        part(HANS, 1, 1, of_hans),
        part(JOHN, 1, 1, of_john),
    ]
}

/// A house with the three studies alone.
pub(super) async fn house() -> House {
    house_with(&[]).await
}

pub(super) async fn house_with(settings: &[(&'static str, &str)]) -> House {
    let house = House::with(settings, QueueLimits::default()).await;
    let catalog = &house.back_ends.catalog;
    catalog.delete(&Scope::Study(public_id(STUDY)), &|_, _| false).await.expect("deleted");
    catalog.record_instances(&parts(), false).await.expect("recorded");
    house
}

/// The values of an attribute in each row of an answer, the first of each.
pub(super) fn told(answer: &Answer, tag: &str) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let rows = answer.json();
    rows.as_array().expect("a list").iter().map(|row| row[tag]["Value"][0].clone()).collect()
}

/// What is found at `path` under the root, by the last two parts of each UID of `tag`.
pub(super) async fn found(house: &House, path: &str, tag: &str) -> Vec<String> {
    let answer = house.get(&format!("{ROOT}{path}")).await;
    told(&answer, tag)
        .iter()
        .map(|uid| uid.as_str().expect("a UID").replace("1.2.826.0.1.3680043.10.", ""))
        .collect()
}
