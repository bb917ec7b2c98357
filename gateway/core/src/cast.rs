//! The cast of care-network.md 8.1 as values, for tests of decisions, fan-out and placement.

use crate::clock::UtcMicros;
use crate::directory::{
    ClockTime, Day, DigestTime, Endpoint, EndpointSettings, Facility, GroupRoster, Member, Network, Patient,
    PatientGroup, StaffMember,
};
use crate::envelope::{ContentHash, Envelope, Event, Identifier, NameKind, PatientName, Visit};
use crate::facts::{
    CodeEntry, CodeFacts, CodeItem, Facts, GroupFacts, IdentifierState, PatientCandidate, SenderFacts,
};
use crate::vocabulary::{Authenticity, Channel, EndpointState, Format, GroupState, Intent, Urgency};

pub(crate) fn at(text: &str) -> UtcMicros {
    UtcMicros::from_rfc3339(&format!("{text}:00+09:00")).unwrap()
}

pub(crate) fn network() -> Network {
    Network {
        id: "N1".into(),
        name: "桜見区在宅ネットワーク".into(),
        office_name: "在宅連携事務局".into(),
        office_phone: "03-0000-0100".into(),
        office_hours: "平日 9–17時".into(),
        gateway_fax: "03-0000-0199".into(),
        mail_domain: "in.example".into(),
        public_url: "http://127.0.0.1".into(),
    }
}

pub(crate) fn facility(id: &str, name: &str, facility_type: &str) -> Facility {
    Facility {
        id: id.into(),
        name: name.into(),
        short_name: name.into(),
        facility_type: facility_type.into(),
        phone: None,
        business_hours: vec![],
        is_network_office: false,
    }
}

pub(crate) fn endpoint(id: &str, facility: &str, channel: Channel, digests: &[&str]) -> Endpoint {
    Endpoint {
        id: id.into(),
        facility_id: facility.into(),
        channel,
        address: id.to_lowercase(),
        state: EndpointState::Verified,
        settings: EndpointSettings {
            instant_threshold: Urgency::Urgent,
            digests: digests
                .iter()
                .map(|d| DigestTime { days: vec![], at: ClockTime::parse(d).unwrap() })
                .collect(),
            ..EndpointSettings::default()
        },
    }
}

fn staff(id: &str, facility: &str, name: &str, profession: &str) -> StaffMember {
    StaffMember {
        id: id.into(),
        facility_id: facility.into(),
        name: name.into(),
        professions: vec![profession.into()],
        left_at: None,
    }
}

pub(crate) fn member(facility: Facility, endpoints: Vec<Endpoint>, staff: Vec<StaffMember>) -> Member {
    Member { facility, endpoints, staff, consented: true, pauses: vec![] }
}

pub(crate) fn patient(id: &str) -> Patient {
    let (name, kana, born) = match id {
        "G01" => ("山本 千代", "ヤマモト チヨ", "1938-04-12"),
        "G02" => ("佐々木 勇", "ササキ イサム", "1944-11-03"),
        "G03" => ("山本 千代子", "ヤマモト チヨコ", "1938-04-21"),
        _ => ("川端 節子", "カワバタ セツコ", "1941-07-30"),
    };
    Patient {
        id: format!("P-{id}").into(),
        name: name.into(),
        kana: kana.into(),
        birth_date: Some(born.into()),
        sex: Some(if id == "G02" { "M" } else { "F" }.into()),
        summary: None,
    }
}

pub(crate) fn group(id: &str) -> PatientGroup {
    let alias = match id {
        "G01" => "つばき01",
        "G02" => "すずかけ02",
        "G03" => "なでしこ03",
        _ => "ひいらぎ04",
    };
    PatientGroup {
        id: id.into(),
        patient_id: format!("P-{id}").into(),
        alias: alias.into(),
        address: format!("g-{}", id.to_lowercase()),
        state: GroupState::Open,
    }
}

/// G01 with F02–F08.
pub(crate) fn roster() -> GroupRoster {
    let mut dentist = endpoint("E08", "F08", Channel::Fax, &["15:00"]);
    dentist.settings.instant_threshold = Urgency::Emergency;
    dentist.settings.digests[0].days = vec![Day::Fri];
    let mut helpers = endpoint("E06", "F06", Channel::Fax, &["8:00"]);
    helpers.settings.instant_threshold = Urgency::Emergency;
    GroupRoster {
        group: group("G01"),
        patient: patient("G01"),
        members: vec![
            member(
                facility("F02", "若葉在宅クリニック", "medical_clinic"),
                vec![endpoint("E02", "F02", Channel::Web, &[])],
                vec![staff("S02", "F02", "佐伯 直人", "doctor")],
            ),
            member(
                facility("F03", "訪問看護ステーションひなた", "home_nursing_station"),
                vec![endpoint("E03", "F03", Channel::Email, &["8:30", "13:00", "17:00"])],
                vec![staff("S03a", "F03", "大塚 千尋", "nurse"), staff("S03b", "F03", "森下 彩", "nurse")],
            ),
            member(
                facility("F04", "ケアプランセンターつむぎ", "care_management_office"),
                vec![endpoint("E04", "F04", Channel::Fax, &["9:00", "16:00"])],
                vec![staff("S04", "F04", "高梨 由美子", "care_manager")],
            ),
            member(
                facility("F05", "あおぞら薬局桜見店", "pharmacy"),
                vec![endpoint("E05", "F05", Channel::Fax, &["9:30", "14:00"])],
                vec![staff("S05", "F05", "三浦 健", "pharmacist")],
            ),
            member(
                facility("F06", "ヘルパーステーションこもれび", "home_help_office"),
                vec![endpoint("E06P", "F06", Channel::PhoneMemo, &[]), helpers],
                vec![staff("S06", "F06", "井口 真理", "helper")],
            ),
            member(
                facility("F07", "デイサービス陽だまり", "day_service"),
                vec![endpoint("E07", "F07", Channel::Api, &[])],
                vec![],
            ),
            member(facility("F08", "はなみ歯科医院", "dental_clinic"), vec![dentist], vec![]),
        ],
        correspondents: Vec::new(),
    }
}

pub(crate) fn group_facts(id: &str, member: bool, consent: bool) -> GroupFacts {
    GroupFacts { group: group(id), sender_is_member: member, consent_covers_sender: consent }
}

pub(crate) fn candidate(id: &str, number: Option<(&str, IdentifierState)>) -> PatientCandidate {
    PatientCandidate {
        patient: patient(id),
        identifier: number.map(|(n, s)| (n.to_owned(), s)),
        group: Some(group_facts(id, true, true)),
    }
}

pub(crate) fn sender(facility_id: &str, channel: Channel) -> SenderFacts {
    let known = roster().members.into_iter().find(|m| m.facility.id.as_str() == facility_id);
    SenderFacts {
        endpoint: endpoint(&format!("E-{facility_id}"), facility_id, channel, &[]),
        facility: known.map_or_else(|| facility(facility_id, "桜見中央病院", "hospital"), |m| m.facility),
    }
}

pub(crate) fn facts(sender: Option<SenderFacts>) -> Facts {
    Facts {
        network: network(),
        sender,
        code: CodeFacts::Absent,
        thread: None,
        addressed_group: None,
        open_deliveries: Vec::new(),
        candidates: vec![],
        earlier_posts: vec![],
        heard: Vec::new(),
        bounced: None,
        paper: crate::facts::PaperTrust::default(),
        made_final: false,
    }
}

/// A code of F03's delivery of one post of G01.
pub(crate) fn code(facility: &str) -> CodeEntry {
    let item = CodeItem {
        post_id: "POST1".into(),
        topic_id: "TOPIC1".into(),
        group_id: "G01".into(),
        patient_id: "P-G01".into(),
    };
    CodeEntry {
        code: "0123456789".into(),
        delivery_id: "D1".into(),
        post_id: Some("POST1".into()),
        topic_id: Some("TOPIC1".into()),
        group_id: Some("G01".into()),
        facility_id: facility.into(),
        endpoint_id: format!("E-{facility}").into(),
        expires_at: at("2026-06-23T10:20"),
        revoked_at: None,
        membership_stands: true,
        items: vec![item],
        sheet: None,
        untouched_acknowledges: false,
        printed_staff: Vec::new(),
        facility_name: facility.into(),
        lines_moved: false,
    }
}

pub(crate) fn mail(intent: Intent, body: &str) -> Envelope {
    let hash = ContentHash::of(body.as_bytes());
    let mut e = Envelope::empty(Channel::Email, Format::Rfc5322, hash);
    e.intent = intent;
    e.body = Some(body.into());
    e.sender.address = Some("hinata@st.example".into());
    e
}

pub(crate) fn fax() -> Envelope {
    let mut e = Envelope::empty(Channel::Fax, Format::Tiff, ContentHash::of(b"fax"));
    e.intent = Intent::Topic;
    e.sender.number = Some("0300000105".into());
    e
}

pub(crate) fn named(mut e: Envelope, name: &str, kana: Option<&str>, born: Option<&str>) -> Envelope {
    let kana = kana.map(str::to_owned);
    e.patient.names = vec![PatientName { text: name.into(), kana, kind: NameKind::Kanji }];
    e.patient.birth_date = born.map(str::to_owned);
    e
}

/// An HL7 message about G01's stay since 2026-06-05 19:40.
pub(crate) fn hl7(kind: &str, trigger: &str, title: &str, body: &str) -> Envelope {
    let hash = ContentHash::of(format!("{kind}{trigger}{body}").as_bytes());
    let mut e = Envelope::empty(Channel::Hl7, Format::Hl7v2, hash);
    e.intent = Intent::ClinicalEvent;
    e.title = Some(title.into());
    e.body = Some(body.into());
    e.sender.facility = Some("SAKURAMI_CH".into());
    e.sender.authenticity = Authenticity::Network;
    let mut e = named(e, "山本 千代", Some("ヤマモト チヨ"), Some("1938-04-12"));
    e.patient.identifiers =
        vec![Identifier { id: "00412338".into(), authority: None, kind: Some("PI".into()) }];
    let mut event = Event {
        kind: Some(kind.into()),
        trigger: Some(trigger.into()),
        visit: Some(Visit { admitted_at: Some(at("2026-06-05T19:40")), ..Visit::default() }),
        ..Event::default()
    };
    event.key = event.stay_keys(trigger).pop();
    e.event = Some(event);
    e
}

/// The hospital, which is no member of G01 but named in the consent, knows the patient by a confirmed
/// number; the nearly identical G03 is found by birth year and kana too.
pub(crate) fn hospital_facts() -> Facts {
    let mut facts = facts(Some(sender("F01", Channel::Hl7)));
    let mut one = candidate("G01", Some(("00412338", IdentifierState::Confirmed)));
    one.group = Some(group_facts("G01", false, true));
    let mut other = candidate("G03", None);
    other.group = Some(group_facts("G03", false, false));
    facts.candidates = vec![other, one];
    facts
}
