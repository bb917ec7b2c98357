#![no_main]
//! Any dots as a page: a sheet is found or not, and nothing else happens. The first bytes tell the size.
use kakehashi_fax::pages::{Ink, Page};
use kakehashi_fax::sheet::read;
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some(([a, b, c, d], dots)) = bytes.split_first_chunk::<4>() else { return };
    let (width, height) = (u32::from(*a) * 8 + u32::from(*b) % 8 + 1, u32::from(*c) * 12 + 1);
    let stride = (width as usize).div_ceil(8);
    let bits = dots.iter().copied().cycle().chain(std::iter::repeat(0)).take(stride * height as usize).collect();
    let (x_dpi, y_dpi) = [(204.0, 98.0), (204.0, 196.0), (200.0, 200.0), (300.0, 300.0)][usize::from(*d) % 4];
    let _ = read(&Page { width, height, x_dpi, y_dpi, ink: Ink::Bilevel(bits), damaged: false });
});
