//! Planes through the volume of a series: rendered MPR volumes (PS3.18 10.4.1.1.8, 8.3.5.3). Drawn like any picture, as one of the
//! slice in the middle, which says how values are shown.
//!
//! What must not be here: how slices make a volume and planes lie in it (`volume`), and how a picture is made (`picture`).

use axum::{extract::Path, response::Response};
use futures::{StreamExt, TryStreamExt, stream};
use noctis_shared::{
    answer::Image,
    own_id,
    request::Fit,
    submit::SubmitError,
    volume_plane::{Projection, VolumePlane, VolumeSlice},
};
use uuid::Uuid;

use super::{
    asks::Asks,
    rendered::{not_acceptable, with_warning},
    rendered_parameters::Rendered,
};
use crate::{
    back_end::{catalog_problem, submit_problem},
    picture::{Asked, Request, Shapes, answer_image},
    problem::{Kind, Problem},
    query::Query,
    volume::{
        Cut, Depicted, Eye, Header, NoPlane, Side, Slice, Volume, check_kind, check_placed, slices_of,
        tells_its_place,
    },
};

/// Millimetres of a slab, at most.
const SLAB_MAX: f64 = 10_000.0;
/// Slices of one picture: a job that names more is longer than the queue takes.
const SLICES_MAX: usize = 1_000;
/// Slices whose files are looked up at a time.
const AT_A_TIME: usize = 8;
/// Parameters of the standard that are not built (PS3.18 table 8.3.5-3).
const UNBUILT: [&str; 7] = [
    "volumeinputreference",
    "match",
    "swivelrange",
    "volumetriccurvepoint",
    "animationstepsize",
    "animationrate",
    "renderedvolumetricmetadata",
];

/// A plane through a series.
pub(super) async fn series(
    Path((study, series)): Path<(String, String)>,
    asks: Asks,
) -> Result<Response, Problem> {
    let visible = asks.visible();
    let of_series = visible.series(own_id::of_series(&study, &series)).await?;
    let images = visible.images_of(&of_series).await?;
    asks.plane(&study, &series, images).await
}

/// A plane through the frames of one instance.
pub(super) async fn instance(
    Path((study, series, instance)): Path<(String, String, String)>,
    asks: Asks,
) -> Result<Response, Problem> {
    let image = asks.visible().image(own_id::of_image(&study, &series, &instance)).await?;
    asks.plane(&study, &series, vec![image.image.clone()]).await
}

impl Asks {
    async fn plane(&self, study: &str, series: &str, images: Vec<Image>) -> Result<Response, Problem> {
        let (mut query, form) = self.query()?;
        if form.in_parts {
            return Err(not_acceptable());
        }
        let Rendered { asked, left_out, .. } =
            Rendered::take_plane(&mut query, form.format, &self.api.windows)?;
        let cut = take_cut(&mut query, asked.fit.width.zip(asked.fit.height))?;
        let slices = self.slices(study, series, images).await?;
        let volume = Volume::of(&slices).map_err(|reason| no_volume(&reason))?;
        let depicted = volume.depict(&cut).map_err(|reason| no_plane(cut.eye, reason))?;
        let middle = &slices[volume.middle()];
        let touched: Vec<Uuid> = depicted.touched.iter().map(|(nth, ..)| slices[*nth].image_id).collect();
        let plane = Some(Box::new(self.plane_of(depicted, &slices).await?));
        // It has the size of its box.
        let asked = Asked { frame_number: middle.frame_number, fit: Fit::default(), plane, ..asked };
        Ok(with_warning(self.answered(middle.image_id, &touched, asked).await?, left_out))
    }

    /// The frames that may be slices, in display order.
    async fn slices(&self, study: &str, series: &str, mut images: Vec<Image>) -> Result<Vec<Slice>, Problem> {
        images.retain(|image| image.frame_count > 0);
        // Before a header is read.
        check_kind(&images).map_err(|reason| no_volume(&reason))?;
        let mut slices = Vec::new();
        for image in &images {
            let header = match tells_its_place(image) {
                true => None,
                false => Some(self.header_of(study, series, &image.sop_instance_uid).await?),
            };
            slices.extend(slices_of(image, header.as_ref()));
            // No header is read in vain.
            if header.is_some() {
                check_placed(&slices).map_err(|reason| no_volume(&reason))?;
            }
        }
        Ok(slices)
    }

    /// The header of an instance as the catalog has it, and the file that it is of; nothing where it is too long to be kept.
    async fn header_of(&self, study: &str, series: &str, instance: &str) -> Result<Header, Problem> {
        let of = self.visible().headers_of(study, Some(series), Some(instance))?;
        let catalog = &self.api.catalog;
        let places = catalog.header_places(*of).await.map_err(|error| catalog_problem(&error))?;
        let headers = catalog.headers(&places).await.map_err(|error| catalog_problem(&error))?;
        let content_digest = places.first().map(|place| place.content_digest);
        let text = headers.into_iter().next().map(|header| header.header_json).unwrap_or_default();
        // It may have megabytes.
        let read = tokio::task::spawn_blocking(move || serde_json::from_str(&text).unwrap_or_default());
        let data_set = read.await.map_err(|error| Problem::internal(&error))?;
        Ok(Header { data_set, content_digest })
    }

    /// The plane with the files that it is made of.
    async fn plane_of(
        &self,
        Depicted { touched, plane }: Depicted,
        slices: &[Slice],
    ) -> Result<VolumePlane, Problem> {
        if touched.len() > SLICES_MAX {
            let detail = format!(
                "The plane is made of {} slices, and {SLICES_MAX} are the most: ask for less of the series.",
                touched.len()
            );
            return Err(Problem::new(Kind::Unrenderable, detail));
        }
        let named = touched.into_iter().map(async |(nth, along, moved)| {
            let slice = &slices[nth];
            let (image_id, frame_number) = (slice.image_id, slice.frame_number);
            let image = self.visible().image(image_id).await?;
            let content_digest = image.content_digest;
            // Of another file than the one that said where it lies, since it was replaced in between.
            if !slice.is_of(&image.image, &content_digest) {
                self.api.images.forget_with(image_id, &self.api.cache).await;
                return Err(submit_problem(&SubmitError::ImageReplaced));
            }
            Ok::<_, Problem>(VolumeSlice { image_id: image.key, content_digest, frame_number, along, moved })
        });
        let slices = stream::iter(named.collect::<Vec<_>>()).buffered(AT_A_TIME).try_collect().await?;
        Ok(VolumePlane { slices, ..plane })
    }

    /// The picture. What was known of a file that was replaced is forgotten: the next request knows it as it is now.
    async fn answered(&self, middle: Uuid, slices: &[Uuid], asked: Asked) -> Result<Response, Problem> {
        let Self { api, caller, uri, headers, .. } = self;
        let request = Request { uri, headers, caller };
        let answer = answer_image(api, &middle.to_string(), asked, Shapes::PicturesOnly, request).await;
        let is_stale = |problem: &Problem| matches!(problem.kind(), Kind::ImageReplaced | Kind::FileMissing);
        if answer.as_ref().is_err_and(is_stale) {
            api.images.forget_all_with(slices, &api.cache).await;
        }
        answer
    }
}

fn no_volume(reason: &str) -> Problem {
    Problem::new(Kind::Unrenderable, format!("The series is no volume: {reason}."))
}

fn no_plane(eye: Eye, reason: NoPlane) -> Problem {
    let of_eye = match eye {
        Eye::From(_) => "orientation",
        Eye::Placed { .. } => "viewpointlookat",
    };
    match reason {
        NoPlane::Eye(reason) => Problem::parameter(of_eye, reason),
        NoPlane::Size(reason) => Problem::parameter("viewport", reason),
    }
}

/// What is cut out of the volume; from the feet, where nothing says from where.
fn take_cut(query: &mut Query<'_>, viewport: Option<(u32, u32)>) -> Result<Cut, Problem> {
    if let Some(name) = UNBUILT.into_iter().find(|name| query.take(name).is_some()) {
        return Err(Problem::parameter(name, "is not built"));
    }
    let projection = match query.take("renderingmethod").as_deref() {
        None | Some("average_ip") => Projection::Mean,
        Some("maximum_ip") => Projection::Maximum,
        Some("minimum_ip") => Projection::Minimum,
        Some(_) => {
            let takes = "takes average_ip, maximum_ip or minimum_ip; volume_rendered is not built";
            return Err(Problem::parameter("renderingmethod", takes));
        }
    };
    let is_slab = |millimetres: &f64| (0.0..=SLAB_MAX).contains(millimetres);
    let thickness = query.take_value("mprslab", "millimetres from 0 to 10000", is_slab)?.unwrap_or(0.0);
    Ok(Cut { eye: take_eye(query)?, thickness, projection, viewport })
}

fn take_eye(query: &mut Query<'_>) -> Result<Eye, Problem> {
    let side = query.take("orientation").map(|name| side(&name)).transpose()?;
    let [position, at, up] = ["viewpointposition", "viewpointlookat", "viewpointup"].map(|name| {
        let text = query.take(name);
        text.map(|text| point(name, &text)).transpose()
    });
    match (side, position?, at?, up?) {
        (side, None, None, None) => Ok(Eye::From(side.unwrap_or(Side::Feet))),
        (None, Some(position), Some(at), Some(up)) => Ok(Eye::Placed { position, at, up }),
        (Some(_), ..) => Err(Problem::parameter("orientation", "does not go with a viewpoint")),
        _ => {
            let takes = "goes with viewpointposition, viewpointlookat and viewpointup, all three of them";
            Err(Problem::parameter("viewpointposition", takes))
        }
    }
}

fn side(name: &str) -> Result<Side, Problem> {
    Ok(match name {
        "a" => Side::Anterior,
        "p" => Side::Posterior,
        "r" => Side::Right,
        "l" => Side::Left,
        "h" => Side::Head,
        "f" => Side::Feet,
        _ => return Err(Problem::parameter("orientation", "takes a, p, r, l, h or f")),
    })
}

/// Three numbers, none so far away that nothing could be there.
fn point(name: &'static str, text: &str) -> Result<[f64; 3], Problem> {
    const FAR: f64 = 1e6;
    let number = |text: &str| text.trim().parse().ok().filter(|number: &f64| number.abs() <= FAR);
    let numbers: Option<Vec<f64>> = text.split(',').map(number).collect();
    let three = numbers.and_then(|numbers| numbers.try_into().ok());
    three.ok_or_else(|| Problem::parameter(name, "takes x,y,z in millimetres"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(query: &str) -> Result<Cut, Problem> {
        take_cut(&mut Query::parse(Some(query)).expect("a query"), None)
    }

    #[test]
    fn a_query_says_from_where_and_how_thick() {
        let from = |eye| Cut { eye, thickness: 0.0, projection: Projection::Mean, viewport: None };
        assert_eq!(cut("").expect("a plane"), from(Eye::From(Side::Feet)));
        assert_eq!(cut("orientation=a").expect("a plane"), from(Eye::From(Side::Anterior)));
        let slab = cut("orientation=l&mprslab=20&renderingmethod=maximum_ip").expect("a slab");
        assert_eq!(
            (slab.eye, slab.thickness, slab.projection),
            (Eye::From(Side::Left), 20.0, Projection::Maximum)
        );
        // PS3.18 B.34.
        let placed = cut("viewpointposition=100,101,200&viewpointlookat=100,100,200&viewpointup=0,0,1");
        let eye =
            Eye::Placed { position: [100.0, 101.0, 200.0], at: [100.0, 100.0, 200.0], up: [0.0, 0.0, 1.0] };
        assert_eq!(placed.expect("a plane"), from(eye));
    }

    #[test]
    fn what_is_no_plane_or_not_built_is_a_problem_of_its_parameter() {
        for wrong in [
            "orientation=x",
            "orientation=",
            "mprslab=-1",
            "mprslab=thick",
            "mprslab=1e9",
            "renderingmethod=volume_rendered",
            "viewpointposition=1,2,3",
            "viewpointposition=1,2&viewpointlookat=1,2,4&viewpointup=0,0,1",
            "viewpointposition=1,2,1e9&viewpointlookat=1,2,4&viewpointup=0,0,1",
            "viewpointposition=1,2,nan&viewpointlookat=1,2,4&viewpointup=0,0,1",
            "orientation=a&viewpointposition=1,2,3&viewpointlookat=1,2,4&viewpointup=0,0,1",
            "volumeinputreference=1.2.3",
            "swivelrange=360",
            "renderedvolumetricmetadata=yes",
        ] {
            assert_eq!(cut(wrong).expect_err(wrong).kind(), Kind::InvalidParameter, "{wrong}");
        }
    }
}
