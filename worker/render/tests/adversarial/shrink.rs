//! Makes a failing case plainer, one description at a time, as long as it goes on failing.

use noctis_render::{Fit, FrameRequest, Orientation, Voi};

use crate::case::{Case, Colours, Display, Setting, Spare, Syntax};

/// The plainest case that still fails, by the function that tells.
pub(crate) fn shrink(
    case: Case,
    request: FrameRequest,
    fails: impl Fn(&Case, &FrameRequest) -> bool,
) -> (Case, FrameRequest) {
    let (mut case, mut request) = (case, request);
    for step in STEPS {
        let (mut plainer, mut asked) = (case.clone(), request.clone());
        step(&mut plainer, &mut asked);
        if fails(&plainer, &asked) {
            (case, request) = (plainer, asked);
        }
    }
    (case, request)
}

const STEPS: &[fn(&mut Case, &mut FrameRequest)] = &[
    |case, request| {
        case.frames = vec![case.stored().to_vec()];
        (case.frame_number, request.frame_number) = (1, 1);
        case.form.fragments.per_frame.truncate(1);
        case.form.frame_count = None;
        let Display { rescale, windows, voi_table, .. } = &mut case.display;
        flatten(rescale);
        flatten(windows);
        flatten(voi_table);
    },
    |case, _| {
        // Colours that only a codec has mean nothing without it.
        if !matches!(case.colours, Colours::YbrRct | Colours::Jpeg { .. }) {
            case.form.syntax = Syntax::ExplicitLittle;
        }
    },
    |case, _| case.form.private_elements = false,
    |case, _| case.form.icon = false,
    |case, _| case.form.trailing_padding = false,
    |case, _| case.form.sequences_unknown = false,
    |case, _| (case.form.sequences_undefined, case.form.items_undefined) = (false, false),
    |case, _| case.form.fragments.per_frame.fill(1),
    |case, _| (case.form.fragments.empty_first, case.form.fragments.empty_last) = (false, false),
    |case, _| case.form.fragments.defined_length = false,
    |case, _| case.display.overlay = None,
    |case, _| case.display.pixel_shape = None,
    |case, _| case.display.padding = None,
    |case, _| case.display.shape = None,
    |case, _| case.display.intensity = None,
    |case, _| case.display.windows = Setting::default(),
    |case, _| case.display.voi_table = Setting::default(),
    |case, _| case.display.modality_table = None,
    |case, _| case.display.rescale = Setting::default(),
    |case, _| case.cells.spare = Spare::Zeros,
    |case, _| case.cells.high_bit = case.cells.stored - 1,
    |_, request| request.fit = Fit::default(),
    |_, request| request.orientation = Orientation::AS_STORED,
    |_, request| request.region = None,
    |_, request| request.invert = false,
    |_, request| request.overlays = false,
    |_, request| request.voi = Voi::FromFile,
];

/// Keeps what the one frame sees, at the top level.
fn flatten<T: Clone>(setting: &mut Setting<T>) {
    let nearest = setting.of_frame(1).next().cloned();
    *setting = Setting { top: nearest, ..Setting::default() };
}
