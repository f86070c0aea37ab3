//! Decoded frames, kept for the next preset: windowing again costs a fraction of decoding again.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use noctis_render::{DecodedFrame, FrameRequest, Header};
use noctis_shared::render_key::ContentDigest;

use crate::index::FileState;

/// A frame and the header that says how to show it.
#[derive(Debug)]
pub struct Decoded {
    /// The header of its file.
    pub header: Header,
    /// Its stored values.
    pub frame: DecodedFrame,
    /// The state of the local file that they were read from.
    pub state: Option<FileState>,
}

#[derive(Debug)]
struct Entry {
    digest: ContentDigest,
    frame_number: u32,
    decoded: Arc<Decoded>,
}

/// The most recently used decoded frames, bounded by bytes. Few and large, so a list is searched.
#[derive(Debug)]
pub struct DecodedFrames {
    entries: Mutex<VecDeque<Entry>>,
    byte_count_max: usize,
}

impl DecodedFrames {
    /// Keeps at most `byte_count_max` bytes of decoded frames.
    #[must_use]
    pub fn new(byte_count_max: usize) -> Self {
        Self { entries: Mutex::default(), byte_count_max }
    }

    /// The frame, if one is kept that decoding for `request` would give again.
    #[must_use]
    pub fn get(&self, digest: ContentDigest, request: &FrameRequest) -> Option<Arc<Decoded>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let serves = |entry: &Entry| {
            entry.digest == digest
                && entry.frame_number == request.frame_number
                && entry.decoded.frame.serves(&entry.decoded.header, request)
        };
        let position = entries.iter().position(serves)?;
        let entry = entries.remove(position)?;
        let decoded = Arc::clone(&entry.decoded);
        entries.push_front(entry);
        Some(decoded)
    }

    /// Keeps a frame, and lets go of the least recently used ones beyond the bound.
    pub fn put(&self, digest: ContentDigest, frame_number: u32, decoded: Arc<Decoded>) {
        if decoded.frame.byte_count() > self.byte_count_max {
            return;
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push_front(Entry { digest, frame_number, decoded });
        let mut byte_count = 0;
        let kept = entries.iter().take_while(|entry| {
            byte_count += entry.decoded.frame.byte_count();
            byte_count <= self.byte_count_max
        });
        let kept = kept.count();
        entries.truncate(kept);
    }
}
