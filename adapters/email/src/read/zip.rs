//! The table of contents of a ZIP archive: names and whether entries are encrypted. Office files are ZIP
//! archives too, and their macros show by name. Never unpacks anything, so no bomb can go off.

use super::charset;

const MAX_ENTRIES: usize = 2_000;
/// End of central directory with the longest comment.
const TAIL: usize = 22 + 65_535;

/// What is in an archive.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) names: Vec<String>,
    /// At least one entry needs a password.
    pub(crate) encrypted: bool,
}

/// Reads the table; for an archive without one, the first entry only. `None` if it is no ZIP archive.
pub(crate) fn contents(bytes: &[u8]) -> Option<Contents> {
    if !bytes.starts_with(b"PK\x03\x04") {
        return None;
    }
    let mut out = Contents::default();
    if let Some(mut at) = directory(bytes) {
        while out.names.len() < MAX_ENTRIES {
            let Some(head) = bytes.get(at..at + 46).filter(|h| h.starts_with(b"PK\x01\x02")) else { break };
            let (flags, length) = (short(head, 8), usize::from(short(head, 28)));
            let more = usize::from(short(head, 30)) + usize::from(short(head, 32));
            let Some(name) = bytes.get(at + 46..at + 46 + length) else { break };
            out.entry(flags, name);
            at += 46 + length + more;
        }
    }
    if out.names.is_empty()
        && let Some(head) = bytes.get(..30)
    {
        let name = bytes.get(30..30 + usize::from(short(head, 26))).unwrap_or_default();
        out.entry(short(head, 6), name);
    }
    Some(out)
}

impl Contents {
    fn entry(&mut self, flags: u16, name: &[u8]) {
        self.encrypted |= flags & 1 == 1;
        // Bit 11 says UTF-8; Windows in Japan writes CP932.
        let label = if flags & 0x800 == 0 { "cp932" } else { "utf-8" };
        self.names.push(charset::decode(name, Some(label)).text);
    }
}

/// Where the central directory begins.
fn directory(bytes: &[u8]) -> Option<usize> {
    let from = bytes.len().saturating_sub(TAIL);
    let tail = &bytes[from..];
    let end = tail.windows(4).rposition(|w| w == b"PK\x05\x06")?;
    let record = tail.get(end..end + 22)?;
    let offset = u32::from_le_bytes([record[16], record[17], record[18], record[19]]);
    usize::try_from(offset).ok()
}

fn short(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An archive of empty files.
    pub(crate) fn archive(names: &[&str], flags: u16) -> Vec<u8> {
        let mut out = Vec::new();
        let mut table = Vec::new();
        for name in names {
            let offset = out.len() as u32;
            out.extend(b"PK\x03\x04\x14\0");
            out.extend(flags.to_le_bytes());
            out.extend([0; 18]);
            out.extend((name.len() as u16).to_le_bytes());
            out.extend([0; 2]);
            out.extend(name.as_bytes());
            table.extend(b"PK\x01\x02\x14\0\x14\0");
            table.extend(flags.to_le_bytes());
            table.extend([0; 18]);
            table.extend((name.len() as u16).to_le_bytes());
            table.extend([0; 12]);
            table.extend(offset.to_le_bytes());
            table.extend(name.as_bytes());
        }
        let at = out.len() as u32;
        out.extend(&table);
        out.extend(b"PK\x05\x06\0\0\0\0");
        out.extend((names.len() as u16).to_le_bytes());
        out.extend((names.len() as u16).to_le_bytes());
        out.extend((table.len() as u32).to_le_bytes());
        out.extend(at.to_le_bytes());
        out.extend([0, 0]);
        out
    }

    #[test]
    fn names_and_locks() {
        let got = contents(&archive(&["word/document.xml", "word/vbaProject.bin"], 0x800)).unwrap();
        assert_eq!(got.names, ["word/document.xml", "word/vbaProject.bin"]);
        assert!(!got.encrypted);
        assert!(contents(&archive(&["a.pdf"], 1)).unwrap().encrypted);
        // Without its table the first entry still tells.
        let cut = &archive(&["a.pdf"], 1)[..40];
        assert!(contents(cut).unwrap().encrypted);
        assert_eq!(contents(b"%PDF"), None);
    }

    proptest::proptest! {
        #[test]
        fn total(bytes: Vec<u8>, at in 0_usize..300, with: u8) {
            let mut changed = archive(&["a", "b.exe"], 0);
            let at = at % changed.len();
            changed[at] = with;
            changed.extend(&bytes);
            let _ = contents(&changed);
            let _ = contents(&[b"PK\x03\x04".as_slice(), &bytes].concat());
        }
    }
}
