//! What a file is, by its first bytes; the declared type only decides where bytes do not. Also what a
//! receiver must know of a file before opening it (care-network.md 5 row 10). Never opens a container.

/// The media type of a part.
pub(crate) fn media_type(bytes: &[u8], declared: &str, name: Option<&str>) -> String {
    let extension = name.and_then(extension);
    let zip_based = |fallback: &str| match extension.as_deref() {
        Some("docx") => "application/vnd.openxmlformats-officedocument.wordprocessingml.document".to_owned(),
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet".to_owned(),
        Some("pptx") => {
            "application/vnd.openxmlformats-officedocument.presentationml.presentation".to_owned()
        }
        _ if declared.contains("openxmlformats") || declared.contains("opendocument") => declared.to_owned(),
        _ => fallback.to_owned(),
    };
    match bytes {
        _ if starts_with_pdf(bytes) => "application/pdf".to_owned(),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => "image/tiff".to_owned(),
        [0x89, b'P', b'N', b'G', ..] => "image/png".to_owned(),
        [0xff, 0xd8, 0xff, ..] => "image/jpeg".to_owned(),
        [b'G', b'I', b'F', b'8', ..] => "image/gif".to_owned(),
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => "image/bmp".to_owned(),
        [b'P', b'K', 3, 4, ..] => zip_based("application/zip"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'h', b'e', b'i' | b'v', ..] => "image/heic".to_owned(),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => {
            if declared.starts_with("audio/") { declared.to_owned() } else { "audio/wav".to_owned() }
        }
        [b'M', b'Z', ..] if declared != "text/plain" => {
            "application/vnd.microsoft.portable-executable".to_owned()
        }
        _ if declared.is_empty() || declared == "application/octet-stream" => match extension.as_deref() {
            Some("txt") => "text/plain",
            Some("csv") => "text/csv",
            Some("hl7") => "application/hl7-v2",
            Some("eml") => "message/rfc822",
            _ => "application/octet-stream",
        }
        .to_owned(),
        _ => declared.to_owned(),
    }
}

/// What to warn of: a stable code and words for the office.
pub(crate) fn dangers(bytes: &[u8], name: Option<&str>) -> Option<(&'static str, &'static str)> {
    if let [b'P', b'K', 3, 4, _, _, flags, ..] = bytes
        && flags & 1 == 1
    {
        return Some((
            "attachment_encrypted",
            "an attached archive is encrypted; its content could not be looked at",
        ));
    }
    if starts_with_pdf(bytes) && contains(bytes, b"/Encrypt") {
        return Some(("attachment_encrypted", "an attached PDF is encrypted"));
    }
    const RUNS: &[&str] = &[
        "exe", "scr", "com", "pif", "bat", "cmd", "js", "jse", "vbs", "vbe", "wsf", "wsh", "hta", "msi",
        "ps1", "jar", "lnk", "docm", "xlsm", "pptm", "dll", "cpl", "iso", "img",
    ];
    let runs = name.and_then(extension).is_some_and(|e| RUNS.contains(&e.as_str()));
    if bytes.starts_with(b"MZ") || runs {
        return Some((
            "attachment_executable",
            "an attached file can run programs or macros; do not open it",
        ));
    }
    None
}

fn starts_with_pdf(bytes: &[u8]) -> bool {
    // Some FAX machines put a few bytes before the header.
    contains(&bytes[..bytes.len().min(1_024)], b"%PDF-")
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|w| w == needle)
}

fn extension(name: &str) -> Option<String> {
    let (_, extension) = name.trim().rsplit_once('.')?;
    (extension.len() <= 8).then(|| extension.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_decide() {
        assert_eq!(media_type(b"%PDF-1.4", "application/octet-stream", None), "application/pdf");
        assert_eq!(media_type(b"II*\0", "application/pdf", Some("x.pdf")), "image/tiff");
        assert_eq!(media_type(b"hello", "text/csv", None), "text/csv");
        assert_eq!(dangers(b"PK\x03\x04\x0a\0\x09\0", None).map(|d| d.0), Some("attachment_encrypted"));
        assert_eq!(dangers(b"x", Some("見積.PDF.exe")).map(|d| d.0), Some("attachment_executable"));
        assert_eq!(dangers(b"PK\x03\x04\x0a\0\0\0", Some("a.zip")), None);
    }
}
