//! Rendered resources and thumbnails.

use crate::{
    house::{Answer, FRAMES, House, IMAGE, PICTURE, REPORT, SERIES, STUDY, picture},
    login::{self, token},
};

fn study() -> String {
    format!("/dicom-web/studies/{STUDY}")
}

fn series() -> String {
    format!("{}/series/{SERIES}", study())
}

fn instance() -> String {
    format!("{}/instances/{IMAGE}", series())
}

async fn house() -> House {
    let house = House::new().await;
    house.start_worker(picture()).await;
    house
}

/// Heads of the parts of a multipart body; each part is the canned picture.
fn heads(answer: &Answer) -> Vec<String> {
    let content_type = answer.header("content-type");
    let boundary = content_type.split("boundary=").nth(1).expect("a boundary");
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    let body = body.strip_prefix(&format!("--{boundary}")).expect("it begins with a part");
    let mut parts: Vec<&str> = body.split(&format!("\r\n--{boundary}")).collect();
    assert_eq!(parts.pop(), Some("--\r\n"), "{body}");
    let head = |part: &&str| {
        let (head, picture) = part.split_once("\r\n\r\n").expect("a head");
        assert_eq!(picture, String::from_utf8_lossy(PICTURE));
        format!("{head}\r\n")
    };
    parts.iter().map(head).collect()
}

#[tokio::test]
async fn a_rendered_frame_is_the_picture_that_is_there_already() {
    let house = house().await;
    let ours = house.png("?window=400&level=40&frame=2").await;
    for query in ["window=40,400,linear&accept=image/png", "accept=image/png&window=40,400"] {
        let path = format!("{}/frames/2/rendered?{query}", instance());
        let theirs = house.get(&path).await;
        assert_eq!(
            (theirs.status, theirs.header("content-type"), &theirs.body),
            (200, "image/png", &ours.body)
        );
        assert_eq!(theirs.header("etag"), ours.header("etag"));
        let tag = [("if-none-match", theirs.header("etag"))];
        assert_eq!(house.send("GET", &path, &tag).await.status, 304);
    }
    assert_eq!(house.jobs(), 1);
    // Without a frame it is the first, and a JPEG.
    let first = house.get(&format!("{}/rendered", instance())).await;
    let ours = house.get(&format!("/api/v1/dicom/images/{IMAGE}?format=jpeg")).await;
    assert_eq!((first.status, first.header("etag")), (200, ours.header("etag")));
    assert_eq!(house.jobs(), 2);
}

#[tokio::test]
async fn what_is_not_drawn_is_said_and_what_is_no_value_is_named() {
    let house = house().await;
    let answer = house.get(&format!("{}/rendered?annotation=scale&charset=utf-8", instance())).await;
    let warning = "299 noctis \"of annotations patient and technique are drawn, and no others\"";
    assert_eq!((answer.status, answer.header("warning")), (200, warning));
    let plain = house.get(&format!("{}/rendered", instance())).await;
    assert_eq!(answer.header("etag"), plain.header("etag"));
    let annotated = house.get(&format!("{}/rendered?annotation=patient", instance())).await;
    assert_eq!((annotated.status, annotated.header("warning")), (200, ""));
    assert_ne!(annotated.header("etag"), plain.header("etag"));
    for (query, parameter) in [
        ("window=40", "window"),
        ("viewport=1", "viewport"),
        ("viewport=8,8,0,0,0,8", "viewport"),
        ("quality=101", "quality"),
        ("iccprofile=best", "iccprofile"),
    ] {
        let problem =
            house.get(&format!("{}/rendered?{query}", instance())).await.problem(400, "invalid-parameter");
        assert_eq!(problem["details"]["parameter"], parameter, "{query}");
    }
    let accept = [("accept", "image/avif")];
    house.send("GET", &format!("{}/rendered", instance()), &accept).await.problem(406, "not-acceptable");
    house.get(&format!("{}/frames/4/rendered", instance())).await.problem(404, "frame-not-found");
    house.get(&format!("{}/frames/0/rendered", instance())).await.problem(400, "invalid-parameter");
    house.get(&format!("{}/instances/{REPORT}/rendered", series())).await.problem(422, "unrenderable");
}

#[tokio::test]
async fn each_flip_is_a_picture_of_its_own() {
    let house = house().await;
    let mut tags = std::collections::HashSet::new();
    for source in ["0,0,8,8", "0,0,-8,8", "0,0,8,-8", "0,0,-8,-8"] {
        let answer = house.get(&format!("{}/rendered?viewport=8,8,{source}", instance())).await;
        assert_eq!(answer.status, 200, "{source}");
        tags.insert(answer.header("etag").to_owned());
    }
    assert_eq!((tags.len(), house.jobs()), (4, 4));
}

#[tokio::test]
async fn several_pictures_are_parts_and_each_says_where_it_is() {
    let house = house().await;
    let answer = house.get(&format!("{}/frames/3,1/rendered?accept=image/png", instance())).await;
    assert!(answer.header("content-type").starts_with("multipart/related; type=\"image/png\"; boundary="));
    let heads = heads(&answer);
    assert_eq!(heads.len(), 2);
    for (head, frame) in heads.iter().zip([3, 1]) {
        assert!(head.contains("\r\nContent-Type: image/png\r\n"), "{head}");
        let location = format!("\r\nContent-Location: {}/frames/{frame}/rendered\r\n", instance());
        assert!(head.contains(&location), "{head}");
    }
    let path = format!("{}/frames/1,{}/rendered", instance(), FRAMES + 1);
    house.get(&path).await.problem(404, "frame-not-found");

    // Of a series and a study: each instance that has a picture, in display order.
    house.record_cine("1.2.826.0.1.3680043.10.1.1.3", 5).await;
    for path in [series(), study()] {
        let answer = house.get(&format!("{path}/rendered")).await;
        assert_eq!((answer.status, self::heads(&answer).len()), (200, 2), "{path}");
    }
}

#[tokio::test]
async fn a_thumbnail_is_there_at_every_level() {
    let house = house().await;
    for path in [study(), series(), instance(), format!("{}/frames/2", instance())] {
        let answer = house.get(&format!("{path}/thumbnail?viewport=64,64")).await;
        assert_eq!((answer.status, &*answer.body), (200, PICTURE), "{path}");
    }
    // The frame in the middle stands for the others, and is drawn once.
    assert_eq!(house.jobs(), 1);
}

#[tokio::test]
async fn pictures_of_another_study_are_told_like_what_is_not_there() {
    let house = login::house().await;
    house.start_worker(picture()).await;
    let bearer = |study: &str| {
        let studies = Some(vec![study.to_owned()]);
        format!("Bearer {}", token(|claims| claims.studies = studies))
    };
    let (mine, other) = (bearer(STUDY), bearer("1.2.3"));
    for level in [study(), series(), instance(), format!("{}/frames/2", instance())] {
        for resource in ["rendered", "thumbnail"] {
            let ask = async |path: &str, bearer: &str| {
                let headers = [("authorization", bearer), ("if-none-match", "*")];
                house.send("GET", &format!("{path}/{resource}"), &headers).await
            };
            assert!([200, 304].contains(&ask(&level, &mine).await.status), "{level}");
            let missing = level.replace(STUDY, "1.2.404");
            let (foreign, missing) = (ask(&level, &other).await, ask(&missing, &other).await);
            assert_eq!((foreign.status, missing.status), (404, 404), "{level}/{resource}");
            assert_eq!(foreign.json()["detail"], missing.json()["detail"], "{level}/{resource}");
        }
    }
}
