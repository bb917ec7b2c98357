//! Pages that nobody has printed.

use super::super::{SheetSearch, read};
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
