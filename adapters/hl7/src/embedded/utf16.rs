//! Files of Windows in UTF-16: a message in it is refused, but a document inside of one may be written so.

use std::borrow::Cow;

/// The same text as UTF-8 if a mark or the zeros of its first letter say that it is UTF-16, else what was given.
/// Half a letter at the end is left out.
#[must_use]
pub fn as_utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    let encoding = match bytes {
        [0xff, 0xfe, 0, 0, ..] => return Cow::Borrowed(bytes),
        [0xff, 0xfe, ..] | [b'<', 0, ..] => encoding_rs::UTF_16LE,
        [0xfe, 0xff, ..] | [0, b'<', ..] => encoding_rs::UTF_16BE,
        _ => return Cow::Borrowed(bytes),
    };
    let (text, _) = encoding.decode_with_bom_removal(&bytes[..bytes.len() & !1]);
    Cow::Owned(text.into_owned().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_comes_back_whatever_the_order_of_bytes(text in "<[a-zあ-ん]{0,20}", big in any::<bool>(), mark in any::<bool>()) {
            let marked = if mark { format!("\u{feff}{text}") } else { text.clone() };
            let order = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            let bytes: Vec<u8> = marked.encode_utf16().flat_map(order).collect();
            prop_assert_eq!(as_utf8(&bytes), Cow::<[u8]>::Borrowed(text.as_bytes()));
        }

        #[test]
        fn anything_else_stays(bytes in proptest::collection::vec(1_u8..0xfe, 0..40)) {
            prop_assert_eq!(as_utf8(&bytes), Cow::Borrowed(&bytes[..]));
        }
    }
}
