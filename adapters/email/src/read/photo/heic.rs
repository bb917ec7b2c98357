//! HEIC, the photographs of iPhones, to JPEG: upright, and without position or any other metadata but the
//! colour profile. Decoded by a decoder in safe Rust within limits of size; whatever it cannot read stays as it
//! is and is withheld. A fault of the decoder never reaches the mail around the photograph.

use image::ImageEncoder as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Largest picture that is decoded, in pixels; a telephone's largest has 48 million.
const MAX_PIXELS: usize = 50_000_000;
/// Pixels that are decoded for one mail: about 25 photographs of a telephone.
pub(crate) const PIXELS_OF_A_MAIL: usize = 300_000_000;
/// Largest colour profile that is kept.
const MAX_PROFILE: usize = 64 * 1024;
const QUALITY: u8 = 88;

/// The photograph as JPEG. `budget` is what may still be decoded for this mail, in pixels.
pub(crate) fn jpeg(bytes: &[u8], budget: &mut usize) -> Option<Vec<u8>> {
    catch_unwind(AssertUnwindSafe(|| decoded(bytes, budget))).ok().flatten()
}

fn decoded(bytes: &[u8], budget: &mut usize) -> Option<Vec<u8>> {
    let info = heic_decoder::probe(bytes).ok()?;
    let pixels = info.coded_width.checked_mul(info.coded_height)?;
    if pixels == 0 || pixels > MAX_PIXELS || pixels > *budget {
        return None;
    }
    *budget -= pixels;
    let picture = heic_decoder::decode(bytes).ok()?;
    let rgb = picture.to_rgb8().ok()?;
    let (width, height) = (u32::try_from(rgb.width).ok()?, u32::try_from(rgb.height).ok()?);
    let profile = picture.metadata.icc_profile.filter(|p| !p.is_empty() && p.len() <= MAX_PROFILE);
    let mut out = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, QUALITY);
    if let Some(profile) = profile {
        // Without it the colours are a little off, which harms nobody.
        let _ = encoder.set_icc_profile(profile);
    }
    image::RgbImage::from_raw(width, height, rgb.data)?.write_with_encoder(encoder).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 64 by 32 dots as coded, left half black, to be turned clockwise; with position and maker in its Exif.
    const TURNED: &[u8] = include_bytes!("wall-turned.heic");

    #[test]
    fn a_photograph_stands_upright_and_tells_no_position() {
        assert!(TURNED.windows(13).any(|w| w == b"KakehashiTest"));
        let mut budget = PIXELS_OF_A_MAIL;
        let made = jpeg(TURNED, &mut budget).unwrap();
        assert!(budget < PIXELS_OF_A_MAIL);
        assert!(!made.windows(13).any(|w| w == b"KakehashiTest"));
        assert!(!made.windows(4).any(|w| w == b"Exif"));
        let picture = image::load_from_memory(&made).unwrap().to_luma8();
        assert_eq!(picture.dimensions(), (32, 64));
        assert!(picture.get_pixel(16, 8).0[0] < 60 && picture.get_pixel(16, 56).0[0] > 200);
        assert_eq!(jpeg(TURNED, &mut 100), None, "more than may be decoded");
        assert_eq!(jpeg(b"\0\0\0\x18ftypheic\0\0\0\0", &mut budget), None);
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(64))]
        #[test]
        fn total(at in 0_usize..792, with: u8, cut in 0_usize..792) {
            let mut changed = TURNED.to_vec();
            changed[at % TURNED.len()] = with;
            let _ = jpeg(&changed, &mut 10_000);
            let _ = jpeg(&TURNED[..cut], &mut 10_000);
        }
    }
}
