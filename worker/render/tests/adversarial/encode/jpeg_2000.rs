//! Lossless JPEG 2000 through the encoder of `OpenJPEG`.

#![expect(unsafe_code, reason = "binding to the encoder of OpenJPEG; there is no safe crate for it here")]

use std::ffi::c_void;

use openjpeg_sys as opj;

use super::Plane;

pub(super) struct Form {
    pub(super) levels: u32,
    pub(super) precision: u16,
    /// What the codestream says of its samples.
    pub(super) signed: bool,
    /// By the reversible transform of components.
    pub(super) transformed: bool,
}

pub(super) fn encode(plane: &Plane<'_>, form: &Form) -> Vec<u8> {
    let image = Image::new(plane, form);
    let mut sink = Sink::default();
    // SAFETY: takes no pointer.
    let codec = Codec(unsafe { opj::opj_create_compress(opj::OPJ_CODEC_FORMAT::OPJ_CODEC_J2K) });
    let stream = Stream::new(&mut sink);
    // SAFETY: plain data of the library, set up by its own function before use; codec, image and stream are valid and
    // outlive the calls.
    let statuses = unsafe {
        let mut parameters = std::mem::zeroed::<opj::opj_cparameters_t>();
        opj::opj_set_default_encoder_parameters(&raw mut parameters);
        parameters.numresolution = form.levels as i32 + 1;
        parameters.tcp_numlayers = 1;
        parameters.cp_disto_alloc = 1;
        parameters.tcp_mct = form.transformed.into();
        [
            opj::opj_setup_encoder(codec.0, &raw mut parameters, image.0),
            opj::opj_start_compress(codec.0, image.0, stream.0),
            opj::opj_encode(codec.0, stream.0),
            opj::opj_end_compress(codec.0, stream.0),
        ]
    };
    assert_eq!(statuses, [1; 4], "JPEG 2000 of {} bits", form.precision);
    drop(stream);
    sink.bytes
}

struct Codec(*mut opj::opj_codec_t);

impl Drop for Codec {
    fn drop(&mut self) {
        // SAFETY: the handle came from create and is destroyed only here.
        unsafe { opj::opj_destroy_codec(self.0) }
    }
}

struct Image(*mut opj::opj_image_t);

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: the pointer came from create and is destroyed only here.
        unsafe { opj::opj_image_destroy(self.0) }
    }
}

impl Image {
    fn new(plane: &Plane<'_>, form: &Form) -> Self {
        let component = opj::opj_image_cmptparm_t {
            dx: 1,
            dy: 1,
            w: plane.columns,
            h: plane.rows,
            x0: 0,
            y0: 0,
            prec: form.precision.into(),
            bpp: form.precision.into(),
            sgnd: form.signed.into(),
        };
        let mut components = vec![component; plane.components];
        // SAFETY: the library reads as many components as it is told there are.
        let image = unsafe {
            opj::opj_image_create(
                plane.components as u32,
                components.as_mut_ptr(),
                opj::OPJ_COLOR_SPACE::OPJ_CLRSPC_UNSPECIFIED,
            )
        };
        assert!(!image.is_null(), "an image");
        let count = (plane.columns * plane.rows) as usize;
        for index in 0..plane.components {
            // SAFETY: the image is valid and has this component, whose data holds `count` samples.
            let data = unsafe {
                (*image).x1 = plane.columns;
                (*image).y1 = plane.rows;
                let component = (*image).comps.add(index);
                std::slice::from_raw_parts_mut((*component).data, count)
            };
            let samples = plane.samples.iter().skip(index).step_by(plane.components);
            data.iter_mut().zip(samples).for_each(|(target, &sample)| *target = value(sample, form));
        }
        Self(image)
    }
}

/// The lowest bits of a sample, read as the codestream is said to be.
fn value(sample: u16, form: &Form) -> i32 {
    let shift = 32 - u32::from(form.precision);
    let raised = i32::from(sample) << shift;
    if form.signed { raised >> shift } else { (raised.cast_unsigned() >> shift).cast_signed() }
}

#[derive(Default)]
struct Sink {
    bytes: Vec<u8>,
    position: usize,
}

struct Stream(*mut opj::opj_stream_t);

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: the pointer came from create and is destroyed only here.
        unsafe { opj::opj_stream_destroy(self.0) }
    }
}

impl Stream {
    fn new(sink: &mut Sink) -> Self {
        // SAFETY: the sink outlives the stream, and only these functions touch it while the stream lives.
        unsafe {
            let stream = opj::opj_stream_create(1 << 16, 0);
            assert!(!stream.is_null(), "a stream");
            opj::opj_stream_set_user_data(stream, (&raw mut *sink).cast(), None);
            opj::opj_stream_set_write_function(stream, Some(write));
            opj::opj_stream_set_skip_function(stream, Some(skip));
            opj::opj_stream_set_seek_function(stream, Some(seek));
            Self(stream)
        }
    }
}

/// # Safety
/// `buffer` must hold `length` bytes and `sink` be a [`Sink`].
unsafe extern "C" fn write(buffer: *mut c_void, length: usize, sink: *mut c_void) -> usize {
    // SAFETY: as the caller promises.
    let (sink, bytes) =
        unsafe { (&mut *sink.cast::<Sink>(), std::slice::from_raw_parts(buffer.cast::<u8>(), length)) };
    let end = sink.position + length;
    sink.bytes.resize(sink.bytes.len().max(end), 0);
    sink.bytes[sink.position..end].copy_from_slice(bytes);
    sink.position = end;
    length
}

/// # Safety
/// `sink` must be a [`Sink`].
unsafe extern "C" fn skip(count: i64, sink: *mut c_void) -> i64 {
    // SAFETY: as the caller promises.
    unsafe { (*sink.cast::<Sink>()).position += count as usize };
    count
}

/// # Safety
/// `sink` must be a [`Sink`].
unsafe extern "C" fn seek(position: i64, sink: *mut c_void) -> opj::OPJ_BOOL {
    // SAFETY: as the caller promises.
    unsafe { (*sink.cast::<Sink>()).position = position as usize };
    1
}
