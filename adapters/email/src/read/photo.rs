//! Photographs as they may be passed on: without position, time, device or any other metadata, and upright
//! (care-network.md 8.6). The received mail keeps the original, seen only by the office. Only the
//! wrapping is changed unless a picture must be turned; then it is decoded within limits and written anew.

pub(crate) mod heic;

use image::ImageDecoder as _;
use image::metadata::Orientation;
use std::io::Cursor;

/// Largest picture that is turned; larger ones keep a note of how to turn them.
const MAX_PIXELS: u64 = 60_000_000;
const QUALITY: u8 = 90;

/// The picture without metadata, or `None` where nothing had to change or the kind is not one of ours.
pub(crate) fn cleaned(bytes: &[u8]) -> Option<Vec<u8>> {
    let cleaned = match bytes {
        [0xff, 0xd8, 0xff, ..] => jpeg(bytes)?,
        [0x89, b'P', b'N', b'G', ..] => png(bytes)?,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp(bytes)?,
        _ => return None,
    };
    (cleaned != bytes).then_some(cleaned)
}

fn jpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut plain, orientation) = jpeg_without_metadata(bytes)?;
    if !(2..=8).contains(&orientation) {
        return Some(plain);
    }
    if let Some(turned) = Orientation::from_exif(orientation).and_then(|o| upright(&plain, o)) {
        return Some(turned);
    }
    // Too large or damaged: browsers and printers obey this note, which holds nothing else.
    let mut note = vec![0xff, 0xe1, 0, 34];
    note.extend(b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0");
    note.extend([orientation, 0, 0, 0, 0, 0, 0]);
    plain.splice(2..2, note);
    Some(plain)
}

fn upright(bytes: &[u8], orientation: Orientation) -> Option<Vec<u8>> {
    let reader = image::ImageReader::with_format(Cursor::new(bytes), image::ImageFormat::Jpeg);
    let decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return None;
    }
    let mut picture = image::DynamicImage::from_decoder(decoder).ok()?;
    picture.apply_orientation(orientation);
    let mut out = Vec::with_capacity(bytes.len());
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, QUALITY);
    // JPEG knows grey and colour only.
    let written = match picture {
        image::DynamicImage::ImageLuma8(grey) => grey.write_with_encoder(encoder),
        other => other.to_rgb8().write_with_encoder(encoder),
    };
    written.ok().map(|()| out)
}

/// Segments that make the picture; of the others only colour is kept. Also the orientation, 1 if none.
fn jpeg_without_metadata(bytes: &[u8]) -> Option<(Vec<u8>, u8)> {
    let mut out = bytes.get(..2)?.to_vec();
    let mut orientation = 1;
    let mut at = 2;
    loop {
        // Filling before a marker is allowed.
        while bytes.get(at) == Some(&0xff) && bytes.get(at + 1) == Some(&0xff) {
            at += 1;
        }
        let marker = match bytes.get(at..at + 2) {
            Some([0xff, marker]) => *marker,
            // Cut off or damaged: what is there is all that can be shown.
            _ => return (out.len() > 2).then_some((out, orientation)),
        };
        if marker == 0xd9 {
            // What follows the end, a second picture with metadata of its own, is dropped.
            out.extend([0xff, 0xd9]);
            return Some((out, orientation));
        }
        let Some(length) = bytes.get(at + 2..at + 4).map(|l| usize::from(u16::from_be_bytes([l[0], l[1]])))
        else {
            return Some((out, orientation));
        };
        let end = (at + 2 + length.max(2)).min(bytes.len());
        let segment = &bytes[at..end];
        let data = segment.get(4..).unwrap_or_default();
        match marker {
            0xe1 => {
                if let Some(found) = data.strip_prefix(b"Exif\0\0").and_then(exif_orientation) {
                    orientation = found;
                }
            }
            0xe2 if data.starts_with(b"ICC_PROFILE\0") => out.extend(segment),
            0xe2..=0xed | 0xef | 0xfe => {}
            _ => out.extend(segment),
        }
        at = end;
        if marker == 0xda {
            let rest = &bytes[at..];
            let next = rest
                .windows(2)
                .position(|w| w[0] == 0xff && !matches!(w[1], 0 | 0xd0..=0xd7 | 0xff))
                .unwrap_or(rest.len());
            out.extend(&rest[..next]);
            at += next;
        }
    }
}

/// Tag 0x0112 of the first directory (Exif 2.3 section 4.6.4).
fn exif_orientation(tiff: &[u8]) -> Option<u8> {
    let big = match tiff.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let b = tiff.get(at..at + 2)?;
        Some(if big { u16::from_be_bytes([b[0], b[1]]) } else { u16::from_le_bytes([b[0], b[1]]) })
    };
    let b = tiff.get(4..8)?;
    let first = if big {
        u32::from_be_bytes([b[0], b[1], b[2], b[3]])
    } else {
        u32::from_le_bytes([b[0], b[1], b[2], b[3]])
    };
    let first = usize::try_from(first).ok().filter(|f| *f < tiff.len())?;
    let count = usize::from(short(first)?);
    (0..count)
        .map(|n| first + 2 + n * 12)
        .find(|at| short(*at) == Some(0x0112))
        .and_then(|at| short(at + 8))
        .and_then(|value| u8::try_from(value).ok())
        .filter(|value| (1..=8).contains(value))
}

fn png(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = bytes.get(..8)?.to_vec();
    let mut at = 8;
    while let Some(head) = bytes.get(at..at + 8) {
        let length = usize::try_from(u32::from_be_bytes([head[0], head[1], head[2], head[3]])).ok()?;
        let end = at.checked_add(12)?.checked_add(length)?.min(bytes.len());
        if !matches!(&head[4..], b"eXIf" | b"tEXt" | b"zTXt" | b"iTXt" | b"tIME") {
            out.extend(&bytes[at..end]);
        }
        at = end;
        if &head[4..] == b"IEND" {
            break;
        }
    }
    Some(out)
}

fn webp(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = bytes.get(..12)?.to_vec();
    let mut at = 12;
    while let Some(head) = bytes.get(at..at + 8) {
        let length = usize::try_from(u32::from_le_bytes([head[4], head[5], head[6], head[7]])).ok()?;
        let end = at.checked_add(8)?.checked_add(length)?.checked_add(length & 1)?.min(bytes.len());
        if !matches!(&head[..4], b"EXIF" | b"XMP ") {
            let start = out.len();
            out.extend(&bytes[at..end]);
            // The flags of the extended header must not promise what is gone.
            if &head[..4] == b"VP8X"
                && let Some(flags) = out.get_mut(start + 8)
            {
                *flags &= !0x0c;
            }
        }
        at = end;
    }
    let size = u32::try_from(out.len() - 8).ok()?.to_le_bytes();
    out[4..8].copy_from_slice(&size);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two by one dots, left black, with orientation, position and a comment.
    fn photo(orientation: u8) -> Vec<u8> {
        let picture = image::GrayImage::from_fn(16, 8, |x, _| image::Luma([if x < 8 { 0 } else { 255 }]));
        let mut plain = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut plain, 95);
        picture.write_with_encoder(encoder).unwrap();
        let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        exif.extend([orientation, 0, 0, 0]);
        exif.extend(b"\x25\x88\x04\0\x01\0\0\0\0\0\0\0\0\0\0\0GPS35.64N");
        let mut segment = vec![0xff, 0xe1];
        segment.extend((exif.len() as u16 + 2).to_be_bytes());
        segment.extend(exif);
        segment.extend(b"\xff\xfe\0\x08secret");
        plain.splice(2..2, segment);
        plain.extend(b"\xff\xd8trailing GPS");
        plain
    }

    fn holds(bytes: &[u8], needle: &[u8]) -> bool {
        bytes.windows(needle.len()).any(|w| w == needle)
    }

    #[test]
    fn position_goes_and_the_picture_stands_upright() {
        let got = cleaned(&photo(6)).unwrap();
        assert!(!holds(&got, b"GPS") && !holds(&got, b"secret") && !holds(&got, b"Exif"));
        let picture = image::load_from_memory(&got).unwrap().to_luma8();
        assert_eq!(picture.dimensions(), (8, 16));
        // Turned clockwise the left half is on top.
        assert!(picture.get_pixel(4, 2).0[0] < 60 && picture.get_pixel(4, 13).0[0] > 200);
        let straight = cleaned(&photo(1)).unwrap();
        assert!(!holds(&straight, b"GPS"));
        assert_eq!(image::load_from_memory(&straight).unwrap().to_luma8().dimensions(), (16, 8));
        assert_eq!(cleaned(&straight), None);
    }

    #[test]
    fn a_damaged_photo_keeps_the_note_how_to_turn_it() {
        let whole = photo(8);
        let head = jpeg_without_metadata(&whole).unwrap().0;
        // No picture at all behind the heading.
        let mut broken = whole[..whole.len() - head.len() + 40].to_vec();
        broken.truncate(broken.len().min(whole.len()));
        if let Some(got) = cleaned(&broken) {
            assert!(!holds(&got, b"GPS"));
            assert_eq!(jpeg_without_metadata(&got).unwrap().1, 8);
        }
    }

    #[test]
    fn png_and_webp_lose_their_words() {
        let mut png_bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        for (name, data) in [(b"IHDR", "x"), (b"tEXt", "GPS"), (b"IEND", "")] {
            png_bytes.extend((data.len() as u32).to_be_bytes());
            png_bytes.extend(name);
            png_bytes.extend(data.as_bytes());
            png_bytes.extend([0; 4]);
        }
        assert!(!holds(&cleaned(&png_bytes).unwrap(), b"GPS"));
        let mut webp_bytes =
            b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x0c\0\0\0\0\0\0\0\0\0EXIF\x03\0\0\0GPS\0".to_vec();
        let size = (webp_bytes.len() as u32 - 8).to_le_bytes();
        webp_bytes[4..8].copy_from_slice(&size);
        let got = cleaned(&webp_bytes).unwrap();
        assert!(!holds(&got, b"GPS") && got[20] == 0 && got[4] as usize == got.len() - 8);
    }

    proptest::proptest! {
        #[test]
        fn total(bytes: Vec<u8>, at in 0_usize..400, with: u8) {
            for head in [b"\xff\xd8\xff".as_slice(), b"\x89PNG\r\n\x1a\n", b"RIFF....WEBP"] {
                let _ = cleaned(&[head, &bytes].concat());
            }
            let mut changed = photo(6);
            let at = at % changed.len();
            changed[at] = with;
            let _ = cleaned(&changed);
        }
    }
}
