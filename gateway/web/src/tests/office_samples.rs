//! What the network office sees of scenario S2, as rows of the store.

use super::samples::{Tongue, at, attachment, facility, group, patient, staff};
use kakehashi_core::audit::{AuditEntry, Said};
use kakehashi_core::commit::Actor;
use kakehashi_core::decision::{Answer, Candidate, Decided, Decision, TriageReason};
use kakehashi_core::directory::{ClockTime, DigestTime, Endpoint, EndpointSettings, Patient, QuietHours};
use kakehashi_core::envelope::{
    Charset, ContentHash, Envelope, Event, Identifier, Mark, MarkState, NameKind, PatientName, Report,
    ReportOutcome, Sheet, Visit,
};
use kakehashi_core::ids::*;
use kakehashi_core::port::{InterfaceStatus, MessageField, MessageSegment, MessageText, Origin};
use kakehashi_core::vocabulary::*;
use kakehashi_store::view::*;

fn endpoint(
    t: Tongue,
    facility: &str,
    channel: Channel,
    address: &str,
    settings: EndpointSettings,
) -> Endpoint {
    Endpoint {
        id: EndpointId::new(format!("{facility}-e")),
        facility_id: FacilityId::new(facility),
        channel,
        address: t.say(address),
        state: EndpointState::Verified,
        settings,
    }
}

pub(super) fn envelope(t: Tongue) -> Envelope {
    let mut e = Envelope::empty(Channel::Fax, Format::Rfc5322, ContentHash::of(b"raw"));
    e.message_id = t.some("20260610.0815@fax.example");
    e.sender.name = t.some("カワダイイン");
    e.sender.address = t.some("fax@provider.example");
    e.sender.number = t.some("0300000777");
    e.sender.facility = t.some("川田医院");
    e.sender.application = t.some("FAX-to-mail");
    e.intent = Intent::Topic;
    e.reply_code = t.some("0123456789");
    e.patient.names =
        vec![PatientName {
            text: t.say("山本千代"), kana: t.some("ヤマモト チヨ"), kind: NameKind::Kanji
        }];
    e.patient.identifiers =
        vec![Identifier { id: t.say("00412338"), authority: t.some("SAKURAMI"), kind: t.some("PI") }];
    e.patient.birth_date = t.some("1938-04");
    e.patient.group_alias = t.some("つばき01");
    e.occurred_at = Some(at("10T08:00"));
    e.sent_at = Some(at("10T08:14"));
    e.title = t.some("連絡票");
    e.body = t.some("山本千代様 昭和13年4月生\n先週より咳、抗菌薬開始。\nご家族より連携希望。");
    e.quoted = t.some("> 前回");
    e.signature = t.some("川田医院");
    e.urgency = Some(Urgency::Urgent);
    e.reply_expectation = Some(ReplyExpectation::Reply);
    e.document_kind = t.some("contact_sheet");
    e.sheet = Some(Sheet {
        reply_code: t.some("0123456789"),
        code_source: t.some("qr"),
        marks: vec![
            Mark { name: "acknowledge".into(), state: MarkState::Marked, confidence: 0.9 },
            Mark { name: t.say("call_back"), state: MarkState::Unsure, confidence: 0.4 },
        ],
        handwriting: Vec::new(),
        orientation: 0,
        page_of: None,
        closes: Vec::new(),
    });
    e.event = Some(Event {
        kind: t.some("ADT"),
        trigger: t.some("A03"),
        control_id: t.some("2026060910200001"),
        status: t.some("AU"),
        charset: Some(Charset { declared: t.some("~ISO IR87"), used: t.say("ISO-2022-JP") }),
        visit: Some(Visit {
            ward: t.some("5E"),
            room: t.some("512"),
            attending: t.some("藤井 貴"),
            admitted_at: Some(at("05T19:40")),
            ..Visit::default()
        }),
        ..Event::default()
    });
    e.report = Some(Report {
        outcome: ReportOutcome::Failed,
        recipient: t.some("0300000104"),
        original: t.some("job-1"),
        status: t.some("busy"),
    });
    e.warn("charset_guessed", t.say("CP932"));
    e.warn(&t.say("odd"), t.say("something"));
    e
}

pub(super) fn triage_rows(t: Tongue) -> Vec<TriageRow> {
    let row =
        |id: &str, channel, sender: &str, title: Option<&str>, reasons, when: &str, candidates| TriageRow {
            id: TriageId::new(id),
            intake_id: IntakeId::new("I1"),
            channel,
            sender: t.say(sender),
            title: title.map(|s| t.say(s)),
            reasons,
            quarantined: false,
            received_at: at(when),
            candidate_count: candidates,
        };
    vec![
        row(
            "X1",
            Channel::Fax,
            "03-0000-0777",
            None,
            vec![TriageReason::UnknownSender, TriageReason::SeveralCandidates],
            "09T13:05",
            2,
        ),
        row(
            "X2",
            Channel::Fax,
            "あおぞら薬局桜見店",
            Some("返信票"),
            vec![TriageReason::SheetToConfirm],
            "09T13:48",
            1,
        ),
        row(
            "X3",
            Channel::Email,
            "info@unknown.example",
            Some("在宅の件"),
            vec![
                TriageReason::Rule { text: t.say("広告の疑い") },
                TriageReason::Unreadable { code: t.say("damaged") },
            ],
            "09T13:55",
            0,
        ),
    ]
}

pub(super) fn triage_item(t: Tongue, sheet: bool) -> TriageItem {
    let candidate = |id: &str, alias: &str, name: &str, birth: &str, blocked, good: &[&str], bad: &[&str]| {
        TriageCandidate {
            candidate: Candidate {
                patient_id: PatientId::new(id),
                group_id: Some(GroupId::new(id)),
                post_id: None,
                reasons_for: good.iter().map(|s| t.say(s)).collect(),
                reasons_against: bad.iter().map(|s| t.say(s)).collect(),
                blocked,
            },
            patient: Patient { name: t.say(name), birth_date: t.some(birth), ..patient(t) },
            group: Some(group(t, id, alias)),
            topic_title: t.some("退院のお知らせ"),
        }
    };
    let answer = Answer {
        group_id: GroupId::new("G01"),
        post_id: PostId::new("T1"),
        topic_id: PostId::new("T1"),
        facility_id: FacilityId::new("F05"),
        reply_code: t.some("0123456789"),
        delivery_id: None,
        sheet_to_confirm: true,
        sheet_says: Vec::new(),
        status_to: None,
        staff_id: None,
        untouched: true,
    };
    let mut row = triage_rows(t).remove(usize::from(sheet));
    row.id = TriageId::new("X1");
    TriageItem {
        companions: Vec::new(),
        joinable: Vec::new(),
        row,
        envelope_index: 0,
        envelope: Some(envelope(t)),
        attachments: vec![
            attachment(t, "A2", AttachmentRole::PageImage, "image/png", "page1.png", None),
            attachment(t, "A3", AttachmentRole::Source, "application/pdf", "fax.pdf", Some(1)),
        ],
        candidates: vec![
            candidate(
                "G01",
                "つばき01",
                "山本 千代",
                "1938-04-12",
                None,
                &["名前が一致", "生年月が合う(昭和13年4月)"],
                &["川田医院は番号が未登録です"],
            ),
            candidate(
                "G03",
                "なでしこ03",
                "山本 千代子",
                "1938-04-21",
                Some(TriageReason::NotConsented),
                &["生年月が合う(昭和13年4月)", "糖尿病で内科に通院中"],
                &["名前に「子」がない"],
            ),
        ],
        sender_facility: sheet.then(|| facility(t, "F05", "あおぞら薬局桜見店")),
        closed: None,
        decided: Some(Decided {
            decision: if sheet {
                Decision::Reply(answer)
            } else {
                Decision::Triage { reasons: vec![TriageReason::UnknownSender], candidates: Vec::new() }
            },
            rule: t.some("広告FAXは破棄"),
            identity_level: IdentityLevel::I2,
            grounds: vec![
                t.say("番号 03-0000-0777 は登録されていません"),
                t.say("名前と生年月が合う患者さんが2人います"),
            ],
        }),
    }
}

pub(super) fn intake(t: Tongue) -> IntakeView {
    IntakeView {
        id: IntakeId::new("I1"),
        channel: Channel::Fax,
        format: Format::Rfc5322,
        received_at: at("09T13:05"),
        size_bytes: 90_000,
        content_hash: ContentHash::of(b"raw"),
        sender_message_id: t.some("20260610.0815@fax.example"),
        origin: Origin {
            listener: t.say("smtp"),
            peer: t.some("192.0.2.7"),
            mail_from: t.some("fax@provider.example"),
            rcpt_to: vec![t.say("fax@in.example")],
            ..Origin::default()
        },
        state: IntakeState::Triage,
        envelopes: vec![envelope(t), envelope(t)],
        decided: vec![
            triage_item(t, false).decided.unwrap(),
            Decided {
                decision: Decision::Discard { reason: t.say("広告") },
                rule: None,
                identity_level: IdentityLevel::I0,
                grounds: vec![t.say("患者名なし")],
            },
        ],
        posts: vec![(GroupId::new("G01"), PostId::new("T1"))],
        triage: vec![TriageId::new("X1")],
    }
}

pub(super) fn intake_rows(t: Tongue) -> Vec<IntakeRow> {
    [IntakeState::Posted, IntakeState::Triage, IntakeState::Discarded, IntakeState::Recorded]
        .into_iter()
        .map(|state| IntakeRow {
            id: IntakeId::new("I1"),
            channel: Channel::Hl7,
            received_at: at("09T10:20"),
            sender_message_id: t.some("2026060910200001"),
            state,
            rule: t.some("退院の知らせは至急"),
        })
        .collect()
}

pub(super) fn outbox(t: Tongue) -> Vec<OutboxRow> {
    let row = |channel, state, name: &str, address: &str, detail: Option<&str>| OutboxRow {
        id: DeliveryId::new("D1"),
        facility_name: t.say(name),
        channel,
        address: t.say(address),
        mode: DeliveryMode::Instant,
        state,
        due_at: at("09T14:35"),
        state_at: at("09T13:40"),
        attempt_count: 3,
        last_detail: detail.map(|d| t.say(d)),
        resend_possible: state == DeliveryState::Unknown,
        phone: t.some("03-0000-0104"),
        items: vec![OutboxItem {
            group_id: GroupId::new("G01"),
            group_alias: t.say("つばき01"),
            title: t.some("退院のお知らせ"),
            topic_id: PostId::new("T1"),
            post_id: PostId::new("T1"),
        }],
    };
    vec![
        row(
            Channel::PhoneMemo,
            DeliveryState::HandedOff,
            "ヘルパーステーションこもれび",
            "08000000303",
            None,
        ),
        row(Channel::Fax, DeliveryState::Failed, "はなみ歯科医院", "0300000108", Some("busy (話し中)")),
        row(
            Channel::Email,
            DeliveryState::Unknown,
            "訪問看護ステーションひなた",
            "hinata@st.example",
            Some("connection lost after DATA"),
        ),
        row(Channel::Fax, DeliveryState::Held, "ケアプランセンターつむぎ", "0300000104", None),
        row(Channel::Fax, DeliveryState::Delivered, "あおぞら薬局桜見店", "0300000105", None),
    ]
}

pub(super) fn facilities(t: Tongue) -> Vec<FacilityCard> {
    let digest = |h| DigestTime { days: vec![], at: ClockTime::new(h, 0).unwrap() };
    let card = |id: &str, name: &str, kind: (&str, &str), people: &[&str], endpoints| FacilityCard {
        facility: facility(t, id, name),
        facility_type_name: (t.say(kind.0), t.say(kind.1)),
        endpoints,
        staff: people.iter().map(|p| staff(t, id, p)).collect(),
        group_count: 3,
        pauses: Vec::new(),
    };
    let fax = EndpointSettings {
        instant_threshold: Urgency::Urgent,
        digests: vec![digest(9), digest(16)],
        quiet_hours: Some(QuietHours {
            from: ClockTime::new(17, 30).unwrap(),
            until: ClockTime::new(8, 30).unwrap(),
        }),
        night_ok: true,
        hold_seconds: 60,
        ..EndpointSettings::default()
    };
    vec![
        card(
            "F03",
            "訪問看護ステーションひなた",
            ("訪問看護ステーション", "home nursing station"),
            &["大塚 千尋", "森下 彩"],
            vec![endpoint(
                t,
                "F03",
                Channel::Email,
                "hinata@st.example",
                EndpointSettings { digests: vec![digest(13)], ..EndpointSettings::default() },
            )],
        ),
        card(
            "F04",
            "ケアプランセンターつむぎ",
            ("居宅介護支援", "care management office"),
            &["高梨 由美子", "木下 昌平"],
            vec![endpoint(t, "F04", Channel::Fax, "0300000104", fax)],
        ),
        card(
            "F07",
            "デイサービス陽だまり",
            ("通所介護", "day service"),
            &["岡本 亮"],
            vec![
                endpoint(
                    t,
                    "F07",
                    Channel::Api,
                    "deadbeef",
                    EndpointSettings { receives: false, ..EndpointSettings::default() },
                ),
                Endpoint {
                    state: EndpointState::Unverified,
                    ..endpoint(t, "F07", Channel::Fax, "0300000107", EndpointSettings::default())
                },
            ],
        ),
        card("F09", "桜見区医師会 在宅連携事務局", ("医師会", "medical association"), &[], vec![]),
    ]
}

pub(super) fn audit(t: Tongue) -> Vec<AuditEntry> {
    let said = Said { action: "post".into(), subject: "post/T1".into(), detail: "{}".into() };
    let first = AuditEntry::after(None, at("09T10:20"), &Actor::Gateway, said);
    let second = AuditEntry {
        seq: 2,
        actor: format!("{{\"kind\":\"login_user\",\"id\":{}}}", serde_json::json!(t.say("watanabe"))),
        action: t.say("close_triage"),
        subject: t.say("triage/X1"),
        detail: t.say("{\"outcome\":\"placed\"}"),
        ..first.clone()
    };
    vec![second, first]
}

pub(super) fn interfaces(t: Tongue) -> (Vec<InterfaceRow>, Vec<InterfaceStatus>) {
    let row = InterfaceRow {
        name: t.say("sakurami_ch"),
        facility_name: t.some("桜見中央病院"),
        receives: true,
        message_count: 40,
        fault_count: 3,
        last_at: Some(at("09T10:20")),
        waiting_count: 2,
        waiting_since: Some(at("09T10:00")),
        failed_count: 1,
        answers: vec![
            UntakenAnswer {
                intake_id: IntakeId::new("I1"),
                owed_at: at("09T10:00"),
                attempts: 1,
                refusal: t.some("AR 207 Application internal error"),
            },
            UntakenAnswer {
                intake_id: IntakeId::new("I2"),
                owed_at: at("09T10:10"),
                attempts: 7,
                refusal: None,
            },
        ],
    };
    let running = InterfaceStatus {
        name: t.say("sakurami_ch"),
        listen: t.say("0.0.0.0:2575"),
        connection_count: Some(2),
        outgoing: t.some("10.20.0.5:2576"),
        certificate_until: Some(at("20T00:00")),
    };
    let folder =
        InterfaceStatus { name: t.say("folder"), listen: t.say("/srv/hl7"), ..InterfaceStatus::default() };
    (vec![row], vec![running, folder])
}

pub(super) fn messages(t: Tongue) -> Vec<MessageRow> {
    vec![MessageRow {
        id: IntakeId::new("I1"),
        received_at: at("09T10:20"),
        state: IntakeState::Posted,
        control_id: t.some("2026060910200001"),
        kind: t.some("ADT^A03"),
        patients: vec![t.say("00412338")],
        interface: t.some("sakurami_ch"),
        answer: t.some("AE 101 Required field missing"),
    }]
}

pub(super) fn message_text(t: Tongue) -> MessageText {
    MessageText {
        raw: t.say("PID|1||00412338"),
        charset: t.say("ISO-2022-JP"),
        segments: vec![MessageSegment {
            name: t.say("PID"),
            ja: t.say("患者"),
            en: t.say("patient"),
            fields: vec![MessageField {
                place: t.say("PID-3"),
                ja: t.say("患者ID"),
                en: t.say("patient identifiers"),
                values: vec![t.say("00412338")],
            }],
        }],
    }
}

/// The FAX desk with one of everything.
pub(super) fn fax_desk(t: Tongue) -> crate::views::fax::Desk {
    use kakehashi_core::sheet_order::SheetOrder;
    let out = |state, detail: Option<&str>, sheet: Option<SheetOrder>, waits_for_cover| FaxOut {
        id: DeliveryId::new("D1"),
        facility_name: t.say("ケアプランセンターつむぎ"),
        number: t.say("0300000104"),
        state,
        due_at: at("09T14:35"),
        state_at: at("09T13:40"),
        attempt_count: 2,
        pages: 3,
        route: t.say("FAX"),
        waits_for_cover,
        sheet,
        last_detail: detail.map(|d| t.say(d)),
        resend_possible: false,
        endpoint_id: Some("E04".into()),
        phone: t.some("03-0000-0104"),
        items: vec![OutboxItem {
            group_id: GroupId::new("G01"),
            group_alias: t.say("つばき01"),
            title: t.some("退院のお知らせ"),
            topic_id: PostId::new("T1"),
            post_id: PostId::new("T1"),
        }],
    };
    let number = |state, proposed: Option<&str>| FaxNumber {
        endpoint: Endpoint {
            id: "E04".into(),
            facility_id: FacilityId::new("F04"),
            channel: Channel::Fax,
            address: t.say("0300000104"),
            state,
            settings: EndpointSettings::default(),
        },
        facility_name: t.say("ケアプランセンターつむぎ"),
        page_count: 41,
        verified_at: Some(at("01T09:00")),
        proposed: proposed.map(|made_by| NumberChange {
            id: "N1".into(),
            after: t.say("0300000121"),
            made_at: at("09T11:00"),
            made_by: made_by.to_owned(),
        }),
        settings_changed: Some(NumberChange {
            id: "C1".into(),
            after: String::new(),
            made_at: at("09T10:00"),
            made_by: "U1".into(),
        }),
    };
    crate::views::fax::Desk {
        incoming: vec![FaxIn {
            id: IntakeId::new("I1"),
            received_at: at("09T11:42"),
            state: IntakeState::Posted,
            first_page: Some("A1".into()),
            pages: 2,
            triage: Some("X1".into()),
            facility_name: t.some("あおぞら薬局桜見店"),
            topic: Some((GroupId::new("G01"), PostId::new("T1"))),
        }],
        outgoing: vec![
            out(DeliveryState::Delivered, None, None, false),
            out(DeliveryState::Failed, Some("話し中"), None, false),
            out(DeliveryState::Held, None, Some(SheetOrder::Preference), true),
        ],
        numbers: vec![
            number(EndpointState::Verified, None),
            number(EndpointState::Stale, Some("U9")),
            number(EndpointState::Suspended, Some("U1")),
        ],
        routes: vec![FaxRoute {
            name: t.say("FAX"),
            job_count: 12,
            page_count: 30,
            delivered_count: 10,
            unknown_count: 1,
            failed_count: 1,
            last_at: Some(at("09T13:40")),
            open_until: Some(at("09T14:40")),
            last_fault: Some((at("09T13:40"), t.say("421 try again"))),
        }],
        settings: PaperSettings { page_cost: 850, ..PaperSettings::default() },
        paper: kakehashi_core::facts::PaperTrust::default(),
        me: "U1".to_owned(),
        find: t.some("03-0000"),
    }
}
