//! The OpenAPI document says what is true, in a form that generators of clients read.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use crate::house::House;

/// Method, path and operation of each route.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().expect("paths").iter();
    let of_path = |(path, item): (&String, &'_ Value)| {
        let item = item.as_object().expect("operations").clone();
        item.keys().map(|method| (method.clone(), path.clone())).collect::<Vec<_>>()
    };
    let named: Vec<(String, String)> = paths.flat_map(of_path).collect();
    named
        .into_iter()
        .map(|(method, path)| {
            let operation = &document["paths"][&path][&method];
            (method, path, operation)
        })
        .collect()
}

async fn document() -> Value {
    House::new().await.get("/api/v1/openapi.json").await.json()
}

#[tokio::test]
async fn every_operation_has_a_name_of_its_own_that_says_what_it_does() {
    let document = document().await;
    let mut names = HashSet::new();
    for (method, path, operation) in operations(&document) {
        let name = operation["operationId"].as_str().expect("a name");
        assert!(names.insert(name.to_owned()), "{method} {path}: {name} stands twice");
        let is_camel = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_alphanumeric())
            && name.chars().any(|c| c.is_ascii_uppercase());
        assert!(is_camel, "{method} {path}: {name}");
        assert!(operation["summary"].is_string(), "{method} {path}");
    }
    assert!(names.len() >= 20, "only {names:?}");
}

#[tokio::test]
async fn every_operation_says_what_the_edge_may_answer_and_how_to_be_let_in() {
    let document = document().await;
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    for (method, path, operation) in operations(&document) {
        let statuses: BTreeSet<&str> =
            operation["responses"].as_object().expect("responses").keys().map(String::as_str).collect();
        for status in ["400", "403", "414", "500", "504"] {
            assert!(statuses.contains(status), "{method} {path}: {status}");
        }
        let is_probe = ["/livez", "/readyz", "/metrics", "/api/v1/health"].contains(&&*path);
        assert_eq!(statuses.contains("429"), !is_probe, "{method} {path}");
        if operation["x-scope"].is_string() {
            assert!(operation["security"][0]["bearer"].is_array(), "{method} {path}");
            assert!(statuses.contains("401"), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn pictures_are_bytes_and_choices_are_enumerations() {
    let document = document().await;
    let image = &document["paths"]["/api/v1/dicom/images/{image_id}"]["get"];
    for media_type in ["image/png", "image/jpeg", "image/webp"] {
        let schema = &image["responses"]["200"]["content"][media_type]["schema"];
        assert_eq!(
            (&schema["type"], &schema["format"]),
            (&"string".into(), &"binary".into()),
            "{media_type}"
        );
    }
    for (parameter, expected) in [
        ("function", &["linear", "linear_exact", "sigmoid"][..]),
        ("format", &["png", "png16", "raw16", "jpeg", "webp", "json"]),
        ("iccprofile", &["yes", "no", "srgb"]),
    ] {
        assert_eq!(choices(image, parameter), expected, "{parameter}");
    }
    let sorts = choices(&document["paths"]["/api/v1/dicom/studies"]["get"], "sort");
    let known = noctis_shared::catalog::StudySort::ALL.iter();
    let known: Vec<String> =
        known.flat_map(|sort| [sort.name().to_owned(), format!("-{}", sort.name())]).collect();
    assert_eq!(sorts, known);
}

/// There is no null in a path, a query or a header.
#[tokio::test]
async fn no_parameter_may_be_null_and_ids_in_queries_say_what_they_take() {
    let document = document().await;
    let mut ids = 0;
    for (method, path, operation) in operations(&document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let (name, schema) = (parameter["name"].as_str().expect("a name"), &parameter["schema"]);
            assert!(!schema.to_string().contains("\"null\""), "{method} {path}: {name}: {schema}");
            if parameter["in"] == "query" && name.ends_with("_id") {
                assert!(schema["pattern"].is_string(), "{method} {path}: {name}");
                ids += 1;
            }
        }
    }
    assert!(ids >= 4, "only {ids} ids");
}

/// The values that a parameter enumerates.
fn choices(operation: &Value, name: &str) -> Vec<String> {
    let parameters = operation["parameters"].as_array().expect("parameters");
    let parameter = parameters.iter().find(|parameter| parameter["name"] == name).expect(name);
    let schema = &parameter["schema"];
    let in_parts = schema["oneOf"].as_array().into_iter().flatten().find_map(|part| part["enum"].as_array());
    let values = schema["enum"].as_array().or(in_parts).unwrap_or_else(|| panic!("{name}: {parameter}"));
    values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

/// What is told of a picture's parameters is what is taken: each alone is known, and no other name is.
#[tokio::test]
async fn the_parameters_that_are_told_are_those_that_are_taken() {
    let house = House::new().await;
    let document = house.get("/api/v1/openapi.json").await.json();
    let parameters = document["paths"]["/api/v1/dicom/images/{image_id}"]["get"]["parameters"].clone();
    let names: BTreeSet<String> = parameters
        .as_array()
        .expect("parameters")
        .iter()
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| parameter["name"].as_str().expect("a name").to_owned())
        .collect();
    let refused = house.png("?colour=red").await.problem(400, "invalid-parameter");
    let detail = refused["detail"].as_str().expect("a detail");
    let taken = detail.split_once("it takes ").expect("a list").1;
    assert_eq!(names, taken.split(", ").map(str::to_owned).collect::<BTreeSet<_>>());
}

#[tokio::test]
async fn the_playground_is_served_from_the_program_alone() {
    let house = House::new().await;
    let docs = String::from_utf8_lossy(&house.get("/api/v1/docs").await.body).into_owned();
    assert!(docs.contains("href=\"playground.html\""), "{docs}");
    for (file, content_type) in [
        ("playground.html", "text/html; charset=utf-8"),
        ("playground.css", "text/css; charset=utf-8"),
        ("playground.js", "text/javascript; charset=utf-8"),
    ] {
        let part = house.get(&format!("/api/v1/docs/{file}")).await;
        assert_eq!((part.status, part.header("content-type")), (200, content_type), "{file}");
        assert!(part.header("content-security-policy").contains("script-src 'self'"), "{file}");
    }
}
