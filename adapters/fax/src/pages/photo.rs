//! A photographed or scanned page that came as JPEG or PNG. Position data and other metadata are
//! dropped by decoding to grey; the received file keeps them and stays with the office.

use super::{Ink, Page, PageLimits};
use image::ImageDecoder as _;
use kakehashi_core::envelope::Warning;
use kakehashi_core::unreadable::{Unreadable, UnreadableCode};
use std::io::Cursor;

/// Longest side that is kept: more does not help reading and costs memory.
const LONGEST: u32 = 2600;

/// Reads the one page.
pub(super) fn visit(
    bytes: &[u8],
    limits: &PageLimits,
    take: &mut dyn FnMut(Page),
) -> Result<Vec<Warning>, Unreadable> {
    take(read(bytes, limits)?);
    Ok(Vec::new())
}

/// One picture as a grey page, turned as the camera says.
pub(crate) fn read(bytes: &[u8], limits: &PageLimits) -> Result<Page, Unreadable> {
    let broken = |e: image::ImageError| match e {
        image::ImageError::Limits(_) => Unreadable::new(UnreadableCode::TooLarge, "a picture over the limit"),
        other => Unreadable::new(UnreadableCode::Damaged, format!("a picture that does not decode: {other}")),
    };
    let reader = image::ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|e| Unreadable::new(UnreadableCode::Damaged, e.to_string()))?;
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(Unreadable::new(UnreadableCode::Damaged, "a picture without dots"));
    }
    if u64::from(width) * u64::from(height) > limits.picture_pixels {
        return Err(Unreadable::new(
            UnreadableCode::TooLarge,
            format!("{width}×{height} dots, the limit is {}", limits.picture_pixels),
        ));
    }
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut picture = image::DynamicImage::from_decoder(decoder).map_err(broken)?;
    picture.apply_orientation(orientation);
    if picture.width().max(picture.height()) > LONGEST {
        picture = picture.thumbnail(LONGEST, LONGEST);
    }
    // Transparent is paper.
    let grey: Vec<u8> = if picture.color().has_alpha() {
        let rgba = picture.to_rgba8();
        rgba.pixels()
            .map(|p| {
                let [r, g, b, a] = p.0.map(u32::from);
                let over = |c: u32| ((c * a + 255 * (255 - a)) / 255) as u8;
                super::tiff::luma(over(r), over(g), over(b))
            })
            .collect()
    } else {
        picture.to_luma8().into_raw()
    };
    let (width, height) = (picture.width(), picture.height());
    // As if the longer side were that of A4; a photograph has no resolution of its own.
    let dpi = (width.max(height) as f32 / (297.0 / 25.4)).max(10.0);
    Ok(Page { width, height, x_dpi: dpi, y_dpi: dpi, ink: Ink::Grey(grey), damaged: false })
}
