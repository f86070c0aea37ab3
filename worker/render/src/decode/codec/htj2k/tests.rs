//! `OpenJPEG` is the judge: what is decoded here is what it decodes, and it has nothing to complain of.
//! The codestreams are `OpenJPH`'s (`ojph_compress -reversible true`, version 0.9.0).

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::Frame;
use crate::Limits;
use crate::decode::codec::jpeg2000::{simple, with_openjpeg};
use crate::decode::codec::{Coded, Wanted};
use crate::file::pixel_format::PixelFormat;

const CODESTREAMS: [&[u8]; 8] = [
    include_bytes!("codestreams/grey_16.j2c"),
    include_bytes!("codestreams/grey_12_wide_blocks.j2c"),
    include_bytes!("codestreams/signed_12.j2c"),
    include_bytes!("codestreams/colour.j2c"),
    include_bytes!("codestreams/colour_untransformed.j2c"),
    include_bytes!("codestreams/one_column.j2c"),
    include_bytes!("codestreams/one_row.j2c"),
    include_bytes!("codestreams/no_wavelet.j2c"),
];

/// A codestream decoded here, where it can be, and by `OpenJPEG`, where it must agree.
fn judged(sound: &[u8], codestream: &[u8], reduction: u8) -> Option<Coded> {
    let frame = Frame::read(sound).expect("the codestreams are simple ones");
    let format = PixelFormat::plain(frame.columns as u32, frame.rows as u32, frame.components as u16);
    let wanted = Wanted { format: &format, reduction, limits: &Limits::default() };
    let ours = simple(codestream, wanted).ok().flatten()?;
    let theirs = with_openjpeg(codestream, wanted)
        .unwrap_or_else(|error| panic!("OpenJPEG refuses what was decoded here: {error}"));
    assert_eq!(theirs.damage, None, "OpenJPEG complains of what was decoded here");
    assert_eq!((ours.columns, ours.rows, ours.precision), (theirs.columns, theirs.rows, theirs.precision));
    assert_eq!((ours.reduction, ours.colour), (theirs.reduction, theirs.colour));
    assert!(ours.samples == theirs.samples, "other samples than OpenJPEG's");
    Some(ours)
}

#[test]
fn usual_codestreams_are_decoded_here_as_openjpeg_decodes_them() {
    for (i, codestream) in CODESTREAMS.iter().enumerate() {
        for reduction in 0..6 {
            assert!(
                judged(codestream, codestream, reduction).is_some(),
                "codestream {i}, reduced {reduction}"
            );
        }
    }
}

#[test]
fn a_codestream_that_is_cut_is_left_to_openjpeg() {
    for codestream in CODESTREAMS {
        for length in 0..codestream.len() {
            assert!(judged(codestream, &codestream[..length], 0).is_none(), "cut at {length}");
        }
    }
}

/// Without this the property below would hold of a decoder that leaves everything damaged to `OpenJPEG`.
#[test]
fn damage_that_no_decoder_sees_is_decoded_as_openjpeg_does() {
    let (mut tried, mut decoded) = (0, 0);
    for codestream in CODESTREAMS {
        for at in (codestream.len() / 2..codestream.len() - 2).step_by(7) {
            let mut damaged = codestream.to_vec();
            damaged[at] ^= 0x10;
            tried += 1;
            decoded += u32::from(judged(codestream, &damaged, 0).is_some());
        }
    }
    assert!(10 * decoded > tried, "{decoded} of {tried}");
}

proptest! {
    // The same cases in every run; other seeds were tried in runs of a million.
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 2000,
        rng_seed: RngSeed::Fixed(15_444),
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_is_decoded_here_that_openjpeg_would_refuse_or_decode_otherwise(
        which in 0..CODESTREAMS.len(),
        at in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 1..12),
        reduction in 0_u8..3,
    ) {
        let mut damaged = CODESTREAMS[which].to_vec();
        let start = at.index(damaged.len());
        for (byte, new) in damaged[start..].iter_mut().zip(bytes) {
            *byte = new;
        }
        judged(CODESTREAMS[which], &damaged, reduction);
    }
}
