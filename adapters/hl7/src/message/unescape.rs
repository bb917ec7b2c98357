//! Escape sequences of HL7 text (chapter 2; hl7.md section 1, table). Applied after splitting, to one
//! component at a time. A lone escape character stays text: `50\100 mg` loses nothing. Local
//! sequences are dropped from what people read; the raw bytes keep them.

use super::Separators;
use crate::charset::{Used, decode_piece};

/// Longest sequence that is looked for, in bytes.
const MAX_SEQUENCE: usize = 200;

/// Text with its escape sequences resolved. The separators are those of MSH-2.
#[must_use]
pub fn unescape(text: &str, separators: &Separators, used: Used) -> String {
    let escape = separators.escape;
    if !text.contains(escape) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once(escape) {
        out.push_str(before);
        let sequence = tail.find(escape).filter(|end| *end <= MAX_SEQUENCE).map(|end| &tail[..end]);
        match sequence {
            Some(sequence) if resolve(sequence, separators, used, &mut out) => {
                rest = &tail[sequence.len() + escape.len_utf8()..];
                if sequence.starts_with('M')
                    && let Some((text, after)) = pairs(sequence, rest, escape)
                {
                    out.push_str(&text);
                    rest = after;
                }
            }
            Some(_) | None => {
                out.push(escape);
                rest = tail;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Writes what a sequence stands for; `false` if it is none.
fn resolve(sequence: &str, separators: &Separators, used: Used, out: &mut String) -> bool {
    match sequence {
        "F" => out.push(separators.field),
        "S" => out.push(separators.component),
        "T" => out.push(separators.subcomponent),
        "R" => out.push(separators.repetition),
        "E" => out.push(separators.escape),
        // From v2.7 on: the truncation character itself.
        "P" => match separators.truncation {
            Some(sign) => out.push(sign),
            None => return false,
        },
        "H" | "N" => {}
        _ if sequence.starts_with('.') => return layout(&sequence[1..], out),
        _ if sequence.starts_with('X') => return hex(&sequence[1..], used, out),
        _ if sequence.starts_with('Z') => return sequence.len() <= 40 && sequence.is_ascii(),
        _ if sequence.starts_with(['C', 'M']) => return announced(sequence).is_some(),
        _ => return false,
    }
    true
}

/// `\C2842\` and `\M2442\`: the bytes of an ISO 2022 escape sequence without ESC (HL7 chapter 2).
fn announced(sequence: &str) -> Option<Vec<u8>> {
    let code = sequence.strip_prefix(['C', 'M']).filter(|code| matches!(code.len(), 4 | 6))?;
    hex_bytes(code)
}

/// What stands between `\M2442\` and the return to ASCII are pairs of that set. The pairs and what
/// follows them; `None` where nobody returns, and then the text stays as it was written.
fn pairs<'t>(sequence: &str, rest: &'t str, escape: char) -> Option<(String, &'t str)> {
    let announced = announced(sequence).filter(|_| sequence.starts_with('M'))?;
    let back = format!("{escape}C2842{escape}");
    let (written, after) = rest.split_once(&back)?;
    let bytes = [&[0x1b][..], &announced, written.as_bytes(), b"\x1b(B"].concat();
    Some((decode_piece(&bytes, Used::Iso2022Jp), after))
}

fn layout(command: &str, out: &mut String) -> bool {
    let Some((name, argument)) = command.split_at_checked(2) else { return false };
    let argument = argument.trim();
    if argument.len() > 6 || !argument.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-')) {
        return false;
    }
    let count = argument.parse::<usize>().unwrap_or(1).min(20);
    match name {
        "br" => out.push('\n'),
        "sp" => out.extend(std::iter::repeat_n('\n', count)),
        "sk" => out.extend(std::iter::repeat_n(' ', count)),
        "in" | "ti" | "ce" | "fi" | "nf" => {}
        _ => return false,
    }
    true
}

fn hex(digits: &str, used: Used, out: &mut String) -> bool {
    let Some(bytes) = hex_bytes(digits) else { return false };
    let text = decode_piece(&bytes, used).replace("\r\n", "\n").replace('\r', "\n");
    out.extend(text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')));
    true
}

/// Bytes of pairs of hexadecimal digits; `None` if it is anything else or empty.
pub(crate) fn hex_bytes(digits: &str) -> Option<Vec<u8>> {
    if digits.is_empty() || digits.len() % 2 == 1 || !digits.is_ascii() {
        return None;
    }
    digits
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|p| u8::from_str_radix(p, 16).ok()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sequences() {
        let cases = [
            (r"a\F\b\S\c\T\d\R\e\E\f", "a|b^c&d~e\\f"),
            (r"一行目\.br\二行目", "一行目\n二行目"),
            (r"薬A\T\B", "薬A&B"),
            (r"\H\強調\N\。", "強調。"),
            (r"a\.sp2\b\.sk 3\c\.in+4\d\.ce\e", "a\n\nb   cde"),
            (r"a\X0D0A\b\X41\", "a\nbA"),
            (r"\M2442\;3K\\C2842\^", "山本^"),
            (r"\M2442\abc", "abc"),
            (r"\C2842\abc", "abc"),
            (r"50\100 mg", r"50\100 mg"),
            (r"BSV 4\5 re. und \T\", r"BSV 4\5 re. und &"),
            (r"\Z01\x\C2842\y\M242844\z", "xyz"),
            (r"\unknown\", r"\unknown\"),
            ("末尾\\", "末尾\\"),
        ];
        for (escaped, plain) in cases {
            assert_eq!(unescape(escaped, &Separators::default(), Used::Utf8), plain, "{escaped}");
        }
    }

    proptest! {
        #[test]
        fn unescaping_is_total_and_bounded(text in ".{0,200}", weird in "[\\\\\\.a-zA-Z0-9山&]{0,100}") {
            for text in [&text, &weird] {
                let plain = unescape(text, &Separators::default(), Used::Iso2022Jp);
                prop_assert!(plain.len() <= text.len() * 20 + 20);
            }
        }
    }
}
