//! Puts a pile of renders on the background lane, to measure what it does to the screen: every image of a modality under
//! one window after the other.
//!
//! `cargo run --release -p noctis-api --example background_pile -- postgres://… amqp://… NAMESPACE MG 300`
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::env;

use anyhow::Context;
use chrono::Utc;
use noctis_shared::{
    catalog::{Catalog, CatalogLimits, ImageRecord, StudyFilter},
    job::RenderJob,
    lane::Lane,
    purpose::Purpose,
    queue::{Queue, QueueLimits},
    render_key::RenderKey,
    request::{FrameRequest, PictureFormat, Voi, VoiFunction, Window},
};
use uuid::Uuid;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [catalog_url, queue_url, namespace, modality, count] = &arguments[..] else {
        anyhow::bail!("usage: background_pile CATALOG QUEUE NAMESPACE MODALITY COUNT");
    };
    let count: usize = count.parse()?;
    let catalog = Catalog::connect(catalog_url, CatalogLimits::default()).await?;
    let queue = Queue::connect(queue_url, namespace, QueueLimits::default()).await?;
    let images = images(&catalog, modality).await?;
    anyhow::ensure!(!images.is_empty(), "no image of this modality");
    let ordered_by = Uuid::new_v4();
    for number in 0..count {
        let image = &images[number % images.len()];
        queue.publish_job(&job(image, number, ordered_by)?).await?;
    }
    println!("{count} renders of {} images wait in the background", images.len());
    queue.close().await;
    catalog.close().await;
    Ok(())
}

async fn images(catalog: &Catalog, modality: &str) -> anyhow::Result<Vec<ImageRecord>> {
    let filter = StudyFilter { modality: Some(modality.to_owned()), limit: 100, ..StudyFilter::default() };
    let mut images = Vec::new();
    for study in catalog.studies(&filter).await?.studies {
        for series in catalog.series_of_study(study.study_id).await?.unwrap_or_default() {
            let Some(series) = catalog.find_series(series.series_id).await?.one() else { continue };
            for image in catalog.images_of_series(series.key).await?.unwrap_or_default() {
                let Some(key) = catalog.find_image(image.image_id).await?.one() else { continue };
                images.extend(
                    catalog
                        .image(key)
                        .await?
                        .filter(|image| image.metadata.series.modality.as_deref() == Some(modality)),
                );
            }
        }
    }
    Ok(images)
}

fn job(image: &ImageRecord, number: usize, ordered_by: Uuid) -> anyhow::Result<RenderJob> {
    let window = Window::new(2000.5, 1000.0 + number as f64, VoiFunction::Linear)?;
    let request = FrameRequest { voi: Voi::Window(window), ..FrameRequest::new(PictureFormat::Png) };
    Ok(RenderJob {
        segmentation: None,
        slices: Vec::new(),
        job_id: Uuid::new_v4(),
        render_key: RenderKey::new(&image.content_digest, &request),
        lane: Lane::Background,
        image_id: image.key,
        study_id: image.study_id,
        source: image.source(image.frame(1).context("an image without frames")?),
        request,
        published_at: Utc::now(),
        presentation_state: None,
        purpose: Purpose::Prerender { job_id: ordered_by },
        keep: false,
    })
}
