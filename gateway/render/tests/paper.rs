//! Paper as a machine sees it: pages are counted and drawn by another reader than the one that made
//! them, and the QR is read from the picture at the resolution of a fax.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests: a fault there fails the test"
)]

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::Pdf;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use kakehashi_core::decision::Notice;
use kakehashi_core::job::{DeliveryJob, JobContent, JobPosts};
use kakehashi_core::rendered::{RenderedContent, RenderedFax};
use kakehashi_core::reply_code::{QrPlace, ReplyCode};
use kakehashi_core::sheet_form::{SheetCode, SheetForm};
use kakehashi_core::sheet_geometry as place;
use kakehashi_core::vocabulary::{AttachmentRole, Channel};
use kakehashi_render::{RenderFault, Renderer, samples};
use std::sync::OnceLock;

const DOTS_PER_MM: f32 = 204.0 / 25.4;

fn renderer() -> &'static Renderer {
    static RENDERER: OnceLock<Renderer> = OnceLock::new();
    RENDERER.get_or_init(|| Renderer::new().unwrap())
}

fn fax(job: &DeliveryJob) -> RenderedFax {
    match renderer().render(job).unwrap() {
        RenderedContent::Fax(fax) => fax,
        other => panic!("not a fax: {other:?}"),
    }
}

fn posts(job: &mut DeliveryJob) -> &mut JobPosts {
    match &mut job.content {
        JobContent::Posts(posts) => posts,
        JobContent::Sheet(_) | JobContent::Notice { .. } => panic!("no posts"),
    }
}

/// A page in grey at 204 dpi.
struct Picture {
    width: usize,
    height: usize,
    grey: Vec<u8>,
}

impl Picture {
    fn at(&self, x_mm: f32, y_mm: f32) -> u8 {
        self.grey[(y_mm * DOTS_PER_MM) as usize * self.width + (x_mm * DOTS_PER_MM) as usize]
    }

    /// Share of dark dots in an area.
    fn ink(&self, x: f32, y: f32, width: f32, height: f32) -> f32 {
        let (mut dark, mut all) = (0.0, 0.0);
        for row in (y * DOTS_PER_MM) as usize..((y + height) * DOTS_PER_MM) as usize {
            for column in (x * DOTS_PER_MM) as usize..((x + width) * DOTS_PER_MM) as usize {
                all += 1.0;
                if self.grey[row * self.width + column] < 128 {
                    dark += 1.0;
                }
            }
        }
        dark / all
    }

    fn codes(&self) -> Vec<SheetCode> {
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(self.width, self.height, |x, y| {
            self.grey[y * self.width + x]
        });
        let grids = image.detect_grids();
        grids.iter().filter_map(|g| g.decode().ok()).filter_map(|(_, text)| SheetCode::parse(&text)).collect()
    }
}

/// All pages; of long documents only the first two and the last are drawn, the others stay empty.
fn pages(pdf: &[u8]) -> Vec<Picture> {
    let pdf = Pdf::new(pdf.to_vec()).expect("a PDF");
    let count = pdf.pages().len();
    pdf.pages()
        .iter()
        .enumerate()
        .map(|(at, page)| {
            if at > 1 && at + 1 < count {
                return Picture { width: 0, height: 0, grey: Vec::new() };
            }
            let settings = PixmapSettings {
                x_scale: 204.0 / 72.0,
                y_scale: 204.0 / 72.0,
                bg_color: hayro::vello_cpu::color::palette::css::WHITE,
            };
            let pixmap = hayro::render(
                page,
                &RenderCache::new(),
                &InterpreterSettings::default(),
                &RenderSettings::default(),
                &settings,
            );
            let (width, height) = (usize::from(pixmap.width()), usize::from(pixmap.height()));
            let grey = pixmap.data_as_u8_slice().chunks_exact(4).map(|p| p[1]).collect();
            Picture { width, height, grey }
        })
        .collect()
}

/// The last page carries the sheet of this code, and only the last.
fn check_sheet(job: &DeliveryJob, expected_pages: Option<usize>) {
    let fax = fax(job);
    let pictures = pages(&fax.pdf);
    assert_eq!(pictures.len(), fax.pages as usize);
    if let Some(expected) = expected_pages {
        assert_eq!(pictures.len(), expected);
    }
    let JobContent::Posts(posts) = &job.content else { panic!("no posts") };
    let (sheet, before) = pictures.split_last().unwrap();
    for page in before.iter().filter(|p| p.width > 0) {
        let others = page.codes();
        assert!(
            others.iter().all(|c| matches!(c.form, SheetForm::Digest { .. })),
            "a QR before the last page"
        );
    }
    check_page(sheet, &posts.code, pictures.len());
}

/// The page carries the sheet of this code, and everything that is read stands clear.
fn check_page(sheet: &Picture, code: &ReplyCode, number: usize) -> SheetCode {
    let codes = sheet.codes();
    let found = |place| {
        codes
            .iter()
            .find(|c| c.code == *code && usize::from(c.page) == number && c.place == place)
            .unwrap_or_else(|| panic!("{place:?} not found in {codes:?}"))
    };
    let (read, other) = (found(QrPlace::A), found(QrPlace::B));
    assert_eq!((read.form, read.first), (other.form, other.first));
    for (x, y) in place::MARK_CENTRES {
        let half = place::MARK_SIZE / 2.0;
        assert!(sheet.ink(x - half + 0.2, y - half + 0.2, 5.6, 5.6) > 0.99, "mark {x} {y}");
        let reach = half + place::MARK_QUIET;
        let around = sheet.ink(x - reach, y - reach, 2.0 * reach, 2.0 * reach);
        assert!(around < 0.20, "white around mark {x} {y}: {around}");
    }
    let layout = read.layout();
    for b in &layout.boxes {
        // The last line of a まとめ便 stands 2 mm above a code; elsewhere there is more room.
        let above_code = b.y + b.w + 2.2 > place::QR_B.y && b.x + b.w + 2.2 > place::QR_B.x;
        let (side, quiet) = (b.w, if above_code { 1.9 } else { 2.2 });
        assert!(sheet.at(b.x, b.y + side / 2.0) < 128, "frame of {}", b.id);
        assert!(sheet.ink(b.x + 0.7, b.y + 0.7, side - 1.4, side - 1.4) == 0.0, "inside of {}", b.id);
        let wide = side + 2.0 * quiet;
        for (name, x, y, w, h) in [
            ("left of", b.x - quiet, b.y - quiet, quiet - 0.5, wide),
            ("right of", b.x + side + 0.5, b.y - quiet, quiet - 0.7, wide),
            ("above", b.x - quiet, b.y - quiet, wide, quiet - 0.5),
            ("below", b.x - quiet, b.y + side + 0.5, wide, quiet - 0.5),
        ] {
            assert!(sheet.ink(x, y, w, h) == 0.0, "{name} {} of {:?}", b.id, read.form);
        }
    }
    for area in [layout.hand, layout.name].into_iter().flatten() {
        assert!(sheet.ink(area.x + 0.5, area.y + 0.5, area.w - 1.0, area.h - 1.0) == 0.0, "writing space");
    }
    for qr in [place::QR_A, place::QR_B] {
        assert!(sheet.ink(qr.x - 4.0, qr.y, 3.8, qr.height) == 0.0, "left of a QR");
        assert!(sheet.ink(qr.right() + 0.2, qr.y, 3.8, qr.height) == 0.0, "right of a QR");
        // The last line of a まとめ便 ends 1.7 mm above it, that of a 異動届 1.4 mm.
        assert!(sheet.ink(qr.x, qr.y - 1.3, qr.width, 1.1) == 0.0, "above a QR");
    }
    read.clone()
}

#[test]
fn every_kind_of_sheet_stands_clear() {
    for (name, job) in samples::sheets() {
        let JobContent::Sheet(ordered) = &job.content else { panic!("no sheet") };
        let fax = fax(&job);
        assert_eq!(fax.pages, 1, "{name}");
        let picture = pages(&fax.pdf).remove(0);
        match name {
            "status" | "evidence" => assert!(picture.codes().is_empty(), "{name}"),
            "paste_slips" => {
                let numbers: Vec<u16> = picture.codes().iter().map(|c| c.first).collect();
                assert_eq!(numbers.len(), 2, "{numbers:?}");
                assert!(numbers.contains(&7) && numbers.contains(&8), "{numbers:?}");
            }
            kind => {
                let read = check_page(&picture, &ordered.code, 1);
                assert_eq!(read.form.kind(), kind);
            }
        }
    }
}

#[test]
fn the_hardest_names_move_nothing_that_is_read() {
    for (name, job) in samples::hard::all() {
        let fax = fax(&job);
        let pictures = pages(&fax.pdf);
        let count = pictures.len();
        let last = &pictures[count - 1];
        match &job.content {
            JobContent::Posts(posts) => {
                let read = check_page(last, &posts.code, count);
                // As many sheets as the posts need, and no page of them in between.
                let lines = u16::try_from(posts.items.len()).unwrap();
                let first = if read.form.kind() == "digest" { (lines - 1) / 6 * 6 + 1 } else { 1 };
                assert_eq!(read.first, first, "{name}");
            }
            JobContent::Sheet(ordered) if !last.codes().is_empty() && name != "hard_paste_slips" => {
                assert_eq!(count, 1, "{name}");
                check_page(last, &ordered.code, 1);
            }
            JobContent::Sheet(_) | JobContent::Notice { .. } => assert!(count <= 3, "{name}: {count}"),
        }
    }
}

#[test]
fn a_long_digest_has_a_sheet_for_every_six_posts() {
    let job = samples::long_digest(Channel::Fax);
    let pictures = pages(&fax(&job).pdf);
    let JobContent::Posts(posts) = &job.content else { panic!("no posts") };
    let count = pictures.len();
    let last = check_page(&pictures[count - 1], &posts.code, count);
    assert_eq!((last.first, last.form.kind()), (7, "digest"));
    assert_eq!(last.form, SheetForm::Digest { lines: 2, staff: 4, untouched_acknowledges: false });
}

#[test]
fn untouched_sheets_say_so_in_their_code() {
    let job = samples::untouched(Channel::Fax);
    let JobContent::Posts(posts) = &job.content else { panic!("no posts") };
    let read = check_page(&pages(&fax(&job).pdf)[0], &posts.code, 1);
    assert!(read.form.untouched_acknowledges());
    check_sheet(&samples::alias_only(Channel::Fax), Some(1));
}

#[test]
fn a_short_post_shares_its_page_with_the_sheet() {
    check_sheet(&samples::discharge(Channel::Fax), Some(1));
}

/// The code is read aloud on the telephone: it stays on one line, however wide its letters are.
#[test]
fn a_wide_code_stays_on_its_line() {
    let wide = |sign: u64| ReplyCode::from_random((0..9).fold(0, |value, _| value << 5 | sign));
    // W, M, Q and D are the widest.
    for code in [28, 20, 22, 13].map(wide) {
        let mut job = samples::discharge(Channel::Fax);
        posts(&mut job).code = code.clone();
        posts(&mut job).items[0].code = code.clone();
        let page = pages(&fax(&job).pdf).pop().unwrap();
        let area = place::CODE_TEXT;
        assert!(page.ink(area.x, area.y, area.width, area.height - 1.0) > 0.05, "{code} is not there");
        let below = page.ink(area.x, area.y + 10.0, area.width, 2.5);
        assert!(below == 0.0, "{code} goes on in the next line: {below}");
    }
}

#[test]
fn a_digest_of_three_short_posts_is_one_page() {
    check_sheet(&samples::digest(Channel::Fax), Some(1));
}

#[test]
fn an_attached_pdf_is_printed_before_the_sheet() {
    let job = samples::discharge_with_pdf(Channel::Fax);
    check_sheet(&job, Some(4));
    let pictures = pages(&fax(&job).pdf);
    assert!(pictures[1].ink(30.0, 50.0, 150.0, 200.0) > 0.005, "the form is on page 2");
}

#[test]
fn a_long_text_is_paginated() {
    let job = samples::long_text(Channel::Fax, 5_000);
    let count = fax(&job).pages;
    assert!((4..=6).contains(&count), "{count}");
    check_sheet(&job, None);
}

#[test]
fn every_length_ends_with_one_sheet() {
    for characters in (0..1_400).step_by(200) {
        check_sheet(&samples::long_text(Channel::Fax, characters), None);
    }
}

#[test]
fn text_beyond_all_bounds_is_cut_with_a_word() {
    let job = samples::long_text(Channel::Fax, 200_000);
    let count = fax(&job).pages;
    assert!((14..=20).contains(&count), "{count}");
}

#[test]
fn hostile_text_stays_text() {
    check_sheet(&samples::hostile(Channel::Fax), Some(1));
}

#[test]
fn many_short_lines_and_long_runs_stay_in_bounds() {
    let mut job = samples::long_text(Channel::Fax, 1);
    posts(&mut job).items[0].post.body = "a\n".repeat(100_000);
    assert!(fax(&job).pages < 60);
    posts(&mut job).items[0].post.body = "W".repeat(100_000);
    assert!(fax(&job).pages < 60);
}

#[test]
fn twenty_appended_pages_are_enough() {
    let mut job = samples::discharge(Channel::Fax);
    posts(&mut job).items[0].attachments =
        vec![samples::attachment("長い.pdf", "application/pdf", samples::form_pdf(50), Some(50))];
    check_sheet(&job, Some(22));
}

#[test]
fn page_images_stand_for_the_received_file() {
    let mut png = Vec::new();
    image::DynamicImage::new_luma8(800, 400)
        .write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png)
        .unwrap();
    let mut job = samples::discharge(Channel::Fax);
    let mut page = samples::attachment("page-1.png", "image/png", png, Some(1));
    page.stored.role = AttachmentRole::PageImage;
    let mut source = samples::attachment("fax.pdf", "application/pdf", samples::form_pdf(1), Some(1));
    source.stored.role = AttachmentRole::Source;
    posts(&mut job).items[0].attachments = vec![page, source];
    check_sheet(&job, Some(3));
}

#[test]
fn a_damaged_picture_does_not_stop_the_delivery() {
    // A header that promises a picture, and nothing behind it.
    let mut png = Vec::new();
    image::DynamicImage::new_luma8(64, 64)
        .write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png)
        .unwrap();
    png.truncate(45);
    let mut job = samples::discharge(Channel::Fax);
    posts(&mut job).items[0].attachments = vec![
        samples::attachment("damaged.png", "image/png", png, None),
        samples::attachment("empty.pdf", "application/pdf", Vec::new(), None),
        samples::attachment("damaged.pdf", "application/pdf", samples::form_pdf(1)[..300].to_vec(), None),
    ];
    check_sheet(&job, None);
}

#[test]
fn a_notice_is_one_page_without_code() {
    for notice in [Notice::Uniform, Notice::PhonePlease, Notice::TooLarge] {
        let fax = fax(&samples::notice(Channel::Fax, notice));
        assert_eq!((fax.number.as_str(), fax.pages), ("0300000777", 1));
        let pictures = pages(&fax.pdf);
        assert_eq!(pictures.len(), 1);
        assert!(pictures[0].codes().is_empty());
        assert!(pictures[0].ink(18.0, 20.0, 170.0, 80.0) > 0.01);
    }
}

#[test]
fn the_same_job_is_the_same_page() {
    let job = samples::digest(Channel::Fax);
    assert_eq!(fax(&job), fax(&job));
    assert_eq!(renderer().sheet_pdf(&job).unwrap().pdf, fax(&job).pdf);
}

#[test]
fn what_is_not_for_people_is_refused() {
    let job = samples::discharge(Channel::Hl7);
    assert!(matches!(renderer().render(&job), Err(RenderFault::NoHospitalNumber)));
    let mut job = samples::discharge(Channel::Fax);
    posts(&mut job).items.clear();
    assert!(matches!(renderer().render(&job), Err(RenderFault::NoItems)));
    assert!(matches!(renderer().sheet_pdf(&job), Err(RenderFault::NoItems)));
}
