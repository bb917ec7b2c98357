//! The two ways by which a new post names its patient explicitly: the group's own address or alias, and
//! a confirmed patient number of the sending facility. Both need a verified sender, an open group and a
//! consent that covers the sender (care-network.md 6.2 open_topic, hl7.md section 5).

use super::{Bench, defaults::Manner, event::Place};
use crate::decision::{Candidate, Decision, Placement, TriageReason};
use crate::facts::GroupFacts;
use crate::ids::{GroupId, PatientId};
use crate::patient_match::{Strength, blocked};
use crate::vocabulary::{Authenticity, Channel, Intent};

impl Bench<'_> {
    /// A mail to the group's address, or the alias in a care note.
    pub(super) fn by_group(&mut self) -> Option<Decision> {
        let addressed = self.facts.addressed_group.as_ref()?;
        let group = &addressed.group;
        self.ground(format!("グループ {} が指定されています", group.alias));
        let mut reasons = self.sender_reasons();
        if self.envelope.intent == Intent::Automatic {
            self.ground("機械が自分から送ったお知らせなので、人が見て決めます");
            reasons.push(TriageReason::MachineNotice);
        }
        if let Some(reason) = blocked(Some(addressed), Channel::Web, self.facts.sender.is_some()) {
            reasons.push(reason);
        }
        if self.names_somebody_else(&group.patient_id) {
            self.ground("書かれている患者は、指定されたグループの患者ではありません");
            reasons.push(TriageReason::IdentityConflict);
        }
        // On paper the alias is read from ink or heard on the phone: a person glances at it, unless a
        // person at a page has just chosen it.
        let from_ink = matches!(self.envelope.channel, Channel::Fax | Channel::PhoneMemo | Channel::Notebook);
        if from_ink && self.envelope.sender.authenticity != Authenticity::Login {
            reasons.push(TriageReason::OneCandidate);
        }
        if !reasons.is_empty() {
            return Some(self.triage_with_group(reasons, addressed));
        }
        Some(self.post(&group.id.clone()))
    }

    /// A confirmed number of the sender's facility.
    pub(super) fn by_number(&mut self) -> Option<Decision> {
        let structured = matches!(self.envelope.channel, Channel::Hl7 | Channel::Api | Channel::Mqtt);
        let understood = !matches!(self.envelope.intent, Intent::Unknown);
        let conflict = self.weighed.iter().any(|w| w.strength == Strength::Conflict);
        let mut certain = self.weighed.iter().filter(|w| w.strength == Strength::Confirmed);
        let (Some(one), None) = (certain.next(), certain.next()) else { return None };
        if !structured || !understood || conflict || self.verified().is_none() {
            return None;
        }
        let candidate = &one.candidate;
        if candidate.blocked.is_some() {
            return None;
        }
        let group = candidate.group_id.clone()?;
        let reasons = candidate.reasons_for.clone();
        self.grounds.extend(reasons);
        self.ground("同意の範囲にあり、グループは共有中です");
        Some(self.post(&group))
    }

    fn post(&mut self, group: &GroupId) -> Decision {
        let Some(sender) = self.verified() else {
            let reasons = self.why_not();
            return self.triage(reasons);
        };
        let thread = match self.place_of_event(group) {
            Place::Thread(thread) => thread,
            Place::Known(why) => {
                self.ground(why);
                return Decision::Record { what: "repetition".to_owned() };
            }
            Place::Unsure => return self.triage(vec![TriageReason::WhichStay]),
        };
        let Manner { urgency, expectation, addressees, asks, due_at, document_kind } =
            self.manner(thread.at_least);
        let office_calls = self.office_calls(&thread);
        Decision::Post(Placement {
            group_id: group.clone(),
            facility_id: sender.facility.id.clone(),
            staff_id: None,
            under_topic: thread.under_topic,
            corrects: thread.corrects,
            version: thread.version,
            urgency,
            expectation,
            addressees,
            asks,
            due_at,
            document_kind,
            office_calls,
        })
    }

    /// Whether name and birth date, or a confirmed number, clearly mean another patient.
    fn names_somebody_else(&self, patient: &PatientId) -> bool {
        let best = |own: bool| {
            self.weighed
                .iter()
                .filter(|w| (&w.candidate.patient_id == patient) == own)
                .map(|w| w.strength)
                .max()
                .unwrap_or(Strength::Nothing)
        };
        let conflict = self
            .weighed
            .iter()
            .any(|w| &w.candidate.patient_id == patient && w.strength == Strength::Conflict);
        conflict || (best(false) >= Strength::Name && best(false) > best(true))
    }

    fn triage_with_group(&mut self, reasons: Vec<TriageReason>, addressed: &GroupFacts) -> Decision {
        let patient = &addressed.group.patient_id;
        let Decision::Triage { reasons, mut candidates } = self.triage(reasons) else {
            return self.triage(vec![TriageReason::NoCandidate]);
        };
        if let Some(known) = candidates.iter().position(|c| &c.patient_id == patient) {
            let mut first = candidates.remove(known);
            first.reasons_for.insert(0, "グループが指定されています".to_owned());
            candidates.insert(0, first);
        } else {
            candidates.insert(
                0,
                Candidate {
                    patient_id: patient.clone(),
                    group_id: Some(addressed.group.id.clone()),
                    post_id: None,
                    reasons_for: vec!["グループが指定されています".to_owned()],
                    reasons_against: Vec::new(),
                    blocked: blocked(Some(addressed), Channel::Web, self.facts.sender.is_some()),
                },
            );
        }
        Decision::Triage { reasons, candidates }
    }
}
