//! What is told of a match, and as what.

use serde_json::{Value, json};

use super::archive::{HANS, JANE, JOHN, ROOT, house, series_uid, uid};

fn row(answer: &crate::house::Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()[0].clone()
}

fn tags(row: &Value) -> Vec<String> {
    row.as_object().expect("a data set").keys().cloned().collect()
}

/// PS3.18 table 10.6.3-3, and the description, which every list of studies shows.
#[tokio::test]
async fn a_study_is_told_with_what_the_standard_requires() {
    let house = house().await;
    let told = row(&house.get(&format!("{ROOT}/studies?StudyInstanceUID={JANE}")).await);
    let text = |vr: &str, value: &str| json!({"vr": vr, "Value": [value]});
    assert_eq!(
        told,
        json!({
            "00080005": text("CS", "ISO_IR 192"),
            "00080020": text("DA", "20261123"),
            "00080030": text("TM", "123005.5"),
            "00080050": text("SH", "A-1"),
            "00080056": text("CS", "ONLINE"),
            "00080061": {"vr": "CS", "Value": ["CT", "SEG"]},
            "00080090": {"vr": "PN", "Value": [{"Alphabetic": "HOUSE^GREGORY"}]},
            "00081030": text("LO", "Thorax 100%"),
            "00081190": text("UR", &format!("http://localhost/dicom-web/studies/{JANE}")),
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "DOE^JANE"}]},
            "00100020": text("LO", "P-1"),
            "00100030": text("DA", "19701231"),
            "00100040": text("CS", "F"),
            "0020000D": text("UI", JANE),
            "00200010": text("SH", "S-1"),
            "00201206": {"vr": "IS", "Value": [3]},
            "00201208": {"vr": "IS", "Value": [5]},
        })
    );
    let john = row(&house.get(&format!("{ROOT}/studies?StudyInstanceUID={JOHN}")).await);
    for (tag, vr) in [("00080020", "DA"), ("00080030", "TM"), ("00080050", "SH")] {
        assert_eq!(john[tag], json!({"vr": vr}), "what is required is there, without a value");
    }
    let hans = row(&house.get(&format!("{ROOT}/studies?StudyInstanceUID={HANS}")).await);
    assert_eq!(
        hans["00100010"]["Value"][0],
        json!({"Alphabetic": "MÜLLER^Hans", "Ideographic": "山田^太郎"})
    );
}

/// Tables 10.6.3-4 and 10.6.3-5; what stands above in the address is not told.
#[tokio::test]
async fn series_and_instances_are_told_with_what_the_standard_requires() {
    let house = house().await;
    let series = row(&house.get(&format!("{ROOT}/studies/{JANE}/series")).await);
    let of_series = [
        "00080005", "00080056", "00080060", "0008103E", "00081190", "00180015", "0020000D", "0020000E",
        "00200011", "00201209", "00400244", "00400245", "00400275",
    ];
    assert_eq!(tags(&series), of_series);
    assert_eq!((&series["00200011"]["Value"][0], &series["00201209"]["Value"][0]), (&1.into(), &3.into()));
    let step = &series["00400275"]["Value"][0]["00400009"]["Value"][0];
    assert_eq!(*step, format!("SPS-{}", series_uid(JANE, 1)));
    let path = format!("{ROOT}/studies/{JANE}/series/{}/instances", series_uid(JANE, 1));
    let instance = row(&house.get(&path).await);
    let of_instance = [
        "00080005", "00080016", "00080018", "00080056", "00081190", "00083002", "0020000D", "0020000E",
        "00200013", "00280010", "00280011", "00280100",
    ];
    assert_eq!(tags(&instance), of_instance);
    assert_eq!(instance["00083002"]["Value"][0], "1.2.840.10008.1.2.1");
    let address = format!("http://localhost{path}/{}", uid(JANE, 1, 1));
    assert_eq!(instance["00081190"]["Value"][0], address);
}

/// Across studies each match tells what it belongs to (10.6.3.3.2, 10.6.3.3.3).
#[tokio::test]
async fn what_is_found_across_studies_tells_of_them() {
    let house = house().await;
    let series = row(&house.get(&format!("{ROOT}/series?Modality=SEG")).await);
    assert_eq!(series["00100010"]["Value"][0]["Alphabetic"], "DOE^JANE");
    assert_eq!((&series["00201208"]["Value"][0], &series["00201209"]["Value"][0]), (&5.into(), &1.into()));
    let instance = row(&house.get(&format!("{ROOT}/instances?Modality=MR")).await);
    assert_eq!(instance["00100020"]["Value"][0], "P-22");
    assert_eq!(
        (&instance["00080060"]["Value"][0], &instance["00200011"]["Value"][0]),
        (&"MR".into(), &1.into())
    );
    let of_study = row(&house.get(&format!("{ROOT}/studies/{HANS}/instances")).await);
    assert_eq!(of_study["00080060"]["Value"][0], "MR");
    assert!(of_study.get("00100020").is_none());
}

/// A file of another patient in a study tells its own, wherever it is found.
#[tokio::test]
async fn an_instance_of_another_patient_is_told_with_that_one() {
    let house = house().await;
    let stray = super::archive::part(JANE, 1, 11, |part| {
        part.study.patient.patient_id = Some("P-9".to_owned());
        part.study.patient.patient_name = Some("STRAY^FILE".to_owned());
    });
    house.back_ends.catalog.record_instances(&[stray], false).await.expect("recorded");
    let path = format!("{ROOT}/instances?SOPInstanceUID={}", uid(JANE, 1, 11));
    let told = row(&house.get(&path).await);
    assert_eq!(told["00100020"]["Value"][0], "P-9");
    let study = row(&house.get(&format!("{ROOT}/studies?StudyInstanceUID={JANE}")).await);
    assert_eq!(study["00100020"]["Value"][0], "P-1");
}

#[tokio::test]
async fn more_is_told_to_who_asks_for_it() {
    let house = house().await;
    let path = format!("{ROOT}/studies?StudyInstanceUID={JANE}");
    let has = async |query: &str, tag: &str| {
        let told = row(&house.get(&format!("{path}&{query}")).await);
        told.get(tag).is_some()
    };
    assert!(has("includefield=PatientAge", "00101010").await);
    assert!(has("includefield=00101010%2C00080070", "00101010").await);
    assert!(has("includefield=00080070&includefield=PatientAge", "00101010").await);
    assert!(has("includefield=all", "00101010").await);
    assert!(has("PatientAge=*", "00101010").await, "what is matched is told");
    assert!(!has("includefield=all", "00080070").await, "a study has no manufacturer");
    assert!(!has("includefield=Colour", "00101010").await);
    let series = format!("{ROOT}/studies/{JANE}/series");
    let told = row(&house.get(&format!("{series}?includefield=Manufacturer,PatientAge,StudyID")).await);
    for tag in ["00080070", "00101010", "00200010"] {
        assert!(told.get(tag).is_some(), "{tag} of {told}");
    }
    let told = row(&house.get(&format!("{series}?includefield=NumberOfStudyRelatedInstances")).await);
    assert_eq!(told["00201208"]["Value"][0], 5);
    let instances = format!("{ROOT}/studies/{JANE}/instances?includefield=all");
    let told = row(&house.get(&instances).await);
    assert!(told.get("00280103").is_some() && told.get("00101010").is_some());
}

#[tokio::test]
async fn json_is_told_under_the_name_that_is_asked_for_and_nothing_else() {
    let house = house().await;
    let metadata = format!("{ROOT}/studies/{JANE}/metadata");
    for path in [format!("{ROOT}/studies"), format!("{ROOT}/instances"), metadata] {
        for (accept, told) in [
            ("", Some("application/dicom+json")),
            ("*/*", Some("application/dicom+json")),
            ("application/dicom+json", Some("application/dicom+json")),
            ("application/json", Some("application/json")),
            ("application/json, text/plain, */*", Some("application/json")),
            ("multipart/related; type=\"application/dicom+xml\"", None),
            (
                "multipart/related; type=\"application/dicom+xml\", application/dicom+json;q=0.5",
                Some("application/dicom+json"),
            ),
            ("application/dicom+xml", None),
            ("text/html", None),
            ("image/png", None),
        ] {
            let headers: &[(&str, &str)] = if accept.is_empty() { &[] } else { &[("accept", accept)] };
            let answer = house.send("GET", &path, headers).await;
            match told {
                Some(told) => {
                    assert_eq!((answer.status, answer.header("content-type")), (200, told), "{accept}")
                }
                None => drop(answer.problem(406, "not-acceptable")),
            }
        }
        let by_query = house
            .send("GET", &format!("{path}?accept=application/dicom%2Bjson"), &[("accept", "text/html")])
            .await;
        assert_eq!(by_query.header("content-type"), "application/dicom+json");
        house.get(&format!("{path}?accept=application/dicom%2Bxml")).await.problem(406, "not-acceptable");
    }
}

#[tokio::test]
async fn a_list_is_a_304_to_who_has_it_and_slashes_too_many_change_nothing() {
    let house = house().await;
    let path = format!("{ROOT}/studies?limit=2");
    let first = house.get(&path).await;
    let tag = first.header("etag").to_owned();
    let again = house.send("GET", &path, &[("if-none-match", &tag)]).await;
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, &*tag));
    for same in ["//dicom-web/studies?limit=2", "/dicom-web//studies/?limit=2"] {
        assert_eq!(house.get(same).await.body, first.body, "{same}");
    }
    assert_eq!(first.header("cache-control"), "private, no-cache");
    assert_eq!(house.send("HEAD", &path, &[]).await.status, 200);
}

/// A proxy that is trusted says how clients come.
#[tokio::test]
async fn addresses_are_those_that_the_client_knows() {
    let house = house().await;
    let answer = house.send("GET", &format!("{ROOT}/studies"), &[("host", "localhost:8443")]).await;
    assert_eq!(
        super::archive::told(&answer, "00081190")[0],
        format!("http://localhost:8443/dicom-web/studies/{JANE}")
    );
    let forged = house.send("GET", &format!("{ROOT}/studies"), &[("x-forwarded-proto", "https")]).await;
    assert_eq!(
        super::archive::told(&forged, "00081190")[0],
        format!("http://localhost/dicom-web/studies/{JANE}")
    );
}
