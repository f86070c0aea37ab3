//! One instance by a query.

use crate::house::{House, IMAGE, SERIES, STUDY, picture};

fn path(rest: &str) -> String {
    format!("/dicom-web?requestType=WADO&studyUID={STUDY}&seriesUID={SERIES}&objectUID={IMAGE}{rest}")
}

async fn house() -> House {
    let house = House::new().await;
    house.start_worker(picture()).await;
    house
}

#[tokio::test]
async fn a_picture_is_the_one_that_is_there_already() {
    let house = house().await;
    // The frame has 512 columns and 256 rows.
    for (theirs, ours) in [
        (
            "&contentType=image/png&windowCenter=40&windowWidth=400&frameNumber=2",
            "format=png&window=400&level=40&frame=2",
        ),
        ("&contentType=image/jpeg,image/png", "format=jpeg"),
        ("", "format=jpeg"),
        ("&imageQuality=50&contentType=image/jpeg", "format=jpeg&quality=50"),
        ("&imageQuality=50&contentType=image/png", "format=png"),
        ("&rows=64&columns=32&contentType=image/png", "format=png&width=32&height=64&enlarge=true"),
        ("&region=0.25,0,1,0.5&contentType=image/png", "format=png&region=128,0,384,128"),
        ("&charset=utf-8&contentType=image%2Fpng", "format=png"),
    ] {
        let answer = house.get(&path(theirs)).await;
        let ours = house.get(&format!("/api/v1/dicom/images/{IMAGE}?{ours}")).await;
        assert_eq!((answer.status, ours.status), (200, 200), "{theirs}");
        assert_eq!(answer.header("etag"), ours.header("etag"), "{theirs}");
    }
    for name in ["annotation", "imageAnnotation"] {
        let annotated = house.get(&path(&format!("&{name}=patient"))).await;
        let ours = format!(
            "/dicom-web/studies/{STUDY}/series/{SERIES}/instances/{IMAGE}/rendered?annotation=patient"
        );
        assert_eq!(annotated.header("etag"), house.get(&ours).await.header("etag"), "{name}");
    }
    // What weighs more, whichever it is.
    let accept = [("accept", "image/png, application/dicom;q=0.1")];
    let picture = house.send("GET", &path(""), &accept).await;
    let ours = house.get(&format!("/api/v1/dicom/images/{IMAGE}?format=png")).await;
    assert_eq!((picture.status, picture.header("etag")), (200, ours.header("etag")));
}

#[tokio::test]
async fn what_is_missing_or_no_value_is_named() {
    let house = house().await;
    // An image is no presentation state.
    let own = format!("&presentationUID={IMAGE}&presentationSeriesUID={SERIES}");
    for (rest, parameter) in [
        ("&windowCenter=40", "windowWidth"),
        ("&windowWidth=40", "windowCenter"),
        ("&windowCenter=a&windowWidth=1", "windowCenter"),
        ("&windowCenter=1&windowWidth=0", "windowWidth"),
        ("&region=0,0,1", "region"),
        ("&region=0.5,0,0.5,1", "region"),
        ("&region=0,0,2,1", "region"),
        ("&rows=0", "rows"),
        ("&columns=9000", "columns"),
        ("&frameNumber=0", "frameNumber"),
        ("&imageQuality=0", "imageQuality"),
        ("&anonymize=yes", "anonymize"),
        ("&anonymize=true", "anonymize"),
        ("&anonymize=YES&contentType=application/dicom", "anonymize"),
        ("&frameNumber=4", "frameNumber"),
        ("&presentationUID=1.2", "presentationSeriesUID"),
        ("&presentationSeriesUID=1.2", "presentationUID"),
        ("&presentationUID=1.2&presentationSeriesUID=1&region=0,0,1,1", "region"),
        ("&presentationUID=1.2&presentationSeriesUID=1&windowCenter=1&windowWidth=1", "windowCenter"),
        (&own, "presentationUID"),
    ] {
        let problem = house.get(&path(rest)).await.problem(400, "invalid-parameter");
        assert_eq!(problem["details"]["parameter"], parameter, "{rest}");
    }
    for (query, parameter) in [
        ("requestType=MADO", "requestType"),
        ("requestType=WADO&seriesUID=1&objectUID=1", "studyUID"),
        ("requestType=WADO&studyUID=1&objectUID=1", "seriesUID"),
        ("requestType=WADO&studyUID=1&seriesUID=1&objectUID=", "objectUID"),
    ] {
        let problem = house.get(&format!("/dicom-web?{query}")).await.problem(400, "invalid-parameter");
        assert_eq!(problem["details"]["parameter"], parameter, "{query}");
    }
    house.get(&path("&contentType=text/html")).await.problem(406, "not-acceptable");
    house.get(&path("").replace(STUDY, "1.2.404")).await.problem(404, "image-not-found");
    house.get("/dicom-web").await.problem(501, "not-built");
}
