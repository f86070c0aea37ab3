//! A JPEG-LS codestream of an 8-bit grey picture.

use charls_sys as charls;

/// # Panics
/// When the encoder refuses the picture.
pub(crate) fn encode(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
    assert_eq!(pixels.len(), width as usize * height as usize);
    let info = charls::charls_frame_info { width, height, bits_per_sample: 8, component_count: 1 };
    let mut out = vec![0_u8; pixels.len() * 2 + 1024];
    let mut written = 0_usize;
    // SAFETY: every pointer is to a live value of this function with the length beside it; the encoder is destroyed
    // once, after its last use.
    let is_written = unsafe {
        let encoder = charls::charls_jpegls_encoder_create();
        let steps = [
            charls::charls_jpegls_encoder_set_frame_info(encoder, &raw const info),
            charls::charls_jpegls_encoder_set_destination_buffer(encoder, out.as_mut_ptr().cast(), out.len()),
            charls::charls_jpegls_encoder_encode_from_buffer(
                encoder,
                pixels.as_ptr().cast(),
                pixels.len(),
                0,
            ),
            charls::charls_jpegls_encoder_get_bytes_written(encoder, &raw mut written),
        ];
        charls::charls_jpegls_encoder_destroy(encoder);
        steps.iter().all(|&step| step == charls::charls_jpegls_errc_success)
    };
    assert!(is_written, "the picture is sound");
    out.truncate(written);
    out
}
