//! What this version does not have of DICOMweb says so, and what DICOMweb does not have is not there.

use super::archive::{JANE, ROOT, house, series_uid, uid};
use crate::house::picture;

#[tokio::test]
async fn resources_of_the_standard_that_are_not_built_are_a_501() {
    let house = house().await;
    let series = format!("/studies/{JANE}/series/{}", series_uid(JANE, 1));
    let instance = format!("{series}/instances/{}", uid(JANE, 1, 1));
    for (method, path) in [
        ("GET", String::new()),
        ("PUT", String::new()),
        ("OPTIONS", format!("/studies/{JANE}")),
        ("DELETE", format!("/studies/{JANE}")),
        ("POST", series.clone()),
        ("PUT", series.clone()),
        ("GET", format!("{series}/pixeldata")),
        ("GET", format!("{series}/rendered3d")),
        ("GET", format!("/studies/{JANE}/renderedmpr")),
        ("DELETE", instance.clone()),
        ("POST", "/workitems?1.2.3".to_owned()),
        ("GET", "/workitems".to_owned()),
    ] {
        house.send(method, &format!("{ROOT}{path}"), &[]).await.problem(501, "not-built");
    }
}

#[tokio::test]
async fn what_is_no_resource_of_the_standard_is_a_404() {
    let house = house().await;
    for path in ["/patients", "/studies/1.2/pictures", "/studies/1.2/series/1.3/instances/1.4/metadata/x"] {
        house.get(&format!("{ROOT}{path}")).await.problem(404, "route-not-found");
    }
    house.send("DELETE", &format!("{ROOT}/series"), &[]).await.problem(405, "method-not-allowed");
}

/// PS3.18 8.9.
#[tokio::test]
async fn every_method_that_capabilities_tell_of_is_there() {
    let house = house().await;
    house.start_worker(picture()).await;
    let told = house.send("OPTIONS", ROOT, &[]).await;
    assert_eq!((told.status, told.header("content-type")), (200, "application/vnd.sun.wadl+xml"));
    house.send("OPTIONS", ROOT, &[("accept", "application/json")]).await.problem(406, "not-acceptable");
    let text = String::from_utf8(told.body.to_vec()).expect("text");
    let up_to_quote = |text: &'static str| text.split('"').next().expect("a value");
    let mut asked = 0;
    for resource in text.leak().split("<resource path=\"").skip(1) {
        let path = up_to_quote(resource)
            .replace("{study}", JANE)
            .replace("{series}", &series_uid(JANE, 1))
            .replace("{instance}", &uid(JANE, 1, 1))
            .replace("{frames}", "1")
            .replace("{tag}", "7FE00010");
        for method in resource.split("<method name=\"").skip(1).map(up_to_quote) {
            let answer = house.send(method, &format!("{ROOT}/{path}"), &[]).await;
            assert!(![404, 405, 501].contains(&answer.status), "{method} {path}: {}", answer.status);
            asked += 1;
        }
    }
    assert_eq!(asked, 29);
}
