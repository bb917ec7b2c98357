//! Answers: what a reply code or a thread of ours brings back. A code acts only from an endpoint of its
//! own facility, and every refusal looks the same to the sender (care-network.md 5 row 5, 6.1).

use super::{Bench, doubt, may_notify};
use crate::decision::{Answer, Candidate, Decision, DigestAnswer, TriageReason};
use crate::envelope::Sheet;
use crate::facts::{CodeEntry, CodeFacts, CodeItem};
use crate::identity_level;
use crate::paper_request::is_marked;
use crate::sheet_answer::{is_digest, is_untouched, lines_fit, named, of_one_post, seems_untouched};
use crate::sheet_form::line_of;
use crate::vocabulary::{AttachmentRole, Channel, EndpointState, Intent};

/// Why a code or thread does not act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Unknown,
    Expired,
    Revoked,
    Elsewhere,
    NotVerified,
}

impl<'a> Bench<'a> {
    pub(super) fn answer(&mut self) -> Option<Decision> {
        let (entry, by_code) = match (&self.facts.code, &self.facts.thread) {
            (CodeFacts::Known(entry), _) => (entry.as_ref(), true),
            // Ten signs that happen to look like a code must not break a thread.
            (CodeFacts::Absent | CodeFacts::Unknown, Some(entry)) => (entry, false),
            (CodeFacts::Unknown, None) => {
                self.ground("返信コードは発行したものではありません");
                return Some(self.refuse(Fault::Unknown, None));
            }
            // Mistyped codes get the answer of wrong ones.
            (CodeFacts::Absent, None) if self.warned(doubt::REPLY_CODE_MALFORMED) => {
                self.ground("返信用アドレスの返信コードが正しい形ではありません");
                return Some(self.refuse(Fault::Unknown, None));
            }
            (CodeFacts::Absent, None) => return None,
        };
        self.ground(if by_code {
            "返信コードあり"
        } else {
            "以前に送ったメールへの返信"
        });
        if let Some(fault) = self.fault(entry) {
            return Some(self.refuse(fault, Some(entry)));
        }
        self.level = identity_level::of(self.envelope, self.facts, true);
        self.ground("返信コードの宛先と送信元は同じ施設です");
        let doubts = self.doubts();
        if !doubts.is_empty() {
            let candidates = candidates(entry);
            return Some(Decision::Triage { reasons: doubts, candidates });
        }
        let Some(item) = only_item(entry).filter(|_| self.lines_stand(entry)) else {
            if let Some(digest) = self.digest(entry) {
                return Some(digest);
            }
            self.ground("まとめ便全体の返信コードなので、どの投稿への返信かを選んでください");
            let candidates = candidates(entry);
            return Some(Decision::Triage { reasons: vec![TriageReason::WhichItem], candidates });
        };
        Some(self.act(entry, item, by_code))
    }

    /// Whether the message carries a code or thread of ours that works for its sender.
    pub(super) fn code_stands(&self) -> bool {
        self.standing_code().is_some()
    }

    /// The code or thread that works for the sender.
    pub(super) fn standing_code(&self) -> Option<&'a CodeEntry> {
        let facts = self.facts;
        let entry = match (&facts.code, &facts.thread) {
            (CodeFacts::Known(entry), _) => entry.as_ref(),
            (CodeFacts::Absent | CodeFacts::Unknown, Some(entry)) => entry,
            _ => return None,
        };
        self.fault(entry).is_none().then_some(entry)
    }

    fn fault(&self, entry: &CodeEntry) -> Option<Fault> {
        // Who uses it comes first: a stranger must not learn from us whether a code is still good, and
        // the office sees the stranger before it sees the date.
        match &self.facts.sender {
            Some(sender) if sender.facility.id == entry.facility_id => match sender.endpoint.state {
                EndpointState::Verified | EndpointState::Stale => {}
                EndpointState::Unverified | EndpointState::Suspended => return Some(Fault::NotVerified),
            },
            _ => return Some(Fault::Elsewhere),
        }
        if entry.revoked_at.is_some_and(|at| at <= self.now) || !entry.membership_stands {
            Some(Fault::Revoked)
        } else if entry.expires_at <= self.now {
            Some(Fault::Expired)
        } else {
            None
        }
    }

    /// Triage where the office can help, quarantine where nobody may look; the sender cannot tell.
    pub(super) fn refuse(&mut self, fault: Fault, entry: Option<&CodeEntry>) -> Decision {
        let known = self.facts.sender.is_some();
        let on_paper = self.envelope.channel == Channel::Fax;
        let (reason, ground, triage) = match fault {
            Fault::Unknown => (TriageReason::CodeUnknown, None, known),
            Fault::Expired => (TriageReason::CodeExpired, Some("返信コードの期限が過ぎています"), true),
            Fault::Revoked => (TriageReason::CodeRevoked, Some("返信コードは使えなくなりました"), false),
            Fault::Elsewhere => (
                TriageReason::CodeFromElsewhere,
                Some("返信コードは別の施設に渡したものです"),
                // Paper goes astray in good faith (宛先違い): the office calls. A mail was forwarded.
                on_paper,
            ),
            Fault::NotVerified => (
                TriageReason::EndpointNotVerified,
                Some("送信元の番号・アドレスは確認済ではありません"),
                true,
            ),
        };
        if let Some(ground) = ground {
            self.ground(ground);
        }
        if !triage {
            return Decision::Quarantine { reason, notice: may_notify(self.envelope, self.level) };
        }
        match entry {
            Some(entry) => Decision::Triage { reasons: vec![reason], candidates: candidates(entry) },
            None => self.triage(vec![reason]),
        }
    }

    fn act(&mut self, entry: &CodeEntry, item: CodeItem, by_code: bool) -> Decision {
        let answer = Answer {
            group_id: item.group_id,
            post_id: item.post_id,
            topic_id: item.topic_id,
            facility_id: entry.facility_id.clone(),
            reply_code: by_code.then(|| entry.code.clone()),
            delivery_id: Some(entry.delivery_id.clone()),
            sheet_to_confirm: false,
            sheet_says: Vec::new(),
            status_to: None,
            staff_id: None,
            untouched: false,
        };
        if let Some(sheet) = &self.envelope.sheet {
            // The image is the authority and goes up at once, whoever reads the marks.
            let untouched = self.came_back_untouched(sheet, entry);
            let says = self.sheet_says(sheet, untouched);
            let status_to = is_marked(sheet, "see_receipts").then(|| entry.endpoint_id.clone());
            let staff_id = named(&sheet.marks)
                .and_then(|n| entry.printed_staff.get(usize::from(n).checked_sub(1)?).cloned());
            self.ground(match says.as_slice() {
                [] => "返信票の画像をそのまま返信にしました。印は事務局が確かめます",
                _ if untouched => "返信票のどの欄もたしかに空です",
                _ => "返信票の印は一つだけで、ほかの欄は空です",
            });
            let sheet_to_confirm = says.is_empty();
            return Decision::Reply(Answer {
                sheet_to_confirm,
                sheet_says: says,
                status_to,
                staff_id,
                untouched,
                ..answer
            });
        }
        let has_files = self.envelope.attachments.iter().any(|a| a.role == AttachmentRole::Document);
        if self.envelope.intent == Intent::Acknowledgement && !has_files {
            self.ground("本文は了解だけです");
            return Decision::Acknowledge(answer);
        }
        Decision::Reply(answer)
    }
}

impl Bench<'_> {
    /// What a sheet may do without a person: 了解 and 電話ください only, on a whole page, once the network's
    /// own sheets have shown that marks are read rightly.
    fn sheet_says(&mut self, sheet: &Sheet, untouched: bool) -> Vec<String> {
        let trusted = self.trusts_paper();
        if trusted && untouched && is_untouched(&sheet.marks, false) {
            return vec!["acknowledge".to_owned()];
        }
        let small = |id: &&str| matches!(*id, "acknowledge" | "call_back");
        let says: Vec<&str> = sheet.closes.iter().map(|id| of_one_post(id)).collect();
        if !trusted || !says.iter().all(small) {
            return Vec::new();
        }
        says.into_iter().map(str::to_owned).collect()
    }

    /// Whether a whole page of this network may act alone.
    fn trusts_paper(&self) -> bool {
        self.facts.paper.is_earned()
            && !self.warned(doubt::PAGE_DAMAGED)
            && !self.warned(doubt::SHEET_PHOTOGRAPHED)
    }

    /// Whether 「このまま返送＝了解」 stood on this very sheet and nothing is seen on it: laying it into the machine is
    /// a human act then, and taking a photograph of it is none.
    fn came_back_untouched(&mut self, sheet: &Sheet, entry: &CodeEntry) -> bool {
        let untouched = entry.untouched_acknowledges
            && self.facts.paper.untouched_acknowledges
            && !self.warned(doubt::PAGE_DAMAGED)
            && !self.warned(doubt::SHEET_PHOTOGRAPHED)
            && seems_untouched(&sheet.marks, !sheet.handwriting.is_empty());
        if untouched {
            self.ground("何も書かずに戻りました。「このまま返送＝了解」の紙です");
        }
        untouched
    }

    /// Whether the numbers printed on a sheet of a まとめ便 mean the posts in their order: nothing was left out
    /// between two printings, and as many lines are printed as there are posts. Other sheets have no numbers.
    fn lines_stand(&self, entry: &CodeEntry) -> bool {
        match &self.envelope.sheet {
            Some(sheet) if is_digest(&sheet.marks) => {
                !entry.lines_moved && lines_fit(&sheet.marks, entry.items.len())
            }
            _ => true,
        }
    }

    /// The 返信票 of a まとめ便 with several posts.
    fn digest(&mut self, entry: &CodeEntry) -> Option<Decision> {
        let sheet =
            self.envelope.sheet.as_ref().filter(|s| is_digest(&s.marks) && self.lines_stand(entry))?;
        let trusted = self.trusts_paper();
        let untouched = self.came_back_untouched(sheet, entry);
        let acts = |id: &String| id == "acknowledge_all" || line_of(id).is_some();
        let says = if trusted && untouched && is_untouched(&sheet.marks, false) {
            vec!["acknowledge_all".to_owned()]
        } else if trusted && sheet.closes.iter().all(acts) {
            sheet.closes.clone()
        } else {
            Vec::new()
        };
        self.ground(match says.as_slice() {
            [] => "まとめ便の返信票です。印は事務局が確かめます",
            _ if untouched => "まとめ便の返信票です。どの欄もたしかに空です",
            _ => "まとめ便の返信票です。印ははっきりしていて、ほかの欄は空です",
        });
        let staff_id = named(&sheet.marks)
            .and_then(|n| entry.printed_staff.get(usize::from(n).checked_sub(1)?).cloned());
        Some(Decision::Digest(DigestAnswer {
            facility_id: entry.facility_id.clone(),
            reply_code: entry.code.clone(),
            delivery_id: entry.delivery_id.clone(),
            items: entry.items.clone(),
            says,
            staff_id,
            untouched,
        }))
    }
}

pub(super) fn only_item(entry: &CodeEntry) -> Option<CodeItem> {
    if let (Some(post_id), Some(topic_id), Some(group_id)) =
        (&entry.post_id, &entry.topic_id, &entry.group_id)
    {
        return Some(CodeItem {
            post_id: post_id.clone(),
            topic_id: topic_id.clone(),
            group_id: group_id.clone(),
            // Not needed to act; the item list has it where it is shown.
            patient_id: entry.items.first().map_or_else(|| "".into(), |i| i.patient_id.clone()),
        });
    }
    match entry.items.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

fn candidates(entry: &CodeEntry) -> Vec<Candidate> {
    let chosen = |i: &&CodeItem| entry.post_id.as_ref().is_none_or(|post| post == &i.post_id);
    entry
        .items
        .iter()
        .filter(chosen)
        .take(50)
        .map(|item| Candidate {
            patient_id: item.patient_id.clone(),
            group_id: Some(item.group_id.clone()),
            post_id: Some(item.post_id.clone()),
            reasons_for: vec!["この返信コードで届けた投稿です".to_owned()],
            reasons_against: Vec::new(),
            blocked: None,
        })
        .collect()
}
