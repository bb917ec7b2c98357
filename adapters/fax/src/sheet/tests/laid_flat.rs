//! Sheets that were photographed or made smaller, and strokes beside boxes and writing areas.

use super::super::{SheetReading, SheetSearch, read};
use super::{code, sheet};
use crate::pages::{Ink, Page};
use kakehashi_core::envelope::MarkState;

fn reading(page: &Page) -> SheetReading {
    match read(page) {
        SheetSearch::Found(reading) => *reading,
        other => panic!("{other:?}"),
    }
}

/// The sheet on a desk, seen from the side: `tilt` is how much nearer one edge is.
fn seen_from_the_side(page: &Page, fill: f32, tilt: (f32, f32)) -> Page {
    let (width, height) = (1650_u32, 2200_u32);
    let mut dots = Vec::with_capacity((width * height) as usize);
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (x as f32 / height as f32 - 0.375, y as f32 / height as f32 - 0.5);
            let scale = 297.0 / fill / (1.0 + tilt.0 * u + tilt.1 * v);
            let (mx, my) = (105.0 + scale * u, 148.5 + scale * v);
            let on_paper = (0.0..210.0).contains(&mx) && (0.0..297.0).contains(&my);
            let black = page.is_black((mx / 25.4 * page.x_dpi) as u32, (my / 25.4 * page.y_dpi) as u32);
            dots.push(if !on_paper {
                90
            } else if black {
                40
            } else {
                (200.0 + 60.0 * u) as u8
            });
        }
    }
    let dpi = 2200.0 / (297.0 / 25.4);
    Page { width, height, x_dpi: dpi, y_dpi: dpi, ink: Ink::Grey(dots), damaged: false }
}

#[test]
fn a_photograph_from_the_side() {
    let mut page = sheet(391.0);
    page.draw_line_mm(&[(63.5, 158.5), (65.0, 160.5), (68.0, 156.0)], 0.6);
    for (fill, tilt) in [(0.9, (0.0, 0.0)), (0.85, (0.1, -0.08)), (0.8, (-0.12, 0.1))] {
        let reading = reading(&seen_from_the_side(&page, fill, tilt));
        assert_eq!(reading.find.code, code());
        let of = |name: &str| reading.marks.iter().find(|m| m.name == name).unwrap();
        assert!(of("acknowledge").confidence > 0.1, "{fill} {tilt:?}: {:?}", reading.marks);
        assert_eq!(of("call_back").state, MarkState::Empty, "{fill} {tilt:?}: {:?}", reading.marks);
    }
}

#[test]
fn a_copy_made_smaller() {
    let page = sheet(196.0);
    // A4 on A5, as machines do to save paper: the dots stay where they are, the paper is larger.
    let small = Page { x_dpi: page.x_dpi * 1.414, y_dpi: page.y_dpi * 1.414, ..page };
    let reading = reading(&small);
    assert_eq!(reading.find.code, code());
    assert!(reading.marks.iter().all(|m| m.state == MarkState::Empty), "{:?}", reading.marks);
}

#[test]
fn a_ring_around_a_label_and_a_line_through_it_are_writing() {
    for y_dpi in [98.0, 196.0] {
        let clean = sheet(y_dpi);
        let layout = reading(&clean).find.layout();
        assert!(!reading(&clean).has_writing(&layout), "{y_dpi}");

        let mut ringed = clean.clone();
        let ring: Vec<(f32, f32)> = (0..=40)
            .map(|i| {
                let angle = i as f32 * std::f32::consts::TAU / 40.0;
                (84.0 + 12.0 * angle.cos(), 172.5 + 5.5 * angle.sin())
            })
            .collect();
        ringed.draw_line_mm(&ring, 0.6);
        assert!(reading(&ringed).has_writing(&layout), "{y_dpi}");

        let mut struck = clean.clone();
        struck.draw_line_mm(&[(73.0, 172.0), (98.0, 173.5)], 0.6);
        assert!(reading(&struck).has_writing(&layout), "{y_dpi}");
    }
}

#[test]
fn a_line_of_the_scanner_is_no_writing() {
    for y_dpi in [98.0, 196.0] {
        let mut page = sheet(y_dpi);
        page.fill_rect_mm(110.0, 0.0, 0.3, 297.0);
        let reading = reading(&page);
        assert!(!reading.has_writing(&reading.find.layout()), "{y_dpi}: {:?}", reading.handwriting);
        assert_eq!(reading.find.code, code());
    }
}
