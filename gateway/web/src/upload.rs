//! Files that a browser uploads: bounded in number and size, kind told by the bytes, names cleaned, and the
//! place where a photo was taken removed (care-network.md 6.4, attach).

use crate::error::PageError;
use crate::forms::Fields;
use axum::extract::Multipart;
use kakehashi_core::port::clean_file_name;

/// Body of a request with files.
pub(crate) const REQUEST_BYTES: usize = 31 * 1024 * 1024;
/// One file.
const FILE_BYTES: usize = 15 * 1024 * 1024;
/// Files of one form.
const MAX_FILES: usize = 20;
/// Fields of one form.
const MAX_FIELDS: usize = 400;
/// One field.
const FIELD_BYTES: usize = 128 * 1024;

/// An uploaded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UploadedFile {
    pub(crate) name: Option<String>,
    pub(crate) media_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// A form with files.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    pub(crate) fields: Fields,
    pub(crate) files: Vec<UploadedFile>,
    /// A file was of a kind that we do not take.
    pub(crate) wrong_kind: bool,
}

/// Reads a form with files.
pub(crate) async fn read(mut form: Multipart) -> Result<Upload, PageError> {
    let mut upload = Upload::default();
    loop {
        let field = match form.next_field().await {
            Ok(Some(field)) => field,
            Ok(None) => return Ok(upload),
            Err(error) => return Err(fault(&error)),
        };
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(clean_file_name);
        let bytes = field.bytes().await.map_err(|e| fault(&e))?;
        if let Some(file_name) = file_name {
            if bytes.is_empty() {
                continue;
            }
            if bytes.len() > FILE_BYTES || upload.files.len() >= MAX_FILES {
                return Err(PageError::TooLarge);
            }
            match kind_of(&bytes) {
                Some(media_type) => upload.files.push(UploadedFile {
                    name: Some(file_name).filter(|n| !n.is_empty()),
                    media_type,
                    bytes: if media_type == "image/jpeg" { without_place(&bytes) } else { bytes.to_vec() },
                }),
                None => upload.wrong_kind = true,
            }
        } else {
            if bytes.len() > FIELD_BYTES || upload.fields.0.len() >= MAX_FIELDS {
                return Err(PageError::TooLarge);
            }
            upload.fields.0.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

fn fault(error: &axum::extract::multipart::MultipartError) -> PageError {
    if error.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        PageError::TooLarge
    } else {
        PageError::BadForm
    }
}

/// Kind by the first bytes; the name and the browser's word count for nothing.
pub(crate) fn kind_of(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [b'%', b'P', b'D', b'F', b'-', ..] => Some("application/pdf"),
        _ => None,
    }
}

/// A JPEG without Exif, XMP and comments; the way up is kept, for phones write it nowhere else. What is not
/// a well-formed JPEG is given back as it is.
pub(crate) fn without_place(jpeg: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(jpeg.len());
    out.extend_from_slice(&[0xff, 0xd8]);
    let mut at = 2;
    let mut orientation = None;
    loop {
        let Some(&[0xff, marker, high, low]) = jpeg.get(at..at + 4).and_then(|s| s.first_chunk::<4>()) else {
            return jpeg.to_vec();
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some(segment) = jpeg.get(at..at + 2 + length).filter(|_| length >= 2) else {
            return jpeg.to_vec();
        };
        match marker {
            // Start of scan: the rest is picture.
            0xda => {
                out.extend_from_slice(&jpeg[at..]);
                return match orientation {
                    Some(value @ 2..=8) => with_orientation(&out, value),
                    _ => out,
                };
            }
            0xe1 => orientation = orientation.or_else(|| exif_orientation(&segment[4..])),
            0xed | 0xfe => {}
            _ => out.extend_from_slice(segment),
        }
        at += 2 + length;
    }
}

/// Tag 0x0112 of the first directory.
fn exif_orientation(app1: &[u8]) -> Option<u8> {
    let tiff = app1.strip_prefix(b"Exif\0\0")?;
    let little = match tiff.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let pair: [u8; 2] = *tiff.get(at..)?.first_chunk()?;
        Some(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    };
    let long = |at: usize| {
        let four: [u8; 4] = *tiff.get(at..)?.first_chunk()?;
        usize::try_from(if little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) }).ok()
    };
    let directory = long(4)?;
    let count = usize::from(short(directory)?).min(200);
    (0..count)
        .map(|i| directory + 2 + 12 * i)
        .find(|entry| short(*entry) == Some(0x0112))
        .and_then(|entry| short(entry + 8))
        .and_then(|value| u8::try_from(value).ok())
}

fn with_orientation(jpeg: &[u8], value: u8) -> Vec<u8> {
    let mut exif = vec![0xff, 0xe1, 0x00, 0x22];
    exif.extend_from_slice(b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0");
    exif.extend_from_slice(&[value, 0, 0, 0, 0, 0, 0]);
    let mut out = jpeg[..2].to_vec();
    out.extend_from_slice(&exif);
    out.extend_from_slice(&jpeg[2..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg_with(exif: &[u8]) -> Vec<u8> {
        let mut jpeg = vec![0xff, 0xd8, 0xff, 0xe1];
        jpeg.extend_from_slice(&u16::try_from(exif.len() + 2).unwrap().to_be_bytes());
        jpeg.extend_from_slice(exif);
        jpeg.extend_from_slice(&[0xff, 0xdb, 0, 4, 1, 2, 0xff, 0xda, 0, 2, 9, 9, 0xff, 0xd9]);
        jpeg
    }

    #[test]
    fn the_place_goes_and_the_way_up_stays() {
        let exif = b"Exif\0\0II\x2a\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\x25\x88\x04\0\x01\0\0\0GPS!\0\0\0\0";
        let clean = without_place(&jpeg_with(exif));
        assert!(!clean.windows(4).any(|w| w == b"GPS!"));
        assert_eq!(exif_orientation(&clean[6..]), Some(6));
        assert_eq!(u16::from_be_bytes([clean[4], clean[5]]), 0x22);
        assert_eq!(&clean[2 + 2 + 0x22..][..2], [0xff, 0xdb]);
        assert!(clean.ends_with(&[9, 9, 0xff, 0xd9]));
        let plain = without_place(&jpeg_with(b"http://ns.adobe.com/xap/1.0/\0secret"));
        assert!(!plain.windows(6).any(|w| w == b"secret"));
    }

    proptest::proptest! {
        #[test]
        fn cleaning_is_total(bytes: Vec<u8>) {
            let _ = without_place(&bytes);
            let mut jpeg = vec![0xff, 0xd8];
            jpeg.extend_from_slice(&bytes);
            let _ = without_place(&jpeg);
            let _ = exif_orientation(&bytes);
        }
    }

    #[test]
    fn kinds_are_told_by_bytes() {
        assert_eq!(kind_of(b"%PDF-1.7"), Some("application/pdf"));
        assert_eq!(kind_of(b"<svg onload=alert(1)>"), None);
        assert_eq!(kind_of(b""), None);
    }
}
