//! The form by which a person places what no rule could place: where it belongs, what its handwriting says, and
//! who is asked for what until when. What was typed is shown again when something was missing; nothing is filled
//! in that the person did not choose.

use super::Choice;
use crate::forms::Fields;
use crate::locale::Lang;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::decision::Addressees;
use kakehashi_core::vocabulary::ReplyExpectation;
use kakehashi_store::view::{FacilityCard, GroupSummary};
use serde::Serialize;

/// Longest heading, text and reason, in characters.
const HEADING_CHARS: usize = 200;
const TRANSCRIPT_CHARS: usize = 20_000;
const REASON_CHARS: usize = 300;

/// The form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PlacingForm {
    /// Open, because something in it was missing.
    pub(crate) open: bool,
    pub(crate) groups: Vec<Choice>,
    pub(crate) facilities: Vec<Choice>,
    pub(crate) heading: String,
    pub(crate) transcript: String,
    pub(crate) expectations: Vec<Choice>,
    pub(crate) facility_types: Vec<Choice>,
    pub(crate) due: String,
    pub(crate) reason: String,
}

/// What a person typed into it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Placing {
    pub(crate) group: Option<String>,
    pub(crate) facility: Option<String>,
    pub(crate) heading: String,
    pub(crate) transcript: String,
    pub(crate) expectation: Option<ReplyExpectation>,
    pub(crate) facility_types: Vec<String>,
    pub(crate) due: String,
    pub(crate) reason: String,
}

impl Placing {
    /// As the form sends it.
    pub(crate) fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.get(name).map(str::to_owned);
        Self {
            group: text("group_id"),
            facility: text("facility_id"),
            heading: fields.line("heading", HEADING_CHARS),
            transcript: fields.text("transcript", TRANSCRIPT_CHARS),
            expectation: fields.get("expectation").and_then(ReplyExpectation::from_code),
            facility_types: fields.all("facility_type").map(str::to_owned).collect(),
            due: fields.line("due", 20),
            reason: fields.line("reason", REASON_CHARS),
        }
    }

    /// 返信区分: nobody is asked unless the person says so; what the sender wished stands in the text.
    pub(crate) fn expectation(&self) -> ReplyExpectation {
        self.expectation.unwrap_or(ReplyExpectation::None)
    }

    /// Who is asked: facilities of the ticked types, else everybody in the group.
    pub(crate) fn addressees(&self) -> Addressees {
        Addressees { facility_types: self.facility_types.clone(), ..Addressees::default() }
    }

    /// 期限. The error is the key of what to say.
    pub(crate) fn due_at(&self, now: UtcMicros) -> Result<Option<UtcMicros>, &'static str> {
        due_at(&self.due, self.expectation(), now)
    }
}

/// 期限 of a form, a time in Japan; none where nothing is asked. The error is the key of what to say.
pub(crate) fn due_at(
    typed: &str,
    expectation: ReplyExpectation,
    now: UtcMicros,
) -> Result<Option<UtcMicros>, &'static str> {
    if typed.is_empty() {
        return Ok(None);
    }
    if expectation == ReplyExpectation::None {
        return Err("due.nothing_asked");
    }
    let read = typed.parse().ok().and_then(UtcMicros::from_japan);
    read.filter(|at| *at > now).map(Some).ok_or("due.past")
}

/// The form with what was typed so far.
pub(crate) fn form(
    lang: Lang,
    typed: Option<&Placing>,
    groups: &[GroupSummary],
    cards: &[FacilityCard],
) -> PlacingForm {
    let open = typed.is_some();
    let typed = typed.cloned().unwrap_or_default();
    let choice = |value: &str, word: String, chosen: bool| Choice { value: value.to_owned(), word, chosen };
    let mut facility_types: Vec<Choice> = Vec::new();
    for card in cards {
        let code = &card.facility.facility_type;
        if facility_types.iter().all(|t| &t.value != code) {
            let word = lang.pick(&card.facility_type_name.0, &card.facility_type_name.1).to_owned();
            facility_types.push(choice(code, word, typed.facility_types.contains(code)));
        }
    }
    PlacingForm {
        open,
        groups: groups
            .iter()
            .map(|g| {
                let id = g.group.id.as_str();
                let word = format!("{} {}", g.group.alias, g.patient.name);
                choice(id, word, typed.group.as_deref() == Some(id))
            })
            .collect(),
        facilities: cards
            .iter()
            .map(|c| {
                let id = c.facility.id.as_str();
                choice(id, c.facility.name.clone(), typed.facility.as_deref() == Some(id))
            })
            .collect(),
        expectations: ReplyExpectation::ALL
            .iter()
            .map(|e| choice(e.code(), lang.pick(e.ja(), e.en()).to_owned(), *e == typed.expectation()))
            .collect(),
        facility_types,
        heading: typed.heading,
        transcript: typed.transcript,
        due: typed.due,
        reason: typed.reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_due_time_is_a_time_to_come_in_japan_and_belongs_to_a_question() {
        let now = UtcMicros::from_rfc3339("2026-06-09T13:20:00+09:00").unwrap();
        let noon = UtcMicros::from_rfc3339("2026-06-10T12:00:00+09:00");
        assert_eq!(due_at("2026-06-10T12:00", ReplyExpectation::Reply, now), Ok(noon));
        assert_eq!(due_at("", ReplyExpectation::Reply, now), Ok(None));
        assert_eq!(due_at("", ReplyExpectation::None, now), Ok(None));
        assert_eq!(due_at("2026-06-10T12:00", ReplyExpectation::None, now), Err("due.nothing_asked"));
        for wrong in ["2026-06-09T13:20", "2026-06-08T12:00", "2026-02-30T12:00", "明日", "-9999-01-01T00:00"]
        {
            assert_eq!(due_at(wrong, ReplyExpectation::Ack, now), Err("due.past"), "{wrong}");
        }
    }
}
