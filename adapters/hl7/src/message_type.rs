//! MSH-9 as its sender means it: letters of any case, blanks between, type and event glued together, the
//! structure where the type should be. Never guesses an event: a structure that several events share names none
//! of them, and then EVN-1 or a person must say what happened.

use crate::header::Header;

/// Structures of ADT and MDM that are used for more than the event whose name they bear (HL7 table 0354).
const SHARED: &[&str] = &[
    "A01", "A05", "A06", "A09", "A12", "A21", "A30", "A39", "A43", "A44", "A45", "A50", "A52", "A54", "A61",
    "T01", "T02",
];

/// What kind of message it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageType {
    /// MSH-9.1 in capital letters; empty where nothing names it.
    pub kind: String,
    /// MSH-9.2 in capital letters.
    pub trigger: Option<String>,
    /// Whether it is written otherwise than the standard has it.
    pub repaired: bool,
}

impl MessageType {
    /// Reads MSH-9.
    #[must_use]
    pub fn read(header: &Header<'_>) -> Self {
        let written = [1, 2, 3].map(|component| header.text(9, component));
        let [first, second, third] = written.clone().map(plain);
        let (mut kind, mut trigger) = match parted(&first) {
            Some((kind, event)) => (kind.to_owned(), event.map(str::to_owned)),
            None => (first, None),
        };
        let stated = match parted(&second) {
            Some((_, event)) => event.map(str::to_owned),
            None => Some(second.replace(' ', "")).filter(|event| !event.is_empty()),
        };
        trigger = stated.or(trigger);
        if let Some((of_structure, event)) = parted(&third) {
            if kind.is_empty() {
                of_structure.clone_into(&mut kind);
            }
            trigger = trigger.or_else(|| event.filter(|_| kind == of_structure).map(str::to_owned));
        }
        if trigger.is_none() && is_event(&kind) {
            // An event by itself, of the types that say nothing without one.
            let of = [('A', "ADT"), ('T', "MDM")].into_iter().find(|(letter, _)| kind.starts_with(*letter));
            if let Some((_, of)) = of {
                trigger = Some(std::mem::replace(&mut kind, of.to_owned()));
            }
        }
        // What stands in MSH-9.3 beside a type and an event says nothing more.
        let repaired = written[0] != kind || (trigger.is_some() && Some(&written[1]) != trigger.as_ref());
        Self { kind, trigger, repaired }
    }
}

/// EVN-1 in capital letters, of `ADT^A01` and `ADT_A01` the event.
#[must_use]
pub fn event_of(components: [Option<String>; 2]) -> Option<String> {
    let [first, second] = components.map(|c| plain(c.unwrap_or_default()));
    let of_first = match parted(&first) {
        Some((_, event)) => event.map(str::to_owned),
        None => Some(first.replace(' ', "")).filter(|event| !event.is_empty()),
    };
    match of_first {
        Some(event) if !is_event(&event) && is_event(&second) => Some(second),
        event => event,
    }
}

fn plain(written: String) -> String {
    let written = written.trim().to_ascii_uppercase();
    if written == "\"\"" { String::new() } else { written }
}

/// Type and event of `ADT A01`, `ADT-A01`, `ADTA01` and `ADT_A01`; of the last, which may be a structure, only an
/// event that no other shares.
fn parted(written: &str) -> Option<(&str, Option<&str>)> {
    let (kind, rest) = written.split_at_checked(3)?;
    let event = rest.trim_start_matches([' ', '_', '-']);
    let is_kind = kind.bytes().all(|b| b.is_ascii_uppercase());
    let is_structure = rest.starts_with('_') && SHARED.contains(&event);
    (is_kind && is_event(event)).then_some((kind, Some(event).filter(|_| !is_structure)))
}

fn is_event(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, one, two] if letter.is_ascii_uppercase() && one.is_ascii_digit() && two.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_it_is_meant() {
        let cases = [
            ("ADT^A01^ADT_A01", "ADT", "A01", false),
            ("ADT^A01", "ADT", "A01", false),
            ("ACK", "ACK", "", false),
            ("PPR^ZD1", "PPR", "ZD1", false),
            (" ADT ^ A01 ^ADT_A01", "ADT", "A01", false),
            ("adt^a01", "ADT", "A01", true),
            ("Adt^A01^Adt_A01", "ADT", "A01", true),
            ("ADT^A 01", "ADT", "A01", true),
            ("ADT A01", "ADT", "A01", true),
            ("ADT-A01", "ADT", "A01", true),
            ("adta01", "ADT", "A01", true),
            ("^A01^ADT_A01", "ADT", "A01", true),
            ("ADT^ADT_A03", "ADT", "A03", true),
            ("^^ADT_A03", "ADT", "A03", true),
            ("ADT^^ADT_A03", "ADT", "A03", true),
            ("ADT_A11", "ADT", "A11", true),
            ("\"\"^A08^ADT_A01", "ADT", "A08", true),
            // A discharge that is taken back has the structure of an admission.
            ("ADT^^ADT_A01", "ADT", "", false),
            ("^^ADT_A01", "ADT", "", true),
            ("ADT_A01", "ADT", "", true),
            ("ADT^ADT_A01", "ADT", "", false),
            ("MDM_T02", "MDM", "", true),
            ("MDM_T10", "MDM", "T10", true),
            ("ORU_R01", "ORU", "R01", true),
            ("ORU^^MDM_T10", "ORU", "", false),
            ("", "", "", false),
            ("\"\"", "", "", true),
            ("山", "山", "", false),
            ("A01", "ADT", "A01", true),
            ("T11", "MDM", "T11", true),
            ("Q01", "Q01", "", false),
        ];
        for (written, kind, trigger, repaired) in cases {
            let message = format!("MSH|^~\\&|A|B|C|D|1||{written}|1|P|2.5\r");
            let read = MessageType::read(&Header::find(message.as_bytes()).unwrap());
            assert_eq!(
                (read.kind.as_str(), read.trigger.as_deref().unwrap_or("")),
                (kind, trigger),
                "{written}"
            );
            assert_eq!(read.repaired, repaired, "{written}");
        }
    }

    #[test]
    fn the_event_of_evn_1() {
        let event = |one: &str, two: &str| event_of([Some(one.to_owned()), Some(two.to_owned())]);
        assert_eq!(event("a01", "").as_deref(), Some("A01"));
        assert_eq!(event("ADT", "A13").as_deref(), Some("A13"));
        assert_eq!(event("ADT_A13", "").as_deref(), Some("A13"));
        assert_eq!(event("ADT_A01", ""), None);
        assert_eq!(event("\"\"", ""), None);
        assert_eq!(event_of([None, None]), None);
    }
}
