//! Bytes of a declared or undeclared character set to text. mail-parser knows neither the labels that
//! Japanese mailers use nor ISO-2022-JP without a label (docs: dependencies), so text is decoded here.
//! It never fails and never trusts a label that the bytes contradict.

use super::jis::{self, GETA};
use encoding_rs::{BIG5, EUC_JP, Encoding, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Decoded text and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// The text; private-use pictograms are 〓 already.
    pub(crate) text: String,
    /// Name of the character set used.
    pub(crate) used: &'static str,
    /// The label was absent, unknown or contradicted by the bytes.
    pub(crate) guessed: bool,
    /// Characters that could not be decoded.
    pub(crate) broken: usize,
    /// Pictograms that became 〓.
    pub(crate) pictograms: usize,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Jis,
    /// ASCII, ISO-8859-1 and labels that say nothing: eight-bit bytes are looked at.
    Vague,
    Known(&'static Encoding),
    /// Decoded by mail-parser's own tables (UTF-7 and code pages that browsers do not know).
    Rare(fn(&[u8]) -> String),
}

/// Decodes `bytes` as `label` says, or as they look if it says nothing or something untrue.
pub(crate) fn decode(bytes: &[u8], label: Option<&str>) -> Decoded {
    let kind = label.map_or(Some(Kind::Vague), kind_of);
    let unknown_label = kind.is_none();
    let kind = kind.unwrap_or(Kind::Vague);
    if bytes.is_ascii() && !bytes.contains(&0x1b) && !matches!(kind, Kind::Jis | Kind::Rare(_)) {
        // Nearly every header and many bodies; UTF-16 labels on ASCII bytes are untrue as well.
        let untrue = matches!(kind, Kind::Known(e) if e == UTF_16LE || e == UTF_16BE) && !bytes.contains(&0);
        if untrue || !matches!(kind, Kind::Known(e) if e == UTF_16LE || e == UTF_16BE) {
            return Decoded {
                text: String::from_utf8_lossy(bytes).into_owned(),
                used: "US-ASCII",
                guessed: untrue || unknown_label,
                broken: 0,
                pictograms: 0,
            };
        }
    }
    let mut decoded = match kind {
        Kind::Jis if jis::has_escape(bytes) || bytes.is_ascii() => from_jis(bytes, false),
        Kind::Jis | Kind::Vague => {
            detect(bytes, matches!(kind, Kind::Vague) && label.is_some() && !unknown_label)
        }
        Kind::Rare(decode) => {
            Decoded { text: decode(bytes), used: "other", guessed: false, broken: 0, pictograms: 0 }
        }
        Kind::Known(encoding) => {
            let declared = from_encoding(bytes, encoding, false);
            if declared.broken == 0
                && !(jis::has_escape(bytes) && encoding != UTF_16LE && encoding != UTF_16BE)
            {
                contradicted(bytes, encoding, &declared.text).unwrap_or(declared)
            } else {
                let seen = detect(bytes, false);
                if seen.broken < declared.broken || (declared.broken == 0 && seen.broken == 0) {
                    seen
                } else {
                    declared
                }
            }
        }
    };
    decoded.guessed |= unknown_label;
    replace_private_use(&mut decoded);
    decoded
}

/// Japanese text whose label belongs to another set that takes its bytes as well (`gb2312` and `windows-1252` are
/// put on CP932 by forwarding programs, `shift_jis` on EUC): the declared text has no kana, and the bytes as they look
/// are kana for a quarter. In Big5 the commonest signs are kana of EUC, and UTF-8 and UTF-16 are never met by chance.
fn contradicted(bytes: &[u8], declared: &'static Encoding, text: &str) -> Option<Decoded> {
    let is_kana = |c: &char| matches!(c, '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fc}');
    let certain = [UTF_8, UTF_16LE, UTF_16BE, BIG5].contains(&declared);
    if certain || text.chars().any(|c| is_kana(&c)) {
        return None;
    }
    let seen = detect(bytes, false);
    let kana = seen.text.chars().filter(is_kana).count();
    let signs = seen.text.chars().filter(|c| !c.is_ascii()).count();
    (seen.broken == 0 && seen.used != declared.name() && kana > 1 && kana * 4 >= signs).then_some(seen)
}

/// The character set of undeclared bytes.
fn detect(bytes: &[u8], latin_expected: bool) -> Decoded {
    if bytes.starts_with(&[0xff, 0xfe]) {
        return from_encoding(&bytes[2..], UTF_16LE, true);
    }
    if bytes.starts_with(&[0xfe, 0xff]) {
        return from_encoding(&bytes[2..], UTF_16BE, true);
    }
    if jis::has_escape(bytes) {
        return from_jis(bytes, true);
    }
    if std::str::from_utf8(bytes).is_ok() {
        // Plain ASCII needs no guess.
        return from_encoding(bytes, UTF_8, !bytes.is_ascii());
    }
    let mut best: Option<(i64, Decoded)> = None;
    for encoding in [SHIFT_JIS, EUC_JP] {
        if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
            let score = japanese_score(&text);
            if score > 0 && best.as_ref().is_none_or(|(s, _)| score > *s) {
                let decoded = Decoded {
                    text: text.into_owned(),
                    used: encoding.name(),
                    guessed: true,
                    broken: 0,
                    pictograms: 0,
                };
                best = Some((score, decoded));
            }
        }
    }
    if let Some((_, decoded)) = best {
        return decoded;
    }
    if !latin_expected {
        // A little damage in otherwise Japanese text is better shown than turned into Latin letters.
        let high = bytes.iter().filter(|b| **b >= 0x80).count();
        let tries = [UTF_8, SHIFT_JIS, EUC_JP].map(|e| from_encoding(bytes, e, true));
        let least = tries.into_iter().min_by_key(|d| d.broken);
        if let Some(found) = least.filter(|d| d.broken * 10 <= high && japanese_score(&d.text) > 0) {
            return found;
        }
    }
    from_encoding(bytes, WINDOWS_1252, !latin_expected)
}

/// Kana and common kanji speak for a guess; half-width kana, rare kanji and private use against it.
fn japanese_score(text: &str) -> i64 {
    text.chars()
        .take(4_000)
        .map(|c| match c {
            '\u{3041}'..='\u{3096}' => 4,
            '\u{30a1}'..='\u{30fc}' => 3,
            '\u{3001}' | '\u{3002}' | '\u{300c}' | '\u{300d}' => 3,
            '\u{4e00}'..='\u{9fff}' => 1,
            '\u{ff61}'..='\u{ff9f}' => -1,
            '\u{e000}'..='\u{f8ff}' | '\u{80}'..='\u{9f}' => -3,
            '\u{a0}'..='\u{24f}' => -1,
            _ => 0,
        })
        .sum()
}

fn from_encoding(bytes: &[u8], encoding: &'static Encoding, guessed: bool) -> Decoded {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let mut broken = text.matches('\u{fffd}').count();
    if broken > 0 && encoding == UTF_8 {
        broken = broken.saturating_sub(bytes.windows(3).filter(|w| *w == [0xef, 0xbf, 0xbd]).count());
    }
    Decoded { text: text.into_owned(), used: encoding.name(), guessed, broken, pictograms: 0 }
}

fn from_jis(bytes: &[u8], guessed: bool) -> Decoded {
    let jis = jis::decode(bytes);
    Decoded { text: jis.text, used: "ISO-2022-JP", guessed, broken: jis.broken, pictograms: jis.pictograms }
}

fn replace_private_use(decoded: &mut Decoded) {
    replace_web_codes(decoded);
    // The first bytes of what is private; most of what is written has none of them.
    if !decoded.text.bytes().any(|b| matches!(b, 0xee | 0xef | 0xf3 | 0xf4)) {
        return;
    }
    let private = |c: char| matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10fffd}');
    let count = decoded.text.chars().filter(|c| private(*c)).count();
    if count > 0 {
        decoded.text = decoded.text.chars().map(|c| if private(c) { GETA } else { c }).collect();
        decoded.pictograms += count;
    }
}

/// Pictograms of SoftBank telephones outside of ISO-2022-JP: ESC `$`, a letter for the page, one sign for each, SI.
fn replace_web_codes(decoded: &mut Decoded) {
    if !decoded.text.contains("\u{1b}$") {
        return;
    }
    let mut out = String::with_capacity(decoded.text.len());
    let mut rest = decoded.text.as_str();
    while let Some(at) = rest.find("\u{1b}$") {
        let (before, code) = rest.split_at(at);
        out.push_str(before);
        let signs = code.get(3..).filter(|_| code.as_bytes().get(2).is_some_and(|b| b"EFGOPQ".contains(b)));
        let length =
            signs.and_then(|s| s.find('\u{f}').filter(|end| (1..=64).contains(end)).map(|end| (s, end)));
        match length {
            Some((signs, end)) => {
                let count = signs.get(..end).map_or(0, |s| s.chars().count());
                out.extend(std::iter::repeat_n(GETA, count));
                decoded.pictograms += count;
                rest = signs.get(end + 1..).unwrap_or("");
            }
            None => {
                out.push_str("\u{1b}$");
                rest = code.get(2..).unwrap_or("");
            }
        }
    }
    out.push_str(rest);
    decoded.text = out;
}

/// What a label means; `None` if nobody knows it.
fn kind_of(label: &str) -> Option<Kind> {
    let written = label.trim().trim_matches(['"', '\'']).trim().to_ascii_lowercase();
    let label = written.replace('_', "-");
    let known = match label.as_str() {
        "" | "us-ascii" | "ascii" | "ansi-x3.4-1968" | "7bit" | "8bit" | "iso-8859-1" | "latin1"
        | "iso8859-1" | "unknown" | "unknown-8bit" | "x-unknown" | "default" | "none" | "binary"
        | "x-user-defined" => Kind::Vague,
        "iso-2022-jp-1" | "iso-2022-jp-2" | "iso-2022-jp-3" | "iso-2022-jp-2004" | "iso-2022-jp-ms"
        | "iso2022jp" | "iso-2022-jp" | "iso-2022jp" | "csiso2022jp" | "csiso2022jp2" | "cp50220"
        | "cp50221" | "cp50222" | "windows-50220" | "windows-50221" | "windows-50222" | "x-windows-50221"
        | "jis" | "x-jis" | "jis7" => Kind::Jis,
        "cp932" | "ms932" | "windows-932" | "x-ms-cp932" | "cswindows31j" | "windows-31j" | "shift-jis"
        | "sjis" | "x-sjis" | "shiftjis" | "shift-jis-2004" | "sjis-win" | "csshiftjis" | "ms-kanji"
        | "ibm-943" | "x-ibm943" | "x-sjis-docomo" | "x-sjis-kddi" | "x-sjis-softbank" => {
            Kind::Known(SHIFT_JIS)
        }
        "cp51932" | "windows-51932" | "eucjp-ms" | "euc-jp-ms" | "eucjpms" | "eucjp-win" | "eucjp"
        | "euc-jp" | "x-euc-jp" | "x-euc" | "ujis" | "euc-jisx0213" | "euc-jis-2004" => Kind::Known(EUC_JP),
        "utf8" | "utf-8-mac" | "utf8mb4" | "x-utf-8" | "utf-8n" | "cp65001" => Kind::Known(UTF_8),
        _ => {
            let found =
                Encoding::for_label(written.as_bytes()).or_else(|| Encoding::for_label(label.as_bytes()));
            match found {
                Some(encoding) if encoding.name() == "replacement" || encoding.name() == "ISO-2022-JP" => {
                    Kind::Jis
                }
                Some(encoding) => Kind::Known(encoding),
                None => {
                    Kind::Rare(mail_parser::decoders::charsets::map::charset_decoder(written.as_bytes())?)
                }
            }
        }
    };
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_japanese_mailers() {
        let sjis = [0x87, 0x40, 0x8e, 0x63, 0xee, 0xe0]; // ①残 and IBM 髙
        for label in ["CP932", "windows-932", "Shift_JIS", "\"x-sjis\"", "Windows-31J", "MS_Kanji"] {
            let decoded = decode(&sjis, Some(label));
            assert_eq!((decoded.text.as_str(), decoded.guessed), ("①残髙", false), "{label}");
        }
        for label in ["ISO-2022-JP-MS", "cp50221", "ISO-2022-JP-2", "iso2022jp"] {
            assert_eq!(decode(b"\x1b$B$?\x1b(B", Some(label)).text, "た", "{label}");
        }
        assert_eq!(decode(&[0xa4, 0xbf], Some("eucJP-ms")).text, "た");
        assert_eq!(decode(&[0xb0, 0xa1], Some("ks_c_5601-1987")).text, "가");
        assert_eq!(decode(b"+MF8-", Some("utf-7")).text, "た");
    }

    #[test]
    fn untrue_and_missing_labels() {
        let text = "了解しました。明日うかがいます";
        let (sjis, _, _) = SHIFT_JIS.encode(text);
        let (euc, _, _) = EUC_JP.encode(text);
        for bytes in [sjis.as_ref(), euc.as_ref(), text.as_bytes()] {
            for label in [None, Some("us-ascii"), Some("iso-2022-jp"), Some("x-no-such")] {
                let decoded = decode(bytes, label);
                assert_eq!(
                    (decoded.text.as_str(), decoded.guessed, decoded.broken),
                    (text, true, 0),
                    "{label:?}"
                );
            }
        }
        assert_eq!(decode(sjis.as_ref(), Some("utf-8")).text, text);
        for (bytes, label) in
            [(&sjis, "gb2312"), (&sjis, "windows-1252"), (&sjis, "euc-kr"), (&euc, "Shift_JIS")]
        {
            let decoded = decode(bytes.as_ref(), Some(label));
            assert_eq!((decoded.text.as_str(), decoded.guessed), (text, true), "{label}");
        }
        for (label, text) in [
            ("gb2312", "您好，明天见"),
            ("gb2312", "了解しました"),
            ("big5", "中文"),
            ("euc-kr", "안녕하세요"),
            ("windows-1252", "café à Zürich"),
            ("shift_jis", "佐々木"),
            ("shift_jis", "ｱｲｳ"),
            ("euc-jp", "佐々木"),
        ] {
            let (bytes, _, _) = Encoding::for_label(label.as_bytes()).unwrap().encode(text);
            assert_eq!(decode(&bytes, Some(label)).text, text, "{label}");
        }
        assert_eq!(decode(b"\x1b$B$?\x1b(B", Some("utf-8")).text, "た");
        assert_eq!(decode(b"caf\xe9", Some("iso-8859-1")).text, "café");
        assert_eq!(decode("\u{e757}た".as_bytes(), Some("utf-8")).text, "〓た");
        assert_eq!(decode(&[0xf8, 0x9f, 0x82, 0xbd], Some("shift_jis")).text, "〓た");
        let web_code = decode(b"\x82\xbd\x1b$Gjk\x0f\x82\xbd", Some("shift_jis"));
        assert_eq!((web_code.text.as_str(), web_code.pictograms), ("た〓〓た", 2));
        for text in ["\u{1b}$", "\u{1b}$G", "\u{1b}$Gj", "\u{1b}$あ\u{f}", "a\u{1b}$G\u{f}"] {
            let _ = decode(text.as_bytes(), Some("utf-8"));
        }
    }

    proptest::proptest! {
        #[test]
        fn decoding_is_total(bytes: Vec<u8>, label in proptest::option::of("[a-z0-9_-]{0,12}")) {
            let _ = decode(&bytes, label.as_deref());
            let _ = jis::decode(&bytes);
        }
    }
}
