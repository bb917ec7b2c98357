//! What HL7 events need besides a patient (hl7.md 7.2, 8): which never become a post, which wait for a
//! person, and under which topic the others go. A cancellation corrects what people have already acted
//! on; nothing is ever deleted.

use super::stay::{self, About, Found, Told, Word};
use super::{Bench, doubt};
use crate::clinical_event::{self, Outcome};
use crate::decision::{Decision, Then, TriageReason};
use crate::envelope::{Envelope, Event, Identifier, cancelled_by};
use crate::facts::EarlierPost;
use crate::ids::{GroupId, PostId};
use crate::patient_match::Strength;
use crate::text::fold::fold_name;
use crate::vocabulary::{Channel, Format, Urgency};

/// What becomes of an event whose patient is certain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A post.
    Thread(Thread),
    /// Nothing new, and why (Japanese).
    Known(&'static str),
    /// A person must say what it is of.
    Unsure,
}

/// Where a post goes on the timeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Thread {
    pub(super) under_topic: Option<PostId>,
    pub(super) corrects: Option<PostId>,
    pub(super) version: u32,
    /// How urgent the corrected post was, where its correction must not be less so.
    pub(super) at_least: Option<Urgency>,
}

impl Thread {
    /// A topic of its own.
    fn alone() -> Self {
        Self { version: 1, ..Self::default() }
    }

    fn correction_of(post: &EarlierPost) -> Self {
        Self {
            under_topic: Some(post.topic_id.clone()),
            corrects: Some(post.post_id.clone()),
            version: post.version.saturating_add(1),
            at_least: None,
        }
    }
}

impl<'a> Bench<'a> {
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
            Outcome::Correction if stay::is_outpatient(event) && !self.corrects_or_repeats(event) => {
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
        let Some(group) = self.certain_group() else { return false };
        let named = event.visit.as_ref().and_then(|v| v.attending.as_deref()).map(fold_name);
        let stay = self.stay(event, &group);
        let of_stay = |e: &&EarlierPost| match (&stay, e.event_key.starts_with("doctor:")) {
            (_, true) => true,
            (Found::One(stay), false) => stay.has(e),
            _ => false,
        };
        let earlier = self.earlier_in(&group);
        let known = earlier.into_iter().filter(of_stay).find_map(EarlierPost::attending).map(fold_name);
        matches!((named, known), (Some(named), Some(known)) if named != known)
    }

    /// The group of the patient whose number is confirmed.
    fn certain_group(&self) -> Option<GroupId> {
        let certain = self.weighed.iter().find(|w| w.strength == Strength::Confirmed)?;
        certain.candidate.group_id.clone()
    }

    /// Earlier posts of a group, newest first.
    fn earlier_in(&self, group: &GroupId) -> Vec<&'a EarlierPost> {
        self.facts.earlier_posts.iter().filter(|e| &e.group_id == group).collect()
    }

    /// The stay that this message means.
    fn stay(&self, event: &Event, group: &GroupId) -> Found<'a> {
        let print = crate::placement::print_of(self.envelope);
        stay::find(Told { event, print: &print, now: self.now }, &self.earlier_in(group))
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
        let in_stay = || {
            let (about, group) = (About::of(event)?, self.certain_group()?);
            let Found::One(stay) = self.stay(event, &group) else { return None };
            stay.topic_of(about.what)
        };
        known(event.key.as_ref()) || known(event.corrects.as_ref()) || in_stay().is_some()
    }

    /// Topic and correction by what the event is of.
    pub(super) fn place_of_event(&mut self, group: &GroupId) -> Place {
        let Some(event) = &self.envelope.event else { return Place::Thread(Thread::alone()) };
        match About::of(event) {
            Some(about) => self.place_in_stay(event, about, group),
            None => self.place_by_key(event, group),
        }
    }

    fn place_in_stay(&mut self, event: &Event, about: About, group: &GroupId) -> Place {
        let print = crate::placement::print_of(self.envelope);
        let earlier = self.earlier_in(group);
        let told = Told { event, print: &print, now: self.now };
        let stay = stay::find(told, &earlier);
        let word = match &stay {
            Found::One(stay) => stay.word(about, told, &self.facts.heard),
            Found::None => Word::New,
            Found::Unsure => Word::Unsure(stay::WHICH),
        };
        match word {
            Word::Known(why) => Place::Known(why),
            Word::Unsure(_) if stay::was_heard(told, &self.facts.heard) => {
                Place::Known("同じ電文は前にも届いています")
            }
            Word::Unsure(why) => {
                self.ground(why);
                Place::Unsure
            }
            Word::Corrects(last) => {
                let thread = Thread::correction_of(last);
                self.ground("同じ出来事の前の投稿への訂正にしました");
                Place::Thread(thread)
            }
            Word::New => {
                if about.takes_back {
                    self.ground("訂正される投稿は見つかりませんでした");
                }
                let above: &[&str] = match about.what {
                    "A02" | "A21" | "A22" => &["A01", about.what],
                    // An admission that is told after its discharge does not open the stay again.
                    "A01" => &["A03"],
                    _ => &[],
                };
                let found = match &stay {
                    Found::One(stay) => above.iter().find_map(|what| stay.topic_of(what)),
                    _ => None,
                };
                // One topic for one key, whatever stays it was used for.
                let same_key = || {
                    earlier.iter().copied().find(|e| Some(&e.event_key) == event.key.as_ref() && e.is_topic())
                };
                let under = found.or_else(same_key).map(|e| e.topic_id.clone());
                if under.is_some() {
                    self.ground("同じ入退院の投稿の下に置きました");
                }
                Place::Thread(Thread { under_topic: under, ..Thread::alone() })
            }
        }
    }

    /// Documents, results, orders and what each message tells anew: known by their key.
    fn place_by_key(&mut self, event: &Event, group: &GroupId) -> Place {
        let earlier = self.earlier_in(group);
        let by_key = |key: &str| earlier.iter().find(|e| e.event_key == key).copied();
        let print = crate::placement::print_of(self.envelope);
        let own = event.key.as_deref().and_then(by_key);
        // What it undoes, or what undid it.
        let counter = event.key.as_deref().and_then(cancel_key).and_then(|k| by_key(&k));
        let counter = counter.or_else(|| event.corrects.as_deref().and_then(by_key));

        // The last word on this event: the list is newest first.
        let position = |post: &EarlierPost| earlier.iter().position(|e| e.post_id == post.post_id);
        let last = match (own, counter) {
            (Some(o), Some(c)) if position(c) < position(o) => Some((c, true)),
            (Some(o), _) => Some((o, false)),
            (None, Some(c)) => Some((c, true)),
            (None, None) => None,
        };
        if let Some((last, is_counter)) = last {
            let same = |e: &&EarlierPost| Some(&e.event_key) == event.key.as_ref() && e.body == print;
            let seen = earlier.iter().copied().any(|e| same(&e));
            if is_state(event)
                && let Some(why) = self.was_told(event, last, earlier.iter().copied().filter(same))
            {
                return Place::Known(why);
            }
            // What is told anew each time may become again what it was: only the last word is repeated by it.
            let news_again = is_counter || (is_state(event) && !same(&last));
            if seen && (!news_again || said_before(self.envelope, last)) {
                return Place::Known("同じ内容はもう投稿されています");
            }
            let mut thread = Thread::correction_of(last);
            // The correction of a critical value keeps its urgency (hl7.md section 9).
            thread.at_least = matches!(event.kind.as_deref(), Some("ORU" | "OUL")).then_some(last.urgency);
            self.ground("同じ出来事の前の投稿への訂正にしました");
            return Place::Thread(thread);
        }
        let parent = event.parent_document.as_ref().and_then(|d| by_key(&format!("document:{d}")));
        let under = parent.or_else(|| self.stay_topic(event, group)).map(|e| e.topic_id.clone());
        if event.corrects.is_some() {
            self.ground("訂正される投稿は見つかりませんでした");
        }
        if under.is_some() {
            self.ground("同じ入退院の投稿の下に置きました");
        }
        Place::Thread(Thread { under_topic: under, ..Thread::alone() })
    }

    /// Why a list of allergies or a doctor is no news: a day that is sent once more keeps the times of recording.
    fn was_told(
        &self,
        event: &Event,
        last: &EarlierPost,
        mut same: impl Iterator<Item = &'a EarlierPost>,
    ) -> Option<&'static str> {
        let recorded = |event: &Event| stay::recorded(event, self.now);
        let mine = recorded(event)?;
        let of_post = |post: &EarlierPost| post.event.as_ref().and_then(recorded);
        if same.any(|post| of_post(post) == Some(mine)) {
            return Some("同じ内容はもう投稿されています");
        }
        of_post(last).filter(|its| *its > mine).map(|_| "後の時刻の連絡がもう届いています")
    }

    /// The discharge topic of the same stay for documents, else the admission's; an update goes under the
    /// admission.
    fn stay_topic(&self, event: &Event, group: &GroupId) -> Option<&'a EarlierPost> {
        let above: &[&str] = match (event.kind.as_deref(), event.trigger.as_deref()) {
            (Some("MDM" | "Bundle"), _) => &["A03", "A01"],
            (Some("ADT"), Some("A08" | "A31" | "A54" | "A55")) => &["A01"],
            _ => return None,
        };
        let Found::One(stay) = self.stay(event, group) else { return None };
        above.iter().find_map(|what| stay.topic_of(what))
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

fn died(event: &Event) -> bool {
    event.visit.as_ref().and_then(|v| v.disposition.as_deref()).is_some_and(clinical_event::tells_death)
}

/// A patient's list of allergies or doctor in charge: each message tells how it is now.
fn is_state(event: &Event) -> bool {
    let of = event.key.as_deref().and_then(|k| k.split_once(':')).map(|(what, _)| what);
    matches!(of, Some("allergies" | "doctor"))
}

/// The key of what takes back a change of doctor.
fn cancel_key(key: &str) -> Option<String> {
    let cancel = cancelled_by("A54").filter(|_| key.starts_with("doctor:"))?;
    Some(format!("{key}:{cancel}"))
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
