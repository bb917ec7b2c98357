use super::*;
use crate::paper::page_to_tiff_g4;
use crate::provider::recognise;
use crate::provider::tests::{TIFF, mail, toml_profiles};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::envelope::{Attachment, ContentHash};
use kakehashi_core::port::PartFault;
use kakehashi_core::reply_code::QrPlace;
use kakehashi_core::sheet_form::{SheetCode, SheetForm};
use kakehashi_core::unreadable::UnreadableCode;
use kakehashi_core::vocabulary::Intent;

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
}

#[test]
fn sheets_of_several_posts_are_parted() {
    use crate::sheet::tests::{code, sheet, sheet_of};
    let other = kakehashi_core::reply_code::ReplyCode::from_random(7);
    let mut note = crate::pages::Page::white_a4(196.0);
    note.draw_line_mm(&[(40.0, 60.0), (52.0, 66.0), (60.0, 58.0), (90.0, 64.0)], 0.5);
    let pages = [note.clone(), sheet(196.0), note.clone(), sheet_of(&other, 98.0).turned(180), note];
    let tiff = page_to_tiff_g4(&pages);
    let envelopes = read_file(&intake(&tiff), &mut Kept::default()).unwrap();
    let told: Vec<_> = envelopes
        .iter()
        .map(|e| {
            (
                e.intent,
                e.reply_code.as_deref(),
                e.attachments.iter().filter_map(|a| a.name.as_deref()).collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (Intent::Topic, None, vec!["page-1.png"]),
            (Intent::Reply, Some(code().as_str()), vec!["page-2.png", "page-3.png"]),
            (Intent::Reply, Some(other.as_str()), vec!["page-4.png", "page-5.png"]),
        ]
    );
    for envelope in &envelopes {
        assert_eq!(envelope.warnings[0].code, "sheets_parted");
        assert!(
            envelope.attachments.iter().all(|a| a.role == AttachmentRole::PageImage),
            "nobody else's pages"
        );
    }
    // The same sheet twice stays one answer, in which a person looks at both.
    let envelopes = read_file(&intake(&page_to_tiff_g4(&[sheet(196.0), sheet(98.0)])), &mut Kept::default());
    let [both] = &envelopes.unwrap()[..] else { panic!("parted") };
    assert!(both.sheet.as_ref().unwrap().closes.is_empty());
}

/// The QR of a sheet's code, in the one mode in which sheets are printed.
fn qr_of(text: &str) -> qrcode::QrCode {
    use qrcode::{EcLevel, QrCode, Version, bits::Bits, optimize::Segment, types::Mode};
    let mut bits = Bits::new(Version::Normal(1));
    let whole = Segment { mode: Mode::Alphanumeric, begin: 0, end: text.len() };
    bits.push_segments(text.as_bytes(), std::iter::once(whole)).unwrap();
    bits.push_terminator(EcLevel::Q).unwrap();
    QrCode::with_bits(bits, EcLevel::Q).unwrap()
}

/// The sheet of a まとめ便 of eight posts that begins with this line: marks, codes and boxes.
fn digest_sheet(first: u16, y_dpi: f32) -> (crate::pages::Page, SheetCode) {
    use kakehashi_core::sheet_geometry::{MARK_CENTRES, MARK_SIZE, QR_A, QR_B, QR_MODULES};
    let form =
        SheetForm::Digest { lines: if first == 1 { 6 } else { 2 }, staff: 0, untouched_acknowledges: false };
    let code = kakehashi_core::reply_code::ReplyCode::from_random(11);
    let code = SheetCode { code, form, page: 2 + first / 6, first, place: QrPlace::A };
    let mut page = crate::pages::Page::white_a4(y_dpi);
    for (x, y) in MARK_CENTRES {
        page.fill_rect_mm(x - MARK_SIZE / 2.0, y - MARK_SIZE / 2.0, MARK_SIZE, MARK_SIZE);
    }
    let layout = code.layout();
    for (area, text) in [QR_A, QR_B].into_iter().zip(&layout.tokens) {
        let qr = qr_of(text);
        let module = area.width / QR_MODULES as f32;
        let colors = qr.to_colors();
        for i in (0..colors.len()).filter(|i| colors[*i] == qrcode::types::Color::Dark) {
            let (column, row) = ((i % QR_MODULES) as f32, (i / QR_MODULES) as f32);
            page.fill_rect_mm(area.x + column * module, area.y + row * module, module, module);
        }
    }
    for b in layout.boxes {
        let (l, t, r, u) = (b.x, b.y, b.x + b.w, b.y + b.h);
        page.draw_line_mm(&[(l, t), (r, t), (r, u), (l, u), (l, t)], kakehashi_core::sheet_form::FRAME);
    }
    (page, code)
}

#[test]
fn sheets_of_one_digest_are_parted_by_their_lines() {
    use kakehashi_core::sheet_answer::lines;
    let mut first = digest_sheet(1, 196.0);
    let tick = first.1.layout().boxes.into_iter().find(|b| b.id == "acknowledge_all").unwrap();
    first.0.draw_line_mm(
        &[(tick.x + 2.0, tick.y + 5.0), (tick.x + 4.0, tick.y + 8.0), (tick.x + 8.5, tick.y + 2.0)],
        0.7,
    );
    let second = digest_sheet(7, 98.0);
    let tiff = page_to_tiff_g4(&[first.0.clone(), second.0.turned(180)]);
    let envelopes = read_file(&intake(&tiff), &mut Kept::default()).unwrap();
    let told: Vec<_> = envelopes.iter().map(|e| lines(&e.sheet.as_ref().unwrap().marks)).collect();
    assert_eq!(told, [vec![1, 2, 3, 4, 5, 6], vec![7, 8]]);
    assert!(envelopes.iter().all(|e| e.reply_code.as_deref() == Some(first.1.code.as_str())));
    // Both pages of one and the same sheet stay together.
    let twice = page_to_tiff_g4(&[first.0.clone(), first.0]);
    assert_eq!(read_file(&intake(&twice), &mut Kept::default()).unwrap().len(), 1);
}

/// A page as a device wraps it: one CCITT picture in a PDF.
fn pdf_of(page: &crate::pages::Page) -> Vec<u8> {
    let tiff = page_to_tiff_g4(std::slice::from_ref(page));
    let number = |tag: u16| {
        let at = tiff
            .windows(8)
            .rposition(|w| w[..2] == tag.to_le_bytes() && w[2..4] == [4, 0] && w[4..8] == [1, 0, 0, 0]);
        let at = at.unwrap() + 8;
        u32::from_le_bytes(tiff[at..at + 4].try_into().unwrap()) as usize
    };
    let data = &tiff[number(273)..number(273) + number(279)];
    let (w, h) = (page.width, page.height);
    let (across, down) = (w as f32 / page.x_dpi * 72.0, h as f32 / page.y_dpi * 72.0);
    let draw = format!("q {across} 0 0 {down} 0 0 cm /I Do Q");
    let mut out = format!(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n\
         3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 {across} {down}]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>endobj\n\
         4 0 obj<</Length {}>>stream\n{draw}\nendstream endobj\n\
         5 0 obj<</Type/XObject/Subtype/Image/Width {w}/Height {h}/BitsPerComponent 1/ColorSpace/DeviceGray/Filter/CCITTFaxDecode\
         /DecodeParms<</K -1/Columns {w}/Rows {h}>>/Length {}>>stream\n",
        draw.len(),
        data.len()
    )
    .into_bytes();
    out.extend_from_slice(data);
    out.extend_from_slice(b"\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF");
    out
}

#[test]
fn a_sheet_comes_back_as_pdf_and_as_a_picture() {
    use crate::pages::Page;
    use crate::sheet::tests::{code, sheet};
    for y_dpi in [98.0, 196.0] {
        let pdf = pdf_of(&sheet(y_dpi));
        let (envelope, _) = read_as_fax(&pdf, "application/pdf");
        assert_eq!((envelope.format, envelope.intent), (Format::Pdf, Intent::Reply), "{y_dpi}");
        // The members' desk: the caught page is ticked and sent back.
        let mut page = Page::from_pdf(&pdf, 0).unwrap();
        assert_eq!((page.width, page.x_dpi, page.y_dpi), (1728, 204.0, 196.0));
        page.draw_line_mm(&[(63.0, 158.0), (65.0, 161.0), (68.5, 155.5)], 0.7);
        let (envelope, _) = read_as_fax(&page_to_tiff_g4(&[page.clone()]), "image/tiff");
        assert_eq!(envelope.reply_code.as_deref(), Some(code().as_str()), "{y_dpi}");
        let inked: Vec<_> = envelope
            .sheet
            .unwrap()
            .marks
            .into_iter()
            .filter(|m| m.state != kakehashi_core::envelope::MarkState::Empty)
            .map(|m| m.name)
            .collect();
        assert_eq!(inked, ["acknowledge"], "{y_dpi}");
        let again = Page::from_png(&page.to_png()).unwrap();
        let (envelope, _) = read_as_fax(&page_to_tiff_g4(&[again]), "image/tiff");
        assert_eq!(envelope.intent, Intent::Reply, "{y_dpi}");
    }
}

#[test]
fn blank_pages_are_left_out_but_never_all_of_them() {
    use crate::pages::Page;
    let mut written = Page::white_a4(98.0);
    written.draw_line_mm(&[(40.0, 60.0), (52.0, 66.0), (60.0, 58.0), (90.0, 64.0)], 0.5);
    let mut dusty = Page::white_a4(98.0);
    // The sender's line of the machine and some dust.
    dusty.fill_rect_mm(20.0, 2.0, 120.0, 3.0);
    dusty.fill_rect_mm(100.0, 150.0, 0.3, 0.3);
    let (envelope, kept) = read_as_fax(&page_to_tiff_g4(&[written, dusty.clone()]), "image/tiff");
    assert_eq!(kept.0.len(), 2, "the file and one page");
    assert_eq!(envelope.warnings.last().unwrap().code, "page_blank");
    let (envelope, kept) = read_as_fax(&page_to_tiff_g4(&[dusty]), "image/tiff");
    assert_eq!((kept.0.len(), envelope.warnings.len()), (2, 0), "a blank FAX is still shown");
}
