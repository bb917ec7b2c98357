//! 患者照合 (hl7.md section 5, care-network.md 6.1 rule 4): what speaks for and against each patient that
//! could be meant, in words for the office. Weighing never links by itself: only a number that a person
//! has confirmed, with a name and birth date that do not contradict, counts as certain.

mod words;

use crate::decision::{Candidate, TriageReason};
use crate::envelope::Envelope;
use crate::facts::{GroupFacts, IdentifierState, PatientCandidate, SenderFacts};
use crate::text::fold::{fold_kana_weak, fold_name};
use crate::vocabulary::{Channel, Format, GroupState};

/// How surely the patient is meant. Ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Nothing fits.
    Nothing,
    /// The number is known, name or birth date contradict: the most dangerous of all.
    Conflict,
    /// Something fits, for example the birth date alone or a similar name.
    Weak,
    /// The name fits, nothing contradicts.
    Name,
    /// Name and birth date fit.
    NameAndBirth,
    /// A confirmed number of the sender's facility, and the name fits and the birth date does not
    /// contradict.
    Confirmed,
}

/// A candidate with its weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighed {
    /// For the office.
    pub candidate: Candidate,
    /// For the decision.
    pub strength: Strength,
}

/// How one property of the message compares with the patient's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Agrees,
    Contradicts,
    Unknown,
}

/// Weighs one patient against the message.
#[must_use]
pub fn weigh(envelope: &Envelope, candidate: &PatientCandidate, sender: Option<&SenderFacts>) -> Weighed {
    let mut reasons = Reasons::default();
    let number = number_fit(candidate, sender, &mut reasons);
    let name = name_fit(envelope, candidate, &mut reasons);
    let birth = birth_fit(envelope, candidate, &mut reasons);
    sex_fit(envelope, candidate, &mut reasons);
    alias_fit(envelope, candidate, &mut reasons);
    let strength = match (number, name.0, birth) {
        (Fit::Agrees, Fit::Contradicts, _) | (Fit::Agrees, _, Fit::Contradicts) => Strength::Conflict,
        (Fit::Agrees, Fit::Agrees, _) => Strength::Confirmed,
        (_, Fit::Agrees, Fit::Agrees) => Strength::NameAndBirth,
        (_, Fit::Agrees, Fit::Unknown) => Strength::Name,
        (Fit::Agrees, Fit::Unknown, _) | (_, _, Fit::Agrees) | (_, Fit::Agrees, Fit::Contradicts) => {
            Strength::Weak
        }
        (_, Fit::Contradicts | Fit::Unknown, Fit::Contradicts | Fit::Unknown) => {
            // A number that nobody has confirmed, or a name that is nearly the same.
            if candidate.identifier.is_some() || name.1 { Strength::Weak } else { Strength::Nothing }
        }
    };
    // A FHIR document is a hospital's message too, whatever way it came.
    let channel = if envelope.format == Format::Fhir { Channel::Hl7 } else { envelope.channel };
    let blocked = blocked(candidate.group.as_ref(), channel, sender.is_some());
    if let Some(reason) = &blocked
        && let Some(words) = words::blocked(reason)
    {
        reasons.against(words.to_owned());
    }
    Weighed {
        candidate: Candidate {
            patient_id: candidate.patient.id.clone(),
            group_id: candidate.group.as_ref().map(|g| g.group.id.clone()),
            post_id: None,
            reasons_for: reasons.fors,
            reasons_against: reasons.againsts,
            blocked,
        },
        strength,
    }
}

/// Why nothing of this sender may be placed in the group today.
#[must_use]
pub fn blocked(group: Option<&GroupFacts>, channel: Channel, sender_known: bool) -> Option<TriageReason> {
    let Some(facts) = group else { return Some(TriageReason::NoGroup) };
    if facts.group.state != GroupState::Open {
        Some(TriageReason::GroupNotOpen)
    } else if !sender_known {
        // Nobody to judge yet; placing by hand asks for the facility and checks it then.
        None
    } else if !facts.consent_covers_sender {
        Some(TriageReason::NotConsented)
    } else if !facts.sender_is_member && channel != Channel::Hl7 {
        // A hospital tells the team of a stay without being a member of it; the consent names it.
        Some(TriageReason::NotAMember)
    } else {
        None
    }
}

#[derive(Default)]
struct Reasons {
    fors: Vec<String>,
    againsts: Vec<String>,
}

impl Reasons {
    fn pro(&mut self, text: String) {
        self.fors.push(text);
    }

    fn against(&mut self, text: String) {
        self.againsts.push(text);
    }
}

/// Agrees only for a number that a person has confirmed (or that a confirmed merge points here).
fn number_fit(candidate: &PatientCandidate, sender: Option<&SenderFacts>, reasons: &mut Reasons) -> Fit {
    let Some((number, state)) = &candidate.identifier else { return Fit::Unknown };
    let of = sender.map_or("送信元", |s| s.facility.short_name.as_str());
    match state {
        IdentifierState::Confirmed if sender.is_some() => {
            reasons.pro(format!("{of}の患者番号が確認済({number})"));
            Fit::Agrees
        }
        IdentifierState::Alias if sender.is_some() => {
            reasons.pro(format!("{of}の統合前の患者番号({number})"));
            Fit::Agrees
        }
        IdentifierState::Confirmed | IdentifierState::Alias => {
            reasons.against("送信元がわからないので、患者番号は手がかりになりません".to_owned());
            Fit::Unknown
        }
        IdentifierState::Candidate => {
            reasons.pro(format!("{of}の患者番号が同じ、ただし未確認({number})"));
            Fit::Unknown
        }
        IdentifierState::Retired => {
            reasons.against(format!("{of}の使われなくなった患者番号({number})"));
            Fit::Unknown
        }
    }
}

/// The fit, and whether a name that does not fit is at least nearly the same.
fn name_fit(envelope: &Envelope, candidate: &PatientCandidate, reasons: &mut Reasons) -> (Fit, bool) {
    let patient = &candidate.patient;
    let known = fold_name(&patient.name);
    let known_kana = fold_kana_weak(&patient.kana);
    let mut written: Vec<String> = Vec::new();
    let mut written_kana: Vec<String> = Vec::new();
    for name in envelope.patient.names.iter().take(20) {
        if crate::text::fold::is_kana(&name.text) {
            written_kana.push(fold_kana_weak(&name.text));
        } else {
            written.push(fold_name(&name.text));
        }
        written_kana.extend(name.kana.as_deref().map(fold_kana_weak));
    }
    written.retain(|n| !n.is_empty());
    written_kana.retain(|n| !n.is_empty());
    if written.is_empty() && written_kana.is_empty() {
        reasons.against("名前が書かれていません".to_owned());
        return (Fit::Unknown, false);
    }
    let kanji_agrees = !known.is_empty() && written.contains(&known);
    // A patient whose registered name is itself kana.
    let kana_agrees = !known_kana.is_empty() && written_kana.contains(&known_kana)
        || !known.is_empty() && written_kana.contains(&fold_kana_weak(&patient.name));
    match (kanji_agrees, kana_agrees) {
        (true, _) => {
            reasons.pro(format!("名前が合う({})", patient.name));
            if !kana_agrees && !written_kana.is_empty() && !known_kana.is_empty() {
                reasons.against("よみがなが違う".to_owned());
            }
            (Fit::Agrees, true)
        }
        (false, true) => {
            reasons.pro(format!("よみがなが合う({})", patient.kana));
            if !written.is_empty() {
                reasons.against("漢字が違う".to_owned());
            }
            (Fit::Agrees, true)
        }
        (false, false) => {
            let near = written
                .iter()
                .map(|w| (w, &known))
                .chain(written_kana.iter().map(|w| (w, &known_kana)))
                .find_map(|(w, k)| words::difference(w, k));
            let is_near = near.is_some();
            reasons.against(near.unwrap_or_else(|| "名前が違う".to_owned()));
            (Fit::Contradicts, is_near)
        }
    }
}

fn birth_fit(envelope: &Envelope, candidate: &PatientCandidate, reasons: &mut Reasons) -> Fit {
    let Some(written) = envelope.patient.birth_date.as_deref() else {
        return Fit::Unknown;
    };
    match candidate.patient.birth_date.as_deref() {
        None => {
            reasons.against("登録に生年月日がありません".to_owned());
            Fit::Unknown
        }
        Some(known) if known == written => {
            reasons.pro(format!("生年月日が合う({})", words::birth_date(known)));
            Fit::Agrees
        }
        Some(known) => {
            reasons.against(format!("生年月日が違う(登録は{})", words::birth_date(known)));
            Fit::Contradicts
        }
    }
}

/// Sex is often wrong in records: told, never decisive.
fn sex_fit(envelope: &Envelope, candidate: &PatientCandidate, reasons: &mut Reasons) {
    let told = |sex: Option<&str>| sex.filter(|s| matches!(*s, "F" | "M")).map(str::to_owned);
    if let (Some(written), Some(known)) =
        (told(envelope.patient.sex.as_deref()), told(candidate.patient.sex.as_deref()))
        && written != known
    {
        reasons.against("性別が違う".to_owned());
    }
}

fn alias_fit(envelope: &Envelope, candidate: &PatientCandidate, reasons: &mut Reasons) {
    if let (Some(written), Some(group)) = (&envelope.patient.group_alias, &candidate.group) {
        if fold_name(written) == fold_name(&group.group.alias) {
            reasons.pro(format!("グループ呼称が合う({})", group.group.alias));
        } else {
            reasons.against(format!("グループ呼称が違う(この患者は{})", group.group.alias));
        }
    }
}
