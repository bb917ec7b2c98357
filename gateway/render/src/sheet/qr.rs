//! The QR of a reply code as runs of black modules: version 1, level Q, alphanumeric, 16 signs
//! (fax-loop.md section 4). The mode is fixed here, because the reader was measured with it.

use crate::fault::RenderFault;
use kakehashi_core::sheet_geometry::QR_MODULES;
use qrcode::bits::Bits;
use qrcode::types::Mode;
use qrcode::{Color, EcLevel, QrCode, Version};

/// Runs of black modules: column, row, length.
pub(crate) fn runs(text: &str) -> Result<Vec<[usize; 3]>, RenderFault> {
    let drawn = draw(text.as_bytes()).map_err(RenderFault::Qr)?;
    let mut runs = Vec::new();
    for (y, row) in drawn.to_colors().chunks(QR_MODULES).enumerate() {
        let mut x = 0;
        while x < row.len() {
            let length = row[x..].iter().take_while(|c| **c == Color::Dark).count();
            if length > 0 {
                runs.push([x, y, length]);
            }
            x += length.max(1);
        }
    }
    Ok(runs)
}

fn draw(data: &[u8]) -> Result<QrCode, qrcode::types::QrError> {
    let mut bits = Bits::new(Version::Normal(1));
    bits.push_segments(
        data,
        std::iter::once(qrcode::optimize::Segment { mode: Mode::Alphanumeric, begin: 0, end: data.len() }),
    )?;
    bits.push_terminator(EcLevel::Q)?;
    QrCode::with_bits(bits, EcLevel::Q)
}
