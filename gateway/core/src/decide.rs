//! ③ What happens to one Envelope: a pure function of the message, the directory's facts and the
//! routing rule that matched. Only explicit identity posts by itself: a reply code or thread of ours, a
//! group address, or a confirmed patient number of the sending facility that name and birth date do not
//! contradict (care-network.md 6.2, hl7.md section 5). Everything else waits for the office. A rule may
//! choose words and stop a message; it can never make an identity surer.

mod answer;
mod defaults;
mod event;
mod explicit;
mod paper;
mod requested;
mod stay;
mod telling;
mod triage;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod stays;
#[cfg(test)]
mod tests;

pub use event::make_final;
pub use stay::tells_of_a_stay;

use crate::clock::UtcMicros;
use crate::decision::{Decided, Decision, Notice, RuleVerdict, Then, TriageReason};
use crate::envelope::Envelope;
use crate::facts::{CodeFacts, Facts, SenderFacts};
use crate::identity_level;
use crate::ids::PatientId;
use crate::patient_match::{Strength, Weighed, weigh};
use crate::vocabulary::{Authenticity, Channel, EndpointState, IdentityLevel, Intent};
use std::collections::HashSet;

/// Warnings by which a reader says that a machine must not decide alone. Readers use these codes.
pub mod doubt {
    /// Two or more patients in one message.
    pub const SEVERAL_PATIENTS: &str = "several_patients";
    /// Sheets with different codes in one FAX: nobody but a person can part them.
    pub const SEVERAL_SHEETS: &str = "several_sheets";
    /// The codes of one sheet disagree.
    pub const SHEET_CONTRADICTION: &str = "sheet_contradiction";
    /// A file or page could not be read at all.
    pub const PAGES_UNREADABLE: &str = "pages_unreadable";
    /// A page has flaws but can be seen: told to the office, stops nothing.
    pub const PAGE_DAMAGED: &str = "page_damaged";
    /// The sheet was photographed, or had to be laid flat to be read: it never acts alone.
    pub const SHEET_PHOTOGRAPHED: &str = "sheet_photographed";
    /// The sender's domain denies the mail.
    pub const AUTHENTICATION_FAILED: &str = "authentication_failed";
    /// The mail names more than one author.
    pub const SEVERAL_AUTHORS: &str = "several_authors";
    /// A file came locked.
    pub const ATTACHMENT_ENCRYPTED: &str = "attachment_encrypted";
    /// The mail tells the password of a file.
    pub const ATTACHMENT_PASSWORD: &str = "attachment_password";
    /// A file can run programs: withheld.
    pub const ATTACHMENT_EXECUTABLE: &str = "attachment_executable";
    /// An Office file holds macros: withheld.
    pub const ATTACHMENT_MACROS: &str = "attachment_macros";
    /// A photograph of a kind that cannot be cleaned: withheld.
    pub const PHOTO_UNSUPPORTED: &str = "photo_unsupported";
    /// The sender's program asks to take a mail back.
    pub const RECALL_WANTED: &str = "recall_wanted";
    /// A reply address of ours was used with a code that is none.
    pub const REPLY_CODE_MALFORMED: &str = "reply_code_malformed";
    /// The document is confidential (TXA-18 R or V) or not valid (TXA-19 CA, OB; OBX-11 P).
    pub const CONFIDENTIAL: &str = "confidential";
    /// A result is preliminary or not verified (OBR-25, OBX-11 P or R).
    pub const RESULT_NOT_FINAL: &str = "result_not_final";
    /// A document that its sender took back (TXA-19 CA or OB, OBX-11 D or W, a T11).
    pub const WITHDRAWN: &str = "document_withdrawn";
    /// A document or its text is a draft (TXA-17, OBX-11 P).
    pub const NOT_FINAL: &str = "document_not_final";
    /// Content that was sent for a wrong patient.
    pub const WRONG_PATIENT: &str = "wrong_patient";
    /// The patient's death is told (PV1-36 20, PID-30).
    pub const DEATH: &str = "death_discharge";
    /// An HL7 message of a kind that becomes no post: only recorded, unless a rule posts it.
    pub const PARKED: &str = "parked_type";
}

/// Decides about one Envelope.
#[must_use]
pub fn decide(envelope: &Envelope, facts: &Facts, verdict: Option<&RuleVerdict>, now: UtcMicros) -> Decided {
    let mut bench = Bench::new(envelope, facts, verdict, now);
    let decision = bench.decide();
    Decided { decision, rule: bench.rule, identity_level: bench.level, grounds: bench.grounds }
}

/// Whether the sender may get a notice: a human's mail, or a registered FAX. A machine never does, and
/// an unknown FAX number may be anybody's.
#[must_use]
pub fn may_notify(envelope: &Envelope, level: IdentityLevel) -> bool {
    if matches!(envelope.intent, Intent::Automatic | Intent::DeliveryReport) {
        return false;
    }
    // The address in From did not write this: a notice would strike somebody else.
    if envelope.warnings.iter().any(|w| w.code == doubt::AUTHENTICATION_FAILED) {
        return false;
    }
    match envelope.channel {
        Channel::Email => envelope.sender.address.is_some(),
        Channel::Fax => envelope.sender.number.is_some() && level >= IdentityLevel::I1,
        Channel::PhoneMemo
        | Channel::Notebook
        | Channel::Api
        | Channel::Mqtt
        | Channel::Hl7
        | Channel::Web => false,
    }
}

/// One decision in the making.
struct Bench<'a> {
    envelope: &'a Envelope,
    facts: &'a Facts,
    verdict: Option<&'a RuleVerdict>,
    now: UtcMicros,
    weighed: Vec<Weighed>,
    rule: Option<String>,
    level: IdentityLevel,
    grounds: Vec<String>,
}

impl<'a> Bench<'a> {
    fn new(
        envelope: &'a Envelope,
        facts: &'a Facts,
        verdict: Option<&'a RuleVerdict>,
        now: UtcMicros,
    ) -> Self {
        let mut weighed: Vec<Weighed> =
            facts.candidates.iter().map(|c| weigh(envelope, c, facts.sender.as_ref())).collect();
        weighed.sort_by_key(|w| std::cmp::Reverse((w.strength, w.candidate.blocked.is_none())));
        // A patient who was found in several ways is still one patient, and a contradiction in one of them
        // must not hide behind another.
        let conflicting: HashSet<PatientId> = weighed
            .iter()
            .filter(|w| w.strength == Strength::Conflict)
            .map(|w| w.candidate.patient_id.clone())
            .collect();
        let mut seen = HashSet::new();
        weighed.retain(|w| {
            let id = &w.candidate.patient_id;
            (w.strength == Strength::Conflict || !conflicting.contains(id)) && seen.insert(id.clone())
        });
        Self {
            envelope,
            facts,
            verdict,
            now,
            weighed,
            rule: None,
            level: identity_level::of(envelope, facts, false),
            grounds: Vec::new(),
        }
    }

    fn ground(&mut self, text: impl Into<String>) {
        self.grounds.push(text.into());
    }

    /// The policy, in its order.
    fn decide(&mut self) -> Decision {
        if let Some(decision) = self.machine() {
            return decision;
        }
        self.tell_sender();
        if let Some(decision) = self.rule_stops() {
            return decision;
        }
        if let Some(decision) = self.paper() {
            return decision;
        }
        if let Some(decision) = self.phone_only() {
            return decision;
        }
        if let Some(decision) = self.requested() {
            return decision;
        }
        if let Some(decision) = self.answer() {
            return decision;
        }
        if let Some(decision) = self.event_without_post() {
            return decision;
        }
        let doubts = self.doubts();
        if !doubts.is_empty() {
            return self.triage(doubts);
        }
        if let Some(decision) = self.by_group() {
            return decision;
        }
        if let Some(decision) = self.by_number() {
            return decision;
        }
        let reasons = self.why_not();
        self.triage(reasons)
    }

    /// A mail that a machine wrote by itself, answering nothing, from a registered address to a group: what a
    /// sensor reports must not lie in the record unread.
    fn machine_tells_a_group(&self) -> bool {
        let registered =
            self.facts.sender.as_ref().is_some_and(|s| s.endpoint.state == EndpointState::Verified);
        self.envelope.intent == Intent::Automatic
            && self.envelope.channel == Channel::Email
            && registered
            && self.facts.addressed_group.is_some()
            && self.envelope.reply_code.is_none()
            && self.envelope.in_reply_to.is_empty()
            // Whatever led to a thread of ours, a machine never answers on it.
            && matches!(self.facts.code, CodeFacts::Absent)
            && self.facts.thread.is_none()
    }

    /// Machines are recorded and never answered, whatever codes they carry; what one tells a group is looked at.
    fn machine(&mut self) -> Option<Decision> {
        if self.warned(doubt::RECALL_WANTED) && self.facts.sender.is_some() {
            self.tell_sender();
            self.ground("差出人のメールソフトが、送ったメールの取り消しを求めています。何も消していません");
            let mut reasons = self.doubts();
            reasons.push(TriageReason::RecallWanted);
            return Some(self.triage(reasons));
        }
        if self.machine_tells_a_group() {
            return None;
        }
        let (what, ground) = match self.envelope.intent {
            Intent::Automatic => ("automatic", "自動応答のメールなので、記録だけしました"),
            Intent::DeliveryReport => ("delivery_report", "送ったものの配信結果です"),
            _ => return None,
        };
        self.ground(ground);
        if let Some(reason) = self.unreachable() {
            self.ground("このアドレスへは2回続けて届かず、停止しました");
            return Some(Decision::Triage { reasons: vec![reason], candidates: Vec::new() });
        }
        Some(Decision::Record { what: what.to_owned() })
    }

    /// The second hard bounce of an address that is still in use.
    fn unreachable(&self) -> Option<TriageReason> {
        let bounced = self.facts.bounced.as_ref()?;
        let in_use = matches!(bounced.state, EndpointState::Verified | EndpointState::Stale);
        let told = self.envelope.intent == Intent::DeliveryReport;
        (told && in_use && bounced.hard_before >= crate::bounce::HARD_BEFORE_SUSPENSION).then(|| {
            TriageReason::EndpointUnreachable {
                endpoint_id: bounced.endpoint_id.clone(),
                facility: bounced.facility.clone(),
            }
        })
    }

    fn tell_sender(&mut self) {
        let text = match &self.facts.sender {
            Some(s) => {
                format!("送信元は{}の{}({})", s.facility.name, s.endpoint.channel.ja(), s.endpoint.state.ja())
            }
            None => "送信元はどの施設の番号・アドレスでもありません".to_owned(),
        };
        self.ground(text);
    }

    fn rule_stops(&mut self) -> Option<Decision> {
        let verdict = self.verdict?;
        let decision = match &verdict.then {
            Then::Post { .. } => return None,
            Then::Triage { text } => {
                self.by_rule(verdict);
                let mut reasons = self.doubts();
                reasons.insert(0, TriageReason::Rule { text: text.clone() });
                return Some(self.triage(reasons));
            }
            Then::Return { notice } => Decision::Return { notice: *notice },
            Then::Quarantine { text } => Decision::Quarantine {
                reason: TriageReason::Rule { text: text.clone() },
                notice: may_notify(self.envelope, self.level),
            },
            Then::Discard { text } => Decision::Discard { reason: text.clone() },
        };
        self.by_rule(verdict);
        Some(decision)
    }

    fn by_rule(&mut self, verdict: &RuleVerdict) {
        self.rule = Some(verdict.rule.clone());
        let values = verdict.values.join("、");
        self.ground(if values.is_empty() {
            format!("ルール「{}」", verdict.rule)
        } else {
            format!("ルール「{}」: {values}", verdict.rule)
        });
    }

    /// 疑義照会 and the like belong on the phone (care-network.md section 3 row 12); settings are
    /// changed by the office until sheets for it exist.
    fn phone_only(&mut self) -> Option<Decision> {
        let inquiry = self.envelope.document_kind.as_deref() == Some("prescription_inquiry");
        if inquiry && self.verified().is_some() && may_notify(self.envelope, self.level) {
            self.ground("疑義照会は電話でお願いする決まりです");
            return Some(Decision::Return { notice: Notice::PhonePlease });
        }
        if inquiry {
            self.ground("この用件は事務局が電話で確かめます");
            return Some(self.triage(vec![TriageReason::PhoneOnly]));
        }
        None
    }

    /// What the reader doubted so much that a person must look.
    fn doubts(&self) -> Vec<TriageReason> {
        let mut reasons = Vec::new();
        if self.warned(doubt::SEVERAL_PATIENTS) || self.warned(doubt::SEVERAL_SHEETS) {
            reasons.push(TriageReason::SeveralPatients);
        }
        if self.warned(doubt::SHEET_CONTRADICTION) || self.warned(doubt::PAGES_UNREADABLE) {
            reasons.push(TriageReason::DamagedPage);
        }
        // A locked file helps nobody without its password, and a password belongs on no timeline.
        if self.warned(doubt::ATTACHMENT_ENCRYPTED) {
            reasons.push(TriageReason::EncryptedFile);
        }
        if self.warned(doubt::ATTACHMENT_PASSWORD) {
            reasons.push(TriageReason::PasswordMail);
        }
        let proved = matches!(
            self.envelope.sender.authenticity,
            Authenticity::ApiKey | Authenticity::ClientCertificate | Authenticity::Login
        );
        let denied = self.warned(doubt::AUTHENTICATION_FAILED) || self.warned(doubt::SEVERAL_AUTHORS);
        let unproved = self.envelope.channel == Channel::Email
            && self.facts.sender.as_ref().is_some_and(|s| s.endpoint.settings.require_proof)
            && matches!(self.envelope.sender.authenticity, Authenticity::None | Authenticity::Network);
        if (denied || unproved) && !proved {
            reasons.push(TriageReason::NotAuthentic);
        }
        reasons
    }

    fn warned(&self, code: &str) -> bool {
        self.envelope.warnings.iter().any(|w| w.code == code)
    }

    /// The sender, if its endpoint is verified.
    fn verified(&self) -> Option<&'a SenderFacts> {
        self.facts.sender.as_ref().filter(|s| s.endpoint.state == EndpointState::Verified)
    }
}
