//! What is answered to each `Accept` that is met in the field: those of the standard (PS3.18 8.7, F.4), of viewers and libraries, of
//! browsers and of command lines. One row each; a row whose answer is nothing is a 406.

use crate::house::readable_picture;

use super::{
    archive::{ROOT, series_uid, uid},
    frames::{STUDY, Stored},
};

const OCTETS: &str = "multipart/related; type=\"application/octet-stream\"; boundary=";
const JLS: &str = "multipart/related; type=\"image/jls\"; boundary=";
const JP2: &str = "multipart/related; type=\"image/jp2\"; boundary=";
const FILES: &str = "multipart/related; type=\"application/dicom\"; boundary=";
const JSON: &str = "application/dicom+json";
const CHROMIUM_IMG: &str = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";
const FIREFOX_IMG: &str = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5";
const NAVIGATION: &str =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

/// Address, `Accept`, and how the media type of the answer begins.
type Row = (String, &'static str, Option<&'static str>);

fn instance(number: u32) -> String {
    let (series, instance) = (series_uid(STUDY, 1), uid(STUDY, 1, number));
    format!("{ROOT}/studies/{STUDY}/series/{series}/instances/{instance}")
}

/// A native frame, a compressed one, both of one part.
fn frames() -> Vec<Row> {
    let (native, j2k, many) = (
        format!("{}/frames/1", instance(1)),
        format!("{}/frames/1", instance(2)),
        format!("{}/frames/1,2", instance(2)),
    );
    let rows: [(&String, &str, Option<&str>); 36] = [
        // No Accept, curl, fetch, XMLHttpRequest, requests.
        (&native, "", Some(OCTETS)),
        (&native, "*/*", Some(OCTETS)),
        (&j2k, "*/*", Some(JP2)),
        (&native, "application/json, text/plain, */*", Some(OCTETS)),
        // OHIF and Cornerstone3D, with and without quotes.
        (&j2k, "multipart/related; type=application/octet-stream; transfer-syntax=*", Some(OCTETS)),
        (&native, "multipart/related; type=application/octet-stream; transfer-syntax=*", Some(OCTETS)),
        (&j2k, "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*", Some(OCTETS)),
        (&many, "multipart/related; type=application/octet-stream; transfer-syntax=*", Some(OCTETS)),
        // In a codec that they are not stored in.
        (&j2k, "multipart/related; type=image/jls; transfer-syntax=1.2.840.10008.1.2.4.80", Some(JLS)),
        (&native, "multipart/related; type=\"image/jp2\"", Some(JP2)),
        (&native, "image/dicom-rle", Some("image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5")),
        (&native, "multipart/related; type=image/jls; transfer-syntax=1.2.840.10008.1.2.4.81", None),
        (&j2k, "multipart/related; type=image/jphc; transfer-syntax=*", None),
        // Older Cornerstone loaders.
        (&j2k, "multipart/related; type=application/octet-stream", Some(OCTETS)),
        (&j2k, "multipart/related; type=image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90", Some(JP2)),
        (&j2k, "multipart/related; type=image/jp2; transfer-syntax=1.2.840.10008.1.2.4.91", None),
        (&j2k, "multipart/related; type=image/dicom+jp2", None),
        // dicomweb-client (Python): the media types that it is told, in one list.
        (
            &j2k,
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.1",
            Some(OCTETS),
        ),
        (
            &j2k,
            "multipart/related; type=\"image/jpeg\"; transfer-syntax=1.2.840.10008.1.2.4.50, multipart/related; type=\"image/jp2\"; transfer-syntax=1.2.840.10008.1.2.4.90",
            Some(JP2),
        ),
        (&j2k, "multipart/related; type=\"*/*\"", Some(JP2)),
        // Weasis and dcm4che, which name what they can decode.
        (&j2k, "multipart/related;type=image/jp2;q=0.9,multipart/related;type=image/jls;q=0.8", Some(JP2)),
        (
            &native,
            "multipart/related;type=image/jp2;q=0.9,multipart/related;type=application/octet-stream;q=0.5",
            Some(OCTETS),
        ),
        // Of the standard: single part, ranges, quality, what is refused.
        (
            &native,
            "application/octet-stream",
            Some("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"),
        ),
        (&j2k, "image/jp2", Some("image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90")),
        (
            &j2k,
            "application/octet-stream",
            Some("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"),
        ),
        (&many, "image/jp2", None),
        (&j2k, "image/*", Some("image/jp2;")),
        (&j2k, "multipart/related; type=\"image/*\"; transfer-syntax=*", Some(JP2)),
        (&j2k, "multipart/related", Some(JP2)),
        (&j2k, "multipart/*", Some(JP2)),
        (&j2k, "multipart/related; type=\"image/jp2\"; q=0", None),
        (&native, "multipart/related; type=\"image/jpeg\"", None),
        (
            &native,
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.2",
            None,
        ),
        (&native, "application/dicom", None),
        (&native, "text/html", None),
        (&native, NAVIGATION, Some(OCTETS)),
    ];
    rows.into_iter().map(|(path, accept, expected)| (path.clone(), accept, expected)).collect()
}

fn instances() -> Vec<Row> {
    let (one, study) = (instance(2), format!("{ROOT}/studies/{STUDY}"));
    let rows: [(&String, &str, Option<&str>); 20] = [
        (&one, "", Some(FILES)),
        (&one, "*/*", Some(FILES)),
        (&study, "*/*", Some(FILES)),
        // dicomtrolley and pydicom's users, OHIF's downloads.
        (&study, "multipart/related; type=application/dicom", Some(FILES)),
        (&one, "multipart/related; type=\"application/dicom\"; transfer-syntax=*", Some(FILES)),
        (
            &one,
            "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.4.90",
            Some(FILES),
        ),
        // What it is written in for who takes nothing else: Explicit VR Little Endian, RLE, JPEG-LS, JPEG 2000.
        (
            &one,
            "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.1",
            Some(FILES),
        ),
        (
            &one,
            "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.5",
            Some(FILES),
        ),
        (
            &study,
            "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.4.80",
            Some(FILES),
        ),
        (
            &study,
            "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90",
            Some(FILES),
        ),
        (
            &one,
            "application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
            Some("application/dicom; transfer-syntax=1.2.840.10008.1.2.1"),
        ),
        (&one, "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50", None),
        (&one, "application/dicom; transfer-syntax=1.2.840.10008.1.2", None),
        (&one, "application/dicom", Some("application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90")),
        (&one, "application/dicom; transfer-syntax=*", Some("application/dicom;")),
        (&study, "application/dicom", None),
        (&study, "multipart/related; type=\"application/octet-stream\"", None),
        (&one, "application/dicom+json", None),
        (&one, "application/zip", None),
        (&one, NAVIGATION, Some(FILES)),
    ];
    rows.into_iter().map(|(path, accept, expected)| (path.clone(), accept, expected)).collect()
}

fn documents() -> Vec<Row> {
    let (search, metadata) = (format!("{ROOT}/studies"), format!("{}/metadata", instance(2)));
    let rows: [(&String, &str, Option<&str>); 14] = [
        (&search, "", Some(JSON)),
        (&search, "*/*", Some(JSON)),
        (&search, "application/dicom+json", Some(JSON)),
        (&search, "application/json", Some("application/json")),
        (&search, "application/dicom+json, application/json;q=0.9", Some(JSON)),
        (&search, "application/json, text/plain, */*", Some("application/json")),
        (&search, "multipart/related; type=\"application/dicom+xml\"", None),
        (&search, "application/dicom+xml", None),
        (&search, "text/html", None),
        (&metadata, "application/dicom+json", Some(JSON)),
        (&metadata, "application/dicom+json; charset=utf-8", Some(JSON)),
        (&metadata, "application/*", Some(JSON)),
        (&metadata, "multipart/related; type=\"application/dicom+xml\"; transfer-syntax=*", None),
        (&metadata, NAVIGATION, Some(JSON)),
    ];
    rows.into_iter().map(|(path, accept, expected)| (path.clone(), accept, expected)).collect()
}

fn pictures() -> Vec<Row> {
    let (rendered, thumbnail) = (format!("{}/rendered", instance(2)), format!("{}/thumbnail", instance(2)));
    let by_query = format!("{rendered}?accept=image/jpeg");
    let rows: [(&String, &str, Option<&str>); 19] = [
        (&rendered, "", Some("image/jpeg")),
        (&rendered, "*/*", Some("image/jpeg")),
        (&rendered, "image/jpeg", Some("image/jpeg")),
        (&rendered, "image/png", Some("image/png")),
        (&rendered, "image/webp", Some("image/webp")),
        (&rendered, "image/gif", Some("image/gif")),
        (&rendered, "image/gif, image/*;q=0.8", Some("image/gif")),
        (&rendered, "multipart/related; type=\"image/gif\"", None),
        (&thumbnail, "image/gif", None),
        (&rendered, "video/mp4", None),
        (&rendered, "application/dicom+json", None),
        (&rendered, "image/png, image/jpeg;q=0.5", Some("image/png")),
        (&rendered, CHROMIUM_IMG, Some("image/jpeg")),
        (&rendered, FIREFOX_IMG, Some("image/png")),
        (
            &rendered,
            "multipart/related; type=\"image/jpeg\"",
            Some("multipart/related; type=\"image/jpeg\"; boundary="),
        ),
        // OHIF sends what it sends for frames; the query of its address goes first.
        (
            &by_query,
            "multipart/related; type=application/octet-stream; transfer-syntax=*",
            Some("image/jpeg"),
        ),
        (&rendered, "multipart/related; type=application/octet-stream; transfer-syntax=*", None),
        (&thumbnail, "*/*", Some("image/jpeg")),
        (&thumbnail, CHROMIUM_IMG, Some("image/jpeg")),
    ];
    rows.into_iter().map(|(path, accept, expected)| (path.clone(), accept, expected)).collect()
}

#[tokio::test]
async fn each_accept_has_its_answer() {
    let stored = Stored::with(&[]).await;
    stored.house.start_worker_of_any_format(readable_picture()).await;
    let rows: Vec<Row> = [frames(), instances(), documents(), pictures()].concat();
    assert!(rows.len() >= 60, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for (path, accept, expected) in rows {
        let headers: &[(&str, &str)] = if accept.is_empty() { &[] } else { &[("accept", accept)] };
        let answer = stored.house.send("GET", &path, headers).await;
        let content_type = answer.header("content-type").to_owned();
        let is_right = match expected {
            Some(begins) => answer.status == 200 && content_type.starts_with(begins),
            None => answer.status == 406,
        };
        if !is_right {
            wrong.push(format!("{path} {accept:?}: {} {content_type}, not {expected:?}", answer.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
