use super::*;
use crate::paper::page_to_tiff_g4;
use crate::provider::recognise;
use crate::provider::tests::{TIFF, mail, toml_profiles};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::envelope::Attachment;
use kakehashi_core::port::PartFault;
use kakehashi_core::unreadable::UnreadableCode;

#[derive(Default)]
struct Kept(Vec<(Attachment, Vec<u8>)>);

impl PartSink for Kept {
    fn keep(&mut self, part: Part<'_>) -> Result<Attachment, PartFault> {
        self.0.push((part.describe(), part.bytes.to_vec()));
        Ok(part.describe())
    }
}

fn read_as_fax(bytes: &[u8], media_type: &str) -> (Envelope, Kept) {
    let profiles = toml_profiles("[[p]]\nname = \"cloud\"\nfrom = [\"cloud.example\"]");
    let mail = mail(
        (None, "no-reply@cloud.example"),
        "FAX",
        "発信元番号：03-0000-0104\n受信日時：2026/06/09 14:10",
        Some(("a.tif", media_type, bytes)),
    );
    let recognised = recognise(&mail, &Origin::default(), &profiles).unwrap();
    let mut kept = Kept::default();
    let mut envelopes = read_mail(&mail, &Origin::default(), &recognised, &mut kept).unwrap();
    assert_eq!(envelopes.len(), 1);
    let envelope = envelopes.remove(0);
    assert_eq!(envelope.content_hash, mail.content_hash);
    (envelope, kept)
}

fn intake(bytes: &[u8]) -> RawIntake {
    RawIntake {
        channel: Channel::Fax,
        format: Format::Tiff,
        dedup_key: String::new(),
        sender_message_id: None,
        bytes: bytes.into(),
        received_at: UtcMicros::from_micros(0),
        origin: Origin::default(),
    }
}

#[test]
fn a_fax_by_mail() {
    let (envelope, kept) = read_as_fax(TIFF, "image/tiff");
    assert_eq!(
        (envelope.channel, envelope.format, envelope.intent),
        (Channel::Fax, Format::Tiff, Intent::Topic)
    );
    assert_eq!(envelope.sender.number.as_deref(), Some("0300000104"));
    assert_eq!(envelope.occurred_at.map(UtcMicros::to_rfc3339).as_deref(), Some("2026-06-09T14:10:00+09:00"));
    let roles: Vec<_> = envelope.attachments.iter().map(|a| a.role).collect();
    assert_eq!(roles, [AttachmentRole::Source, AttachmentRole::PageImage]);
    assert_eq!(kept.0[0].1, TIFF, "byte for byte");
    assert_eq!(kept.0[0].0.pages, Some(1));
    assert!(kept.0[1].1.starts_with(b"\x89PNG"));
    assert!(envelope.warnings.is_empty() && envelope.sheet.is_none(), "{:?}", envelope.warnings);
}

#[test]
fn a_broken_file_is_shown_with_its_reason() {
    let (envelope, kept) = read_as_fax(b"<html>error</html>", "image/tiff");
    assert_eq!(envelope.warnings[0].code, "pages_unreadable");
    assert_eq!((envelope.attachments.len(), kept.0[0].1.as_slice()), (1, &b"<html>error</html>"[..]));
    let cut = include_bytes!("../../../../tests/corpus/fax/broken/b01_truncated-strip_g4.tif");
    let (envelope, _) = read_as_fax(cut, "image/tiff");
    assert_eq!((envelope.warnings[0].code.as_str(), envelope.attachments.len()), ("page_damaged", 2));
}

#[test]
fn bare_files() {
    let envelope = read_file(&intake(TIFF), &mut Kept::default()).unwrap().remove(0);
    assert_eq!(envelope.content_hash, ContentHash::of(TIFF));
    assert_eq!(envelope.format, Format::Tiff);
    for (bytes, code) in [(&b""[..], UnreadableCode::Empty), (b"hello", UnreadableCode::UnknownFormat)] {
        let fault = FaxReader.read(&intake(bytes), &mut Kept::default()).unwrap_err();
        assert!(matches!(fault, ReadFault::Unreadable(u) if u.code == code));
    }
    assert_eq!(looks_like_page_file(TIFF), Some(Format::Tiff));
    assert_eq!(looks_like_page_file(b"%PDF-1.7"), Some(Format::Pdf));
    assert_eq!(looks_like_page_file(b"MSH|"), None);
}

#[test]
fn a_sheet_that_comes_back_is_a_reply() {
    use crate::sheet::tests::{code, sheet};
    let page = sheet(196.0).turned(180);
    let (envelope, _) = read_as_fax(&page_to_tiff_g4(&[page]), "image/tiff");
    assert_eq!(envelope.intent, Intent::Reply);
    assert_eq!(envelope.reply_code.as_deref(), Some(code().as_str()));
    let sheet_read = envelope.sheet.unwrap();
    assert_eq!((sheet_read.orientation, sheet_read.page_of), (180, Some([1, 1])));
    assert_eq!(sheet_read.marks.len(), 6);

    // Two sheets of two posts in one call: nobody but a person can part the pages.
    let other = crate::sheet::tests::sheet_of(&kakehashi_core::reply_code::ReplyCode::from_random(7), 196.0);
    let (envelope, _) = read_as_fax(&page_to_tiff_g4(&[sheet(196.0), other]), "image/tiff");
    assert_eq!((envelope.intent, envelope.reply_code), (Intent::Topic, None));
    assert_eq!(envelope.warnings[0].code, "several_sheets");
}
