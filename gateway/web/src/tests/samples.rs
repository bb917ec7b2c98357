//! The discharge of scenario S2 (care-network.md 8.3) as rows of the store. Every text goes through
//! [`Tongue`], so that the same rows can be made hostile.

use kakehashi_core::clock::UtcMicros;
use kakehashi_core::directory::{ClockTime, Day, Facility, OpenHours, Patient, PatientGroup, StaffMember};
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::ids::*;
use kakehashi_core::post::{Acknowledgement, Addressee, Post, PostKind, StoredAttachment};
use kakehashi_core::vocabulary::*;
use kakehashi_store::view::*;

/// How the samples speak.
#[derive(Clone, Copy)]
pub(super) enum Tongue {
    Friendly,
    Hostile,
}

pub(super) const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'`{{csrf}}";

impl Tongue {
    pub(super) fn say(self, text: &str) -> String {
        match self {
            Self::Friendly => text.to_owned(),
            Self::Hostile => format!("{text}{EVIL}"),
        }
    }

    pub(super) fn some(self, text: &str) -> Option<String> {
        Some(self.say(text))
    }
}

pub(super) fn at(text: &str) -> UtcMicros {
    UtcMicros::from_rfc3339(&format!("2026-06-{text}:00+09:00")).unwrap()
}

pub(super) fn now() -> UtcMicros {
    at("09T14:00")
}

const MEMBERS: [(&str, &str, &str, Channel); 7] = [
    ("F02", "若葉在宅クリニック", "佐伯 直人", Channel::Web),
    ("F03", "訪問看護ステーションひなた", "大塚 千尋", Channel::Email),
    ("F04", "ケアプランセンターつむぎ", "高梨 由美子", Channel::Fax),
    ("F05", "あおぞら薬局桜見店", "三浦 健", Channel::Fax),
    ("F06", "ヘルパーステーションこもれび", "井口 真理", Channel::PhoneMemo),
    ("F07", "デイサービス陽だまり", "岡本 亮", Channel::Api),
    ("F08", "はなみ歯科医院", "花井 修", Channel::Fax),
];

pub(super) fn facility(t: Tongue, id: &str, name: &str) -> Facility {
    Facility {
        id: FacilityId::new(id),
        name: t.say(name),
        short_name: t.say(name),
        facility_type: "home_nursing_station".into(),
        phone: t.some("03-0000-0103"),
        business_hours: vec![OpenHours {
            days: vec![Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri],
            from: ClockTime::new(9, 0).unwrap(),
            until: ClockTime::new(17, 30).unwrap(),
        }],
        is_network_office: id == "F09",
    }
}

pub(super) fn staff(t: Tongue, facility: &str, name: &str) -> StaffMember {
    StaffMember {
        id: StaffId::new(format!("{facility}-1")),
        facility_id: FacilityId::new(facility),
        name: t.say(name),
        professions: vec!["nurse".into()],
        left_at: None,
    }
}

pub(super) fn patient(t: Tongue) -> Patient {
    Patient {
        id: PatientId::new("G01"),
        name: t.say("山本 千代"),
        kana: t.say("ヤマモト チヨ"),
        birth_date: Some("1938-04-12".into()),
        sex: Some("F".into()),
        summary: t.some("要介護3 ・ 心不全 ・ 軽度認知症"),
    }
}

pub(super) fn group(t: Tongue, id: &str, alias: &str) -> PatientGroup {
    PatientGroup {
        id: GroupId::new(id),
        patient_id: PatientId::new(id),
        alias: t.say(alias),
        address: "g-tsubaki01".into(),
        state: GroupState::Open,
    }
}

pub(super) struct PostSample<'a> {
    pub(super) id: &'a str,
    pub(super) kind: PostKind,
    pub(super) facility: &'a str,
    pub(super) name: &'a str,
    pub(super) person: &'a str,
    pub(super) channel: Channel,
    pub(super) title: &'a str,
    pub(super) body: &'a str,
    pub(super) at: &'a str,
}

pub(super) fn post(t: Tongue, s: &PostSample<'_>) -> PostView {
    PostView {
        post: Post {
            id: PostId::new(s.id),
            group_id: GroupId::new("G01"),
            topic_id: PostId::new("T1"),
            kind: s.kind,
            corrects: None,
            version: 1,
            facility_id: FacilityId::new(s.facility),
            staff_id: None,
            author_name: None,
            proxy: None,
            channel: s.channel,
            urgency: Urgency::Normal,
            expectation: ReplyExpectation::None,
            due_at: None,
            title: (!s.title.is_empty()).then(|| t.say(s.title)),
            body: t.say(s.body),
            quoted: None,
            signature: None,
            document_kind: None,
            occurred_at: None,
            received_at: at(s.at),
            posted_at: at(s.at),
            intake_id: Some(IntakeId::new("I1")),
            event_key: None,
            decided_by: t.say("退院の知らせは至急、ケアマネに返信を求める"),
            addressees: Vec::new(),
            liaison: Vec::new(),
        },
        facility_name: t.say(s.name),
        staff_name: (!s.person.is_empty()).then(|| t.say(s.person)),
        attachments: Vec::new(),
        receipts: Vec::new(),
        read: true,
    }
}

pub(super) fn attachment(
    t: Tongue,
    id: &str,
    role: AttachmentRole,
    media_type: &str,
    name: &str,
    pages: Option<u32>,
) -> StoredAttachment {
    StoredAttachment {
        id: AttachmentId::new(id),
        intake_id: None,
        post_id: None,
        position: 0,
        role,
        name: t.some(name),
        media_type: media_type.into(),
        size_bytes: 84 * 1024,
        content_hash: ContentHash::of(b"x"),
        pages,
    }
}

fn delivery(
    id: &str,
    channel: Channel,
    mode: DeliveryMode,
    state: DeliveryState,
    due: &str,
    since: &str,
) -> ReceiptDelivery {
    ReceiptDelivery {
        delivery_id: DeliveryId::new(id),
        channel,
        mode,
        state,
        due_at: at(due),
        state_at: at(since),
        resend_possible: state == DeliveryState::Unknown,
    }
}

fn receipts(t: Tongue) -> Vec<Receipt> {
    use DeliveryMode::{Digest, Instant};
    use DeliveryState::{Delivered, Failed, HandedOff, Held, Unknown};
    let ways = [
        (
            ReplyExpectation::None,
            vec![delivery("d1", Channel::Web, Instant, Delivered, "09T10:20", "09T10:20")],
        ),
        (
            ReplyExpectation::Ack,
            vec![delivery("d2", Channel::Email, Instant, Delivered, "09T10:20", "09T10:21")],
        ),
        (
            ReplyExpectation::Reply,
            vec![delivery("d3", Channel::Fax, Instant, Delivered, "09T10:20", "09T10:24")],
        ),
        (
            ReplyExpectation::Ack,
            vec![
                delivery("d4", Channel::Fax, Instant, Failed, "09T10:20", "09T10:23"),
                delivery("d5", Channel::Fax, Instant, Unknown, "09T10:30", "09T10:35"),
            ],
        ),
        (
            ReplyExpectation::None,
            vec![
                delivery("d6", Channel::PhoneMemo, Instant, HandedOff, "09T10:20", "09T10:20"),
                delivery("d7", Channel::Fax, Digest, Held, "10T08:00", "09T10:20"),
            ],
        ),
        (
            ReplyExpectation::Call,
            vec![delivery("d8", Channel::Api, Instant, Delivered, "09T10:20", "09T10:20")],
        ),
        (ReplyExpectation::None, vec![delivery("d9", Channel::Fax, Digest, Held, "12T15:00", "09T10:20")]),
    ];
    MEMBERS
        .iter()
        .zip(ways)
        .map(|((id, name, person, channel), (asked, deliveries))| {
            let acknowledged = matches!(*id, "F03" | "F05");
            Receipt {
                facility_id: FacilityId::new(*id),
                facility_name: t.say(name),
                asked,
                acknowledgement: acknowledged.then(|| Acknowledgement {
                    post_id: PostId::new("T1"),
                    facility_id: FacilityId::new(*id),
                    staff_id: None,
                    person_name: t.some(person),
                    channel: *channel,
                    acknowledged_at: at(if *id == "F03" { "09T10:58" } else { "09T11:42" }),
                    identity_level: IdentityLevel::I2,
                    intake_id: None,
                    delivery_id: None,
                    proxy: (*id == "F05").then(|| t.say("渡部 晶")),
                }),
                acknowledged_by: acknowledged.then(|| t.say(person)),
                replied_at: matches!(*id, "F04" | "F05").then(|| at("09T13:20")),
                deliveries,
            }
        })
        .collect()
}

pub(super) fn timeline(t: Tongue) -> Timeline {
    let mut old = post(
        t,
        &PostSample {
            id: "T1",
            kind: PostKind::Topic,
            facility: "F01",
            name: "桜見中央病院",
            person: "",
            channel: Channel::Hl7,
            title: "退院のお知らせ",
            body: "山本千代様が本日、桜見中央病院5階から自宅へ退院されました。",
            at: "09T10:20",
        },
    );
    old.receipts = receipts(t);
    let mut newest = post(
        t,
        &PostSample {
            id: "T2",
            kind: PostKind::Correction,
            facility: "F01",
            name: "桜見中央病院",
            person: "小林 佳奈",
            channel: Channel::Hl7,
            title: "退院のお知らせ",
            body: "山本千代様が本日、桜見中央病院5階東から自宅へ退院されました。主治医 藤井 貴。\n看護サマリー(PDF 2ページ)を添付します。",
            at: "09T10:31",
        },
    );
    newest.post.version = 2;
    newest.post.urgency = Urgency::Urgent;
    newest.post.corrects = Some(PostId::new("T1"));
    newest.post.due_at = Some(at("09T16:00"));
    newest.post.occurred_at = Some(at("09T10:20"));
    newest.post.addressees =
        vec![Addressee { facility_id: FacilityId::new("F03"), expectation: ReplyExpectation::Ack }];
    newest.post.quoted = t.some("> 前回のご連絡");
    newest.post.signature = t.some("桜見中央病院 地域連携室\n03-0000-0101");
    newest.read = false;
    newest.receipts = receipts(t);
    newest.attachments =
        vec![attachment(t, "A1", AttachmentRole::Document, "application/pdf", "看護サマリー.pdf", Some(2))];
    let reply = |id, facility, name, person, channel, body, when| {
        post(
            t,
            &PostSample {
                id,
                kind: PostKind::Reply,
                facility,
                name,
                person,
                channel,
                title: "",
                body,
                at: when,
            },
        )
    };
    let mut sheet = reply("R2", "F05", "あおぞら薬局桜見店", "三浦 健", Channel::Fax, "", "09T11:42");
    sheet.post.body = String::new();
    sheet.attachments = vec![
        attachment(t, "A2", AttachmentRole::PageImage, "image/png", "page1.png", None),
        attachment(t, "A3", AttachmentRole::Source, "image/tiff", "fax.tif", Some(1)),
    ];
    let mut asks = reply(
        "R3",
        "F04",
        "ケアプランセンターつむぎ",
        "高梨 由美子",
        Channel::Fax,
        "6/10(水) 16時 ご自宅で担当者会議。出欠を返信ください。",
        "09T13:20",
    );
    asks.post.proxy = t.some("渡部 晶");
    asks.receipts = receipts(t);
    let mut corrected = reply(
        "R4",
        "F02",
        "若葉在宅クリニック",
        "佐伯 直人",
        Channel::Web,
        "朝1回へ変更します。6/16の訪問時に処方します。",
        "09T13:50",
    );
    corrected.post.kind = PostKind::Correction;
    corrected.post.version = 2;
    corrected.post.corrects = Some(PostId::new("R1"));
    let mut vitals = post(
        t,
        &PostSample {
            id: "V1",
            kind: PostKind::Topic,
            facility: "F02",
            name: "若葉在宅クリニック",
            person: "佐伯 直人",
            channel: Channel::Web,
            title: "臨時処方について",
            body: "むくみが強いため、利尿薬を朝1回に変更します。",
            at: "08T17:05",
        },
    );
    vitals.receipts = receipts(t);
    vitals.post.urgency = Urgency::Emergency;
    Timeline {
        group: group(t, "G01", "つばき01"),
        patient: patient(t),
        correspondents: Vec::new(),
        members: MEMBERS
            .iter()
            .map(|(id, name, person, channel)| MemberRow {
                facility: facility(t, id, name),
                staff: vec![staff(t, id, person)],
                channels: vec![*channel],
                pauses: Vec::new(),
            })
            .collect(),
        topics: vec![
            TopicView {
                topic: old,
                corrections: vec![newest],
                replies: vec![
                    reply(
                        "R0",
                        "F03",
                        "訪問看護ステーションひなた",
                        "大塚 千尋",
                        Channel::Email,
                        "明日10時に訪問します。体重は毎朝お願いします。",
                        "09T10:58",
                    ),
                    reply(
                        "R1",
                        "F02",
                        "若葉在宅クリニック",
                        "佐伯 直人",
                        Channel::Web,
                        "朝1回へ変更します。",
                        "09T11:00",
                    ),
                    sheet,
                    asks,
                    corrected,
                ],
            },
            TopicView { topic: vitals, corrections: Vec::new(), replies: Vec::new() },
        ],
        older: Some(PostId::new("V1")),
    }
}

pub(super) fn groups(t: Tongue) -> Vec<GroupSummary> {
    let summary = |id: &str,
                   alias: &str,
                   name: &str,
                   about: &str,
                   title: &str,
                   urgency,
                   unread,
                   answered,
                   asked,
                   request: Option<(ReplyExpectation, Option<&str>)>| GroupSummary {
        group: group(t, id, alias),
        patient: Patient { name: t.say(name), summary: t.some(about), ..patient(t) },
        unread_count: unread,
        latest_title: (!title.is_empty()).then(|| t.say(title)),
        latest_at: (!title.is_empty()).then(|| at("09T10:31")),
        urgency,
        answered_count: answered,
        asked_count: asked,
        requests: request
            .into_iter()
            .map(|(expectation, due)| Request {
                post_id: PostId::new("T1"),
                topic_id: PostId::new("T1"),
                group_id: GroupId::new(id),
                title: t.some(title),
                urgency,
                expectation,
                due_at: due.map(at),
            })
            .collect(),
    };
    let mut all = vec![
        summary(
            "G01",
            "つばき01",
            "山本 千代",
            "要介護3 ・ 心不全 ・ 軽度認知症",
            "退院のお知らせ",
            Urgency::Urgent,
            2,
            3,
            4,
            Some((ReplyExpectation::Ack, Some("09T16:00"))),
        ),
        summary(
            "G02",
            "すずかけ02",
            "佐々木 勇",
            "肺がん終末期 ・ 在宅酸素 2 L/分",
            "臨時処方について",
            Urgency::Normal,
            0,
            2,
            2,
            Some((ReplyExpectation::Reply, Some("08T12:00"))),
        ),
        summary(
            "G03",
            "なでしこ03",
            "山本 千代子",
            "要介護2 ・ 糖尿病",
            "残薬のご報告",
            Urgency::Normal,
            1,
            0,
            1,
            Some((ReplyExpectation::Call, None)),
        ),
        summary("G04", "ひいらぎ04", "川端 節子", "要支援2", "", Urgency::Normal, 0, 0, 0, None),
    ];
    all[3].group.state = GroupState::Frozen;
    all
}
