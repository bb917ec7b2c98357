//! The form by which a person places what no rule could place: where it belongs, what its handwriting says, and
//! who is asked for what until when. Nothing is filled in that the person did not choose or type.

use super::triage::{Beside, Field};
use super::{Choice, simple};
use crate::locale::Lang;
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::directory::Facility;
use kakehashi_core::vocabulary::ReplyExpectation;
use serde::Serialize;

/// Longest 転記, in characters.
pub(crate) const TRANSCRIPT_CHARS: usize = 20_000;

/// Placement by hand, besides group and sender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct HandForm {
    /// It was filled in and refused.
    pub(crate) open: bool,
    pub(crate) heading: Field,
    /// 転記: what the handwriting says.
    pub(crate) transcript: String,
    /// 返信区分.
    pub(crate) expectations: Vec<Choice>,
    /// 期限.
    pub(crate) due: Field,
    /// Who can be asked: one facility, or all members of these types.
    pub(crate) addressees: Vec<Choice>,
    pub(crate) facility_types: Vec<Choice>,
    pub(crate) addressee_fault: Option<String>,
    pub(crate) facility_fault: Option<String>,
    pub(crate) reason: Field,
}

/// The form as it was typed so far.
pub(super) fn by_hand(lang: Lang, beside: &Beside<'_>) -> HandForm {
    let reason = beside.field("reason");
    let expectation = ReplyExpectation::from_code(&beside.field("expectation").value);
    HandForm {
        open: !reason.value.is_empty() || reason.fault.is_some(),
        heading: beside.field("heading"),
        transcript: beside
            .refused
            .as_ref()
            .map(|r| r.fields.text("transcript", TRANSCRIPT_CHARS))
            .unwrap_or_default(),
        expectations: simple::expectations(lang, expectation.unwrap_or(ReplyExpectation::None)),
        due: beside.field("due"),
        addressees: facilities(beside, "addressee"),
        facility_types: facility_types(lang, beside),
        addressee_fault: beside.field("addressee").fault,
        facility_fault: beside.field("facility_id").fault,
        reason,
    }
}

/// All facilities, as choices of this name.
pub(super) fn facilities(beside: &Beside<'_>, name: &str) -> Vec<Choice> {
    let choice = |f: &Facility| Choice {
        value: f.id.to_string(),
        word: f.name.clone(),
        chosen: beside.chosen(name, f.id.as_str()).unwrap_or(false),
    };
    beside.cards.iter().map(|card| choice(&card.facility)).collect()
}

/// The types that there are facilities of.
fn facility_types(lang: Lang, beside: &Beside<'_>) -> Vec<Choice> {
    let mut types: Vec<Choice> = Vec::new();
    for card in beside.cards {
        let code = &card.facility.facility_type;
        if types.iter().all(|t| &t.value != code) {
            types.push(Choice {
                value: code.clone(),
                word: lang.pick(&card.facility_type_name.0, &card.facility_type_name.1).to_owned(),
                chosen: beside.chosen("facility_type", code).unwrap_or(false),
            });
        }
    }
    types
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
