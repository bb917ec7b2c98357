//! Where decoded parts go while an intake is read: each is written and synced as a blob before any row
//! names it. It never keeps the bytes in memory after that.

use kakehashi_core::envelope::Attachment;
use kakehashi_core::port::{Part, PartFault, PartSink};
use kakehashi_store::BlobStore;

/// A part sink that writes blobs.
pub struct BlobSink {
    blobs: BlobStore,
    kept: usize,
    room_bytes: u64,
}

/// Parts of one intake, in number and in bytes: more is a bomb, not a message.
const MAX_PARTS: usize = 500;
const MAX_PART_BYTES: u64 = 256 * 1024 * 1024;

impl BlobSink {
    /// A sink for one intake.
    #[must_use]
    pub const fn new(blobs: BlobStore) -> Self {
        Self { blobs, kept: 0, room_bytes: MAX_PART_BYTES }
    }
}

impl PartSink for BlobSink {
    fn keep(&mut self, part: Part<'_>) -> Result<Attachment, PartFault> {
        let described = part.describe();
        let fits = self.kept < MAX_PARTS && described.size_bytes <= self.room_bytes;
        if fits {
            self.kept += 1;
            self.room_bytes -= described.size_bytes;
            self.blobs.put(part.bytes).map_err(|e| PartFault(e.to_string()))?;
            Ok(described)
        } else {
            // The raw message still has it; only its separate copy is not made.
            Err(PartFault(TOO_MANY_PARTS.to_owned()))
        }
    }
}

/// Words by which the settler tells a bomb from a disk fault.
pub(crate) const TOO_MANY_PARTS: &str = "more parts than an intake may have";
