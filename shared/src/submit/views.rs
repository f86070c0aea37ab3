//! The views of a study that are made ahead of whoever looks at it, and which pictures they are.

use uuid::Uuid;

use super::view;
use crate::{
    catalog::FramesOfImage,
    presets::Presets,
    request::{FrameRequest, PictureFormat, Voi},
};

/// Pictures of a study that are made ahead.
pub const PICTURES_MAX: u32 = 100_000;
/// The longer side of the small pictures, as lists show them.
const THUMBNAIL_PIXELS: u32 = 128;

/// What is made of each frame, and of each image.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Views {
    names: Vec<&'static str>,
    voi: Vec<Voi>,
    thumbnails: bool,
}

/// One picture to make.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewOfImage {
    /// Key of the instance.
    pub image_id: Uuid,
    /// What is asked of it.
    pub request: FrameRequest,
}

impl Views {
    /// The views that `presets` have under these names, each once.
    ///
    /// # Errors
    /// A name that no view has.
    pub fn of(presets: &Presets, names: &[String], thumbnails: bool) -> Result<Self, String> {
        let mut views = Self { thumbnails, ..Self::default() };
        for name in names {
            let (voi, name) = view::named(presets, name, None).ok_or_else(|| name.clone())?;
            if !views.names.contains(&name) {
                views.names.push(name);
            }
            // Two names may be of one view.
            if !views.voi.contains(&voi) {
                views.voi.push(voi);
            }
        }
        Ok(views)
    }

    /// Those of the names that a view has: one may have gone since they were chosen.
    #[must_use]
    pub fn of_known(presets: &Presets, names: &[String], thumbnails: bool) -> Self {
        let known: Vec<String> =
            names.iter().filter(|name| view::named(presets, name, None).is_some()).cloned().collect();
        Self::of(presets, &known, thumbnails).unwrap_or_default()
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// How many pictures they are of these images; `None` past [`PICTURES_MAX`].
    #[must_use]
    pub fn count(&self, images: &[FramesOfImage]) -> Option<u32> {
        let of_image = |image: &FramesOfImage| {
            let frames = u64::from(image.frame_count);
            frames * self.voi.len() as u64 + u64::from(self.thumbnails && frames > 0)
        };
        let total: u64 = images.iter().map(of_image).sum();
        u32::try_from(total).ok().filter(|total| *total <= PICTURES_MAX)
    }

    /// The pictures, in their order: image by image, the small one first.
    pub fn pictures<'a>(&'a self, images: &'a [FramesOfImage]) -> impl Iterator<Item = ViewOfImage> + 'a {
        images.iter().filter(|image| image.frame_count > 0).flat_map(move |image| {
            let small = self.thumbnails.then(|| view::thumbnail(THUMBNAIL_PIXELS, PictureFormat::Png));
            let of_frame = move |frame_number| {
                let request = FrameRequest { frame_number, ..FrameRequest::new(PictureFormat::Png) };
                self.voi.iter().map(move |voi| FrameRequest { voi: *voi, ..request.clone() })
            };
            let requests = small.into_iter().chain((1..=image.frame_count).flat_map(of_frame));
            requests.map(|request| ViewOfImage { image_id: image.image_id, request })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images() -> Vec<FramesOfImage> {
        let image = |id, frame_count| FramesOfImage { image_id: Uuid::from_u128(id), frame_count };
        vec![image(1, 1), image(2, 0), image(3, 2)]
    }

    fn views(names: &[&str], thumbnails: bool) -> Views {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Views::of(&Presets::default(), &names, thumbnails).expect("known")
    }

    #[test]
    fn there_are_as_many_pictures_as_are_counted() {
        for (views, total) in [
            (views(&["default"], false), 3),
            (views(&["default", "lung", "default"], true), 8),
            (views(&[], true), 2),
            (views(&[], false), 0),
        ] {
            assert_eq!(views.count(&images()), Some(total), "{views:?}");
            assert_eq!(views.pictures(&images()).count(), total as usize, "{views:?}");
        }
        let many = [FramesOfImage { image_id: Uuid::nil(), frame_count: PICTURES_MAX + 1 }];
        assert_eq!(views(&["default"], false).count(&many), None);
    }

    #[test]
    fn images_come_one_after_the_other_the_small_picture_first() {
        let views = views(&["default", "lung"], true);
        let pictures: Vec<_> = views
            .pictures(&images())
            .map(|picture| {
                let ViewOfImage { image_id, request } = picture;
                (image_id.as_u128(), request.frame_number, request.fit.width, request.voi == Voi::FromFile)
            })
            .collect();
        let small = |id| (id, 1, Some(128), true);
        let whole = |id, frame, is_own| (id, frame, None, is_own);
        assert_eq!(
            pictures,
            [
                small(1),
                whole(1, 1, true),
                whole(1, 1, false),
                small(3),
                whole(3, 1, true),
                whole(3, 1, false),
                whole(3, 2, true),
                whole(3, 2, false),
            ]
        );
    }

    #[test]
    fn a_view_that_is_none_is_named_or_left_out() {
        let names = ["lung".to_owned(), "nose".to_owned()];
        assert_eq!(Views::of(&Presets::default(), &names, true), Err("nose".to_owned()));
        assert_eq!(Views::of_known(&Presets::default(), &names, true), views(&["lung"], true));
    }
}
