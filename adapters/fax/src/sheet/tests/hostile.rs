//! Pages that nobody has printed.

use super::super::{SheetSearch, SheetSource, find, read};
use super::{code, sheet};
use crate::pages::{Ink, Page};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_dots_are_read(
        width in 1_u32..900,
        height in 1_u32..900,
        x_dpi in 40.0_f32..700.0,
        y_dpi in 40.0_f32..700.0,
        seed: u64,
        density in 0_u8..=255,
    ) {
        let mut state = seed | 1;
        let stride = (width as usize).div_ceil(8);
        let bits = (0..stride * height as usize)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                if (state >> 40) as u8 <= density { (state >> 16) as u8 } else { 0 }
            })
            .collect();
        let page = Page { width, height, x_dpi, y_dpi, ink: Ink::Bilevel(bits), damaged: false };
        prop_assert_eq!(read(&page), SheetSearch::Nothing);
    }

    #[test]
    fn rectangles_and_shadows_are_read(
        rects in prop::collection::vec((0.0_f32..200.0, 0.0_f32..290.0, 0.2_f32..80.0, 0.2_f32..80.0), 0..40),
        grey: bool,
    ) {
        let mut page = Page::white_a4(98.0);
        for (x, y, width, height) in rects {
            page.fill_rect_mm(x, y, width, height);
        }
        if grey {
            let dots = page.grey_scaled(432, 611).iter().map(|d| d / 2 + 40).collect();
            page = Page { width: 432, height: 611, x_dpi: 52.0, y_dpi: 52.0, ink: Ink::Grey(dots), damaged: false };
        }
        prop_assert_eq!(read(&page), SheetSearch::Nothing);
    }
}

/// The decoder would try every three of them, for minutes.
#[test]
fn a_page_full_of_corners_of_codes_is_given_up() {
    let corner = |page: &mut Page, x: f32, y: f32| {
        let side = |page: &mut Page, x, y, w, h| page.fill_rect_mm(x, y, w, h);
        side(page, x, y, 7.0, 1.0);
        side(page, x, y + 6.0, 7.0, 1.0);
        side(page, x, y, 1.0, 7.0);
        side(page, x + 6.0, y, 1.0, 7.0);
        side(page, x + 2.0, y + 2.0, 3.0, 3.0);
    };
    let mut page = Page::white_a4(196.0);
    for n in 0..20 * 28 {
        corner(&mut page, 5.0 + (n % 20) as f32 * 10.0, 5.0 + (n / 20) as f32 * 10.0);
    }
    assert_eq!(read(&page), SheetSearch::Nothing);
    // Where the marks tell the place of the code, nothing is searched.
    let mut page = sheet(196.0);
    for n in 0..20 * 8 {
        corner(&mut page, 5.0 + (n % 20) as f32 * 10.0, 25.0 + (n / 20) as f32 * 10.0);
    }
    assert_eq!(find(&page).map(|f| (f.code, f.source)), Some((code(), SheetSource::Guided)));
}
