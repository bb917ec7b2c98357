//! What each decision writes, and what a person's click may and may not do.

use super::*;
use crate::cast::*;
use crate::commit::{SuspendReason, TriageOutcome};
use crate::decide::decide;
use crate::decision::Addressees;
use crate::envelope::{Attachment, ContentHash, Report};
use crate::facts::{CodeFacts, Facts, IdentifierState};
use crate::vocabulary::IdentityLevel;

fn counter() -> impl FnMut() -> u128 {
    let mut n = 0_u128;
    move || {
        n += 1;
        n
    }
}

fn run(envelope: &Envelope, facts: &Facts, roster: Option<&GroupRoster>) -> Vec<Effect> {
    let now = at("2026-06-09T10:58");
    let decided = decide(envelope, facts, None, now);
    let intake_id = IntakeId::from("I1");
    let arrival = Arrival {
        facility: None,
        intake_id: &intake_id,
        index: 0,
        received_at: now,
        now,
        envelope,
        decided: &decided,
    };
    let rosters = roster.map(std::slice::from_ref).unwrap_or_default();
    effects(&arrival, rosters, vec!["A1".into()], &mut counter())
}

/// Short names of effects.
fn kinds(effects: &[Effect]) -> Vec<&'static str> {
    effects
        .iter()
        .map(|e| match e {
            Effect::Post { .. } => "post",
            Effect::Acknowledge(_) => "ack",
            Effect::TellAuthor(_) => "tell",
            Effect::ReplayIntake { .. } => "replay",
            Effect::OweAnswerAgain { .. } => "answer again",
            Effect::Deliver(_) => "deliver",
            Effect::Notify { .. } => "notify",
            Effect::OpenTriage { quarantined: true, .. } => "quarantine",
            Effect::OpenTriage { .. } => "triage",
            Effect::CloseTriage { .. } => "close",
            Effect::TeachIdentifier { .. } => "teach",
            Effect::Report { .. } => "report",
            _ => "other",
        })
        .collect()
}

fn nurse_with_code() -> Facts {
    let mut f = facts(Some(sender("F03", Channel::Email)));
    f.code = CodeFacts::Known(Box::new(code("F03")));
    f
}

#[test]
fn who_asks_for_the_status_gets_it_with_the_next_regular_delivery() {
    use crate::sheet_order::SheetOrder;
    let mut f = nurse_with_code();
    let mut roster = roster();
    let mine = crate::cast::endpoint("E-F03", "F03", Channel::Email, &["13:00"]);
    f.sender.as_mut().unwrap().endpoint = mine.clone();
    roster.members.iter_mut().find(|m| m.facility.id.as_str() == "F03").unwrap().endpoints = vec![mine];
    let ask = mail(Intent::SeeReceipts, "状況");
    let all = run(&ask, &f, Some(&roster));
    let [Effect::OrderSheet(sheet)] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(sheet.order, SheetOrder::Status { post_id: "POST1".into() });
    assert_eq!((sheet.endpoint_id.as_str(), sheet.channel), ("E-F03", Channel::Email));
    roster.members.iter_mut().for_each(|m| m.endpoints.clear());
    assert_eq!(kinds(&run(&ask, &f, Some(&roster))), ["triage"], "the address is not theirs any more");
    assert_eq!(kinds(&run(&ask, &f, None)), ["triage"]);
}

#[test]
fn settings_changed_by_mail_leave_a_receipt_everywhere() {
    let mut f = nurse_with_code();
    let mut roster = roster();
    let mine = crate::cast::endpoint("E-F03", "F03", Channel::Email, &["13:00"]);
    let paper = crate::cast::endpoint("E-F03X", "F03", Channel::Fax, &["13:00"]);
    let mut deaf = crate::cast::endpoint("E-F03Y", "F03", Channel::Fax, &[]);
    deaf.settings.receives = false;
    f.sender.as_mut().unwrap().endpoint = mine.clone();
    let member = roster.members.iter_mut().find(|m| m.facility.id.as_str() == "F03").unwrap();
    member.endpoints = vec![mine, paper, deaf];
    let all = run(&mail(Intent::Preference, "設定 まとめ便 9:00 夜間可"), &f, Some(&roster));
    let told: Vec<(&str, &str)> = all
        .iter()
        .filter_map(|e| match e {
            Effect::TellInNext { endpoint_id, words, .. } => Some((endpoint_id.as_str(), words.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(told.iter().map(|t| t.0).collect::<Vec<_>>(), ["E-F03X"]);
    let mail = all.iter().any(|e| {
        matches!(e, Effect::OrderSheet(s) if s.endpoint_id.as_str() == "E-F03" && s.order.code() == "receipt")
    });
    assert!(mail, "{all:?}");
    let Some(Effect::ChangeEndpoint { endpoint_id, change: EndpointChange::Settings { settings, .. } }) =
        all.first()
    else {
        panic!("{all:?}")
    };
    assert_eq!((endpoint_id.as_str(), settings.night_ok), ("E-F03", true));
}

#[test]
fn a_leave_by_mail_names_somebody_or_asks_a_person() {
    let f = nurse_with_code();
    let mut roster = roster();
    let mine = crate::cast::endpoint("E-F03", "F03", Channel::Email, &["13:00"]);
    roster.members.iter_mut().find(|m| m.facility.id.as_str() == "F03").unwrap().endpoints = vec![mine];
    let pause = |body: &str| match run(&mail(Intent::Pause, body), &f, Some(&roster)).remove(0) {
        Effect::BeginPause { pause, .. } => format!("{:?} {:?}", pause.who, pause.substitute),
        Effect::OpenTriage { reasons, .. } => format!("{reasons:?}"),
        other => format!("{other:?}"),
    };
    let own = pause("休止 8/12-8/16");
    assert!(own.contains("Endpoint") && own.contains("None"), "{own}");
    let colleague = pause("休止 8/12-8/16 代理:大塚");
    assert!(colleague.contains("Person") && colleague.contains("大塚 千尋"), "{colleague}");
    let signed = pause("休止 8/12-8/16 代理:大塚\n\n森下 彩");
    assert!(signed.contains("森下 彩"), "{signed}");
    let elsewhere = pause("休止 8/12-8/16 代理:ケアプランセンターつむぎ");
    assert!(elsewhere.contains("Endpoint") && elsewhere.contains("F04"), "{elsewhere}");
    let nobody = pause("休止 8/12-8/16 代理:鈴木");
    assert!(nobody.contains("proved: true"), "{nobody}");
}

#[test]
fn who_leaves_is_asked_and_the_last_one_cannot() {
    let f = nurse_with_code();
    let mut roster = roster();
    let mine = crate::cast::endpoint("E-F03", "F03", Channel::Email, &["13:00"]);
    let office = crate::cast::endpoint("E-F03B", "F03", Channel::Email, &["13:00"]);
    let f03 = |r: &mut GroupRoster, ways| {
        r.members.iter_mut().find(|m| m.facility.id.as_str() == "F03").unwrap().endpoints = ways;
    };
    let asked = |r: &GroupRoster| -> Vec<String> {
        run(&mail(Intent::LeaveGroup, "担当終了"), &f, Some(r))
            .iter()
            .map(|e| match e {
                Effect::OrderSheet(s) => format!("{} {}", s.order.code(), s.endpoint_id),
                Effect::TellInNext { endpoint_id, .. } => format!("tell {endpoint_id}"),
                Effect::OpenTriage { .. } => "triage".to_owned(),
                other => format!("{other:?}"),
            })
            .collect()
    };
    f03(&mut roster, vec![mine.clone()]);
    assert_eq!(asked(&roster), ["leave_confirmation E-F03"]);
    let paper = crate::cast::endpoint("E-F03X", "F03", Channel::Fax, &[]);
    f03(&mut roster, vec![mine, office, paper]);
    assert_eq!(asked(&roster), ["leave_confirmation E-F03B", "tell E-F03X"], "not only whoever wrote");
    roster.members.retain(|m| m.facility.id.as_str() == "F03");
    assert_eq!(asked(&roster), ["triage"], "the last member closes the group with the office");
}

#[test]
fn a_mail_that_says_only_ryokai() {
    let mut envelope = mail(Intent::Acknowledgement, "了解");
    envelope.sender.name = Some("ひなた".into());
    envelope.signature = Some("訪問看護ステーションひなた\n大塚千尋".into());
    envelope.sent_at = Some(at("2026-06-09T10:57"));
    let roster = roster();
    let all = run(&envelope, &nurse_with_code(), Some(&roster));
    let [Effect::Acknowledge(a), Effect::TellAuthor(_)] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((a.post_id.as_str(), a.facility_id.as_str()), ("POST1", "F03"));
    assert_eq!(a.staff_id.as_ref().map(|s| s.as_str()), Some("S03a"), "the signature names her");
    assert_eq!(a.identity_level, IdentityLevel::I2);
    assert_eq!(a.acknowledged_at, at("2026-06-09T10:57"));
    assert_eq!(a.delivery_id.as_ref().map(|d| d.as_str()), Some("D1"));

    envelope.sent_at = Some(at("2026-07-01T00:00"));
    let all = run(&envelope, &nurse_with_code(), Some(&roster));
    let [Effect::Acknowledge(a), Effect::TellAuthor(_)] = all.as_slice() else { panic!() };
    assert_eq!(a.acknowledged_at, at("2026-06-09T10:58"), "a clock in the future is not believed");

    let mut frozen = roster;
    frozen.group.state = GroupState::Frozen;
    assert_eq!(kinds(&run(&envelope, &nurse_with_code(), Some(&frozen))), ["triage"]);
    assert_eq!(kinds(&run(&envelope, &nurse_with_code(), None)), ["triage"]);
}

#[test]
fn a_reply_and_a_sheet() {
    let roster = roster();
    let all = run(&mail(Intent::Reply, "明日訪問します\n\n"), &nurse_with_code(), Some(&roster));
    let Effect::Post { post, attachments } = &all[0] else { panic!() };
    assert_eq!((post.kind, post.topic_id.as_str()), (PostKind::Reply, "TOPIC1"));
    assert_eq!((post.title.as_deref(), post.body.as_str()), (None, "明日訪問します"));
    assert_eq!(attachments.len(), 1);
    assert!(!all.iter().any(|e| matches!(e, Effect::Deliver(d) if d.facility_id.as_str() == "F03")));

    let mut paper = fax();
    paper.sheet = Some(crate::envelope::Sheet {
        reply_code: None,
        code_source: None,
        marks: vec![],
        handwriting: vec![],
        orientation: 0,
        page_of: None,
        closes: vec![],
    });
    let mut f = nurse_with_code();
    f.sender = Some(sender("F03", Channel::Fax));
    let all = run(&paper, &f, Some(&roster));
    assert_eq!((kinds(&all)[0], *kinds(&all).last().unwrap()), ("post", "triage"));
    let Some(Effect::OpenTriage { reasons, candidates, .. }) = all.last() else { panic!() };
    assert_eq!(reasons, &[TriageReason::SheetToConfirm]);
    assert_eq!(candidates[0].post_id.as_ref().map(PostId::as_str), Some("POST1"));
}

#[test]
fn every_refused_code_gets_the_same_answer() {
    let envelope = mail(Intent::Reply, "x");
    let mut expired = nurse_with_code();
    let mut unknown = nurse_with_code();
    let mut revoked = nurse_with_code();
    let mut stranger = nurse_with_code();
    let change = |f: &mut Facts, c: &dyn Fn(&mut crate::facts::CodeEntry)| {
        if let CodeFacts::Known(entry) = &mut f.code {
            c(entry);
        }
    };
    change(&mut expired, &|c| c.expires_at = at("2026-06-01T00:00"));
    change(&mut revoked, &|c| c.revoked_at = Some(at("2026-06-01T00:00")));
    unknown.code = CodeFacts::Unknown;
    stranger.sender = None;
    let mut answers = Vec::new();
    for facts in [&expired, &unknown, &revoked, &stranger] {
        let all = run(&envelope, facts, None);
        let Some(Effect::Notify { notice, channel, address, .. }) = all.last() else { panic!("{all:?}") };
        answers.push((*notice, *channel, address.clone()));
    }
    answers.dedup();
    assert_eq!(answers, [(Notice::Uniform, Channel::Email, "hinata@st.example".to_owned())]);

    let machine = mail(Intent::Automatic, "x");
    assert!(run(&machine, &expired, None).is_empty());
    let mut paper = fax();
    paper.reply_code = Some("0123456789".into());
    assert_eq!(kinds(&run(&paper, &stranger, None)), ["triage"], "an unknown number hears nothing");
}

#[test]
fn a_report_settles_a_job() {
    let mut envelope = mail(Intent::DeliveryReport, "");
    envelope.report = Some(Report {
        outcome: ReportOutcome::Failed,
        recipient: None,
        original: Some("job-7".into()),
        status: Some("話中".into()),
    });
    let all = run(&envelope, &facts(None), None);
    assert_eq!(
        all,
        [Effect::Report {
            job: "job-7".into(),
            route: None,
            state: DeliveryState::Failed,
            detail: "話中".into()
        }]
    );
    envelope.report.as_mut().unwrap().outcome = ReportOutcome::Delayed;
    assert!(run(&envelope, &facts(None), None).is_empty());
}

#[test]
fn headings() {
    let page = |role, pages| Attachment {
        name: None,
        media_type: "image/png".into(),
        size_bytes: 1,
        content_hash: ContentHash::of(b"p"),
        pages,
        role,
    };
    let mut paper = fax();
    assert_eq!(title_of(&paper), "FAX");
    paper.attachments = vec![
        page(AttachmentRole::Source, Some(2)),
        page(AttachmentRole::PageImage, None),
        page(AttachmentRole::PageImage, None),
    ];
    assert_eq!(title_of(&paper), "FAX 2ページ");
    paper.title = Some(" トレーシング\nレポート ".into());
    assert_eq!(title_of(&paper), "トレーシング レポート");
    assert_eq!(title_of(&mail(Intent::Topic, "x")), "(件名なし)");
}

struct Office {
    envelope: Envelope,
    triage_id: TriageId,
    intake_id: IntakeId,
}

impl Office {
    fn with(envelope: Envelope) -> Self {
        Self { envelope, triage_id: "T1".into(), intake_id: "I1".into() }
    }

    fn hand(&self, facility: &str) -> HandPlacement<'_> {
        HandPlacement {
            triage_id: &self.triage_id,
            intake_id: &self.intake_id,
            received_at: at("2026-06-12T14:10"),
            now: at("2026-06-12T14:31"),
            envelope: &self.envelope,
            attachments: vec!["A1".into()],
            under_topic: None,
            heading: None,
            transcript: None,
            facility_id: facility.into(),
            consent_covers: true,
            urgency: Urgency::Normal,
            expectation: ReplyExpectation::Reply,
            addressees: Addressees { facilities: vec!["F02".into()], ..Addressees::default() },
            due_at: Some(at("2026-06-16T12:00")),
            actor_name: "渡部 晶".into(),
        }
    }
}

#[test]
fn s4_the_office_places_a_fax() {
    let office = Office::with(named(fax(), "山本千代", None, Some("1938-04-12")));
    let all = place_by_hand(office.hand("F05"), &roster(), &mut counter()).unwrap();
    let Effect::Post { post, .. } = &all[0] else { panic!() };
    assert_eq!((post.received_at, post.posted_at), (at("2026-06-12T14:10"), at("2026-06-12T14:31")));
    assert_eq!((post.decided_by.as_str(), post.channel), ("渡部 晶", Channel::Fax));
    assert_eq!(post.addressees.len(), 1);
    assert!(!kinds(&all).contains(&"teach"), "paper teaches no numbers");
    let last = all.last().unwrap();
    assert!(matches!(last, Effect::CloseTriage { outcome: TriageOutcome::Placed, .. }));
}

#[test]
fn a_request_to_phone_leaves_a_task_by_whatever_way_it_came() {
    let mut by_fax = fax();
    by_fax.document_kind = Some("prescription_inquiry".into());
    let mut by_mail = by_fax.clone();
    by_mail.channel = Channel::Email;
    by_mail.sender = crate::envelope::Sender { address: Some("kusuri@st.example".into()), ..by_mail.sender };
    for (envelope, channel) in [(by_fax, Channel::Fax), (by_mail, Channel::Email)] {
        let all = run(&envelope, &facts(Some(sender("F05", channel))), None);
        assert_eq!(kinds(&all), ["notify", "triage"], "{channel:?}");
        assert!(
            matches!(&all[1], Effect::OpenTriage { reasons, .. } if *reasons == [TriageReason::PhoneTask])
        );
    }
    let intake = IntakeId::from("I1");
    let by_hand = |by_phone, address: Option<&str>| {
        let item = GiveBack {
            triage_id: &"X1".into(),
            intake_id: &intake,
            envelope_index: 0,
            now: at("2026-06-12T14:31"),
            channel: Channel::Fax,
            address: address.map(str::to_owned),
            by_phone,
        };
        kinds(&give_back(&item, &mut counter()))
    };
    assert_eq!(by_hand(true, Some("0300000105")), ["triage", "notify"]);
    assert_eq!(by_hand(true, None), ["triage"], "nobody can be told, so somebody must call");
    assert_eq!(by_hand(false, Some("0300000105")), ["close", "notify"]);
}

#[test]
fn what_a_person_reads_in_handwriting_is_told_from_the_senders_words() {
    let office = Office::with(fax());
    let placed = |drafted| {
        let text = "6/10(水)16時 ご自宅で担当者会議".into();
        let hand = HandPlacement {
            heading: Some("担当者会議".into()),
            transcript: Some(Transcript { text, drafted }),
            ..office.hand("F05")
        };
        let all = place_by_hand(hand, &roster(), &mut counter()).unwrap();
        let Effect::Post { post, .. } = &all[0] else { panic!() };
        post.clone()
    };
    let post = placed(false);
    assert_eq!(post.title.as_deref(), Some("担当者会議"));
    assert!(
        post.body.ends_with("(手書きからの転記。原本は添付の画像です)\n6/10(水)16時 ご自宅で担当者会議"),
        "{}",
        post.body
    );
    let from_draft = placed(true).body;
    assert!(from_draft.contains("機械の下書き(OCR)を人が画像と読み合わせた転記"), "{from_draft}");
    let plain = place_by_hand(office.hand("F05"), &roster(), &mut counter()).unwrap();
    let Effect::Post { post: plain, .. } = &plain[0] else { panic!() };
    assert!(post.body.starts_with(&plain.body) && !plain.body.contains("転記"));
}

#[test]
fn a_click_reaches_no_further_than_the_consent() {
    let office = Office::with(fax());
    let mut hand = office.hand("F05");
    hand.consent_covers = false;
    assert_eq!(place_by_hand(hand, &roster(), &mut counter()), Err(Blocked::NotConsented));
    let mut partly = roster();
    partly.members[3].consented = false;
    assert_eq!(place_by_hand(office.hand("F05"), &partly, &mut counter()), Err(Blocked::NotConsented));
    let mut closed = roster();
    closed.group.state = GroupState::Closed;
    assert_eq!(place_by_hand(office.hand("F05"), &closed, &mut counter()), Err(Blocked::GroupNotOpen));
}

#[test]
fn placing_a_hospital_message_teaches_its_number_once_the_name_agrees() {
    let taught = |envelope: Envelope| {
        let office = Office::with(envelope);
        let all = place_by_hand(office.hand("F01"), &roster(), &mut counter()).unwrap();
        let numbers = all.into_iter().filter_map(|e| match e {
            Effect::TeachIdentifier { facility_id, identifier, patient_id, state } => {
                Some((facility_id.as_str().to_owned(), identifier, patient_id.as_str().to_owned(), state))
            }
            _ => None,
        });
        numbers.collect::<Vec<_>>()
    };
    let message = hl7("ADT", "A01", "入院", "x");
    let lesson = ("F01".to_owned(), "00412338".to_owned(), "P-G01".to_owned(), IdentifierState::Confirmed);
    assert_eq!(taught(message.clone()), [lesson]);
    assert!(taught(named(message.clone(), "田中 花", None, None)).is_empty());
    let mut foreign = message;
    foreign.patient.identifiers[0].authority = Some("OTHER".into());
    assert!(taught(foreign).is_empty());
}

#[test]
fn the_office_reads_a_sheet() {
    let office = Office::with(fax());
    let decided = decide(&mail(Intent::Reply, "x"), &nurse_with_code(), None, at("2026-06-09T11:42"));
    let Decision::Reply(answer) = decided.decision else { panic!() };
    let returned = ReturnedSheet {
        triage_id: &office.triage_id,
        intake_id: &office.intake_id,
        received_at: at("2026-06-09T11:42"),
        now: at("2026-06-09T11:50"),
        channel: Channel::Fax,
        identity_level: IdentityLevel::I2,
        staff_id: Some("S03a".into()),
        person_name: None,
        actor_name: "渡部 晶".into(),
    };
    let sheet = |acknowledged, call_back| SheetConfirmation {
        returned: &returned,
        answer: &answer,
        acknowledged,
        call_back,
        call_window: Some("午前"),
        attendance: None,
    };
    let roster = roster();
    let both = confirm_sheet(&sheet(true, true), &roster, &mut counter()).unwrap();
    let Effect::Acknowledge(a) = &both[0] else { panic!() };
    assert_eq!(a.acknowledged_at, at("2026-06-09T11:42"));
    let Effect::Post { post, .. } = &both[2] else { panic!() };
    assert_eq!((post.expectation, post.facility_id.as_str()), (ReplyExpectation::Call, "F03"));
    assert!(post.body.contains("午前"), "{}", post.body);
    let neither = confirm_sheet(&sheet(false, false), &roster, &mut counter()).unwrap();
    assert_eq!(kinds(&neither), ["close"]);
    let mut closed = roster;
    closed.group.state = GroupState::Frozen;
    assert_eq!(confirm_sheet(&sheet(true, false), &closed, &mut counter()), Err(Blocked::GroupNotOpen));
}

#[test]
fn a_dead_address_is_stopped_and_its_delivery_failed() {
    let mut bounce = mail(Intent::DeliveryReport, "");
    bounce.report = Some(Report {
        outcome: ReportOutcome::Failed,
        recipient: None,
        original: Some("bounce+01jzzzzzzzzzzzzzzzzzzzzzzz@in.example".into()),
        status: Some("5.1.1 550 Unknown user".into()),
    });
    let mut f = facts(None);
    f.bounced = Some(crate::facts::BouncedEndpoint {
        endpoint_id: "E03".into(),
        state: crate::vocabulary::EndpointState::Verified,
        facility: "訪問看護ステーションひなた".into(),
        hard_before: 1,
    });
    let all = run(&bounce, &f, None);
    assert_eq!(kinds(&all), ["triage", "report", "other"]);
    assert_eq!(all[2], Effect::SuspendEndpoint { endpoint_id: "E03".into(), why: SuspendReason::Bounced });
}

#[test]
fn a_sender_is_told_of_files_that_stay_behind() {
    let mut envelope = mail(Intent::Topic, "計画書を送ります");
    envelope.warn("attachment_macros", "x");
    envelope.warn("photo_unsupported", "x");
    let notices = |effects: Vec<Effect>| {
        effects
            .into_iter()
            .filter_map(|e| match e {
                Effect::Notify { notice, .. } => Some(notice),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let known = facts(Some(sender("F03", Channel::Email)));
    assert_eq!(notices(run(&envelope, &known, None)), [Notice::FilesWithheld, Notice::PhotoUnsupported]);
    assert!(notices(run(&envelope, &facts(None), None)).is_empty(), "a stranger hears nothing");
    envelope.intent = Intent::Automatic;
    assert!(notices(run(&envelope, &known, None)).is_empty(), "a machine hears nothing");
}
