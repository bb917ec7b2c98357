//! What HL7 events need besides a patient (hl7.md 7.2, 8): which never become a post, which wait for a
//! person, and under which topic the others go. A cancellation corrects what people have already acted
//! on; nothing is ever deleted.

use super::{Bench, doubt};
use crate::decision::{Decision, TriageReason};
use crate::envelope::{Envelope, Event, cancelled_by};
use crate::facts::EarlierPost;
use crate::ids::{GroupId, PostId};
use crate::patient_match::Strength;
use crate::vocabulary::{Channel, Format};

/// Where a post goes on the timeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Thread {
    pub(super) under_topic: Option<PostId>,
    pub(super) corrects: Option<PostId>,
    pub(super) version: u32,
}

impl Bench<'_> {
    /// Events that never become a post by themselves.
    pub(super) fn event_without_post(&mut self) -> Option<Decision> {
        if self.envelope.channel != Channel::Hl7 && self.envelope.format != Format::Hl7v2 {
            return None;
        }
        let event = self.envelope.event.as_ref()?;
        let trigger = event.trigger.as_deref().unwrap_or("");
        if self.warned(doubt::PARKED) {
            return Some(self.note("parked"));
        }
        match event.kind.as_deref().unwrap_or("") {
            "ADT" => self.adt(event, trigger),
            "MDM" => self.mdm(event, trigger),
            "ORU" | "OUL" if self.warned(doubt::RESULT_NOT_FINAL) => {
                self.ground("結果は速報か、確認前のものです");
                Some(self.triage(vec![TriageReason::NotReleased]))
            }
            _ => None,
        }
    }

    fn adt(&mut self, event: &Event, trigger: &str) -> Option<Decision> {
        match trigger {
            "A03" | "A07" | "A16" if died(event) => {
                self.ground("死亡退院の連絡です。言葉は人が選びます");
                Some(self.triage(vec![TriageReason::DeathNotice]))
            }
            "A08" | "A28" | "A31" => {
                if self.weighed.iter().any(|w| w.strength == Strength::Conflict) {
                    self.ground("患者情報の更新で、名前か生年月日が登録と食い違いました");
                    return Some(self.triage(vec![TriageReason::IdentityConflict]));
                }
                self.ground("患者情報の更新なので、記録だけしました");
                Some(Decision::Record { what: "patient_update".to_owned() })
            }
            "A04" => Some(self.note("outpatient_registration")),
            "A15" | "A26" => Some(self.note("planned_transfer")),
            "A35" | "A41" | "A45" => Some(self.note("account_change")),
            "A54" | "A55" => Some(self.note("attending_doctor")),
            "A18" | "A23" | "A24" | "A30" | "A34" | "A36" | "A37" | "A39" | "A40" | "A42" | "A43" | "A44"
            | "A46" | "A47" | "A49" | "A50" | "A51" => {
                self.ground("患者番号の統合・付替え・削除の連絡です。台帳は事務局が変えます");
                Some(self.triage(vec![TriageReason::MergeRequested]))
            }
            _ => None,
        }
    }

    fn mdm(&mut self, event: &Event, trigger: &str) -> Option<Decision> {
        let repeats = self.facts.earlier_posts.iter().any(|e| Some(&e.event_key) == event.key.as_ref());
        match trigger {
            "T01" | "T05" | "T07" | "T09" => return Some(self.note("document_notice")),
            "T03" => return Some(self.note("document_status")),
            "T11" if !repeats && !self.corrected_is_known(event) => {
                // Whatever it was, nobody here has seen it.
                return Some(self.note("document_cancelled"));
            }
            _ => {}
        }
        let confidential = self.warned(doubt::CONFIDENTIAL);
        let final_state = event.status.as_deref().is_none_or(|s| matches!(s, "AU" | "LA" | ""));
        if trigger != "T11" && (confidential || !final_state) {
            self.ground("文書は確定していないか、閲覧制限つきです");
            return Some(self.triage(vec![TriageReason::NotReleased]));
        }
        None
    }

    fn note(&mut self, what: &str) -> Decision {
        self.ground("投稿にしない種類の連絡なので、記録だけしました");
        Decision::Record { what: what.to_owned() }
    }

    fn corrected_is_known(&self, event: &Event) -> bool {
        self.facts.earlier_posts.iter().any(|e| Some(&e.event_key) == event.corrects.as_ref())
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
            if seen && (!is_counter || said_before(self.envelope, last)) {
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
        let triggers: &[&str] = match (event.kind.as_deref(), event.trigger.as_deref()) {
            (Some("MDM"), _) => &["A03", "A01"],
            (Some("ADT"), Some("A02" | "A12" | "A21" | "A22" | "A52" | "A53")) => &["A01"],
            (Some("ADT"), Some("A01")) => &["A03"],
            _ => return None,
        };
        let keys = triggers.iter().flat_map(|t| event.stay_keys(t));
        keys.filter_map(|key| earlier.iter().copied().find(|e| e.event_key == key)).next()
    }
}

/// Death in the user table 0112 as Japanese senders use it.
fn died(event: &Event) -> bool {
    event.visit.as_ref().and_then(|v| v.disposition.as_deref()).is_some_and(|d| d.trim() == "20")
}

fn cancel_key(key: &str) -> Option<String> {
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
