//! Emptiness acts only on pages that would have shown a pencil.

use super::super::faint::Grey;
use super::super::{Located, geometry, locate, patch};
use super::*;
use kakehashi_core::sheet_answer::is_untouched;

/// Grey as dots of a matrix of 4×4, so many of 16, over a part of the page in mm.
fn strew(page: &mut Page, area: geometry::Area, of_16: usize) {
    const ORDER: [(u32, u32); 4] = [(1, 2), (3, 0), (3, 2), (1, 0)];
    let (px, py) = (page.x_dpi / 25.4, page.y_dpi / 25.4);
    for y in (area.y * py) as u32..(area.bottom() * py) as u32 {
        for x in (area.x * px) as u32..(area.right() * px) as u32 {
            if ORDER[..of_16].contains(&(x % 4, y % 4)) {
                page.blacken(y, x, x + 1);
            }
        }
    }
}

fn shows_pencil(page: &Page) -> bool {
    let Located::Found(find, Some((bitmap, fit))) = locate(page) else { panic!("no sheet") };
    let layout = find.layout();
    let views = patch::views(&bitmap, &fit, layout.boxes.iter().map(|b| b.area()));
    Grey::of(&bitmap, &fit, &layout, &views).shows_pencil()
}

const LOWER: geometry::Area = geometry::Area { x: 0.0, y: 148.0, width: 210.0, height: 149.0 };

#[test]
fn a_white_sheet_is_empty_but_does_not_act() {
    for y_dpi in [98.0, 196.0] {
        let page = through_fax(&sheet(y_dpi));
        let SheetSearch::Found(reading) = read(&page) else { panic!("{y_dpi}") };
        assert!(reading.marks.iter().all(|m| m.state == MarkState::Empty), "{:?}", reading.marks);
        assert!(!is_untouched(&reading.marks, false), "{y_dpi}: pencil would have been lost");
        assert!(!shows_pencil(&page), "{y_dpi}");
    }
}

#[test]
fn a_grey_sheet_shows_pencil_unless_the_writing_area_is_uneven() {
    for y_dpi in [98.0, 196.0] {
        let mut page = sheet(y_dpi);
        strew(&mut page, LOWER, 1);
        assert!(shows_pencil(&page), "{y_dpi}");
        let hand = geometry::HANDWRITING;
        for stroke in 0..3 {
            let x = hand.x + 20.0 + stroke as f32 * 1.5;
            strew(&mut page, geometry::Area { x, y: hand.y + 8.0, width: 0.6, height: 6.0 }, 4);
        }
        assert!(!shows_pencil(&page), "{y_dpi}: three strokes of a pencil");
    }
}

#[test]
fn grey_must_lie_in_every_box() {
    let mut page = sheet(196.0);
    // The right half of the paper stays white.
    strew(&mut page, geometry::Area { width: 60.0, ..LOWER }, 1);
    assert!(!shows_pencil(&page));
}

#[test]
fn emptiness_of_a_grey_sheet_keeps_its_confidence() {
    let mut page = sheet(196.0);
    strew(&mut page, LOWER, 1);
    let SheetSearch::Found(reading) = read(&page) else { panic!("no sheet") };
    let empty = reading.marks.iter().filter(|m| m.state == MarkState::Empty);
    assert!(empty.map(|m| m.confidence).any(|c| c > 0.9), "{:?}", reading.marks);
}

#[test]
fn dots_of_a_halftone_are_no_writing_and_hide_none() {
    for y_dpi in [98.0, 196.0] {
        for of_16 in [1, 2] {
            let mut dotted = sheet(y_dpi);
            strew(&mut dotted, LOWER, of_16);
            let found = |page: &Page| {
                let SheetSearch::Found(reading) = read(page) else { panic!("{y_dpi}, {of_16}: no sheet") };
                reading.handwriting
            };
            let written = found(&dotted);
            assert!(written.is_empty(), "{y_dpi}, {of_16}: nobody wrote: {written:?}");
            // A note in the writing area, and a stroke where nobody was asked to write.
            let hand = geometry::HANDWRITING;
            let at = |x: f32, y: f32| (hand.x + x, hand.y + y);
            let mut note = dotted.clone();
            note.draw_line_mm(&[at(20.0, 8.0), at(19.0, 15.0), at(23.0, 22.0)], 0.5);
            note.draw_line_mm(&[at(17.0, 12.0), at(26.0, 11.0)], 0.5);
            assert!(!found(&note).is_empty(), "{y_dpi}, {of_16}: a note");
            let mut across = dotted.clone();
            across.draw_line_mm(&[(60.0, 166.0), (120.0, 171.0), (180.0, 167.0)], 0.5);
            assert!(!found(&across).is_empty(), "{y_dpi}, {of_16}: a stroke over the print");
        }
    }
}
