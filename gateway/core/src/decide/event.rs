//! What HL7 events need besides a patient (hl7.md 7.2, 8): which never become a post, which wait for a
//! person, and under which topic the others go. A cancellation corrects what people have already acted
//! on; nothing is ever deleted.

use super::{Bench, doubt};
use crate::clinical_event::{self, Outcome};
use crate::decision::{Decision, Then, TriageReason};
use crate::envelope::{Envelope, Event, Identifier, cancelled_by, canonical_trigger};
use crate::facts::EarlierPost;
use crate::ids::{GroupId, PostId};
use crate::patient_match::Strength;
use crate::text::fold::fold_name;
use crate::vocabulary::{Channel, Format, Urgency};

/// Where a post goes on the timeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Thread {
    pub(super) under_topic: Option<PostId>,
    pub(super) corrects: Option<PostId>,
    pub(super) version: u32,
    /// How urgent the corrected post was, where its correction must not be less so.
    pub(super) at_least: Option<Urgency>,
}

impl Bench<'_> {
    /// Events that never become a post by themselves, by the table of [`clinical_event`].
    pub(super) fn event_without_post(&mut self) -> Option<Decision> {
        let format = self.envelope.format;
        if self.envelope.channel != Channel::Hl7 && !matches!(format, Format::Hl7v2 | Format::Fhir) {
            return None;
        }
        let event = self.envelope.event.as_ref()?;
        let kind = event.kind.as_deref().unwrap_or("");
        let trigger = event.trigger.as_deref().unwrap_or("");
        if format == Format::Fhir || kind == "MDM" {
            return self.document(event, kind, trigger);
        }
        if self.warned(doubt::PARKED) {
            return (!self.rule_posts()).then(|| self.note("parked"));
        }
        match clinical_event::outcome(kind, trigger) {
            Outcome::Record(what) => Some(self.note(what)),
            Outcome::Readable if !self.rule_posts() => Some(self.note("parked")),
            Outcome::Update => self.update(event, trigger),
            Outcome::OfficeTask => Some(self.office_task(event)),
            // Documents are handled above: this is a change of doctor that is taken back.
            Outcome::CorrectionIfSeen if !self.corrects_or_repeats(event) => {
                Some(self.note("patient_update"))
            }
            // An outpatient's visit that is taken back was never told as an admission.
            Outcome::Correction if is_outpatient(event) && !self.corrects_or_repeats(event) => {
                Some(self.note("parked"))
            }
            _ if self.warned(doubt::DEATH) || (matches!(trigger, "A03" | "A07" | "A16") && died(event)) => {
                self.ground("死亡退院の連絡です。言葉は人が選びます");
                Some(self.triage(vec![TriageReason::DeathNotice]))
            }
            _ if matches!(kind, "ORU" | "OUL") && self.warned(doubt::RESULT_NOT_FINAL) => {
                self.ground("結果は速報か、確認前のものです");
                Some(self.triage(vec![TriageReason::NotReleased]))
            }
            _ => None,
        }
    }

    /// Whether a routing rule asks for a post, so that a kind which is only recorded may become one.
    fn rule_posts(&self) -> bool {
        self.verdict.is_some_and(|v| matches!(v.then, Then::Post { .. }))
    }

    fn update(&mut self, event: &Event, trigger: &str) -> Option<Decision> {
        if self.warned(doubt::DEATH) {
            self.ground("患者情報の更新で、死亡が伝えられました。言葉は人が選びます");
            return Some(self.triage(vec![TriageReason::DeathNotice]));
        }
        if self.weighed.iter().any(|w| w.strength == Strength::Conflict) {
            self.ground("患者情報の更新で、名前か生年月日が登録と食い違いました");
            return Some(self.triage(vec![TriageReason::IdentityConflict]));
        }
        let key = event.key.as_deref().unwrap_or_default();
        let sure = self.weighed.iter().any(|w| w.strength == Strength::Confirmed);
        let news = match key.split_once(':') {
            // The same list once more is a repetition, which the thread recognises.
            Some(("allergies", _)) => true,
            Some(("doctor", _)) => trigger == "A54" || self.is_another_doctor(event),
            _ => false,
        };
        // Nobody has to look at an update of a patient who is no certain member of a group.
        if news && sure && !self.warned(doubt::PAGES_UNREADABLE) {
            self.ground("患者情報の更新で、チームに関わることが変わりました");
            return None;
        }
        self.ground("患者情報の更新なので、記録だけしました");
        Some(Decision::Record { what: "patient_update".to_owned() })
    }

    /// Whether an earlier post of this patient's stay came with another doctor in charge. Where none is
    /// known, nothing is news.
    fn is_another_doctor(&self, event: &Event) -> bool {
        let named = event.visit.as_ref().and_then(|v| v.attending.as_deref()).map(fold_name);
        let known = self.facts.earlier_posts.iter().find_map(|e| e.attending.as_deref()).map(fold_name);
        matches!((named, known), (Some(named), Some(known)) if named != known)
    }

    /// Both records side by side, each under the number that the message gives it.
    fn office_task(&mut self, event: &Event) -> Decision {
        self.ground("患者番号の統合・付替え・削除の連絡です。台帳は事務局が変えます");
        let mut decision = self.triage(vec![TriageReason::MergeRequested]);
        let Decision::Triage { candidates, .. } = &mut decision else { return decision };
        for candidate in candidates {
            let of_patient = self.facts.candidates.iter().filter(|c| c.patient.id == candidate.patient_id);
            for (number, _) in of_patient.filter_map(|c| c.identifier.as_ref()) {
                let is_of = |list: &[Identifier]| list.iter().any(|i| i.id.trim() == number);
                if is_of(&event.retired) {
                    let words = format!("電文では、使われなくなる番号の記録です({number})");
                    candidate.reasons_for.insert(0, words);
                } else if is_of(&self.envelope.patient.identifiers) {
                    candidate.reasons_for.insert(0, format!("電文では、残る番号の記録です({number})"));
                }
            }
        }
        decision
    }

    fn document(&mut self, event: &Event, kind: &str, trigger: &str) -> Option<Decision> {
        let outcome = clinical_event::outcome(kind, trigger);
        let withdrawn = trigger == "T11" || self.warned(doubt::WITHDRAWN);
        if let (Outcome::Record(what), false) = (outcome, withdrawn) {
            return Some(self.note(what));
        }
        let announced = outcome == Outcome::CorrectionIfSeen && !withdrawn;
        if withdrawn || announced {
            // Whatever it was, nobody here has seen it.
            return (!self.corrects_or_repeats(event))
                .then(|| self.note(if withdrawn { "document_cancelled" } else { "document_notice" }));
        }
        if self.warned(doubt::DEATH) {
            self.ground("文書の中で、死亡が伝えられました。言葉は人が選びます");
            return Some(self.triage(vec![TriageReason::DeathNotice]));
        }
        let confidential = self.warned(doubt::CONFIDENTIAL);
        let final_state =
            event.status.as_deref().is_none_or(|s| matches!(s, "AU" | "LA" | "final" | "amended" | ""));
        if confidential || !final_state || self.warned(doubt::NOT_FINAL) {
            self.ground("文書は確定していないか、閲覧制限つきです");
            return Some(self.triage(vec![TriageReason::NotReleased]));
        }
        None
    }

    /// Whether the office must call the sender about a post that corrects another (hl7.md 7.2, 8.1).
    pub(super) fn office_calls(&self, thread: &Thread) -> bool {
        let event = self.envelope.event.as_ref();
        let is = |trigger: &str| {
            event.is_some_and(|e| e.kind.as_deref() == Some("ADT") && e.trigger.as_deref() == Some(trigger))
        };
        thread.corrects.is_some() && (is("A13") || self.warned(doubt::WRONG_PATIENT))
    }

    fn note(&mut self, what: &str) -> Decision {
        self.ground("投稿にしない種類の連絡なので、記録だけしました");
        Decision::Record { what: what.to_owned() }
    }

    /// Whether there is an earlier post of what this message is, or of what it takes back.
    fn corrects_or_repeats(&self, event: &Event) -> bool {
        let known = |key: Option<&String>| self.facts.earlier_posts.iter().any(|e| Some(&e.event_key) == key);
        known(event.key.as_ref()) || known(event.corrects.as_ref())
    }

    /// Topic and correction by event key, or `None` if the group already has exactly this.
    pub(super) fn thread_of_event(&mut self, group: &GroupId) -> Option<Thread> {
        let alone = Thread { version: 1, ..Thread::default() };
        let Some(event) = &self.envelope.event else { return Some(alone) };
        let earlier: Vec<&EarlierPost> =
            self.facts.earlier_posts.iter().filter(|e| &e.group_id == group).collect();
        let by_key = |key: &str| earlier.iter().find(|e| e.event_key == key).copied();
        let correction = |of: &EarlierPost| Thread {
            under_topic: Some(of.topic_id.clone()),
            corrects: Some(of.post_id.clone()),
            // The correction of a critical value keeps its urgency (hl7.md section 9).
            at_least: matches!(event.kind.as_deref(), Some("ORU" | "OUL")).then_some(of.urgency),
            version: 1 + earlier.iter().filter(|e| e.topic_id == of.topic_id).count().min(999) as u32,
        };
        let print = crate::placement::print_of(self.envelope);
        let own = event.key.as_deref().and_then(by_key);
        // What it undoes, or what undid it.
        let counter = event.key.as_deref().and_then(cancel_key).and_then(|k| by_key(&k));
        let counter = counter.or_else(|| event.corrects.as_deref().and_then(by_key));

        // The last word on this event: the list is newest first.
        let position = |post: &EarlierPost| earlier.iter().position(|e| e.post_id == post.post_id);
        let last = match (own, counter) {
            (Some(o), Some(c)) if position(c) < position(o) => Some((c, true)),
            (Some(o), Some(_)) => Some((o, false)),
            (Some(o), None) => Some((o, false)),
            (None, Some(c)) => Some((c, true)),
            (None, None) => None,
        };
        if let Some((last, is_counter)) = last {
            let same = |e: &&EarlierPost| Some(&e.event_key) == event.key.as_ref() && e.body == print;
            let seen = earlier.iter().copied().any(|e| same(&e));
            // What is told anew each time may become again what it was: only the last word is repeated by it.
            let news_again = is_counter || (is_state(event) && !same(&last));
            if seen && (!news_again || said_before(self.envelope, last)) {
                return None;
            }
            self.ground("同じ出来事の前の投稿への訂正にしました");
            return Some(correction(last));
        }
        if event.corrects.is_some() {
            self.ground("訂正される投稿は見つかりませんでした");
        }
        let parent = event.parent_document.as_ref().and_then(|d| by_key(&format!("document:{d}")));
        let under = parent.or_else(|| self.stay_topic(event, &earlier));
        if under.is_some() {
            self.ground("同じ入退院の投稿の下に置きました");
        }
        Some(Thread { under_topic: under.map(|e| e.topic_id.clone()), ..alone })
    }

    /// The discharge topic of the same stay for documents, else the admission's; a transfer goes under
    /// the admission; an admission that arrives after its discharge does not open the stay again.
    fn stay_topic<'e>(&self, event: &Event, earlier: &[&'e EarlierPost]) -> Option<&'e EarlierPost> {
        let triggers: &[&str] = match (event.kind.as_deref(), event.trigger.as_deref().map(canonical_trigger))
        {
            (Some("MDM" | "Bundle"), _) => &["A03", "A01"],
            (
                Some("ADT"),
                Some("A02" | "A08" | "A12" | "A21" | "A22" | "A31" | "A52" | "A53" | "A54" | "A55"),
            ) => &["A01"],
            (Some("ADT"), Some("A01")) => &["A03"],
            _ => return None,
        };
        let keys = triggers.iter().flat_map(|t| event.stay_keys(t));
        keys.filter_map(|key| earlier.iter().copied().find(|e| e.event_key == key)).next()
    }
}

/// Makes a draft what its sender has made of it since: final. Its text is that of the draft.
pub fn make_final(envelope: &mut Envelope) {
    let Some(event) = envelope.event.as_mut() else { return };
    event.status = Some("AU".to_owned());
    if let Some(title) = envelope.title.as_mut()
        && let Some(plain) = title.strip_suffix("（未確定）")
    {
        *title = plain.to_owned();
    }
    envelope.warnings.retain(|w| w.code != doubt::NOT_FINAL);
    envelope.warn("made_final", "the sender has made the document final since (MDM^T03)");
}

/// Death in the user table 0112 as Japanese senders use it.
fn died(event: &Event) -> bool {
    event.visit.as_ref().and_then(|v| v.disposition.as_deref()).is_some_and(|d| d.trim() == "20")
}

/// A patient's list of allergies or doctor in charge: each message tells how it is now.
fn is_state(event: &Event) -> bool {
    let of = event.key.as_deref().and_then(|k| k.split_once(':')).map(|(what, _)| what);
    matches!(of, Some("allergies" | "doctor"))
}

fn is_outpatient(event: &Event) -> bool {
    event.visit.as_ref().and_then(|v| v.class.as_deref()).is_some_and(|class| class.trim() == "O")
}

fn cancel_key(key: &str) -> Option<String> {
    if key.starts_with("doctor:") {
        return cancelled_by("A54").map(|cancel| format!("{key}:{cancel}"));
    }
    let (stay, trigger) = key.rsplit_once(':')?;
    cancelled_by(trigger).map(|cancel| format!("{stay}:{cancel}"))
}

/// Whether the message was sent before that post was made: a late re-send, not news. Ids that we made
/// carry their time.
fn said_before(envelope: &Envelope, post: &EarlierPost) -> bool {
    let made = ulid::Ulid::from_string(post.post_id.as_str()).ok().map(|u| u.timestamp_ms());
    let sent = envelope.sent_at.and_then(|at| u64::try_from(at.as_micros() / 1000).ok());
    match (sent, made) {
        (Some(sent), Some(made)) => sent < made,
        _ => false,
    }
}
