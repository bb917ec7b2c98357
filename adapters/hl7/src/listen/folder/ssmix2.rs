//! Names and contents of an SS-MIX2 standardised storage (hl7.md 11): `患者ID_診療日_種別_オーダNo_発生日時_科_flag`.
//! Flag 1 is valid, 2 is history, 0 is made invalid. Pure; whoever looks at the tree does so elsewhere.

use crate::charset::mend::mend;
use crate::header::{Header, ascii, skip_lead, split_outside_two_byte};

/// A file name of the storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// Patient id.
    pub(super) patient: String,
    /// 発生日時, 14 to 17 digits.
    pub(super) happened: String,
    /// Patient, day, kind and order: what the storage keeps one valid file of.
    pub(super) key: String,
    /// Everything but the flag: the same before and after a change of state.
    pub(super) stem: String,
    /// Condition flag.
    pub(super) flag: u8,
}

impl Name {
    /// Reads a name; `None` if it is none of the storage.
    pub(super) fn read(name: &str) -> Option<Self> {
        let (stem, flag) = name.rsplit_once('_')?;
        let flag = match flag {
            "0" => 0,
            "1" => 1,
            "2" => 2,
            _ => return None,
        };
        let (rest, _department) = stem.rsplit_once('_')?;
        let (rest, happened) = rest.rsplit_once('_')?;
        let key = rest;
        let (rest, _order) = rest.rsplit_once('_')?;
        let (patient, rest) = rest.split_once('_')?;
        // The kind may hold further underscores; the date is before the first.
        let (date, kind) = rest.split_once('_')?;
        let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
        let sound = !patient.is_empty()
            && !kind.is_empty()
            && (date == "-" || (date.len() == 8 && digits(date)))
            && (14..=17).contains(&happened.len())
            && digits(happened);
        sound.then(|| Self {
            patient: patient.to_owned(),
            happened: happened.to_owned(),
            key: key.to_owned(),
            stem: stem.to_owned(),
            flag,
        })
    }
}

/// Events that undo another (hl7.md 8.1).
const CANCELS: &[&str] =
    &["A11", "A12", "A13", "A23", "A25", "A26", "A27", "A32", "A33", "A38", "A52", "A53", "A55"];

/// Whether a message itself says that something is cancelled.
pub(super) fn is_cancellation(message: &[u8]) -> bool {
    let mended = mend(message).bytes;
    let message = mended.as_ref();
    let Some(header) = Header::find(message) else { return false };
    if header.message_type().trigger.is_some_and(|event| CANCELS.contains(&event.as_str())) {
        return true;
    }
    // Orders say so in ORC-1.
    let field = ascii(header.separators.field);
    lines(message).any(|line| {
        let mut fields = split_outside_two_byte(line, field);
        fields.next() == Some(b"ORC") && matches!(fields.next(), Some(b"CA" | b"DC" | b"OC"))
    })
}

/// Whether PID-3 or PID-2 holds this number, leading zeros aside.
pub(super) fn names_patient(message: &[u8], patient: &str) -> bool {
    let mended = mend(message).bytes;
    let message = mended.as_ref();
    let Some(header) = Header::find(message) else { return false };
    let separators = header.separators;
    let (field, repeat, component) =
        (ascii(separators.field), ascii(separators.repetition), ascii(separators.component));
    let wanted = bare(patient.as_bytes());
    lines(message).filter(|line| line.starts_with(b"PID")).any(|line| {
        split_outside_two_byte(line, field).skip(2).take(2).any(|value| {
            split_outside_two_byte(value, repeat)
                .filter_map(|one| split_outside_two_byte(one, component).next())
                .any(|id| bare(id) == wanted)
        })
    })
}

fn bare(id: &[u8]) -> &[u8] {
    let id = id.trim_ascii();
    let zeros = id.iter().take_while(|b| **b == b'0').count();
    // A number of zeros only keeps one.
    id.get(zeros.min(id.len().saturating_sub(1))..).unwrap_or_default()
}

fn lines(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    message.split(|b| matches!(b, b'\r' | b'\n')).map(skip_lead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_both_ends() {
        let name = Name::read("00412338_20260609_ADT-52_000000000500123_20260610110200000_01_2").unwrap();
        assert_eq!((name.patient.as_str(), name.flag), ("00412338", 2));
        assert_eq!(name.happened, "20260610110200000");
        let basic = Name::read("00412338_-_ADT-00_999999999999999_20260610110000123_-_1").unwrap();
        assert_eq!((basic.patient.as_str(), basic.flag), ("00412338", 1));
        let none = [
            "",
            "a.hl7",
            "00412338_20260609_ADT-52_000000000500123_20260610110200000_01_3",
            "00412338_2026_ADT-52_1_20260610110200000_01_1",
            "00412338_20260609_ADT-52_1_202606_01_1",
            "_20260609_ADT-52_1_20260610110200000_01_1",
        ];
        assert!(none.iter().all(|n| Name::read(n).is_none()));
    }

    #[test]
    fn whose_message_it_is() {
        let message = b"MSH|^~\\&|A|B|C|D|1||ADT^A13|1|P|2.5\rPID|1||00412338^^^^PI~77^^^X^MR\r";
        assert!(
            names_patient(message, "00412338")
                && names_patient(message, "412338")
                && names_patient(message, "77")
        );
        assert!(!names_patient(message, "00412383") && !names_patient(b"x", "1"));
        assert!(is_cancellation(message));
        assert!(!is_cancellation(b"MSH|^~\\&|A|B|C|D|1||ADT^A03|1|P|2.5\r"));
        assert!(is_cancellation(b"MSH|^~\\&|A|B|C|D|1||RDE^O11|1|P|2.5\rORC|CA|1\r"));
    }

    proptest::proptest! {
        #[test]
        fn reading_is_total(name in "[0-9A-Z_^\\-]{0,80}", bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = Name::read(&name);
            let _ = is_cancellation(&bytes);
            let _ = names_patient(&bytes, &name);
        }
    }
}
