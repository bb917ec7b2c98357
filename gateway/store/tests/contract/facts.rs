//! What decisions are told, in the shapes of scenarios S1, S2 and S8.

use super::world::{World, code, deliver, fax, group, mail, now, post, topic};
use kakehashi_core::commit::Effect;
use kakehashi_core::envelope::{ContentHash, Envelope, Event, Identifier, Visit};
use kakehashi_core::facts::{CodeFacts, FactQuery, Facts, IdentifierState};
use kakehashi_core::job::message_id;
use kakehashi_core::post::{Post, print_of};
use kakehashi_core::text::fold::fold_name;
use kakehashi_core::vocabulary::{Channel, DeliveryMode, Format, GroupState, IntakeState};
use kakehashi_store::DirectoryChange;

async fn facts(world: &World, query: &FactQuery) -> Facts {
    world.worker().facts(query, now()).await.unwrap()
}

fn from_hospital() -> FactQuery {
    FactQuery {
        channel: Some(Channel::Hl7),
        sender_address: Some("HIS|SAKURAMI_CH".into()),
        identifiers: vec![Identifier { id: "00412338".into(), authority: None, kind: Some("PI".into()) }],
        folded_names: vec![fold_name("山本 千代"), fold_name("ヤマモト チヨ")],
        birth_date: Some("1938-04-12".into()),
        ..FactQuery::default()
    }
}

pub(crate) async fn a_hospital_number_leads_to_its_patient(world: &World) {
    world.fill().await;
    let found = facts(world, &from_hospital()).await;
    assert_eq!(found.network.id, world.network);
    assert_eq!(found.sender.unwrap().facility.name, "桜見中央病院");
    assert_eq!(found.code, CodeFacts::Absent);
    let [only] = found.candidates.as_slice() else { panic!("{:?}", found.candidates) };
    assert_eq!(only.patient.id.as_str(), "P01");
    assert_eq!(only.identifier, Some(("00412338".into(), IdentifierState::Confirmed)));
    let group = only.group.as_ref().unwrap();
    assert_eq!(
        (group.group.id.as_str(), group.sender_is_member, group.consent_covers_sender),
        ("G01", true, true)
    );
    // The same number of another institution is another number.
    let elsewhere = FactQuery {
        channel: Some(Channel::Fax),
        sender_address: Some("0300000104".into()),
        folded_names: Vec::new(),
        birth_date: None,
        ..from_hospital()
    };
    assert!(facts(world, &elsewhere).await.candidates.is_empty());
    // Once a person has said whose it is, it is known.
    world
        .commit(vec![Effect::TeachIdentifier {
            facility_id: "F04".into(),
            identifier: "00412338".into(),
            patient_id: "P03".into(),
            state: IdentifierState::Confirmed,
        }])
        .await
        .unwrap();
    assert_eq!(facts(world, &elsewhere).await.candidates[0].patient.id.as_str(), "P03");
    // Two facilities with one number are no sender.
    let double = super::world::endpoint("E99", "F05", Channel::Fax, "0300000104");
    world.import(vec![DirectoryChange::Endpoint(double)]).await;
    assert_eq!(facts(world, &elsewhere).await.sender, None);
}

pub(crate) async fn codes_and_threads_lead_to_their_post(world: &World) {
    world.fill().await;
    let due = now().plus_seconds(3600);
    let d = |id: &str, of: &str, to, mode| Effect::Deliver(deliver(id, of, to, mode, due));
    world
        .commit(vec![
            post(&topic("T1", "G01", "F01", &[])),
            post(&topic("T2", "G03", "F02", &[])),
            d("D1", "T1", &mail(), DeliveryMode::Instant),
            d("D2", "T1", &fax(), DeliveryMode::Digest),
            d("D3", "T2", &fax(), DeliveryMode::Digest),
        ])
        .await
        .unwrap();
    let by_code = |text: &str| FactQuery {
        channel: Some(Channel::Email),
        sender_address: Some("hinata@st.example".into()),
        reply_code: Some(text.to_owned()),
        ..FactQuery::default()
    };
    let CodeFacts::Known(entry) = facts(world, &by_code(code("D1", true).as_str())).await.code else {
        panic!()
    };
    assert_eq!((entry.post_id.clone().unwrap().as_str(), entry.facility_id.as_str()), ("T1", "F03"));
    assert!(entry.membership_stands && entry.revoked_at.is_none());
    // The code of a delivery with one item means that item; the code of a digest means none of its two.
    let CodeFacts::Known(entry) = facts(world, &by_code(code("D1", false).as_str())).await.code else {
        panic!()
    };
    assert_eq!(entry.post_id.unwrap().as_str(), "T1");
    let CodeFacts::Known(entry) = facts(world, &by_code(code("D2", false).as_str())).await.code else {
        panic!()
    };
    assert_eq!(entry.post_id, None);
    assert_eq!(
        entry.items.iter().map(|i| (i.post_id.as_str(), i.patient_id.as_str())).collect::<Vec<_>>(),
        [("T1", "P01"), ("T2", "P03")]
    );
    assert_eq!(facts(world, &by_code("0000000000")).await.code, CodeFacts::Unknown);
    let thread = FactQuery {
        in_reply_to: vec![
            "foreign@else.example".into(),
            message_id(&"D1".into(), Some(&code("D1", true)), "in.sakurami.example"),
        ],
        ..FactQuery::default()
    };
    assert_eq!(facts(world, &thread).await.thread.unwrap().topic_id.unwrap().as_str(), "T1");
    // Frozen: the code is known and no longer stands.
    world.import(vec![group("G01", "P01", "つばき01", GroupState::Frozen)]).await;
    let CodeFacts::Known(entry) = facts(world, &by_code(code("D1", true).as_str())).await.code else {
        panic!()
    };
    assert!(!entry.membership_stands);
    // Group address and alias.
    let addressed = FactQuery {
        channel: Some(Channel::Email),
        sender_address: Some("hinata@st.example".into()),
        recipients: vec!["g-g03@in.sakurami.example".into()],
        ..FactQuery::default()
    };
    let found = facts(world, &addressed).await.addressed_group.unwrap();
    assert_eq!(
        (found.group.id.as_str(), found.sender_is_member, found.consent_covers_sender),
        ("G03", false, false)
    );
    let alias = FactQuery { group_alias: Some("つばき01".into()), recipients: Vec::new(), ..addressed };
    assert_eq!(facts(world, &alias).await.addressed_group.unwrap().group.id.as_str(), "G01");
}

pub(crate) async fn near_identical_names_are_both_candidates(world: &World) {
    world.fill().await;
    // A stranger writes a name and only part of a birth date.
    let stranger = FactQuery {
        channel: Some(Channel::Fax),
        sender_address: Some("0300000777".into()),
        folded_names: vec![fold_name("山本千代")],
        ..FactQuery::default()
    };
    let found = facts(world, &stranger).await;
    assert_eq!(found.sender, None);
    let ids = |f: &Facts| f.candidates.iter().map(|c| c.patient.id.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(&found), ["P01", "P03"]);
    assert!(found.candidates.iter().all(|c| !c.group.as_ref().unwrap().sender_is_member));
    // With the birth date exactly one fits.
    let exact = FactQuery {
        birth_date: Some("1938-04-21".into()),
        folded_names: vec![fold_name("ﾔﾏﾓﾄ ﾁﾖｺ")],
        ..stranger.clone()
    };
    assert_eq!(ids(&facts(world, &exact).await), ["P03"]);
    // A member's weak hints reach its own patients: F03 is not with 千代子.
    let weak = |address: &str| FactQuery {
        channel: Some(Channel::Email),
        sender_address: Some(address.into()),
        birth_date: Some("1938-04-21".into()),
        ..FactQuery::default()
    };
    assert!(ids(&facts(world, &weak("hinata@st.example")).await).is_empty());
    let fax = FactQuery { channel: Some(Channel::Fax), ..weak("0300000104") };
    assert_eq!(ids(&facts(world, &fax).await), ["P03"]);
}

pub(crate) async fn an_earlier_event_is_found(world: &World) {
    world.fill().await;
    let admission =
        Post { event_key: Some("stay:202606051940:A01".into()), ..topic("T1", "G01", "F01", &[]) };
    let discharge =
        Post { event_key: Some("stay:202606051940:A03".into()), ..topic("T2", "G01", "F01", &[]) };
    world.commit(vec![post(&admission), post(&discharge)]).await.unwrap();
    let query = FactQuery {
        event_keys: vec!["stay:202606051940:A03".into(), "stay:202606051940:A01".into(), "document:9".into()],
        ..from_hospital()
    };
    let found = facts(world, &query).await.earlier_posts;
    assert_eq!(found.iter().map(|p| p.post_id.as_str()).collect::<Vec<_>>(), ["T2", "T1"]);
    assert_eq!(found[0].urgency, discharge.urgency);
    assert_eq!(found[0].body, print_of(discharge.title.as_deref(), &discharge.body, []));
    // Another facility's event with the same key is another event.
    let elsewhere =
        FactQuery { channel: Some(Channel::Fax), sender_address: Some("0300000104".into()), ..query };
    assert!(facts(world, &elsewhere).await.earlier_posts.is_empty());
}

/// A message about the stay V1 of 千代, read and settled.
async fn told_of_a_stay(world: &World, id: &str, trigger: &str, state: IntakeState) -> Envelope {
    world.intake(id, id, id.as_bytes()).await;
    let mut envelope = Envelope::empty(Channel::Hl7, Format::Hl7v2, ContentHash::of(id.as_bytes()));
    envelope.patient.identifiers = from_hospital().identifiers;
    envelope.event = Some(Event {
        kind: Some("ADT".into()),
        trigger: Some(trigger.into()),
        visit: Some(Visit { number: Some("V1".into()), ..Visit::default() }),
        recorded_at: Some(now()),
        key: Some(format!("stay:V1:{trigger}")),
        ..Event::default()
    });
    let stranger = Envelope {
        patient: kakehashi_core::envelope::Patient::default(),
        event: envelope.event.clone().map(|e| Event { visit: None, ..e }),
        ..envelope.clone()
    };
    let envelopes = vec![stranger, envelope.clone()];
    let reading = Effect::RecordReading { intake_id: id.into(), envelopes, attachments: Vec::new() };
    let finish = Effect::FinishIntake { intake_id: id.into(), state, decided: Vec::new() };
    world.commit(vec![reading, finish]).await.unwrap();
    envelope
}

pub(crate) async fn a_stay_is_found_with_all_that_was_told_of_it(world: &World) {
    world.fill().await;
    let told = told_of_a_stay(world, "I1", "A01", IntakeState::Posted).await;
    told_of_a_stay(world, "I2", "A02", IntakeState::Posted).await;
    told_of_a_stay(world, "I3", "A11", IntakeState::Triage).await;
    let from = |id: &str, key: &str, post: Post| Post {
        event_key: Some(key.into()),
        intake_id: Some(id.into()),
        ..post
    };
    let admission = from("I1", "stay:V1:A01", topic("T1", "G01", "F01", &[]));
    let transfer = from("I2", "stay:V1:A02", super::world::reply("R1", &admission, "F01"));
    let answer = super::world::reply("R2", &admission, "F03");
    // The same number at another hospital, and another topic of this one, are no stay of it.
    let elsewhere = Post { event_key: Some("stay:V1:A01".into()), ..topic("T2", "G01", "F04", &[]) };
    let document = Post { event_key: Some("document:9".into()), ..topic("T3", "G01", "F01", &[]) };
    let all = [&admission, &transfer, &answer, &elsewhere, &document];
    world.commit(all.into_iter().map(post).collect()).await.unwrap();
    // Asked by a message that names another key, or none.
    let query = FactQuery { stays: true, ..from_hospital() };
    let found = facts(world, &query).await;
    let ids: Vec<&str> = found.earlier_posts.iter().map(|p| p.post_id.as_str()).collect();
    assert_eq!(ids, ["T1", "R1"]);
    assert_eq!(
        found.earlier_posts[0].event, told.event,
        "that of this patient, not of the other in the file"
    );
    let heard: Vec<(&str, bool)> =
        found.heard.iter().map(|h| (h.event.trigger.as_deref().unwrap(), h.to_the_office)).collect();
    assert_eq!(heard, [("A11", true), ("A02", false), ("A01", false)]);
    let quiet = facts(world, &from_hospital()).await;
    assert!(quiet.earlier_posts.is_empty() && quiet.heard.is_empty(), "nobody asked");
    // What is read anew at this moment is no earlier message.
    world.commit(vec![Effect::ReplayIntake { intake_id: "I3".into() }]).await.unwrap();
    assert_eq!(facts(world, &query).await.heard.len(), 2);
}

pub(crate) async fn paper_is_trusted_after_enough_sheets(world: &World) {
    use kakehashi_core::commit::SheetCheck;
    world.fill().await;
    let trust = || async {
        facts(world, &FactQuery { channel: Some(Channel::Fax), ..FactQuery::default() }).await.paper
    };
    let fresh = trust().await;
    assert!(!fresh.is_earned() && fresh.agreed == 0 && fresh.needed > 0, "{fresh:?}");
    world.sql("INSERT INTO paper_settings (network_id, pilot_sheets) VALUES ('sakurami', 2)").await.unwrap();
    let check = |n: u32, said: &[&str], decided: &[&str]| {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        Effect::CheckSheet(SheetCheck {
            intake_id: "I1".into(),
            envelope_index: n,
            marks: Vec::new(),
            said: words(said),
            decided: words(decided),
        })
    };
    world.intake("I1", "k1", b"x").await;
    let right = |n| check(n, &["acknowledge"], &["acknowledge"]);
    world.commit_at(later(1), vec![right(0)]).await.unwrap();
    // What the machine left to a person says nothing about it, and a sheet counts once.
    world.commit_at(later(2), vec![check(1, &[], &["acknowledge"]), right(0)]).await.unwrap();
    assert_eq!(trust().await.agreed, 1);
    world.commit_at(later(3), vec![right(2)]).await.unwrap();
    assert!(trust().await.is_earned());
    // One false reading, and the count begins anew.
    world.commit_at(later(4), vec![check(3, &["acknowledge"], &[])]).await.unwrap();
    assert_eq!(trust().await.agreed, 0);
    world.commit_at(later(5), vec![right(4)]).await.unwrap();
    assert_eq!(trust().await.agreed, 1);
}

fn later(seconds: i64) -> kakehashi_core::clock::UtcMicros {
    kakehashi_core::clock::UtcMicros::from_micros(now().as_micros() + seconds * 1_000_000)
}
