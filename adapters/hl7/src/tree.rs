//! A message as the office's browser shows it: decoded text beside segments and fields with their names.
//! Shows what is there, corrects nothing and decides nothing; bounded, so that no message is too large to look at.

mod names;

use crate::InterfaceProfile;
use crate::charset::decode;
use crate::header::Header;
use crate::message::Separators;
use crate::message::unescape::unescape;
use hl7_parser::message::Field;
use hl7_parser::parser::parse_segment_with_separators;
use kakehashi_core::port::{MessageField, MessageSegment, MessageText};

/// Longest value that is shown, in characters; files inside are longer.
const VALUE_CHARS: usize = 400;
/// Most segments that are shown.
const MAX_SEGMENTS: usize = 1_000;
/// Separators in one segment; hl7-parser spends hundreds of bytes on each.
const MAX_SEPARATORS: usize = 20_000;
/// Most fields of a segment and most repetitions of a field.
const MAX_PARTS: usize = 100;

/// Takes a message apart. Bytes that are no message give their text alone.
#[must_use]
pub fn text(bytes: &[u8], profile: Option<&InterfaceProfile>) -> MessageText {
    let header = Header::find(bytes);
    let declared = header.as_ref().and_then(Header::declared_charset);
    let Ok(decoded) = decode(bytes, declared.as_deref(), profile.and_then(|p| p.charset)) else {
        return MessageText::default();
    };
    let separators = header.map(|h| h.separators).unwrap_or_default();
    let lines: Vec<&str> = decoded
        .text
        .split(['\r', '\n', '\u{b}', '\u{1c}'])
        .filter(|line| !line.trim().is_empty())
        .take(MAX_SEGMENTS)
        .collect();
    MessageText {
        raw: lines.iter().map(|line| shortened(line)).collect::<Vec<_>>().join("\n"),
        charset: decoded.used.name().to_owned(),
        segments: lines.iter().filter_map(|line| segment(line, separators, decoded.used)).collect(),
    }
}

/// The tree of one line, by hl7-parser: a second reading beside our own, so that what the office looks at is
/// not what our reader made of it. It is given clean single segments only (decision 0006).
fn segment(line: &str, separators: Separators, used: crate::charset::Used) -> Option<MessageSegment> {
    let line = line.trim_start();
    let apart = [separators.field, separators.component, separators.repetition, separators.subcomponent];
    if line.matches(apart).count() > MAX_SEPARATORS {
        return None;
    }
    let parsed = parse_segment_with_separators(line, separators.for_parser()).ok()?;
    let name = parsed.name;
    // MSH-1 and its likes are the separator itself.
    let header = matches!(name, "MSH" | "FHS" | "BHS");
    let (ja, en) = names::segment(name);
    let value = |field: &Field<'_>, number: usize| -> Vec<String> {
        if header && number == 2 {
            return vec![field.raw_value().to_owned()];
        }
        field
            .repeats()
            .filter(|one| !one.raw_value().is_empty())
            .take(MAX_PARTS)
            .map(|one| {
                let parts: Vec<String> =
                    one.components().map(|part| unescape(part.raw_value(), &separators, used)).collect();
                shortened(parts.join(" ^ ").trim_end_matches(" ^ "))
            })
            .collect()
    };
    let shown = parsed.fields.iter().take(MAX_PARTS).enumerate().filter_map(|(index, field)| {
        let number = index + 1 + usize::from(header);
        let values = value(field, number);
        let (ja, en) = names::field(name, number);
        (!values.is_empty()).then(|| MessageField {
            place: format!("{name}-{number}"),
            ja: ja.to_owned(),
            en: en.to_owned(),
            values,
        })
    });
    Some(MessageSegment {
        name: name.to_owned(),
        ja: ja.to_owned(),
        en: en.to_owned(),
        fields: shown.collect(),
    })
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS) {
        Some((end, _)) => format!("{}… ({} 文字 / characters)", &text[..end], text.chars().count()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_have_their_numbers_and_names() {
        let message = "MSH|^~\\&|HIS|S|GW|C|2026||ADT^A03^ADT_A03|42|P|2.5||||||UNICODE UTF-8\r\
                       PID|1||00412338^^^^PI~77^^^X||山本^千代^^^^^L^I||19380412|F\rZZ1|x\\F\\y\r\r";
        let shown = text(message.as_bytes(), None);
        assert_eq!(shown.charset, "UTF-8");
        let places = |s: &MessageSegment| s.fields.iter().map(|f| f.place.clone()).collect::<Vec<_>>();
        assert_eq!(shown.segments.len(), 3);
        assert_eq!(places(&shown.segments[1]), ["PID-1", "PID-3", "PID-5", "PID-7", "PID-8"]);
        let msh = &shown.segments[0];
        assert_eq!((msh.fields[0].place.as_str(), msh.fields[0].values[0].as_str()), ("MSH-2", "^~\\&"));
        assert!(
            msh.fields
                .iter()
                .any(|f| f.place == "MSH-10" && f.values == ["42"] && f.ja == "メッセージ制御ID")
        );
        let ids = &shown.segments[1].fields[1];
        assert_eq!(ids.values, ["00412338 ^  ^  ^  ^ PI", "77 ^  ^  ^ X"]);
        assert_eq!((ids.ja.as_str(), ids.en.as_str()), ("患者ID", "patient identifiers"));
        assert_eq!(shown.segments[2].fields[0].values, ["x|y"]);
        assert!(text(b"", None).segments.is_empty());
    }

    proptest! {
        #[test]
        fn showing_is_total_and_bounded(bytes in proptest::collection::vec(any::<u8>(), 0..400), tail in "[A-Z|^~&\\\\\r0-9]{0,120}") {
            let _ = text(&bytes, None);
            let shown = text(format!("MSH|^~\\&|{tail}").as_bytes(), None);
            prop_assert!(shown.segments.iter().all(|s| s.fields.len() <= MAX_PARTS));
        }
    }
}
