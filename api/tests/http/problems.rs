//! Errors: what the framework answers by itself is a problem document too.

use noctis_api::problem::Kind;
use noctis_shared::dicom_uid::public_id;

use crate::house::{House, IMAGE, SERIES, STUDY};

#[test]
fn the_documents_list_every_kind_of_problem() {
    let text = include_str!("../../../docs/problems.md");
    let documented: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').skip(1).take(4).map(str::trim).collect::<Vec<_>>().join(" | "))
        .collect();
    let kinds: Vec<String> = Kind::ALL
        .iter()
        .map(|kind| {
            let (slug, status) = (kind.slug(), kind.status().as_u16());
            format!("`{slug}` | {status} | {} | {}", kind.title(), kind.to_do())
        })
        .collect();
    assert_eq!(documented, kinds);
}

#[tokio::test]
async fn every_kind_of_problem_is_told_of_where_its_type_leads() {
    let house = House::new().await;
    let all = house.get("/api/v1/problems").await;
    assert_eq!(all.json()["problems"].as_array().map(Vec::len), Some(Kind::ALL.len()));
    for (kind, listed) in Kind::ALL.iter().zip(all.json()["problems"].as_array().expect("a list")) {
        let told = house.get(&kind.path()).await;
        assert_eq!((told.status, &told.json()), (200, listed));
        assert_eq!(told.json()["slug"], kind.slug());
        let page = house.send("GET", &kind.path(), &[("accept", "text/html,*/*;q=0.8")]).await;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(String::from_utf8_lossy(&page.body).contains(kind.title()), "{kind:?}");
        assert!(page.header("content-security-policy").contains("default-src 'none'"));
    }
    house.get("/api/v1/problems/of-a-dream").await.problem(404, "route-not-found");
    let tag = all.header("etag").to_owned();
    assert_eq!(house.send("GET", "/api/v1/problems", &[("if-none-match", &tag)]).await.status, 304);
}

#[tokio::test]
async fn the_type_of_a_problem_leads_to_its_kind() {
    let house = House::new().await;
    let problem = house.get("/api/v1/dicom/images/1.2.3").await.json();
    let told = house.get(problem["type"].as_str().expect("a path")).await.json();
    assert_eq!((&told["title"], &told["status"]), (&problem["title"], &problem["status"]));
}

#[tokio::test]
async fn an_unknown_route_is_a_404_problem_that_tells_its_path() {
    let house = House::new().await;
    let problem = house.get("/api/v1/nowhere?secret=1").await.problem(404, "route-not-found");
    assert_eq!(problem["path"], "/api/v1/nowhere");
}

#[tokio::test]
async fn a_wrong_method_is_a_405_problem_with_the_right_ones() {
    let house = House::new().await;
    let answer = house.send("DELETE", "/api/v1/dicom/studies", &[]).await;
    answer.problem(405, "method-not-allowed");
    assert_eq!(answer.header("allow"), "GET,HEAD,POST");
}

#[tokio::test]
async fn lengths_past_the_limits_are_problems() {
    let house = House::new().await;
    let long = format!("/api/v1/dicom/studies?q={}", "x".repeat(17_000));
    house.get(&long).await.problem(414, "uri-too-long");
    let announced = [("content-length", "100000000")];
    house.send("POST", "/api/v1/dicom/clear-cache", &announced).await.problem(413, "body-too-large");
}

#[tokio::test]
async fn an_unknown_parameter_is_named_on_every_route() {
    let house = House::new().await;
    let document = house.get("/api/v1/openapi.json").await.json();
    let documented = document["paths"].as_object().expect("paths").iter();
    let operations = documented.flat_map(|(path, item)| {
        let methods = item.as_object().expect("operations").keys().filter(|name| *name != "parameters");
        methods.map(move |method| (method.to_uppercase(), path.clone()))
    });
    let of_the_document =
        ["openapi.json", "docs", "docs/swagger-ui.css"].map(|path| format!("/api/v1/{path}"));
    let mut asked = 0;
    for (method, path) in operations.chain(of_the_document.map(|path| ("GET".to_owned(), path))) {
        if !path.starts_with("/api/v1/") {
            continue;
        }
        let path = path
            .replace("{study_id}", STUDY)
            .replace("{series_id}", SERIES)
            .replace("{image_id}", IMAGE)
            .replace("{slug}", "internal")
            .replace("{share_id}", &public_id("1.2.404").to_string())
            .replace("{job_id}", "17")
            .replace("{event_id}", "17")
            .replace("{webhook_id}", "a")
            .replace("{id}", "a");
        assert!(!path.contains('{'), "{path}: what stands for this id?");
        let answer = house.send(&method, &format!("{path}?colour=red"), &[]).await;
        assert_eq!(answer.status, 400, "{method} {path}");
        let problem = answer.problem(400, "invalid-parameter");
        assert_eq!(problem["details"]["parameter"], "colour", "{method} {path}");
        asked += 1;
    }
    assert!(asked >= 13, "only {asked} routes");
}

#[tokio::test]
async fn probes_and_scrapers_may_add_parameters() {
    let house = House::new().await;
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(house.get(&format!("{path}?verbose=1&target=a")).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_another_is_replaced() {
    let house = House::new().await;
    let kept = house.send("GET", "/nowhere", &[("x-request-id", "viewer-7")]).await;
    assert_eq!(kept.header("x-request-id"), "viewer-7");
    assert_eq!(kept.json()["instance"], "urn:noctis:request:viewer-7");
    let replaced = house.send("GET", "/nowhere", &[("x-request-id", "a\"b")]).await;
    assert_eq!(replaced.header("x-request-id").len(), 36);
}

#[tokio::test]
async fn what_is_not_built_says_so() {
    let house = House::new().await;
    house.get("/dicom-web/workitems").await.problem(501, "not-built");
}

#[tokio::test]
async fn a_catalog_that_is_away_is_a_503_unless_the_image_is_known() {
    let house = House::new().await;
    house.start_worker(crate::house::picture()).await;
    house.png("").await;
    house.back_ends.catalog.close().await;
    assert_eq!(house.png("").await.status, 200);
    let unknown = house.get("/api/v1/dicom/images/1.2.3").await;
    unknown.problem(503, "catalog-unavailable");
    assert_eq!(unknown.header("retry-after"), "2");
    assert_eq!(house.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn a_failure_that_passes_is_told_to_who_waits_and_remembered_by_nobody() {
    use noctis_shared::render::FailureKind;
    let cases = [
        (FailureKind::FileMissing, 503, "file-missing"),
        (FailureKind::StorageAway, 503, "storage-unavailable"),
        (FailureKind::FileChanged, 422, "unrenderable"),
    ];
    for (kind, status, slug) in cases {
        let house = House::new().await;
        house.start_worker(crate::house::failure(kind)).await;
        for jobs in 1..=3 {
            let answer = house.png("").await;
            answer.problem(status, slug);
            assert_eq!(
                (answer.header("retry-after"), house.jobs()),
                ("2", jobs),
                "{kind:?}: each is a new try"
            );
        }
    }
}

#[tokio::test]
async fn an_image_that_was_replaced_behind_our_back_is_asked_for_under_its_new_key() {
    let house = House::new().await;
    house.start_worker(crate::house::picture()).await;
    let old = house.png("").await.header("etag").to_owned();
    house.replace_image().await;
    let new = house.png("?invert=true").await;
    assert_eq!(new.status, 200);
    let again = house.png("").await;
    assert_ne!(again.header("etag"), old, "frames of the new bytes are not drawn under the old name");
}

/// For a window that passes the catalog is not asked, so that the worker finds it out.
#[tokio::test]
async fn an_image_that_was_replaced_is_drawn_anew_under_a_passing_window_too() {
    let house = House::new().await;
    house.start_worker(crate::house::picture()).await;
    let passing = "?window=401&level=40";
    let old = house.png(passing).await.header("etag").to_owned();
    house.replace_image().await;
    let new = house.png("?window=402&level=40").await;
    assert_eq!(new.status, 200);
    assert_ne!(house.png(passing).await.header("etag"), old);
}

/// The file that was replaced may still lie where it lay, so that no worker would find anything wrong with it.
#[tokio::test]
async fn a_passing_window_of_a_record_that_is_not_fresh_is_held_against_the_catalog() {
    let house = House::new().await;
    house.start_worker(crate::house::picture()).await;
    house.png("?frame=99").await.problem(404, "frame-not-found");
    house.replace_image().await;
    assert_eq!(house.png("?window=401&level=40").await.status, 200);
    assert_eq!(house.jobs(), 1, "no picture was asked of the old bytes");
}

#[tokio::test]
async fn windows_of_a_known_image_are_drawn_while_the_catalog_is_away() {
    let house = House::new().await;
    house.start_worker(crate::house::picture()).await;
    house.png("").await;
    house.back_ends.catalog.close().await;
    let answer = house.png("?window=401&level=40&frame=2").await;
    assert_eq!((answer.status, house.jobs()), (200, 2));
}
