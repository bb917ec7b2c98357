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
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..] => "image/avif".to_owned(),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] if is_heic(bytes) => "image/heic".to_owned(),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp".to_owned(),
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

/// What a receiver must know of a file before opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    /// An archive that needs a password.
    EncryptedArchive,
    /// A PDF with encryption; many open without a password and only forbid copying.
    ProtectedPdf,
    /// A program, or an archive with one in it.
    Program,
    /// An Office file with macros or other active parts.
    Macros,
    /// A HEIC that may still be made a JPEG, or a photograph that cannot be cleaned of its position here.
    UnsupportedPhoto,
}

impl Finding {
    /// Whether the file stays with the office (care-network.md 5 row 10).
    pub(crate) const fn withheld(self) -> bool {
        matches!(self, Self::Program | Self::Macros | Self::UnsupportedPhoto)
    }

    /// Stable code and words for the office.
    pub(crate) const fn warning(self) -> (&'static str, &'static str) {
        match self {
            Self::EncryptedArchive => (
                "attachment_encrypted",
                "an attached archive is encrypted; its content could not be looked at",
            ),
            Self::ProtectedPdf => ("pdf_protected", "an attached PDF is encrypted or protected"),
            Self::Program => (
                "attachment_executable",
                "an attached file can run programs; it is kept in quarantine, do not open it",
            ),
            Self::Macros => (
                "attachment_macros",
                "an attached Office file holds macros; it is kept in quarantine, do not open it",
            ),
            Self::UnsupportedPhoto => (
                "photo_unsupported",
                "an attached photograph is of a kind that cannot be read here (未対応); JPEG would be",
            ),
        }
    }
}

/// Endings of files that run when they are opened on Windows or macOS.
const RUNS: &[&str] = &[
    "exe",
    "scr",
    "com",
    "pif",
    "bat",
    "cmd",
    "js",
    "jse",
    "vbs",
    "vbe",
    "wsf",
    "wsh",
    "hta",
    "msi",
    "ps1",
    "jar",
    "lnk",
    "dll",
    "cpl",
    "iso",
    "img",
    "vhd",
    "reg",
    "msc",
    "chm",
    "application",
    "gadget",
    "psm1",
    "scf",
    "url",
    "xll",
    "ade",
    "adp",
    "app",
    "command",
    "one",
    "settingcontent-ms",
    "appref-ms",
    "vhdx",
];
/// Endings of Office files that are made to hold macros.
const MACROS: &[&str] =
    &["docm", "dotm", "xlsm", "xltm", "xlam", "xlsb", "pptm", "potm", "ppam", "ppsm", "sldm"];

/// Looks at a file by its bytes, then by its name.
pub(crate) fn look(bytes: &[u8], name: Option<&str>) -> Option<Finding> {
    let ending = name.and_then(extension);
    let of = |list: &[&str]| ending.as_deref().is_some_and(|e| list.contains(&e));
    let program = bytes.starts_with(b"MZ")
        || bytes.starts_with(b"\x7fELF")
        || bytes.starts_with(b"#!")
        || matches!(bytes, [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..])
        // The shell link class of Windows.
        || bytes.starts_with(b"\x4c\0\0\0\x01\x14\x02\0");
    if program || of(RUNS) {
        return Some(Finding::Program);
    }
    if of(MACROS) {
        return Some(Finding::Macros);
    }
    if let Some(archive) = super::zip::contents(bytes) {
        let names: Vec<String> = archive.names.iter().map(|n| n.to_lowercase()).collect();
        let active = |n: &String| {
            n.ends_with("vbaproject.bin") || n.contains("/macrosheets/") || n.contains("/activex/")
        };
        if names.iter().any(active) {
            return Some(Finding::Macros);
        }
        if names.iter().any(|n| extension(n).is_some_and(|e| RUNS.contains(&e.as_str()))) {
            return Some(Finding::Program);
        }
        if names.iter().any(|n| extension(n).is_some_and(|e| MACROS.contains(&e.as_str()))) {
            return Some(Finding::Macros);
        }
        return archive.encrypted.then_some(Finding::EncryptedArchive);
    }
    // 7-Zip and RAR cannot be looked into here; both say in their heading whether they are encrypted only
    // in some versions, so they pass as files that nobody opened.
    if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        let wide = |text: &str| -> Vec<u8> { text.bytes().flat_map(|b| [b, 0]).collect() };
        if contains(bytes, &wide("_VBA_PROJECT")) {
            return Some(Finding::Macros);
        }
        if contains(bytes, &wide("EncryptedPackage")) {
            return Some(Finding::EncryptedArchive);
        }
    }
    if bytes.starts_with(b"{\\rtf") && (contains(bytes, b"\\objdata") || contains(bytes, b"\\objupdate")) {
        return Some(Finding::Macros);
    }
    if matches!(bytes, [_, _, _, _, b'f', b't', b'y', b'p', ..]) && is_heic(bytes) {
        return Some(Finding::UnsupportedPhoto);
    }
    (starts_with_pdf(bytes) && contains(bytes, b"/Encrypt")).then_some(Finding::ProtectedPdf)
}

/// Brands of the HEIF family (ISO/IEC 23008-12): as major brand, which tells what a file is.
fn is_heic(bytes: &[u8]) -> bool {
    bytes.get(8..12).is_some_and(|brand| {
        matches!(
            brand,
            b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" | b"mif1" | b"msf1" | b"avif" | b"avis"
        )
    })
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
    (extension.len() <= 18).then(|| extension.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_decide() {
        assert_eq!(media_type(b"%PDF-1.4", "application/octet-stream", None), "application/pdf");
        assert_eq!(media_type(b"II*\0", "application/pdf", Some("x.pdf")), "image/tiff");
        assert_eq!(media_type(b"hello", "text/csv", None), "text/csv");
        let zip =
            |names: &[&str], flags| look(&crate::read::zip::tests::archive(names, flags), Some("a.zip"));
        assert_eq!(zip(&["a.pdf"], 1), Some(Finding::EncryptedArchive));
        assert_eq!(zip(&["word/vbaProject.bin"], 0), Some(Finding::Macros));
        assert_eq!(zip(&["請求書.pdf.exe"], 0x800), Some(Finding::Program));
        assert_eq!(zip(&["a.pdf"], 0), None);
        assert_eq!(look(b"x", Some("見積.PDF.exe")), Some(Finding::Program));
        assert_eq!(look(b"x", Some("計画.xlsm")), Some(Finding::Macros));
        assert_eq!(look(b"\0\0\0\x18ftypheic", Some("IMG.HEIC")), Some(Finding::UnsupportedPhoto));
        assert_eq!(look(b"\0\0\0\x18ftypmp42", Some("a.mp4")), None);
        assert_eq!(look(b"%PDF-1.4 /Encrypt", None), Some(Finding::ProtectedPdf));
    }
}
