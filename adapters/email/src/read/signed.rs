//! The content of signed mails: S/MIME in its opaque form (RFC 8551, a CMS wrapping around a MIME entity)
//! and PGP clear-signed text (RFC 9580 section 7). Only takes the wrapping off; no signature is verified
//! here and none raises trust.

/// Nested values of CMS; real ones need about eight.
const MAX_STEPS: usize = 64;
/// OID 1.2.840.113549.1.7.2, id-signedData.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// OID 1.2.840.113549.1.7.3, id-envelopedData.
const ENVELOPED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03];

/// What a CMS wrapping holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wrapped {
    /// A signed MIME entity.
    Signed(Vec<u8>),
    /// Encrypted content.
    Encrypted,
}

/// Opens a CMS wrapping (DER, or BER with indefinite lengths as Outlook and OpenSSL stream it).
pub(crate) fn open(bytes: &[u8]) -> Option<Wrapped> {
    let content_info = value(bytes, 0x30)?.0;
    let (kind, rest) = value(content_info, 0x06)?;
    if kind == ENVELOPED_DATA {
        return Some(Wrapped::Encrypted);
    }
    if kind != SIGNED_DATA {
        return None;
    }
    let signed_data = value(value(rest, 0xa0)?.0, 0x30)?.0;
    // version, digestAlgorithms, encapContentInfo
    let rest = value(signed_data, 0x02)?.1;
    let rest = value(rest, 0x31)?.1;
    let encapsulated = value(rest, 0x30)?.0;
    let rest = value(encapsulated, 0x06)?.1;
    let content = value(rest, 0xa0)?.0;
    let mut out = Vec::new();
    octets(content, &mut out)?;
    (!out.is_empty()).then_some(Wrapped::Signed(out))
}

/// An octet string, in one piece or in pieces.
fn octets(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    if let Some((whole, _)) = value(bytes, 0x04) {
        out.extend_from_slice(whole);
        return Some(());
    }
    let mut rest = value(bytes, 0x24)?.0;
    while let Some((piece, more)) = value(rest, 0x04) {
        out.extend_from_slice(piece);
        rest = more;
    }
    Some(())
}

/// Content of the value that starts here, if it has this tag, and what follows it.
fn value(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    if *bytes.first()? != tag {
        return None;
    }
    let (header, length) = length(&bytes[1..])?;
    let body = bytes.get(1 + header..)?;
    match length {
        Some(length) => body.split_at_checked(length),
        None => {
            let inside = end_of_contents(body)?;
            Some((&body[..inside], body.get(inside + 2..)?))
        }
    }
}

/// Bytes that the length takes, and the length; none for the indefinite form.
fn length(bytes: &[u8]) -> Option<(usize, Option<usize>)> {
    let first = *bytes.first()?;
    match first {
        0x80 => Some((1, None)),
        0..=0x7f => Some((1, Some(usize::from(first)))),
        _ => {
            let count = usize::from(first & 0x7f);
            let digits = bytes.get(1..=count).filter(|d| d.len() <= 4)?;
            let length = digits.iter().fold(0_usize, |n, d| n << 8 | usize::from(*d));
            Some((1 + count, Some(length)))
        }
    }
}

/// Where the two zero bytes that close an indefinite value stand. Walks over values without recursion.
fn end_of_contents(bytes: &[u8]) -> Option<usize> {
    let mut open = 1_usize;
    let mut at = 0;
    // Every step goes forward by two bytes at least.
    while open > 0 {
        if bytes.get(at..at + 2)? == [0, 0] {
            open -= 1;
            if open == 0 {
                return Some(at);
            }
            at += 2;
            continue;
        }
        let (header, length) = length(bytes.get(at + 1..)?)?;
        at += 1 + header;
        match length {
            Some(length) => at = at.checked_add(length)?,
            None => {
                open += 1;
                if open > MAX_STEPS {
                    return None;
                }
            }
        }
    }
    None
}

/// The text of a PGP clear-signed message without its frame; `None` if it is none.
pub(crate) fn clear_text(text: &str) -> Option<String> {
    const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
    const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
    const END: &str = "-----END PGP SIGNATURE-----";
    let start = text.find(BEGIN)?;
    let signature = start + text[start..].find(SIGNATURE)?;
    let end = text[signature..].find(END).map_or(text.len(), |at| signature + at + END.len());
    let framed = &text[start + BEGIN.len()..signature];
    // Armor headers (`Hash: …`) end at the first empty line.
    let mut lines = framed.lines().skip(1);
    for line in lines.by_ref() {
        if line.trim().is_empty() {
            break;
        }
    }
    let mut out = text[..start].to_owned();
    for line in lines {
        out.push_str(line.strip_prefix("- ").unwrap_or(line));
        out.push('\n');
    }
    out.push_str(text[end..].trim_start_matches(['\r', '\n']));
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        match u8::try_from(content.len()) {
            Ok(short @ 0..=0x7f) => out.push(short),
            _ => out.extend([0x82, (content.len() >> 8) as u8, content.len() as u8]),
        }
        out.extend(content);
        out
    }

    fn ber(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, 0x80], content, &[0, 0]].concat()
    }

    fn signed(make: fn(u8, &[u8]) -> Vec<u8>, octets: &[u8]) -> Vec<u8> {
        let data = der(0x06, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01]);
        let inner = make(0x30, &[data, make(0xa0, octets)].concat());
        let signed = make(0x30, &[der(0x02, &[1]), der(0x31, &[]), inner].concat());
        make(0x30, &[der(0x06, SIGNED_DATA), make(0xa0, &signed)].concat())
    }

    #[test]
    fn both_forms_open() {
        let content = b"Content-Type: text/plain\r\n\r\nHello\r\n";
        let whole = signed(der, &der(0x04, content));
        assert_eq!(open(&whole), Some(Wrapped::Signed(content.to_vec())));
        let pieces = ber(0x24, &[der(0x04, &content[..9]), der(0x04, &content[9..])].concat());
        assert_eq!(open(&signed(ber, &pieces)), Some(Wrapped::Signed(content.to_vec())));
        let sealed = der(0x30, &der(0x06, ENVELOPED_DATA));
        assert_eq!(open(&sealed), Some(Wrapped::Encrypted));
        assert_eq!(open(b"x"), None);
    }

    #[test]
    fn clear_text_loses_its_frame() {
        let text = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n了解\n- - 一\n-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n";
        assert_eq!(clear_text(text).as_deref(), Some("了解\n- 一\n"));
        assert_eq!(clear_text("了解"), None);
    }

    proptest::proptest! {
        #[test]
        fn total(bytes: Vec<u8>, at in 0_usize..100, with: u8, text in "(-----BEGIN PGP SIGNED MESSAGE-----\n?|-----BEGIN PGP SIGNATURE-----|\n|あ|- )*") {
            let _ = open(&bytes);
            let mut changed = signed(ber, &ber(0x24, &der(0x04, b"abc")));
            let at = at % changed.len();
            changed[at] = with;
            let _ = open(&changed);
            let _ = clear_text(&text);
        }
    }
}
