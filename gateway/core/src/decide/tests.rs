//! The policy as tables: every rule of care-network.md 6 and hl7.md 5, 7.2 and 8 that this module
//! knows.

use super::*;
use crate::cast::*;
use crate::envelope::{Sheet, Warning};
use crate::facts::{CodeEntry, CodeFacts, IdentifierState};
use crate::vocabulary::GroupState;

pub(super) const NOW: &str = "2026-06-09T10:20";
const PAUSE: &str = "Pause { from: UtcMicros(1786460400000000), until: UtcMicros(1786892400000000), substitute: Some(\"木下\") }";

pub(super) fn run(envelope: &Envelope, facts: &Facts) -> Decided {
    decide(envelope, facts, None, at(NOW))
}

/// A short name for a decision, to write tables with.
pub(super) fn short(decision: &Decision) -> String {
    match decision {
        Decision::Post(p) => format!("post {}", p.group_id),
        Decision::Reply(a) if a.sheet_to_confirm => format!("sheet {}", a.post_id),
        Decision::Reply(a) => format!("reply {}", a.post_id),
        Decision::Acknowledge(a) => format!("ack {}", a.post_id),
        Decision::Triage { reasons, candidates } => {
            let codes: Vec<&str> = reasons.iter().map(TriageReason::code).collect();
            format!("triage {} {}", codes.join(","), candidates.len())
        }
        Decision::Quarantine { reason, notice } => {
            format!("quarantine {}{}", reason.code(), if *notice { " notice" } else { "" })
        }
        Decision::Return { notice } => format!("return {notice:?}"),
        Decision::Discard { .. } => "discard".into(),
        Decision::Sheet(act) => format!("{act:?}"),
        Decision::Digest(answer) => format!("digest {:?}", answer.says),
        Decision::Request(r) => format!("{:?}", r.act),
        Decision::Record { what } => format!("record {what}"),
    }
}

pub(super) fn with_code(mut facts: Facts, change: impl FnOnce(&mut CodeEntry)) -> Facts {
    let mut entry = code("F03");
    change(&mut entry);
    facts.code = CodeFacts::Known(Box::new(entry));
    facts
}

pub(super) fn nurse() -> Facts {
    facts(Some(sender("F03", Channel::Email)))
}

pub(super) fn sheet() -> Envelope {
    let mut e = fax();
    e.reply_code = Some("0123456789".into());
    e.sheet = Some(Sheet {
        reply_code: e.reply_code.clone(),
        code_source: Some("qr".into()),
        marks: vec![],
        handwriting: vec![],
        orientation: 0,
        page_of: None,
        closes: vec![],
    });
    // Even a reader that believes to see 了解 decides nothing.
    e.intent = Intent::Acknowledgement;
    e
}

#[test]
fn a_sheet_acts_alone_only_when_it_may() {
    use crate::facts::PaperTrust;
    let trusted = PaperTrust { agreed: 300, needed: 300, ..PaperTrust::default() };
    let run_with = |closes: &[&str], paper: PaperTrust, damaged: bool| {
        let mut e = sheet();
        if let Some(sheet) = &mut e.sheet {
            sheet.closes = closes.iter().map(|c| (*c).to_owned()).collect();
        }
        if damaged {
            e.warn(doubt::PAGE_DAMAGED, "rows are missing");
        }
        let facts = Facts { paper, ..with_code(facts(Some(sender("F03", Channel::Fax))), |_| {}) };
        match run(&e, &facts).decision {
            Decision::Reply(a) => (a.sheet_to_confirm, a.sheet_says),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(run_with(&["acknowledge"], trusted, false), (false, vec!["acknowledge".to_owned()]));
    let person = (true, Vec::new());
    assert_eq!(run_with(&["acknowledge"], PaperTrust { agreed: 299, ..trusted }, false), person, "試行");
    assert_eq!(run_with(&["acknowledge"], PaperTrust::default(), false), person, "never set");
    assert_eq!(run_with(&["acknowledge"], trusted, true), person, "damaged");
    assert_eq!(run_with(&[], trusted, false), person, "nothing sure");
    assert_eq!(run_with(&["wrong_recipient"], trusted, false), person, "the office calls");
}

#[test]
fn answers() {
    let ack = mail(Intent::Acknowledgement, "了解");
    let reply = mail(Intent::Reply, "了解 明日臨時訪問します");
    let auto = mail(Intent::Automatic, "休暇中です");
    let bounce = mail(Intent::DeliveryReport, "");
    let call = mail(Intent::Callback, "折返し 14時");
    let pause = mail(Intent::Pause, "休止 8/12-8/16 代理:木下");
    let leave = mail(Intent::LeaveGroup, "担当終了");
    let good = with_code(nurse(), |_| {});
    let known_fax = |f: &str| facts(Some(sender(f, Channel::Fax)));
    let nobody = facts(None);
    let mut unverified = good.clone();
    unverified.sender.as_mut().unwrap().endpoint.state = EndpointState::Unverified;
    let mut stale = good.clone();
    stale.sender.as_mut().unwrap().endpoint.state = EndpointState::Stale;
    let mut unknown = nurse();
    unknown.code = CodeFacts::Unknown;
    let mut unknown_stranger = nobody.clone();
    unknown_stranger.code = CodeFacts::Unknown;
    let mut thread = nurse();
    thread.thread = Some(code("F03"));
    let mut thread_stranger = nobody.clone();
    thread_stranger.thread = Some(code("F03"));
    let mut thread_and_noise = thread.clone();
    thread_and_noise.code = CodeFacts::Unknown;
    let digest = with_code(nurse(), |c| {
        c.post_id = None;
        let mut other = c.items[0].clone();
        other.post_id = "POST2".into();
        c.items.push(other);
    });
    let digest_of_one = with_code(nurse(), |c| c.post_id = None);

    let table: Vec<(&str, &Envelope, Facts, &str)> = vec![
        ("了解 by code", &ack, good.clone(), "ack POST1"),
        ("words by code", &reply, good.clone(), "reply POST1"),
        ("call back by code", &call, good.clone(), "reply POST1"),
        ("休止 by code acts", &pause, good.clone(), PAUSE),
        ("a request without a code too", &pause, nurse(), "triage requested 0"),
        ("担当終了 by code asks", &leave, good.clone(), "AskLeave { group_id: GroupId(\"G01\") }"),
        ("a machine with a good code", &auto, good.clone(), "record automatic"),
        ("a report with a good code", &bounce, good.clone(), "record delivery_report"),
        ("a stale address returns its code", &ack, stale, "ack POST1"),
        ("an unverified address", &ack, unverified, "triage endpoint_not_verified 1"),
        (
            "expired",
            &ack,
            with_code(nurse(), |c| c.expires_at = at("2026-06-01T00:00")),
            "triage code_expired 1",
        ),
        (
            "revoked",
            &ack,
            with_code(nurse(), |c| c.revoked_at = Some(at("2026-06-01T00:00"))),
            "quarantine code_revoked notice",
        ),
        (
            "no member any more",
            &ack,
            with_code(nurse(), |c| c.membership_stands = false),
            "quarantine code_revoked notice",
        ),
        (
            "forwarded to another facility",
            &ack,
            with_code(facts(Some(sender("F05", Channel::Email))), |_| {}),
            "quarantine code_from_elsewhere notice",
        ),
        ("private mail", &ack, with_code(nobody.clone(), |_| {}), "quarantine code_from_elsewhere notice"),
        ("not ours, known sender", &ack, unknown, "triage code_unknown 0"),
        ("not ours, stranger", &ack, unknown_stranger, "quarantine code_unknown notice"),
        ("thread", &ack, thread, "ack POST1"),
        ("thread from a private mail (S6)", &reply, thread_stranger, "quarantine code_from_elsewhere notice"),
        ("thread beside ten signs", &ack, thread_and_noise, "ack POST1"),
        ("which item", &ack, digest, "triage which_item 2"),
        ("digest of one item", &ack, digest_of_one, "ack POST1"),
    ];
    for (name, envelope, facts, expected) in table {
        assert_eq!(short(&run(envelope, &facts).decision), expected, "{name}");
    }

    let paper: Vec<(&str, Facts, &str)> = vec![
        ("the facility's number", with_code(known_fax("F03"), |_| {}), "sheet POST1"),
        ("another facility's number", with_code(known_fax("F05"), |_| {}), "triage code_from_elsewhere 1"),
        ("a private home (S7)", with_code(nobody.clone(), |_| {}), "triage code_from_elsewhere 1"),
        (
            "revoked (S9)",
            with_code(known_fax("F03"), |c| c.revoked_at = Some(at(NOW))),
            "quarantine code_revoked notice",
        ),
    ];
    for (name, facts, expected) in paper {
        assert_eq!(short(&run(&sheet(), &facts).decision), expected, "{name}");
    }
    let mut mistyped = reply.clone();
    mistyped.warn(doubt::REPLY_CODE_MALFORMED, "");
    assert_eq!(short(&run(&mistyped, &nurse()).decision), "triage code_unknown 0");
    let doubts = [
        (doubt::SEVERAL_SHEETS, "triage several_patients 1"),
        (doubt::SHEET_CONTRADICTION, "triage damaged_page 1"),
        (doubt::PAGES_UNREADABLE, "triage damaged_page 1"),
        (doubt::PAGE_DAMAGED, "sheet POST1"),
    ];
    for (code, expected) in doubts {
        let mut e = sheet();
        e.warn(code, "");
        assert_eq!(short(&run(&e, &with_code(known_fax("F03"), |_| {})).decision), expected, "{code}");
    }
    assert_eq!(run(&ack, &good).identity_level, IdentityLevel::I2);
    assert_eq!(run(&reply, &nurse()).identity_level, IdentityLevel::I1);
    assert_eq!(run(&reply, &nobody).identity_level, IdentityLevel::I0);
}

#[test]
fn who_gets_a_notice() {
    let person = mail(Intent::Reply, "x");
    let machine = mail(Intent::Automatic, "x");
    let mut empty = mail(Intent::Reply, "x");
    empty.sender.address = None;
    assert!(may_notify(&person, IdentityLevel::I0));
    assert!(!may_notify(&machine, IdentityLevel::I2));
    assert!(!may_notify(&empty, IdentityLevel::I1));
    assert!(may_notify(&fax(), IdentityLevel::I1) && !may_notify(&fax(), IdentityLevel::I0));
    assert!(!may_notify(&hl7("ADT", "A01", "", ""), IdentityLevel::I2));
}

#[test]
fn a_sensor_is_heard_by_a_person() {
    let alarm = mail(Intent::Automatic, "離床を検知しました 02:13");
    let mut device = nurse();
    device.addressed_group = Some(group_facts("G01", true, true));
    let said = |envelope: &Envelope, facts: &Facts| short(&run(envelope, facts).decision);
    assert_eq!(said(&alarm, &device), "triage machine_notice 1");
    assert!(!may_notify(&alarm, IdentityLevel::I1));
    // What answers, what nobody registered, and what goes to no group is recorded.
    let mut vacation = alarm.clone();
    vacation.in_reply_to.push("x@in.example".into());
    assert_eq!(said(&vacation, &device), "record automatic");
    let mut coded = alarm.clone();
    coded.reply_code = Some("0123456789".into());
    assert_eq!(said(&coded, &device), "record automatic");
    let mut threaded = device.clone();
    threaded.thread = Some(code("F03"));
    assert_eq!(said(&alarm, &threaded), "record automatic");
    assert_eq!(said(&alarm, &with_code(device.clone(), |_| {})), "record automatic");
    let mut stranger = device.clone();
    stranger.sender = None;
    assert_eq!(said(&alarm, &stranger), "record automatic");
    let mut stopped = device.clone();
    stopped.sender.as_mut().unwrap().endpoint.state = EndpointState::Suspended;
    assert_eq!(said(&alarm, &stopped), "record automatic");
    assert_eq!(said(&alarm, &nurse()), "record automatic");
    assert_eq!(said(&mail(Intent::DeliveryReport, ""), &device), "record delivery_report");
}

#[test]
fn group_addresses() {
    let note = mail(Intent::Topic, "浮腫が強いです");
    let to = |member, consent, change: &dyn Fn(&mut Facts)| {
        let mut f = nurse();
        f.addressed_group = Some(group_facts("G01", member, consent));
        change(&mut f);
        f
    };
    let nothing = |_: &mut Facts| {};
    let mut stranger = to(true, true, &nothing);
    stranger.sender = None;
    let table: Vec<(&str, Facts, &str)> = vec![
        ("member", to(true, true, &nothing), "post G01"),
        ("no consent", to(true, false, &nothing), "triage not_consented 1"),
        ("not a member", to(false, true, &nothing), "triage not_a_member 1"),
        ("stranger", stranger, "triage unknown_sender 1"),
        (
            "not verified",
            to(true, true, &|f| {
                f.sender.as_mut().unwrap().endpoint.state = EndpointState::Unverified;
            }),
            "triage endpoint_not_verified 1",
        ),
        (
            "frozen",
            to(true, true, &|f| f.addressed_group.as_mut().unwrap().group.state = GroupState::Frozen),
            "triage group_not_open 1",
        ),
    ];
    for (name, facts, expected) in table {
        assert_eq!(short(&run(&note, &facts).decision), expected, "{name}");
    }

    // The mail goes to つばき01 and speaks of somebody else.
    let other = named(note.clone(), "佐々木 勇", None, Some("1944-11-03"));
    let mut f = to(true, true, &nothing);
    f.candidates = vec![candidate("G02", None)];
    assert_eq!(short(&run(&other, &f).decision), "triage identity_conflict 2");

    // The alias on paper is read by a person.
    let mut paper = fax();
    paper.patient.group_alias = Some("つばき01".into());
    let mut f = facts(Some(sender("F05", Channel::Fax)));
    f.addressed_group = Some(group_facts("G01", true, true));
    assert_eq!(short(&run(&paper, &f).decision), "triage one_candidate 1");

    let mut doubted = note;
    doubted.warnings.push(Warning { code: doubt::AUTHENTICATION_FAILED.into(), detail: String::new() });
    assert_eq!(short(&run(&doubted, &to(true, true, &nothing)).decision), "triage not_authentic 0");

    // The office wrote a call down at a page and chose the group there.
    paper.channel = Channel::PhoneMemo;
    paper.sender.authenticity = Authenticity::Login;
    assert_eq!(short(&run(&paper, &f).decision), "post G01");
}

#[test]
fn names_never_place_by_themselves() {
    let pharmacy = || {
        let mut f = facts(Some(sender("F05", Channel::Fax)));
        f.candidates = vec![candidate("G03", None), candidate("G01", None)];
        f
    };
    let unique = named(fax(), "山本千代", None, Some("1938-04-12"));
    let only_name = named(fax(), "山本千代", None, None);
    let kana = named(fax(), "ﾔﾏﾓﾄ ﾁﾖ", None, Some("1938-04-12"));
    let blank = fax();
    let table: Vec<(&str, &Envelope, Facts, &str)> = vec![
        ("S4: the birth date decides", &unique, pharmacy(), "triage one_candidate 2"),
        ("S4: without birth date", &only_name, pharmacy(), "triage several_candidates 2"),
        ("half-width kana", &kana, pharmacy(), "triage one_candidate 2"),
        ("nothing named", &blank, facts(Some(sender("F05", Channel::Fax))), "triage no_patient_named 0"),
        ("nobody found", &unique, facts(Some(sender("F05", Channel::Fax))), "triage no_candidate 0"),
    ];
    for (name, envelope, facts, expected) in table {
        assert_eq!(short(&run(envelope, &facts).decision), expected, "{name}");
    }

    // S8: an unknown clinic, two candidates, and the office sees why.
    let mut f = pharmacy();
    f.sender = None;
    let Decision::Triage { reasons, candidates } = run(&only_name, &f).decision else { panic!() };
    assert_eq!(reasons[0], TriageReason::UnknownSender);
    assert_eq!(candidates[0].patient_id.as_str(), "P-G01");
    assert!(candidates[1].reasons_against.iter().any(|r| r.contains("「子」がない")), "{candidates:?}");

    let mut outside = pharmacy();
    for c in &mut outside.candidates {
        c.group.as_mut().unwrap().consent_covers_sender = false;
    }
    let Decision::Triage { reasons, candidates } = run(&unique, &outside).decision else { panic!() };
    assert_eq!(reasons, [TriageReason::OneCandidate, TriageReason::NotConsented]);
    assert!(candidates[0].reasons_against.contains(&"同意の範囲にありません".to_owned()));
    assert!(candidates[0].reasons_for.contains(&"生年月日が合う(昭和13年4月12日)".to_owned()));
}

#[test]
fn numbers_of_a_hospital() {
    let message = hl7("ADT", "A02", "転棟のお知らせ", "5階東へ");
    let change = |f: &dyn Fn(&mut Facts)| {
        let mut facts = hospital_facts();
        f(&mut facts);
        facts
    };
    let missing_birth = {
        let mut e = message.clone();
        e.patient.birth_date = None;
        e
    };
    let other_name = named(message.clone(), "田中 花", Some("タナカ ハナ"), Some("1938-04-12"));
    let other_birth = named(message.clone(), "山本 千代", None, Some("1938-04-21"));
    let bare = {
        let mut e = message.clone();
        e.patient.names.clear();
        e.patient.birth_date = None;
        e
    };
    let several = {
        let mut e = message.clone();
        e.warn(doubt::SEVERAL_PATIENTS, "2 PID");
        e
    };
    let parked = {
        let mut e = message.clone();
        e.intent = Intent::Unknown;
        e
    };
    let state = |s: IdentifierState| change(&|f| f.candidates[1].identifier = Some(("00412338".into(), s)));
    let table: Vec<(&str, &Envelope, Facts, &str)> = vec![
        ("confirmed", &message, hospital_facts(), "post G01"),
        ("ja65: birth date missing", &missing_birth, hospital_facts(), "post G01"),
        ("ja66: another name", &other_name, hospital_facts(), "triage identity_conflict,no_candidate 1"),
        (
            "another birth date",
            &other_birth,
            hospital_facts(),
            "triage identity_conflict,no_candidate,not_consented 2",
        ),
        ("the number alone", &bare, hospital_facts(), "triage no_candidate 1"),
        ("seen, not confirmed", &message, state(IdentifierState::Candidate), "triage one_candidate 2"),
        ("alias after a merge", &message, state(IdentifierState::Alias), "post G01"),
        ("retired", &message, state(IdentifierState::Retired), "triage one_candidate 2"),
        (
            "no consent",
            &message,
            change(&|f| f.candidates[1].group.as_mut().unwrap().consent_covers_sender = false),
            "triage one_candidate,not_consented 2",
        ),
        ("no group", &message, change(&|f| f.candidates[1].group = None), "triage one_candidate,no_group 2"),
        (
            "frozen",
            &message,
            change(&|f| f.candidates[1].group.as_mut().unwrap().group.state = GroupState::Frozen),
            "triage one_candidate,group_not_open 2",
        ),
        (
            "peer not verified",
            &message,
            change(&|f| f.sender.as_mut().unwrap().endpoint.state = EndpointState::Suspended),
            "triage endpoint_not_verified,one_candidate 2",
        ),
        (
            "two confirmed",
            &message,
            change(&|f| {
                f.candidates[0] = f.candidates[1].clone();
                f.candidates[0].patient.id = "P-X".into();
            }),
            "triage several_candidates 2",
        ),
        ("ja68: several patients", &several, hospital_facts(), "triage several_patients 2"),
        ("a type nobody knows", &parked, hospital_facts(), "triage one_candidate 2"),
    ];
    for (name, envelope, facts, expected) in table {
        assert_eq!(short(&run(envelope, &facts).decision), expected, "{name}");
    }
}

#[test]
fn events_that_are_no_posts() {
    let with = |kind: &str, trigger: &str, change: &dyn Fn(&mut Envelope)| {
        let mut e = hl7(kind, trigger, "", "");
        change(&mut e);
        e
    };
    let same = |_: &mut Envelope| {};
    let status = |s: &'static str| move |e: &mut Envelope| e.event.as_mut().unwrap().status = Some(s.into());
    let table: Vec<(&str, Envelope, &str)> = vec![
        ("update", with("ADT", "A08", &same), "record patient_update"),
        (
            "ja64-like: update that contradicts",
            with("ADT", "A08", &|e| e.patient.birth_date = Some("1938-04-13".into())),
            "triage identity_conflict 1",
        ),
        ("A31", with("ADT", "A31", &same), "record patient_update"),
        ("outpatient", with("ADT", "A04", &same), "record outpatient_registration"),
        ("merge", with("ADT", "A40", &same), "triage merge_requested 1"),
        ("move of a number", with("ADT", "A43", &same), "triage merge_requested 1"),
        (
            "ja92: death",
            with("ADT", "A03", &|e| {
                e.event.as_mut().unwrap().visit.as_mut().unwrap().disposition = Some("20".into());
            }),
            "triage death_notice 1",
        ),
        ("ja19: not final", with("MDM", "T02", &status("PA")), "triage not_released 1"),
        ("final", with("MDM", "T02", &status("LA")), "post G01"),
        (
            "confidential",
            with("MDM", "T02", &|e| e.warn(doubt::CONFIDENTIAL, "TXA-18 R")),
            "triage not_released 1",
        ),
        ("ja18: exists", with("MDM", "T01", &same), "record document_notice"),
        ("status", with("MDM", "T03", &status("LA")), "record document_status"),
        ("ja17 without the document", with("MDM", "T11", &same), "record document_cancelled"),
        ("result", with("ORU", "R01", &same), "post G01"),
    ];
    let mut facts = hospital_facts();
    facts.candidates.remove(0);
    for (name, envelope, expected) in table {
        assert_eq!(short(&run(&envelope, &facts).decision), expected, "{name}");
    }
}

#[test]
fn phone_and_settings() {
    let mut inquiry = fax();
    inquiry.document_kind = Some("prescription_inquiry".into());
    let known = facts(Some(sender("F05", Channel::Fax)));
    assert_eq!(short(&run(&inquiry, &known).decision), "return PhonePlease");
    assert_eq!(short(&run(&inquiry, &facts(None)).decision), "triage phone_only 0");
    let settings = mail(Intent::Preference, "即時は緊急だけ");
    assert_eq!(short(&run(&settings, &nurse()).decision), "triage requested 0");
}

fn returned() -> Envelope {
    let mut bounce = mail(Intent::DeliveryReport, "");
    bounce.report = Some(crate::envelope::Report {
        outcome: crate::envelope::ReportOutcome::Failed,
        recipient: None,
        original: Some("bounce+01jzzzzzzzzzzzzzzzzzzzzzzz@in.example".into()),
        status: Some("5.1.1 550 Unknown user".into()),
    });
    bounce
}

#[test]
fn the_second_hard_bounce_stops_the_address() {
    let bounce = returned();
    let query = crate::facts::FactQuery::of(&bounce, &crate::port::Origin::default());
    assert_eq!(query.bounced, bounce.report.as_ref().unwrap().original);
    let with = |state, hard_before| {
        let mut f = facts(None);
        f.bounced = Some(crate::facts::BouncedEndpoint {
            endpoint_id: "E03".into(),
            state,
            facility: "訪問看護ステーションひなた".into(),
            hard_before,
        });
        decide(&bounce, &f, None, at(NOW)).decision
    };
    let record = Decision::Record { what: "delivery_report".into() };
    assert_eq!(with(EndpointState::Verified, 0), record, "the first one may be a slip");
    assert_eq!(with(EndpointState::Suspended, 4), record, "it is stopped already");
    let Decision::Triage { reasons, .. } = with(EndpointState::Verified, 1) else { panic!("no task") };
    assert!(matches!(&reasons[..], [TriageReason::EndpointUnreachable { endpoint_id, .. }]
        if endpoint_id.as_str() == "E03"));
    // A full mailbox is no dead address.
    let mut full = bounce.clone();
    full.report.as_mut().unwrap().status = Some("5.2.2 Mailbox full".into());
    assert_eq!(crate::facts::FactQuery::of(&full, &crate::port::Origin::default()).bounced, None);
}

#[test]
fn a_contradiction_does_not_hide_behind_another_find() {
    let mut f = nurse();
    f.addressed_group = Some(group_facts("G01", true, true));
    // Found by the confirmed number, and once more without it: the first contradicts, the second is weak.
    f.candidates =
        vec![candidate("G01", Some(("00412338", IdentifierState::Confirmed))), candidate("G01", None)];
    let mut envelope = mail(Intent::Topic, "様子です");
    envelope.patient.birth_date = Some("1950-01-01".into());
    let said = short(&run(&envelope, &f).decision);
    assert!(said.starts_with("triage identity_conflict"), "{said}");
}

#[test]
fn a_recall_is_told_to_the_office_and_unmakes_nothing() {
    let mut recall = mail(Intent::Automatic, "would like to recall the message");
    recall.reply_code = Some("0123456789".into());
    recall.warnings.push(Warning { code: doubt::RECALL_WANTED.into(), detail: String::new() });
    let said = |facts: &Facts| short(&run(&recall, facts).decision);
    assert_eq!(said(&with_code(nurse(), |_| {})), "triage recall_wanted 0");
    assert!(!may_notify(&recall, IdentityLevel::I2));
    assert_eq!(said(&facts(None)), "record automatic", "nobody who is known");
}
