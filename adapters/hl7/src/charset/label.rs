//! What MSH-18 names: HL7 table 0211, the forms of SS-MIX2 and JAHIS, and the spellings of vendors
//! (hl7.md 4.1). Only names are read here; whether they are true is for the bytes to say.

use super::Used;

/// A declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declared {
    /// Nothing was written.
    Nothing,
    /// A set that is read here.
    Set(Used),
    /// UTF-16 or UTF-32.
    Wide,
    /// A name that is not known.
    Unknown,
}

/// Reads MSH-18 as written, repetitions and all. Several names make one ISO 2022 set.
#[must_use]
pub fn read(written: &str) -> Declared {
    let mut found = Declared::Nothing;
    for name in written.split(['~', '^', ',']).take(16) {
        let one = name_of(name);
        found = match (found, one) {
            (any, Declared::Nothing) => any,
            (Declared::Set(Used::Iso2022Jp), _) | (_, Declared::Set(Used::Iso2022Jp)) => {
                Declared::Set(Used::Iso2022Jp)
            }
            (Declared::Nothing | Declared::Unknown | Declared::Set(Used::Ascii), other) => other,
            (known, _) => known,
        };
    }
    found
}

fn name_of(name: &str) -> Declared {
    let plain: String = name
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_' | '/' | '.' | '"'))
        .map(|c| c.to_ascii_uppercase())
        .take(32)
        .collect();
    match plain.as_str() {
        "" => Declared::Nothing,
        "ISOIR87" | "ISOIR159" | "ISOIR14" | "ISOIR13" | "IR87" | "IR159" | "IR14" | "IR13" | "JISX0202"
        | "JISX0208" | "JISX0212" | "JISX0201" | "JAS2020" | "JIS2020" | "ISO2022JP" | "ISO2022JP1"
        | "ISO2022JP2" | "ISO20221994" | "JIS" | "CP50220" | "CP50221" => Declared::Set(Used::Iso2022Jp),
        "UNICODEUTF8" | "UNICODE" | "UTF8" => Declared::Set(Used::Utf8),
        "UNICODEUTF16" | "UNICODEUTF32" | "UTF16" | "UTF32" | "UTF16LE" | "UTF16BE" => Declared::Wide,
        "SHIFTJIS" | "SJIS" | "CP932" | "MS932" | "WINDOWS31J" | "MSKANJI" => Declared::Set(Used::Cp932),
        "EUCJP" | "EUC" | "UJIS" | "CP51932" => Declared::Set(Used::EucJp),
        "ASCII" | "USASCII" | "ISOIR6" | "IR6" | "ISO646" => Declared::Set(Used::Ascii),
        "88591" | "ISO88591" | "ISOIR100" | "LATIN1" | "885915" | "ISO885915" | "WINDOWS1252" | "CP1252" => {
            Declared::Set(Used::Latin1)
        }
        _ => Declared::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        let iso = Declared::Set(Used::Iso2022Jp);
        for (written, expected) in [
            ("", Declared::Nothing),
            ("~ISO IR87", iso),
            ("ISO IR6~ISO IR87", iso),
            ("ISO IR14~ISO IR87", iso),
            ("~ISO IR87~ISO IR159", iso),
            ("~ISOIR87", iso),
            ("ISO_IR 87", iso),
            ("JIS X 0202", iso),
            ("UNICODE UTF-8", Declared::Set(Used::Utf8)),
            ("unicode utf-16", Declared::Wide),
            ("8859/1", Declared::Set(Used::Latin1)),
            ("ASCII", Declared::Set(Used::Ascii)),
            ("GB 18030-2000", Declared::Unknown),
        ] {
            assert_eq!(read(written), expected, "{written}");
        }
    }
}
