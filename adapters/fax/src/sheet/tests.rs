use super::geometry::{
    BOX_LINE, BOX_SIZE, MARK_CENTRES, MARK_SIZE, QR_A, QR_B, QR_MODULES, TICK_BOXES, tick_box,
};
use super::*;
use crate::pages::{Ink, PageLimits, read_pages};
use crate::paper::page_to_tiff_g4;
use kakehashi_core::envelope::MarkState;
use qrcode::types::Color;
use qrcode::{EcLevel, QrCode, Version};
use std::time::Instant;

mod hostile;
mod laid_flat;
mod pencil;

pub(crate) fn code() -> ReplyCode {
    ReplyCode::from_random(0x0123_4567_89ab)
}

/// A sheet as printed: marks, both codes, frames of the boxes, some message.
pub(crate) fn sheet(y_dpi: f32) -> Page {
    sheet_of(&code(), y_dpi)
}

pub(crate) fn sheet_of(code: &ReplyCode, y_dpi: f32) -> Page {
    let mut page = Page::white_a4(y_dpi);
    draw(&mut page, &code.qr_text(1, QrPlace::A), &code.qr_text(1, QrPlace::B));
    page
}

fn draw(page: &mut Page, text_a: &str, text_b: &str) {
    for line in 0..18 {
        let y = 16.0 + line as f32 * 7.0;
        for word in 0..9 {
            let x = 18.0 + word as f32 * 19.0 + (line % 3) as f32;
            page.draw_line_mm(&[(x, y), (x + 3.0, y + 2.5), (x + 7.0, y), (x + 12.0, y + 3.0)], 0.4);
        }
    }
    for (x, y) in MARK_CENTRES {
        page.fill_rect_mm(x - MARK_SIZE / 2.0, y - MARK_SIZE / 2.0, MARK_SIZE, MARK_SIZE);
    }
    for (area, text) in [(QR_A, text_a), (QR_B, text_b)] {
        let qr = QrCode::with_version(text, Version::Normal(1), EcLevel::Q).unwrap();
        let module = area.width / QR_MODULES as f32;
        for (i, color) in qr.to_colors().iter().enumerate() {
            if *color == Color::Dark {
                let (column, row) = ((i % QR_MODULES) as f32, (i / QR_MODULES) as f32);
                page.fill_rect_mm(area.x + column * module, area.y + row * module, module, module);
            }
        }
    }
    for area in [geometry::HANDWRITING, geometry::NAME] {
        let (l, t, r, u) = (area.x, area.y, area.right(), area.bottom());
        page.draw_line_mm(&[(l, t), (r, t), (r, u), (l, u), (l, t)], 0.32);
    }
    for b in TICK_BOXES {
        // A label beside it.
        for i in 0..4 {
            let x = b.x + 10.0 + i as f32 * 4.5;
            page.draw_line_mm(
                &[(x, b.y + 1.0), (x + 3.5, b.y + 1.0), (x + 1.5, b.y + 5.0), (x + 3.5, b.y + 5.5)],
                0.5,
            );
        }
        let (l, t, r, u) = (b.x, b.y, b.x + BOX_SIZE, b.y + BOX_SIZE);
        page.draw_line_mm(&[(l, t), (r, t), (r, u), (l, u), (l, t)], BOX_LINE);
    }
}

/// Scaled and turned about the middle, moved, as a scanner does it; then dirt.
fn warp(page: &Page, scale: f32, degrees: f32, shift: (f32, f32), dirt: u32) -> Page {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (sin, cos) = (sin / scale, cos / scale);
    let (px, py) = (page.x_dpi / 25.4, page.y_dpi / 25.4);
    let mut out = Page { ink: Ink::Bilevel(vec![0; page.stride() * page.height as usize]), ..page.clone() };
    for y in 0..page.height {
        let down = [0.25, 0.75].map(|part| (y as f32 + part) / py - shift.1 - 148.0);
        for x in 0..page.width {
            let across = [0.25, 0.75].map(|part| (x as f32 + part) / px - shift.0 - 105.0);
            let black = |mx: f32, my: f32| {
                let (ux, uy) = (cos * mx + sin * my + 105.0, cos * my - sin * mx + 148.0);
                ux >= 0.0 && uy >= 0.0 && page.is_black((ux * px) as u32, (uy * py) as u32)
            };
            let votes: u32 =
                down.iter().map(|my| across.iter().map(|mx| u32::from(black(*mx, *my))).sum::<u32>()).sum();
            if votes >= 2 {
                out.blacken(y, x, x + 1);
            }
        }
    }
    let mut state = 0x1234_5678_9abc_def1_u64;
    for _ in 0..dirt {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let (x, y) = ((state % u64::from(page.width)) as u32, (state / 7919 % u64::from(page.height)) as u32);
        out.blacken(y, x, x + 1 + (state >> 60) as u32 % 2);
    }
    out
}

fn through_fax(page: &Page) -> Page {
    read_pages(&page_to_tiff_g4(std::slice::from_ref(page)), &PageLimits::default()).unwrap().pages.remove(0)
}

#[test]
fn a_clean_sheet_in_every_mode_and_turn() {
    for y_dpi in [98.0, 196.0, 391.0] {
        let page = through_fax(&sheet(y_dpi));
        let start = Instant::now();
        let find = find(&page).unwrap_or_else(|| panic!("{y_dpi}"));
        println!("{y_dpi}: {:.1} ms", start.elapsed().as_secs_f64() * 1000.0);
        assert_eq!((find.code, find.page, find.orientation), (code(), 1, 0));
        assert_eq!(find.source, SheetSource::Guided);
        let turned = super::find(&through_fax(&page.turned(180))).unwrap();
        assert_eq!((turned.code, turned.orientation, turned.source), (code(), 180, SheetSource::Guided));
    }
    let fine = sheet(196.0);
    for degrees in [90, 270] {
        let find = find(&fine.turned(degrees)).unwrap_or_else(|| panic!("{degrees}"));
        assert_eq!((find.code, find.orientation), (code(), 360 - degrees));
        let SheetSearch::Found(reading) = read(&fine.turned(degrees)) else { panic!("{degrees}") };
        assert!(reading.marks.iter().all(|m| m.state == MarkState::Empty), "{:?}", reading.marks);
    }
}

#[test]
fn second_generation_sheets() {
    let (mut found, mut all, mut empty) = (0, 0, 0);
    for y_dpi in [98.0, 196.0] {
        let page = sheet(y_dpi);
        for scale in [0.95, 0.97, 1.03] {
            for degrees in [-2.5, -0.7, 1.2, 3.0] {
                for shift in [(0.0, 0.0), (2.5, -4.0)] {
                    let warped = warp(&page, scale, degrees, shift, 1500);
                    for turn in [0, 180] {
                        let scanned = through_fax(&warped.turned(turn));
                        all += 1;
                        if let SheetSearch::Found(reading) = read(&scanned) {
                            assert_eq!((reading.find.code, reading.find.orientation), (code(), turn));
                            assert!(reading.handwriting.is_empty(), "{:?}", reading.handwriting);
                            empty += reading.marks.iter().filter(|m| m.state == MarkState::Empty).count();
                            found += 1;
                        } else {
                            println!("missed: {y_dpi} {scale} {degrees} {shift:?} {turn}");
                        }
                    }
                }
            }
        }
    }
    println!("{found} of {all} found, {empty} of {} empty boxes said to be empty", all * 6);
    assert_eq!(found, all);
}

#[test]
fn without_marks_the_free_search_finds_it() {
    let mut page = Page::white_a4(196.0);
    let mut whole = sheet(196.0);
    // Everything but the code A is cut away.
    let (px, py) = (204.0 / 25.4, 196.0 / 25.4);
    for y in ((QR_A.y - 4.0) * py) as u32..((QR_A.bottom() + 4.0) * py) as u32 {
        for x in ((QR_A.x - 4.0) * px) as u32..((QR_A.right() + 4.0) * px) as u32 {
            if whole.is_black(x, y) {
                page.blacken(y, x, x + 1);
            }
        }
    }
    let find = find(&page).unwrap();
    assert_eq!((find.code, find.places, find.source), (code(), vec![QrPlace::A], SheetSource::Searched));
    let SheetSearch::Found(reading) = read(&page) else { panic!("found before") };
    assert!(reading.marks.iter().all(|m| m.state == MarkState::Unsure));
    whole.fill_rect_mm(0.0, 150.0, 5.0, 5.0);
    assert!(super::find(&whole).is_some());
}

#[test]
fn a_resolution_that_is_a_lie() {
    for (drawn, said) in [(98.0, 196.0), (196.0, 98.0)] {
        let page = Page { y_dpi: said, ..sheet(drawn) };
        assert_eq!(find(&page).map(|f| f.code), Some(code()), "{drawn} said to be {said}");
    }
}

/// The member cut off and kept the message; the file says nothing of its resolution.
#[test]
fn only_the_lower_part_comes_back() {
    for y_dpi in [98.0_f32, 196.0, 391.0] {
        let whole = sheet(y_dpi);
        let from = (147.0 / 25.4 * y_dpi) as u32;
        let Ink::Bilevel(bits) = &whole.ink else { panic!("bilevel") };
        let rest = Ink::Bilevel(bits[from as usize * whole.stride()..].to_vec());
        let cut = Page { height: whole.height - from, ink: rest, ..whole };
        for said in [y_dpi, if y_dpi > 300.0 { 196.0 } else { 98.0 }] {
            let SheetSearch::Found(reading) = read(&Page { y_dpi: said, ..cut.clone() }) else {
                panic!("{y_dpi} said to be {said}")
            };
            assert_eq!(reading.find.code, code());
            assert!(reading.marks.iter().all(|m| m.state == MarkState::Empty), "{:?}", reading.marks);
        }
    }
}

#[test]
fn a_damaged_page_has_no_empty_boxes() {
    let page = Page { damaged: true, ..sheet(196.0) };
    let SheetSearch::Found(reading) = read(&page) else { panic!("not found") };
    assert!(reading.marks.iter().all(|m| m.state == MarkState::Unsure));
}

#[test]
fn codes_that_disagree_are_no_code() {
    let other = ReplyCode::from_random(0xfeed_beef);
    let mut page = Page::white_a4(196.0);
    draw(&mut page, &code().qr_text(1, QrPlace::A), &other.qr_text(1, QrPlace::B));
    assert_eq!(read(&page), SheetSearch::Contradiction);
    assert_eq!(find(&page), None);
    // A letter at the wrong place is nobody's sheet either.
    let mut page = Page::white_a4(196.0);
    draw(&mut page, &code().qr_text(1, QrPlace::B), &code().qr_text(1, QrPlace::A));
    let find = find(&page);
    assert!(find.is_none_or(|f| f.source != SheetSource::Guided));
}

#[test]
fn a_tick_is_marked_and_nothing_else_is() {
    for y_dpi in [98.0, 196.0] {
        let mut page = sheet(y_dpi);
        let tick = tick_box("acknowledge").unwrap();
        page.draw_line_mm(
            &[(tick.x + 1.5, tick.y + 3.5), (tick.x + 3.0, tick.y + 5.5), (tick.x + 6.0, tick.y + 1.0)],
            0.6,
        );
        page.draw_line_mm(&[(40.0, 220.0), (60.0, 230.0), (80.0, 215.0), (95.0, 228.0)], 0.6);
        let scanned = through_fax(&warp(&page, 0.98, 0.8, (1.0, 1.0), 300).turned(180));
        let SheetSearch::Found(reading) = read(&scanned) else { panic!("{y_dpi}") };
        for mark in &reading.marks {
            let is_ticked = mark.name == "acknowledge";
            assert_eq!(mark.state == MarkState::Marked, is_ticked, "{y_dpi}: {mark:?}");
        }
        let ticked = reading.marks.iter().find(|m| m.name == "acknowledge").unwrap();
        assert!(ticked.confidence > 0.9, "{ticked:?}");
        assert!(reading.has_writing(&reading.find.layout()), "a note may contradict the tick");
        assert_eq!(reading.handwriting.len(), 1, "{:?}", reading.handwriting);
        assert!(reading.crops.len() == 1 && reading.crops[0].starts_with(b"\x89PNG"));
        let [x, y, w, h] = reading.handwriting[0].area_mm;
        assert!(
            (36.0..=41.0).contains(&x)
                && (210.0..=216.0).contains(&y)
                && (52.0..=62.0).contains(&w)
                && h > 10.0
        );
    }
}

#[test]
fn a_photograph_of_a_sheet() {
    let page = warp(&sheet(196.0), 0.96, 2.0, (0.0, 0.0), 0);
    let grey = page.grey_scaled(1200, 1697);
    // A shadow from left to right.
    let shaded: Vec<u8> = grey
        .iter()
        .enumerate()
        .map(|(i, d)| (f32::from(*d) * (0.45 + 0.5 * (i % 1200) as f32 / 1200.0)) as u8)
        .collect();
    let dpi = 1697.0 / (297.0 / 25.4);
    let photo =
        Page { width: 1200, height: 1697, x_dpi: dpi, y_dpi: dpi, ink: Ink::Grey(shaded), damaged: false };
    assert_eq!(find(&photo).map(|f| f.code), Some(code()));
}

#[test]
fn pages_that_are_no_sheets_have_no_code() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/corpus/fax/generated");
    for file in std::fs::read_dir(folder).unwrap().flatten() {
        let Ok(pages) = read_pages(&std::fs::read(file.path()).unwrap(), &PageLimits::default()) else {
            continue;
        };
        for page in pages.pages {
            let start = Instant::now();
            assert_eq!(read(&page), SheetSearch::Nothing, "{:?}", file.file_name());
            println!("{:?}: {:.1} ms", file.file_name(), start.elapsed().as_secs_f64() * 1000.0);
        }
    }
}

#[test]
fn what_is_no_tick_is_never_marked() {
    use geometry::Area;
    type Strokes = fn(Area) -> Vec<Vec<(f32, f32)>>;
    let kinds: [(&str, Strokes); 5] = [
        ("cross", |a| {
            vec![
                vec![(a.x + 1.0, a.y + 1.0), (a.right() - 1.0, a.bottom() - 1.0)],
                vec![(a.x + 1.0, a.bottom() - 1.0), (a.right() - 1.0, a.y + 1.0)],
            ]
        }),
        ("stray line", |a| vec![vec![(a.x - 9.0, a.y + 2.0), (a.right() + 12.0, a.y + 4.5)]]),
        ("struck out", |a| {
            vec![
                vec![(a.x + 1.5, a.y + 3.5), (a.x + 3.0, a.y + 5.5), (a.x + 6.0, a.y + 1.0)],
                vec![(a.x - 1.5, a.y + 3.0), (a.right() + 1.5, a.y + 3.8)],
                vec![(a.x - 1.5, a.y + 4.6), (a.right() + 1.5, a.y + 5.2)],
            ]
        }),
        ("dot", |a| vec![vec![(a.x + 3.0, a.y + 4.0)]]),
        ("glass line", |a| vec![vec![(a.x + 4.0, 100.0), (a.x + 4.0, 290.0)]]),
    ];
    for y_dpi in [98.0, 196.0] {
        for (name, strokes) in kinds {
            let mut page = sheet(y_dpi);
            let area = tick_box("acknowledge").unwrap().area();
            for stroke in strokes(area) {
                page.draw_line_mm(&stroke, 0.6);
            }
            for degrees in [-1.0, 0.6] {
                let SheetSearch::Found(reading) = read(&warp(&page, 0.98, degrees, (1.0, 1.0), 300)) else {
                    panic!("{y_dpi} {name}")
                };
                let mark = reading.marks.iter().find(|m| m.name == "acknowledge").unwrap();
                assert_ne!(mark.state, MarkState::Marked, "{y_dpi} {name}: {mark:?}");
            }
        }
    }
}

#[test]
fn a_sheet_of_few_dots_has_its_code() {
    let page = sheet(196.0);
    let mut sparse =
        Page { ink: Ink::Bilevel(vec![0; page.stride() * page.height as usize]), ..page.clone() };
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for y in 0..page.height {
        for x in (0..page.width).filter(|x| page.is_black(*x, y)) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            if state % 100 < 22 {
                sparse.blacken(y, x, x + 1);
            }
        }
    }
    let SheetSearch::Found(reading) = read(&sparse) else { panic!("no code") };
    assert_eq!((reading.find.code, reading.find.source), (code(), SheetSource::Guided));
    assert!(reading.marks.iter().all(|m| m.state == MarkState::Unsure), "{:?}", reading.marks);
}

#[test]
fn lines_of_machines_are_no_writing() {
    let layout = geometry::SheetLayout::reply_sheet();
    let hand = layout.hand.unwrap();
    for (from, lean) in [(2.0, 0.0), (200.0, 0.0), (2.0, 0.9), (2.0, -1.6)] {
        let mut page = sheet(196.0);
        page.draw_line_mm(&[(hand.x + 60.0, from), (hand.x + 60.0, 296.0)], 0.5);
        let seen = |page: &Page| {
            let SheetSearch::Found(reading) = read(&warp(page, 0.98, lean, (1.0, 1.0), 300)) else {
                panic!("{from} {lean}")
            };
            reading.has_writing(&layout)
        };
        assert!(!seen(&page), "{from} {lean}");
        page.draw_line_mm(&[(hand.x + 20.0, hand.y + 4.0), (hand.x + 35.0, hand.y + 16.0)], 0.5);
        page.draw_line_mm(&[(hand.x + 35.0, hand.y + 4.0), (hand.x + 20.0, hand.y + 16.0)], 0.5);
        assert!(seen(&page), "{from} {lean}: what is written beside the line");
    }
}

#[test]
fn the_networks_are_whole() {
    use super::classifier::{BoxView, Network, Patch, opinion};
    let all = [
        &include_bytes!("weights-1.bin")[..],
        include_bytes!("weights-2.bin"),
        include_bytes!("weights-3.bin"),
    ];
    for packed in all {
        let network = Network::unpack(packed).unwrap();
        assert_eq!(network.pack(), packed, "packing loses nothing more");
        assert!(Network::unpack(&packed[1..]).is_none());
    }
    // An empty picture has no frame either: nothing is concluded from it.
    let blank = opinion(&BoxView::of_crop(Patch::new([0; 1024])));
    assert!(blank.marked < 0.0, "{blank:?}");
}
