//! Files of faults that reviews and public reports found, asked over HTTP: pictures, names, order, lists, reasons.
//! `cases.json` beside them says what is right.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use noctis_worker::index::{MissingUids, read_instance};
use serde_json::Value;

use super::{
    corpus::{corpus, sop_instance_uid},
    distributed::Deployment,
    http::{Answer, Picture, Viewer},
    program::{Program, command, run},
};

/// The cases that say what is right, each with the path of its file.
fn cases(found: &Path) -> Vec<(PathBuf, Value)> {
    let list = |name: &str| -> Vec<Value> {
        serde_json::from_slice(&fs::read(found.join(name)).unwrap()).expect("a list of cases")
    };
    let all = list("cases.json").into_iter().chain(list("reports/cases.json"));
    all.map(|case| (found.join(case["file"].as_str().unwrap()), case)).collect()
}

fn serve(data: &Path, found: &Path) -> (Program, Viewer) {
    let mut serve = command("noctis");
    serve.args(["serve", "--listen", "127.0.0.1:0", "--workers", "1", "--data"]).arg(data);
    serve.args([found.join("files"), found.join("reports/files")]);
    serve.env("NOCTIS_RATE_LIMIT", "off");
    let mut program = Program::start(&mut serve);
    program.wait_for_line("indexed");
    let viewer = Viewer::new(&program.url);
    (program, viewer)
}

#[test]
fn what_was_found_wrong_is_right() {
    let Some(corpus) = corpus() else { return };
    let found = corpus.join("found");
    let data = tempfile::tempdir().unwrap();
    let (program, viewer) = serve(data.path(), &found);
    let cases = cases(&found);
    let mut wrong = Vec::new();
    for (file, case) in &cases {
        let suite = Suite { viewer: &viewer, found: &found, file, case };
        if let Err(difference) = suite.check() {
            wrong.push(format!("{}: {difference} ({})", case["name"], case["why"]));
        }
    }
    println!("{} of {} found cases right", cases.len() - wrong.len(), cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(program.terminate().success());
}

struct Suite<'a> {
    viewer: &'a Viewer,
    found: &'a Path,
    file: &'a Path,
    case: &'a Value,
}

impl Suite<'_> {
    fn check(&self) -> Result<(), String> {
        let expect = &self.case["expect"];
        if let Some(expected) = expect.as_str() {
            let expected = Picture::decode(&fs::read(self.found.join(expected)).unwrap());
            // Cold, then from a cache.
            for _ in 0..2 {
                near(&picture(&self.png("")?)?, &expected, &self.case["tol"])?;
            }
            return Ok(());
        }
        let (kind, right) =
            expect.as_object().and_then(|expect| expect.iter().next()).expect("an expectation");
        match kind.as_str() {
            "status" => self.has_status(right),
            "first_gray" => self.has_first_grey(right),
            "reduced" => self.is_the_full_picture_made_smaller(right),
            "name" => same(&self.study()?["patient_name"], right),
            "order" => {
                same(&self.images()?.iter().map(|image| image["instance_number"].clone()).collect(), right)
            }
            "null" => self.has_null(right),
            "studies" => self.has_studies(right),
            "listed" => same(
                &self.images()?.iter().map(|image| image["sop_instance_uid"].clone()).collect(),
                &Value::Array(vec![right.clone()]),
            ),
            "rejected" => self.is_rejected(right),
            other => Err(format!("an expectation that this suite does not know: {other}")),
        }
    }

    fn uid(&self) -> Result<String, String> {
        sop_instance_uid(self.file).ok_or_else(|| "the file is not indexed".to_owned())
    }

    fn png(&self, more: &str) -> Result<Answer, String> {
        let ask = self.case["ask"].as_object().into_iter().flatten();
        let query: Vec<String> = ask.map(|(name, value)| format!("{name}={value}")).collect();
        let uid = self.uid()?.replace('/', "%2F");
        Ok(self.viewer.png(&uid, &format!("{}{more}", query.join("&"))))
    }

    fn has_status(&self, right: &Value) -> Result<(), String> {
        let status = self.png("")?.status;
        let is_right = right.as_array().unwrap().iter().any(|right| *right == status);
        if is_right { Ok(()) } else { Err(format!("status {status}")) }
    }

    fn has_first_grey(&self, right: &Value) -> Result<(), String> {
        let picture = picture(&self.png("")?)?;
        let grey = picture.samples[(8 * picture.columns as usize + 8) * picture.channels];
        same(&Value::from(grey), right)
    }

    fn is_the_full_picture_made_smaller(&self, width: &Value) -> Result<(), String> {
        let small = picture(&self.png(&format!("width={width}"))?)?;
        let full = picture(&self.png("")?)?;
        let tolerance = serde_json::json!({"mean": 6, "p99": 40});
        near(&small, &averaged(&full, small.columns, small.rows), &tolerance)
    }

    fn instance(&self) -> Result<noctis_shared::catalog::NewInstance, String> {
        read_instance(self.file, "file:///", MissingUids::Derive).map_err(|error| error.to_string())
    }

    fn study(&self) -> Result<Value, String> {
        let study = self.instance()?.study_instance_uid;
        Ok(self.viewer.get(&format!("/api/v1/dicom/studies/{study}")).json())
    }

    fn images(&self) -> Result<Vec<Value>, String> {
        let series = self.instance()?.series_instance_uid;
        Ok(self.viewer.list(&format!("/api/v1/dicom/series/{series}/images"), "images"))
    }

    fn has_null(&self, fields: &Value) -> Result<(), String> {
        let (uid, images) = (self.uid()?, self.images()?);
        let image =
            images.iter().find(|image| image["sop_instance_uid"] == uid.as_str()).ok_or("not listed")?;
        let is_null = |field: &Value| image.get(field.as_str().unwrap()).is_some_and(Value::is_null);
        let other: Vec<&Value> = fields.as_array().unwrap().iter().filter(|field| !is_null(field)).collect();
        if other.is_empty() { Ok(()) } else { Err(format!("{other:?} are not null")) }
    }

    /// Each study lists one image.
    fn has_studies(&self, studies: &Value) -> Result<(), String> {
        for study in studies.as_array().unwrap() {
            let study = study.as_str().unwrap();
            let answer = self.viewer.get(&format!("/api/v1/dicom/studies/{study}/series"));
            if answer.status != 200 {
                return Err(format!("study {study}: {}", answer.status));
            }
            let mut images = Vec::new();
            for series in answer.json()["series"].as_array().unwrap() {
                let series = series["series_id"].as_str().unwrap();
                images.extend(self.viewer.list(&format!("/api/v1/dicom/series/{series}/images"), "images"));
            }
            if images.len() != 1 {
                return Err(format!("study {study} lists {} images", images.len()));
            }
        }
        Ok(())
    }

    /// `pattern`: words of which the reason must hold one.
    fn is_rejected(&self, pattern: &Value) -> Result<(), String> {
        let data = tempfile::tempdir().unwrap();
        let output = run(command("noctis").arg("ingest").arg(self.file).arg("--data").arg(data.path()));
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let says_why = pattern.as_str().unwrap().split('|').any(|word| said.contains(word));
        if output.status.code() == Some(1) && says_why {
            Ok(())
        } else {
            Err(format!("{}: {said}", output.status))
        }
    }
}

fn picture(answer: &Answer) -> Result<Picture, String> {
    if answer.status == 200 { Ok(answer.picture()) } else { Err(answer.text()) }
}

fn same(ours: &Value, right: &Value) -> Result<(), String> {
    if ours == right { Ok(()) } else { Err(format!("{ours} instead of {right}")) }
}

/// Pixels that are transparent in the right picture are not compared.
fn near(ours: &Picture, right: &Picture, tolerance: &Value) -> Result<(), String> {
    if (ours.rows, ours.columns) != (right.rows, right.columns) {
        return Err(format!(
            "{} x {} instead of {} x {}",
            ours.columns, ours.rows, right.columns, right.rows
        ));
    }
    let samples = ours.rgb().into_iter().zip(right.rgb()).enumerate();
    let mut apart: Vec<u8> = samples
        .filter(|(index, _)| right.is_opaque(index / 3))
        .map(|(_, (ours, right))| ours.abs_diff(right))
        .collect();
    apart.sort_unstable();
    let mean = apart.iter().map(|value| f64::from(*value)).sum::<f64>() / apart.len() as f64;
    let (p99, max) = (f64::from(apart[(apart.len() - 1) * 99 / 100]), f64::from(apart[apart.len() - 1]));
    let is_near = match tolerance.as_f64() {
        Some(levels) => max <= levels,
        None => mean <= tolerance["mean"].as_f64().unwrap() && p99 <= tolerance["p99"].as_f64().unwrap(),
    };
    if is_near { Ok(()) } else { Err(format!("mean {mean:.2}, p99 {p99}, max {max} for {tolerance}")) }
}

/// Each pixel the average of the pixels under it; for sizes that divide.
fn averaged(full: &Picture, columns: u32, rows: u32) -> Picture {
    let (across, down) = (full.columns / columns, full.rows / rows);
    let rgb = full.rgb();
    let mut samples = Vec::new();
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        for sample in 0..3 {
            let under =
                (0..down).flat_map(|y| (0..across).map(move |x| (row * down + y, column * across + x)));
            let values = under.map(|(y, x)| u32::from(rgb[((y * full.columns + x) * 3 + sample) as usize]));
            samples.push((values.sum::<u32>() / (across * down)) as u8);
        }
    }
    Picture { columns, rows, channels: 3, samples }
}

/// Sizes of one image. The first order asks for them cold, the second after each other.
const SIZES: [&str; 5] = ["width=64", "", "width=100", "width=16&height=16", "width=64&window=1000&level=40"];

/// The body that each strong `ETag` named, asked in the order of `sizes`; a second body under one name is a fault.
fn ask_all<'a>(
    viewer: &Viewer,
    uids: &[String],
    sizes: impl Iterator<Item = &'a str> + Clone,
    bodies: &mut HashMap<String, Vec<u8>>,
    wrong: &mut Vec<String>,
) {
    for uid in uids {
        for size in sizes.clone() {
            let answer = viewer.png(&uid.replace('/', "%2F"), size);
            if answer.status != 200 {
                continue;
            }
            let tag = answer.header("etag").to_owned();
            assert!(tag.starts_with('"'), "a strong ETag: {tag:?}");
            let first = bodies.entry(tag).or_insert_with(|| answer.body.clone());
            if *first != answer.body {
                wrong.push(format!("{uid} {size}: two bodies under one ETag"));
            }
        }
    }
}

/// Waits until so many images are listed.
fn wait_until_listed(viewer: &Viewer, count: usize) {
    super::program::wait_until("all is indexed", || {
        let studies = viewer.list("/api/v1/dicom/studies?limit=500", "studies");
        let listed: u64 = studies.iter().filter_map(|study| study["image_count"].as_u64()).sum();
        (listed >= count as u64).then_some(())
    });
}

fn clear_cache(viewer: &Viewer) {
    let answer = viewer.post("/api/v1/dicom/clear-cache");
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Every file of the corpus that is coded in a way whose decoders may leave pixels out, and all that was found.
fn coded_files(corpus: &Path, into: &Path) -> Vec<String> {
    let mut by_uid = BTreeMap::new();
    for folder in ["files", "found/files", "found/reports/files"] {
        for entry in fs::read_dir(corpus.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_coded = ["JPEG", "jpeg", "j2k", "J2K", "HTJ2K", "padding", "palette"]
                .iter()
                .any(|part| name.contains(part));
            // Both ways of taking files take those that have their UIDs.
            let read = read_instance(&path, "file:///", MissingUids::Refuse).ok().filter(|_| is_coded);
            if let Some(instance) = read {
                by_uid.entry(instance.sop_instance_uid).or_insert(path);
            }
        }
    }
    for (index, path) in by_uid.values().enumerate() {
        fs::copy(path, into.join(format!("{index}.dcm"))).unwrap();
    }
    by_uid.into_keys().collect()
}

/// The bytes of a picture depend on its key alone: not on the order of requests, what a slot holds, or the back ends.
#[test]
fn one_etag_names_one_body() {
    let Some(corpus) = corpus() else { return };
    let work = tempfile::tempdir().unwrap();
    let files = work.path().join("files");
    fs::create_dir_all(&files).unwrap();
    let uids = coded_files(&corpus, &files);
    let (mut bodies, mut wrong) = (HashMap::new(), Vec::new());

    let mut serve = command("noctis");
    serve
        .args(["serve", "--listen", "127.0.0.1:0", "--workers", "1", "--data"])
        .arg(work.path().join("data"));
    serve.arg(&files).env("NOCTIS_RATE_LIMIT", "off");
    let mut program = Program::start(&mut serve);
    let summary = program.wait_for_line("indexed");
    assert!(summary.contains(&format!("indexed {} instances", uids.len())), "{summary}");
    let viewer = Viewer::new(&program.url);
    ask_all(&viewer, &uids, SIZES.into_iter(), &mut bodies, &mut wrong);
    // The slot still holds what it decoded.
    for order in [[1, 0, 2, 3, 4], [4, 3, 2, 0, 1], [3, 1, 4, 2, 0]] {
        clear_cache(&viewer);
        ask_all(&viewer, &uids, order.iter().map(|&size: &usize| SIZES[size]), &mut bodies, &mut wrong);
    }
    assert!(program.terminate().success());

    let deployment = Deployment::new();
    let api = deployment.start("noctis-api", &[]);
    let worker = deployment.start("noctis-worker", &["--workers", "1"]);
    run(deployment.command("noctis").arg("ingest").arg(&files));
    let viewer = Viewer::new(&api.url);
    wait_until_listed(&viewer, uids.len());
    ask_all(&viewer, &uids, SIZES.into_iter().rev(), &mut bodies, &mut wrong);
    assert!(api.terminate().success() && worker.terminate().success());
    println!("{} pictures of {} files under one body each", bodies.len(), uids.len());
    assert!(bodies.len() > uids.len(), "most files have a picture");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
