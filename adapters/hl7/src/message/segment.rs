//! One parsed segment and its values: repetitions, components, subcomponents, each with its escapes
//! resolved and with the difference of absent and deleted. Numbers count from 1, as the standard does.

use super::unescape::unescape;
use super::{Message, Value};
use hl7_parser::message::{Field, Repeat};
use kakehashi_core::text::clean;

/// Repetitions of one field that are looked at.
const MAX_REPEATS: usize = 200;

/// One parsed segment.
#[derive(Debug)]
pub struct Segment<'m> {
    message: &'m Message,
    parsed: hl7_parser::message::Segment<'m>,
    shift: usize,
}

impl<'m> Segment<'m> {
    /// `shift` is 1 where the first field is the separator itself.
    pub(super) const fn new(
        message: &'m Message,
        parsed: hl7_parser::message::Segment<'m>,
        shift: usize,
    ) -> Self {
        Self { message, parsed, shift }
    }

    /// The segment as written.
    #[must_use]
    pub fn source(&self) -> &'m str {
        self.parsed.raw_value()
    }

    /// Its three letters.
    #[must_use]
    pub const fn name(&self) -> &'m str {
        self.parsed.name
    }

    fn field(&self, number: usize) -> Option<&Field<'m>> {
        number.checked_sub(1 + self.shift).and_then(|i| self.parsed.fields.get(i))
    }

    /// A field as written, escapes and all.
    #[must_use]
    pub fn raw(&self, field: usize) -> &'m str {
        self.field(field).map_or("", Field::raw_value)
    }

    /// The repetitions of a field that say anything.
    pub fn repeats(&self, field: usize) -> impl Iterator<Item = Occurrence<'_, 'm>> {
        self.field(field)
            .into_iter()
            .flat_map(|f| f.repeats())
            .filter(|r| !r.raw_value().is_empty())
            .take(MAX_REPEATS)
            .map(|repeat| Occurrence { message: self.message, repeat })
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

    /// The words of a coded field: its text, else its code, else the local text.
    #[must_use]
    pub fn coded(&self, field: usize) -> Option<String> {
        self.repeats(field).next().and_then(|o| o.coded())
    }
}

/// One repetition of a field.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence<'s, 'm> {
    message: &'m Message,
    repeat: &'s Repeat<'m>,
}

impl<'m> Occurrence<'_, 'm> {
    /// As written.
    #[must_use]
    pub fn raw(&self) -> &'m str {
        self.repeat.raw_value()
    }

    /// A component, subcomponents included as written.
    #[must_use]
    pub fn value(&self, component: usize) -> Value {
        component
            .checked_sub(1)
            .and_then(|i| self.repeat.components.get(i))
            .map_or(Value::Absent, |c| self.resolve(c.raw_value()))
    }

    /// A component's text on one line, if any.
    #[must_use]
    pub fn text(&self, component: usize) -> Option<String> {
        self.value(component).text().and_then(one_line)
    }

    /// A subcomponent's text on one line, if any.
    #[must_use]
    pub fn sub(&self, component: usize, subcomponent: usize) -> Option<String> {
        let component = component.checked_sub(1).and_then(|i| self.repeat.components.get(i))?;
        let found = subcomponent.checked_sub(1).and_then(|i| component.subcomponents.get(i))?;
        self.resolve(found.raw_value()).text().and_then(one_line)
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
        self.repeat.components.len()
    }

    fn resolve(&self, raw: &str) -> Value {
        match raw {
            "" => Value::Absent,
            "\"\"" => Value::Null,
            _ => Value::Text(unescape(raw, &self.message.separators, self.message.used)),
        }
    }
}

fn one_line(text: String) -> Option<String> {
    let line = clean(&text).replace(['\n', '\t'], " ");
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}
