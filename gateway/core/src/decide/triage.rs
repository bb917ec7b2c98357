//! Why nothing explicit placed the message, and what the office is shown: every patient that could be
//! meant, best first, with reasons for and against.

use super::{Bench, doubt};
use crate::decision::{Candidate, Decision, TriageReason};
use crate::patient_match::Strength;
use crate::vocabulary::EndpointState;

/// More candidates than a person reads help nobody.
const MOST_CANDIDATES: usize = 20;

impl Bench<'_> {
    pub(super) fn triage(&self, mut reasons: Vec<TriageReason>) -> Decision {
        let mut seen: Vec<TriageReason> = Vec::new();
        reasons.retain(|r| {
            let new = !seen.contains(r);
            seen.push(r.clone());
            new
        });
        let candidates = self
            .weighed
            .iter()
            .filter(|w| w.strength > Strength::Nothing)
            .take(MOST_CANDIDATES)
            .map(|w| w.candidate.clone())
            .chain(self.open_deliveries())
            .collect();
        Decision::Triage { reasons, candidates }
    }

    /// A sheet whose code cannot be read lies beside what went to its number: the number is weak evidence, so a
    /// person chooses.
    fn open_deliveries(&self) -> impl Iterator<Item = Candidate> {
        self.facts.open_deliveries.iter().map(|(item, at)| Candidate {
            patient_id: item.patient_id.clone(),
            group_id: Some(item.group_id.clone()),
            post_id: Some(item.post_id.clone()),
            reasons_for: vec![format!("この番号へ {} に届けた投稿です", at.to_ja())],
            reasons_against: vec!["返信コードが読めないので、画像で確かめてください".to_owned()],
            blocked: None,
        })
    }

    pub(super) fn sender_reasons(&self) -> Vec<TriageReason> {
        match &self.facts.sender {
            None => vec![TriageReason::UnknownSender],
            Some(s) if s.endpoint.state != EndpointState::Verified => {
                vec![TriageReason::EndpointNotVerified]
            }
            Some(_) => Vec::new(),
        }
    }

    /// In the order in which the office has to deal with them.
    pub(super) fn why_not(&self) -> Vec<TriageReason> {
        let mut reasons = self.sender_reasons();
        if self.weighed.iter().any(|w| w.strength == Strength::Conflict) {
            reasons.push(TriageReason::IdentityConflict);
        }
        let patient = &self.envelope.patient;
        let named = !patient.names.is_empty()
            || !patient.identifiers.is_empty()
            || patient.birth_date.is_some()
            || patient.group_alias.is_some();
        let strong = self.weighed.iter().filter(|w| w.strength >= Strength::NameAndBirth).count();
        let some: Vec<_> = self
            .weighed
            .iter()
            .filter(|w| w.strength > Strength::Nothing && w.strength != Strength::Conflict)
            .collect();
        match (strong, some.as_slice()) {
            (1, _) => reasons.push(TriageReason::OneCandidate),
            (_, []) if !named => reasons.push(TriageReason::NoPatientNamed),
            // One that fits in part is shown, but fits nobody calls a fit.
            (_, [] | [_]) => reasons.push(TriageReason::NoCandidate),
            (_, [_, _, ..]) => reasons.push(TriageReason::SeveralCandidates),
        }
        if let Some(best) = self.weighed.iter().find(|w| w.strength > Strength::Conflict)
            && let Some(reason) = &best.candidate.blocked
        {
            reasons.push(reason.clone());
        }
        if self.warned(doubt::PAGE_DAMAGED) {
            reasons.push(TriageReason::DamagedPage);
        }
        reasons
    }
}
