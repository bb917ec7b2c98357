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
