//! Content-Transfer-Encoding undone (RFC 2045 section 6), also where it is broken: mail-parser's
//! decoders give up at the first wrong sign, a damaged attachment is still worth having. Never fails.

/// How a body was carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// 7bit, 8bit, binary or anything unknown.
    Plain,
    /// Base64.
    Base64,
    /// Quoted-printable.
    QuotedPrintable,
}

impl Transfer {
    /// From the header's value.
    pub(crate) fn from_header(value: &str) -> Self {
        let word = value.trim().trim_matches('"').to_ascii_lowercase();
        match word.split([' ', ';', '(']).next().unwrap_or("") {
            "base64" => Self::Base64,
            "quoted-printable" => Self::QuotedPrintable,
            _ => Self::Plain,
        }
    }
}

/// The decoded bytes and whether something had to be repaired.
pub(crate) fn decode(bytes: &[u8], transfer: Transfer) -> (Vec<u8>, bool) {
    match transfer {
        Transfer::Plain => (bytes.to_vec(), false),
        Transfer::Base64 => base64(bytes),
        Transfer::QuotedPrintable => {
            match mail_parser::decoders::quoted_printable::quoted_printable_decode(bytes) {
                Some(decoded) => (decoded, false),
                None => (quoted_printable(bytes), true),
            }
        }
    }
}

/// Where in a body of base64 the words begin that a server on the way put below it unencoded: a list's footer, an
/// advertisement. Only behind a blank line, and only what can be no base64.
pub(crate) fn footer(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut encoded, mut blank) = (0, false, false);
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let bare = line.trim_ascii();
        if bare.is_empty() {
            blank = encoded;
        } else if bare.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=')) {
            (encoded, blank) = (true, false);
        } else {
            return blank.then_some(at);
        }
        at += line.len();
    }
    None
}

/// Base64 with foreign signs skipped; padding inside starts a new run, as concatenated bodies do.
pub(crate) fn base64(bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    let mut repaired = false;
    let (mut value, mut count) = (0_u32, 0_u32);
    for byte in bytes {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                flush(&mut out, &mut value, &mut count);
                continue;
            }
            b'\r' | b'\n' | b' ' | b'\t' => continue,
            _ => {
                repaired = true;
                continue;
            }
        };
        value = value << 6 | u32::from(digit);
        count += 1;
        if count == 4 {
            out.extend_from_slice(&value.to_be_bytes()[1..]);
            (value, count) = (0, 0);
        }
    }
    repaired |= count != 0;
    flush(&mut out, &mut value, &mut count);
    (out, repaired)
}

fn flush(out: &mut Vec<u8>, value: &mut u32, count: &mut u32) {
    match *count {
        2 => out.push((*value >> 4) as u8),
        3 => out.extend_from_slice(&((*value >> 2) as u16).to_be_bytes()),
        _ => {}
    }
    (*value, *count) = (0, 0);
}

/// Quoted-printable where a `=` that starts nothing stands for itself.
fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] != b'=' {
            out.push(bytes[i]);
            i += 1;
            continue;
        }
        let rest = &bytes[i + 1..];
        if let [high, low, ..] = rest
            && let Some(byte) = hex_pair(*high, *low)
        {
            out.push(byte);
            i += 3;
            continue;
        }
        let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        match &rest[blanks..] {
            [b'\r', b'\n', ..] => i += blanks + 3,
            [b'\n', ..] => i += blanks + 2,
            [] => i += blanks + 1,
            _ => {
                out.push(b'=');
                i += 1;
            }
        }
    }
    out
}

/// One byte of two hexadecimal digits.
pub(crate) fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_survived() {
        assert_eq!(base64(b"5LqG6Kej").0, "了解".as_bytes());
        assert_eq!(base64(b"5L*qG6K ej="), ("了解".as_bytes().to_vec(), true));
        assert_eq!(base64(b"YQ==Yg=="), (b"ab".to_vec(), false));
        assert_eq!(decode(b"a=3Db=\r\nc=zz", Transfer::QuotedPrintable).0, b"a=bc=zz");
        assert_eq!(Transfer::from_header(" Base64 ; x"), Transfer::Base64);
        assert_eq!(footer(b"5LqG6Kej\r\n\r\n-- \r\nrenkei\r\n"), Some(12));
        for whole in [&b"5LqG6Kej\r\n"[..], b"5LqG\n6K!j\n", b"\n-- \nx", b"5LqG\n\n6Kej\n", b""] {
            assert_eq!(footer(whole), None, "{whole:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn total(bytes: Vec<u8>) {
            for transfer in [Transfer::Plain, Transfer::Base64, Transfer::QuotedPrintable] {
                let (decoded, _) = decode(&bytes, transfer);
                proptest::prop_assert!(decoded.len() <= bytes.len() * 2);
            }
        }
    }
}
