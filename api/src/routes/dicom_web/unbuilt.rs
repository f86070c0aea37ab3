//! Resources of the standard that this version does not have: they say so, instead of not being there.

use axum::extract::Path;

use crate::problem::{Kind, Problem};

/// Whatever is asked of a resource that is not built.
pub(super) async fn say_so() -> Problem {
    Problem::new(Kind::NotBuilt, "This resource is part of DICOMweb and not built in this version.")
}

/// What stands under `/dicom-web` and has no route: 501 for a resource of the standard, else 404.
pub(super) async fn resource(Path(rest): Path<String>) -> Problem {
    let segments: Vec<&str> = rest.split('/').collect();
    if is_of_the_standard(&segments) {
        say_so().await
    } else {
        Problem::new(Kind::RouteNotFound, "DICOMweb has no such resource.")
    }
}

/// Tables 10.1-1 (studies), 11.1-1 (worklist), 12.1-1 (non-patient instances), 13.1-1 (storage commitment) of PS3.18.
fn is_of_the_standard(segments: &[&str]) -> bool {
    match segments {
        ["workitems" | "commitment-requests", ..] => true,
        [
            "color-palettes"
            | "defined-procedure-protocols"
            | "hanging-protocols"
            | "implant-templates"
            | "protocol-approvals",
            ..,
        ] => true,
        ["studies", _, rest @ ..] => is_part(rest),
        _ => false,
    }
}

/// What a study, or a part of it, has besides what is built.
fn is_part(segments: &[&str]) -> bool {
    match segments {
        []
        | ["rendered" | "renderedmpr" | "rendered3d" | "thumbnail" | "bulkdata" | "pixeldata"]
        | ["bulkdata" | "frames", ..] => true,
        ["series" | "instances", _, rest @ ..] => is_part(rest),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_of_the_standard_are_told_apart_from_what_is_none() {
        for (rest, is_one) in [
            ("studies/1.2", true),
            ("studies/1.2/rendered", true),
            ("studies/1.2/series/1.3", true),
            ("studies/1.2/series/1.3/instances/1.4", true),
            ("studies/1.2/series/1.3/instances/1.4/frames/1,2", true),
            ("studies/1.2/series/1.3/instances/1.4/frames/1/rendered", true),
            ("studies/1.2/series/1.3/instances/1.4/bulkdata/7FE00010", true),
            ("studies/1.2/series/1.3/thumbnail", true),
            ("studies/1.2/renderedmpr", true),
            ("studies/1.2/series/1.3/rendered3d", true),
            ("workitems", true),
            ("workitems/1.2/state", true),
            ("patients", false),
            ("studies/1.2/pictures", false),
            ("", false),
        ] {
            assert_eq!(is_of_the_standard(&rest.split('/').collect::<Vec<_>>()), is_one, "{rest}");
        }
    }
}
