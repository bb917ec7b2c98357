//! Sheets that carry no post, and the boxes that are no answer (care-network.md 6.4): 番号確認票 and 表紙
//! are handshakes, 宛先違い stops a number from wherever it comes, 設定票 and 異動届 wait for the office,
//! 連絡票 asks which group. Nothing here turns ink into 了解.

use super::{Bench, doubt};
use crate::commit::SheetAct;
use crate::decision::{Addressees, Decision, Placement, TriageReason};
use crate::envelope::{MarkState, Sheet};
use crate::facts::{CodeEntry, CodeFacts};
use crate::identity_level;
use crate::ids::GroupId;
use crate::paper_request::is_marked;
use crate::sheet_order::SheetOrder;
use crate::vocabulary::{EndpointState, Intent, ReplyExpectation, Urgency};

impl Bench<'_> {
    /// What a sheet of ours says before it is taken for an answer to a post.
    pub(super) fn paper(&mut self) -> Option<Decision> {
        let sheet = self.envelope.sheet.as_ref()?;
        let CodeFacts::Known(entry) = &self.facts.code else { return None };
        if let Some(decision) = self.wrong_recipient(sheet, entry) {
            return Some(decision);
        }
        let order = entry.sheet.clone()?;
        if let SheetOrder::PasteSlips { group_id, .. } = &order {
            return Some(self.notebook(entry, group_id));
        }
        if let Some(fault) = self.sheet_fault(entry) {
            return Some(self.refuse(fault, None));
        }
        self.level = identity_level::of(self.envelope, self.facts, true);
        self.ground(format!("{}が戻りました", order.ja()));
        let doubts = self.doubts();
        if !doubts.is_empty() {
            return Some(self.triage(doubts));
        }
        let closes = |name: &str| sheet.closes == [name];
        let whole = !self.warned(doubt::PAGE_DAMAGED);
        let at_its_number = self.facts.sender.as_ref().is_some_and(|s| s.endpoint.id == entry.endpoint_id);
        match order {
            SheetOrder::Verification if whole && at_its_number && closes("confirm_number") => {
                self.ground("この番号から、この番号へ送ったコードが戻りました");
                Some(Decision::Sheet(SheetAct::NumberConfirmed { endpoint_id: entry.endpoint_id.clone() }))
            }
            SheetOrder::Cover { delivery_id } if whole && at_its_number && closes("send_body") => {
                Some(Decision::Sheet(SheetAct::CoverReturned {
                    delivery_id,
                    endpoint_id: entry.endpoint_id.clone(),
                }))
            }
            SheetOrder::Verification | SheetOrder::Cover { .. } => {
                self.ground("印がはっきりしないので、事務局が確かめます");
                Some(self.request("confirm_number", true))
            }
            SheetOrder::Preference => Some(self.request(Intent::Preference.code(), true)),
            SheetOrder::StaffChange => Some(self.request("staff_change", false)),
            SheetOrder::Contact => {
                self.ground("施設の連絡票です。グループ呼称を画像で確かめて置きます");
                Some(self.triage(vec![TriageReason::NewTopic]))
            }
            SheetOrder::Status { .. }
            | SheetOrder::Evidence { .. }
            | SheetOrder::PasteSlips { .. }
            | SheetOrder::History { .. }
            | SheetOrder::Receipt { .. }
            | SheetOrder::LeaveConfirmation { .. } => None,
        }
    }

    /// A page of the notebook in the home, with a 貼付票 on it: whoever visits photographs or faxes it, so the code
    /// names the group and any member of it may bring it (care-network.md 6.4). One post of the facility that
    /// brings it, with the picture; whose hand is whose, a person says. Membership and consent of that
    /// facility are tested where the post is made.
    fn notebook(&mut self, entry: &CodeEntry, group: &GroupId) -> Decision {
        use super::answer::Fault;
        self.ground("連絡ノートの頁です(貼付票のコード)");
        let Some(sender) = self.verified() else {
            return self.refuse(Fault::NotVerified, None);
        };
        let fault = if entry.revoked_at.is_some_and(|at| at <= self.now) {
            Some(Fault::Revoked)
        } else if entry.expires_at <= self.now {
            Some(Fault::Expired)
        } else {
            None
        };
        if let Some(fault) = fault {
            return self.refuse(fault, None);
        }
        self.level = identity_level::of(self.envelope, self.facts, true);
        let doubts = self.doubts();
        if !doubts.is_empty() {
            return self.triage(doubts);
        }
        Decision::Post(Placement {
            group_id: group.clone(),
            facility_id: sender.facility.id.clone(),
            staff_id: None,
            under_topic: None,
            corrects: None,
            version: 1,
            urgency: Urgency::Normal,
            expectation: ReplyExpectation::None,
            addressees: Addressees::default(),
            asks: Vec::new(),
            due_at: None,
            document_kind: None,
            office_calls: false,
        })
    }

    fn request(&mut self, verb: &str, proved: bool) -> Decision {
        let reason = TriageReason::Requested { verb: verb.to_owned(), proved };
        self.triage(vec![reason])
    }

    /// 宛先違い, surely marked beside a code of ours: the number is stopped at once, whoever says so and
    /// however old the sheet is (care-network.md 8.8). Stopping one too many costs a call, going on costs
    /// a patient's privacy.
    fn wrong_recipient(&mut self, sheet: &Sheet, entry: &CodeEntry) -> Option<Decision> {
        let marked = sheet.marks.iter().filter(|m| m.state == MarkState::Marked).count();
        if !is_marked(sheet, "wrong_recipient") || marked > 1 {
            return None;
        }
        self.ground("「宛先違い」に印があります。この番号への配信をすべて止めました");
        let reason = TriageReason::WrongRecipient {
            endpoint_id: entry.endpoint_id.clone(),
            facility: entry.facility_name.clone(),
        };
        Some(Decision::Triage { reasons: vec![reason], candidates: Vec::new() })
    }

    /// As for an answer, but a number that is not yet verified may return its handshake.
    fn sheet_fault(&self, entry: &CodeEntry) -> Option<super::answer::Fault> {
        use super::answer::Fault;
        let handshake = matches!(entry.sheet, Some(SheetOrder::Verification | SheetOrder::Cover { .. }));
        match &self.facts.sender {
            Some(sender) if sender.facility.id == entry.facility_id => match sender.endpoint.state {
                EndpointState::Verified | EndpointState::Stale => {}
                EndpointState::Unverified if handshake => {}
                EndpointState::Unverified | EndpointState::Suspended => return Some(Fault::NotVerified),
            },
            _ => return Some(Fault::Elsewhere),
        }
        if entry.revoked_at.is_some_and(|at| at <= self.now) {
            Some(Fault::Revoked)
        } else if entry.expires_at <= self.now {
            Some(Fault::Expired)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{run, sheet as blank, short};
    use crate::cast::*;
    use crate::envelope::{Envelope, Mark, MarkState};
    use crate::facts::{CodeEntry, CodeFacts, Facts, PaperTrust};
    use crate::sheet_order::SheetOrder;
    use crate::vocabulary::{Channel, EndpointState};

    fn returned(marked: &[&str], closes: &[&str]) -> Envelope {
        let mut e = blank();
        e.intent = crate::vocabulary::Intent::Reply;
        let Some(sheet) = &mut e.sheet else { return e };
        sheet.marks = ["confirm_number", "send_body", "wrong_recipient", "see_receipts", "acknowledge"]
            .into_iter()
            .map(|name| Mark {
                name: name.to_owned(),
                state: if marked.contains(&name) { MarkState::Marked } else { MarkState::Empty },
                confidence: 1.0,
            })
            .collect();
        sheet.closes = closes.iter().map(|c| (*c).to_owned()).collect();
        e
    }

    fn of(state: EndpointState, change: impl FnOnce(&mut CodeEntry)) -> Facts {
        let mut sender = sender("F03", Channel::Fax);
        sender.endpoint.state = state;
        let mut entry = code("F03");
        entry.endpoint_id = sender.endpoint.id.clone();
        change(&mut entry);
        Facts { code: CodeFacts::Known(Box::new(entry)), ..facts(Some(sender)) }
    }

    fn order(order: SheetOrder) -> impl FnOnce(&mut CodeEntry) {
        move |entry| {
            entry.sheet = Some(order);
            entry.post_id = None;
            entry.items.clear();
        }
    }

    #[test]
    fn a_handshake_verifies_its_own_number_only() {
        let back = returned(&["confirm_number"], &["confirm_number"]);
        let unverified = of(EndpointState::Unverified, order(SheetOrder::Verification));
        assert!(short(&run(&back, &unverified).decision).starts_with("NumberConfirmed"));
        let mut elsewhere = unverified.clone();
        elsewhere.sender = Some(sender("F05", Channel::Fax));
        assert!(short(&run(&back, &elsewhere).decision).contains("code_from_elsewhere"));
        let stopped = of(EndpointState::Suspended, order(SheetOrder::Verification));
        assert!(short(&run(&back, &stopped).decision).contains("endpoint_not_verified"));
        let late = of(EndpointState::Unverified, |entry| {
            order(SheetOrder::Verification)(entry);
            entry.expires_at = at("2026-06-01T10:20");
        });
        assert!(short(&run(&back, &late).decision).contains("code_expired"));
        let unsure = returned(&[], &[]);
        assert_eq!(short(&run(&unsure, &unverified).decision), "triage requested 0");
        let cover = of(EndpointState::Stale, order(SheetOrder::Cover { delivery_id: "D9".into() }));
        let back = returned(&["send_body"], &["send_body"]);
        assert!(short(&run(&back, &cover).decision).starts_with("CoverReturned"));
    }

    #[test]
    fn a_wrong_recipient_stops_from_anywhere() {
        let told = returned(&["wrong_recipient"], &["wrong_recipient"]);
        for facts in [
            of(EndpointState::Verified, |_| {}),
            Facts { sender: None, ..of(EndpointState::Verified, |_| {}) },
            of(EndpointState::Verified, |entry| entry.expires_at = at("2026-05-01T00:00")),
            of(EndpointState::Unverified, order(SheetOrder::Verification)),
        ] {
            assert_eq!(short(&run(&told, &facts).decision), "triage wrong_recipient 0");
        }
        // Beside another mark a person looks first.
        let both = returned(&["wrong_recipient", "acknowledge"], &[]);
        assert_eq!(short(&run(&both, &of(EndpointState::Verified, |_| {})).decision), "sheet POST1");
        let mut unknown = of(EndpointState::Verified, |_| {});
        unknown.code = CodeFacts::Unknown;
        assert!(short(&run(&told, &unknown).decision).contains("code_unknown"), "no code of ours, no stop");
    }

    #[test]
    fn settings_and_topics_wait_for_the_office() {
        let back = returned(&[], &[]);
        for (sheet, expected) in [
            (SheetOrder::Preference, "triage requested 0"),
            (SheetOrder::StaffChange, "triage requested 0"),
            (SheetOrder::Contact, "triage new_topic 0"),
        ] {
            assert_eq!(short(&run(&back, &of(EndpointState::Verified, order(sheet))).decision), expected);
        }
    }

    #[test]
    fn a_page_of_the_notebook_is_posted_by_whoever_brings_it() {
        use crate::decision::Decision;
        let slips = || order(SheetOrder::PasteSlips { group_id: "G01".into(), post_ids: vec!["P1".into()] });
        let back = returned(&[], &[]);
        // The slips went to F03; F05 visited next.
        let mut by_another = of(EndpointState::Verified, slips());
        by_another.sender = Some(sender("F05", Channel::Fax));
        let Decision::Post(placement) = run(&back, &by_another).decision else { panic!("no post") };
        assert_eq!((placement.group_id.as_str(), placement.facility_id.as_str()), ("G01", "F05"));
        let mut stranger = by_another.clone();
        stranger.sender = None;
        assert!(short(&run(&back, &stranger).decision).contains("endpoint_not_verified"));
        let late = of(EndpointState::Verified, |entry| {
            slips()(entry);
            entry.expires_at = at("2026-06-01T10:20");
        });
        assert!(short(&run(&back, &late).decision).contains("code_expired"));
    }

    #[test]
    fn an_untouched_sheet_acknowledges_only_where_it_said_so() {
        use crate::decision::Decision;
        let with = |printed: bool, on: bool, trial: bool, back: &Envelope| {
            let mut facts = of(EndpointState::Verified, |entry| entry.untouched_acknowledges = printed);
            let agreed = if trial { 299 } else { 300 };
            facts.paper = PaperTrust { agreed, needed: 300, untouched_acknowledges: on };
            match run(back, &facts).decision {
                Decision::Reply(answer) => (!answer.sheet_says.is_empty(), answer.untouched),
                other => panic!("{other:?}"),
            }
        };
        // Acts alone, is proposed.
        let clean = returned(&[], &[]);
        assert_eq!(with(true, true, false, &clean), (true, true));
        assert_eq!(with(false, true, false, &clean), (false, false), "the sheet did not say so");
        assert_eq!(with(true, false, false, &clean), (false, false), "switched off meanwhile");
        assert_eq!(with(true, true, true, &clean), (false, true), "試行: a person confirms");
        assert_eq!(with(true, true, false, &returned(&["see_receipts"], &[])), (false, false), "touched");
        let mut pencil_may_be_lost = clean.clone();
        for mark in pencil_may_be_lost.sheet.iter_mut().flat_map(|s| &mut s.marks) {
            mark.confidence = 0.9;
        }
        assert_eq!(with(true, true, false, &pencil_may_be_lost), (false, true));
        for doubt in ["sheet_photographed", "page_damaged"] {
            let mut doubted = clean.clone();
            doubted.warn(doubt, "");
            assert_eq!(with(true, true, false, &doubted), (false, false), "{doubt}");
        }
    }

    #[test]
    fn a_photographed_tick_waits_after_the_trial_too() {
        use crate::decision::Decision;
        let says = |photographed: bool| {
            let mut facts = of(EndpointState::Verified, |_| {});
            facts.paper = PaperTrust { agreed: 300, needed: 300, untouched_acknowledges: false };
            let mut back = returned(&["acknowledge"], &["acknowledge"]);
            if photographed {
                back.warn("sheet_photographed", "");
            }
            match run(&back, &facts).decision {
                Decision::Reply(answer) => answer.sheet_to_confirm,
                other => panic!("{other:?}"),
            }
        };
        assert!(!says(false) && says(true));
    }

    #[test]
    fn who_has_read_is_told_to_the_number_that_asks() {
        use crate::decision::Decision;
        let facts = of(EndpointState::Verified, |entry| entry.printed_staff = vec!["S1".into(), "S2".into()]);
        let Decision::Reply(answer) = run(&returned(&["see_receipts"], &[]), &facts).decision else {
            panic!("no reply")
        };
        assert_eq!(answer.status_to, facts.sender.map(|s| s.endpoint.id));
        assert_eq!(answer.staff_id, None);
    }
}
