//! What a search lets through: each kind of key at each level, and in which order and portions it comes.

use crate::house::House;

use super::archive::{CT, HANS, JANE, JOHN, ROOT, SEG, found, house, series_uid, uid};

const STUDY_UID: &str = "0020000D";
const SERIES_UID: &str = "0020000E";
const INSTANCE_UID: &str = "00080018";

async fn assert_studies(house: &House, cases: &[(&str, &[&str])]) {
    for (query, expected) in cases {
        assert_eq!(found(house, &format!("/studies?{query}"), STUDY_UID).await, *expected, "{query}");
    }
}

/// Newest first, undated last.
#[tokio::test]
async fn studies_are_found_by_every_key_of_their_table() {
    let house = house().await;
    let cases: [(&str, &[&str]); 40] = [
        ("", &["21", "22", "23"]),
        ("StudyDate=20261123", &["21"]),
        ("00080020=20261101-20261122", &["22"]),
        ("StudyDate=20261121-", &["21"]),
        ("StudyDate=-20261121", &["22"]),
        ("StudyDate=", &["21", "22", "23"]),
        ("StudyTime=1230", &["21"]),
        ("StudyTime=0700-0900", &["22"]),
        ("StudyTime=123005.5-123006", &["21"]),
        ("AccessionNumber=A-1", &["21"]),
        ("AccessionNumber=a-*", &["21"]),
        ("AccessionNumber=B,7", &["22"]),
        ("AccessionNumber=A-1%5CB,7", &["21", "22"]),
        ("ModalitiesInStudy=SEG", &["21"]),
        ("ModalitiesInStudy=ct,mr", &["21", "22"]),
        ("ModalitiesInStudy=CT%5C%5CDX", &["21", "23"]),
        ("00080061=*R", &["22"]),
        ("ReferringPhysicianName=house*", &["21", "22", "23"]),
        ("00080090=WILSON*", &[]),
        ("PatientName=DOE^JANE", &["21"]),
        ("PatientName=doe*", &["21", "23"]),
        ("PatientName=DOE", &[]),
        ("PatientName=JANE", &[]),
        ("PatientName=muller^hans", &["22"]),
        ("PatientName=%E5%B1%B1%E7%94%B0*", &["22"]),
        ("PatientName=jane%20doe&fuzzymatching=true", &["21"]),
        ("PatientName=mull&fuzzymatching=true", &["22"]),
        ("PatientID=P-1", &["21"]),
        ("PatientID=P-?", &["21", "23"]),
        ("00100020=P-2*", &["22"]),
        ("PatientBirthDate=19701231&PatientSex=M", &["22"]),
        ("StudyID=S-1&StudyDate=20261123", &["21"]),
        ("00200010=S-2", &[]),
        ("StudyDescription=thorax+100%25", &["21", "23"]),
        ("StudyDescription=schadel", &["22"]),
        ("Modality=SEG", &["21"]),
        ("SeriesNumber=2", &["21"]),
        ("Modality=SEG&SeriesNumber=2", &[]),
        ("NumberOfFrames=1&Modality=MR", &["22"]),
        ("Colour=red&_=123", &["21", "22", "23"]),
    ];
    assert_studies(&house, &cases).await;
    let lists = [format!("{JANE},{JOHN},1.2.404"), format!("{JANE}%5C{JOHN}"), format!("{JOHN}%2C{JANE}")];
    for list in lists {
        assert_studies(&house, &[(&format!("StudyInstanceUID={list}"), &["21", "23"])]).await;
    }
    assert_studies(&house, &[(&format!("SOPInstanceUID={}", uid(HANS, 1, 1)), &["22"])]).await;
    assert_studies(&house, &[(&format!("SOPClassesInStudy={SEG}"), &["21"])]).await;
}

#[tokio::test]
async fn series_are_found_in_a_study_and_across_them() {
    let house = house().await;
    let of_jane = format!("/studies/{JANE}/series");
    let cases: [(String, &[&str]); 16] = [
        (of_jane.clone(), &["21.1", "21.2", "21.3"]),
        (format!("{of_jane}?Modality=SEG"), &["21.3"]),
        (format!("{of_jane}?SeriesNumber=2"), &["21.2"]),
        (format!("{of_jane}?00200011=1%5C3"), &["21.1", "21.3"]),
        (format!("{of_jane}?SeriesDescription=series%201"), &["21.1"]),
        (format!("{of_jane}?PerformedProcedureStepStartDate=20261123"), &["21.1", "21.2", "21.3"]),
        (format!("{of_jane}?PerformedProcedureStepStartDate=20261124-"), &[]),
        (format!("{of_jane}?PerformedProcedureStepStartTime=1234"), &["21.1", "21.2", "21.3"]),
        (
            format!(
                "{of_jane}?RequestAttributesSequence.ScheduledProcedureStepID=SPS-{}",
                series_uid(JANE, 2)
            ),
            &["21.2"],
        ),
        (format!("{of_jane}?00400275.00401001=RP-1&Modality=SEG"), &["21.3"]),
        ("/series".to_owned(), &["21.1", "21.2", "21.3", "22.1", "23.1"]),
        ("/series?Modality=SEG".to_owned(), &["21.3"]),
        ("/series?PatientName=DOE*&Modality=CT,DX".to_owned(), &["21.1", "21.2", "23.1"]),
        (
            format!("/series?SeriesInstanceUID={}%5C{}", series_uid(HANS, 1), series_uid(JANE, 2)),
            &["21.2", "22.1"],
        ),
        (format!("/series?SOPClassUID={SEG}"), &["21.3"]),
        (format!("/studies/{JOHN}/series?Modality=CT"), &[]),
    ];
    for (path, expected) in cases {
        assert_eq!(found(&house, &path, SERIES_UID).await, expected, "{path}");
    }
}

#[tokio::test]
async fn instances_are_found_at_each_level() {
    let house = house().await;
    let of_series = format!("/studies/{JANE}/series/{}/instances", series_uid(JANE, 1));
    let all: &[&str] = &["21.1.1", "21.1.2", "21.1.10", "21.2.1", "21.3.1", "22.1.1", "23.1.1"];
    let cases: [(String, &[&str]); 15] = [
        (of_series.clone(), &all[..3]),
        (format!("{of_series}?InstanceNumber=10"), &["21.1.10"]),
        (format!("{of_series}?SOPInstanceUID={},{}", uid(JANE, 1, 1), uid(JANE, 2, 1)), &["21.1.1"]),
        (format!("/studies/{JANE}/instances"), &all[..5]),
        (format!("/studies/{JANE}/instances?SOPClassUID={SEG}"), &["21.3.1"]),
        (format!("/studies/{JANE}/instances?BitsAllocated=8"), &["21.2.1"]),
        (format!("/studies/{JANE}/instances?ManufacturerModelName=x"), &[]),
        (format!("/studies/{JANE}/instances?Manufacturer=mak*&SeriesNumber=1"), &all[..3]),
        ("/instances".to_owned(), all),
        ("/instances?00080018=".to_owned(), all),
        (format!("/instances?00080018={}", uid(HANS, 1, 1)), &["22.1.1"]),
        (format!("/instances?SOPClassUID={CT}&StudyDate=20261123"), &all[..4]),
        ("/instances?ModalitiesInStudy=SEG&Modality=CT&Rows=256&Columns=512".to_owned(), &all[..4]),
        (format!("/studies/{HANS}/series/{}/instances", series_uid(JANE, 1)), &[]),
        ("/studies/1.2.404/instances".to_owned(), &[]),
    ];
    for (path, expected) in cases {
        assert_eq!(found(&house, &path, INSTANCE_UID).await, expected, "{path}");
    }
}

#[tokio::test]
async fn a_list_comes_in_portions_of_the_level_that_is_asked_for() {
    let house = house().await;
    let whole = found(&house, "/instances", INSTANCE_UID).await;
    for query in ["", "&Manufacturer=Maker"] {
        let mut seen = Vec::new();
        for offset in (0..8).step_by(2) {
            let path = format!("/instances?limit=2&offset={offset}{query}");
            let warning = house.get(&format!("{ROOT}{path}")).await.header("warning").to_owned();
            assert_eq!(
                warning.starts_with("299 http://localhost/dicom-web \""),
                offset < 6,
                "{path}: {warning}"
            );
            if query.is_empty() && offset < 6 {
                let remaining =
                    format!("\"There are {} additional results that can be requested\"", 5 - offset);
                assert!(warning.ends_with(&remaining), "{path}: {warning}");
            }
            seen.extend(found(&house, &path, INSTANCE_UID).await);
        }
        assert_eq!(seen, whole, "{query}");
    }
    assert_eq!(found(&house, "/studies?limit=2", STUDY_UID).await, ["21", "22"]);
    for nothing in ["limit=0", "offset=3", "offset=4000000000", "limit=5&offset=99"] {
        let answer = house.get(&format!("{ROOT}/studies?{nothing}")).await;
        assert_eq!(
            (answer.status, &answer.body[..], answer.header("warning")),
            (200, &b"[]"[..], ""),
            "{nothing}"
        );
    }
    assert_eq!(found(&house, "/studies?limit=4000000000", STUDY_UID).await.len(), 3);
}

#[tokio::test]
async fn another_order_may_be_asked_for() {
    let house = house().await;
    let cases: [(&str, &[&str]); 5] = [
        ("orderby=StudyDate", &["22", "21", "23"]),
        ("orderby=-PatientName", &["22", "23", "21"]),
        ("orderby=-PatientID,StudyDate", &["23", "22", "21"]),
        ("orderby=PatientSex,-StudyInstanceUID", &["23", "21", "22"]),
        ("orderby=Colour", &["21", "22", "23"]),
    ];
    assert_studies(&house, &cases).await;
}

#[tokio::test]
async fn a_parameter_that_is_wrong_is_named() {
    let house = house().await;
    for (query, parameter) in [
        ("limit=all", "limit"),
        ("limit=1&limit=1", "limit"),
        ("offset=-1", "offset"),
        ("fuzzymatching=maybe", "fuzzymatching"),
        ("StudyDate=2026-11-23", "StudyDate"),
        ("00080030=noon", "00080030"),
        ("PatientID=1&00100020=2", "00100020"),
    ] {
        let problem = house.get(&format!("{ROOT}/studies?{query}")).await.problem(400, "invalid-parameter");
        assert_eq!(problem["details"]["parameter"], parameter, "{query}");
    }
}
