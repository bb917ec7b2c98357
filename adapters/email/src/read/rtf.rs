//! RTF bodies of Outlook: the compressed form of [MS-OXRTFCP]. The words in it are read by core; here nothing but
//! the packing is undone, and its size is bounded whatever the lengths say.

use kakehashi_core::text::rtf::{self, Words};

/// Decompressed bytes that are taken.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// What the dictionary of the compressed form begins with.
const DICTIONARY: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
const WINDOW: usize = 4096;

/// The words of a compressed RTF body (`PidTagRtfCompressed`); `None` if there are none.
pub(crate) fn words(compressed: &[u8]) -> Option<Words> {
    rtf::words(&decompress(compressed)?)
}

/// The RTF of its compressed form; a cut stream gives what it has.
fn decompress(bytes: &[u8]) -> Option<Vec<u8>> {
    let number =
        |at: usize| -> Option<u32> { Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?)) };
    let raw_size = usize::try_from(number(4)?).ok()?.min(MAX_BYTES);
    let data = bytes.get(16..)?;
    match number(8)? {
        // Not compressed.
        0x414c_454d => return Some(data.get(..raw_size).unwrap_or(data).to_vec()),
        0x7546_5a4c => {}
        _ => return None,
    }
    let mut window = [b' '; WINDOW];
    window.get_mut(..DICTIONARY.len())?.copy_from_slice(DICTIONARY);
    let mut write = DICTIONARY.len();
    let mut out = Vec::new();
    let mut input = data.iter().copied();
    'all: while let Some(control) = input.next() {
        for bit in 0..8 {
            if out.len() >= raw_size {
                break 'all;
            }
            if control >> bit & 1 == 0 {
                let Some(byte) = input.next() else { break 'all };
                out.push(byte);
                window[write] = byte;
                write = (write + 1) % WINDOW;
                continue;
            }
            let (Some(high), Some(low)) = (input.next(), input.next()) else { break 'all };
            let mut read = usize::from(high) << 4 | usize::from(low >> 4);
            if read == write {
                break 'all;
            }
            for _ in 0..usize::from(low & 0xf) + 2 {
                let byte = window[read];
                read = (read + 1) % WINDOW;
                out.push(byte);
                window[write] = byte;
                write = (write + 1) % WINDOW;
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of [MS-OXRTFCP] 3.1.
    const EXAMPLE: [u8; 49] = [
        0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0, 0x0a, 0, 0x72,
        0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0, 0x20,
        0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0,
    ];

    pub(crate) fn stored(rtf: &[u8]) -> Vec<u8> {
        let mut out = ((rtf.len() + 12) as u32).to_le_bytes().to_vec();
        out.extend((rtf.len() as u32).to_le_bytes());
        out.extend(0x414c_454d_u32.to_le_bytes());
        out.extend([0; 4]);
        out.extend(rtf);
        out
    }

    #[test]
    fn compressed_and_stored_bodies() {
        assert_eq!(decompress(&EXAMPLE).unwrap(), b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        assert_eq!(words(&EXAMPLE), Some(Words::Text("hello world".to_owned())));
        let japanese = b"{\\rtf1\\ansi\\ansicpg932{\\fonttbl{\\f0 x;}{\\f1\\fcharset128 \\'82\\'6c;}}\\f0 \\'8e\\'52\\'96\\'7b\\par \\uc1\\u12354?\\par}";
        assert_eq!(words(&stored(japanese)), Some(Words::Text("山本\nあ".to_owned())));
        let western = b"{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0\\fcharset0 Arial;}{\\f1\\fcharset128 Gothic;}}{\\f1 \\'97\\'b9\\'89\\'f0} \\f0 ok}";
        assert_eq!(words(&stored(western)), Some(Words::Text("了解 ok".to_owned())));
        for none in [&b""[..], b"x", &stored(b"hello"), &stored(b"{\\rtf1 }")] {
            assert_eq!(words(none), None);
        }
    }

    #[test]
    fn html_in_an_rtf_coat() {
        let rtf = b"{\\rtf1\\ansi\\ansicpg932\\fromhtml1 \\deff0{\\fonttbl{\\f0 x;}}{\\*\\htmltag18 <body>}{\\*\\htmltag64 <p>}\\htmlrtf {\\htmlrtf0 \\'97\\'b9\\'89\\'f0 5<6{\\*\\htmltag84 <br>}\\htmlrtf \\line\\htmlrtf0 ok\\htmlrtf\\par}\\htmlrtf0 {\\*\\htmltag72 </p>}}";
        let Some(Words::Html(html)) = words(&stored(rtf)) else { panic!("no HTML") };
        assert_eq!(html, "<body><p>了解 5&lt;6<br>ok</p>");
    }

    proptest::proptest! {
        #[test]
        fn total(bytes: Vec<u8>, at in 0_usize..49, with: u8, tail in "([{}\\\\]|\\\\'8[0-9a-f]|\\\\u-?[0-9]{1,6}|\\\\bin[0-9]{1,4} |\\\\htmlrtf0?|\\\\\\*|\\\\htmltag|\\\\[a-z]{1,9}|[a-z ]|山){0,60}") {
            let _ = words(&bytes);
            let mut changed = EXAMPLE;
            changed[at] = with;
            let _ = words(&changed);
            let _ = words(&stored(format!("{{\\rtf1{tail}").as_bytes()));
        }
    }
}
