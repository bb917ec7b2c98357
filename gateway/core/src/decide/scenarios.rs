//! The decisions of S1 and S2 (care-network.md 8.2, 8.3), documents after their parents, and what a
//! routing rule may and may not change.

use super::tests::{NOW, run, short};
use super::*;
use crate::cast::*;
use crate::decision::{Addressees, Placement, Then};
use crate::envelope::Visit;
use crate::facts::EarlierPost;
use crate::vocabulary::{ReplyExpectation, Urgency};

fn placed(decided: &Decided) -> &Placement {
    let Decision::Post(p) = &decided.decision else { panic!("{decided:?}") };
    p
}

/// Tells the facts that a placement became a post.
fn remember(facts: &mut Facts, id: &str, envelope: &Envelope, placement: &Placement) {
    facts.earlier_posts.insert(
        0,
        EarlierPost {
            post_id: id.into(),
            topic_id: placement.under_topic.clone().unwrap_or_else(|| id.into()),
            group_id: placement.group_id.clone(),
            event_key: envelope.event.as_ref().unwrap().key.clone().unwrap(),
            body: crate::placement::print_of(envelope),
            urgency: placement.urgency,
            corrects: placement.corrects.clone(),
            version: placement.version,
            event: envelope.event.clone(),
        },
    );
}

#[test]
fn s1_admission() {
    let envelope = hl7("ADT", "A01", "入院のお知らせ", "山本千代様が入院されました。");
    let mut facts = hospital_facts();
    let decided = decide(&envelope, &facts, None, at("2026-06-05T19:52"));
    let p = placed(&decided).clone();
    assert_eq!((p.urgency, p.expectation), (Urgency::Urgent, ReplyExpectation::Reply));
    assert_eq!(p.addressees.facility_types, ["care_management_office"]);
    assert_eq!(p.facility_id.as_str(), "F01");
    assert_eq!(p.due_at, Some(at("2026-06-06T12:00")));
    assert_eq!(decided.rule, None);
    assert!(decided.grounds.iter().any(|g| g.contains("確認済(00412338)")), "{:?}", decided.grounds);
    remember(&mut facts, "A", &envelope, &p);
    assert_eq!(short(&run(&envelope, &facts).decision), "record repetition");
}

#[test]
fn s2_discharge_with_two_corrections() {
    let mut a03 = hl7("ADT", "A03", "退院のお知らせ", "山本千代様が退院されました。");
    a03.event.as_mut().unwrap().recorded_at = Some(at("2026-06-09T10:20"));
    let mut facts = hospital_facts();
    let topic = placed(&run(&a03, &facts)).clone();
    assert_eq!((topic.urgency, topic.expectation), (Urgency::Urgent, ReplyExpectation::Reply));
    assert_eq!(topic.due_at, Some(at("2026-06-09T16:00")));
    assert_eq!(topic.asks[0].expectation, ReplyExpectation::Ack);
    assert_eq!(topic.asks[0].addressees.facility_types, ["home_nursing_station", "pharmacy"]);
    let topic_id = ulid_at("2026-06-09T10:20");
    remember(&mut facts, &topic_id, &a03, &topic);

    // The summary joins the topic, once.
    let mut mdm = hl7("MDM", "T02", "看護サマリー", "PDF");
    mdm.event.as_mut().unwrap().key = Some("document:SKR-NS-2026-000872".into());
    let under = placed(&run(&mdm, &facts)).clone();
    assert_eq!(under.under_topic.as_ref().unwrap().as_str(), topic_id);
    assert_eq!((under.corrects.clone(), under.urgency), (None, Urgency::Normal));
    remember(&mut facts, &ulid_at("2026-06-09T10:31"), &mdm, &under);
    assert_eq!(short(&run(&mdm, &facts).decision), "record repetition");

    let mut a13 = hl7("ADT", "A13", "退院のお知らせ（取消）", "退院の取消が届きました。病院に確認中です。");
    a13.event.as_mut().unwrap().recorded_at = Some(at("2026-06-10T10:45"));
    a13.event.as_mut().unwrap().corrects = a13.event.as_ref().unwrap().stay_keys("A03").pop();
    let cancel = placed(&run(&a13, &facts)).clone();
    assert_eq!(cancel.under_topic.as_ref().unwrap().as_str(), topic_id);
    assert_eq!(cancel.corrects.as_ref().unwrap().as_str(), topic_id);
    assert_eq!(cancel.urgency, Urgency::Urgent);
    assert!(cancel.office_calls, "somebody acts on the discharge: the office calls the hospital");
    let cancel_id = ulid_at("2026-06-10T10:45");
    remember(&mut facts, &cancel_id, &a13, &cancel);
    assert_eq!(short(&run(&a13, &facts).decision), "record repetition");

    // A copy of the first message does not undo the cancellation, whenever it was sent; a new one does.
    let mut late = a03.clone();
    late.sent_at = Some(at("2026-06-11T02:00"));
    assert_eq!(short(&run(&late, &facts).decision), "record repetition");
    let mut again = a03;
    again.event.as_mut().unwrap().recorded_at = Some(at("2026-06-10T11:02"));
    let second = placed(&decide(&again, &facts, None, at("2026-06-10T11:03"))).clone();
    assert_eq!(second.under_topic.as_ref().unwrap().as_str(), topic_id);
    assert_eq!(second.corrects.as_ref().unwrap().as_str(), cancel_id);
    remember(&mut facts, &ulid_at("2026-06-10T11:02"), &again, &second);
    assert_eq!(short(&decide(&again, &facts, None, at("2026-06-11T03:00")).decision), "record repetition");

    // A second cancellation in the same words is news again.
    let mut a13_again = a13;
    a13_again.event.as_mut().unwrap().recorded_at = Some(at("2026-06-10T12:00"));
    assert!(placed(&decide(&a13_again, &facts, None, at("2026-06-10T12:01"))).corrects.is_some());
}

#[test]
fn documents_follow_their_parents() {
    let mut facts = hospital_facts();
    let mut first = hl7("MDM", "T02", "看護サマリー", "v1");
    first.event.as_mut().unwrap().key = Some("document:OLD".into());
    let p = placed(&run(&first, &facts)).clone();
    assert_eq!(p.under_topic, None);
    remember(&mut facts, "DOC1", &first, &p);

    let mut replacement = hl7("MDM", "T10", "看護サマリー（訂正）", "v2");
    let event = replacement.event.as_mut().unwrap();
    event.key = Some("document:NEW".into());
    event.parent_document = Some("OLD".into());
    event.corrects = Some("document:OLD".into());
    let p = placed(&run(&replacement, &facts)).clone();
    assert_eq!(p.corrects.as_ref().unwrap().as_str(), "DOC1");
    assert_eq!(p.version, 2);
    remember(&mut facts, "DOC2", &replacement, &p);
    assert_eq!(short(&run(&replacement, &facts).decision), "record repetition");

    let mut addendum = hl7("MDM", "T06", "看護サマリー（追記）", "追記");
    let event = addendum.event.as_mut().unwrap();
    event.key = Some("document:ADD".into());
    event.parent_document = Some("OLD".into());
    let p = placed(&run(&addendum, &facts)).clone();
    assert_eq!((p.corrects, p.under_topic), (None, Some("DOC1".into())));

    let mut cancelled = hl7("MDM", "T11", "看護サマリー（取消）", "取下げ");
    let event = cancelled.event.as_mut().unwrap();
    event.key = Some("document:OLD".into());
    event.corrects = Some("document:OLD".into());
    assert_eq!(placed(&run(&cancelled, &facts)).corrects.as_ref().unwrap().as_str(), "DOC1");
}

fn ulid_at(text: &str) -> String {
    crate::ids::PostId::fresh(at(text), 7).as_str().to_owned()
}

pub(super) fn verdict(then: Then) -> RuleVerdict {
    RuleVerdict { rule: "discharge".into(), then, values: vec!["種類は ADT A03".into()] }
}

#[test]
fn rules_choose_words_but_never_identity() {
    let post = verdict(Then::Post {
        urgency: Some(Urgency::Emergency),
        expectation: Some(ReplyExpectation::Ack),
        addressees: Addressees { professions: vec!["nurse".into()], ..Addressees::default() },
        asks: vec![],
        document_kind: Some("discharge_info_record".into()),
    });
    let a03 = hl7("ADT", "A03", "退院のお知らせ", "退院");
    let now = at(NOW);
    let decided = decide(&a03, &hospital_facts(), Some(&post), now);
    let p = placed(&decided);
    assert_eq!((p.urgency, p.expectation), (Urgency::Emergency, ReplyExpectation::Ack));
    assert_eq!((p.addressees.professions.len(), p.asks.len()), (1, 0));
    assert_eq!(decided.rule.as_deref(), Some("discharge"));

    // The same rule over a conflict, a stranger and a candidate: nothing is posted.
    let other = named(a03.clone(), "田中 花", None, None);
    assert!(matches!(decide(&other, &hospital_facts(), Some(&post), now).decision, Decision::Triage { .. }));
    let mut unknown = hospital_facts();
    unknown.sender = None;
    let decided = decide(&a03, &unknown, Some(&post), now);
    assert!(matches!(decided.decision, Decision::Triage { .. }) && decided.rule.is_none());

    let stops: Vec<(Then, &str)> = vec![
        (Then::Triage { text: "見てから".into() }, "triage rule 1"),
        (Then::Return { notice: Notice::PhonePlease }, "return PhonePlease"),
        (Then::Quarantine { text: "迷惑".into() }, "quarantine rule"),
        (Then::Discard { text: "広告".into() }, "discard"),
    ];
    let mut facts = hospital_facts();
    facts.candidates.remove(0);
    for (then, expected) in stops {
        let decided = decide(&a03, &facts, Some(&verdict(then)), now);
        assert_eq!(short(&decided.decision), expected);
        assert_eq!(decided.rule.as_deref(), Some("discharge"));
    }
    // A machine's mail is recorded whatever a rule wants.
    let auto = mail(Intent::Automatic, "休暇");
    let wanted = verdict(Then::Return { notice: Notice::Uniform });
    assert_eq!(short(&decide(&auto, &facts, Some(&wanted), now).decision), "record automatic");
}

#[test]
fn a_rule_that_asks_several_things_has_the_strongest_in_front() {
    let types = |t: &str| Addressees { facility_types: vec![t.into()], ..Addressees::default() };
    let ask = |expectation, t| crate::decision::Ask { expectation, addressees: types(t) };
    let rule = verdict(Then::Post {
        urgency: None,
        expectation: None,
        addressees: Addressees::default(),
        asks: vec![
            ask(ReplyExpectation::Ack, "pharmacy"),
            ask(ReplyExpectation::Reply, "care_management_office"),
        ],
        document_kind: None,
    });
    let decided = decide(&hl7("ADT", "A02", "転棟", "x"), &hospital_facts(), Some(&rule), at(NOW));
    let p = placed(&decided);
    assert_eq!(p.expectation, ReplyExpectation::Reply);
    assert_eq!(p.addressees, types("care_management_office"));
    assert_eq!(p.asks, [ask(ReplyExpectation::Ack, "pharmacy")]);
}

#[test]
fn the_correction_of_a_critical_value_keeps_its_urgency() {
    let mut facts = hospital_facts();
    let mut critical = hl7("ORU", "R01", "検体検査結果（緊急）", "カリウム 6.8 mmol/L (HH)");
    critical.urgency = Some(Urgency::Emergency);
    critical.event.as_mut().unwrap().key = Some("result:1".into());
    let p = placed(&run(&critical, &facts)).clone();
    remember(&mut facts, "R1", &critical, &p);
    let mut corrected = hl7("ORU", "R01", "検体検査結果（訂正）", "カリウム 4.8 mmol/L");
    corrected.urgency = Some(Urgency::Urgent);
    let event = corrected.event.as_mut().unwrap();
    event.key = Some("result:1".into());
    event.corrects = Some("result:1".into());
    let p = placed(&run(&corrected, &facts)).clone();
    assert_eq!((p.urgency, p.corrects.is_some()), (Urgency::Emergency, true));
    // Nothing before it: as urgent as it says itself.
    assert_eq!(placed(&run(&corrected, &hospital_facts())).urgency, Urgency::Urgent);
}

#[test]
fn a_merge_shows_both_records_and_changes_nothing() {
    use crate::envelope::Identifier;
    use crate::facts::IdentifierState;
    let mut merge = hl7("ADT", "A40", "患者番号の統合", "");
    merge.event.as_mut().unwrap().retired =
        vec![Identifier { id: "00412383".into(), authority: None, kind: None }];
    let mut facts = hospital_facts();
    facts.candidates = vec![
        candidate("G01", Some(("00412338", IdentifierState::Confirmed))),
        candidate("G03", Some(("00412383", IdentifierState::Confirmed))),
    ];
    let Decision::Triage { reasons, candidates } = run(&merge, &facts).decision else { panic!() };
    assert_eq!(reasons, [crate::decision::TriageReason::MergeRequested]);
    let said = |patient: &str| {
        let one = candidates.iter().find(|c| c.patient_id.as_str() == patient).unwrap();
        one.reasons_for[0].clone()
    };
    assert!(said("P-G01").contains("残る番号"), "{}", said("P-G01"));
    assert!(said("P-G03").contains("使われなくなる番号"), "{}", said("P-G03"));
}

#[test]
fn announcements_and_withdrawals_need_something_to_correct() {
    let mut announced = hl7("MDM", "T09", "看護サマリー（差替えの知らせ）", "新しい版ができました。");
    let event = announced.event.as_mut().unwrap();
    event.key = Some("document:NEW".into());
    event.corrects = Some("document:OLD".into());
    let mut gone = hl7("MDM", "T03", "看護サマリー（取消）", "使わないでください。");
    gone.warn(doubt::WITHDRAWN, "TXA-19 CA");
    let event = gone.event.as_mut().unwrap();
    event.key = Some("document:OLD".into());
    event.corrects = Some("document:OLD".into());
    let mut facts = hospital_facts();
    assert_eq!(short(&run(&announced, &facts).decision), "record document_notice");
    assert_eq!(short(&run(&gone, &facts).decision), "record document_cancelled");
    let mut first = hl7("MDM", "T02", "看護サマリー", "v1");
    first.event.as_mut().unwrap().key = Some("document:OLD".into());
    let p = placed(&run(&first, &facts)).clone();
    remember(&mut facts, "DOC1", &first, &p);
    assert!(placed(&run(&announced, &facts)).corrects.is_some());
    assert!(placed(&run(&gone, &facts)).corrects.is_some());
}

#[test]
fn a_rule_may_post_what_is_only_recorded() {
    let order = hl7("OMG", "O19", "検査・処置の依頼", "・胸部単純撮影");
    let facts = hospital_facts();
    assert_eq!(short(&run(&order, &facts).decision), "record parked");
    let verdict = RuleVerdict {
        rule: "依頼も投稿する".into(),
        then: Then::Post {
            urgency: None,
            expectation: None,
            addressees: Addressees::default(),
            asks: Vec::new(),
            document_kind: None,
        },
        values: Vec::new(),
    };
    assert_eq!(short(&decide(&order, &facts, Some(&verdict), at(NOW)).decision), "post G01");
}

#[test]
fn a_fhir_document_joins_the_stay() {
    let mut facts = hospital_facts();
    let a03 = hl7("ADT", "A03", "退院のお知らせ", "山本千代様が退院されました。");
    let topic = placed(&run(&a03, &facts)).clone();
    remember(&mut facts, "A03", &a03, &topic);
    facts.sender = Some(sender("F01", Channel::Api));
    let mut document = hl7("Bundle", "", "退院時サマリー", "【退院時方針指示】");
    document.channel = Channel::Api;
    document.format = crate::vocabulary::Format::Fhir;
    let event = document.event.as_mut().unwrap();
    event.key = Some("document:SKR-DS-2026-000431".into());
    event.status = Some("final".into());
    let p = placed(&run(&document, &facts)).clone();
    assert_eq!(p.under_topic.as_ref().unwrap().as_str(), "A03");
    remember(&mut facts, "DOC", &document, &p);
    assert_eq!(short(&run(&document, &facts).decision), "record repetition");
    document.event.as_mut().unwrap().status = Some("preliminary".into());
    document.body = Some("別の本文".into());
    assert!(short(&run(&document, &facts).decision).starts_with("triage not_released"));
    let mut dead = document.clone();
    dead.warn(doubt::DEATH, "deceasedBoolean");
    assert!(short(&run(&dead, &facts).decision).starts_with("triage death_notice"));
}

#[test]
fn updates_tell_a_team_what_it_needs_and_nothing_else() {
    let visit = |doctor: &str| Visit { attending: Some(doctor.into()), ..Visit::default() };
    let update = |trigger: &str, key: &str, body: &str, doctor: &str| {
        let mut envelope = hl7("ADT", trigger, "お知らせ", body);
        let event = envelope.event.as_mut().unwrap();
        event.key = Some(key.into());
        event.visit = Some(visit(doctor));
        envelope
    };
    let mut facts = hospital_facts();
    let silent = |e: &Envelope, facts: &Facts| short(&run(e, facts).decision);
    // Nothing is known of a doctor yet, so that his name is no news; A54 says that he changed.
    let same = update("A08", "doctor:00412338", "担当医は藤井 貴医師です。", "藤井 貴");
    assert_eq!(silent(&same, &facts), "record patient_update");
    let mut admission = hl7("ADT", "A01", "入院のお知らせ", "入院");
    admission.event.as_mut().unwrap().visit =
        Some(Visit { number: Some("V1".into()), ..visit("藤井　貴") });
    admission.event.as_mut().unwrap().key = Some("stay:V1:A01".into());
    let placement = placed(&run(&admission, &facts)).clone();
    remember(&mut facts, "ADM", &admission, &placement);
    assert_eq!(silent(&same, &facts), "record patient_update", "the same doctor");
    let other = update("A08", "doctor:00412338", "担当医は中村 明医師です。", "中村 明");
    let placement = placed(&run(&other, &facts)).clone();
    assert_eq!(placement.corrects, None);
    remember(&mut facts, "DOC", &other, &placement);
    assert_eq!(silent(&other, &facts), "record patient_update", "told once");
    let told = update("A54", "doctor:00412338", "担当医が中村 明医師に変わりました。", "中村 明");
    assert!(matches!(run(&told, &facts).decision, Decision::Post(_)));

    let allergy = update("A08", "allergies:00412338", "・ペニシリン", "中村 明");
    let placement = placed(&run(&allergy, &facts)).clone();
    remember(&mut facts, "AL1", &allergy, &placement);
    assert_eq!(silent(&allergy, &facts), "record repetition");
    let more = update("A08", "allergies:00412338", "・ペニシリン\n・卵", "中村 明");
    assert_eq!(placed(&run(&more, &facts)).corrects.as_ref().unwrap().as_str(), "AL1");
    // Of somebody who is in no group nobody is told, and nobody has to look.
    let mut stranger = hospital_facts();
    stranger.candidates.clear();
    assert_eq!(silent(&allergy, &stranger), "record patient_update");
}

#[test]
fn a_draft_that_was_made_final_is_posted() {
    let mut draft = hl7("MDM", "T02", "退院時サマリー（未確定）", "本文");
    let event = draft.event.as_mut().unwrap();
    event.document = Some("D-1".into());
    event.key = Some("document:D-1".into());
    event.status = Some("IP".into());
    draft.warn(doubt::NOT_FINAL, "draft");
    assert_eq!(draft.draft_document(), Some("D-1"));
    assert!(short(&run(&draft, &hospital_facts()).decision).starts_with("triage"));
    make_final(&mut draft);
    assert_eq!(draft.title.as_deref(), Some("退院時サマリー"));
    assert_eq!(draft.draft_document(), None);
    assert!(matches!(run(&draft, &hospital_facts()).decision, Decision::Post(_)));
}
