//! 下書き(OCR) at a triage item: which pictures are read, what the person sees where nothing could be read, and that
//! nothing else on the page forgets what it proposes.

use super::office_samples;
use super::samples::Tongue;
use super::world::{NETWORK, PNG, World, start};
use crate::forms::Fields;
use crate::pages::draft_pictures;
use axum::http::StatusCode;
use kakehashi_core::commit::Effect;
use kakehashi_core::decision::TriageReason;
use kakehashi_core::envelope::{ContentHash, Envelope};
use kakehashi_core::ids::{AttachmentId, IntakeId, NetworkId};
use kakehashi_core::ocr::PictureOf;
use kakehashi_core::port::{Origin, RawIntake};
use kakehashi_core::post::StoredAttachment;
use kakehashi_core::vocabulary::*;

/// A FAX without a code whose pages are these pictures.
async fn waiting(world: &World, id: &str, pictures: &[&[u8]]) -> String {
    let raw = RawIntake {
        channel: Channel::Fax,
        format: Format::Tiff,
        dedup_key: id.into(),
        sender_message_id: None,
        bytes: id.as_bytes().into(),
        received_at: start(),
        origin: Origin::default(),
    };
    let intake = IntakeId::new(id);
    world.store.intake_log().hand_in(&NetworkId::new(NETWORK), intake.clone(), raw).await.unwrap();
    let attachments = (0..).zip(pictures).map(|(n, picture)| StoredAttachment {
        id: AttachmentId::new(format!("A{id}{n}")),
        intake_id: Some(intake.clone()),
        post_id: None,
        position: n,
        role: AttachmentRole::PageImage,
        name: None,
        media_type: "image/png".into(),
        size_bytes: picture.len() as u64,
        content_hash: world.store.blobs().put(picture).unwrap(),
        pages: None,
    });
    let envelope = Envelope::empty(Channel::Fax, Format::Tiff, ContentHash::of(id.as_bytes()));
    let item = format!("X{id}");
    world
        .commit(vec![
            Effect::RecordReading {
                intake_id: intake.clone(),
                envelopes: vec![envelope],
                attachments: attachments.collect(),
            },
            Effect::OpenTriage {
                id: item.as_str().into(),
                intake_id: intake.clone(),
                envelope_index: 0,
                reasons: vec![TriageReason::UnknownSender],
                candidates: Vec::new(),
                quarantined: false,
            },
            Effect::FinishIntake { intake_id: intake, state: IntakeState::Triage, decided: Vec::new() },
        ])
        .await;
    format!("/triage/{item}")
}

#[tokio::test]
async fn where_nothing_can_be_read_the_person_is_told_and_keeps_what_was_typed() {
    let world = World::new().await;
    let office = world.login("watanabe").await;
    // The second page is one that the program does not come to an end with.
    let half = waiting(&world, "F1", &[PNG, b"large"]).await;
    let none = waiting(&world, "F2", &[b"large"]).await;
    let typed = [("heading", "会議の見出し"), ("transcript", "手で"), ("reason", "")];
    let page = world.post(&office, &format!("{none}/draft"), &typed).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("時間内に読めませんでした"), "{}", page.text);
    assert!(page.text.contains("会議の見出し") && page.text.contains(">手で</textarea>"), "{}", page.text);
    assert!(!page.text.contains("name=\"drafted\""), "there is no draft to compare");
    let page = world.post(&office, &format!("{half}/draft"), &typed).await;
    assert!(page.text.contains(">手で\n会議の&lt;件&gt;</textarea>"), "{}", page.text);
    assert!(page.text.contains("時間内に読めませんでした") && page.text.contains("name=\"drafted\""));
    let ticked = [("page", "AF11"), ("reason", "")];
    let page = world.post(&office, &format!("{half}/draft"), &ticked).await;
    assert!(!page.text.contains("会議の&lt;件"), "only the ticked page is read: {}", page.text);
    assert!(page.text.contains("value=\"AF11\" checked"), "and stays ticked: {}", page.text);
}

#[test]
fn the_writing_of_a_sheet_is_read_before_its_pages() {
    let mut item = office_samples::triage_item(Tongue::Friendly, true);
    let inline = |id: &str, post: Option<&str>| StoredAttachment {
        id: AttachmentId::new(id),
        role: AttachmentRole::Inline,
        post_id: post.map(Into::into),
        ..item.attachments[0].clone()
    };
    let (crop, other) = (inline("C1", Some("T2")), inline("C2", None));
    assert_eq!(draft_pictures(&item, None), [(AttachmentId::new("A2"), PictureOf::Page)]);
    item.attachments.extend([crop, other]);
    let crops = [("C1", PictureOf::Writing), ("C2", PictureOf::Writing)];
    assert_eq!(draft_pictures(&item, None), crops.map(|(id, of)| (AttachmentId::new(id), of)));
    let ticked = Fields(vec![("page".into(), "A2".into())]);
    assert_eq!(draft_pictures(&item, Some(&ticked)), [(AttachmentId::new("A2"), PictureOf::Page)]);
    // The picture in a mail's signature is no writing.
    item.envelope.as_mut().unwrap().sheet = None;
    assert_eq!(draft_pictures(&item, None), [(AttachmentId::new("A2"), PictureOf::Page)]);
    item.attachments.truncate(2);
    item.attachments[0].media_type = "image/jpeg".into();
    assert!(draft_pictures(&item, None).is_empty());
}
