//! Measures the catalog: records instances in batches, again as duplicates, then reads. Prints rows per second,
//! processor seconds and resident memory.
//!
//! `cargo run --release -p noctis-shared --example catalog_load -- sqlite:/tmp/load.sqlite 100000`
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::{env, fs, time::Instant};

use anyhow::Context;
use noctis_shared::{
    catalog::{Catalog, CatalogLimits, NewInstance, OrderFacts, Plane, StudyFilter},
    dicom_uid::public_id,
    facts::{PatientFacts, SeriesFacts, StudyFacts},
    image_facts::ImageFacts,
    job::FrameRange,
    render_key::ContentDigest,
    request::{VoiFunction, Window},
};

const INSTANCES_PER_BATCH: u32 = 500;
const INSTANCES_PER_SERIES: u32 = 250;
const SERIES_PER_STUDY: u32 = 4;
/// About what the header of a CT slice weighs as DICOM JSON.
const HEADER_JSON_BYTES: usize = 4000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().context("the URL of an empty catalog")?;
    let count: u32 = arguments.next().map_or(Ok(100_000), |count| count.parse())?;
    let catalog = Catalog::connect(&url, CatalogLimits::default()).await?;
    for pass in ["recorded", "recognised as duplicates"] {
        let (start, processor_start) = (Instant::now(), processor_seconds());
        for first in (0..count).step_by(INSTANCES_PER_BATCH as usize) {
            let last = count.min(first + INSTANCES_PER_BATCH);
            let batch: Vec<NewInstance> = (first..last).map(instance).collect();
            catalog.record_instances(&batch, false).await?;
        }
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{count} instances {pass}: {seconds:.1} s, {:.0} a second, {:.1} s of processor here, {}",
            f64::from(count) / seconds,
            processor_seconds() - processor_start,
            resident(),
        );
    }
    read(&catalog, count).await?;
    catalog.close().await;
    Ok(())
}

async fn read(catalog: &Catalog, count: u32) -> anyhow::Result<()> {
    const READS: u32 = 1000;
    let nothing = "0".repeat(32).parse().map_err(|_| anyhow::anyhow!("32 digits"))?;
    let start = Instant::now();
    for number in (0..READS).map(|read| read * (count / READS).max(1) % count) {
        let image_id = public_id(&instance_uid(number));
        catalog.image(image_id).await?.context("an image")?;
        catalog.look_up_frame(image_id, 1, &nothing).await?.context("a frame")?;
    }
    println!("one image and its frame: {:.0} us", start.elapsed().as_secs_f64() * 1e6 / f64::from(READS));
    let filters = [
        ("the first page", StudyFilter { limit: 100, ..StudyFilter::default() }),
        (
            "a page by a name",
            StudyFilter { limit: 100, patient: Some("load".to_owned()), ..StudyFilter::default() },
        ),
    ];
    for (name, filter) in filters {
        let start = Instant::now();
        let page = catalog.studies(&filter).await?;
        println!(
            "{name} of studies: {} in {:.1} ms",
            page.studies.len(),
            start.elapsed().as_secs_f64() * 1e3
        );
    }
    let start = Instant::now();
    let images = catalog.images_of_series(public_id(&series_uid(0))).await?.context("a series")?;
    println!("the images of a series: {} in {:.1} ms", images.len(), start.elapsed().as_secs_f64() * 1e3);
    println!("{:?}, {}", catalog.counts().await?, resident());
    Ok(())
}

fn series_uid(number: u32) -> String {
    format!("1.2.826.0.1.3680043.9.{}", number / INSTANCES_PER_SERIES)
}

fn instance_uid(number: u32) -> String {
    format!("{}.{number}", series_uid(number))
}

/// An axial slice.
fn plane(number: u32) -> Option<Plane> {
    Plane::new([-180.0, -180.0, f64::from(number)], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0])
}

fn instance(number: u32) -> NewInstance {
    let sop_instance_uid = instance_uid(number);
    let study = number / INSTANCES_PER_SERIES / SERIES_PER_STUDY;
    // Compressible as headers are: the same tags again and again, with other numbers.
    let element = format!(r#""{number:08X}":{{"vr":"DS","Value":[{number}.5]}},"#);
    NewInstance {
        study_instance_uid: format!("1.2.826.0.1.3680043.8.{study}"),
        study: StudyFacts {
            patient: PatientFacts {
                patient_id: Some(format!("LOAD-{study}")),
                patient_name: Some(format!("Load^Patient{study}")),
                ..PatientFacts::default()
            },
            study_date: Some(format!("20{:02}-{:02}-{:02}", study % 26, study % 12 + 1, study % 28 + 1)),
            ..StudyFacts::default()
        },
        series_instance_uid: series_uid(number),
        series: SeriesFacts { modality: Some("CT".to_owned()), ..SeriesFacts::default() },
        sop_class_uid: Some("1.2.840.10008.5.1.4.1.1.2".to_owned()),
        instance_number: i32::try_from(number % INSTANCES_PER_SERIES).ok(),
        order: OrderFacts { plane: plane(number % INSTANCES_PER_SERIES), ..OrderFacts::default() },
        rows: Some(512),
        columns: Some(512),
        samples_per_pixel: 1,
        bits_allocated: 16,
        frame_count: 1,
        transfer_syntax_uid: "1.2.840.10008.1.2.1".to_owned(),
        photometric_interpretation: Some("MONOCHROME2".to_owned()),
        window: Window::new(40.0, 400.0, VoiFunction::Linear).ok(),
        facts: ImageFacts::default(),
        header_json: format!(
            "{{{}}}",
            element.repeat(HEADER_JSON_BYTES / element.len()).trim_end_matches(',')
        ),
        location: format!("file:///archive/{sop_instance_uid}.dcm"),
        content_digest: ContentDigest(*blake3::hash(sop_instance_uid.as_bytes()).as_bytes()),
        file_byte_count: 525_000,
        header_byte_count: 1200,
        header_checksum: u64::from(number),
        deflated: false,
        bulk_values: vec![],
        frames: vec![FrameRange { offset: 1200, byte_count: 524_288, checksum: u64::from(number) }],
        sop_instance_uid,
    }
}

/// User and system time of this process: fields 14 and 15 of `/proc/self/stat`, in ticks of 10 ms. 0 elsewhere.
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// Resident memory now and at its highest, from `/proc/self/status`.
fn resident() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = |name| status.lines().find(|line| line.starts_with(name)).unwrap_or("unknown");
    [line("VmRSS"), line("VmHWM")]
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .join(", ")
}
