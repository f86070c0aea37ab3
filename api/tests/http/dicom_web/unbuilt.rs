//! What this version does not have of DICOMweb says so, and what DICOMweb does not have is not there.

use super::archive::{JANE, ROOT, house, series_uid, uid};

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
        ("DELETE", instance.clone()),
        ("GET", format!("{instance}/bulkdata/00281201")),
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
