//! 休止 and 再開 that the office confirms at the item of a 設定票: one form, the receipt to the number of the
//! sheet, and nothing begun on half of an answer.

use super::world::{Browser, NETWORK, World, start};
use axum::http::StatusCode;
use kakehashi_core::commit::Effect;
use kakehashi_core::decision::TriageReason;
use kakehashi_core::directory::{Endpoint, EndpointSettings, StaffMember};
use kakehashi_core::envelope::{ContentHash, Envelope, Mark, MarkState, Sheet};
use kakehashi_core::ids::{IntakeId, NetworkId};
use kakehashi_core::job::JobContent;
use kakehashi_core::port::{Origin, RawIntake};
use kakehashi_core::vocabulary::*;
use kakehashi_store::DirectoryChange;

const NUMBER: &str = "0300000103";

/// A world in which ひなた has a FAX number and a second nurse.
async fn with_fax() -> World {
    let world = World::new().await;
    let changes = vec![
        DirectoryChange::Staff(StaffMember {
            id: "S3b".into(),
            facility_id: "F03".into(),
            name: "木下 昌平".into(),
            professions: Vec::new(),
            left_at: None,
        }),
        DirectoryChange::Endpoint(Endpoint {
            id: "E3f".into(),
            facility_id: "F03".into(),
            channel: Channel::Fax,
            address: NUMBER.into(),
            state: EndpointState::Verified,
            settings: EndpointSettings::default(),
        }),
    ];
    world.store.directory(&NetworkId::new(NETWORK)).apply(changes, start()).await.unwrap();
    world
}

/// A 設定票 that came back with this box ticked.
async fn returned(world: &World, id: &str, ticked: &str) -> String {
    let bytes = format!("sheet {id}");
    let raw = RawIntake {
        channel: Channel::Fax,
        format: Format::Tiff,
        dedup_key: id.into(),
        sender_message_id: None,
        bytes: bytes.as_bytes().into(),
        received_at: start(),
        origin: Origin::default(),
    };
    let intake = IntakeId::new(id);
    world.store.intake_log().hand_in(&NetworkId::new(NETWORK), intake.clone(), raw).await.unwrap();
    let mut envelope = Envelope::empty(Channel::Fax, Format::Tiff, ContentHash::of(bytes.as_bytes()));
    envelope.sender.number = Some(NUMBER.into());
    let mark = |name: &str| Mark {
        name: name.into(),
        state: if name == ticked { MarkState::Marked } else { MarkState::Empty },
        confidence: 1.0,
    };
    envelope.sheet = Some(Sheet {
        reply_code: None,
        code_source: None,
        marks: ["instant_all", "pause", "resume"].map(mark).into(),
        handwriting: Vec::new(),
        orientation: 0,
        page_of: None,
        closes: Vec::new(),
    });
    let reason = TriageReason::Requested { verb: "preference".into(), proved: true };
    world
        .commit(vec![
            Effect::RecordReading {
                intake_id: intake.clone(),
                envelopes: vec![envelope],
                attachments: Vec::new(),
            },
            Effect::OpenTriage {
                id: format!("X{id}").as_str().into(),
                intake_id: intake.clone(),
                envelope_index: 0,
                reasons: vec![reason],
                candidates: Vec::new(),
                quarantined: false,
            },
            Effect::FinishIntake { intake_id: intake, state: IntakeState::Triage, decided: Vec::new() },
        ])
        .await;
    format!("/triage/X{id}")
}

/// Numbers to which a receipt of an act waits to leave within a day.
async fn receipts(world: &World) -> Vec<String> {
    let worker = world.store.worker(&NetworkId::new(NETWORK));
    let later = start().plus_seconds(24 * 3600);
    world.clock.set(later);
    let jobs = worker.claim_deliveries("test", 50, 60, 1 << 20, later).await.unwrap();
    let sheets = jobs.iter().filter_map(|job| match &job.content {
        JobContent::Sheet(sheet) => Some(sheet.endpoint.address.clone()),
        _ => None,
    });
    sheets.collect()
}

async fn shown(world: &World, office: &Browser) -> String {
    world.get(office, "/facilities").await.text
}

#[tokio::test]
async fn the_office_begins_and_ends_a_leave_from_paper() {
    let world = with_fax().await;
    let office = world.login("watanabe").await;
    let item = returned(&world, "L1", "pause").await;
    let page = world.get(&office, &item).await.text;
    assert!(page.contains("<option value=\"begin\" selected>"), "{page}");
    assert!(page.contains("<option value=\"staff:S3\">大塚 千尋</option>"), "{page}");

    let path = format!("{item}/request");
    let days = [("from", "2026-06-12"), ("until", "2026-06-16")];
    let with = |more: &[(&'static str, &'static str)]| [&days[..], more].concat();
    for (what, fields) in [
        ("nothing chosen", with(&[("who", "staff:S3")])),
        ("who?", with(&[("leave", "begin")])),
        ("until when?", vec![("leave", "begin"), ("who", "staff:S3"), ("from", "2026-06-12")]),
        ("nobody", with(&[("leave", "begin"), ("who", "staff:S3"), ("substitute", "鈴木")])),
        ("herself", with(&[("leave", "begin"), ("who", "staff:S3"), ("substitute", "大塚")])),
        ("nobody of theirs", with(&[("leave", "begin"), ("who", "staff:S99")])),
        ("no such leave", vec![("leave", "end:U9")]),
        ("half of the settings", with(&[("leave", "begin"), ("who", "staff:S3"), ("quiet_from", "20:00")])),
    ] {
        let answer = world.post(&office, &path, &fields).await;
        assert_eq!(answer.status, StatusCode::OK, "{what}: {}", answer.text);
        assert!(answer.text.contains("role=\"alert\""), "{what}: {}", answer.text);
        assert!(!shown(&world, &office).await.contains("休止予定"), "{what}");
    }
    // What was typed is still there, and what is wrong stands beside its field.
    let typed =
        with(&[("leave", "begin"), ("who", "staff:S3"), ("substitute", "鈴木"), ("mark", "instant_all")]);
    let again = world.post(&office, &path, &typed).await.text;
    for kept in [
        "<option value=\"begin\" selected>",
        "<option value=\"staff:S3\" selected>",
        "name=\"from\" value=\"2026-06-12\"",
        "value=\"2026-06-16\"",
        "value=\"鈴木\" aria-invalid=\"true\"><small class=\"wrong\">代理が",
        "value=\"instant_all\" checked",
    ] {
        assert!(again.contains(kept), "{kept}: {again}");
    }
    assert_eq!(again.matches("class=\"wrong\"").count(), 1, "{again}");
    for (fields, at) in [
        (with(&[("leave", "begin")]), "どなたの休止か"),
        (vec![("leave", "begin"), ("who", "staff:S3"), ("from", "2026-06-12")], "休止には最初の日と最後の日"),
        (
            vec![("leave", "begin"), ("who", "staff:S3"), ("from", "2026-06-12"), ("until", "2026-06-11")],
            "最後の日は",
        ),
        (vec![("mark", "instant_emergency"), ("quiet_from", "20:00")], "休み時間帯は"),
        (vec![("digest_times", "8:45 朝")], "8:45 15:30 のように"),
    ] {
        let again = world.post(&office, &path, &fields).await.text;
        let wrong = again.split("class=\"wrong\">").nth(1).unwrap_or_else(|| panic!("{at}: {again}"));
        assert!(wrong.starts_with(at), "{at}: {wrong}");
        assert_eq!(
            again.matches("name=\"quiet_from\" type=\"time\" value=\"20:00\"").count(),
            usize::from(at.starts_with("休み"))
        );
    }
    let clinic = world.login("saeki").await;
    let good = with(&[("leave", "begin"), ("who", "staff:S3"), ("substitute", "木下")]);
    assert_eq!(world.post(&clinic, &path, &good).await.status, StatusCode::NOT_FOUND);
    let begun = world.post(&office, &path, &good).await;
    assert_eq!(begun.location(), "/triage", "{}", begun.text);
    let facilities = shown(&world, &office).await;
    assert!(facilities.contains("大塚 千尋 休止予定 6/12(金)–6/16(火) 代理 木下 昌平"), "{facilities}");
    assert_eq!(world.post(&office, &path, &good).await.status, StatusCode::CONFLICT);

    // 再開 by the next sheet: the only leave that is open is proposed.
    let item = returned(&world, "L2", "resume").await;
    let page = world.get(&office, &item).await.text;
    let end = page.split("<option value=\"end:").nth(1).unwrap();
    let (id, rest) = end.split_once('"').unwrap();
    assert!(rest.starts_with(" selected>再開する: 大塚 千尋"), "{rest}");
    let what = format!("end:{id}");
    let ended = world.post(&office, &format!("{item}/request"), &[("leave", what.as_str())]).await;
    assert_eq!(ended.location(), "/triage", "{}", ended.text);
    assert!(!shown(&world, &office).await.contains("休止予定"));

    let audit = world.get(&office, "/audit?verify=1").await.text;
    for act in ["begin_pause", "end_pause"] {
        let line = audit.split("<tr").find(|line| line.contains(act)).unwrap_or_else(|| panic!("{audit}"));
        assert!(line.contains("<td>U9</td>"), "who confirmed: {line}");
    }
    assert!(audit.contains("すべてつながっています"), "{audit}");
    // Both acts lie before the next delivery: one receipt, which says what holds then.
    assert_eq!(receipts(&world).await, [NUMBER], "to the number of the sheet");
}

#[tokio::test]
async fn settings_and_a_leave_stand_on_one_sheet() {
    let world = with_fax().await;
    let office = world.login("watanabe").await;
    let item = returned(&world, "L3", "pause").await;
    let both = [
        ("mark", "instant_emergency"),
        ("mark", "digest_1300"),
        ("digest_times", "１５：３０、8:45"),
        ("leave", "begin"),
        ("who", "endpoint:E3f"),
        ("from", "2026-06-12"),
        ("until", "2026-06-16"),
        ("substitute", "若葉在宅クリニック"),
    ];
    let done = world.post(&office, &format!("{item}/request"), &both).await;
    assert_eq!(done.location(), "/triage", "{}", done.text);
    let facilities = shown(&world, &office).await;
    assert!(facilities.contains("休止予定 6/12(金)–6/16(火) 代理 若葉在宅クリニック"), "{facilities}");
    let desk = world.get(&office, "/fax").await.text;
    assert!(desk.contains("緊急だけ即時"), "{desk}");
    assert!(desk.contains("8:45・13:00・15:30"), "written times beside ticked ones: {desk}");
}
