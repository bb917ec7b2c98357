//! One segment and its values: repetitions, components, subcomponents, each with its escapes resolved and
//! with the difference of absent and deleted. Numbers count from 1, as the standard does. Nothing is split
//! before it is asked for, so that a field of megabytes costs one pass and no memory.

use super::{Message, Value};
use kakehashi_core::text::clean;

/// Repetitions of one field that are looked at.
const MAX_REPEATS: usize = 200;
/// Bytes up to which separators are counted instead of searched.
const SHORT: usize = 1024;

/// One segment.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'m> {
    message: &'m Message,
    source: &'m str,
}

impl<'m> Segment<'m> {
    /// `source` begins with three letters, which stand before the first separator.
    pub(super) const fn new(message: &'m Message, source: &'m str) -> Self {
        Self { message, source }
    }

    /// The segment as written.
    #[must_use]
    pub const fn source(&self) -> &'m str {
        self.source
    }

    /// Its three letters.
    #[must_use]
    pub fn name(&self) -> &'m str {
        self.source.get(..3).unwrap_or("")
    }

    /// A field as written, escapes and all.
    #[must_use]
    pub fn raw(&self, field: usize) -> &'m str {
        // MSH-1 is the separator itself, so the first thing after it is MSH-2.
        let shift = usize::from(matches!(self.name(), "MSH" | "FHS" | "BHS"));
        let Some(at) = field.checked_sub(shift).filter(|at| *at > 0) else { return "" };
        part(self.source, self.message.separators.field, at).unwrap_or("")
    }

    /// The repetitions of a field that say anything.
    pub fn repeats(&self, field: usize) -> impl Iterator<Item = Occurrence<'m>> + use<'m> {
        let message = self.message;
        self.raw(field)
            .split(message.separators.repetition)
            .filter(|raw| !raw.is_empty())
            .take(MAX_REPEATS)
            .map(move |raw| Occurrence { message, raw })
    }

    /// A component of the first repetition that says anything.
    #[must_use]
    pub fn value(&self, field: usize, component: usize) -> Value {
        self.repeats(field).next().map_or(Value::Absent, |o| o.value(component))
    }

    /// As [`Segment::value`], its text on one line, without outer blanks, if any is left.
    #[must_use]
    pub fn text(&self, field: usize, component: usize) -> Option<String> {
        self.repeats(field).next().and_then(|o| o.text(component))
    }

    /// The code of a coded field, its words where the sender left it out.
    #[must_use]
    pub fn coded_or_words(&self, field: usize) -> Option<String> {
        self.text(field, 1).or_else(|| self.coded(field))
    }

    /// The words of a coded field: its text, else its code, else the local text.
    #[must_use]
    pub fn coded(&self, field: usize) -> Option<String> {
        self.repeats(field).next().and_then(|o| o.coded())
    }
}

/// One repetition of a field.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence<'m> {
    message: &'m Message,
    raw: &'m str,
}

impl<'m> Occurrence<'m> {
    /// As written.
    #[must_use]
    pub const fn raw(&self) -> &'m str {
        self.raw
    }

    fn component(&self, component: usize) -> Option<&'m str> {
        part(self.raw, self.message.separators.component, component.checked_sub(1)?)
    }

    /// A component, subcomponents included as written.
    #[must_use]
    pub fn value(&self, component: usize) -> Value {
        self.component(component).map_or(Value::Absent, |raw| self.resolve(raw))
    }

    /// A component's text on one line, if any.
    #[must_use]
    pub fn text(&self, component: usize) -> Option<String> {
        self.value(component).text().and_then(one_line)
    }

    /// A subcomponent's text on one line, if any.
    #[must_use]
    pub fn sub(&self, component: usize, subcomponent: usize) -> Option<String> {
        let component = self.component(component)?;
        let found =
            component.split(self.message.separators.subcomponent).nth(subcomponent.checked_sub(1)?)?;
        self.resolve(found).text().and_then(one_line)
    }

    /// The words of a coded value: text, else code, else local text.
    #[must_use]
    pub fn coded(&self) -> Option<String> {
        [2, 1, 5].into_iter().find_map(|component| self.text(component))
    }

    /// The whole repetition as text: separators that the sender forgot to escape stay.
    #[must_use]
    pub fn whole(&self) -> Value {
        self.resolve(self.raw())
    }

    /// How many components it has.
    #[must_use]
    pub fn component_count(&self) -> usize {
        self.raw.split(self.message.separators.component).count()
    }

    fn resolve(&self, raw: &str) -> Value {
        match raw {
            "" => Value::Absent,
            "\"\"" => Value::Null,
            _ => Value::Text(self.message.resolve(raw)),
        }
    }
}

/// The part after `at` separators; separators are ASCII.
fn part(text: &str, separator: char, at: usize) -> Option<&str> {
    let separator = crate::header::ascii(separator);
    if text.len() <= SHORT {
        return short_part(text, separator, at);
    }
    let mut ends = memchr::memchr_iter(separator, text.as_bytes());
    let start = match at.checked_sub(1) {
        None => 0,
        Some(before) => ends.nth(before)? + 1,
    };
    text.get(start..ends.next().unwrap_or(text.len()))
}

/// As [`part`]: where separators stand close together, counting bytes is faster than searching them.
fn short_part(text: &str, separator: u8, at: usize) -> Option<&str> {
    let (mut seen, mut start) = (0, 0);
    for (index, byte) in text.bytes().enumerate() {
        if byte == separator {
            if seen == at {
                return text.get(start..index);
            }
            seen += 1;
            start = index + 1;
        }
    }
    if seen == at { text.get(start..) } else { None }
}

fn one_line(text: String) -> Option<String> {
    // Nearly every value of a message is plain ASCII and needs no cleaning.
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        let line = text.trim();
        return match line.len() {
            0 => None,
            whole if whole == text.len() => Some(text),
            _ => Some(line.to_owned()),
        };
    }
    let line = clean(&text).replace(['\n', '\t'], " ");
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn parts_are_those_of_a_split(text in "[|a山]{0,40}", long in proptest::bool::ANY, at in 0_usize..50) {
            let text = if long { text.repeat(60) } else { text };
            proptest::prop_assert_eq!(part(&text, '|', at), text.split('|').nth(at));
        }
    }
}
