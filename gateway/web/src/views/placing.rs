//! The form by which a person places what no rule could place: where it belongs, what its handwriting says, and
//! who is asked for what until when. Nothing is filled in that the person did not choose or type.

use super::triage::{Beside, Field};
use super::{Choice, simple};
use crate::forms::Fields;
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
    /// It was filled in and is shown again.
    pub(crate) open: bool,
    pub(crate) heading: Field,
    /// 転記: what the handwriting says.
    pub(crate) transcript: String,
    pub(crate) draft: DraftForm,
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

/// 下書き(OCR) beside the 転記: it stands in the field, and counts only once a person says that it was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DraftForm {
    /// A program can be asked for one.
    offered: bool,
    /// The 転記 began as a draft.
    drafted: bool,
    /// The person says that the text was compared with the picture.
    compared: bool,
    /// What keeps it from being placed.
    fault: Option<String>,
    /// Why there is no draft, or not all of it.
    missing: Option<String>,
}

/// Whether the 転記 of this form began as a draft.
pub(crate) fn is_drafted(fields: &Fields) -> bool {
    fields.get("drafted").is_some()
}

/// Whether a draft still waits for the person's word that it was compared with the picture.
pub(crate) fn is_only_a_draft(fields: &Fields) -> bool {
    is_drafted(fields) && fields.get("transcript").is_some() && fields.get("compared").is_none()
}

/// The form with what a program read: below what was typed already, as a draft whose comparison is still to come.
pub(crate) fn with_draft(mut fields: Fields, draft: &str) -> Fields {
    let typed = fields.text("transcript", TRANSCRIPT_CHARS);
    let text = if typed.is_empty() { draft.to_owned() } else { format!("{typed}\n{draft}") };
    fields.0.retain(|(name, _)| !matches!(name.as_str(), "transcript" | "drafted" | "compared"));
    fields.0.push(("transcript".to_owned(), text.chars().take(TRANSCRIPT_CHARS).collect()));
    fields.0.push(("drafted".to_owned(), "yes".to_owned()));
    fields
}

/// The form as it was typed so far.
pub(super) fn by_hand(lang: Lang, beside: &Beside<'_>) -> HandForm {
    let reason = beside.field("reason");
    let typed = beside.typed.as_ref();
    let asked_for_draft = typed.is_some_and(|t| is_drafted(t.fields) || t.no_draft.is_some());
    let expectation = ReplyExpectation::from_code(&beside.field("expectation").value);
    HandForm {
        open: !reason.value.is_empty() || reason.fault.is_some() || asked_for_draft,
        heading: beside.field("heading"),
        transcript: typed.map(|t| t.fields.text("transcript", TRANSCRIPT_CHARS)).unwrap_or_default(),
        draft: DraftForm {
            offered: beside.draft_offered,
            drafted: typed.is_some_and(|t| is_drafted(t.fields)),
            compared: typed.is_some_and(|t| t.fields.get("compared").is_some()),
            fault: beside.field("compared").fault,
            missing: typed.and_then(|t| t.no_draft.clone()),
        },
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
    fn a_draft_is_no_transcript_until_it_was_compared() {
        let typed = |fields: &[(&str, &str)]| {
            Fields(fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
        };
        let draft =
            with_draft(typed(&[("heading", "会議"), ("transcript", " 6/10 "), ("compared", "yes")]), "16時");
        assert_eq!(draft.text("transcript", 100), "6/10\n16時", "what was typed is kept");
        assert_eq!(draft.get("heading"), Some("会議"));
        assert!(is_drafted(&draft) && is_only_a_draft(&draft), "the word for an earlier text does not count");
        let compared = typed(&[("transcript", "6/10 16時"), ("drafted", "yes"), ("compared", "yes")]);
        assert!(is_drafted(&compared) && !is_only_a_draft(&compared));
        assert!(!is_only_a_draft(&typed(&[("transcript", ""), ("drafted", "yes")])), "nothing of it is left");
        assert!(!is_only_a_draft(&typed(&[("transcript", "6/10 16時")])), "typed by hand");
    }

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
